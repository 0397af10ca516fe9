"""Speechmatics: speech to text in real time."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from patter_speechmatics._options import VocabularyWord
    from patter_speechmatics.stt import SpeechmaticsSTT

__version__ = "0.1.0"
__all__ = ["SpeechmaticsSTT", "VocabularyWord"]

_HOME = {"SpeechmaticsSTT": "stt", "VocabularyWord": "_options"}


def __getattr__(name: str) -> object:
    if home := _HOME.get(name):
        from importlib import import_module

        return getattr(import_module(f"patter_speechmatics.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
