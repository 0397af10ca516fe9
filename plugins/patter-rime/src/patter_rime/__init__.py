"""Rime: text to speech over one socket a call, or over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from patter_rime.rest_tts import RimeRestTTS
    from patter_rime.tts import RimeTTS

__version__ = "0.1.0"
__all__ = ["RimeRestTTS", "RimeTTS"]

_HOME = {"RimeRestTTS": "rest_tts", "RimeTTS": "tts"}


def __getattr__(name: str) -> object:
    if home := _HOME.get(name):
        from importlib import import_module

        return getattr(import_module(f"patter_rime.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
