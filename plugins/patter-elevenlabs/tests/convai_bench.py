"""A talk with an agent without its socket: messages in, events out, and time that is moved."""

from __future__ import annotations

from typing import Any

import attrs

from patter.audio.convert import Same
from patter.audio.formats import MULAW_8K
from patter.providers.engine_events import (
    EngineEvent,
    ResponseDone,
    ResponseStatus,
)
from patter_elevenlabs import _convai_wire as wire
from patter_elevenlabs._convai_talk import Talk

QUIET_MS, ANSWER_MS = 500.0, 20_000.0
SOUND = b"x" * 800
"""A tenth of a second."""


@attrs.define
class Bench:
    """A talk and its time; *events* are all that it reported."""

    talk: Talk = attrs.field(factory=lambda: Talk(MULAW_8K, Same(), QUIET_MS, ANSWER_MS))
    now_ms: float = 1_000.0
    next_id: int = 1
    events: list[EngineEvent] = attrs.field(factory=list)

    def take(self, message: wire.ServerMessage) -> list[EngineEvent]:
        return self._keep(self.talk.take(message, self.now_ms))

    def audio(self, sound: bytes = SOUND, letters: tuple[wire.Letter, ...] = ()) -> Any:
        return self.take(wire.Audio(self.number(), sound, letters))

    def said(self, text: str = "Hello.") -> list[EngineEvent]:
        return self.take(wire.FullText(text, self.number()))

    def heard(self, text: str = "hi") -> list[EngineEvent]:
        return self.take(wire.Heard(text, self.number()))

    def tool(self, identity: str = "t1", *, answered: bool = True) -> list[EngineEvent]:
        return self.take(wire.ToolCall(identity, "book", "{}", self.number(), answered))

    def result(self, identity: str = "t1") -> list[EngineEvent]:
        return self._keep(self.talk.result(identity, self.now_ms))

    def interrupt(self, response_id: str) -> list[EngineEvent]:
        return self._keep(self.talk.interrupt(response_id))

    def send(self) -> str:
        return self.talk.next_request(self.now_ms)

    def wait(self, ms: float) -> list[EngineEvent]:
        """Let time pass as a session does: tick when something is due."""
        until, seen = self.now_ms + ms, len(self.events)
        while (due := self.talk.due_ms) is not None and due <= until:
            self.now_ms = max(self.now_ms, due)
            self._keep(self.talk.tick(self.now_ms))
        self.now_ms = until
        return self.events[seen:]

    def number(self) -> int:
        self.next_id += 1
        return self.next_id

    def _keep(self, events: list[EngineEvent]) -> list[EngineEvent]:
        self.events += events
        return events


def kinds(events: list[EngineEvent]) -> list[str]:
    return [type(event).__name__ for event in events]


def dones(events: list[EngineEvent]) -> list[tuple[str, ResponseStatus]]:
    return [(each.response_id, each.status) for each in events if isinstance(each, ResponseDone)]
