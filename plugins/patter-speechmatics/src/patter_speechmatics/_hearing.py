"""What Speechmatics says, as a pure state: messages in, events of the contract out.

No sockets, no clocks. Words are final in slices, not in utterances; `EndOfUtterance` says that no
more come, after so much silence, or because it was forced. Times are seconds of the audio that
was sent, which is this session's.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from patter.errors import PatterError
from patter.providers.stt import STTEvent, Transcript, TurnEnded
from patter.vendors.sockets import decoded
from patter_speechmatics._errors import ERRORS, failed
from patter_speechmatics._results import heard
from patter_speechmatics._turns import Turns
from patter_speechmatics._wire import force_end, ms

RESTART_MS, LATE_MS = 1_000, 15_000
"""A session that gets little audio is parked, and may go on as a new one: its times run back by
more than the one, or lie further behind the audio than the other, which no `max_delay` allows."""

log = logging.getLogger("patter.speechmatics")


@attrs.define(eq=False)
class Hearing:
    """One session's state: which pauses wait for their end, and how much audio was confirmed.

    *focus* are the speakers that are heard, *delimiter* stands between words; *key* is kept out
    of errors. *alive* counts what came that was no mere confirmation; *sent_ms* of audio were sent.
    """

    turns: Turns
    focus: frozenset[str] = frozenset()
    delimiter: str = " "
    key: str = attrs.field(default="", repr=False)
    confirmed: int = attrs.field(default=0, init=False)
    alive: int = attrs.field(default=0, init=False)
    sent_ms: float = attrs.field(default=0.0, init=False)
    _answered: deque[bool] = attrs.field(factory=deque, init=False)
    _forced: bool = attrs.field(default=False, init=False)
    _base_ms: int = attrs.field(default=0, init=False)
    _final_ms: int = attrs.field(default=0, init=False)

    @property
    def owed(self) -> int:
        """How many pauses wait for their end."""
        return len(self._answered)

    def paused(self) -> str | None:
        """The caller has paused: what to send; a final is owed from now on."""
        self._answered.append(False)
        self._forced = not self.turns.waits
        return self._force() if self._forced else None

    def hurry(self) -> str | None:
        """The final did not come in time: what to send, unless it was asked for before."""
        if not self.owed or self._forced:
            return None
        self._forced = True
        return self._force()

    def overdue(self) -> list[STTEvent]:
        """It still did not come: what to say in Speechmatics' place."""
        return self._settle(len(self._answered))

    def passed(self) -> list[STTEvent]:
        """What it means that so much audio was sent."""
        return [TurnEnded()] if self.turns.passed(self.sent_ms) else []

    def read(self, message: str | bytes) -> list[STTEvent]:
        """The events in *message*. Raises PatterError for garbage and for what ends a session."""
        body = decoded(message, ERRORS)
        try:
            return list(self._events(body))
        except PatterError:  # some of them are ValueErrors
            raise
        except (LookupError, TypeError, ValueError, OverflowError, AttributeError):
            raise ERRORS.garbled(message) from None

    def _events(self, body: Mapping[str, Any]) -> Iterable[STTEvent]:
        kind = body["message"]
        if kind == "AudioAdded":
            self.confirmed = max(self.confirmed, int(body["seq_no"]))
            return
        self.alive += 1
        match kind:
            case "AddPartialTranscript":
                yield from self._words(body, final=False)
            case "AddTranscript":
                yield from self._words(body, final=True)
            case "EndOfUtterance":
                yield from self._utterance_ended()
            case "EndOfTranscript":
                raise failed("session_timeout", "it said that the transcript has ended", self.key)
            case "Error":
                raise failed(str(body["type"]), str(body["reason"]), self.key)
            case "Warning":
                self._warn(str(body["type"]), str(body["reason"]))

    def _words(self, body: Mapping[str, Any], *, final: bool) -> Iterable[STTEvent]:
        self._mind_restart(body)
        result = heard(
            body,
            final=final,
            focus=self.focus,
            delimiter=self.delimiter,
            base_ms=self._base_ms,
        )
        if not (words := result.transcript).text:
            return  # it says so all the time; what answers a pause is the end of the utterance
        if final:
            if self._answered:
                # Answers come in order, so it belongs to the pause that has waited longest.
                self._answered[0] = True
            self._final_ms = words.end_ms or 0
            self.turns.words(self._final_ms, result.ending)
        else:
            self.turns.interim()
        yield words

    def _mind_restart(self, body: Mapping[str, Any]) -> None:
        """Count on from here, if Speechmatics counts anew: its words end about now."""
        start_ms, end_ms = (ms(body["metadata"][name]) for name in ("start_time", "end_time"))
        runs_back = self._base_ms + start_ms < self._final_ms - RESTART_MS
        is_old = self._base_ms + end_ms < self.sent_ms - LATE_MS
        now_ms = round(self.sent_ms) - end_ms
        if body["results"] and (runs_back or is_old):
            self._base_ms = max(self._final_ms, now_ms)
        elif self._base_ms > now_ms >= 0:
            self._base_ms = now_ms  # they cannot end behind what was sent: it was a guess

    def _force(self) -> str:
        return force_end(max(0.0, self.sent_ms - self._base_ms))

    def _utterance_ended(self) -> Iterable[STTEvent]:
        # Where each pause is asked for, each has an end; the vendor's own silence ends them all.
        yield from self._settle(self.owed if self.turns.waits else min(self.owed, 1))
        if self.turns.utterance_ended(forced=self._forced):
            yield TurnEnded()
        yield from self.passed()

    def _settle(self, count: int) -> list[STTEvent]:
        """The first *count* pauses wait no longer: an empty final, if one of them had no words."""
        answered = [self._answered.popleft() for _ in range(count)]
        return [] if all(answered) else [Transcript("", True)]

    def _warn(self, kind: str, reason: str) -> None:
        if kind == "duration_limit_exceeded":
            # It confirms audio from now on, and does not listen to it.
            raise failed("session_timeout", f"{kind}: {reason}", self.key)
        log.warning("Speechmatics warns (%s)", kind)
