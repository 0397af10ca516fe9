"""A Groq of one's own on 127.0.0.1: chat completions, transcriptions and models.

Applications test their agents with it. It needs neither a key nor the network, but the extra
``patter-groq[double]``.
"""

from __future__ import annotations

from patter.plugins.installing import needs

with needs("patter_testing", install="patter-groq[double]"):
    from patter_groq.double.chat import FailedToolUse
    from patter_groq.double.groq_double import GroqDouble
    from patter_groq.double.vendor import LATENCY

__all__ = ["LATENCY", "FailedToolUse", "GroqDouble"]
