"""How often an address may guess a token: five times a minute, and all together a hundred."""

from __future__ import annotations

from collections import OrderedDict, deque
from ipaddress import IPv6Address, ip_address

import attrs

from patter.clock import Clock, LoopClock
from patter.errors import RateLimitError

EACH, ALL, WITHIN_MS = 5, 100, 60_000.0
ADDRESSES = 1_024


@attrs.define(eq=False)
class Attempts:
    """The wrong guesses of the last minute, by address."""

    clock: Clock = attrs.field(factory=LoopClock)
    _failed: OrderedDict[str, deque[float]] = attrs.field(factory=OrderedDict, init=False)
    _all: deque[float] = attrs.field(factory=lambda: deque(maxlen=ALL), init=False)

    def check(self, address: str) -> None:
        """Raise RateLimitError when *address* has guessed too often; nothing is compared then."""
        now = self.clock.ms()
        for times, most in ((self._failed.get(_network(address), ()), EACH), (self._all, ALL)):
            recent = [each for each in times if now - each < WITHIN_MS]
            if len(recent) >= most:
                raise RateLimitError(
                    "too many wrong tokens",
                    fix="wait a minute, then use the token of the dashboard",
                    retry_after_ms=WITHIN_MS - (now - recent[-most]),
                )

    def failed(self, address: str) -> None:
        """*address* has guessed wrong."""
        name, now = _network(address), self.clock.ms()
        times = self._failed.pop(name, None) or deque(maxlen=EACH)
        times.append(now)
        self._failed[name] = times
        self._all.append(now)
        while len(self._failed) > ADDRESSES:
            self._failed.popitem(last=False)

    def passed(self, address: str) -> None:
        """*address* knows the token: what it got wrong before was a slip."""
        self._failed.pop(_network(address), None)


def _network(address: str) -> str:
    """*address*, or the network of an IPv6 one: whoever has one has 2**64."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        return parsed.exploded[:19]
    return address
