"""A provider that fails in any way costs an apology at most, and never another call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import attrs
import pytest

from patter.audio.formats import AudioFormat
from patter.call.link import LinkRules
from patter.call.mind import ModelMind
from patter.call.plan import CallPlan, Phrases
from patter.call.session import CallSession
from patter.call.turn.rules import TurnRules
from patter.errors import AuthenticationError, PatterConnectionError
from patter.observe.events import ErrorEvent, Link
from patter.providers.context import CallContext
from patter.providers.llm import DoneChunk, ToolCallChunk
from patter.providers.stt import STTSession
from patter_testing import (
    FakeCarrier,
    FakeLLM,
    FakeSTT,
    FakeTTS,
    FakeVAD,
    LabCall,
    Reply,
    lab,
)
from patter_testing.fakes.stt import FakeSTTSession
from patter_testing.fakes.tts import FakeTTSSession

pytestmark = pytest.mark.virtual_time
APOLOGY = Phrases().apology
LOST = PatterConnectionError("the vendor went away", fix="wait a moment")
REFUSED = AuthenticationError("the vendor refused the key (401)", fix="export A_KEY")


def plan(llm: FakeLLM | None = None, **changes: Any) -> CallPlan:
    made = CallPlan(
        stt=FakeSTT(),
        tts=FakeTTS(),
        vad=FakeVAD(),
        mind=ModelMind(llm or FakeLLM()),
        phrases=Phrases(),
    )
    return attrs.evolve(made, **changes)


@asynccontextmanager
async def opening(stt: FakeSTT, session: FakeSTTSession) -> AsyncIterator[FakeSTTSession]:
    stt.sessions.append(session)
    yield session


def errors(call: LabCall) -> list[str]:
    return [event.code for event in call.of(ErrorEvent)]


async def test_a_model_that_fails_before_a_word_is_apologised_for() -> None:
    llm = FakeLLM(replies=(Reply(fails=LOST), "Now it works again."))
    async with lab(plan(llm)) as call:
        assert await call.says("are you open today") == APOLOGY
        assert await call.says("are you open today then") == "Now it works again."
    assert errors(call) == ["CONNECTION"]
    assert call.of(ErrorEvent)[0].fix == "wait a moment"


async def test_a_model_that_fails_in_mid_sentence_is_heard_out() -> None:
    llm = FakeLLM(
        replies=(Reply(text="We open at five. And we close at", fails=LOST, fails_after=8),)
    )
    async with lab(plan(llm)) as call:
        assert "We open at five." in await call.says("when do you open")


async def test_a_model_that_never_answers_is_given_up() -> None:
    llm = FakeLLM(replies=(Reply(silent=True), "Here I am."))
    async with lab(plan(llm, rules=TurnRules(reply_max_ms=3_000))) as call:
        await call.caller.says("are you there")
        assert await call.listens() == APOLOGY
        assert await call.says("are you there now") == "Here I am."


async def test_a_model_that_calls_tools_for_ever_is_stopped() -> None:
    looping = FakeLLM(answer=lambda request: Reply(garbage=(ToolCallChunk(0, "", "nope", "{"),)))
    async with lab(plan(looping)) as call:
        assert await call.says("do something for me") == APOLOGY
    assert errors(call) == ["PROVIDER_ERROR"]
    assert "10 times" in call.of(ErrorEvent)[0].message


async def test_a_model_that_says_nothing_is_asked_once_more() -> None:
    llm = FakeLLM(replies=(Reply(garbage=(DoneChunk(),)), "Yes, I am here."))
    async with lab(plan(llm)) as call:
        assert await call.says("are you there at all") == "Yes, I am here."
    assert len(llm.requests) == 2


async def test_two_failures_in_a_row_end_the_call_with_a_goodbye() -> None:
    llm = FakeLLM(replies=(Reply(fails=REFUSED),))
    async with lab(plan(llm)) as call:
        await call.says("are you open today")
        await call.caller.says("are you open today then")
        await call.caller.hears_the_agent_hang_up()
    assert call.utterances[-1].startswith("Sorry, I have a technical problem.")
    assert call.summary is not None and call.summary.outcome == "failed"


async def test_a_recogniser_that_refuses_the_key_ends_the_call_with_a_goodbye() -> None:
    async with lab(plan(), stt=FakeSTT(refuses=REFUSED)) as call:
        await call.caller.waits(8_000)
    call.expect_said("technical problem")
    assert errors(call) == ["AUTH"]
    assert call.of(ErrorEvent)[0].fix == "export A_KEY"


async def test_a_recogniser_that_drops_is_connected_again_and_no_word_is_lost() -> None:
    @attrs.frozen(kw_only=True)
    class BreaksOnce(FakeSTT):
        @asynccontextmanager
        async def open(
            self, call: CallContext, audio: AudioFormat
        ) -> AsyncIterator[FakeSTTSession]:
            first = FakeSTTSession(attrs.evolve(FakeSTT(), breaks_at_ms=1_000), call, audio)
            opened = FakeSTT.open(self, call, audio) if self.sessions else opening(self, first)
            async with opened as session:
                yield session

    stt = BreaksOnce()
    async with lab(plan(FakeLLM(replies=("Yes, we are.",))), stt=stt) as call:
        assert await call.says("are you open on sunday evening") == "Yes, we are."
    assert len(stt.sessions) > 1
    assert "back" in [event.what for event in call.of(Link)]
    assert len(stt.sessions[1].sent) > 0


async def test_a_recogniser_that_is_deaf_is_replaced_then_given_up() -> None:
    stt = FakeSTT(deaf=True)
    async with lab(plan(rules=TurnRules(idle_ms=())), stt=stt) as call:
        for _ in range(8):
            await call.caller.sounds(b"\x00" * 8 * 600)
            await call.caller.waits(9_000)
            if call.leg.closed:
                break
    assert len(stt.sessions) == LinkRules().retries + 1
    call.expect_said("technical problem")


async def test_a_voice_that_never_comes_ends_the_call() -> None:
    async with lab(plan(), tts=FakeTTS(refuses=REFUSED)) as call:
        await call.caller.says("hello hello hello")
        await call.caller.waits(30_000)
        assert call.leg.closed
    assert call.summary is not None and call.summary.outcome == "failed"


async def test_a_voice_that_stalls_is_a_timeout_that_names_it() -> None:
    async with lab(plan(), tts=FakeTTS(stalls_at_ms=0)) as call:
        await call.caller.says("hello hello hello")
        await call.caller.waits(20_000)
    messages = [event.message for event in call.of(ErrorEvent)]
    assert any("sent no audio for 4000 ms on call lab" in message for message in messages)


async def test_a_voice_that_breaks_before_its_first_audio_is_tried_once_more() -> None:
    @attrs.frozen(kw_only=True)
    class BreaksOnce(FakeTTS):
        opened: list[CallContext] = attrs.field(factory=list, init=False)

        @asynccontextmanager
        async def open(
            self, call: CallContext, audio: AudioFormat
        ) -> AsyncIterator[FakeTTSSession]:
            tts = self if self.opened else attrs.evolve(self, fails_at_ms=0)
            self.opened.append(call)
            async with FakeTTS.open(tts, call, audio) as session:
                yield session

    async with lab(plan(FakeLLM(replies=("Fine, thank you.",))), tts=BreaksOnce()) as call:
        assert await call.says("how are you today") == "Fine, thank you."


async def test_a_plugin_that_raises_anything_is_named_with_a_fix() -> None:
    class Broken:
        accepts = FakeSTT().accepts

        def open(
            self, call: CallContext, audio: AudioFormat
        ) -> AbstractAsyncContextManager[STTSession]:
            raise ZeroDivisionError("division by zero")

    async with lab(attrs.evolve(plan(), stt=Broken()), keep=("stt",)) as call:
        await call.caller.waits(20_000)
    codes = errors(call)
    assert codes == ["PROVIDER_ERROR"]
    assert "division by zero" in call.of(ErrorEvent)[0].message


async def test_a_detector_that_raises_ends_the_call_with_an_apology() -> None:
    class Broken:
        accepts, tail_ms = FakeVAD().accepts, 100

        def start(self, audio: AudioFormat) -> Broken:
            return self

        def feed(self, audio: bytes) -> None:
            raise RuntimeError("no model")

    async with lab(attrs.evolve(plan(), vad=Broken()), keep=("vad",)) as call:
        await call.caller.waits(10_000)
    call.expect_said("technical problem")


async def test_a_listener_that_raises_is_dropped_and_the_call_goes_on() -> None:
    async with lab(plan()) as call:
        call.session.events.subscribe(lambda event: 1 / 0)
        assert await call.says("are you open today") == "Yes."


async def test_one_broken_call_leaves_the_others_alone() -> None:
    broken = lab(plan(FakeLLM(replies=(Reply(fails=REFUSED),))), tts=FakeTTS(fails_at_ms=0))
    async with lab(plan(FakeLLM(replies=("All fine here.",)))) as whole, broken as other:
        await other.caller.says("hello hello hello")
        assert await whole.says("is everything all right") == "All fine here."


@pytest.mark.patter_timeout(120)
async def test_a_thousand_calls_leave_nothing() -> None:
    async def one(number: int) -> str:
        carrier = FakeCarrier()
        leg = carrier.leg()
        session = CallSession(plan=plan(), call=CallContext(call_id=str(number)), carrier=carrier)
        async with asyncio.TaskGroup() as tasks:
            run = tasks.create_task(session.run())
            tasks.create_task(session.attach(leg))
            await asyncio.sleep(0.2)
            leg.type("hello")
            await asyncio.sleep(2)
            leg.hang_up()
        return run.result().reason

    before = asyncio.all_tasks()
    for batch in range(20):
        numbers = range(batch * 50, batch * 50 + 50)
        assert await asyncio.gather(*map(one, numbers)) == ["caller"] * 50
    assert asyncio.all_tasks() == before
