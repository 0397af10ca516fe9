"""What ``/stt/turns/websocket`` says, as a pure state: turns in, events of the contract out.

Ink tells the whole turn anew each time, so its words are interims until the turn ends. An early
end is no event of its own in the contract and needs none: the voice has ended, and begins again
when Ink takes it back. In such a pause the turn engine drafts. Ink tells no times.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs
import orjson

from patter.errors import PatterError
from patter.providers.stt import SpeechEnded, SpeechStarted, STTEvent, Transcript, TurnEnded
from patter.vendors.sockets import decoded
from patter_cartesia._errors import ERRORS, of_event
from patter_cartesia._repeats import rest_of

CLOSE = '{"type":"close"}'


@attrs.define(eq=False)
class TurnsHearing:
    """One session's state; a pause that Ink does not judge within *finalize_ms* gets its words.

    *owed* pauses wait for their final. *due_ms* is when `overdue` is to be asked; None: never.
    """

    finalize_ms: float
    key: str = attrs.field(default="", repr=False)
    owed: int = attrs.field(default=0, init=False)
    due_ms: float | None = attrs.field(default=None, init=False)
    speaking: bool = attrs.field(default=False, init=False)
    _turn: str = attrs.field(default="", init=False)
    _before: str = attrs.field(default="", init=False)
    _shown: str = attrs.field(default="", init=False)

    @property
    def idle(self) -> bool:
        """Is there nothing that could still become final?"""
        return not (self.owed or self.speaking or rest_of(self._turn, self._before).strip())

    def paused(self, now_ms: float) -> None:
        """The caller has paused: Ink is given time to judge that by itself."""
        self.owed += 1
        self.due_ms = now_ms + self.finalize_ms

    def overdue(self) -> list[STTEvent]:
        """Ink has not judged: the words of the turn so far, which it will not revise, or none."""
        self.due_ms = None
        if not self.owed:
            return []
        self.owed = 0
        rest, self._before, self._shown = rest_of(self._turn, self._before), self._turn, ""
        return [Transcript(rest.strip(), True)]

    def read(self, message: str | bytes, _now_ms: float) -> list[STTEvent]:
        """The events in *message*. Raises PatterError for garbage and for what ends a session."""
        body = decoded(message, ERRORS)
        try:
            return list(self._events(body))
        except PatterError:
            raise  # some of them are ValueErrors, too
        except (LookupError, TypeError, ValueError, AttributeError):
            raise ERRORS.garbled(message) from None

    def _events(self, body: Mapping[str, Any]) -> Iterable[STTEvent]:
        match body["type"]:
            case "turn.start":
                self._turn = self._before = self._shown = ""
                yield from self._talks()
            case "turn.update":
                yield from self._words(body)
            case "turn.eager_end":
                yield from self._words(body)
                yield from self._silent()
            case "turn.resume":
                yield from self._talks()
            case "turn.end":
                yield from self._ended(body)
            case "error":
                raise of_event(body, self.key)

    def _words(self, body: Mapping[str, Any]) -> Iterable[STTEvent]:
        self._turn = _text(body)
        rest = rest_of(self._turn, self._before).strip()
        if rest and rest != self._shown:
            self._shown = rest
            yield Transcript(rest, False)

    def _talks(self) -> Iterable[STTEvent]:
        if not self.speaking:
            self.speaking = True
            yield SpeechStarted()

    def _silent(self) -> Iterable[STTEvent]:
        if self.speaking:
            self.speaking = False
            yield SpeechEnded()

    def _ended(self, body: Mapping[str, Any]) -> Iterable[STTEvent]:
        whole = _text(body)
        rest = rest_of(whole, self._before).strip()
        yield from self._silent()
        if rest or self.owed:
            yield Transcript(rest, True)
        # A turn without words is a noise, and ends nothing.
        if whole.strip():
            yield TurnEnded()
        self.owed, self.due_ms = 0, None
        self._turn = self._before = self._shown = ""


def configure(thresholds: Mapping[str, float]) -> str:
    """The message that changes *thresholds*, and leaves the others as they are."""
    return orjson.dumps({"type": "config", "turn": dict(thresholds)}).decode()


def _text(body: Mapping[str, Any]) -> str:
    if not isinstance(text := body["transcript"], str):
        raise TypeError("not a text")
    return text
