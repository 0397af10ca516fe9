"""What ``patter serve`` prints of calls: who, how it went, why not, and what is waited for."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from patter.cli.board import Board, offset, why_of
from patter.cli.out import Out
from patter.observe.call_metrics import CallMetrics
from patter.observe.events import ErrorEvent

CALL = "7f3a91c00d"
BEGAN = {"call_id": CALL, "direction": "inbound", "caller": "+15550001188"}
REFUSED = ErrorEvent(
    call=CALL, code="AUTH", message="Fox refused the key (401)", fix="export a valid FOX_API_KEY"
)


def ended(outcome: str, reason: str = "") -> dict[str, Any]:
    metrics = CallMetrics(call_id=CALL, outcome=outcome, reason=reason)
    return {"call_id": CALL, "outcome": outcome, "duration": 1.0, "metrics": metrics}


def told(board: Board, ending: dict[str, Any], *errors: ErrorEvent) -> None:
    async def call() -> None:
        await board.began(BEGAN)
        for each in errors:
            board(each)
        await board.ended(ending)

    asyncio.run(call())


def test_a_call_that_failed_says_why_and_what_to_do_in_one_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    told(Board(Out()), ended("failed", "failure"), REFUSED)
    why = capsys.readouterr().out.splitlines()[-1]
    assert why.endswith(
        "7f3a91c0 why error[AUTH]: Fox refused the key (401); fix: export a valid FOX_API_KEY"
    )


def test_what_went_wrong_in_a_call_that_went_on_is_told_apart(
    capsys: pytest.CaptureFixture[str],
) -> None:
    told(Board(Out()), ended("completed", "caller"), REFUSED)
    assert " 7f3a91c0 had error[AUTH]" in capsys.readouterr().out


def test_errors_of_a_call_are_its_own_and_are_forgotten_with_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    board = Board(Out())
    board(REFUSED)
    told(board, ended("completed", "caller"))
    board(REFUSED)
    assert "error" not in capsys.readouterr().out and board.open_calls == ()


@pytest.mark.parametrize(
    ("outcome", "reason", "message", "fix"),
    [
        ("failed", "stopped", "cut when the server stopped", "--drain 60"),
        ("failed", "the server stopped", "cut when the server stopped", "--drain 60"),
        ("failed", "no media within 60000 ms", "opened no media stream", "patter doctor"),
        ("failed", "internal error", "internal error", "patter doctor"),
    ],
)
def test_a_failure_without_an_error_has_its_reason_and_a_fix(
    outcome: str, reason: str, message: str, fix: str
) -> None:
    why = why_of(outcome, reason, None)
    assert why is not None and message in why.message and fix in why.fix


def test_nothing_is_explained_of_a_call_that_went_well() -> None:
    assert why_of("completed", "caller", None) is None


def test_a_drain_says_at_once_what_it_waits_for_and_until_when(
    capsys: pytest.CaptureFixture[str],
) -> None:
    board = Board(Out())
    before = board.clock.wall() + 30
    asyncio.run(board.began(BEGAN))
    board.draining(30.0)
    last = capsys.readouterr().out.splitlines()[-1]
    times = [datetime.fromtimestamp(before + late_s, UTC) for late_s in range(5)]
    assert last in [
        f"draining: 1 call until {until:%H:%M:%S}Z (30 s), Ctrl-C stops now: 7f3a91c0"
        for until in times
    ]
    board.waiting(20.0)
    assert capsys.readouterr().err == "draining: 1 call, 20 s left\n"


def test_without_a_call_there_is_nothing_to_wait_for(capsys: pytest.CaptureFixture[str]) -> None:
    board = Board(Out(json=True))
    board.draining(30.0)
    board.waiting(20.0)
    out, err = capsys.readouterr()
    assert json.loads(out)["calls"] == [] and err == ""


def test_times_are_local_where_people_watch_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    board = Board(Out())
    assert board.zone() == "times in UTC"
    monkeypatch.setattr(Out, "live", property(lambda _: True))
    assert board.zone() == f"local times ({offset()})"
    here = datetime.fromtimestamp(board.clock.wall()).astimezone()
    assert board._time(here.timestamp()) == f"{here:%H:%M:%S}"


@pytest.mark.parametrize(
    ("minutes", "text"), [(0, "UTC+00:00"), (120, "UTC+02:00"), (-210, "UTC-03:30")]
)
def test_an_offset_is_hours_and_minutes(
    monkeypatch: pytest.MonkeyPatch, minutes: int, text: str
) -> None:
    class There(datetime):
        def astimezone(self, tz: Any = None) -> There:
            return There.fromtimestamp(0, timezone(timedelta(minutes=minutes)))

    assert offset(There.fromtimestamp(0, UTC)) == text
