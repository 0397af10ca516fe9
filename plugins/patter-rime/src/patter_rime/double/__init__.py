"""A Rime of one's own on 127.0.0.1: ``/ws3``, ``/ws2``, ``/v1/rime-tts`` and ``/oov``.

Applications test their agents with it. It needs neither a key nor the network, but the extra
``patter-rime[double]``.
"""

from __future__ import annotations

from patter.plugins.installing import needs

with needs("patter_testing", install="patter-rime[double]"):
    from patter_rime.double.latency import typical
    from patter_rime.double.vendor import RimeDouble

__all__ = ["RimeDouble", "typical"]
