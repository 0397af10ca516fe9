"""Cartesia: speech to text with Ink, text to speech with Sonic."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from patter_cartesia.stt import CartesiaSTT
    from patter_cartesia.tts import CartesiaTTS
    from patter_cartesia.turns_stt import CartesiaTurnsSTT

__version__ = "0.1.0"
__all__ = ["CartesiaSTT", "CartesiaTTS", "CartesiaTurnsSTT"]

_HOME = {"CartesiaSTT": "stt", "CartesiaTTS": "tts", "CartesiaTurnsSTT": "turns_stt"}


def __getattr__(name: str) -> object:
    if home := _HOME.get(name):
        from importlib import import_module

        return getattr(import_module(f"patter_cartesia.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
