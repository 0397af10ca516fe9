"""An engine dies, at whatever stage: the next goes on with the conversation so far."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest

from patter.audio.formats import MULAW_8K, PCM16_24K
from patter.call.plan import CallPlan
from patter.errors import AuthenticationError, PatterConnectionError, RateLimitError
from patter.observe.events import Link, Usage
from patter.providers.context import CallContext
from patter.providers.engine import EngineSetup
from patter_testing import FakeEngine, FakeTTS, LabCall, lab
from patter_testing.fakes.engine import ABLE, FakeEngineSession

from .engine_plans import OWN_WAY, SPEAKS, engine, greeting, plan
from .far_end import MOST_MS, first_sound_ms, longest_gap_ms

pytestmark = pytest.mark.virtual_time
LOST = PatterConnectionError("the vendor went away", fix="wait a moment")
REFUSED = AuthenticationError("the vendor refused the key (401)", fix="export A_KEY")
BUSY = RateLimitError("too many requests (429)", fix="wait", retry_after_ms=20_000)
ANSWER = "From five to eleven, every day but Monday."
SPEECH = attrs.evolve(OWN_WAY, text_out=False)


def two(first: FakeEngine, second: FakeEngine, **changes: Any) -> CallPlan:
    made = plan(first, engine_fallbacks=(second,), **changes)
    rules = attrs.evolve(made.rules, filler_ms=0, progress_ms=0)
    names = {"engine": ("first", "a")}
    return attrs.evolve(
        made, rules=rules, names=names, fallback_names={"engine": (("second", "b"),)}
    )


@attrs.frozen(kw_only=True)
class Hangs(FakeEngine):
    """Never connects."""

    @asynccontextmanager
    async def open(self, call: CallContext, setup: EngineSetup) -> AsyncIterator[FakeEngineSession]:
        await asyncio.Event().wait()
        yield FakeEngineSession(self, call, setup)


def pair(can: Any, **fault: Any) -> tuple[FakeEngine, FakeEngine]:
    usual = {"can": can, "first_ms": 300}
    return engine(ANSWER, **usual, **fault), engine(ANSWER, **usual)


async def asks(call: LabCall) -> float:
    """Ask when they are open; how long after that the first sound came."""
    await call.caller.waits(1_500)
    engines: Any = [each for each, _ in call.session.plan.engine_candidates]
    call.engine = next(each for each in engines if each.sessions)
    await call.caller.says("when are you open")
    spoke_ms = call.leg.now_ms - 500
    await call.caller.waits(8_000)
    return first_sound_ms(call, spoke_ms)


STAGES: dict[str, dict[str, Any]] = {
    "refused key": {"refuses": REFUSED},
    "too many requests": {"refuses": BUSY},
    "connection refused": {"refuses": LOST},
    "never begins": {"mute": True},
    "no audio": {"stalls_at_ms": 0},
    "error before audio": {"fails_at_ms": 0},
}


@pytest.mark.parametrize("can", [SPEAKS, SPEECH], ids=["asked", "its own way"])
@pytest.mark.parametrize("stage", STAGES)
async def test_the_next_engine_answers_in_time(stage: str, can: Any) -> None:
    healthy, second = pair(can)
    async with lab(two(healthy, second)) as call:
        usual_ms = await asks(call)
    first, second = pair(can, **STAGES[stage])
    async with lab(two(first, second)) as call:
        assert await asks(call) - usual_ms <= MOST_MS
    assert call.utterances == [ANSWER]
    used = {each.provider for each in call.of(Usage) if each.kind == "engine"}
    assert used == {"second"}


async def test_an_engine_that_never_connects_is_left_in_a_second() -> None:
    _, second = pair(SPEAKS)
    async with lab(two(Hangs(can=SPEAKS, listens=True), second, **greeting())) as call:
        call.engine = second
        assert await call.listens() == "Good evening, this is Rosa's."
        assert first_sound_ms(call, 0) <= MOST_MS


@pytest.mark.parametrize("fault", [{"fails_at_ms": 1_000}, {"stalls_at_ms": 1_000}])
async def test_one_that_dies_in_mid_sentence_is_apologised_for_by_the_next(fault: Any) -> None:
    first, second = pair(SPEAKS, **fault)
    async with lab(two(first, second)) as call:
        await call.caller.waits(100)
        await call.caller.says("when are you open")
        spoke_ms = call.leg.now_ms
        await call.caller.waits(8_000)
        assert longest_gap_ms(call, spoke_ms) <= MOST_MS
    assert ANSWER.startswith(call.utterances[0])
    assert "something went wrong" in call.utterances[1]
    assert second.sessions, "the next says so"


async def test_the_next_engine_knows_the_conversation_so_far() -> None:
    first, second = pair(SPEAKS)
    first, second = (
        attrs.evolve(first, accepts=(MULAW_8K,)),
        attrs.evolve(second, accepts=(PCM16_24K,), produces=(PCM16_24K,), replies=("Two it is.",)),
    )
    async with lab(two(first, second, **greeting())) as call:
        await call.listens()
        assert await call.says("when are you open") == ANSWER
        first.sessions[-1].fail(REFUSED)
        await call.caller.waits(1_000)
        call.engine = second
        await call.says("a table for two")
    setup = second.sessions[0].setup
    assert [row.text for row in setup.history] == [
        "Good evening, this is Rosa's.",
        "when are you open",
        ANSWER,
    ]
    assert (setup.audio_in, setup.audio_out, setup.resume) == (PCM16_24K, PCM16_24K, "")
    assert call.utterances[-1] == "Two it is."
    whats = [(link.provider, link.what) for link in call.of(Link)]
    assert whats == [("first", "lost"), ("first", "failed"), ("second", "back")] or whats == [
        ("first", "failed"),
        ("second", "back"),
    ]


async def test_where_the_agents_own_voice_speaks_it_goes_on_speaking() -> None:
    first, second = pair(ABLE, refuses=REFUSED)
    async with lab(two(first, second, tts=FakeTTS())) as call:
        await asks(call)
    assert call.utterances == [ANSWER]
    assert second.sessions[0].setup.text_only


async def test_the_next_call_does_not_try_an_engine_that_was_found_dead() -> None:
    first, second = pair(SPEAKS, mute=True)
    for _ in range(2):
        async with lab(two(first, second)) as call:
            await asks(call)
    assert len(first.sessions) == 1
    assert call.of(Link)[0].what == "skipped"
