"""Which softphone calls this process knows: by token while they ring, by id while they talk.

Tokens are kept as digests, and only the newest; an old one still admits its caller, who then
sees no events of the call.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256

import attrs

from patter.providers.carrier import Ticket
from patter_softphone.leg import SoftphoneLeg

REMEMBERED = 10_000


@attrs.frozen
class Known:
    """A call: our id, and the carrier's."""

    call_id: str
    carrier_call_id: str


ELSEWHERE = Known("", "")
"""A token that was not made here: another worker's, or nobody's. The switchboard knows."""


@attrs.define(eq=False)
class Exchange:
    """The calls of one line."""

    _rung: OrderedDict[bytes, Known] = attrs.field(factory=OrderedDict)
    _legs: dict[str, SoftphoneLeg] = attrs.field(factory=dict)

    def rung(self, ticket: Ticket, carrier_call_id: str) -> None:
        """Remember whose token this is."""
        self._rung[_digest(ticket.token)] = Known(ticket.call_id, carrier_call_id)
        while len(self._rung) > REMEMBERED:
            self._rung.popitem(last=False)

    def known(self, token: str) -> Known | None:
        """The call that *token* was made for, if it was made here."""
        return self._rung.get(_digest(token))

    def leg(self, carrier_call_id: str) -> SoftphoneLeg | None:
        """The leg a call has now."""
        return self._legs.get(carrier_call_id)

    @contextmanager
    def talking(self, carrier_call_id: str, leg: SoftphoneLeg) -> Iterator[None]:
        """*leg* is the call's until it is done, or another has taken its place."""
        self._legs[carrier_call_id] = leg
        try:
            yield
        finally:
            if self._legs.get(carrier_call_id) is leg:
                del self._legs[carrier_call_id]


def _digest(token: str) -> bytes:
    return sha256(token.encode(errors="surrogatepass")).digest()
