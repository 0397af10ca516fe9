"""A tunnel of Cloudflare's for Patter; the class is imported when it is first named."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from patter_cloudflare.tunnel import CloudflareTunnel

__version__ = "0.1.0"
__all__ = ["CloudflareTunnel"]


def __getattr__(name: str) -> object:
    if name == "CloudflareTunnel":
        from patter_cloudflare.tunnel import CloudflareTunnel

        return CloudflareTunnel
    raise AttributeError(f"module 'patter_cloudflare' has no attribute {name!r}")
