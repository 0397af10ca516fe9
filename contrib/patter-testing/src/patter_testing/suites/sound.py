"""What can be told from audio alone: is it a file, and where does its sound begin?"""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np

from patter.audio.convert import convert
from patter.audio.formats import AudioFormat, Encoding

_QUIET = 128
"""Amplitude below which nobody hears anything, of 32768 (-48 dBFS)."""

_HEADERS = {
    b"RIFF": "WAV",
    b"OggS": "Ogg",
    b"fLaC": "FLAC",
    b"ID3": "MP3",
    b"FORM": "AIFF",
    b".snd": "AU",
    b"\x1aE\xdf\xa3": "WebM",
}
_WAV = re.compile(rb"RIFF.{4}WAVE", re.DOTALL)
_STARTS_BYTES = max(map(len, _HEADERS))


def header_in(pieces: Iterable[bytes]) -> str:
    """The kind of file whose header one of *pieces* begins with, or the first few form; or "".

    A WAV header is found anywhere, since vendors begin each sentence with one.

    >>> header_in([b"RI", b"FF$\\x00\\x00\\x00WAVEfmt "]), header_in([b"no header"])
    ('WAV', '')
    """
    pieces = [piece for piece in pieces if piece]
    sound = b"".join(pieces)
    if _WAV.search(sound):
        return "WAV"
    for start in [sound[:_STARTS_BYTES], *pieces]:
        for magic, name in _HEADERS.items():
            if start.startswith(magic):
                return name
    return ""


def quiet_ms(sound: bytes, audio: AudioFormat) -> float:
    """How long *sound* is silent at its beginning, in milliseconds.

    >>> from patter.audio.formats import PCM16_8K
    >>> quiet_ms(bytes(160) + b"\\x00\\x10" * 80, PCM16_8K)
    10.0
    """
    linear = convert(sound, audio, AudioFormat(Encoding.PCM16, audio.rate_hz))
    loud = np.abs(np.frombuffer(linear, "<i2").astype(np.int32)) >= _QUIET
    samples = int(loud.argmax()) if loud.any() else len(loud)
    return samples * 1_000 / audio.rate_hz
