"""The softphone calls of this process: by token while they ring, by id while they have media.

Tokens are kept as digests, and only the newest; an old one still admits its caller, who then
sees no events of the call.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256

import attrs

from patter.carriers.bounded_dict import BoundedDict
from patter.providers.carrier import Ticket
from patter_softphone.leg import SoftphoneLeg


@attrs.frozen
class CallIds:
    """A call: our id, and the carrier's."""

    call_id: str
    carrier_call_id: str


UNKNOWN_CALL = CallIds("", "")
"""For a token that was not issued here: another worker's, or forged. The switchboard decides."""


@attrs.define(eq=False)
class SoftphoneCalls:
    """The calls of one line."""

    _ids: BoundedDict[bytes, CallIds] = attrs.field(factory=BoundedDict)
    _legs: dict[str, SoftphoneLeg] = attrs.field(factory=dict)

    def add(self, ticket: Ticket, carrier_call_id: str) -> None:
        """Note which call the ticket's token is for."""
        self._ids[_digest(ticket.token)] = CallIds(ticket.call_id, carrier_call_id)

    def by_token(self, token: str) -> CallIds:
        """The call that *token* was issued for; `UNKNOWN_CALL` when that was not here."""
        return self._ids.get(_digest(token), UNKNOWN_CALL)

    def leg(self, carrier_call_id: str) -> SoftphoneLeg | None:
        """The leg a call has now."""
        return self._legs.get(carrier_call_id)

    @contextmanager
    def attach(self, carrier_call_id: str, leg: SoftphoneLeg) -> Iterator[None]:
        """*leg* is the call's until it is done, or another has taken its place."""
        self._legs[carrier_call_id] = leg
        try:
            yield
        finally:
            if self._legs.get(carrier_call_id) is leg:
                del self._legs[carrier_call_id]


def _digest(token: str) -> bytes:
    return sha256(token.encode(errors="surrogatepass")).digest()
