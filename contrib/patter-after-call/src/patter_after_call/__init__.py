"""What follows a call: a model's summary, outcome and review of it, and webhooks that arrive."""

from patter_after_call.outbox import Outbox
from patter_after_call.settings import AfterCall
from patter_after_call.worker import after_calls

__version__ = "0.1.0"

__all__ = ["AfterCall", "Outbox", "after_calls"]
