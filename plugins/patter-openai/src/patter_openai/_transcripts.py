"""Which words stand, in the order in which they were said, and which pause they answer (pure).

Items complete in any order; a final is told when those before it were. A pause is answered by the
last final of what was pending then, or by an empty one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import attrs

from patter.providers.stt import SpeechEnded, SpeechStarted, STTEvent, Transcript, TurnEnded
from patter_openai._transcription_wire import (
    Committed,
    Complete,
    Delta,
    NothingToCommit,
    ServerEvent,
    VoiceBegan,
    VoiceEnded,
)

MOST_ABANDONED = 32
"""How many items that were given up are still told when they complete."""


@attrs.define(eq=False)
class _Item:
    """Audio that is, or will be, transcribed; *end_ms* of all audio is where it ends."""

    id: str
    end_ms: int | None = None
    text: str = ""
    complete: bool = False
    abandoned: bool = False
    ends_turn: bool = False
    confidence: float | None = None


@attrs.define(eq=False)
class Transcripts:
    """The words of one session. If *ends_turns*, the vendor's pauses are ends of turns."""

    ends_turns: bool = False
    _items: deque[_Item] = attrs.field(factory=deque, init=False)
    _commits: deque[int] = attrs.field(factory=deque, init=False)
    """Where the audio ends that was committed, and not yet acknowledged."""

    _waiting: bool = attrs.field(default=False, init=False)
    _has_text: bool = attrs.field(default=False, init=False)
    _committed_ms: int = attrs.field(default=-1, init=False)

    @property
    def waiting(self) -> bool:
        """Is there a pause that was not answered yet?"""
        return self._waiting

    @property
    def committed_ms(self) -> int:
        """Up to here the vendor has committed by itself, in milliseconds of all audio."""
        return self._committed_ms

    def commit(self, end_ms: int) -> None:
        """What was said until *end_ms* was sent to be transcribed."""
        self._commits.append(end_ms)

    def pause(self) -> list[STTEvent]:
        """The caller has paused: an answer at once, if there is nothing to wait for."""
        self._waiting, self._has_text = True, False
        return list(self._answered())

    def give_up(self) -> list[STTEvent]:
        """The vendor took too long: what is complete stands, and the pause is answered.

        Words that come later are still told, as a final of their own.
        """
        for item in self._items:
            item.abandoned = not item.complete
        self._commits.clear()
        events = list(self._finals())
        while len(self._items) > MOST_ABANDONED:
            self._items.popleft()
        return [*events, *self._answer()]

    def take(self, event: ServerEvent) -> list[STTEvent]:
        """What *event* makes known."""
        return list(self._taken(event))

    def _taken(self, event: ServerEvent) -> Iterator[STTEvent]:
        match event:
            case VoiceBegan(item, at_ms):
                self._item(item)
                yield SpeechStarted(at_ms)
            case VoiceEnded(item, at_ms):
                this = self._item(item)
                this.end_ms = self._committed_ms = at_ms
                this.ends_turn = self.ends_turns
                yield SpeechEnded(at_ms)
            case Committed(item):
                self._acknowledge(self._item(item))
            case NothingToCommit():
                if self._commits:
                    self._commits.popleft()
            case Delta(item, text):
                yield from self._more(self._item(item), text)
            case Complete(item, text, confidence):
                this = self._item(item)
                this.text, this.complete, this.confidence = text, True, confidence
                yield from self._finals()
        yield from self._answered()

    def _item(self, item_id: str) -> _Item:
        for item in self._items:
            if item.id == item_id:
                return item
        self._items.append(_Item(item_id))
        return self._items[-1]

    def _acknowledge(self, item: _Item) -> None:
        if item.end_ms is None and self._commits:
            item.end_ms = self._commits.popleft()

    def _more(self, item: _Item, text: str) -> Iterator[STTEvent]:
        item.text += text
        if item is self._items[0] and item.text.strip():
            yield Transcript(item.text.strip(), final=False, end_ms=item.end_ms)

    def _finals(self) -> Iterator[STTEvent]:
        """What is complete, up to the first that is still waited for."""
        for item in tuple(self._items):
            if item.complete:
                self._items.remove(item)
                yield from self._final(item)
            elif not item.abandoned:
                return

    def _final(self, item: _Item) -> Iterator[STTEvent]:
        if item.text:
            self._has_text = True
            yield Transcript(item.text, final=True, end_ms=item.end_ms, confidence=item.confidence)
            if item.ends_turn:
                yield TurnEnded()

    def _answered(self) -> Iterator[STTEvent]:
        """The answer of a pause, once nothing is pending any more."""
        if not self._commits and all(item.abandoned for item in self._items):
            yield from self._answer()

    def _answer(self) -> Iterator[STTEvent]:
        if self._waiting and not self._has_text:
            yield Transcript("", final=True)
        self._waiting = False
