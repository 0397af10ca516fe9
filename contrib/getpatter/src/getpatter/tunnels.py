"""How carriers reach this machine: a tunnel of Cloudflare's, one of ngrok's, or a host you run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from getpatter.lazily import attributes

if TYPE_CHECKING:
    from patter import Static, StaticTunnel
    from patter_cloudflare import CloudflareTunnel
    from patter_ngrok import Ngrok

__all__ = ["CloudflareTunnel", "Ngrok", "Static", "StaticTunnel"]

__getattr__ = attributes(
    __name__,
    {
        "CloudflareTunnel": "patter_cloudflare",
        "Ngrok": "patter_ngrok",
        "Static": "patter",
        "StaticTunnel": "patter",
    },
)
