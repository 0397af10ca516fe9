"""What the sweep removes, and what it leaves alone whatever the clock says."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.observe.call_log import CallLog
from patter.observe.file_lock import claim
from patter.observe.file_writer import FileWriter
from patter.observe.record_files import NAME, UNFINISHED
from patter.observe.retention import expired, sweep

TODAY, KEPT_DAYS = date(2026, 9, 1), 30
days_of_calls = st.sets(st.integers(0, 400), min_size=1).map(
    lambda ago: [TODAY - timedelta(days=each) for each in ago]
)


def days(count: int, until: date = TODAY) -> list[date]:
    """*count* days in a row, the last of them *until*."""
    return [until - timedelta(days=ago) for ago in reversed(range(count))]


def call(root: Path, day: date, name: str = NAME) -> Path:
    path = root / "calls" / day.strftime("%Y/%m/%d") / "7f3a" / name
    path.parent.mkdir(parents=True)
    path.touch()
    return path


def test_days_older_than_the_retention_go_when_there_were_calls_every_day() -> None:
    had = days(40)
    assert expired(had, TODAY, KEPT_DAYS) == [day for day in had if (TODAY - day).days > KEPT_DAYS]
    assert expired(had, TODAY, 0) == []


@pytest.mark.parametrize("ahead", [1, 20, 90, 3_650])
@pytest.mark.parametrize("lasts", [1, 2, 10])
def test_a_clock_that_is_ahead_for_days_takes_no_record_of_the_days_before(
    ahead: int, lasts: int
) -> None:
    wrong = days(lasts, TODAY + timedelta(days=ahead + lasts))
    gone = [day for now in wrong for day in expired([*days(50), *wrong], now, KEPT_DAYS)]
    assert not [day for day in gone if (TODAY - day).days + lasts <= KEPT_DAYS]


@given(days_of_calls, st.integers(1, 4_000), st.integers(1, 60))
def test_one_wrong_day_never_takes_what_is_younger_than_the_newest_less_the_retention(
    had: list[date], ahead: int, retention: int
) -> None:
    gone = expired(had, max(had) + timedelta(days=ahead), retention)
    assert all((max(had) - day).days >= retention for day in gone)


@given(days_of_calls, st.integers(1, 60))
def test_no_day_that_is_young_enough_goes_and_one_old_enough_does(
    had: list[date], retention: int
) -> None:
    gone = set(expired(had, TODAY, retention))
    assert all((TODAY - day).days > retention for day in gone)
    pause = max(
        (later - day).days
        for day, later in zip(sorted(had), [*sorted(had)[1:], TODAY], strict=True)
    )
    assert {day for day in had if (TODAY - day).days > retention + pause} <= gone


def test_days_to_come_neither_go_nor_count() -> None:
    later = TODAY + timedelta(days=90)
    assert expired([*days(50), later], TODAY, KEPT_DAYS) == expired(days(50), TODAY, KEPT_DAYS)


@pytest.mark.parametrize("calls", [1, 50])
def test_fifty_records_outlive_calls_of_a_clock_that_is_three_months_ahead(
    tmp_path: Path, calls: int
) -> None:
    kept = [call(tmp_path, day) for day in days(50)[20:]]
    log = CallLog(root=tmp_path, file_writer=FileWriter(), housekeeper=FileWriter())
    ahead = datetime(2026, 12, 1, tzinfo=UTC).timestamp()
    for number in range(calls):
        log.open(f"ahead-{number}", ahead, chance=0).join()
        log.housekeeper.settle(5)
    assert [path for path in kept if not path.exists()] == []


def test_a_sweep_removes_the_files_and_the_day_and_not_what_is_no_day(tmp_path: Path) -> None:
    paths = [call(tmp_path, day) for day in days(32)]
    stray = tmp_path / "calls" / "2026" / "notes" / "1"
    stray.mkdir(parents=True)
    (tmp_path / "calls/2026/02/31").mkdir(parents=True)
    assert sweep(tmp_path, TODAY, KEPT_DAYS) == 1
    assert [path.exists() for path in paths] == [False] + [True] * 31
    assert not paths[0].parents[1].exists()
    assert stray.exists()
    assert (tmp_path / "calls/2026/02/31").exists()


def test_a_record_that_is_being_written_outlives_its_day(tmp_path: Path) -> None:
    path = call(tmp_path, TODAY - timedelta(days=35), UNFINISHED)
    for day in days(34):
        call(tmp_path, day)
    file = os.open(path, os.O_RDWR)
    assert claim(file)
    sweep(tmp_path, TODAY, KEPT_DAYS)
    assert path.exists()
    os.close(file)
    sweep(tmp_path, TODAY, KEPT_DAYS)
    assert not path.exists()


def test_two_sweeps_at_a_time_do_not_hinder_each_other(tmp_path: Path) -> None:
    for day in days(200):
        call(tmp_path, day)
    first, second = FileWriter(), FileWriter()
    problems: list[BaseException] = []

    def job() -> None:
        try:
            sweep(tmp_path, TODAY, KEPT_DAYS)
        except OSError as problem:
            problems.append(problem)

    first.run(job)
    second.run(job)
    first.settle(10)
    second.settle(10)
    assert problems == []
    assert len(list(tmp_path.glob("calls/*/*/*"))) == KEPT_DAYS + 1
