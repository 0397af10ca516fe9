"""What the double of a recogniser hears: voice in audio, and words from a script (pure).

No double understands speech. This finds the stretches of voice in what it is sent, and takes the
next line of its script for each; a line becomes final once, and no position runs back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import attrs

from patter.audio.formats import AudioFormat
from patter.audio.level import powers
from patter.providers.stt import SpeechEnded, SpeechStarted, STTEvent, Transcript, Word

BLOCK_MS = 10
LEAST_MS = 100
"""How much voice is somebody who speaks; less is a click, forgotten after as much silence."""
QUIET = 1e-6
"""The mean square of what is still silence: -60 dB of full scale."""


def measured(voice_ms: float) -> str:
    """What is heard without a script: how much voice there was.

    >>> measured(800.0)
    '800 ms'
    """
    return f"{voice_ms:.0f} ms"


def _lines(script: Iterable[str]) -> Iterator[str]:
    return iter(script)


@attrs.define
class _Stretch:
    """Voice that is not final yet, in milliseconds of all audio; *line* is None if measured."""

    start_ms: float
    end_ms: float
    voice_ms: float = 0.0
    begun: bool = False
    line: str | None = None
    shown: list[str] = attrs.field(factory=list)


@attrs.define(eq=False)
class ScriptedListener:
    """Hears *audio* as the lines of *script*; then, and without one, as *otherwise* says.

    An interim comes each *word_ms* of voice. A final comes when it is asked for, and, unless
    *pause_ms* is 0, after so much silence. A script that goes on in the next session is given as
    an iterator. What is returned is in order: SpeechStarted, interims, SpeechEnded, a final.

    >>> from patter.audio.formats import MULAW_8K
    >>> ear = ScriptedListener(MULAW_8K, ["a table please"])
    >>> [heard.text for heard in ear.feed(b"\\x10" * 4_000) if isinstance(heard, Transcript)]
    ['a', 'a table']
    >>> ear.finalize()[-1].text, ear.finalize()[-1].text
    ('a table please', '')
    """

    audio: AudioFormat
    script: Iterator[str] = attrs.field(default=(), converter=_lines)
    otherwise: Callable[[float], str] = attrs.field(default=measured, kw_only=True)
    pause_ms: float = attrs.field(default=0.0, kw_only=True)
    word_ms: float = attrs.field(default=250.0, kw_only=True)
    _fed: int = attrs.field(default=0, init=False)
    _rest: bytes = attrs.field(default=b"", init=False, repr=False)
    _stretch: _Stretch | None = attrs.field(default=None, init=False)

    @property
    def position_ms(self) -> float:
        """How much audio it was fed."""
        return self.audio.ms_in(self._fed + len(self._rest))

    @property
    def pending(self) -> str:
        """The words that a final would have now; "" if there were none."""
        stretch = self._stretch
        return self._text(stretch) if stretch and stretch.begun else ""

    def feed(self, audio: bytes) -> list[STTEvent]:
        """Listen to *audio*, cut anywhere."""
        self._rest += audio
        size = self.audio.bytes_in(BLOCK_MS)
        return list(self._listen(len(self._rest) // size * size))

    def finalize(self) -> list[STTEvent]:
        """What is pending becomes final; the last event is a final, an empty one if none was."""
        heard = list(self._rest_of_block())
        if (end := list(self._end())) and isinstance(end[-1], Transcript):
            return heard + end
        return [*heard, *end, Transcript("", True, int(self.position_ms))]

    def hear(self, text: str, *, final: bool = True) -> list[STTEvent]:
        """Hear *text* now, in place of what the voice that is not final yet would have been."""
        heard = list(self._rest_of_block())
        stretch = self._stretch = self._stretch or _Stretch(self.position_ms, self.position_ms)
        heard += self._begin(stretch, text)
        stretch.line, stretch.end_ms = text, self.position_ms
        if final:
            return heard + self.finalize()
        return [*heard, _transcript(stretch, text.split(), final=False)]

    def _rest_of_block(self) -> Iterator[STTEvent]:
        size = self.audio.sample_bytes
        return self._listen(len(self._rest) // size * size)

    def _listen(self, size: int) -> Iterator[STTEvent]:
        """Take the next *size* bytes, block by block."""
        part, self._rest = self._rest[:size], self._rest[size:]
        block, end = self.audio.bytes_in(BLOCK_MS), self._fed + size
        for power in powers(part, self.audio, BLOCK_MS):
            begin_ms = self.audio.ms_in(self._fed)
            self._fed = min(self._fed + block, end)
            now_ms = self.audio.ms_in(self._fed)
            if power > QUIET:
                yield from self._voice(begin_ms, now_ms)
            elif self._stretch is not None:
                yield from self._silence(self._stretch, now_ms)

    def _voice(self, begin_ms: float, now_ms: float) -> Iterator[STTEvent]:
        stretch = self._stretch = self._stretch or _Stretch(begin_ms, begin_ms)
        before = stretch.voice_ms // self.word_ms
        stretch.voice_ms += now_ms - begin_ms
        stretch.end_ms = now_ms
        if stretch.voice_ms < LEAST_MS and not stretch.begun:
            return
        yield from self._begin(stretch)
        if (count := stretch.voice_ms // self.word_ms) > before:
            yield from self._interim(stretch, int(count))

    def _begin(self, stretch: _Stretch, line: str | None = None) -> Iterator[STTEvent]:
        """Somebody speaks: the script's next line is taken, unless *line* is given."""
        if not stretch.begun:
            stretch.begun = True
            stretch.line = next(self.script, None) if line is None else line
            yield SpeechStarted(int(stretch.start_ms))

    def _interim(self, stretch: _Stretch, count: int) -> Iterator[STTEvent]:
        """The first *count* words, if they are news."""
        words = self._text(stretch).split()
        words = words if stretch.line is None else words[:count]
        if words and words != stretch.shown:
            stretch.shown = words
            yield _transcript(stretch, words, final=False)

    def _silence(self, stretch: _Stretch, now_ms: float) -> Iterator[STTEvent]:
        silent_ms = now_ms - stretch.end_ms
        if not stretch.begun and silent_ms >= LEAST_MS:
            self._stretch = None
        elif stretch.begun and self.pause_ms and silent_ms >= self.pause_ms:
            yield from self._end()

    def _end(self) -> Iterator[STTEvent]:
        """The stretch is over, and its words are final."""
        stretch, self._stretch = self._stretch, None
        if stretch and stretch.begun:
            yield SpeechEnded(int(stretch.end_ms))
            if words := self._text(stretch).split():
                yield _transcript(stretch, words, final=True)

    def _text(self, stretch: _Stretch) -> str:
        return self.otherwise(stretch.voice_ms) if stretch.line is None else stretch.line


def _transcript(stretch: _Stretch, words: list[str], *, final: bool) -> Transcript:
    """*words*, spread over the stretch."""
    start, each = stretch.start_ms, (stretch.end_ms - stretch.start_ms) / max(len(words), 1)
    times = [int(start + each * at) for at in range(len(words))] + [int(stretch.end_ms)]
    return Transcript(
        " ".join(words),
        final,
        end_ms=int(stretch.end_ms),
        words=tuple(map(Word, words, times, times[1:])),
    )
