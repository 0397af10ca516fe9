"""What one call finds dead the next does not try, and one of them finds out when it is back."""

from __future__ import annotations

import asyncio
import gc

import attrs
import pytest

from patter import AuthenticationError, PatterConnectionError, ProviderError
from patter.providers.availability import (
    KEPT,
    PROBE_MS,
    RECOVERY_MS,
    REFUSED_MS,
    availability_of,
    claimed_order,
    first_usable,
)
from patter_testing import run_virtual

pytestmark = pytest.mark.virtual_time
LOST = PatterConnectionError("gone", fix="wait")
REFUSED = AuthenticationError("refused (401)", fix="export A_KEY")
WRONG = ProviderError("refused the request (400)", fix="check the options")


@attrs.frozen
class Settings:
    key: str = "k"


class Unhashable:
    __hash__ = None  # type: ignore[assignment]


async def test_a_provider_is_known_by_its_settings_keys_included() -> None:
    availability_of(Settings("a")).fail(LOST)
    assert not availability_of(Settings("a")).usable
    assert availability_of(Settings("b")).usable


async def test_what_has_no_hash_is_only_itself() -> None:
    one, other = Unhashable(), Unhashable()
    availability_of(one).fail(LOST)
    assert not availability_of(one).usable
    assert availability_of(other).usable
    for _ in range(50):
        assert availability_of(Unhashable()).usable, "no id is mistaken for one that is gone"
        gc.collect(0)


def test_another_loop_knows_nothing_of_it() -> None:
    async def fail() -> None:
        availability_of(Settings()).fail(LOST)

    async def look() -> bool:
        return availability_of(Settings()).usable

    run_virtual(fail())
    assert run_virtual(look())


async def test_one_call_alone_tries_it_again_and_a_lost_one_hands_on() -> None:
    known = availability_of(Settings())
    known.fail(LOST)
    await asyncio.sleep(RECOVERY_MS / 1_000 - 1)
    assert (known.claim(), round(known.recovers_in_ms)) == (False, 1_000)
    await asyncio.sleep(1)
    assert [known.claim() for _ in range(3)] == [True, False, False]
    await asyncio.sleep(PROBE_MS / 1_000)
    assert [known.claim() for _ in range(2)] == [True, False]
    known.work()
    assert [known.claim() for _ in range(2)] == [True, True]


async def test_a_refused_key_is_left_alone_for_longer() -> None:
    known = availability_of(Settings())
    known.fail(REFUSED)
    assert known.recovers_in_ms == pytest.approx(REFUSED_MS)


async def test_one_refused_request_may_be_its_own_fault_but_not_two_in_a_row() -> None:
    known = availability_of(Settings())
    known.fail(WRONG)
    known.work()
    known.fail(WRONG)
    assert known.usable
    known.fail(WRONG)
    assert not known.usable


async def test_calls_try_who_may_be_used_first_and_otherwise_keep_the_order() -> None:
    names = [Settings(each) for each in "abcd"]
    availability_of(names[0]).fail(LOST)
    availability_of(names[2]).fail(LOST)
    ordered = claimed_order(names, availability_of)
    assert "".join(each.key for each in ordered) == "bdac"
    assert first_usable(names) == names[1]
    for each in names:
        availability_of(each).fail(LOST)
    assert claimed_order(names, availability_of) == names, "all are tried rather than none"
    assert (first_usable(names), first_usable([])) == (names[0], None)


async def test_how_many_are_remembered_is_bounded() -> None:
    availability_of(Settings("first")).fail(LOST)
    for number in range(KEPT):
        availability_of(Settings(str(number)))
    assert availability_of(Settings("first")).usable


async def test_the_95th_percentile_is_that_of_the_latest() -> None:
    known = availability_of(Settings())
    for ms in range(1, 101):
        known.took(ms)
    assert known.p95_ms(100) == 95 and known.p95_ms(101) is None
    for _ in range(100):
        known.took(7)
    assert known.p95_ms(100) == 7


async def test_the_log_says_it_once_and_when_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    known = availability_of(Settings(), "llm parrot")
    for _ in range(3):
        known.fail(LOST)
    known.work()
    known.work()
    assert [record.getMessage() for record in caplog.records] == [
        "llm parrot is not used for 30 s: gone",
        "llm parrot is used again",
    ]
