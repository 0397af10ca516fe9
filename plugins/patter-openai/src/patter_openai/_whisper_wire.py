"""Transcriptions over HTTP as pure functions: audio as a file, and forms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from patter.audio.formats import AudioFormat
from patter.vendors import utterances

LEAST_MS = 100
"""OpenAI refuses a shorter file; silence makes one long enough."""


def wav(sound: bytes, audio: AudioFormat) -> bytes:
    """*sound*, linear, as a file, at the least `LEAST_MS` long."""
    return utterances.wav(sound.ljust(audio.bytes_in(LEAST_MS), b"\0"), audio)


def pairs(form: Mapping[str, Any]) -> list[tuple[str, str]]:
    """*form* as it is sent: a field for each of several values, and a bracket says so.

    >>> pairs({"model": "whisper-1", "keywords": ["a", "b"]})
    [('model', 'whisper-1'), ('keywords[]', 'a'), ('keywords[]', 'b')]
    """
    return [
        (f"{name}[]" if isinstance(value, list) else name, str(each))
        for name, value in form.items()
        for each in (value if isinstance(value, list) else [value])
    ]


def form(options: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the form: what is empty is left out, as the vendor's default.

    >>> form({"model": "whisper-1", "language": "", "keywords": ("a", "b")})
    {'model': 'whisper-1', 'keywords': ['a', 'b']}
    """
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in options.items()
        if value not in ("", None, ())
    }
