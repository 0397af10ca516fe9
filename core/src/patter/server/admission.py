"""Limits: how many calls are open, and how much one address may ask for without proof.

Who proves to be a carrier, or to have a call, pays nothing: a signed webhook and the media of a
call get in however much strangers of the same address ask for. It may be that of a proxy.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import attrs

from patter.carriers.request_charge import charging
from patter.clock import Clock, LoopClock
from patter.errors import RateLimitError
from patter.server.client_address import Network, networks

ADDRESSES = 4_096
"""Addresses whose requests are remembered; about a megabyte of memory at most."""


COMING = 256
"""Requests of one address whose body is still to come; of more the oldest is ended."""


class Unavailable(RateLimitError):
    """No more calls are taken for now: the server is full or stops."""


@attrs.frozen(kw_only=True)
class Limits:
    """The most that is taken.

    *calls*: open at once. *open_requests*: served for one address at once, media sockets included
    until their call has taken them. *requests_per_s* and *burst*: new requests of one address,
    those that proved something not counted. *trusted_proxies*: who may say where a request came
    from.
    """

    calls: int = attrs.field(default=200, validator=attrs.validators.ge(1))
    # Carriers send webhooks of many calls from a few addresses; a flood has far more open.
    open_requests: int = attrs.field(default=64, validator=attrs.validators.ge(1))
    requests_per_s: float = attrs.field(default=100.0, validator=attrs.validators.gt(0))
    burst: int = attrs.field(default=300, validator=attrs.validators.ge(1))
    trusted_proxies: tuple[Network, ...] = attrs.field(default=(), converter=networks)


@attrs.define(eq=False)
class _Address:
    """What the address *name* has left: *tokens* are requests it may make, as of *at_ms*.

    *coming* are requests whose body is still to come, the oldest first.
    """

    name: str
    tokens: float
    at_ms: float
    open_requests: int = 0
    coming: OrderedDict[RequestSlot, Callable[[], None]] = attrs.field(factory=OrderedDict)

    def pay(self) -> bool:
        """Take a token for a request; False when there is none."""
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@attrs.define(eq=False)
class RequestSlot:
    """One request; counts as open until it is over or a call has taken its media."""

    address: _Address
    limits: Limits
    may_prove: bool
    has_token: bool
    counts: bool = False
    charged: bool = True

    def arrived(self) -> None:
        """All of the request is here: it is served from now on. Raises RateLimitError."""
        self.address.coming.pop(self, None)
        if self.address.open_requests >= self.limits.open_requests and not self.may_prove:
            raise _too_much(self.address)
        self.counts = True
        self.address.open_requests += 1

    def end(self) -> None:
        """Stop counting; twice is fine."""
        self.address.coming.pop(self, None)
        if self.counts:
            self.counts = False
            self.address.open_requests -= 1

    def refund(self) -> None:
        """It has proved to be a carrier's: charge nothing for it; twice is fine."""
        if self.charged:
            self.charged = False
            self.address.tokens = min(self.limits.burst, self.address.tokens + self.has_token)


_current: ContextVar[RequestSlot | None] = ContextVar("patter_visit", default=None)


@attrs.define(eq=False)
class Admission:
    """Keeps the limits. *closed* says why no calls are taken; empty while they are."""

    limits: Limits = attrs.field(factory=Limits)
    clock: Clock = attrs.field(factory=LoopClock)
    closed: str = ""
    _addresses: OrderedDict[str, _Address] = attrs.field(factory=OrderedDict, init=False)

    def close(self, why: str = "draining") -> None:
        """Take no more calls."""
        self.closed = why

    def open(self) -> None:
        """Take calls."""
        self.closed = ""

    def check_open(self) -> None:
        """Raise Unavailable when no calls are taken."""
        if self.closed:
            raise Unavailable(
                f"the server is {self.closed} and takes no calls",
                fix="call again in a minute, or send calls only to servers whose /ready says 200",
            )

    @contextmanager
    def slot(
        self, address: str, *, may_prove: bool = False, drop: Callable[[], None] | None = None
    ) -> Iterator[RequestSlot]:
        """Count a request of *address* while inside. Raises RateLimitError.

        One that *may_prove* to be a carrier's, by a signature in its body, is charged but not
        refused for what others ask for. With *drop*, which ends its connection, it counts as served
        once all of it has `arrived`; until then it may have to make room for a newcomer.
        """
        slot = self._charge(address, may_prove)
        before = _current.set(slot)
        try:
            if drop is None:
                slot.arrived()
            else:
                _expect(slot, drop)
            with charging(slot):
                yield slot
        finally:
            _current.reset(before)
            slot.end()

    def charge(self, address: str) -> None:
        """*address* has sent what is not even a request."""
        self._account(address).pay()

    def _charge(self, name: str, may_prove: bool) -> RequestSlot:
        account = self._account(name)
        has_token = account.pay()
        if not (has_token or may_prove):
            raise _too_much(account)
        return RequestSlot(account, self.limits, may_prove, has_token)

    def _account(self, name: str) -> _Address:
        """Return what the address *name* has left now."""
        now = self.clock.ms()
        # Taken out and put back at the end: the order of the addresses is that of their use.
        account = self._addresses.pop(name, None) or _Address(name, self.limits.burst, now)
        self._addresses[name] = account
        gained = (now - account.at_ms) / 1_000 * self.limits.requests_per_s
        account.tokens = min(self.limits.burst, account.tokens + gained)
        account.at_ms = now
        self._forget()
        return account

    def _forget(self) -> None:
        """Drop the addresses unused for longest; one with open requests is kept."""
        while len(self._addresses) > ADDRESSES:
            idle = (name for name, each in self._addresses.items() if not each.open_requests)
            if (name := next(idle, None)) is None:
                return
            del self._addresses[name]


def _expect(slot: RequestSlot, drop: Callable[[], None]) -> None:
    """The body of a request is to come; too many of one address make room for each other."""
    coming = slot.address.coming
    coming[slot] = drop
    if len(coming) > COMING:
        _, end_oldest = coming.popitem(last=False)
        end_oldest()


def check_paid() -> None:
    """Raise RateLimitError if the request being served is over the limits and has proved nothing.

    It was let in because it might have.
    """
    if (slot := _current.get()) is not None and slot.charged and not slot.has_token:
        raise _too_much(slot.address)


def _too_much(address: _Address) -> RateLimitError:
    return RateLimitError(
        f"{address.name} asks for too much at a time",
        fix="slow down; behind a proxy or tunnel, name it in trusted_proxies: "
        "serve(trusted_proxies=...), --trusted-proxies or PATTER_TRUSTED_PROXIES",
    )


def release_request() -> None:
    """Count the request being served as open no more: a call has taken its media.

    A media socket is open for a whole call, and all those of a carrier come from a few addresses.
    """
    if (slot := _current.get()) is not None:
        slot.end()
