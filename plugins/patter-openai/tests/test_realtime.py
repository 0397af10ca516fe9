"""Conversing over the Realtime API, against its double; what all engines keep is in the suite."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from patter import ErrorCode, PatterError, ProviderSpec
from patter.audio.convert import convert
from patter.audio.formats import MULAW_8K, PCM16_24K, AudioFormat
from patter.errors import PatterConfigError
from patter.providers.engine import EngineTurns, EngineUpdate, TurnDetection
from patter.providers.engine_events import (
    CallerTranscript,
    CallerTurnEnded,
    EngineProblem,
    ResponseAudio,
    ResponseCause,
    ResponseDone,
    ResponseStarted,
    ResponseStatus,
    ResponseTruncated,
    VendorInterrupted,
)
from patter.providers.llm import Message, ToolRequest, ToolSpec
from patter.providers.stt import SpeechEnded, SpeechStarted
from patter_openai import OpenAIRealtime
from patter_openai.double.realtime_ears import voice_of
from patter_openai.double.realtime_script import RealtimeScript
from patter_testing.doubles.vendor_sound import read_back

from .realtime_harness import talking

WANT = ToolRequest("call-1", "book", '{"people": 2}')
OTHER = ToolRequest("call-2", "book", '{"people": 3}')
BOOK = ToolSpec("book", "Book a table", {"type": "object"})
ANSWERING = EngineTurns(responds=True, interrupts=True)


# --- options


WIRED: list[tuple[dict[str, Any], str, Any]] = [
    ({"voice": "cedar"}, "audio.output.voice", "cedar"),
    ({"voice": "voice_9"}, "audio.output.voice", {"id": "voice_9"}),
    ({"input_format": "pcma"}, "audio.input.format", {"type": "audio/pcma"}),
    ({"output_format": "pcmu"}, "audio.output.format", {"type": "audio/pcmu"}),
    ({}, "audio.output.format", {"type": "audio/pcm", "rate": 24_000}),
    ({"speed": "1.25"}, "audio.output.speed", 1.25),
    ({}, "audio.input.transcription", {"model": "whisper-1", "language": "en"}),
    ({"input_audio_transcription_model": ""}, "audio.input.transcription", None),
    (
        {
            "input_audio_transcription_model": "gpt-4o-transcribe",
            "transcription_language": "pt-BR",
            "transcription_prompt": "names of wines",
        },
        "audio.input.transcription",
        {"model": "gpt-4o-transcribe", "language": "pt", "prompt": "names of wines"},
    ),
    ({"noise_reduction": "far_field"}, "audio.input.noise_reduction", {"type": "far_field"}),
    ({}, "audio.input.noise_reduction", None),
    (
        {"threshold": "0.7", "silence_ms": "400", "prefix_padding_ms": "100"},
        "audio.input.turn_detection",
        {
            "type": "server_vad",
            "threshold": 0.7,
            "prefix_padding_ms": 100,
            "silence_duration_ms": 400,
            "create_response": False,
            "interrupt_response": False,
        },
    ),
    (
        {"turn_detection": "semantic_vad", "eagerness": "high"},
        "audio.input.turn_detection",
        {
            "type": "semantic_vad",
            "eagerness": "high",
            "create_response": False,
            "interrupt_response": False,
        },
    ),
    ({"turn_detection": "manual"}, "audio.input.turn_detection", None),
    ({"max_output_tokens": "300"}, "max_output_tokens", 300),
    ({}, "max_output_tokens", "inf"),
    ({"tool_choice": "required"}, "tool_choice", "required"),
    ({"tool_choice": "book"}, "tool_choice", {"type": "function", "name": "book"}),
    ({"truncation": "disabled"}, "truncation", "disabled"),
    (
        {"truncation": "0.8", "truncation_tokens": "9000"},
        "truncation",
        {
            "type": "retention_ratio",
            "retention_ratio": 0.8,
            "token_limits": {"post_instructions": 9_000},
        },
    ),
    ({"prompt": "pmpt_1"}, "prompt", {"id": "pmpt_1"}),
    ({"tracing": "auto"}, "tracing", "auto"),
    ({"tracing": "calls"}, "tracing", {"workflow_name": "calls"}),
    ({"model": "gpt-realtime-2", "reasoning_effort": "low"}, "reasoning", {"effort": "low"}),
    (
        {"model": "gpt-realtime-2", "parallel_tool_calls": "false"},
        "parallel_tool_calls",
        False,
    ),
]


@pytest.mark.parametrize(("settings", "path", "value"), WIRED, ids=lambda each: str(each)[:40])
async def test_an_option_reaches_the_vendor(
    settings: dict[str, Any], path: str, value: Any
) -> None:
    async with talking(settings=settings, tools=(BOOK,)) as talk:
        at: Any = talk.told
        for name in path.split("."):
            at = at[name]
        assert at == value
        assert talk.told["type"] == "realtime"


async def test_account_and_model_are_in_the_handshake_and_the_key_in_no_address() -> None:
    settings = {"organization": "org-1", "project": "proj-1", "model": "gpt-realtime-2"}
    async with talking(settings=settings) as talk:
        (request,) = talk.double.requests
    assert request.headers["OpenAI-Organization"] == "org-1"
    assert request.headers["OpenAI-Project"] == "proj-1"
    assert dict(request.query) == {"model": "gpt-realtime-2"}
    assert "OpenAI-Beta" not in request.headers


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("temperature", 0.8),
        ("speed", 2),
        ("input_format", "g711_ulaw"),
        ("turn_detection", "none"),
        ("noise_reduction", "yes"),
        ("reasoning_effort", "most"),
        ("max_output_tokens", 0),
        ("truncation", 1.5),
        ("open_s", 60),
        ("base_url", "http://api.example.com"),
    ],
)
def test_a_bad_value_is_refused_with_what_to_do(option: str, value: object) -> None:
    with pytest.raises(PatterConfigError) as raised:
        OpenAIRealtime(api_key="k", **{option: value})  # type: ignore[arg-type]
    assert option in raised.value.message and raised.value.fix


def test_a_spec_string_sets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    text = "openai/gpt-realtime-2?input_format=pcmu&speed=1.1&turn_detection=semantic_vad"
    engine = ProviderSpec.parse(text, kind="engine").build(OpenAIRealtime)
    assert (engine.model, engine.speed, engine.accepts) == ("gpt-realtime-2", 1.1, (MULAW_8K,))
    assert engine.can.turn_detection[0] is TurnDetection.SEMANTIC
    assert engine.produces == (PCM16_24K,)
    assert engine.hosts == ("api.openai.com",)


# --- audio


def tone(audio: AudioFormat, hz: float, ms: int) -> bytes:
    pcm = AudioFormat("pcm16", audio.rate_hz)
    at = np.arange(audio.rate_hz * ms // 1_000)
    wave = (8_000 * np.sin(2 * np.pi * hz * at / audio.rate_hz)).astype("<i2").tobytes()
    return convert(wave, pcm, audio)


def pitch(sound: bytes, audio: AudioFormat) -> float:
    """The strongest frequency in *sound*."""
    pcm = convert(sound, audio, AudioFormat("pcm16", audio.rate_hz))
    samples = np.frombuffer(pcm, "<i2").astype(float)
    powers = np.abs(np.fft.rfft(samples))
    return float(np.argmax(powers) * audio.rate_hz / len(samples))


@pytest.mark.parametrize("name", ["pcm", "pcmu", "pcma"])
async def test_a_tone_of_the_telephone_arrives_at_the_vendor_as_that_tone(name: str) -> None:
    """Through the engine's own format, and through soxr where it is not the telephone's."""
    async with talking(settings={"input_format": name}) as talk:
        engine = OpenAIRealtime(api_key="k", input_format=name)
        (format,) = engine.accepts
        await talk.session.send(convert(tone(MULAW_8K, 1_000, 500), MULAW_8K, format))
        await talk.events.until(lambda event: isinstance(event, SpeechStarted))
        (told,) = talk.sent("input_audio_buffer.append")
        heard = talk.double.realtime.session
        assert heard.session["audio"]["input"]["format"]["type"] == f"audio/{name}"
    import base64

    sound = base64.b64decode(told["audio"])
    assert math.isclose(pitch(sound, format), 1_000, abs_tol=5)
    assert math.isclose(format.ms_in(len(sound)), 500, abs_tol=30)


@pytest.mark.parametrize("name", ["pcm", "pcmu", "pcma"])
async def test_what_the_vendor_says_is_heard_in_the_format_that_was_agreed(name: str) -> None:
    script = RealtimeScript(replies=("At seven.",))
    async with talking(script, settings={"output_format": name}) as talk:
        own = await talk.session.respond()
        await talk.events.until_done(own)
        (format,) = OpenAIRealtime(api_key="k", output_format=name).produces
        assert read_back(talk.events.audio(own), format, script.ms_per_letter) == "At seven."


async def test_a_vendor_that_keeps_to_pcm_is_found_out() -> None:
    with pytest.raises(PatterConfigError, match="is audio/pcm, though audio/pcmu"):
        async with talking(RealtimeScript(keeps_pcm=True), settings={"output_format": "pcmu"}):
            pytest.fail("callers would hear noise")


# --- the caller


async def test_turns_are_found_in_the_audio() -> None:
    async with talking(hears=["when do you close"]) as talk:
        await talk.session.send(voice_of(PCM16_24K, 400, 100))
        started = await talk.one(SpeechStarted)
        await talk.session.send(voice_of(PCM16_24K, 0, 400))
        ended = await talk.one(SpeechEnded)
        turn = await talk.one(CallerTurnEnded)
        final = await talk.events.until(
            lambda event: isinstance(event, CallerTranscript) and event.final
        )
    assert started.at_ms == 0 and 500 <= ended.at_ms <= 900
    assert final == CallerTranscript(turn.item_id, "when do you close", final=True)


async def test_deltas_add_up_and_may_come_after_the_answer_began() -> None:
    settings = {"input_audio_transcription_model": "gpt-4o-transcribe"}
    async with talking(settings=settings, turns=ANSWERING) as talk:
        await talk.script.hear("a table for two")
        await talk.events.until(lambda event: isinstance(event, CallerTranscript) and event.final)
        if not any(isinstance(event, ResponseDone) for event in talk.events.log):
            await talk.one(ResponseDone)
    kinds = [type(event) for event in talk.events.log]
    assert kinds.index(ResponseStarted) < kinds.index(CallerTranscript)
    texts = [event.text for event in talk.events.log if isinstance(event, CallerTranscript)]
    assert texts == ["a", "a table", "a table for", "a table for two", "a table for two"]


async def test_the_vendor_interrupts_itself_where_it_shall() -> None:
    script = RealtimeScript(lingers=True)
    async with talking(script, turns=ANSWERING) as talk:
        await talk.script.hear("hello")
        first = await talk.events.until_started(ResponseCause.CALLER)
        await talk.one(ResponseAudio)
        script.lingers = False
        await talk.script.hear("never mind")
        assert await talk.one(VendorInterrupted) == VendorInterrupted(first)
        done = await talk.events.until_done(first)
        await talk.events.until_done(await talk.events.until_started(ResponseCause.CALLER))
    assert (done.status, done.reason) == (ResponseStatus.CANCELLED, "turn_detected")
    assert done.usage is not None


async def test_a_request_that_races_with_the_vendors_own_answer_is_served_after_it() -> None:
    async with talking(RealtimeScript(pace_ms=10), turns=ANSWERING) as talk:
        await talk.script.hear("hello")
        own = await talk.session.respond()
        done = await talk.events.until_done(own)
        causes = [start.cause for start in talk.events.started()]
    assert causes == [ResponseCause.CALLER, ResponseCause.REQUEST]
    assert done.status is ResponseStatus.COMPLETED


async def test_turns_by_hand_are_answered_where_turns_are() -> None:
    turns = EngineTurns(detection=TurnDetection.MANUAL, responds=True)
    async with talking(turns=turns) as talk:
        await talk.script.hear("hello")
        await talk.session.commit()
        await talk.events.until_done(await talk.events.until_started(ResponseCause.CALLER))
        assert [row.text for row in talk.script.rows] == ["hello", "Of course."]


async def test_a_commit_of_nothing_is_a_problem_that_passes() -> None:
    async with talking(turns=EngineTurns(detection=TurnDetection.MANUAL)) as talk:
        await talk.session.commit()
        problem = await talk.one(EngineProblem)
        await talk.events.until_done(await talk.session.respond())
    assert "input_audio_buffer_commit_empty" in problem.error.message


async def test_a_commit_needs_turns_by_hand() -> None:
    async with talking() as talk:
        with pytest.raises(PatterError, match="manual"):
            await talk.session.commit()


async def test_the_caller_writes_and_is_answered() -> None:
    async with talking(turns=ANSWERING) as talk:
        await talk.session.send_text("A table, please.")
        await talk.events.until_done(await talk.events.until_started(ResponseCause.CALLER))
        assert talk.script.rows[0] == Message("user", "A table, please.")


# --- responses


async def test_the_sessions_instructions_stay_in_force_beside_those_of_a_response() -> None:
    async with talking() as talk:
        await talk.events.until_done(await talk.session.respond("Shout."))
        await talk.session.update(EngineUpdate(instructions="Be kind."))
        await talk.events.until_done(await talk.session.respond("Whisper."))
        plain, kind = talk.sent("response.create")
    assert plain["response"]["instructions"] == "Be brief.\n\nShout."
    assert kind["response"]["instructions"] == "Be kind.\n\nWhisper."


async def test_what_is_to_be_said_is_said_and_calls_no_tool() -> None:
    async with talking() as talk:
        own = await talk.session.say("This call is recorded: press 9 to object.")
        await talk.events.until_done(own)
        assert talk.events.text(own) == "This call is recorded: press 9 to object."
        (request,) = talk.sent("response.create")
    assert request["response"]["tool_choice"] == "none"


OVERLOADED = {"type": "server_error", "code": "overloaded", "message": "x"}


@pytest.mark.parametrize(
    ("script", "settings", "status", "reason"),
    [
        (RealtimeScript(filtered=1), {}, ResponseStatus.INCOMPLETE, "content_filter"),
        (
            RealtimeScript(),
            {"max_output_tokens": 1},
            ResponseStatus.INCOMPLETE,
            "max_output_tokens",
        ),
        (
            RealtimeScript(
                failures=[{"type": "server_error", "code": "overloaded", "message": "x"}]
            ),
            {},
            ResponseStatus.FAILED,
            "overloaded",
        ),
    ],
    ids=["filtered", "long", "failed"],
)
async def test_a_response_that_ends_early_says_why(
    script: RealtimeScript, settings: dict[str, Any], status: ResponseStatus, reason: str
) -> None:
    async with talking(script, settings=settings) as talk:
        done = await talk.events.until_done(await talk.session.respond())
    assert (done.status, done.reason) == (status, reason)
    assert (done.error is not None) == (status is ResponseStatus.FAILED)
    assert done.error is None or done.error.code is ErrorCode.CONNECTION


async def test_usage_tells_text_from_audio_and_what_was_cached() -> None:
    async with talking() as talk:
        first = await talk.events.until_done(await talk.session.respond())
        second = await talk.events.until_done(await talk.session.respond())
    assert first.usage is not None and second.usage is not None
    spoken = first.usage.output_audio_tokens
    assert spoken > 0 and first.usage.cached_text_tokens == 0
    assert second.usage.cached_text_tokens == first.usage.input_text_tokens
    assert second.usage.input_audio_tokens == spoken and second.usage.input_text_tokens == 0


async def test_history_keeps_what_was_heard_of_an_interrupted_response() -> None:
    script = RealtimeScript(replies=("We open at five.",))
    async with talking(script) as talk:
        own = await talk.session.respond()
        await talk.events.until_done(own)
        await talk.session.interrupt(own, 7 * script.ms_per_letter)
        truncated = await talk.one(ResponseTruncated)
        assert [row.text for row in script.rows] == ["We open"]
    assert (truncated.response_id, truncated.heard_ms) == (own, 7 * script.ms_per_letter)


async def test_two_calls_of_tools_are_answered_once_both_results_are_there() -> None:
    script = RealtimeScript(calls=[WANT, OTHER])
    async with talking(script, tools=(BOOK,), turns=ANSWERING) as talk:
        await talk.script.hear("two tables")
        await talk.events.until_done(await talk.events.until_started(ResponseCause.CALLER))
        await talk.session.tool_result(OTHER.id, "no", failed=True)
        await talk.session.tool_result(WANT.id, "yes")
        await talk.events.until_done(await talk.events.until_started(ResponseCause.TOOL))
        rows = [(row.tool_call_id, row.text) for row in script.rows if row.role == "tool"]
    assert rows == [(OTHER.id, "The tool failed: no"), (WANT.id, "yes")]
    assert len(talk.events.started()) == 2


async def test_in_text_alone_nothing_is_cut_by_time_but_what_nobody_heard_goes() -> None:
    async with talking(RealtimeScript(replies=("One.", "Two.")), text_only=True) as talk:
        for heard_ms in (500, 0):
            own = await talk.session.respond()
            await talk.events.until_done(own)
            await talk.session.interrupt(own, heard_ms)
        await talk.one(ResponseTruncated)
        assert [row.text for row in talk.script.rows] == ["One."]
        assert talk.told["output_modalities"] == ["text"]
