"""A Telnyx of one's own on 127.0.0.1: its API, its signed webhooks, its media streams.

Applications test their agents with it. It needs neither an account nor the network,
but the extra ``patter-telnyx[double]``.
"""

from __future__ import annotations

from patter.plugins.installing import needs

with needs("patter_testing", install="patter-telnyx[double]"):
    from patter_telnyx.double.account_double import TelnyxAccountDouble
    from patter_telnyx.double.numbers import Application, Number
    from patter_telnyx.double.vendor import TelnyxDouble

__all__ = ["Application", "Number", "TelnyxAccountDouble", "TelnyxDouble"]
