"""Which responses were requested, which one the vendor works on, and which is which (pure).

A conversation has one response at a time at the vendor. A second request is refused there, so it
waits here until the one before is done, whoever asked for that.
"""

from __future__ import annotations

from collections import deque

import attrs

from patter_openai._realtime_wire import OWN_ID, Wire

MOST_TRIES = 3
"""How often a request is repeated that met a response of the vendor's own."""


@attrs.define(eq=False)
class ResponseRequest:
    """A response that we want: our *id* of it, and what the vendor is told."""

    id: str
    response: Wire
    tries: int = 0


@attrs.define(eq=False)
class ResponseRequests:
    """Requests that wait, the one that was *sent*, and the vendor's response that *runs*."""

    sent: ResponseRequest | None = attrs.field(default=None, init=False)
    runs: str = attrs.field(default="", init=False)
    _waiting: deque[ResponseRequest] = attrs.field(factory=deque, init=False)
    _own_ids: dict[str, str] = attrs.field(factory=dict, init=False)

    @property
    def pending(self) -> bool:
        """Does the vendor owe us anything?"""
        return self.sent is not None or bool(self.runs)

    def add(self, request: ResponseRequest) -> None:
        """Another one, after those before it."""
        self._waiting.append(request)

    def remove(self, own_id: str) -> None:
        """Forget one that waits."""
        self._waiting = deque(each for each in self._waiting if each.id != own_id)

    def due(self) -> ResponseRequest | None:
        """The request to send now, which then is *sent*; None while the vendor is at work."""
        if self.pending or not self._waiting:
            return None
        self.sent = self._waiting.popleft()
        self.sent.tries += 1
        return self.sent

    def begin(self, response: Wire, *, vendor_begins: bool) -> str:
        """The vendor began *response*; returns our id of it, its own if it was not requested.

        Where it never begins one by itself (*vendor_begins* False), one without metadata is ours.
        """
        self.runs = name = str(response["id"])
        own_id = (response.get("metadata") or {}).get(OWN_ID)
        sent = self.sent
        if sent is not None and (own_id == sent.id or (own_id is None and not vendor_begins)):
            self.sent, own_id = None, sent.id
        self._own_ids[name] = str(own_id or name)
        return self._own_ids[name]

    def end(self, name: str) -> None:
        """The vendor's response *name* is done."""
        if self.runs == name:
            self.runs = ""

    def own_id(self, name: str) -> str:
        """Our id of the vendor's response *name*."""
        return self._own_ids.setdefault(name, name)

    def running(self, own_id: str) -> str:
        """The vendor's name of *own_id*, if it works on it now."""
        return self.runs if self.runs and self.own_id(self.runs) == own_id else ""

    def again(self) -> bool:
        """Put the request back that met another response; False when it was tried enough."""
        sent, self.sent = self.sent, None
        if sent is None or sent.tries >= MOST_TRIES:
            return False
        self._waiting.appendleft(sent)
        return True
