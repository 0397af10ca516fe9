"""An LMNT of one's own on 127.0.0.1: speech sessions, ``/v1/ai/speech/bytes``, voices, account.

Applications test their agents with it. It needs neither a key nor the network, but the extra
``patter-lmnt[double]``.
"""

from __future__ import annotations

from patter.plugins.installing import needs

with needs("patter_testing", install="patter-lmnt[double]"):
    from patter_lmnt.double.vendor import LMNTDouble, typical_latency

__all__ = ["LMNTDouble", "typical_latency"]
