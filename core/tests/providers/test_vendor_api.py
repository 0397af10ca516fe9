"""Requests to vendors end in time; those that may be asked twice are asked again, not for ever."""

from __future__ import annotations

import asyncio

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.clock import LoopClock
from patter.errors import (
    PatterConnectionError,
    PatterError,
    PatterTimeoutError,
    ProvisionError,
    RateLimitError,
)
from patter.providers.vendor_api import BACKOFF_MS, bounded, patiently, unavailable

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


@pytest.mark.virtual_time
async def test_a_bad_moment_is_waited_out_longer_and_longer() -> None:
    vendor = Vendor([DOWN, RateLimitError("too much", fix="wait")])
    assert await patiently(vendor.ask, LoopClock()) == "yes"
    pauses = [later - sooner for sooner, later in zip(vendor.asked, vendor.asked[1:], strict=False)]
    assert pauses == pytest.approx(list(BACKOFF_MS))


@pytest.mark.virtual_time
async def test_a_vendor_that_stays_down_is_given_up() -> None:
    vendor = Vendor([DOWN] * 10)
    with pytest.raises(PatterConnectionError):
        await patiently(vendor.ask, LoopClock(), (1, 1, 1))
    assert len(vendor.asked) == 4


@pytest.mark.virtual_time
async def test_a_refusal_is_not_asked_again() -> None:
    vendor = Vendor([ProvisionError("no", fix="ask for less")])
    with pytest.raises(ProvisionError):
        await patiently(vendor.ask, LoopClock())
    assert len(vendor.asked) == 1


@pytest.mark.virtual_time
async def test_what_takes_too_long_says_so_and_a_timeout_of_its_own_passes() -> None:
    with pytest.raises(PatterTimeoutError, match="Parrot did not answer within 2 s") as raised:
        async with bounded(2, "Parrot did not answer", fix="see its page"):
            await asyncio.sleep(3)
    assert raised.value.fix == "see its page"
    with pytest.raises(TimeoutError, match="mine") as own:
        async with bounded(2, "Parrot did not answer", fix="see its page"):
            raise TimeoutError("mine")
    assert not isinstance(own.value, PatterError)


@given(st.integers(100, 599), st.text(max_size=20))
def test_only_trouble_of_the_vendors_own_is_an_error_of_ours(status: int, said: str) -> None:
    told = unavailable("Parrot", status, said, page="status.parrot.example")
    assert (told is None) == (status < 500 and status != 429)
    if told is not None:
        assert told.passing
        assert isinstance(told, RateLimitError) == (status == 429)
        assert "Parrot" in told.message
        assert told.fix
