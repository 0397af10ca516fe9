"""A Soniox of one's own on 127.0.0.1: ``/transcribe-websocket`` and ``/v1/models``.

Applications test their agents with it. It needs neither a key nor the network, but the extra
``patter-soniox[double]``.
"""

from __future__ import annotations

from patter.plugins.installing import needs

with needs("patter_testing", install="patter-soniox[double]"):
    from patter_soniox.double.vendor import SonioxDouble

__all__ = ["SonioxDouble"]
