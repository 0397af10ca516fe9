"""A Deepgram of one's own on 127.0.0.1: `/v1/listen`, `/v2/listen`, `/v1/speak` and `/v2/speak`.

Applications test their agents with it. It needs neither a key nor the network, but the extra
``patter-deepgram[double]``.
"""

from __future__ import annotations

from patter.plugins.installing import needs

with needs("patter_testing", install="patter-deepgram[double]"):
    from patter_deepgram.double.vendor import DeepgramDouble

__all__ = ["DeepgramDouble"]
