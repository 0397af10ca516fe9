"""What goes wrong at a carrier and on the way to it: seeded, so that a run can be repeated."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import attrs

from patter.errors import PatterConfigError


def _share(_: Any, field: attrs.Attribute[Any], value: float) -> None:
    if not 0 <= value <= 1:
        raise PatterConfigError(f"{field.name} is {value}", fix="give a share from 0 to 1")


def _part(default: float = 0.0) -> Any:
    return attrs.field(default=default, validator=_share)


@attrs.frozen(kw_only=True)
class Faults:
    """Shares from 0 to 1 of what goes wrong; times in milliseconds.

    Webhooks come *late* (up to *late_ms*), *twice*, *reordered* (after the next one), and
    *forged* ones before them. Media frames come up to *jitter_ms* late; a share *dropped* of
    media sockets break within *dropped_ms*. Requests to the API are *slow* (by *slow_ms*),
    *limited* (429), *broken* (500 or 503) or *lost*: they are carried out, and answered with 500.
    """

    late: float = _part()
    late_ms: float = 300
    twice: float = _part()
    reordered: float = _part()
    forged: float = _part()
    jitter_ms: float = 0
    dropped: float = _part()
    dropped_ms: float = 4_000
    slow: float = _part()
    slow_ms: float = 500
    limited: float = _part()
    broken: float = _part()
    lost: float = _part()
    seed: int = 0


@attrs.frozen
class Delivery:
    """What becomes of one webhook."""

    late_ms: float = 0
    copies: int = 1
    reordered: bool = False
    forged: bool = False


@attrs.frozen
class Refusal:
    """What becomes of one request to the API; *status* 0: it is served.

    *lost*: it is served, and the answer is *status*.
    """

    after_ms: float = 0
    status: int = 0
    lost: bool = False


@attrs.define(eq=False)
class FaultInjector:
    """Draws what goes wrong next; *dealt* counts what did."""

    faults: Faults = attrs.field(factory=Faults)
    dealt: Counter[str] = attrs.field(factory=Counter, init=False)
    _random: Random = attrs.field(init=False)
    _jitter: Random = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._random = Random(self.faults.seed)
        # How many frames are sent depends on the clock: they must not move the other faults.
        self._jitter = Random(self.faults.seed)

    def delivery(self) -> Delivery:
        """What happens to the next webhook."""
        return Delivery(
            late_ms=self._up_to(self.faults.late_ms) if self._happens("late") else 0,
            copies=2 if self._happens("twice") else 1,
            reordered=self._happens("reordered"),
            forged=self._happens("forged"),
        )

    def request(self) -> Refusal:
        """What happens to the next request to the API."""
        after_ms = self.faults.slow_ms if self._happens("slow") else 0
        if self._happens("limited"):
            return Refusal(after_ms, 429)
        if self._happens("broken"):
            return Refusal(after_ms, self._random.choice((500, 503)))
        if self._happens("lost"):
            return Refusal(after_ms, 500, lost=True)
        return Refusal(after_ms)

    def frame_ms(self) -> float:
        """How late the next media frame is."""
        return self._jitter.random() * self.faults.jitter_ms

    def breaks_after_ms(self) -> float | None:
        """When the next media socket breaks, if it does."""
        if self._happens("dropped"):
            return self._up_to(self.faults.dropped_ms)
        return None

    def _happens(self, fault: str) -> bool:
        # Drawn also when nothing can happen, so that one fault does not move the others.
        happens: bool = self._random.random() < getattr(self.faults, fault)
        self.dealt[fault] += happens
        return happens

    def _up_to(self, most: float) -> float:
        return self._random.random() * most
