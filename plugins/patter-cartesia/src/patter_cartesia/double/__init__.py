"""A Cartesia of one's own on 127.0.0.1: the sockets of Ink and of Sonic, and its voices.

Applications test their agents with it. It needs neither a key nor the network, but the extra
``patter-cartesia[double]``.
"""

from __future__ import annotations

from patter.plugins.installing import needs

with needs("patter_testing", install="patter-cartesia[double]"):
    from patter_cartesia.double.vendor import TYPICAL, CartesiaDouble

__all__ = ["TYPICAL", "CartesiaDouble"]
