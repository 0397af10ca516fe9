"""LMNT: text to speech over speech sessions, and over streaming HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from patter_lmnt.rest_tts import LMNTRestTTS
    from patter_lmnt.tts import LMNTTTS

__version__ = "0.1.0"
__all__ = ["LMNTTTS", "LMNTRestTTS"]

_HOME = {"LMNTTTS": "tts", "LMNTRestTTS": "rest_tts"}


def __getattr__(name: str) -> object:
    if home := _HOME.get(name):
        from importlib import import_module

        return getattr(import_module(f"patter_lmnt.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
