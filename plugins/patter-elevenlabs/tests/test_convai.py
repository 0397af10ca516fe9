"""An agent as an engine, against its double; what every engine keeps is in compliance."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from patter.audio.convert import convert
from patter.audio.formats import MULAW_8K, PCM16_8K, PCM16_16K, PCM16_24K, AudioFormat
from patter.errors import (
    ErrorCode,
    PatterError,
)
from patter.providers.context import CallContext
from patter.providers.engine import EngineTurns
from patter.providers.engine_events import (
    CallerTranscript,
    ResponseAudio,
    ResponseCause,
    ResponseDone,
    ResponseStatus,
    ResponseText,
    ResponseToolCall,
    ResponseTruncated,
    ToolCallsCancelled,
    VendorInterrupted,
)
from patter.providers.llm import Message, ToolRequest
from patter.providers.tts import SpokenWord
from patter_elevenlabs.double import convai_events as events
from patter_testing.doubles.scripted_model import Answer
from patter_testing.doubles.vendor_double import VendorFaults
from patter_testing.doubles.vendor_sound import read_back, sounded
from patter_testing.suites.engine_vendor import conversation

from .convai_lab import CALL, MS_PER_LETTER, engine, quick, talking, until

LONG = "This is a long answer that takes the agent a good while to say to its caller."
BOOK = ToolRequest("t1", "book", '{"people":2}')


def voice(ms: int = 300) -> bytes:
    """Somebody speaks for so long, and then is silent for longer than the agent waits."""
    return sounded("mmmmmm", MULAW_8K, ms // 6) + MULAW_8K.silence * MULAW_8K.bytes_in(150)


async def opened(double: Any, **options: Any) -> Any:
    """The error that opening a conversation raises."""
    with pytest.raises(PatterError) as caught:
        async with conversation(engine(double, **options), CALL):
            pytest.fail("it opened")
    assert caught.value.fix
    return caught.value


async def test_options_and_the_call_reach_the_agent() -> None:
    double = quick(branches=frozenset({"b1"}))
    options = {
        "branch_id": "b1",
        "environment": "staging",
        "voice": "v",
        "model_id": "eleven_flash_v2_5",
        "language": "de",
        "speed": 1.1,
        "stability": 0.4,
        "similarity_boost": 0.6,
        "max_duration_s": 90,
        "dynamic_variables": {"city": "Rome"},
        "custom_llm_extra_body": {"top_k": 3},
        "user_id": "u",
    }
    call = CallContext(call_id="c", variables={"name": "Rosa"})
    async with double.running(), conversation(engine(double, **options), call):
        hosted = double.agent.latest
    assert hosted.overrides == {
        "agent.prompt.prompt": "Be brief.",
        "agent.language": "de",
        "tts.voice_id": "v",
        "tts.model_id": "eleven_flash_v2_5",
        "tts.speed": 1.1,
        "tts.stability": 0.4,
        "tts.similarity_boost": 0.6,
        "conversation.max_duration_seconds": 90,
    }
    assert hosted.variables == {"name": "Rosa", "city": "Rome"}
    assert hosted.got[0]["custom_llm_extra_body"] == {"top_k": 3}
    assert hosted.got[0]["user_id"] == "u"
    (asked,) = double.requests
    query = {"agent_id": double.agent.agent_id, "branch_id": "b1", "environment": "staging"}
    assert dict(asked.query) == query
    assert asked.headers["xi-api-key"] == double.key


async def test_the_agents_own_prompt_is_left_to_it_and_history_is_told() -> None:
    double = quick(allowed=frozenset())
    history = (Message("user", "I am Rosa."),)
    options = {"override_prompt": False}
    async with double.running(), talking(double, options, history=history) as (session, read):
        await read.until_done(await session.respond())
        assert double.agent.instructions == "You are a double."
        assert "Caller: I am Rosa." in double.agent.rows[0].text


async def test_the_callers_audio_reaches_the_agent_as_it_is() -> None:
    double = quick()
    async with double.running(), talking(double) as (session, _):
        await session.send(b"\x10" * 160)
        await session.send(b"\x20" * 160)
        await until(lambda: double.agent.latest.heard_bytes == 320)
        audio = [each for each in double.agent.latest.got if "user_audio_chunk" in each]
    assert len(audio) == 2 and all(set(each) == {"user_audio_chunk"} for each in audio)


async def test_every_ping_is_answered() -> None:
    double = quick(ping_s=0.25)
    async with double.running(), talking(double):
        hosted = double.agent.latest
        await until(lambda: sum(each.get("type") == "pong" for each in hosted.got) >= 2)
        answers = [each["event_id"] for each in hosted.got if each.get("type") == "pong"]
    assert answers[:2] == [1, 2]


async def test_a_ping_before_the_conversation_begins_is_answered() -> None:
    double = quick(pings_first=True)
    async with double.running(), talking(double):
        hosted = double.agent.latest
        await until(lambda: len(hosted.got) >= 2)
    assert {"type": "pong", "event_id": 1} in hosted.got


async def test_a_sample_that_is_cut_in_two_is_put_together() -> None:
    double = quick(speaks="pcm_16000")
    async with double.running(), talking(double, audio_out=PCM16_16K) as (_, read):
        for number, piece in enumerate((b"abc", b"d", b"ef"), start=1):
            await double.agent.latest.send(events.audio(piece, number, "", 1))
        await read.until(lambda event: isinstance(event, ResponseDone))
    pieces = [each.audio for each in read.log if isinstance(each, ResponseAudio)]
    assert pieces == [b"ab", b"cd", b"ef"]


async def test_a_call_on_hold_is_not_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("patter_elevenlabs._convai_session.IDLE_MS", 120.0)
    double = quick()
    async with double.running(), talking(double) as (session, _):
        hosted = double.agent.latest

        def activities() -> int:
            return sum(each.get("type") == "user_activity" for each in hosted.got)

        for _audio in range(8):
            await session.send(b"\xff" * 160)
            await asyncio.sleep(0.02)
        assert not activities()
        await until(lambda: activities() >= 2)


async def test_say_asks_for_the_words_and_respond_for_anything() -> None:
    double = quick()
    async with double.running(), talking(double) as (session, read):
        for name in (
            await session.say("Good bye."),
            await session.respond("Be loud."),
            await session.respond(),
        ):
            await read.until_done(name)
        said = [each["text"] for each in double.agent.latest.got if "text" in each]
    assert "Good bye." in said[0] and said[1] == "Be loud." and said[2]


# What the vendor sends.


async def test_what_the_caller_says_is_heard_and_answered() -> None:
    double = quick(script=("At five.",))
    double.lines.put("when do you open")
    async with (
        double.running(),
        talking(double, turns=EngineTurns(responds=True)) as (
            session,
            read,
        ),
    ):
        await session.send(voice())
        name = await read.until_started(ResponseCause.CALLER)
        await read.until_done(name)
    finals = [e for e in read.log if isinstance(e, CallerTranscript) and e.final]
    assert [each.text for each in finals] == ["when do you open"]
    assert read.text(name) == "At five."


async def test_a_caller_who_speaks_interrupts_the_agent() -> None:
    double = quick(script=(LONG,), late_pieces=3)
    async with double.running(), talking(double) as (session, read):
        name = await session.respond()
        await read.until(lambda event: isinstance(event, ResponseAudio))
        await session.send(voice())
        done = await read.until_done(name)
        truncated = await read.until(lambda event: isinstance(event, ResponseTruncated))
        answer = await read.until_started(ResponseCause.CALLER)
        await read.until_done(answer)
    assert done.status is ResponseStatus.CANCELLED
    assert VendorInterrupted(name) in read.log
    assert isinstance(truncated, ResponseTruncated) and truncated.response_id == name
    assert truncated.text is not None and LONG.startswith(truncated.text)
    after = read.log[read.log.index(done) :]
    assert not [e for e in after if isinstance(e, ResponseAudio) and e.response_id == name]
    # None of the late pieces, of a letter that is not in the answer, is in the next response.
    assert len(read.audio(answer)) == len("Yes, we are open.") * MULAW_8K.bytes_in(MS_PER_LETTER)


async def test_the_agents_audio_is_what_it_says() -> None:
    double = quick(script=("Five.",), ms_per_letter=40, pace=0.1)
    async with double.running(), talking(double) as (session, read):
        name = await session.respond()
        await read.until_done(name)
    assert read_back(read.audio(name), MULAW_8K, 40) == "Five."
    words = [word for e in read.of(name) if isinstance(e, ResponseText) for word in e.words]
    assert words == [SpokenWord("Five.", 200)]


@pytest.mark.parametrize(
    ("hears", "speaks"),
    [("ulaw_8000", "pcm_16000"), ("pcm_16000", "ulaw_8000"), ("pcm_44100", "pcm_22050")],
)
async def test_whatever_the_agents_formats_are_both_sides_understand(
    hears: str, speaks: str
) -> None:
    double = quick(script=("Five.",), ms_per_letter=40, hears=hears, speaks=speaks)
    double.lines.put("when")
    async with double.running(), talking(double) as (session, read):
        await session.send(voice())
        name = await read.until_started(ResponseCause.CALLER)
        await read.until_done(name)
    assert read_back(read.audio(name), MULAW_8K, 40) == "Five."


@pytest.mark.parametrize("audio", [MULAW_8K, PCM16_8K, PCM16_24K])
async def test_a_call_in_another_format_understands_and_is_understood(audio: AudioFormat) -> None:
    double = quick(script=("Five.",), ms_per_letter=40)
    double.lines.put("when")
    async with (
        double.running(),
        talking(double, audio_in=audio, audio_out=audio) as (session, read),
    ):
        await session.send(convert(voice(), MULAW_8K, audio))
        name = await read.until_started(ResponseCause.CALLER)
        await read.until_done(name)
    assert read_back(read.audio(name), audio, 40) == "Five."


async def test_a_format_nobody_knows_is_a_config_error_that_names_the_setting() -> None:
    double = quick(VendorFaults(garbage=json.dumps(events.metadata("c", "mp3_44100", "ulaw_8000"))))
    async with double.running():
        error = await opened(double)
    assert error.code is ErrorCode.CONFIG and "mp3_44100" in error.message
    assert "output format" in error.fix and "μ-law 8000" in error.fix


async def test_the_agents_own_first_message_is_a_greeting() -> None:
    double = quick(first_message="Hi there.")
    async with double.running(), talking(double) as (_, read):
        name = await read.until_started(ResponseCause.GREETING)
        await read.until_done(name)
    assert read.text(name) == "Hi there."


async def test_a_tool_is_called_answered_and_reported_to_have_failed() -> None:
    double = quick(script=(Answer("One moment.", (BOOK,)), "Sorry."))
    async with double.running(), talking(double) as (session, read):
        name = await session.respond()
        call = await read.until(lambda event: isinstance(event, ResponseToolCall))
        assert call == ResponseToolCall(name, BOOK)
        await session.tool_result("t1", "no table", failed=True)
        answer = await read.until_started(ResponseCause.TOOL)
        await read.until_done(answer)
        (sent,) = [e for e in double.agent.latest.got if e.get("type") == "client_tool_result"]
    assert sent["is_error"] is True and sent["result"] == "no table"
    assert read.text(answer) == "Sorry."


async def test_a_tool_that_the_agent_gave_up_is_answered_no_more() -> None:
    double = quick()
    double.agent.events |= {"agent_tool_response"}
    async with double.running(), talking(double) as (session, read):
        await double.agent.want(BOOK)
        await read.until(lambda event: isinstance(event, ResponseToolCall))
        await double.agent.latest.give_up("t1")
        await read.until(lambda event: event == ToolCallsCancelled(("t1",)))
        await session.tool_result("t1", "late")
        await read.until_done(await session.respond())
        assert not [e for e in double.agent.latest.got if e.get("type") == "client_tool_result"]


async def test_the_end_is_not_waited_for_when_the_agent_tells_it() -> None:
    double = quick(script=("Yes.",))
    double.agent.events |= {"agent_response_complete"}
    async with double.running(), talking(double, {"quiet_s": 30}) as (session, read):
        await read.until_done(await session.respond())
