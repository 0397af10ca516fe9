"""An offline voice; nothing is imported until a name is used."""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from patter_espeak.tts import EspeakTTS

__all__ = ["EspeakTTS"]


def __getattr__(name: str) -> object:
    if name == "EspeakTTS":
        from patter_espeak.tts import EspeakTTS

        return EspeakTTS
    raise AttributeError(f"module 'patter_espeak' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
