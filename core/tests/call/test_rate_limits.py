"""A vendor that says when to come back is asked again then, as far as a caller can wait."""

from __future__ import annotations

import asyncio

import pytest

from patter.call.link import LinkRules, ReconnectPolicy
from patter.clock import LoopClock
from patter.errors import RateLimitError
from patter.observe.call_events import CallEvents

pytestmark = pytest.mark.virtual_time
RULES = LinkRules()


async def waited_s(retry_after_ms: float) -> float:
    policy = ReconnectPolicy("stt", "parrot", LoopClock(), CallEvents("c", lambda: 0), RULES)
    limited = RateLimitError("too many", fix="wait", retry_after_ms=retry_after_ms)
    assert await policy.retry(limited)
    return asyncio.get_running_loop().time()


async def test_it_is_asked_again_when_it_said() -> None:
    assert await waited_s(700) == pytest.approx(0.7, abs=0.01)


async def test_one_that_asks_for_minutes_is_asked_before() -> None:
    assert await waited_s(90_000) == pytest.approx(RULES.backoff_max_ms / 1_000, abs=0.01)


async def test_one_that_says_nothing_is_asked_soon() -> None:
    assert await waited_s(0) <= RULES.backoff_ms / 1_000
