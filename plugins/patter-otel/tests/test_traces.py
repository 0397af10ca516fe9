"""A call as a collector receives it: one trace, and where the time of each turn went."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from itertools import pairwise

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.observe.events import BargeIn, Turn, Usage
from patter.observe.metrics import STAGES
from patter_otel import (
    SPAN_BARGEIN,
    SPAN_BILLABLE,
    SPAN_CALL,
    SPAN_ENDPOINT,
    SPAN_LLM,
    SPAN_STAGE,
    SPAN_STT,
    SPAN_TOOL,
    SPAN_TTS,
    SPAN_TURN,
    is_tracing_enabled,
    start_span,
)
from patter_otel.pieces import stages_of
from patter_testing import FakeLLM, LabCall, lab, run_virtual

from .calls import ANSWER, booked, booking, registry
from .conftest import Collector, collecting, tracing_to

Toggle = Callable[..., None]


@attrs.frozen
class Seen:
    """A call, and what the collector was sent of it."""

    call: LabCall
    collector: Collector


@pytest.fixture(scope="module")
def seen() -> Iterator[Seen]:
    """One call for all that look at what came of it."""
    with collecting() as collector, tracing_to(collector) as toggle:
        toggle()
        call = run_virtual(booked(booking()))
        toggle()
        yield Seen(call, collector)


def test_a_call_is_one_trace_below_one_span(seen: Seen) -> None:
    collector = seen.collector
    (root,) = collector.named(SPAN_CALL)
    assert root.parent == b""
    assert {span.trace for span in collector.spans} == {root.trace}
    ids = {span.id for span in collector.spans}
    assert all(span.parent in ids for span in collector.spans if span is not root)
    assert set(collector.paths) == {"/v1/traces"}
    assert {span.attributes["patter.call.id"] for span in collector.spans} == {"lab"}


def test_the_stages_of_a_turn_add_up_to_its_response_latency(seen: Seen) -> None:
    call, collector = seen.call, seen.collector
    turns = {event.epoch: event for event in call.of(Turn)}
    spans = collector.named(SPAN_TURN)
    with_gap = [span for span in spans if "patter.latency.turn_ms" in span.attributes]
    assert len(with_gap) == len(turns) >= 2
    for span, turn in zip(with_gap, turns.values(), strict=True):
        stages = [each for each in collector.below(span) if each.name.startswith(SPAN_STAGE)]
        assert sum(stage.ms for stage in stages) == turn.gap_ms
        assert {each.attributes["patter.stage"]: each.ms for each in stages} == {
            name: ms for name, ms in turn.stages.items() if ms
        }
        stages.sort(key=lambda each: each.begin)
        assert all(one.end == two.begin for one, two in pairwise(stages))
        assert span.attributes["patter.latency.turn_ms"] == turn.gap_ms
        assert span.begin <= stages[0].begin and stages[-1].end <= span.end


def test_a_turn_contains_all_that_was_done_for_it(seen: Seen) -> None:
    collector = seen.collector
    turn = collector.named(SPAN_TURN)[0]
    below = {each.name: each for each in collector.below(turn)}
    assert {SPAN_STT, SPAN_LLM, SPAN_TOOL, SPAN_TTS, SPAN_ENDPOINT} <= set(below)
    for each in below.values():
        assert turn.begin <= each.begin <= each.end <= turn.end, each.name
    assert below[SPAN_ENDPOINT].ms == 500
    assert below[SPAN_LLM].ms >= 500


def test_what_models_and_tools_did_has_the_conventional_attributes(seen: Seen) -> None:
    collector = seen.collector
    turn = collector.named(SPAN_TURN)[0]
    below = {each.name: each.attributes for each in collector.below(turn)}
    model, ran = below[SPAN_LLM], below[SPAN_TOOL]
    assert model["gen_ai.operation.name"] == "chat"
    assert (model["gen_ai.provider.name"], model["gen_ai.request.model"]) == ("fake", "parrot-1")
    assert model["gen_ai.usage.input_tokens"] == model["patter.llm.iteration"] == 2
    assert model["gen_ai.usage.output_tokens"] == len(ANSWER.split())
    assert ran["gen_ai.operation.name"] == "execute_tool"
    assert ran["gen_ai.tool.name"] == ran["patter.tool.name"] == "book_table"
    assert ran["gen_ai.tool.call.id"] == "call-1"
    assert below[SPAN_TTS]["getpatter.tts.text_len"] == len(ANSWER)
    assert below[SPAN_STT]["getpatter.stt.text_len"] == len("a table for two please")
    (root,) = collector.named(SPAN_CALL)
    assert root.attributes["gen_ai.agent.name"] == "bistro"
    assert root.attributes["patter.outcome"] == "completed"


def test_a_barge_in_lies_in_the_turn_that_it_cut(seen: Seen) -> None:
    call, collector = seen.call, seen.collector
    (event,) = call.of(BargeIn)
    (span,) = collector.named(SPAN_BARGEIN)
    assert event.voice_ms is not None
    assert span.ms == event.cut_ms - event.voice_ms
    (turn,) = [each for each in collector.named(SPAN_TURN) if each.id == span.parent]
    assert turn.attributes["patter.interrupted"] is True


def test_billable_spans_add_up_to_what_was_used(seen: Seen) -> None:
    call, collector = seen.call, seen.collector

    def used(kind: str, unit: str) -> float:
        return sum(each.amount for each in call.of(Usage) if (each.kind, each.unit) == (kind, unit))

    def billed(name: str) -> float:
        spans = collector.named(SPAN_BILLABLE)
        return sum(float(span.attributes.get(name, 0)) for span in spans)

    assert billed("patter.cost.llm_input_tokens") == used("llm", "tokens_in") > 0
    assert billed("patter.cost.llm_output_tokens") == used("llm", "tokens_out") > 0
    assert billed("patter.cost.tts_chars") == used("tts", "characters") > 0
    assert billed("patter.cost.stt_seconds") == pytest.approx(60 * used("stt", "minutes"), abs=1e-4)
    assert billed("patter.cost.telephony_minutes") == pytest.approx(used("carrier", "minutes"))
    others = [span for span in collector.spans if span.name != SPAN_BILLABLE]
    assert not [span for span in others if "patter.cost.tts_chars" in span.attributes]


def test_spans_of_the_application_lie_below_the_call(tracing: Toggle, collector: Collector) -> None:
    from patter import Agent, tool
    from patter.providers.llm import ToolRequest
    from patter_testing import Reply

    @tool
    async def look_up() -> str:
        """Look it up."""
        with start_span("bistro.lookup", {"rows": 3}) as span:
            assert span is not None
            await asyncio.sleep(0)
        with pytest.raises(KeyError), start_span("bistro.fails"):
            raise KeyError("rows")
        return "found"

    replies = (Reply(tools=(ToolRequest("1", "look_up", "{}"),)), "Yes.")
    agent = Agent(system_prompt="", llm=FakeLLM(replies=replies), tools=[look_up], first_message="")

    async def call_it() -> None:
        async with lab(agent, registry=registry("patter_otel")) as call:
            await call.says("is it there")

    tracing()
    run_virtual(call_it())
    tracing()
    (root,) = collector.named(SPAN_CALL)
    (span,) = collector.named("bistro.lookup")
    (failed,) = collector.named("bistro.fails")
    assert (span.trace, span.parent, span.attributes["rows"]) == (root.trace, root.id, 3)
    assert failed.failed and failed.events[0][0] == "exception"


def test_calls_at_the_same_time_have_traces_of_their_own(
    tracing: Toggle, collector: Collector
) -> None:
    async def one(name: str) -> None:
        async with lab(booking(), registry=registry("patter_otel")) as call:
            call.session.call = attrs.evolve(call.session.call, call_id=name)
            await call.listens()

    async def both() -> None:
        async with asyncio.TaskGroup() as tasks:
            for name in ("a", "b"):
                tasks.create_task(one(name))

    tracing()
    run_virtual(both())
    tracing()
    roots = {root.trace: root.attributes["patter.call.id"] for root in collector.named(SPAN_CALL)}
    assert sorted(roots.values()) == ["a", "b"]
    assert all(roots[span.trace] == span.attributes["patter.call.id"] for span in collector.spans)
    assert len(collector.spans) >= 4


def test_the_resource_says_who_it_is(
    tracing: Toggle, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
    tracing(service_name="bistro", resource_attributes={"patter.side": "uut"})
    with start_span("alone"):
        pass
    tracing()
    about = collector.spans[0].resource
    assert about["service.name"] == "bistro" and about["patter.side"] == "uut"
    assert about["deployment.environment.name"] == "test"


def test_without_tracing_a_span_is_none() -> None:
    assert not is_tracing_enabled()
    with start_span(SPAN_CALL, {"a": 1}) as span:
        assert span is None


@given(
    st.dictionaries(st.sampled_from([*STAGES, "later"]), st.integers(0, 5_000)),
    st.integers(0, 10_000_000),
)
def test_stages_tile_the_latency_whatever_they_are(stages: dict[str, int], heard_ms: int) -> None:
    gap_ms = sum(stages.values())
    turn = Turn(turn=1, gap_ms=gap_ms, stages=stages)
    pieces = [each for each in stages_of(turn, heard_ms) if each.name != SPAN_ENDPOINT]
    at_ms = heard_ms - gap_ms
    for piece in pieces:
        assert piece.began_ms == at_ms
        at_ms = int(piece.ended_ms)
    assert at_ms == heard_ms
