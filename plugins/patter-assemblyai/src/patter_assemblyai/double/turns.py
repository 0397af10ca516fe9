"""Turns, as AssemblyAI cuts them out of what an ear hears (pure).

Universal-Streaming makes words final one by one, and tells the end of a turn a second time, with
punctuation, if it is asked to; Universal-3 punctuates all it says, and ends a turn once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs

from patter.providers.stt import SpeechStarted, STTEvent, Transcript, Word
from patter_assemblyai.double import messages
from patter_assemblyai.double.messages import Body
from patter_assemblyai.double.params import Params
from patter_testing.doubles.scripted_listener import ScriptedListener

EAR_PAUSE_MS = 80
"""The pause at which the ear ends a stretch of voice; a turn is one or more of them."""

SURE, UNSURE = 0.9, 0.2
"""How sure of its end this AssemblyAI is: of words that sound complete, and of others."""

HEARTBEAT_MS = SILENCE_MS = 1_000
_OPEN_ENDS = (",", "...", "…")


@attrs.define(eq=False)
class TurnTaking:
    """Hears with *ear*. *tells_voice*: does it send SpeechStarted? *answers_empty*: does it answer
    a ForceEndpoint when no turn is open, with an empty one?"""

    params: Params
    ear: ScriptedListener
    tells_voice: bool = True
    answers_empty: bool = False
    _order: int = attrs.field(default=0, init=False)
    _open: bool = attrs.field(default=False, init=False)
    _words: list[Word] = attrs.field(factory=list, init=False)
    _ended_ms: float | None = attrs.field(default=None, init=False)
    _quiet_since_ms: float = attrs.field(default=0.0, init=False)

    def heard(self, events: Iterable[STTEvent]) -> Iterator[Body]:
        """What the ear makes of the audio, as messages."""
        for event in events:
            match event:
                case SpeechStarted(at_ms):
                    yield from self._begin(float(at_ms or 0))
                case Transcript(final=False, words=words):
                    yield self._partial([*self._words, *words], pending=len(words) and 1)
                case Transcript(text=text, words=words, end_ms=end_ms) if text:
                    self._words += words
                    self._ended_ms = float(end_ms or 0)

    def pass_time(self) -> Iterator[Body]:
        """Silence ends a turn: soon if it sounds complete, and at last in any case."""
        now_ms = self.ear.position_ms
        if self._open and self._ended_ms is not None:
            silent_ms = now_ms - self._ended_ms
            if silent_ms >= self.params.max_silence_ms or (
                self._is_sure and silent_ms >= self.params.min_silence_ms
            ):
                yield from self._end()
        if self._open:
            self._quiet_since_ms = now_ms
        elif self.params.flag("acknowledge_silence") and (
            now_ms - self._quiet_since_ms >= SILENCE_MS
        ):
            yield messages.silence(self._quiet_since_ms, now_ms)
            self._quiet_since_ms = now_ms

    def force(self) -> Iterator[Body]:
        """End the turn that is open, now; what is pending belongs to it."""
        if not self._open:
            if self.answers_empty:
                yield self._message("", [], ends=True, formatted=not self.params.streams)
                self._order += 1
            return
        for event in self.ear.finalize():
            if isinstance(event, Transcript):
                self._words += event.words
        yield from self._end()

    @property
    def is_open(self) -> bool:
        """Has a turn begun that has not ended?"""
        return self._open

    @property
    def _is_sure(self) -> bool:
        complete = not _text(self._words).endswith(_OPEN_ENDS)
        if not self.params.streams:
            return complete
        return (SURE if complete else UNSURE) >= self.params.threshold

    def _begin(self, at_ms: float) -> Iterator[Body]:
        self._ended_ms = None
        if not self._open:
            self._open = True
            if self.tells_voice:
                yield messages.speech_started(at_ms)

    def _partial(self, words: list[Word], pending: int) -> Body:
        if not self.params.streams:
            return self._message(formatted_text(_text(words)), words)
        return self._message(_text(words[: len(words) - pending]), words, pending=pending)

    def _end(self) -> Iterator[Body]:
        words, text = self._words, _text(self._words)
        if self.params.streams:
            yield self._message(text, words, ends=True)
        if not self.params.streams or self.params.flag("format_turns"):
            yield self._message(formatted_text(text), punctuated(words), ends=True, formatted=True)
        self._order += 1
        self._open, self._ended_ms, self._words = False, None, []

    def _message(
        self,
        transcript: str,
        words: list[Word],
        *,
        pending: int = 0,
        ends: bool = False,
        formatted: bool = False,
    ) -> Body:
        sure = SURE if self.params.streams else 1.0
        return messages.turn(
            self._order,
            transcript,
            words,
            pending=pending,
            ends=ends,
            formatted=formatted,
            confidence=sure if ends else 0.0,
            language="en" if ends and self.params.flag("language_detection") else "",
            speaker="A" if self.params.flag("speaker_labels") else "",
        )


def formatted_text(text: str) -> str:
    """*text* with punctuation.

    >>> formatted_text("a table, please"), formatted_text("really?"), formatted_text("")
    ('A table, please.', 'Really?', '')
    """
    ended = text and not text.endswith((".", "?", "!", *_OPEN_ENDS))
    return text[:1].upper() + text[1:] + ("." if ended else "")


def punctuated(words: list[Word]) -> list[Word]:
    """*words*, spelt as in the text that has punctuation."""
    spelt = formatted_text(_text(words)).split()
    return [attrs.evolve(word, text=text) for word, text in zip(words, spelt, strict=True)]


def _text(words: Iterable[Word]) -> str:
    return " ".join(word.text for word in words)
