"""A Cerebras of one's own on 127.0.0.1: chat completions and models.

Applications test their agents with it. It needs neither a key nor the network, but the extra
``patter-cerebras[double]``.
"""

from __future__ import annotations

from patter.plugins.installing import needs

with needs("patter_testing", install="patter-cerebras[double]"):
    from patter_cerebras.double.cerebras_double import CerebrasDouble
    from patter_cerebras.double.vendor import LATENCY

__all__ = ["LATENCY", "CerebrasDouble"]
