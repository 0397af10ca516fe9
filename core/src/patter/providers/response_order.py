"""Keeps the order of an engine's responses, whatever its vendor sends and whoever interrupts.

Every engine needs this, so it is here: see the guarantees in `patter.providers.engine_events`.
"""

from __future__ import annotations

import attrs

from patter.providers.engine_events import (
    EngineEvent,
    ResponseCause,
    ResponseDone,
    ResponseEvent,
    ResponseStarted,
    ResponseStatus,
    ResponseTruncated,
)


@attrs.define
class ResponseOrder:
    """Which response runs, which wait for their turn, and which are over.

    Give it every request (`request`), every interrupt (`interrupt`) and every event the vendor's
    messages became (`accept`); what it returns is what the session reports, in that order.
    """

    active: str = attrs.field(default="", init=False)
    _waiting: dict[str, ResponseCause] = attrs.field(factory=dict, init=False)
    _cancelled: dict[str, ResponseCause] = attrs.field(factory=dict, init=False)
    _over: set[str] = attrs.field(factory=set, init=False)

    def request(self, response_id: str, cause: ResponseCause = ResponseCause.REQUEST) -> None:
        """A response was requested from the vendor, because of *cause*."""
        self._waiting[response_id] = cause

    def interrupt(self, response_id: str) -> list[EngineEvent]:
        """End a response now, without waiting for the vendor to confirm it."""
        if response_id == self.active:
            return self._end(ResponseDone(response_id, ResponseStatus.CANCELLED))
        if response_id not in self._waiting:
            return []
        self._cancelled[response_id] = self._waiting.pop(response_id)
        # While another response runs they wait: events of two are never mixed.
        return [] if self.active else self._end_cancelled()

    def accept(self, event: EngineEvent) -> list[EngineEvent]:
        """What the vendor's *event* amounts to: itself, nothing, or more."""
        if not isinstance(event, ResponseEvent):
            return [event]
        if isinstance(event, ResponseTruncated):
            return [event] if event.response_id in {self.active, *self._over} else []
        if event.response_id in self._over or event.response_id in self._cancelled:
            return []
        if event.response_id == self.active:
            return self._go_on(event)
        return [*self._begin(event), *self._go_on(event)]

    def _begin(self, event: ResponseEvent) -> list[EngineEvent]:
        """Start the response of *event*; one that the vendor forgot to end is incomplete."""
        before = self._end(ResponseDone(self.active, ResponseStatus.INCOMPLETE))
        self.active = event.response_id
        cause = event.cause if isinstance(event, ResponseStarted) else ResponseCause.CALLER
        cause = self._waiting.pop(event.response_id, cause)
        return [*before, ResponseStarted(event.response_id, cause)]

    def _go_on(self, event: ResponseEvent) -> list[EngineEvent]:
        if isinstance(event, ResponseStarted):
            return []
        return self._end(event) if isinstance(event, ResponseDone) else [event]

    def _end(self, done: ResponseDone) -> list[EngineEvent]:
        if not self.active:
            return []
        self._over.add(self.active)
        self.active = ""
        return [done, *self._end_cancelled()]

    def _end_cancelled(self) -> list[EngineEvent]:
        """Start and end those that were interrupted while they waited."""
        events: list[EngineEvent] = []
        for response_id, cause in self._cancelled.items():
            done = ResponseDone(response_id, ResponseStatus.CANCELLED)
            events += [ResponseStarted(response_id, cause), done]
        self._over.update(self._cancelled)
        self._cancelled.clear()
        return events
