"""Hooks in whole calls: what the recogniser, the model, the voice and the caller get of them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from patter import HookContext, PipelineHooks
from patter.audio.convert import convert
from patter.audio.formats import MULAW_8K, PCM16_8K
from patter.call.mind import FunctionMind
from patter.observe.events import Note, Row
from patter.providers.llm import ToolRequest
from patter.tools.tool import tool
from patter_testing import FakeLLM, FakeSTT, FakeTTS, Reply, lab

from .engine_plans import engine
from .engine_plans import plan as engine_plan
from .plans import plan

pytestmark = pytest.mark.virtual_time
REPLY = "From five to eleven. Every day but Monday."


def rows(call: Any, role: str = "agent") -> list[str]:
    return [row.text for row in call.of(Row) if row.role == role]


def notes(call: Any) -> list[str]:
    return [note.text for note in call.of(Note) if note.what == "hook_off"]


# --- after_llm


async def test_each_tier_sees_its_part_of_the_reply() -> None:
    seen: dict[str, list[str]] = {"on_chunk": [], "on_sentence": [], "on_response": []}

    def noting(tier: str) -> Any:
        return lambda text, *_: seen[tier].append(text)

    hooks = PipelineHooks(after_llm={tier: noting(tier) for tier in seen})
    async with lab(plan(FakeLLM(replies=(REPLY,)), hooks=hooks)) as call:
        await call.says("when are you open")
    assert "".join(seen["on_chunk"]) == REPLY and len(seen["on_chunk"]) > 3
    assert seen["on_response"] == [REPLY]
    assert seen["on_sentence"] == ["From five to eleven.", "Every day but Monday."]


async def test_a_sentence_may_be_changed_or_dropped_and_history_has_what_was_spoken() -> None:
    def brief(sentence: str, ctx: HookContext) -> str:
        return "" if "Monday" in sentence else sentence.replace("eleven", "ten")

    llm = FakeLLM(replies=(REPLY, "Bye."))
    hooks = PipelineHooks(after_llm={"on_sentence": brief})
    async with lab(plan(llm, hooks=hooks)) as call:
        assert await call.says("when are you open") == "From five to ten."
        await call.says("thank you")
    assert rows(call)[0] == "From five to ten."
    assert "From five to ten." in [message.text for message in llm.requests[1].messages]


async def test_a_hook_on_the_response_gets_it_whole_and_a_tool_call_ends_one() -> None:
    @tool(effect="read")
    def hours() -> str:
        return "five to eleven"

    got: list[str] = []

    def numbered(text: str, ctx: HookContext) -> str:
        got.append(text)
        return f"{len(got)}: {text}"

    first = Reply(text="Let me look. One moment.", tools=(ToolRequest("t", "hours", "{}"),))
    hooks = PipelineHooks(after_llm={"on_response": numbered})
    tts = FakeTTS()
    async with lab(
        plan(FakeLLM(replies=(first, REPLY)), tools=(hours,), hooks=hooks), tts=tts
    ) as c:
        await c.says("when are you open")
    assert got == ["Let me look. One moment.", REPLY]
    assert tts.sessions[-1].sentences[0] == "1: Let me look."


async def test_nothing_is_said_before_the_response_is_whole() -> None:
    tts = FakeTTS()

    async def slow(message: dict[str, Any]) -> Any:
        yield "Let me look. "
        await asyncio.sleep(2)
        yield "We have one."

    hooks = PipelineHooks(after_llm={"on_response": lambda text, ctx: text})
    async with lab(plan(mind=FunctionMind(slow), hooks=hooks), tts=tts) as call:
        await call.caller.says("do you have one")
        await call.caller.waits(1_800)
        assert tts.sessions[-1].sentences == []
        await call.caller.waits(3_000)
    assert tts.sessions[-1].sentences == ["Let me look.", "We have one."]


async def test_a_piece_may_be_changed_before_it_is_cut_into_sentences() -> None:
    hooks = PipelineHooks(after_llm={"on_chunk": lambda chunk: chunk.replace(".", "!")})
    async with lab(plan(FakeLLM(replies=(REPLY,)), hooks=hooks)) as call:
        assert await call.says("when") == "From five to eleven!Every day but Monday!"


# --- what hooks are told


async def test_the_context_is_that_of_the_call_and_of_the_beginning_of_the_turn() -> None:
    seen: list[HookContext] = []

    def watch(text: str, ctx: HookContext) -> str:
        seen.append(ctx)
        return text

    hooks = PipelineHooks(before_synthesize=watch)
    llm = FakeLLM(replies=(REPLY, "Gladly. Bye."))
    async with lab(plan(llm, hooks=hooks)) as call:
        await call.says("when are you open")
        await call.says("book a table")
    first, last = seen[0], seen[-1]
    assert first.call_id == call.session.call.call_id and first.caller == call.session.call.caller
    assert first.history == ({"role": "user", "text": "when are you open"},)
    assert [row["text"] for row in last.history] == ["when are you open", REPLY, "book a table"]
    assert seen[2] is seen[3], "one turn, one context"


# --- audio


async def test_the_recogniser_hears_what_the_hook_makes_of_the_callers_audio() -> None:
    stt, seen = FakeSTT(), list[tuple[int, Any]]()

    def quieter(pcm: bytes, ctx: HookContext) -> bytes | None:
        seen.append((len(pcm), ctx.audio))
        return None if len(seen) % 2 else b"\1\0" * (len(pcm) // 2)

    hooks = PipelineHooks(before_send_to_stt=quieter)
    async with lab(plan(hooks=hooks), stt=stt) as call:
        await call.says("hello")
    assert set(seen) == {(320, PCM16_8K)}, "20 ms of PCM16 at the rate of the line"
    sent = stt.sessions[0].sent
    one = convert(b"\1\0", PCM16_8K, MULAW_8K)
    assert set(sent) == {0xFF, *one}, "a dropped piece is silence"
    assert len(sent) // 160 in (len(seen), len(seen) - 1), "as long as it was"


async def test_an_engine_hears_it_too() -> None:
    fake, pieces = engine("Yes."), list[int]()
    hooks = PipelineHooks(before_send_to_stt=lambda pcm, ctx: pieces.append(len(pcm)))
    async with lab(engine_plan(fake, hooks=hooks)) as call:
        await call.caller.waits(500)
    assert sum(pieces) >= 16 * 400


async def test_a_hook_that_hangs_on_audio_mutes_the_call_for_a_moment_only() -> None:
    async def hang(*_: Any) -> Any:
        await asyncio.get_running_loop().create_future()

    hooks = PipelineHooks(before_send_to_stt=hang, after_synthesize=hang)
    async with lab(plan(FakeLLM(replies=(REPLY,)), hooks=hooks)) as call:
        assert await call.says("when are you open") == REPLY.replace(". E", ".E")
        assert await call.says("and again") == REPLY.replace(". E", ".E")
    assert sorted(notes(call)) == ["after_synthesize", "before_send_to_stt"]


async def test_a_hook_that_cannot_keep_up_with_audio_is_switched_off() -> None:
    async def slow(pcm: bytes, ctx: HookContext) -> bytes:
        await asyncio.sleep(0.07)
        return pcm

    async with lab(plan(hooks=PipelineHooks(before_send_to_stt=slow))) as call:
        await call.caller.waits(2_000)
        assert await call.says("hello") == "Yes."
    assert notes(call) == ["before_send_to_stt"]


async def test_what_the_hook_makes_of_the_voice_is_played() -> None:
    texts: list[str] = []

    def swapped(audio: bytes, text: str, ctx: HookContext) -> bytes:
        texts.append(text)
        return audio[::-1][1:] if text.startswith("From") else audio

    async with lab(
        plan(FakeLLM(replies=(REPLY,)), hooks=PipelineHooks(after_synthesize=swapped))
    ) as call:
        heard = await call.says("when are you open")
    assert set(texts) == {"From five to eleven.", "Every day but Monday."}
    assert heard.endswith("Every day but Monday.") and "From" not in heard
    assert rows(call) == [REPLY]


async def test_what_is_not_played_was_not_said() -> None:
    def mute(audio: bytes, text: str, ctx: HookContext) -> bytes | None:
        return None if "Monday" in text else audio

    llm = FakeLLM(replies=(REPLY, "Yes."))
    async with lab(plan(llm, hooks=PipelineHooks(after_synthesize=mute))) as call:
        assert await call.says("when are you open") == "From five to eleven."
        await call.says("thank you")
    assert rows(call)[0] == "From five to eleven."


async def test_a_text_begins_with_the_first_of_its_audio_that_is_played() -> None:
    seen: list[str] = []

    def clipped(audio: bytes, text: str, ctx: HookContext) -> bytes | None:
        seen.append(text)
        return None if seen.count(text) == 1 else audio

    hooks = PipelineHooks(after_synthesize=clipped)
    async with lab(plan(FakeLLM(replies=(REPLY,)), hooks=hooks)) as call:
        heard = await call.says("when are you open")
    assert "eleven." in heard and "From" not in heard
    assert rows(call) == [REPLY]
