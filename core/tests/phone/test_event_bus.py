"""The bus of events, alone and as a phone's."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import attrs
import pytest

from patter import InputError, Patter, PatterError, tool
from patter.observe.summary import CallSummary
from patter.phone.event_bus import EventBus, PatterEventType
from patter.providers.llm import ToolRequest
from patter.server.calls import CallEntry, CallRequest, CallState
from patter_testing import FakeEngine, Reply

from .listened import Listened

virtual = pytest.mark.virtual_time
DOCUMENTED = {
    *("turn_started", "turn_ended", "metrics_collected", "eou_metrics", "stt_metrics"),
    *("llm_metrics", "tts_metrics", "interruption", "call_ended", "transcript_partial"),
    *("transcript_final", "llm_chunk", "tts_chunk", "tool_call_started", "context_tokens"),
    "false_interruption",
}


def test_the_types_are_the_documented_ones_and_work_as_strings() -> None:
    assert sorted(PatterEventType) == sorted(DOCUMENTED)
    assert {"llm_chunk": 1}[PatterEventType.LLM_CHUNK] == 1
    assert f"{PatterEventType.LLM_CHUNK}" == "llm_chunk"


def test_a_listener_is_called_until_it_unsubscribes_by_enum_and_by_string() -> None:
    bus, seen = EventBus(), list[Any]()
    unsubscribe = bus.on("turn_ended", seen.append)
    twice = bus.on(PatterEventType.TURN_ENDED, seen.append)
    bus.emit(PatterEventType.TURN_ENDED, 1)
    unsubscribe()
    unsubscribe()
    bus.emit("turn_ended", 2)
    twice()
    bus.emit("turn_ended", 3)
    assert seen == [1, 1, 2]
    assert bus.types == frozenset()


def test_a_misspelt_type_and_a_listener_that_is_none_are_refused() -> None:
    with pytest.raises(InputError, match="no event 'turn_end'"):
        EventBus().on("turn_end", print)
    with pytest.raises(PatterError, match="cannot be called"):
        EventBus().on("turn_ended", "print")  # type: ignore[arg-type]


@pytest.mark.parametrize("raised", [RuntimeError, SystemExit, KeyboardInterrupt])
def test_a_listener_that_raises_is_logged_and_the_next_is_called(
    raised: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    bus, seen = EventBus(), list[Any]()

    def broken(payload: Any) -> None:
        raise raised

    bus.on("interruption", broken)
    bus.on("interruption", seen.append)
    with caplog.at_level(logging.ERROR):
        bus.emit("interruption", 1)
    assert seen == [1] and "a listener of interruption failed" in caplog.text


@virtual
async def test_an_async_listener_runs_soon_and_not_for_ever() -> None:
    bus, seen = EventBus(), list[Any]()

    async def late(payload: Any) -> None:
        await asyncio.sleep(2)
        seen.append(payload)

    async def never(payload: Any) -> None:
        await asyncio.Event().wait()

    bus.on("call_ended", late)
    bus.on("call_ended", never)
    bus.emit("call_ended", 1)
    assert seen == []
    await asyncio.sleep(2.1)
    assert seen == [1]
    await asyncio.sleep(10)
    assert not bus._tasks


def test_each_phone_has_its_bus() -> None:
    assert Patter().events is not Patter().events


@tool(effect="read")
def opening_hours(day: str) -> str:
    """When we are open."""
    return "five to eleven"


@virtual
async def test_a_call_is_told_by_all_documented_types_with_its_id() -> None:
    asks = Reply(text="Let me see.", tools=(ToolRequest("t", "opening_hours", '{"day":"all"}'),))
    replies = (asks, "We open at five, every single day of the year.", "You are welcome.")
    phone = Listened(replies=replies, tools=(opening_hours,))
    phone.listen(*DOCUMENTED)
    summary = await phone.call("c1", "when are you open", cut="no wait on sunday please")
    await phone.context.ended(entry(summary))
    told = {kind for kind, _ in phone.heard}
    assert told | {"false_interruption", "transcript_partial"} == DOCUMENTED
    for _, payload in phone.heard:
        data = payload if isinstance(payload, dict) else attrs.asdict(payload)
        assert data["call_id"] == "c1"
    first = phone.of("turn_ended")[0]["turn"]
    assert (first.turn_index, first.agent_text) == (1, "[interrupted]")
    assert phone.of("metrics_collected")[0]["turn"] == first
    (started,) = phone.of("tool_call_started")
    assert (started["index"], started["name"], started["args"]) == (
        0,
        "opening_hours",
        {"day": "all"},
    )
    (ended,) = phone.of("call_ended")
    assert ended["metrics"].turns[0] == first


def entry(summary: CallSummary) -> CallEntry:
    request = CallRequest(carrier="fake", caller="", callee="")
    return CallEntry(call_id="c1", request=request, state=CallState.ENDED, summary=summary)


@virtual
async def test_pieces_of_text_are_the_answers_and_tell_the_round_of_tools() -> None:
    asks = Reply(text="Let me see.", tools=(ToolRequest("t", "opening_hours", '{"day":"all"}'),))
    phone = Listened(replies=(asks, "At five."), tools=(opening_hours,))
    phone.listen("llm_chunk", "tts_chunk")
    await phone.call()
    rounds: dict[int, str] = {}
    for piece in phone.of("llm_chunk"):
        rounds[piece["iteration"]] = rounds.get(piece["iteration"], "") + piece["text"]
    assert rounds == {0: "Let me see.", 1: "At five."}
    assert sum(piece["bytes"] for piece in phone.of("tts_chunk")) > 1_000


@virtual
async def test_latencies_are_those_of_the_turn_and_have_their_documented_units() -> None:
    phone = Listened(replies=(Reply(text="At five.", first_ms=400),))
    phone.listen("eou_metrics", "stt_metrics", "llm_metrics", "tts_metrics", "turn_ended")
    await phone.call()
    (turn,) = [each["turn"] for each in phone.of("turn_ended")]
    (eou,), (stt,) = phone.of("eou_metrics"), phone.of("stt_metrics")
    (llm,), (tts,) = phone.of("llm_metrics"), phone.of("tts_metrics")
    assert eou.transcription_delay == pytest.approx(turn.latency.endpoint_ms, abs=1)
    assert eou.speech_id == "turn-1"
    assert stt.value == pytest.approx(eou.end_of_utterance_delay / 1_000)
    assert llm.value == turn.latency.llm_ttft_ms / 1_000 >= 0.4
    assert (llm.processor, tts.processor, stt.processor) == ("fake", "fake", "fake")
    assert tts.value == turn.latency.tts_ms / 1_000


@virtual
async def test_an_engine_call_is_told_by_the_same_types() -> None:
    phone = Listened(engine=FakeEngine(replies=("We open at five, every day.", "Bye.")))
    phone.listen(*DOCUMENTED)
    await phone.call("c1", "when are you open", cut="no wait on sunday please")
    told = {kind for kind, _ in phone.heard}
    assert {"turn_started", "turn_ended", "llm_chunk", "tts_chunk", "interruption"} <= told
    assert {"eou_metrics", "llm_metrics", "tts_metrics", "transcript_final"} <= told
    (cut, *_) = phone.of("interruption")
    assert (cut.num_interruptions, cut.call_id) == (1, "c1")
    assert cut.total_duration >= cut.detection_delay >= 0


@virtual
async def test_a_listener_may_come_and_go_during_a_call() -> None:
    phone, pieces = Listened(), list[str]()

    def begins(_: Any) -> None:
        def one(piece: dict[str, Any]) -> None:
            pieces.append(piece["text"])
            stop()

        stop = phone.bus.on("llm_chunk", one)

    phone.bus.on("transcript_final", begins)
    await phone.call()
    assert pieces == ["We"]


@virtual
async def test_a_listener_that_blocks_or_raises_hurts_no_call() -> None:
    phone = Listened()

    async def never(_: Any) -> None:
        await asyncio.Event().wait()

    def exits(_: Any) -> None:
        raise SystemExit

    phone.bus.on("llm_chunk", never)
    phone.bus.on("turn_started", exits)
    summary = await phone.call()
    assert (summary.outcome, summary.turns) == ("completed", 1)


@virtual
async def test_a_voice_that_only_held_the_agent_is_no_interruption() -> None:
    phone = Listened()
    phone.listen("false_interruption", "interruption")
    await phone.call("c1", "when are you open", cut="mhm")
    (held, *_) = phone.of("false_interruption")
    assert held["held_ms"] > 0 and not phone.of("interruption")


@virtual
async def test_words_are_told_as_they_are_recognised() -> None:
    phone = Listened(interim=True)
    phone.listen("transcript_partial", "transcript_final")
    await phone.call()
    said = {"call_id": "c1", "text": "when are you open", "confidence": None}
    assert phone.of("transcript_partial") == [{**said, "is_final": False}]
    assert phone.of("transcript_final") == [{**said, "is_final": True}]


@virtual
async def test_who_comes_in_the_middle_of_a_call_hears_of_its_turns_and_of_no_half_a_call() -> None:
    phone = Listened()

    async def begins(_: Any) -> None:
        phone.listen("turn_ended", "call_ended")

    phone.speech.on_user_speech_started = begins
    summary = await phone.call()
    await phone.context.ended(entry(summary))
    assert [each["turn"].turn_index for each in phone.of("turn_ended")] == [1]
    assert phone.of("call_ended") == [{"call_id": "c1", "metrics": None}]
