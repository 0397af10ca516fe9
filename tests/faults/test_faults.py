"""A few dozen calls on a bad day: each has one record, which says what became of it."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from .day import BAD, chosen, day
from .people import LONG
from .phone import CARRIERS

CALLS, SEED = 42, 7
SHARE = CALLS // len(CARRIERS)

pytestmark = pytest.mark.patter_timeout(60)


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


def test_a_day_deals_every_fault_there_is() -> None:
    kinds = [name for name in dir(BAD) if isinstance(getattr(BAD, name), float)]
    assert all(getattr(BAD, name) for name in kinds if not name.endswith("_ms"))
