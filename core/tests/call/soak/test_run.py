"""The long form's own promises: one kind alone, and no call that keeps it from its end."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from patter_testing import run_virtual

from . import run
from .limit import TooLong, at_most
from .run import TOO_LONG, arguments, lived
from .script import Script, script
from .soak import NOT_YET

SECONDS = 0.05


def _goes_on(seed: int) -> Script:
    """A call without an end among others."""
    while seed == 1:
        pass
    return script("500 caller hangs")


async def _turns_for_ever() -> None:
    while True:
        await asyncio.sleep(0)


def test_a_call_that_goes_on_and_on_is_shown_and_the_next_one_is_lived_through() -> None:
    wrong = lived([0, 1, 2], _goes_on, limit_s=0.6)
    assert [(each.seed, each.rule) for each in wrong] == [(1, TOO_LONG)]
    assert "still going after 0.6 s, at " in wrong[0].said


def test_a_loop_that_turns_for_ever_is_left() -> None:
    with pytest.raises(TooLong), at_most(SECONDS):
        run_virtual(_turns_for_ever())


@pytest.mark.parametrize("swallowed", [KeyboardInterrupt, BaseException])
def test_what_makes_something_else_of_it_is_shown_all_the_same(
    swallowed: type[BaseException],
) -> None:
    with pytest.raises(TooLong), at_most(SECONDS), contextlib.suppress(swallowed):
        while True:
            pass
    with pytest.raises(TooLong), at_most(SECONDS):
        try:
            while True:
                pass
        except swallowed:
            raise ValueError from None


def test_what_never_waits_is_interrupted_too() -> None:
    with pytest.raises(TooLong), at_most(SECONDS):
        while True:
            pass


def test_what_is_done_in_time_is_not_interrupted_afterwards() -> None:
    with at_most(SECONDS):
        pass
    assert sum(range(3_000_000))


def test_one_kind_and_some_seeds_can_be_asked_for() -> None:
    asked = arguments(["2", "300", "--kind", "adversarial", "--processes", "1"])
    assert (asked.seed, asked.calls, asked.kind, asked.processes) == (2, 300, ["adversarial"], 1)
    assert arguments(["--only", "5", "17"]).only == [5, 17]
    assert arguments([]).kind is None


def test_a_run_of_one_kind_tells_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["soak", "1", "2", "--kind", "ordinary", "--processes", "1"])
    assert run.main() == 0
    out, err = capsys.readouterr()
    assert "every rule held" in out
    assert "2 ordinary calls" in out
    assert "2 of 2 ordinary calls" in err
    assert list(NOT_YET) == ["ordinary", "adversarial", "engine"]
