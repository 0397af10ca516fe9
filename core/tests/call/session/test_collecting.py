"""`collect_digits` with a prompt, wherever a user may write it; and no key is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import attrs
import pytest

from patter.agent import Agent
from patter.call.control import CallControl
from patter.call.mind import FunctionMind, ModelMind
from patter.call.plan import CallPlan, Phrases
from patter.call.transfer import CallerLocation
from patter.errors import CallStateError
from patter.observe.events import ErrorEvent, Row
from patter.providers.llm import ToolRequest
from patter.tools.tool import tool
from patter_testing import FakeCarrier, FakeLLM, LabCall, Reply, lab

from .plans import plan

pytestmark = pytest.mark.virtual_time
RULES = attrs.evolve(Agent(system_prompt="").rules(vad=True), greeting=False)
PROMPT = "Please enter your pin now."


def brain(handler: Any) -> CallPlan:
    return plan(mind=FunctionMind(handler), rules=RULES, phrases=Phrases())


async def enters(call: LabCall, digits: str, *, after_ms: float) -> str:
    """Ask for something, press *digits* *after_ms* after the agent begins; what follows."""
    await call.caller.says("check my account")
    await call.caller.hears_the_agent_begin()
    await call.caller.waits(after_ms)
    await call.caller.presses(digits)
    return await call.listens()


def nothing_wrong(call: LabCall) -> None:
    assert not call.of(ErrorEvent)
    assert call.summary is not None and call.summary.outcome == "completed"


@pytest.mark.parametrize("after_ms", [200, 2_500], ids=["over the prompt", "after it"])
async def test_a_function_yields_a_prompt_and_then_collects(after_ms: float) -> None:
    got = []

    async def answer(message: dict[str, Any], call: CallControl) -> AsyncIterator[str]:
        yield PROMPT
        got.append(await call.collect_digits(4))
        yield "Thank you."

    async with lab(brain(answer)) as call:
        assert (await enters(call, "1234", after_ms=after_ms)).endswith("Thank you.")
    assert got == ["1234"]
    assert call.utterances == [f"{PROMPT} Thank you."]
    nothing_wrong(call)


@pytest.mark.parametrize("after_ms", [200, 2_500], ids=["over the prompt", "after it"])
async def test_a_function_says_a_prompt_and_then_collects(after_ms: float) -> None:
    got = []

    async def answer(message: dict[str, Any], call: CallControl) -> str:
        await call.say(PROMPT)
        got.append(await call.collect_digits(4))
        return "Thank you."

    async with lab(brain(answer)) as call:
        assert (await enters(call, "1234", after_ms=after_ms)).endswith("Thank you.")
    assert got == ["1234"]
    nothing_wrong(call)


@pytest.mark.parametrize("after_ms", [200, 2_500], ids=["over the prompt", "after it"])
async def test_a_tool_collects_behind_a_spoken_sentence(after_ms: float) -> None:
    got: list[str] = []
    holder: list[LabCall] = []

    @tool(effect="read", timeout_s=60)
    async def read_pin() -> str:
        got.append(await holder[0].session.control.collect_digits(4))
        return "ok"

    asked = Reply(text=PROMPT, tools=(ToolRequest("t1", "read_pin", "{}"),))
    llm = FakeLLM(replies=(asked, "Thank you."))
    made = plan(mind=ModelMind(llm), rules=RULES, phrases=Phrases(), tools=(read_pin,))
    async with lab(made) as call:
        holder.append(call)
        assert (await enters(call, "1234", after_ms=after_ms)).endswith("Thank you.")
    assert got == ["1234"]
    nothing_wrong(call)


async def test_nobody_presses_and_the_function_goes_on() -> None:
    got = []

    async def answer(message: dict[str, Any], call: CallControl) -> AsyncIterator[str]:
        yield PROMPT
        got.append(await call.collect_digits(4, wait_ms=6_000))
        yield "Then not."

    async with lab(brain(answer)) as call:
        await call.caller.says("check my account")
        await call.caller.waits(12_000)
    assert got == [""]
    assert call.utterances == [f"{PROMPT} Then not."]
    nothing_wrong(call)


async def test_a_prompt_of_the_application_and_then_a_collection() -> None:
    async with lab(plan(rules=RULES, phrases=Phrases())) as call:
        await call.caller.waits(200)
        await call.session.control.say(PROMPT)
        collecting = asyncio.ensure_future(call.session.control.collect_digits(4))
        await call.caller.hears_the_agent_begin()
        await call.caller.presses("1234")
        assert await collecting == "1234"


async def test_keys_pressed_before_somebody_collects_them_count() -> None:
    async with lab(plan(rules=RULES, phrases=Phrases())) as call:
        await call.caller.waits(200)
        await call.caller.presses("12")
        collecting = asyncio.ensure_future(call.session.control.collect_digits(4))
        await call.caller.presses("34")
        assert await collecting == "1234"


@pytest.mark.parametrize("how", ["hangs up", "end", "transfer"])
async def test_keys_right_before_the_end_stand_in_the_record(how: str) -> None:
    async with lab(plan(rules=RULES, phrases=Phrases()), carrier=FakeCarrier()) as call:
        await call.caller.waits(200)
        await call.caller.presses("42")
        if how == "end":
            await call.session.control.hangup()
        elif how == "transfer":
            await call.session.control.transfer("+15550188000")
        else:
            await call.hangs_up()
        await asyncio.sleep(0.2)
    assert [row.text for row in call.of(Row) if row.role == "caller"] == ["[DTMF: 42]"]


async def test_what_nobody_would_hear_is_refused_before_a_caller_is_transferred() -> None:
    llm = FakeLLM(replies=("We are open from nine to five on every day but Sunday.",))
    carrier = FakeCarrier()
    carrier = attrs.evolve(carrier, can=attrs.evolve(carrier.can, dtmf_out=False))
    async with lab(plan(llm, rules=RULES, phrases=Phrases()), carrier=carrier) as call:
        await call.caller.says("when are you open")
        await call.caller.waits(2_000)
        control = call.session.control
        await control.transfer("+15550188000")
        await asyncio.sleep(0.05)
        assert call.session.where is CallerLocation.AGENT, "the answer goes on"
        with pytest.raises(CallStateError, match="say while the caller is being transferred"):
            await control.say("hello")
        with pytest.raises(CallStateError, match="send_dtmf while"):
            await control.send_dtmf("12")


async def test_what_nobody_would_hear_is_refused_while_a_caller_is_transferred() -> None:
    async with lab(plan(rules=RULES, phrases=Phrases()), carrier=FakeCarrier()) as call:
        await call.caller.waits(200)
        control = call.session.control
        await control.transfer("+15550188000")
        await asyncio.sleep(0.2)
        with pytest.raises(CallStateError, match="say while the caller is being transferred"):
            await control.say("hello")
        with pytest.raises(CallStateError, match="collect_digits while"):
            await control.collect_digits(4)
        with pytest.raises(CallStateError, match="transfer while"):
            await control.transfer("+15550188001")
        await control.hangup("enough")
        await asyncio.sleep(0.2)
        assert call.leg.closed
    assert call.summary is not None and call.summary.reason == "enough"
