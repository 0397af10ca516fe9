"""How many calls each address has, so that one caller alone cannot fill a public softphone.

A call counts from its ring. One without media counts until the server gives it up, and one
whose media broke off for as long as the server waits for it to come back.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import contextmanager

import attrs

from patter.carriers.bounded_dict import BoundedDict
from patter.clock import Clock, LoopClock
from patter.errors import RateLimitError

RING_MS = 70_000.0
"""A little longer than the server waits for the first media of a call."""
BACK_MS = 15_000.0
"""A little longer than a call waits for lost media."""
END_MS = 2_000.0
"""A call that was hung up takes about as long to come to its end."""
REMEMBERED = 10_000
"""Calls that are counted, the oldest forgotten first: far more than a server takes."""


@attrs.frozen
class _Counted:
    """A call of *caller*, counted until *until_ms*, and while it has media sockets: *legs*."""

    caller: Hashable
    until_ms: float
    legs: int = 0


@attrs.define(eq=False)
class Callers:
    """The calls of each address, at most *most* at a time."""

    most: int
    clock: Clock = attrs.field(factory=LoopClock, repr=False)
    _calls: BoundedDict[str, _Counted] = attrs.field(
        factory=lambda: BoundedDict(REMEMBERED), init=False, repr=False
    )

    @contextmanager
    def ring(self, caller: Hashable, carrier_call_id: str) -> Iterator[None]:
        """Count a call of *caller*, which rings; one that is refused inside is not counted.

        The same call again is one call. Raises RateLimitError when *caller* has all it may.
        """
        self._forget()
        again = carrier_call_id in self._calls
        if not again:
            self._check(caller)
            self._calls[carrier_call_id] = _Counted(caller, self.clock.ms() + RING_MS)
        try:
            yield
        except BaseException:
            if not again:
                self._calls.pop(carrier_call_id, None)
            raise

    def attach(self, carrier_call_id: str) -> None:
        """The call has one more media socket, maybe one that is going to be refused."""
        if (call := self._calls.get(carrier_call_id)) is not None:
            self._calls[carrier_call_id] = attrs.evolve(call, legs=call.legs + 1)

    def detach(self, carrier_call_id: str, *, over: bool) -> None:
        """It has one less; *over*: because it has ended."""
        if (call := self._calls.get(carrier_call_id)) is not None:
            until_ms = self.clock.ms() + (END_MS if over else BACK_MS)
            self._calls[carrier_call_id] = _Counted(call.caller, until_ms, call.legs - 1)

    def _check(self, caller: Hashable) -> None:
        count = sum(each.caller == caller for each in self._calls.values())
        if count >= self.most:
            raise RateLimitError(
                f"this address has {count} calls, and {self.most} is the limit of one",
                fix='call in a minute, or serve carrier="softphone?calls_per_address=100"',
            )

    def _forget(self) -> None:
        now = self.clock.ms()
        for name, each in list(self._calls.items()):
            if each.until_ms <= now and not each.legs:
                del self._calls[name]
