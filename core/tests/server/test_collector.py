"""The old generation of garbage waits until no call is open, and not for ever."""

from __future__ import annotations

import asyncio
import gc

import pytest

from patter.server import collector
from patter.server.collector import collecting


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A full collection made by `collecting` adds to it."""
    made: list[int] = []
    monkeypatch.setattr(gc, "collect", lambda generation=2: made.append(generation))
    monkeypatch.setattr(collector, "LOOK_S", 0.01)
    return made


@pytest.mark.parametrize(
    ("calls", "old", "wanted"), [(0, 2, True), (0, 1, False), (3, 99, False), (3, 100, True)]
)
async def test_the_old_are_visited_when_nobody_calls_or_when_it_must_be(
    full: list[int], monkeypatch: pytest.MonkeyPatch, calls: int, old: int, wanted: bool
) -> None:
    monkeypatch.setattr(gc, "get_count", lambda: (0, 0, old))
    with collecting(lambda: calls):
        full.clear()
        await asyncio.sleep(0.05)
        assert (2 in full) is wanted
        seen = len(full)
    await asyncio.sleep(0.05)
    assert len(full) == seen


async def test_what_was_set_before_is_set_again() -> None:
    before = gc.get_threshold()
    with collecting(lambda: 0):
        assert gc.get_threshold()[2] > 1_000
        assert gc.get_freeze_count() > 0
    assert gc.get_threshold() == before
