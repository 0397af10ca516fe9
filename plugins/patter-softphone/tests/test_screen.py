"""A screen shows a call's events in order, and never more than fit."""

from __future__ import annotations

import gc

from patter.observe.events import Ended, Row
from patter_softphone._screen import SIZE, _screens, screen_of


def test_a_page_that_does_not_read_misses_the_oldest_rows_only() -> None:
    screen = screen_of("screen-1")
    for seq in range(SIZE + 88):
        screen.show(Row(call="screen-1", seq=seq, role="caller", text=str(seq)))
    assert len(screen.box) == SIZE
    assert screen.box.dropped == 88


def test_a_screen_is_gone_with_those_who_hold_it() -> None:
    listeners = screen_of("screen-2").listeners()
    assert "screen-2" in _screens
    del listeners
    gc.collect()
    assert "screen-2" not in _screens


def test_after_the_last_event_nothing_is_shown() -> None:
    screen = screen_of("screen-3")
    screen.show(Ended(call="screen-3", seq=1, outcome="completed"))
    screen.show(Row(call="screen-3", seq=2, role="caller", text=""))
    assert screen.complete
    assert len(screen.box) == 1
