"""An Anthropic of one's own on 127.0.0.1: the Messages API, as strict as the vendor's.

Applications test their agents with it. It needs neither an account nor the network, but the
extra ``patter-anthropic[double]``.
"""

from __future__ import annotations

from patter.plugins.installing import needs

with needs("patter_testing", install="patter-anthropic[double]"):
    from patter_anthropic.double.anthropic_double import AnthropicDouble
    from patter_anthropic.double.turn import Turn

__all__ = ["AnthropicDouble", "Turn"]
