"""The event bus of a call: synchronous and in order; it waits for nobody.

While it is held, events wait in a bounded queue: what has to reach the carrier first is not
held up by listeners. They have the number and the time of the moment they happened.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar, overload

import attrs
from msgspec.structs import replace

from patter.errors import PatterError
from patter.observe.events import EVENTS, CallEvent, ErrorEvent, event_class
from patter.observe.sensitivity import Sensitivity

E = TypeVar("E", bound=CallEvent)
F = TypeVar("F", bound=CallEvent)
G = TypeVar("G", bound=CallEvent)
Listener: TypeAlias = Callable[[CallEvent], object]
Build: TypeAlias = Callable[[], CallEvent]
HELD = 256
log = logging.getLogger("patter.call")


@attrs.define(eq=False)
class CallEvents:
    """The events of one call, handed to its listeners.

    A listener is synchronous and quick. One that raises is logged and never called again.
    What *sensitivity* hides is hidden from all of them.
    """

    call_id: str
    now_ms: Callable[[], int]
    sensitivity: Sensitivity = attrs.field(factory=Sensitivity, init=False)
    _listeners: dict[type[CallEvent], tuple[Callable[[Any], object], ...]] = attrs.field(
        factory=dict, init=False
    )
    _held: deque[tuple[int, int, CallEvent | Build]] | None = attrs.field(default=None, init=False)
    _releasing: bool = attrs.field(default=False, init=False)
    _seq: int = attrs.field(default=0, init=False)

    @overload
    def subscribe(self, listener: Callable[[E], object], one: type[E], /) -> None: ...

    @overload
    def subscribe(
        self, listener: Callable[[E | F], object], one: type[E], two: type[F], /
    ) -> None: ...

    @overload
    def subscribe(
        self, listener: Callable[[E | F | G], object], one: type[E], two: type[F], three: type[G], /
    ) -> None: ...

    @overload
    def subscribe(self, listener: Listener, *types: type[CallEvent]) -> None: ...

    def subscribe(self, listener: Callable[[Any], object], *types: type[CallEvent]) -> None:
        """Call *listener* with every event of *types* from now on.

        Without *types*: those of the listener's attribute ``event_types``, else all.
        """
        wanted = types or getattr(listener, "event_types", ()) or tuple(EVENTS.values())
        for each in dict.fromkeys(map(event_class, wanted)):
            self._listeners[each] = (*self._listeners.get(each, ()), listener)

    def unsubscribe(self, listener: Callable[[Any], object], *types: type[CallEvent]) -> None:
        """Do not call *listener* with events of *types* any more."""
        for kind in types:
            self._without(listener, kind)

    def wants(self, kind: type[CallEvent]) -> bool:
        """Does anybody listen to *kind*?"""
        return bool(self._listeners.get(kind))

    def emit(self, event: CallEvent, at_ms: int | None = None) -> None:
        """*event* happened, now or at *at_ms*."""
        self._seq += 1
        if self._listeners.get(type(event)):
            self._pass_on(self.now_ms() if at_ms is None else at_ms, event)

    def emit_if_wanted(self, kind: type[E], build: Callable[[], E], at_ms: int) -> None:
        """Like `emit` of what *build* returns; not built, nor counted, when nobody listens."""
        if self.wants(kind):
            self._seq += 1
            self._pass_on(at_ms, build)

    def pass_by(self, kind: type[E], build: Callable[[], E]) -> None:
        """What *build* returns happens now, and is not numbered: a piece of something greater.

        Not built when nobody listens.
        """
        if self._listeners.get(kind):
            self._pass_on(self.now_ms(), build)

    def error(self, error: PatterError, where: str) -> None:
        """*error* happened at *where*; nobody else may get to see it."""
        self.emit(
            ErrorEvent(code=error.code.value, message=error.message, fix=error.fix, where=where)
        )

    def hold(self) -> None:
        """Keep what is emitted from now on until `release`, or until there is too much of it."""
        if self._held is None:
            self._held = deque()

    def release(self) -> None:
        """Hand on what was held, in order."""
        if self._held is None or self._releasing:
            return
        # What listeners emit meanwhile waits behind what came before it.
        self._releasing = True
        try:
            while self._held:
                self._dispatch(*self._held.popleft())
        finally:
            self._held, self._releasing = None, False

    def _pass_on(self, at_ms: int, event: CallEvent | Build) -> None:
        if self.sensitivity.used:
            # Now, and not when it is released: by then the section may be over.
            event = self.sensitivity.shown(event if isinstance(event, CallEvent) else event())
        if self._held is None:
            self._dispatch(self._seq, at_ms, event)
            return
        self._held.append((self._seq, at_ms, event))
        if len(self._held) >= HELD:
            self.release()

    def _dispatch(self, seq: int, at_ms: int, event: CallEvent | Build) -> None:
        built = event if isinstance(event, CallEvent) else event()
        whole = replace(built, call=self.call_id, seq=seq, at_ms=at_ms)
        for listener in self._listeners.get(type(whole), ()):
            try:
                listener(whole)
            except BaseException:  # whatever it raises is its own: nothing is awaited here
                log.exception("call %s: listener %r failed and is dropped", self.call_id, listener)
                self._drop(listener)

    def _drop(self, listener: Callable[[Any], object]) -> None:
        for kind in tuple(self._listeners):
            self._without(listener, kind)

    def _without(self, listener: Callable[[Any], object], kind: type[CallEvent]) -> None:
        # A new tuple: `_dispatch` is walking the old one.
        listeners = self._listeners.get(kind, ())
        self._listeners[kind] = tuple(each for each in listeners if each is not listener)
