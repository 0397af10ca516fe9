"""An ElevenLabs of one's own on 127.0.0.1: voices, Scribe, agents.

Applications test their agents with it. It needs neither an account nor the network,
but the extra ``patter-elevenlabs[double]``.
"""

from __future__ import annotations

from patter.plugins.installing import needs

with needs("patter_testing", install="patter-elevenlabs[double]"):
    from patter_elevenlabs.double.vendor import ElevenLabsDouble

__all__ = ["ElevenLabsDouble"]
