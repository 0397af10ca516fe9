"""Transcriptions over HTTP as pure functions: audio as a file, forms, and answers as values."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

from patter.audio.formats import AudioFormat
from patter.errors import PatterError
from patter.providers.stt import Transcript, Word
from patter_openai._errors import ERRORS
from patter_openai._gate import Stretch

LEAST_MS = 100
"""OpenAI refuses a shorter file; silence makes one long enough."""

_UNREADABLE = (AttributeError, KeyError, OverflowError, TypeError, ValueError)


def wav(sound: bytes, audio: AudioFormat) -> bytes:
    """*sound*, linear, as a file, at the least `LEAST_MS` long.

    >>> from patter.audio.formats import PCM16_8K
    >>> len(wav(b"", PCM16_8K)), wav(b"", PCM16_8K)[:4]
    (1644, b'RIFF')
    """
    sound += bytes(max(0, audio.bytes_in(LEAST_MS) - len(sound)))
    rate, size = audio.rate_hz, len(sound)
    head = struct.pack(
        "<4sI8sIHHIIHH", b"RIFF", 36 + size, b"WAVEfmt ", 16, 1, 1, rate, rate * 2, 2, 16
    )
    return head + struct.pack("<4sI", b"data", size) + sound


def decoded(body: Any, stretch: Stretch) -> Transcript:
    """The words in *body*, which are those of *stretch*. Raises PatterError for anything else."""
    try:
        if not isinstance(body["text"], str):
            raise TypeError("not text")
        return Transcript(
            body["text"].strip(),
            final=True,
            end_ms=stretch.end_ms,
            words=_words(body.get("words") or (), stretch),
        )
    except PatterError:
        raise
    except _UNREADABLE:
        raise ERRORS.garbled(body) from None


def _words(words: Any, stretch: Stretch) -> tuple[Word, ...]:
    """Timed words; seconds of the file become milliseconds of all audio, and never run back."""
    timed, latest = [], 0
    for each in words:
        start = max(latest, stretch.position_ms(float(each["start"]) * 1_000))
        latest = max(start, stretch.position_ms(float(each["end"]) * 1_000))
        timed.append(Word(str(each["word"]).strip(), start, latest))
    return tuple(timed)


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
