"""A voice or a function that ignores that it is to stop holds up no other answer for long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import attrs
import pytest

from patter.audio.formats import AudioFormat
from patter.call.mind import FunctionMind
from patter.call.plan import CallPlan, Phrases
from patter.call.turn.rules import TurnRules
from patter.observe.events import Turn
from patter.providers.context import CallContext
from patter.providers.tts import Speech
from patter_testing import FakeLLM, FakeSTT, FakeTTS, Reply, lab
from patter_testing.fakes.tts import FakeTTSSession, spoken

from . import plans

pytestmark = pytest.mark.virtual_time
REPLIES = (Reply(text="Until eleven."), Reply(text="On Sunday, too."))


def quiet(**changes: Any) -> CallPlan:
    """The plan of an agent that waits for the caller to speak."""
    made = plans.plan(FakeLLM(replies=REPLIES), phrases=Phrases(), rules=TurnRules(idle_ms=()))
    return attrs.evolve(made, **changes)


@attrs.frozen(kw_only=True)
class ClingingTTS(FakeTTS):
    """Its first session goes on, without a sound, when it is told to stop; told again it does."""

    @asynccontextmanager
    async def open(self, call: CallContext, audio: AudioFormat) -> AsyncIterator[Any]:
        async with FakeTTS.open(self, call, audio) as session:
            yield _Clinging(session) if len(self.sessions) == 1 else session


@attrs.frozen
class _Clinging:
    session: FakeTTSSession

    async def say(self, text: AsyncIterator[str]) -> AsyncIterator[Speech]:
        async for speech in self.session.say(text):
            yield speech
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            await asyncio.Event().wait()


async def test_a_voice_that_does_not_stop_is_replaced_after_a_second() -> None:
    tts = ClingingTTS()
    async with lab(quiet(), tts=tts) as call:
        await call.caller.says("are you open")
        assert await call.interrupts("and on sunday", after_ms=60) == "On Sunday, too."
    [_, second] = call.of(Turn)
    assert (second.gap_ms or 0) < 1_500
    assert len(tts.sessions) == 2


async def test_a_voice_that_does_not_stop_in_a_draft_is_replaced_after_a_second() -> None:
    tts, rules = ClingingTTS(), TurnRules(idle_ms=(), speculate=True)
    async with lab(quiet(rules=rules), stt=FakeSTT(deaf=True), tts=tts) as call:
        await call.caller.sounds(spoken("are you open", call.leg.audio))
        call.stt.sessions[-1].hear("are you open", final=False)
        await call.caller.waits(400)
        call.heard("are you open on sunday")
        assert await call.listens() == "On Sunday, too."
    [turn] = call.of(Turn)
    assert (turn.gap_ms or 0) < 2_000
    assert len(tts.sessions) == 2


async def test_a_function_that_does_not_stop_costs_no_voice_its_connection() -> None:
    async def answer(data: dict[str, Any]) -> AsyncIterator[str]:
        yield f"You said {data['text']}, which is what I think, too."
        if data["text"] == "one":
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            await asyncio.sleep(30)

    tts = FakeTTS()
    async with lab(quiet(mind=FunctionMind(answer)), tts=tts) as call:
        await call.caller.says("one")
        said = await call.interrupts("two", after_ms=60)
        await call.caller.waits(40_000)
    assert said == "You said two, which is what I think, too."
    assert len(tts.sessions) == 1
