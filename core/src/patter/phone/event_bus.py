"""A bus of what happens in calls, by name: `Patter.events` is one, and there may be others.

Listeners of `Patter.events` are called beside the call, one after the other, sync ones in a
thread: none can hold a call up.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from typing import Any, TypeAlias

import attrs

from patter.application import containment
from patter.errors import InputError, PatterTypeError
from patter.phone.delivery import called

Unsubscribe: TypeAlias = Callable[[], None]
TASKS = 1_000
"""Async listeners of one bus that may run at the same time; what is emitted beyond is dropped."""
log = logging.getLogger("patter.phone.events")


class PatterEventType(StrEnum):
    """What there is to listen to. Each member is its own string."""

    TURN_STARTED = "turn_started"
    TURN_ENDED = "turn_ended"
    METRICS_COLLECTED = "metrics_collected"
    EOU_METRICS = "eou_metrics"
    STT_METRICS = "stt_metrics"
    LLM_METRICS = "llm_metrics"
    TTS_METRICS = "tts_metrics"
    INTERRUPTION = "interruption"
    FALSE_INTERRUPTION = "false_interruption"
    TRANSCRIPT_PARTIAL = "transcript_partial"
    TRANSCRIPT_FINAL = "transcript_final"
    LLM_CHUNK = "llm_chunk"
    TTS_CHUNK = "tts_chunk"
    TOOL_CALL_STARTED = "tool_call_started"
    CONTEXT_TOKENS = "context_tokens"
    CALL_ENDED = "call_ended"


@attrs.define(eq=False)
class Subscription:
    """*callback* listens as long as it is *active*."""

    callback: Callable[[Any], Any]
    active: bool = True

    def is_active(self) -> bool:
        """Does it still listen?"""
        return self.active


@attrs.define(eq=False)
class EventBus:
    """Calls listeners by the type of event: a `PatterEventType`, or its string.

    *types* are those that anybody listens to; *on_change* functions are called when they change.
    """

    types: frozenset[PatterEventType] = attrs.field(default=frozenset(), init=False)

    on_change: set[Callable[[], None]] = attrs.field(factory=set, init=False, repr=False)
    _listeners: dict[PatterEventType, tuple[Subscription, ...]] = attrs.field(
        factory=dict, init=False
    )
    _tasks: set[asyncio.Task[Any]] = attrs.field(factory=set, init=False, repr=False)

    def on(self, event: PatterEventType | str, callback: Callable[[Any], Any]) -> Unsubscribe:
        """Call *callback*, sync or async, with the payload of each *event* from now on.

        Returns a function that ends this; calling it twice is fine. Raises InputError for a type
        there is not, PatterTypeError for what cannot be called.
        """
        kind = _type(event)
        if not callable(callback):
            raise PatterTypeError(
                f"{callback!r} cannot be called", fix=f"pass a function: on({kind.value!r}, print)"
            )
        entry = Subscription(callback)
        self._listeners[kind] = (*self._listeners.get(kind, ()), entry)
        self._changed()
        return lambda: self._remove(kind, entry)

    def emit(self, event: PatterEventType | str, payload: Any) -> None:
        """Call the listeners of *event* with *payload*: sync ones now, async ones soon.

        What they raise is logged. Async ones need a running loop, and are bounded as callbacks
        are. Raises InputError for a type there is not.
        """
        kind = _type(event)
        for subscription in self.subscriptions(kind):
            try:
                with containment():
                    answer = subscription.callback(payload)
            except Exception:
                log.exception("a listener of %s failed", kind.value)
                continue
            if inspect.isawaitable(answer):
                self._await(kind, answer)

    def subscriptions(self, event: PatterEventType | str) -> tuple[Subscription, ...]:
        """Who listens to *event*, in the order in which they came."""
        return self._listeners.get(_type(event), ())

    def _await(self, kind: PatterEventType, answer: Any) -> None:
        if len(self._tasks) >= TASKS:
            log.warning("listeners of %s cannot keep up: an event is dropped", kind.value)
            if inspect.iscoroutine(answer):
                answer.close()
            return

        async def result(_: Any) -> Any:
            return await answer

        # The bus is the owner: it holds its tasks, and `called` bounds them.
        running = asyncio.get_running_loop()
        task = running.create_task(called(kind.value, result, "events", None), name="event-bus")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _remove(self, kind: PatterEventType, entry: Subscription) -> None:
        entry.active = False
        self._listeners[kind] = tuple(
            each for each in self._listeners.get(kind, ()) if each is not entry
        )
        self._changed()

    def _changed(self) -> None:
        self.types = frozenset(kind for kind, listening in self._listeners.items() if listening)
        for tell in tuple(self.on_change):
            tell()


def _type(event: PatterEventType | str) -> PatterEventType:
    with suppress(ValueError):
        return PatterEventType(event)
    raise InputError(f"there is no event {event!r}", fix=f"use one of {', '.join(PatterEventType)}")
