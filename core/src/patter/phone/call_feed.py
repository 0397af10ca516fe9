"""What a phone's speech callbacks and its bus are told of one call, as long as it runs.

It listens to the call for what somebody wants to hear, and for nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import attrs

from patter.call.session import CallSession
from patter.observe.call_metrics import TurnMetrics
from patter.observe.events import CallEvent
from patter.observe.turn_ledger import TurnLedger
from patter.phone.bus_feed import BusFeed
from patter.phone.delivery import Delivery
from patter.phone.event_bus import EventBus
from patter.phone.speech_events import SpeechEventCallback, SpeechEvents, SpeechTracker


@attrs.define(eq=False)
class CallFeed:
    """A listener of *session*, whose *ledger* is kept elsewhere. *began* in seconds since 1970."""

    session: CallSession
    ledger: TurnLedger
    speech: SpeechEvents
    bus: EventBus
    began: float
    delivery: Delivery = attrs.field(init=False)
    _tracker: SpeechTracker = attrs.field(init=False)
    _bus_feed: BusFeed = attrs.field(init=False)
    _types: frozenset[type[CallEvent]] = attrs.field(default=frozenset(), init=False)

    def __attrs_post_init__(self) -> None:
        call_id = self.session.call.call_id
        self.delivery = Delivery(call_id)
        self._tracker = SpeechTracker(self.speech, self._tell, self.ledger.named, self.began)
        put = self.delivery.put
        self._bus_feed = BusFeed(self.bus, call_id, self.ledger, put, self.began)

    def __call__(self, event: CallEvent) -> None:
        """Take *event* of the call."""
        self._tracker(event)
        self._bus_feed(event)

    def turn(self, turn: TurnMetrics) -> None:
        """The answer of *turn* is over."""
        self._bus_feed.turn(turn)

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
        wanted = self.speech.types | self._bus_feed.types
        self.session.events.unsubscribe(self, *(self._types - wanted))
        for kind in wanted - self._types:
            self.session.events.subscribe(self, kind)
        self._types = wanted

    def _tell(self, name: str, callback: SpeechEventCallback, data: dict[str, Any]) -> None:
        callbacks = self.speech.callbacks
        self.delivery.put(name, callback, lambda: data, lambda: callbacks.get(name) is callback)
