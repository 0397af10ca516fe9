"""Folds the events of a call into its summary. Pure: the same events, the same figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs

from patter.observe.events import CallEvent, Row, Turn, Usage
from patter.observe.metrics import percentile
from patter.observe.pricing import Bill, Price, cost
from patter.observe.summary import CallSummary


@attrs.define(eq=False)
class CallMeter:
    """Listens to the events of a call; `summary` has the figures so far.

    A turn counts once, however often it was amended. Gaps of turns that were taken back
    before their answer was audible do not exist and so do not count.
    """

    event_types: ClassVar = (Turn, Row, Usage)

    call_id: str
    prices: Sequence[Price] = ()
    _gaps: dict[int, int] = attrs.field(factory=dict)
    _turns: set[int] = attrs.field(factory=set)
    _heard: dict[int, tuple[int, int]] = attrs.field(factory=dict)
    _usages: list[Usage] = attrs.field(factory=list)

    def __call__(self, event: CallEvent) -> None:
        """Take *event*; those of types that carry no figure are ignored."""
        match event:
            case Turn():
                self._turn(event)
            case Row():
                self._row(event)
            case Usage():
                self._usages.append(event)
            case _:
                pass

    @property
    def bill(self) -> Bill:
        """What was spent so far."""
        return cost(self._usages, self.prices)

    def summary(self, *, outcome: str, reason: str = "", duration_ms: int = 0) -> CallSummary:
        """The figures of the events taken so far."""
        bill = self.bill
        heard = self._heard.values()
        return CallSummary(
            call_id=self.call_id,
            outcome=outcome,
            reason=reason,
            duration_ms=duration_ms,
            turns=len(self._turns),
            gap_p50_ms=_whole(percentile(self._gaps.values(), 0.50)),
            gap_p95_ms=_whole(percentile(self._gaps.values(), 0.95)),
            heard_ms=sum(heard_ms for heard_ms, _ in heard),
            unheard_ms=sum(unheard_ms for _, unheard_ms in heard),
            cost_usd=bill.usd,
            costs=bill.costs,
            unpriced=bill.unpriced,
        )

    def _turn(self, event: Turn) -> None:
        self._turns.add(event.turn)
        if event.gap_ms is not None:
            self._gaps[event.turn] = event.gap_ms

    def _row(self, row: Row) -> None:
        if row.role == "caller" and row.turn is not None:
            self._turns.add(row.turn)
        elif row.role == "agent":
            # Negative, so that it is not the epoch of another row.
            utterance = -row.seq if row.epoch is None else row.epoch
            self._heard[utterance] = (row.heard_ms or 0, row.unheard_ms or 0)


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)
