"""Which providers can be used, as all calls of this process have found out.

What one call finds dead the next need not try. It is left alone for a while, and then one call
tries it again. How long a provider usually takes is kept here, too: who is late is judged by that.
An entry belongs to the provider's settings, keys included, so one account's refused key says
nothing of another's; and to the event loop, as all clients of vendors do.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar
from weakref import WeakKeyDictionary

import attrs

from patter.clock import Clock, LoopClock
from patter.errors import ErrorCode, PatterError, RateLimitError

log = logging.getLogger("patter.providers")
P = TypeVar("P")

RECOVERY_MS = 30_000.0
"""How long a provider that failed is left alone."""

REFUSED_MS = 300_000.0
"""And so long one whose failure does not pass by itself: a refused key, an unknown model."""

PROBE_MS = 10_000.0
"""The call that tries it again is alone with it for so long, or until it is known how it went."""

REQUESTS_REFUSED = 2
"""How many refused requests in a row are the provider's fault; one may be the request's own."""

KEPT = 256
"""Providers that are remembered; the one not asked about for longest goes first."""

SAMPLES = 100
"""Latencies that are remembered of each."""

_PERMANENT = frozenset({ErrorCode.AUTH, ErrorCode.CONFIG})


@attrs.define(eq=False)
class Availability:
    """What is known of one provider, which logs call *name*. Times are the clock's milliseconds.

    *reason* is what made it unavailable, None while it is not.
    """

    name: str = ""
    clock: Clock = attrs.field(factory=LoopClock)
    reason: PatterError | None = attrs.field(default=None, init=False)
    _until_ms: float = attrs.field(default=0.0, init=False)
    _probe_until_ms: float = attrs.field(default=0.0, init=False)
    _refused: int = attrs.field(default=0, init=False)
    _latencies_ms: deque[float] = attrs.field(factory=lambda: deque(maxlen=SAMPLES), init=False)

    @property
    def recovers_in_ms(self) -> float:
        """For how long it is left alone from now on; 0 when it need not be."""
        return 0.0 if self.reason is None else max(0.0, self._until_ms - self.clock.ms())

    @property
    def usable(self) -> bool:
        """May a call use it? Asking changes nothing."""
        now_ms = self.clock.ms()
        return self.reason is None or now_ms >= max(self._until_ms, self._probe_until_ms)

    def claim(self) -> bool:
        """May this call use it? If it has to be tried again, only this call may for a while."""
        if not self.usable:
            return False
        if self.reason is not None:
            self._probe_until_ms = self.clock.ms() + PROBE_MS
        return True

    def fail(self, failed: PatterError, recovery_ms: float = RECOVERY_MS) -> None:
        """It *failed*: leave it alone for *recovery_ms*, longer if that cannot pass.

        A vendor that says when to come back is not asked before.
        """
        if failed.code is ErrorCode.PROVIDER_ERROR:
            self._refused += 1
            if self._refused < REQUESTS_REFUSED and self.reason is None:
                return
        if failed.code in _PERMANENT:
            recovery_ms = max(recovery_ms, REFUSED_MS)
        if isinstance(failed, RateLimitError):
            recovery_ms = max(recovery_ms, min(failed.retry_after_ms, REFUSED_MS))
        if self.reason is None:
            log.warning(
                "%s is not used for %.0f s: %s", self.name, recovery_ms / 1_000, failed.message
            )
        self.reason, self._probe_until_ms = failed, 0.0
        self._until_ms = self.clock.ms() + recovery_ms

    def work(self) -> None:
        """It does what it is for."""
        self._refused = 0
        if self.reason is not None:
            self.reset()
            log.warning("%s is used again", self.name)

    def reset(self) -> None:
        """Know nothing against it."""
        self.reason, self._until_ms, self._probe_until_ms, self._refused = None, 0.0, 0.0, 0

    def took(self, ms: float) -> None:
        """It took *ms* until something came; or has taken so long, and was not waited for."""
        self._latencies_ms.append(ms)

    def p95_ms(self, least: int) -> float | None:
        """The 95th percentile of its latest latencies; None with fewer than *least*."""
        if len(self._latencies_ms) < least:
            return None
        ordered = sorted(self._latencies_ms)
        return ordered[int(0.95 * (len(ordered) - 1) + 0.5)]


_ENTRIES: WeakKeyDictionary[
    asyncio.AbstractEventLoop, OrderedDict[Hashable, tuple[object, Availability]]
] = WeakKeyDictionary()


def availability_of(provider: object, name: str = "") -> Availability:
    """What the calls of this event loop know of *provider*, which logs call *name*."""
    entries = _ENTRIES.setdefault(asyncio.get_running_loop(), OrderedDict())
    key = _key(provider)
    if key in entries:
        entries.move_to_end(key)
        existing = entries[key][1]
        existing.name = name or existing.name
        return existing
    entry = Availability(name or type(provider).__name__)
    # Kept with its provider: an id means nothing once that is gone.
    entries[key] = (provider, entry)
    if len(entries) > KEPT:
        entries.popitem(last=False)
    return entry


def first_usable(providers: Iterable[P]) -> P | None:
    """The first of *providers* that may be used, the very first if none may; None of none."""
    ordered = tuple(providers)
    usable = (each for each in ordered if availability_of(each).usable)
    return next(usable, next(iter(ordered), None))


def claimed_order(things: Sequence[P], entry_of: Callable[[P], Availability]) -> list[P]:
    """*things* as a call tries them: who may be used first, each kind in order.

    *entry_of* has what is known of each. The call claims the first.
    """
    first = next((each for each in things if entry_of(each).claim()), None)
    rest = [each for each in things if each is not first]
    rest.sort(key=lambda each: not entry_of(each).usable)
    return [*(() if first is None else (first,)), *rest]


def _key(provider: object) -> Hashable:
    """Two providers with the same settings are one; what has no hash is only itself."""
    try:
        hash(provider)
    except TypeError:
        return id(provider)
    return provider
