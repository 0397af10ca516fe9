"""Transcriptions as pure functions: audio as a file, and answers as values."""

from __future__ import annotations

import struct
from typing import Any

from patter.audio.formats import AudioFormat
from patter.providers.stt import Transcript, Word
from patter_groq._errors import ERRORS
from patter_groq._utterance import Utterance

_UNREADABLE = (AttributeError, KeyError, OverflowError, TypeError, ValueError)


def wav(sound: bytes, audio: AudioFormat) -> bytes:
    """*sound*, linear and of one channel, as a file.

    >>> from patter.audio.formats import PCM16_8K
    >>> len(wav(bytes(320), PCM16_8K)), wav(b"", PCM16_8K)[:4]
    (364, b'RIFF')
    """
    rate, size = audio.rate_hz, len(sound)
    shape = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, rate * 2, 2, 16)
    head = struct.pack("<4sI4s", b"RIFF", 36 + size, b"WAVE")
    return head + shape + struct.pack("<4sI", b"data", size) + sound


def decoded(body: Any, utterance: Utterance) -> Transcript:
    """The words in *body*, which are those of *utterance*. Raises PatterError for anything else."""
    try:
        if not isinstance(body["text"], str):
            raise TypeError("not text")
        words = tuple(_words(body.get("words") or (), utterance))
        return Transcript(body["text"].strip(), final=True, end_ms=utterance.end_ms, words=words)
    except _UNREADABLE:
        raise ERRORS.garbled(type(body).__name__) from None


def _words(words: Any, utterance: Utterance) -> list[Word]:
    """Timed words; their positions are those of all audio, and never run back."""
    timed, latest = list[Word](), utterance.start_ms
    for each in words:
        start = max(latest, utterance.position_ms(float(each["start"])))
        latest = max(start, utterance.position_ms(float(each["end"])))
        timed.append(Word(str(each["word"]).strip(), start, latest))
    return timed
