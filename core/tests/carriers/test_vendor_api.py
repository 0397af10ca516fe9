"""Requests to vendors end in time; those that may be asked twice are asked again, not for ever."""

from __future__ import annotations

import asyncio
from random import Random

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.aio import deadline
from patter.carriers.vendor_api import (
    BACKOFF_MS,
    MAX_RETRY_AFTER_MS,
    Jitter,
    unavailable,
    with_retries,
)
from patter.clock import LoopClock
from patter.errors import (
    PatterConnectionError,
    PatterError,
    PatterTimeoutError,
    ProvisionError,
    RateLimitError,
)
from patter.vendors.errors import retry_after_ms

DOWN = PatterConnectionError("down", fix="wait")


@attrs.define
class Vendor:
    """Fails with these, one after the other, then answers."""

    failures: list[PatterError]
    asked: list[float] = attrs.field(factory=list)

    async def ask(self) -> str:
        self.asked.append(asyncio.get_running_loop().time() * 1_000)
        if self.failures:
            raise self.failures.pop(0)
        return "yes"


async def pauses_of(vendor: Vendor, jitter: Jitter) -> list[float]:
    """The pauses that repeating *vendor*'s requests took, in milliseconds."""
    await with_retries(vendor.ask, LoopClock(), jitter=jitter)
    return [later - sooner for sooner, later in zip(vendor.asked, vendor.asked[1:], strict=False)]


def failing() -> Vendor:
    return Vendor([DOWN, RateLimitError("too much", fix="wait")])


@pytest.mark.virtual_time
async def test_a_bad_moment_is_waited_out_longer_and_longer() -> None:
    assert await with_retries(failing().ask, LoopClock()) == "yes"
    assert await pauses_of(failing(), lambda: 0.0) == pytest.approx(
        [each / 2 for each in BACKOFF_MS]
    )
    assert await pauses_of(failing(), lambda: 1.0) == pytest.approx(list(BACKOFF_MS))


@pytest.mark.virtual_time
async def test_calls_that_lose_a_vendor_together_do_not_come_back_in_step() -> None:
    sequences = [await pauses_of(failing(), Random(seed).random) for seed in range(150)]
    assert len({round(first) for first, _ in sequences}) > 50
    assert await pauses_of(failing(), Random(7).random) == pytest.approx(sequences[7])
    for pauses in sequences:
        for pause, limit in zip(pauses, BACKOFF_MS, strict=True):
            assert limit / 2 - 0.01 <= pause <= limit + 0.01


@pytest.mark.virtual_time
async def test_by_itself_a_pause_is_random() -> None:
    first, second = failing(), failing()
    for vendor in (first, second):
        await with_retries(vendor.ask, LoopClock())
    assert first.asked[2] - first.asked[0] != second.asked[2] - second.asked[0]


@pytest.mark.virtual_time
@pytest.mark.parametrize(("wish_ms", "pause"), [(2_000, 2_100), (3_600_000, 5_100), (0, 100)])
async def test_a_vendor_that_says_when_is_asked_no_sooner_and_not_never(
    wish_ms: float, pause: float
) -> None:
    vendor = Vendor([RateLimitError("too much", fix="wait", retry_after_ms=wish_ms)])
    assert MAX_RETRY_AFTER_MS == 5_000
    assert await pauses_of(vendor, lambda: 0.0) == pytest.approx([pause])


@pytest.mark.parametrize(
    ("header", "wish_ms"),
    [
        ("3", 3_000),
        (" 0 ", 0),
        ("-1", 0),
        ("1e9", 0),
        ("9" * 400, 0),
        ("²", 0),
        ("Wed, 21 Oct 2026 07:28:00 GMT", 0),
    ],
)
def test_a_retry_after_is_seconds_or_nothing(header: str, wish_ms: float) -> None:
    assert retry_after_ms({"Retry-After": header}) == wish_ms


@pytest.mark.virtual_time
async def test_a_request_that_may_have_been_carried_out_is_not_called_refused() -> None:
    limit = RateLimitError("too much", fix="wait")
    with pytest.raises(PatterConnectionError) as raised:
        await with_retries(Vendor([DOWN, limit, limit]).ask, LoopClock())
    assert raised.value is DOWN
    with pytest.raises(RateLimitError):
        await with_retries(Vendor([limit] * 3).ask, LoopClock())


@pytest.mark.virtual_time
async def test_a_vendor_that_stays_down_is_given_up() -> None:
    vendor = Vendor([DOWN] * 10)
    with pytest.raises(PatterConnectionError):
        await with_retries(vendor.ask, LoopClock(), (1, 1, 1))
    assert len(vendor.asked) == 4


@pytest.mark.virtual_time
async def test_a_refusal_is_not_asked_again() -> None:
    vendor = Vendor([ProvisionError("no", fix="ask for less")])
    with pytest.raises(ProvisionError):
        await with_retries(vendor.ask, LoopClock())
    assert len(vendor.asked) == 1


@pytest.mark.virtual_time
async def test_what_takes_too_long_says_so_and_a_timeout_of_its_own_passes() -> None:
    with pytest.raises(PatterTimeoutError, match="Parrot did not answer within 2 s") as raised:
        async with deadline(2, "Parrot did not answer", fix="see its page"):
            await asyncio.sleep(3)
    assert raised.value.fix == "see its page"
    with pytest.raises(TimeoutError, match="mine") as own:
        async with deadline(2, "Parrot did not answer", fix="see its page"):
            raise TimeoutError("mine")
    assert not isinstance(own.value, PatterError)


@given(st.integers(100, 599), st.text(max_size=20))
def test_only_trouble_of_the_vendors_own_is_an_error_of_ours(status: int, reason: str) -> None:
    error = unavailable("Parrot", status, reason, page="status.parrot.example")
    assert (error is None) == (status < 500 and status != 429)
    if error is not None:
        assert error.passing
        assert isinstance(error, RateLimitError) == (status == 429)
        assert "Parrot" in error.message
        assert error.fix
