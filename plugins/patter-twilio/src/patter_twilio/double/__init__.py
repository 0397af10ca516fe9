"""A Twilio of one's own on 127.0.0.1: its API, its signed webhooks, its media streams.

Applications test their agents with it. It needs neither an account nor the network,
but the extra ``patter-twilio[double]``.
"""

from __future__ import annotations

from patter.plugins.installing import needs

with needs("patter_testing", install="patter-twilio[double]"):
    from patter_twilio.double.account_double import TwilioAccountDouble
    from patter_twilio.double.numbers import Number
    from patter_twilio.double.vendor import TwilioDouble

__all__ = ["Number", "TwilioAccountDouble", "TwilioDouble"]
