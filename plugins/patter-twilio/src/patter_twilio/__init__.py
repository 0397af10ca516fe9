"""Phone calls over Twilio, and a Twilio of your own to test agents with."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from patter_twilio.carrier import Twilio

__version__ = "0.1.0"
__all__ = ["Twilio"]

_HOME = {"Twilio": "carrier"}


def __getattr__(name: str) -> object:
    if home := _HOME.get(name):
        from importlib import import_module

        return getattr(import_module(f"patter_twilio.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
