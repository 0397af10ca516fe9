"""Folds the events of a call into its summary. Pure: the same events, the same figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, TypeVar

import attrs
from msgspec.structs import replace

from patter.observe.events import CallEvent, Row, Turn, Usage
from patter.observe.metrics import percentile
from patter.observe.pricing import Bill, Price, UsageKey, cost
from patter.observe.summary import CallSummary

KEPT = 1_000
"""Turns of which the gap is kept: what a call needs must not grow with its length."""
T = TypeVar("T")


@attrs.define(eq=False)
class CallMeter:
    """Listens to the events of a call; `summary` has the figures so far.

    A turn counts once, however often it was amended. Gaps of turns that were taken back
    before their answer was audible do not exist and so do not count. The percentiles are of
    the last `KEPT` turns.
    """

    event_types: ClassVar = (Turn, Row, Usage)

    call_id: str
    prices: Sequence[Price] = ()
    _gaps: dict[int, int] = attrs.field(factory=dict)
    _turns: dict[int, None] = attrs.field(factory=dict)
    _turn_count: int = 0
    _utterances: dict[int, tuple[int, int]] = attrs.field(factory=dict)
    _heard_ms: int = 0
    _unheard_ms: int = 0
    _used: dict[UsageKey, Usage] = attrs.field(factory=dict)

    def __call__(self, event: CallEvent) -> None:
        """Take *event*; those of types that carry no figure are ignored."""
        match event:
            case Turn():
                self._turn(event)
            case Row():
                self._row(event)
            case Usage():
                _add(self._used, event)
            case _:
                pass

    @property
    def bill(self) -> Bill:
        """What was spent so far."""
        return cost(self._used.values(), self.prices)

    def summary(self, *, outcome: str, reason: str = "", duration_ms: int = 0) -> CallSummary:
        """The figures of the events taken so far."""
        bill = self.bill
        return CallSummary(
            call_id=self.call_id,
            outcome=outcome,
            reason=reason,
            duration_ms=duration_ms,
            turns=self._turn_count,
            gap_p50_ms=_whole(percentile(self._gaps.values(), 0.50)),
            gap_p95_ms=_whole(percentile(self._gaps.values(), 0.95)),
            heard_ms=self._heard_ms,
            unheard_ms=self._unheard_ms,
            cost_usd=bill.usd,
            costs=bill.costs,
            unpriced=bill.unpriced,
        )

    def _turn(self, event: Turn) -> None:
        self._count(event.turn)
        if event.gap_ms is not None:
            _keep(self._gaps, event.turn, event.gap_ms)

    def _row(self, row: Row) -> None:
        if row.role == "caller" and row.turn is not None:
            self._count(row.turn)
        elif row.role == "agent":
            # Negative, so that it is not the epoch of another row.
            utterance = -row.seq if row.epoch is None else row.epoch
            heard_ms, unheard_ms = self._utterances.get(utterance, (0, 0))
            self._heard_ms += (row.heard_ms or 0) - heard_ms
            self._unheard_ms += (row.unheard_ms or 0) - unheard_ms
            _keep(self._utterances, utterance, (row.heard_ms or 0, row.unheard_ms or 0))

    def _count(self, turn: int) -> None:
        self._turn_count += turn not in self._turns
        _keep(self._turns, turn, None)


def _add(sums: dict[UsageKey, Usage], usage: Usage) -> None:
    """Add *usage* to the *sums* of what was used so far: as many as there are things to use."""
    key = (usage.kind, usage.provider, usage.model, usage.unit)
    if (before := sums.get(key)) is None:
        sums[key] = usage
        return
    dollars = [each.usd for each in (before, usage) if each.usd is not None]
    sums[key] = replace(
        usage, amount=before.amount + usage.amount, usd=sum(dollars) if dollars else None
    )


def _keep(values: dict[int, T], key: int, value: T) -> None:
    """Put *value* there, and forget the oldest when there are too many."""
    values[key] = value
    if len(values) > KEPT:
        del values[next(iter(values))]


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)
