"""What a phone's speech callbacks and its bus are told of one call, as long as it runs.

It listens to the call for what somebody wants to hear, and for nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import attrs

from patter.call.session import CallSession
from patter.observe.events import CallEvent
from patter.phone.bus_feed import BusFeed
from patter.phone.callbacks import CallbackDispatcher
from patter.phone.delivery import Delivery
from patter.phone.event_bus import EventBus
from patter.phone.speech_events import SpeechEventCallback, SpeechEvents, SpeechTracker


@attrs.define(eq=False)
class CallFeed:
    """A listener of *session*, whose figures *dispatcher* keeps.

    A call of which nobody wants to hear pays for none of this.
    """

    session: CallSession
    dispatcher: CallbackDispatcher
    speech: SpeechEvents
    bus: EventBus
    delivery: Delivery = attrs.field(init=False)
    _tracker: SpeechTracker = attrs.field(init=False)
    _bus_feed: BusFeed = attrs.field(init=False)
    _types: frozenset[type[CallEvent]] = attrs.field(default=frozenset(), init=False)

    def __attrs_post_init__(self) -> None:
        call_id, began = self.session.call.call_id, self.dispatcher.began
        self.delivery = Delivery(call_id)
        self._tracker = SpeechTracker(self.speech, self._tell, self._names, began)
        put, tokens = self.delivery.put, self._context_tokens
        self._bus_feed = BusFeed(self.bus, call_id, self._names, tokens, put, began)

    def __call__(self, event: CallEvent) -> None:
        """Take *event* of the call."""
        self._tracker(event)
        self._bus_feed(event)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Listen while inside, to what is wanted at each moment."""
        call_id = self.session.call.call_id
        changes = (self.speech.on_change, self.bus.on_change)
        self.speech.calls[call_id] = lambda: self.session.conversation
        for each in changes:
            each.add(self._listen)
        self._listen()
        try:
            yield
        finally:
            for each in changes:
                each.discard(self._listen)
            self.speech.calls.pop(call_id, None)
            self.delivery.finish()

    def _listen(self) -> None:
        wanted: frozenset[type[CallEvent]] = frozenset()
        if self.speech.callbacks:
            wanted |= self.speech.types
        if self.bus.types:
            wanted |= self._bus_feed.types
            self.dispatcher.on_turn = self._bus_feed.turn
            if self.dispatcher.ledger is None:
                self.session.events.subscribe(self.dispatcher.keep_figures())
        if wanted == self._types:
            return
        self.session.events.unsubscribe(self, *(self._types - wanted))
        for kind in wanted - self._types:
            self.session.events.subscribe(self, kind)
        self._types = wanted

    def _names(self, *kinds: str) -> tuple[str, str]:
        names = self.session.plan.names
        return next((names[kind] for kind in kinds if kind in names), ("", ""))

    def _context_tokens(self) -> int | None:
        ledger = self.dispatcher.ledger
        return None if ledger is None else ledger.context_tokens

    def _tell(self, name: str, callback: SpeechEventCallback, data: dict[str, Any]) -> None:
        callbacks = self.speech.callbacks
        self.delivery.put(name, callback, lambda: data, lambda: callbacks.get(name) is callback)
