"""What ``/stt/websocket`` says, as a pure state: messages in, events of the contract out.

A final is the text since the final before, and may end in the middle of a word; so finals are
joined as they are, and held, until Cartesia has told that a pause is answered, or sends no more.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from patter.errors import PatterError
from patter.providers.stt import STTEvent, Transcript, Word
from patter.vendors.sockets import decoded
from patter_cartesia._errors import ERRORS, of_event
from patter_cartesia._positions import Positions
from patter_cartesia._repeats import rest_of

FINALIZE = "finalize"
CLOSE = "close"
"""Bare words, where ``/stt/turns/websocket`` takes JSON."""

SETTLE_MS = 500.0
"""Finals that nobody asked for, after so long without another, are all of what was said."""


@attrs.define(eq=False)
class InkHearing:
    """One session's state; a pause is answered within *finalize_ms*.

    *owed* pauses wait for their final. *due_ms* is when `overdue` is to be asked; None: never.
    """

    positions: Positions
    finalize_ms: float
    key: str = attrs.field(default="", repr=False)
    owed: int = attrs.field(default=0, init=False)
    due_ms: float | None = attrs.field(default=None, init=False)
    _held: str = attrs.field(default="", init=False)
    _words: list[Word] = attrs.field(factory=list, init=False)
    _untimed: bool = attrs.field(default=False, init=False)
    _interim: str = attrs.field(default="", init=False)
    _shown: str = attrs.field(default="", init=False)
    _before: str = attrs.field(default="", init=False)
    _final_ms: int = attrs.field(default=0, init=False)
    _late: int = attrs.field(default=0, init=False)
    _was_late: bool = attrs.field(default=False, init=False)

    @property
    def idle(self) -> bool:
        """Is there nothing that could still become final?"""
        return not (self.owed or self._held or self._interim)

    def paused(self, now_ms: float) -> str:
        """The caller has paused: what to send; a final is owed from now on."""
        self.owed += 1
        self._was_late = False
        self.due_ms = now_ms + self.finalize_ms
        return FINALIZE

    def overdue(self) -> list[STTEvent]:
        """What to say in Cartesia's place: the words that it has told so far, or none."""
        self.due_ms = None
        owed, self.owed = self.owed, 0
        if not owed:
            return self._settle()
        # The answers may still come, and are then no answers to the pauses after these. If one
        # came late since, and this pause has none either, then an answer was lost: count anew.
        self._late = 0 if self._was_late else self._late + owed
        rest, self._interim = self._interim, ""
        self._held += rest
        self._before += rest
        self._untimed = self._untimed or bool(rest)
        return self._settle() or [Transcript("", True)]

    def read(self, message: str | bytes, now_ms: float) -> list[STTEvent]:
        """The events in *message*. Raises PatterError for garbage and for what ends a session."""
        body = decoded(message, ERRORS)
        try:
            return list(self._events(body, now_ms))
        except PatterError:
            raise  # some of them are ValueErrors, too
        except (LookupError, TypeError, ValueError, OverflowError, AttributeError):
            raise ERRORS.garbled(message) from None

    def _events(self, body: Mapping[str, Any], now_ms: float) -> Iterable[STTEvent]:
        match body["type"]:
            case "transcript":
                yield from self._transcript(str(body["text"]), body, now_ms)
            case "flush_done":
                yield from self._flushed()
            case "error":
                raise of_event(body, self.key)

    def _transcript(self, text: str, body: Mapping[str, Any], now_ms: float) -> Iterable[STTEvent]:
        words = self._timed(body.get("words") or ())
        before, text = self._before, rest_of(text, self._before)
        if body["is_final"]:
            # What was told before its time has no times, and what is left of it neither.
            self._before = rest_of(before, str(body["text"]))
            words = [] if before else words
            self._held, self._interim = self._held + text, ""
            self._words += words
            self._untimed = self._untimed or (bool(text.strip()) and not words)
            if not self.owed:
                self.due_ms = now_ms + SETTLE_MS
        else:
            self._interim = text
        so_far = (self._held + self._interim).strip()
        if so_far and so_far != self._shown:
            self._shown = so_far
            yield Transcript(so_far, False, words[-1].end_ms if words else None)

    def _flushed(self) -> Iterable[STTEvent]:
        """All audio until a pause is told of; the pause is answered, unless it was before."""
        if self._late:
            self._late, self._was_late = self._late - 1, True
            self._before = self._before if self._late else ""
            yield from self._settle()
            return
        self._interim = self._before = ""
        answered, self.owed = self.owed > 0, max(0, self.owed - 1)
        yield from self._settle() or ([Transcript("", True)] if answered else [])

    def _settle(self) -> list[STTEvent]:
        """What is held is final."""
        text, words = self._held.strip(), () if self._untimed else tuple(self._words)
        self._held, self._shown, self._words, self._untimed = "", "", [], False
        if not self.owed:
            self.due_ms = None
        if not text:
            return []
        if words:
            self._final_ms = words[-1].end_ms
        return [Transcript(text, True, words[-1].end_ms if words else None, words=words)]

    def _timed(self, entries: Iterable[Mapping[str, Any]]) -> list[Word]:
        """The words in *entries*; none unless all lie in the audio that was sent, and in order.

        The SDK has them as lists of words, starts and ends, the documentation one by one.
        """
        rows = [row for each in entries for row in _rows(each)]
        words, least_ms = list[Word](), self._final_ms
        for text, start, end in rows:
            start_ms, end_ms = self._at(start), self._at(end)
            if start_ms is None or end_ms is None or not least_ms <= start_ms <= end_ms:
                return []
            words.append(Word(text.strip(), start_ms, end_ms))
            least_ms = start_ms
        return words

    def _at(self, seconds: float) -> int | None:
        if isinstance(seconds, bool) or not math.isfinite(seconds):
            raise ValueError("not a time")
        return self.positions.of_caller(seconds * 1_000)


def _rows(entry: Mapping[str, Any]) -> Iterable[tuple[str, float, float]]:
    if "word" in entry:
        return [(entry["word"], entry["start"], entry["end"])]
    return zip(entry["words"], entry["start"], entry["end"], strict=True)
