"""How the double speaks: text becomes audio that can be read back, in pieces with their characters.

Pure. Every letter lasts as long as every other, so that a test can tell what was heard.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import attrs

from patter.audio.formats import AudioFormat
from patter_testing.doubles.vendor_sound import MS_PER_LETTER, sounded

SCHEDULE = (120, 160, 250, 290)
"""How many characters are waited for before each piece of text is spoken, unless told."""

_SILENT_MP3 = b"\xff\xfb\x90\x64" + bytes(413)
_MP3_MS = 26


@attrs.define
class Buffer:
    """Text that waits to be spoken, in *auto* mode for nothing, else for *schedule* characters."""

    auto: bool
    schedule: Sequence[float] = SCHEDULE
    text: str = attrs.field(default="", init=False)
    _spoken: int = attrs.field(default=0, init=False)

    def add(self, text: str, flush: bool) -> str:
        """Take *text*; what is to be spoken now, if anything."""
        self.text += text
        needed = self.schedule[min(self._spoken, len(self.schedule) - 1)]
        if flush or self.auto or len(self.text) >= needed:
            return self.take()
        return ""

    def take(self) -> str:
        """All that waits; empty when it is nothing but space."""
        ready, self.text = self.text, ""
        if not ready.strip():
            return ""
        self._spoken += 1
        return ready


@attrs.frozen
class Sound:
    """A piece of audio, and its characters if they are told with it."""

    audio: bytes
    alignment: dict[str, list[Any]] | None


def pieces(
    text: str,
    audio: AudioFormat | None,
    *,
    sync: bool,
    ms_per_letter: int = MS_PER_LETTER,
    letters_per_piece: int = 4,
) -> Iterator[Sound]:
    """The audio of *text*, in *audio*; None is a compressed format, and is silent.

    With *sync* each piece has its own characters, timed from its beginning. Without, the first
    has all of the text's.
    """
    for at in range(0, len(text), letters_per_piece):
        part = text[at : at + letters_per_piece]
        spelt = alignment(part if sync else text, ms_per_letter) if sync or not at else None
        yield Sound(sound(part, audio, ms_per_letter), spelt)


def sound(text: str, audio: AudioFormat | None, ms_per_letter: int = MS_PER_LETTER) -> bytes:
    """The audio of *text*."""
    if audio is None:
        return _SILENT_MP3 * (1 + len(text) * ms_per_letter // _MP3_MS)
    return sounded(text, audio, ms_per_letter)


def alignment(text: str, ms_per_letter: int = MS_PER_LETTER) -> dict[str, list[Any]]:
    """The characters of *text* and their times, as messages have them.

    >>> alignment("hi", 50)
    {'chars': ['h', 'i'], 'charStartTimesMs': [0, 50], 'charDurationsMs': [50, 50]}
    """
    return {
        "chars": list(text),
        "charStartTimesMs": [at * ms_per_letter for at in range(len(text))],
        "charDurationsMs": [ms_per_letter] * len(text),
    }
