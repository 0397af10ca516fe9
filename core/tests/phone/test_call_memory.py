"""What a call keeps does not grow with its turns, beyond what it is said to keep."""

from __future__ import annotations

import gc
import linecache
import tracemalloc
from pathlib import Path

import attrs
import pytest

import patter
from patter.observe import meter, turn_ledger
from patter.phone import callbacks
from patter_testing import FakeEngine

from .listened import Listened
from .long_call import LongCall

EARLY, LATE, KEPT = 60, 360, 20
LEAST_ROW = 200
"""Bytes that any row of a turn takes at the least."""
OURS = tracemalloc.Filter(True, str(Path(patter.__file__).parent / "*"))


def held_bytes() -> int:
    """What our code has allocated and somebody still holds.

    Less the tuples of ``case`` lines: the interpreter keeps some thousands of those for itself. It
    hands on others, and small lists, to the caller's side of the test: tens of bytes a turn.
    """
    gc.collect()
    lines = tracemalloc.take_snapshot().filter_traces((OURS,)).statistics("lineno")
    frames = [(each.traceback[0], each.size) for each in lines]
    return sum(
        size
        for frame, size in frames
        if not linecache.getline(frame.filename, frame.lineno).strip().startswith("case ")
    )


@pytest.mark.virtual_time
@pytest.mark.patter_timeout(120)
@pytest.mark.parametrize("kind", ["pipeline", "engine"])
async def test_a_call_that_keeps_twenty_turns_needs_no_more_after_three_hundred_more(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, bound in ((callbacks, "ROWS"), (turn_ledger, "TURNS"), (meter, "KEPT")):
        monkeypatch.setattr(module, bound, KEPT)
    engine = FakeEngine(replies=("We open at five.",)) if kind == "engine" else None
    phone = Listened(engine=engine, replies=("We open at five.",))
    phone.context.agent = attrs.evolve(phone.context.agent, max_history=KEPT)
    held: dict[int, int] = {}

    def measure(turn: int) -> None:
        if turn in (EARLY, LATE):
            held[turn] = held_bytes()

    call = LongCall(phone)
    tracemalloc.start(1)
    try:
        await call.run(LATE, measure)
    finally:
        tracemalloc.stop()
    assert call.events > 10 * LATE
    assert (held[LATE] - held[EARLY]) / (LATE - EARLY) < LEAST_ROW
