"""Where a call notes what happens: synchronous, ordered, never waiting for anybody."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

import attrs

from patter.errors import PatterError
from patter.observe.events import CallEvent, EventType

Listener: TypeAlias = Callable[[CallEvent], object]
log = logging.getLogger("patter.call")


@attrs.define(eq=False)
class Journal:
    """The events of one call, handed to its listeners in order.

    A listener is synchronous and quick. One that raises is logged and never heard again.
    """

    call_id: str
    now_ms: Callable[[], int]
    _by_type: dict[EventType, tuple[Listener, ...]] = attrs.field(factory=dict)
    _seq: int = 0

    def listen(self, listener: Listener, types: Iterable[EventType] = tuple(EventType)) -> None:
        """Tell *listener* every event of *types* from now on."""
        for each in types:
            self._by_type[each] = (*self._by_type.get(each, ()), listener)

    def wants(self, kind: EventType) -> bool:
        """Would anybody be told? Saves building what nobody reads."""
        return bool(self._by_type.get(kind))

    def note(self, kind: EventType, /, **data: Any) -> None:
        """Something happened now."""
        self.note_at(self.now_ms(), kind, data)

    def error(self, error: PatterError, where: str) -> None:
        """*error* happened at *where*; nobody else may get to see it."""
        self.note(
            EventType.ERROR,
            code=error.code.value,
            message=error.message,
            fix=error.fix,
            where=where,
        )

    def note_at(self, at_ms: int, kind: EventType, data: Mapping[str, Any]) -> None:
        """Something happened at *at_ms*."""
        self._seq += 1
        listeners = self._by_type.get(kind)
        if not listeners:
            return
        event = CallEvent(self.call_id, self._seq, at_ms, kind, data)
        for listener in listeners:
            try:
                listener(event)
            except Exception:
                log.exception("call %s: listener %r failed and is dropped", self.call_id, listener)
                self._drop(listener)

    def _drop(self, listener: Listener) -> None:
        for kind, known in self._by_type.items():
            self._by_type[kind] = tuple(each for each in known if each is not listener)
