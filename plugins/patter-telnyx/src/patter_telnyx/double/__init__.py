"""A Telnyx of one's own on 127.0.0.1: its API, its signed webhooks, its media streams.

Applications test their agents with it. It needs neither an account nor the network.
"""

from __future__ import annotations

from patter_telnyx.double.company import Company, TelnyxDouble
from patter_telnyx.double.numbers import Application, Number

__all__ = ["Application", "Company", "Number", "TelnyxDouble"]
