"""Limits: how many calls are open, and how many requests one address may make at a time.

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
"""Addresses whose requests are remembered; about a megabyte of memory at most."""


class Unavailable(RateLimitError):
    """No more calls are taken for now: the server is full or stops."""


def _networks(networks: Iterable[str | Network]) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(each) for each in networks)
    except ValueError as exc:
        raise PatterConfigError(
            f"trusted_proxies: {exc}", fix="write addresses or networks such as 10.0.0.0/8"
        ) from exc


@attrs.frozen(kw_only=True)
class Limits:
    """The most that is taken.

    *calls*: open at once. *open_requests*: of one address at once, media sockets included until
    their token is accepted. *requests_per_s* and *burst*:
    new requests of one address, those a carrier has signed not counted. *trusted_proxies*: who
    may say where a request came from.
    """

    calls: int = attrs.field(default=200, validator=attrs.validators.ge(1))
    # Carriers send webhooks of many calls from a few addresses; a flood has far more open.
    open_requests: int = attrs.field(default=64, validator=attrs.validators.ge(1))
    requests_per_s: float = attrs.field(default=100.0, validator=attrs.validators.gt(0))
    burst: int = attrs.field(default=300, validator=attrs.validators.ge(1))
    trusted_proxies: tuple[Network, ...] = attrs.field(default=(), converter=_networks)


def client_address(peer: str, forwarded: Iterable[str], trusted: Iterable[Network]) -> str:
    """Return the address whose limits a request counts against; of IPv6 its /64.

    *forwarded* are the values of X-Forwarded-For as received. They are read from the right:
    each trusted proxy appended the address it saw, so the first that is not trusted is the
    client; what stands left of it was written by the client itself.
    """
    nets = tuple(trusted)
    hops = [hop.strip() for value in forwarded for hop in value.split(",")]
    address = peer
    while hops and _within(address, nets):
        # Some proxies write "unknown" or an obfuscated name: the proxy itself is responsible.
        if _parsed(hops[-1]) is None:
            break
        address = hops.pop()
    return _customer(address)


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed


def _within(address: str, nets: Iterable[Network]) -> bool:
    parsed = _parsed(address)
    return parsed is not None and any(parsed in net for net in nets)


def _customer(address: str) -> str:
    # One customer owns a whole /64: counted one by one, they would have 2^64 addresses.
    parsed = _parsed(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed) if parsed is not None else address


@attrs.define(eq=False)
class _Address:
    """What one address has left: *tokens* are requests it may make, as of *at_ms*."""

    tokens: float
    at_ms: float
    open_requests: int = 0


@attrs.define(eq=False)
class RequestSlot:
    """One request; counts as open until it is over or its media token was accepted."""

    address: _Address
    burst: float
    counts: bool = True
    charged: bool = True

    def end(self) -> None:
        """Stop counting; twice is fine."""
        if self.counts:
            self.counts = False
            self.address.open_requests -= 1

    def refund(self) -> None:
        """Charge nothing for it; twice is fine."""
        if self.charged:
            self.charged = False
            self.address.tokens = min(self.burst, self.address.tokens + 1)


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
    def slot(self, address: str) -> Iterator[None]:
        """Count a request of *address* while inside. Raises RateLimitError."""
        slot = RequestSlot(self._charge(address), self.limits.burst)
        before = _current.set(slot)
        try:
            with charging(slot):
                yield
        finally:
            _current.reset(before)
            slot.end()

    def _charge(self, name: str) -> _Address:
        address = self._account(name)
        if address.tokens < 1 or address.open_requests >= self.limits.open_requests:
            raise RateLimitError(
                f"{name} asks for too much at a time",
                fix="slow down; behind a proxy or tunnel, name it in trusted_proxies",
            )
        address.tokens -= 1
        address.open_requests += 1
        return address

    def _account(self, name: str) -> _Address:
        """Return what the address *name* has left now."""
        now = self.clock.ms()
        # Taken out and put back at the end: the order of the addresses is that of their use.
        account = self._addresses.pop(name, None) or _Address(self.limits.burst, now)
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


def release_request() -> None:
    """Count the request being served as open no more: its media token was accepted.

    A media socket is open for a whole call, and all those of a carrier come from a few addresses.
    """
    if (slot := _current.get()) is not None:
        slot.end()
