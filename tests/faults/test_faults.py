"""A few dozen calls on a bad day: each has one record, which says what became of it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random

import pytest

from patter_testing.doubles.faults import Faults

from .audit import of_calls, of_phone
from .audit_record import records
from .day import BAD, chosen, day
from .kills import kills
from .machine import STOPS
from .people import LONG, Case, answers, calls, heard, is_called, stays
from .phone import CARRIERS, phone, until
from .softphones import WAYS, softphone_day
from .vendors import vendors

CALLS, SEED = 42, 7
KILLS = 10
SHARE = CALLS // len(CARRIERS)

pytestmark = pytest.mark.patter_timeout(90)


@pytest.mark.parametrize("carrier", CARRIERS)
async def test_every_call_of_a_bad_day_ends_in_one_true_record(
    carrier: str, tmp_path: Path
) -> None:
    began = CARRIERS.index(carrier) * SHARE
    names = chosen(CALLS, Random(SEED), LONG)[began : began + SHARE]
    found = await day(carrier, names, SEED, tmp_path / "log", patient=False)
    assert not found.problems, "\n".join((f"seed {SEED}", *found.problems))
    assert found.outcomes.total() > SHARE // 2
    assert all(found.dealt[fault] for fault in ("late", "twice", "reordered", "forged", "slow"))


@pytest.mark.parametrize("carrier", CARRIERS)
async def test_a_bad_day_of_real_plugins_at_vendors_that_fail(carrier: str, tmp_path: Path) -> None:
    began = CARRIERS.index(carrier) * SHARE
    names = chosen(CALLS, Random(SEED), LONG)[began : began + SHARE]
    async with vendors() as theirs:
        found = await day(carrier, names, SEED, tmp_path / "log", patient=False, theirs=theirs)
    assert not found.problems, "\n".join((f"seed {SEED}", *found.problems))
    assert found.outcomes.total() > SHARE // 2
    assert len(found.storms) > 3


@pytest.mark.parametrize("carrier", CARRIERS)
async def test_a_bad_day_of_the_machine_which_a_signal_ends(carrier: str, tmp_path: Path) -> None:
    names, log = chosen(SHARE, Random(SEED), LONG), tmp_path / "log"
    found = await day(
        carrier,
        names,
        SEED,
        log,
        faults=Faults(),
        patient=False,
        machine=True,
        stop=STOPS[carrier],
    )
    assert not found.problems, "\n".join((f"seed {SEED}", *found.problems))
    assert set(found.storms) == {"clock set", "disk full"}


async def test_a_bad_day_of_people_who_call_from_a_page(tmp_path: Path) -> None:
    found = await softphone_day(SHARE, SEED, tmp_path / "log")
    assert not found.problems, "\n".join((f"seed {SEED}", *found.problems))
    assert set(found.dealt) == set(WAYS)


@pytest.mark.parametrize("carrier", CARRIERS)
async def test_a_phone_that_stops_leaves_nobody_on_the_line(carrier: str, tmp_path: Path) -> None:
    late = Faults(late=0.3, twice=0.3, reordered=0.3, forged=0.3, late_ms=100, seed=SEED)
    parts = [calls(stays), is_called(answers(stays))] * 3
    cases = [
        Case(name=f"{'out' if place % 2 else 'in'} stays", party=f"+1555020000{place}")
        for place in range(len(parts))
    ]
    async with phone(carrier, late, tmp_path / "log") as it, asyncio.TaskGroup() as tasks:
        for part, case in zip(parts, cases, strict=True):
            tasks.create_task(part(it, case))
        assert await until(lambda: all(heard(case) for case in cases))
        await it.patter.disconnect()
    assert not [*of_calls(it, cases), *of_phone(it)]
    assert {each.ended["reason"] for each in records(it.log).values()} == {"stopped"}


def test_a_day_deals_every_fault_there_is() -> None:
    kinds = [name for name in dir(BAD) if isinstance(getattr(BAD, name), float)]
    assert all(getattr(BAD, name) for name in kinds if not name.endswith("_ms"))


async def test_every_call_that_a_killed_phone_had_announced_has_one_record(tmp_path: Path) -> None:
    wrong, line = await kills(KILLS, SEED, tmp_path / "log")
    assert wrong == [], line
