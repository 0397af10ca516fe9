"""The figures of a call."""

from __future__ import annotations

from typing import Any

from patter.observe.call_events import CallEvents
from patter.observe.events import CallEvent, Row, Turn, Usage
from patter.observe.meter import CallMeter
from patter.observe.pricing import Price


def metered(
    *notes: tuple[type[CallEvent], dict[str, Any]], prices: tuple[Price, ...] = ()
) -> CallMeter:
    meter = CallMeter("c", prices)
    events = CallEvents("c", lambda: 0)
    events.subscribe(meter)
    for kind, data in notes:
        events.emit(kind(**data))
    return meter


def test_turns_gaps_and_audio_are_summed_up() -> None:
    meter = metered(
        (
            Row,
            {
                "role": "agent",
                "text": "",
                "turn": 0,
                "epoch": 1,
                "heard_ms": 2_400,
                "unheard_ms": 900,
            },
        ),
        (Row, {"role": "caller", "turn": 1, "text": "hello"}),
        (Turn, {"turn": 1, "gap_ms": 640}),
        (Row, {"role": "agent", "text": "", "turn": 1, "epoch": 2, "heard_ms": 1_000}),
        (Turn, {"turn": 2, "gap_ms": 702}),
    )
    summary = meter.summary(outcome="completed", duration_ms=9_000)
    assert (summary.turns, summary.gap_p50_ms, summary.gap_p95_ms) == (2, 671, 699)
    assert (summary.heard_ms, summary.unheard_ms) == (3_400, 900)
    assert (summary.cost_usd, summary.outcome, summary.duration_ms) == (0, "completed", 9_000)


def test_an_amended_turn_counts_once_with_its_last_gap() -> None:
    meter = metered(
        (Row, {"role": "caller", "turn": 1, "text": "book"}),
        (Turn, {"turn": 1, "gap_ms": 300}),
        (Row, {"role": "caller", "turn": 1, "text": "book a table", "amends": True}),
        (Turn, {"turn": 1, "gap_ms": 500}),
    )
    summary = meter.summary(outcome="completed")
    assert (summary.turns, summary.gap_p50_ms) == (1, 500)


def test_a_call_without_an_answer_has_no_percentiles() -> None:
    summary = metered().summary(outcome="failed")
    assert (summary.turns, summary.gap_p50_ms, summary.gap_p95_ms) == (0, None, None)


def test_costs_come_from_usage() -> None:
    used = {"kind": "stt", "provider": "parrot", "unit": "minutes", "amount": 2}
    price = Price(kind="stt", provider="parrot", unit="minutes", usd=0.005)
    known = metered((Usage, used), prices=(price,)).summary(outcome="completed")
    unknown = metered((Usage, used)).summary(outcome="completed")
    assert (known.cost_usd, known.costs, known.unpriced) == (0.01, {"stt": 0.01}, ())
    assert (unknown.cost_usd, unknown.unpriced) == (None, ("parrot minutes",))
