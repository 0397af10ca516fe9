"""Who is let in: how many calls, and how much one address may ask for at a time.

The address is the socket's. A forwarding header counts only when the socket belongs to a
configured proxy, and then only the part that this proxy wrote itself, so that no caller
can choose an address.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeAlias

import attrs

from patter.carriers.request_charge import charging
from patter.clock import Clock, LoopClock
from patter.errors import PatterConfigError, RateLimitError

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
ADDRESSES = 4_096


class Unavailable(RateLimitError):
    """No more calls are taken for now: the server is full or going away."""


def _networks(given: Iterable[str | Network]) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(each) for each in given)
    except ValueError as exc:
        raise PatterConfigError(
            f"trusted_proxies: {exc}", fix="write addresses or networks such as 10.0.0.0/8"
        ) from exc


@attrs.frozen(kw_only=True)
class Limits:
    """What is taken at most.

    *calls*: open at once. *visits*: requests and unproven sockets of one address at once; a
    media socket stops counting when its token was accepted. *requests_per_s* and *burst*:
    new requests of one address, those a carrier has signed not counted. *trusted_proxies*: who
    may say where a request came from.
    """

    calls: int = attrs.field(default=200, validator=attrs.validators.ge(1))
    visits: int = attrs.field(default=64, validator=attrs.validators.ge(1))
    requests_per_s: float = attrs.field(default=100.0, validator=attrs.validators.gt(0))
    burst: int = attrs.field(default=300, validator=attrs.validators.ge(1))
    trusted_proxies: tuple[Network, ...] = attrs.field(default=(), converter=_networks)


def client_address(peer: str, forwarded: Iterable[str], trusted: Iterable[Network]) -> str:
    """Return the address to hold responsible; IPv6 by its /64, which one customer owns.

    *forwarded* are the values of X-Forwarded-For as received. From the right, proxies we
    trust are passed over; the first other one was seen by one of them.
    """
    nets = tuple(trusted)
    hops = [hop.strip() for value in forwarded for hop in value.split(",")]
    address = peer
    while hops and _within(address, nets):
        if _parsed(hops[-1]) is None:
            break
        address = hops.pop()
    return _customer(address)


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def _within(address: str, nets: Iterable[Network]) -> bool:
    found = _parsed(address)
    return found is not None and any(found in net for net in nets)


def _customer(address: str) -> str:
    found = _parsed(address)
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found) if found is not None else address


@attrs.define(eq=False)
class _Address:
    """What one address has left."""

    tokens: float
    at_ms: float
    visits: int = 0


@attrs.define(eq=False)
class RequestSlot:
    """One request; counts against its address until it is over or proven."""

    address: _Address
    burst: float
    counts: bool = True
    charged: bool = True

    def end(self) -> None:
        """Stop counting; twice is fine."""
        if self.counts:
            self.counts = False
            self.address.visits -= 1

    def refund(self) -> None:
        """Charge nothing for it; twice is fine."""
        if self.charged:
            self.charged = False
            self.address.tokens = min(self.burst, self.address.tokens + 1)


_current: ContextVar[RequestSlot | None] = ContextVar("patter_visit", default=None)


@attrs.define(eq=False)
class Admission:
    """The door. *closed* says why it is shut; empty while calls are taken."""

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
    def visit(self, address: str) -> Iterator[None]:
        """Count a request of *address* while inside. Raises RateLimitError."""
        visit = RequestSlot(self._charge(address), self.limits.burst)
        before = _current.set(visit)
        try:
            with charging(visit):
                yield
        finally:
            _current.reset(before)
            visit.end()

    def _charge(self, name: str) -> _Address:
        address = self._known(name)
        if address.tokens < 1 or address.visits >= self.limits.visits:
            raise RateLimitError(
                f"{name} asks for too much at a time",
                fix="slow down; behind a proxy or tunnel, name it in trusted_proxies",
            )
        address.tokens -= 1
        address.visits += 1
        return address

    def _known(self, name: str) -> _Address:
        """Return what *name* has left now."""
        now = self.clock.ms()
        known = self._addresses.pop(name, None) or _Address(self.limits.burst, now)
        self._addresses[name] = known
        gained = (now - known.at_ms) / 1_000 * self.limits.requests_per_s
        known.tokens = min(self.limits.burst, known.tokens + gained)
        known.at_ms = now
        self._forget()
        return known

    def _forget(self) -> None:
        """Drop who has been away longest; an address with open visits is kept."""
        while len(self._addresses) > ADDRESSES:
            idle = (name for name, each in self._addresses.items() if not each.visits)
            if (name := next(idle, None)) is None:
                return
            del self._addresses[name]


def proven() -> None:
    """The request being served has shown a valid token: it no longer counts as a stranger."""
    if (visit := _current.get()) is not None:
        visit.end()
