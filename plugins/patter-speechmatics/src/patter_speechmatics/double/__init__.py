"""A Speechmatics of one's own on 127.0.0.1: the real-time socket ``/v2``.

Applications test their agents with it. It needs neither a key nor the network, but the extra
``patter-speechmatics[double]``.
"""

from __future__ import annotations

from patter.plugins.installing import needs

with needs("patter_testing", install="patter-speechmatics[double]"):
    from patter_speechmatics.double.vendor import SpeechmaticsDouble

__all__ = ["SpeechmaticsDouble"]
