"""A leg that is lost takes nothing along: what was not heard of the agent is said again."""

from __future__ import annotations

import asyncio
from typing import Any

import attrs
import pytest

from patter.audio.formats import ALAW_8K, MULAW_8K, PCM16_8K, PCM16_16K, PCM16_24K, AudioFormat
from patter.call.mind import ModelMind
from patter.call.plan import CallPlan, Phrases
from patter.call.turn.rules import TurnRules
from patter.errors import WebhookVerificationError
from patter.observe.events import Ended, ErrorEvent
from patter_testing import FakeCarrier, FakeLLM, FakeSTT, FakeTTS, FakeVAD, lab

pytestmark = pytest.mark.virtual_time
GREETING = "Good evening, this is Rosa's, how may I help you today?"


def plan(llm: FakeLLM | None = None, **changes: Any) -> CallPlan:
    made = CallPlan(
        stt=FakeSTT(),
        tts=FakeTTS(),
        vad=FakeVAD(),
        mind=ModelMind(llm or FakeLLM()),
        phrases=Phrases(greeting=GREETING),
        rules=TurnRules(idle_ms=()),
    )
    return attrs.evolve(made, **changes)


@pytest.mark.parametrize("marks", [True, False])
@pytest.mark.parametrize("after_ms", [0, 40, 650, 1_310, 2_990])
async def test_a_leg_lost_in_mid_utterance_is_gone_on_from_where_it_was_heard(
    marks: bool, after_ms: int
) -> None:
    carrier = FakeCarrier(can=attrs.evolve(FakeCarrier().can, reconnect=True, marks=marks))
    async with lab(plan(), carrier=carrier) as call:
        await call.caller.hears_the_agent_begin()
        await call.caller.waits(after_ms)
        call.leg.drop()
        await asyncio.sleep(1.5)
        first, call.leg = call.caller, carrier.leg()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(call.session.attach(call.leg))
            call.caller = attrs.evolve(first, leg=call.leg)
            rest = await call.listens()
            await call.hangs_up()
    before = first.heard_text()
    assert GREETING.startswith(before) and GREETING.endswith(rest)
    assert 0 <= len(before) + len(rest) - len(GREETING) <= 10
    call.expect_said(GREETING)


async def test_a_call_whose_leg_does_not_come_back_is_over() -> None:
    carrier = FakeCarrier(can=attrs.evolve(FakeCarrier().can, reconnect=True))
    async with lab(plan(), carrier=carrier) as call:
        await call.caller.hears_the_agent_begin()
        call.leg.drop()
        await asyncio.sleep(11)
        assert call.session.events is not None
    assert call.summary is not None and call.summary.reason == "media_lost"
    assert call.summary.duration_ms < 11_000
    assert [order.deed for order in carrier.orders] == ["hangup"]


@attrs.frozen(kw_only=True)
class SlowToCharge(FakeCarrier):
    """Tells what a call cost when it has been over for a while."""

    async def price(self, carrier_call_id: str) -> float | None:
        await asyncio.sleep(2)
        return await FakeCarrier.price(self, carrier_call_id)


async def test_a_leg_that_comes_while_the_end_is_being_settled_is_refused() -> None:
    carrier = SlowToCharge(can=attrs.evolve(FakeCarrier().can, reconnect=True))
    async with lab(plan(), carrier=carrier) as call:
        await call.listens()
        await call.hangs_up()
        await asyncio.sleep(0.5)
        assert not call.of(Ended)
        with pytest.raises(WebhookVerificationError, match="is over"):
            await call.session.attach(carrier.leg())
    assert call.summary is not None and call.summary.outcome == "completed"


@pytest.mark.parametrize("audio", [MULAW_8K, ALAW_8K, PCM16_8K, PCM16_16K, PCM16_24K])
async def test_a_leg_of_any_format_holds_a_conversation(audio: AudioFormat) -> None:
    carrier = FakeCarrier(formats=(audio,))
    async with lab(plan(FakeLLM(replies=("From five to eleven.",))), carrier=carrier) as call:
        assert await call.listens() == GREETING
        assert await call.says("when are you open") == "From five to eleven."
    assert not call.of(ErrorEvent)
