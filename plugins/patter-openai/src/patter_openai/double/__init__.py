"""An OpenAI of one's own on 127.0.0.1: models, voices, recognisers, moderation, sockets.

Applications test their agents with it. It needs neither an account nor the network, but the
extra ``patter-openai[double]``.
"""

from __future__ import annotations

from patter.plugins.installing import needs

with needs("patter_testing", install="patter-openai[double]"):
    from patter_openai.double.openai_double import OpenAIDouble

__all__ = ["OpenAIDouble"]
