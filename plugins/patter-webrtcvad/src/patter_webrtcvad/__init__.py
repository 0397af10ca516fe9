"""WebRTC's voice detection for Patter; the class is imported when it is first named."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from patter_webrtcvad.vad import WebrtcVAD

__version__ = "0.1.0"
__all__ = ["WebrtcVAD"]


def __getattr__(name: str) -> object:
    if name == "WebrtcVAD":
        from patter_webrtcvad.vad import WebrtcVAD

        return WebrtcVAD
    raise AttributeError(f"module 'patter_webrtcvad' has no attribute {name!r}")
