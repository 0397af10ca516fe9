"""Another agent takes the caller over in mid-call: its words, tools and rules, the same voice."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from patter import Agent, Guardrail, PluginRegistry, tool
from patter.observe.events import ErrorEvent, Note, ToolRun
from patter.parts import AgentParts
from patter.providers.llm import LLMRequest, ToolRequest
from patter_testing import FakeEngine, FakeLLM, Reply, lab
from patter_testing.fakes.engine import FakeEngineSession

pytestmark = pytest.mark.virtual_time


def to(name: str, reason: str = "an invoice", request: str = "t1") -> ToolRequest:
    return ToolRequest(request, "handoff_to", f'{{"name": "{name}", "reason": "{reason}"}}')


@tool(effect="read")
def opening_hours() -> str:
    """When we are open."""
    return "five to eleven"


@tool(effect="read")
def invoice(number: int) -> str:
    """Look an invoice up."""
    return f"invoice {number} is paid"


def desks(llm: FakeLLM | None = None, **changes: Any) -> tuple[Agent, Agent]:
    """A reception and a billing desk, each of which hands over to the other."""
    both: dict[str, Agent] = {}
    reception = Agent(
        system_prompt="You are the reception of {house}.",
        name="reception",
        stt="fake",
        tts="fake",
        llm=llm,
        idle_ms=(),
        tools=(opening_hours,),
        variables={"house": "Rosa's"},
        handoffs=both,
        disable_phone_preamble=True,
        **changes,
    )
    billing = Agent(
        system_prompt="You do the invoices of {house}, {office}.",
        name="billing",
        tools=(invoice,),
        variables={"house": "the hotel", "office": "second floor"},
        guardrails=(Guardrail("rude", blocked_terms=("idiot",), replacement="Sorry."),),
        text_transforms=(lambda sentence: sentence.replace("EUR", "euros"),),
        handoffs=both,
        disable_phone_preamble=True,
    )
    both.update(reception=reception, billing=billing)
    return reception, billing


def names(request: LLMRequest) -> set[str]:
    return {spec.name for spec in request.tools}


async def test_the_other_agent_answers_in_the_same_turn_with_its_own_words_and_tools() -> None:
    asks = ToolRequest("t2", "invoice", '{"number": 7}')
    llm = FakeLLM(
        replies=(
            Reply(text="I will get somebody.", tools=(to("billing"),)),
            Reply(tools=(asks,)),
            "You idiot. It costs 5 EUR.",
        )
    )
    async with lab(desks(llm)[0]) as call:
        await call.says("what about my invoice")
    assert call.utterances == ["I will get somebody. Sorry. It costs 5 euros."]
    first, second, _ = llm.requests
    assert first.messages[0].text == "You are the reception of Rosa's."
    assert names(first) == {"end_call", "transfer_call", "handoff_to", "opening_hours"}
    assert second.messages[0].text == "You do the invoices of the hotel, second floor."
    assert names(second) == {"end_call", "transfer_call", "handoff_to", "invoice"}
    request, result = second.messages[-2:]
    assert request.text == "I will get somebody.", "it knows what its voice has said"
    assert result.text.startswith("[handoff] reception to billing: an invoice")
    call.expect_tool("handoff_to", name="billing")
    call.expect_tool("invoice", number=7)
    assert [note.text for note in call.of(Note) if note.what == "handoff"] == [
        "billing: an invoice"
    ]


async def test_it_stays_until_it_hands_over_again_and_back() -> None:
    llm = FakeLLM(
        replies=(
            Reply(tools=(to("billing"),)),
            "Billing here.",
            "Still billing.",
            Reply(tools=(to("reception"),)),
            "Reception again.",
        )
    )
    async with lab(desks(llm)[0]) as call:
        for text, answer in [
            ("my invoice", "Billing here."),
            ("and the other", "Still billing."),
            ("thank you", "Reception again."),
        ]:
            assert await call.says(text) == answer
    prompts = [request.messages[0].text[:11] for request in llm.requests]
    assert prompts == ["You are the", *["You do the "] * 3, "You are the"]
    rows = [row["text"] for row in call.session.history.transcript() if row["role"] == "tool"]
    assert [row.partition(":")[0] for row in rows] == [
        "[handoff] reception to billing",
        "[handoff] billing to reception",
    ]


async def test_a_name_that_nobody_has_is_told_with_those_there_are() -> None:
    llm = FakeLLM(replies=(Reply(tools=(to("kitchen"),)), "I cannot do that."))
    async with lab(desks(llm)[0]) as call:
        assert await call.says("the kitchen please") == "I cannot do that."
    [run] = [run for run in call.of(ToolRun) if run.what == "finished"]
    assert run.result == (
        '{"error":"there is no agent \'kitchen\'","available":["reception","billing"]}'
    )
    assert llm.requests[1].messages[0] == llm.requests[0].messages[0]


async def test_agents_that_only_hand_over_to_each_other_come_to_an_end() -> None:
    def answer(request: LLMRequest) -> Reply:
        other = "billing" if "reception" in request.messages[0].text else "reception"
        return Reply(tools=(to(other, request=f"t{len(request.messages)}"),))

    async with lab(desks(FakeLLM(answer=answer))[0]) as call:
        assert "went wrong" in await call.says("my invoice")
    assert "asked for tools" in call.of(ErrorEvent)[0].message
    assert len([note for note in call.of(Note) if note.what == "handoff"]) <= 10


async def test_an_agent_whose_guardrail_is_gone_does_not_take_over() -> None:
    reception, billing = desks(FakeLLM(replies=(Reply(tools=(to("broken"),)), "Sorry, no.")))
    plan = _plan(reception)
    broken = attrs.evolve(billing, guardrails=("nowhere",))
    handoffs = {"broken": lambda: broken._role(_bare(), {}, {}, AgentParts(), first=False)}
    async with lab(attrs.evolve(plan, handoffs=handoffs)) as call:
        assert await call.says("my invoice") == "Sorry, no."
    assert call.of(ErrorEvent)[0].where == "handoff_to"
    assert not [note for note in call.of(Note) if note.what == "handoff"]


# --- whom a model may transfer to


async def test_only_whoever_answers_now_names_targets() -> None:
    wants = ToolRequest("t2", "transfer_call", '{"number": "+493012345678"}')
    llm = FakeLLM(replies=(Reply(tools=(to("billing"),)), Reply(tools=(wants,)), "I cannot."))
    reception, _ = desks(llm)
    reception = attrs.evolve(reception, system_prompt="The boss is +493012345678.")
    async with lab(reception) as call:
        assert await call.says("get me the boss") == "I cannot."
    [refusal] = [m for m in llm.requests[2].messages if m.tool_call_id == "t2"]
    assert "not allowed" in refusal.text


# --- with an engine


def hosted(engine: FakeEngine) -> Agent:
    reception, _ = desks()
    return attrs.evolve(reception, engine=engine, stt=None, tts=None, llm=None)


async def test_an_engine_goes_by_the_others_instructions_before_it_answers() -> None:
    engine = FakeEngine(replies=("Hello.", "Billing here."), listens=True)
    async with lab(hosted(engine)) as call:
        assert await call.says("good evening") == "Hello."
        vendor = engine.sessions[0]
        vendor.want(to("billing"))
        assert await call.listens() == "Billing here."
        assert vendor.instructions == "You do the invoices of the hotel, second floor."
        assert set(vendor.tools) >= {"invoice", "handoff_to"} - {"opening_hours"}
        assert "opening_hours" not in vendor.tools
    assert vendor.results["t1"].startswith("[handoff]")
    assert len(engine.sessions) == 1


async def test_an_engine_that_does_not_take_the_change_is_opened_anew_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def lost(*_: object) -> None:
        raise TimeoutError

    engine = FakeEngine(replies=("Hello.", "Billing here."), listens=True)
    async with lab(hosted(engine)) as call:
        await call.says("good evening")
        monkeypatch.setattr(FakeEngineSession, "update", lost)
        engine.sessions[0].want(to("billing"))
        await call.caller.waits(15_000)
        assert await call.says("hello again") != ""
        assert engine.sessions[-1].instructions.startswith("You do the invoices")
    assert len(engine.sessions) > 1


async def test_a_lost_engine_comes_back_as_whoever_answers_now() -> None:
    engine = FakeEngine(replies=("Hello.", "Billing here.", "Yes."), listens=True)
    async with lab(hosted(engine)) as call:
        await call.says("good evening")
        engine.sessions[0].want(to("billing"))
        await call.listens()
        engine.sessions[0].fail()
        await call.says("are you there")
    assert engine.sessions[-1].setup.instructions.startswith("You do the invoices")
    assert "invoice" in {spec.name for spec in engine.sessions[-1].setup.tools}


def _bare() -> PluginRegistry:
    return PluginRegistry.from_environment({}, source=[])


def _plan(agent: Agent) -> Any:
    from patter_testing import FakeSTT, FakeTTS, FakeVAD

    fakes = {"stt": FakeSTT(), "tts": FakeTTS(), "vad": FakeVAD()}
    return agent.plan(_bare().overriding(fakes))
