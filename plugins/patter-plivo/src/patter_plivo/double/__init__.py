"""A Plivo of one's own on 127.0.0.1: its API, its signed webhooks, its audio streams.

Applications test their agents with it. It needs neither an account nor the network,
but the extra ``patter-plivo[double]``.
"""

from __future__ import annotations

from patter.plugins.installing import needs

with needs("patter_testing", install="patter-plivo[double]"):
    from patter_plivo.double.account import Application, Number
    from patter_plivo.double.account_double import PlivoAccountDouble
    from patter_plivo.double.vendor import PlivoDouble

__all__ = ["Application", "Number", "PlivoAccountDouble", "PlivoDouble"]
