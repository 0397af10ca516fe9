"""Conversing over the Live API, against its double; what all engines keep is in the suite."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from patter import PatterError, ProviderSpec
from patter.audio.convert import convert
from patter.audio.formats import MULAW_8K, PCM16_16K, PCM16_24K, AudioFormat
from patter.errors import ErrorCode, PatterConfigError
from patter.providers.engine import EngineTurns, EngineUpdate, HistoryForm, TurnDetection
from patter.providers.engine_events import (
    CallerTranscript,
    CallerTurnEnded,
    EngineProblem,
    ResponseAudio,
    ResponseCause,
    ResponseDone,
    ResponseStarted,
    ResponseStatus,
    SessionEnding,
    SessionHandle,
    VendorInterrupted,
)
from patter.providers.llm import Message, ToolRequest, ToolSpec
from patter.providers.stt import SpeechEnded, SpeechStarted
from patter_google import GeminiLive
from patter_google.double import GoogleDouble, LiveDesk
from patter_testing.doubles.vendor_sound import read_back
from patter_testing.suites.engine_vendor import EventReader, setup_for

from .live_lab import CALL, CLOUD, MIDDLE, OLD, engine, talking, voice

BOOK = ToolSpec(
    "book", "Book a table", {"type": "object", "properties": {"people": {"type": "integer"}}}
)
HISTORY = (
    Message("assistant", "Good evening."),
    Message("user", "I am Rosalind."),
    Message("tool", "table 7", name="book", tool_call_id="c"),
    Message("assistant", "Welcome."),
)


# --- options


WIRED: list[tuple[dict[str, Any], str, Any]] = [
    ({}, "model", "models/gemini-3.8-live"),
    (
        {**CLOUD},
        "model",
        "projects/bistro/locations/us-central1/publishers/google/models/"
        "gemini-live-2.5-flash-native-audio",
    ),
    ({}, "generationConfig.responseModalities", ["AUDIO"]),
    ({"temperature": "none"}, "generationConfig.temperature", None),
    ({}, "generationConfig.temperature", 0.8),
    ({"top_p": "0.9"}, "generationConfig.topP", 0.9),
    ({"top_k": "40"}, "generationConfig.topK", 40),
    ({"max_output_tokens": "300"}, "generationConfig.maxOutputTokens", 300),
    ({"seed": "7"}, "generationConfig.seed", 7),
    (
        {"voice": "Kore", "language": "de-DE"},
        "generationConfig.speechConfig",
        {
            "voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}},
            "languageCode": "de-DE",
        },
    ),
    ({}, "generationConfig.thinkingConfig", None),
    (
        {"model": OLD, "thinking_budget": "0"},
        "generationConfig.thinkingConfig",
        {"thinkingBudget": 0},
    ),
    (
        {"model": MIDDLE, "thinking_level": "low"},
        "generationConfig.thinkingConfig",
        {"thinkingLevel": "LOW"},
    ),
    ({"model": OLD, "affective": "true"}, "generationConfig.enableAffectiveDialog", True),
    ({"model": OLD, "proactive": "true"}, "proactivity", {"proactiveAudio": True}),
    ({}, "proactivity", None),
    (
        {
            "start_sensitivity": "low",
            "end_sensitivity": "high",
            "prefix_padding_ms": "20",
            "silence_ms": "400",
        },
        "realtimeInputConfig.automaticActivityDetection",
        {
            "startOfSpeechSensitivity": "START_SENSITIVITY_LOW",
            "endOfSpeechSensitivity": "END_SENSITIVITY_HIGH",
            "prefixPaddingMs": 20,
            "silenceDurationMs": 400,
        },
    ),
    ({}, "realtimeInputConfig.activityHandling", "START_OF_ACTIVITY_INTERRUPTS"),
    ({"vendor_interrupts": "no"}, "realtimeInputConfig.activityHandling", "NO_INTERRUPTION"),
    (
        {"manual_turns": "true"},
        "realtimeInputConfig",
        {
            "automaticActivityDetection": {"disabled": True},
            "activityHandling": "NO_INTERRUPTION",
        },
    ),
    (
        {"turn_coverage": "TURN_INCLUDES_ALL_INPUT"},
        "realtimeInputConfig.turnCoverage",
        "TURN_INCLUDES_ALL_INPUT",
    ),
    ({}, "inputAudioTranscription", {}),
    ({}, "outputAudioTranscription", {}),
    (
        {"transcription_languages": "en-GB,de-DE", "vocabulary": "Barolo"},
        "inputAudioTranscription",
        {"languageCodes": ["en-GB", "de-DE"], "customVocabulary": ["Barolo"]},
    ),
    ({}, "sessionResumption", {}),
    ({}, "contextWindowCompression", {"slidingWindow": {}}),
    (
        {"trigger_tokens": "9000", "target_tokens": "4000"},
        "contextWindowCompression",
        {"triggerTokens": 9_000, "slidingWindow": {"targetTokens": 4_000}},
    ),
    ({"compression": "off"}, "contextWindowCompression", None),
    ({"safety": "OFF"}, "safetySettings.0.threshold", "OFF"),
    ({**CLOUD, "explicit_vad": "true"}, "explicitVadSignal", True),
    ({}, "explicitVadSignal", None),
    ({}, "historyConfig", None),
    ({}, "tools.0.functionDeclarations.0.behavior", "NON_BLOCKING"),
    ({"tool_behavior": "BLOCKING"}, "tools.0.functionDeclarations.0.behavior", "BLOCKING"),
    ({"model": MIDDLE}, "tools.0.functionDeclarations.0.behavior", None),
]


@pytest.mark.parametrize(("settings", "path", "value"), WIRED, ids=lambda each: str(each)[:40])
async def test_an_option_reaches_the_vendor(
    settings: dict[str, Any], path: str, value: Any
) -> None:
    async with talking(settings=settings, tools=(BOOK,)) as talk:
        at: Any = talk.setup
        for name in path.split("."):
            at = at[int(name)] if name.isdigit() else at.get(name, {} if "." in path else None)
        assert (at or None) == value or at == value


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({}, "google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"),
        (
            {"model": OLD, "affective": True},
            "google.ai.generativelanguage.v1alpha.GenerativeService.BidiGenerateContent",
        ),
        (CLOUD, "google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent"),
        (
            {**CLOUD, "api_version": "v1"},
            "google.cloud.aiplatform.v1.LlmBidiService/BidiGenerateContent",
        ),
    ],
)
async def test_a_session_has_its_address_and_the_key_is_in_none(
    settings: dict[str, Any], path: str
) -> None:
    async with talking(settings=settings) as talk:
        (request,) = talk.double.requests
    assert (request.path, dict(request.query)) == (f"/ws/{path}", {})
    shown = request.headers.get("x-goog-api-key") or request.headers["Authorization"]
    assert shown in ("double-key", "Bearer double-key")


def test_the_cloud_has_the_address_of_its_location() -> None:
    live = GeminiLive(vertexai=True, project="bistro", location="europe-west4")
    assert live.hosts == ("europe-west4-aiplatform.googleapis.com",)
    assert GeminiLive(api_key="k").hosts == ("generativelanguage.googleapis.com",)


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({"temperature": 3}, "temperature"),
        ({"start_sensitivity": "medium"}, "start_sensitivity"),
        ({"turn_coverage": "ALL"}, "turn_coverage"),
        ({"tool_behavior": "ASYNC"}, "tool_behavior"),
        ({"model": MIDDLE, "tool_behavior": "NON_BLOCKING"}, "tool_behavior"),
        ({"thinking_level": "low"}, "thinking_level"),
        ({"thinking_budget": 0}, "thinking_budget"),
        ({"model": OLD, "thinking_level": "low"}, "thinking_level"),
        ({"model": MIDDLE, "thinking_budget": 9}, "thinking_budget"),
        ({"model": "gemini-9", "thinking_budget": 9, "thinking_level": "low"}, "at once"),
        ({"affective": True}, "affective"),
        ({"model": MIDDLE, "proactive": True}, "proactive"),
        ({"explicit_vad": True}, "explicit_vad"),
        ({"trigger_tokens": 10, "target_tokens": 10}, "target_tokens"),
        ({"open_s": 60}, "open_s"),
        ({"base_url": "http://api.example.com"}, "base_url"),
        ({"safety": "NEVER"}, "safety"),
    ],
)
def test_a_bad_value_is_refused_with_what_to_do(settings: dict[str, Any], names: str) -> None:
    with pytest.raises(PatterConfigError) as raised:
        GeminiLive(api_key="k", **settings)
    assert names in raised.value.message and raised.value.fix


def test_a_spec_string_sets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_API_KEY", "secret-key")
    text = f"google/{OLD}?thinking_budget=0&manual_turns=true&vocabulary=Barolo,Chianti"
    live = ProviderSpec.parse(text, kind="engine").build(GeminiLive)
    assert (live.model, live.thinking_budget) == (OLD, 0)
    assert live.vocabulary == ("Barolo", "Chianti")
    assert live.can.turn_detection == (TurnDetection.MANUAL, TurnDetection.SILENCE)
    assert "secret-key" not in repr(live) and live.api_key == "secret-key"


def test_what_a_family_cannot_is_not_declared() -> None:
    latest, middle, old = (
        GeminiLive(api_key="k", model=model).can for model in ("gemini-3.8-live", MIDDLE, OLD)
    )
    assert (latest.update_tools, middle.update_tools, old.update_tools) == (True, False, False)
    assert (latest.quiet_tool_results, middle.quiet_tool_results) == (True, False)
    assert [each.history for each in (latest, middle, old)] == [
        HistoryForm.ROWS,
        HistoryForm.ROWS,
        HistoryForm.PROMPT,
    ]
    assert not GeminiLive(api_key="k", tool_behavior="BLOCKING").can.quiet_tool_results


async def test_what_the_call_wants_goes_before_what_is_set() -> None:
    turns = EngineTurns(silence_ms=900, threshold=0.8, interrupts=True)
    settings = {"silence_ms": 100, "start_sensitivity": "high", "vendor_interrupts": False}
    async with talking(settings=settings, turns=turns, voice="Aoede") as talk:
        hearing = talk.setup["realtimeInputConfig"]
        spoken = talk.setup["generationConfig"]["speechConfig"]["voiceConfig"]
    assert hearing["automaticActivityDetection"] == {
        "startOfSpeechSensitivity": "START_SENSITIVITY_LOW",
        "silenceDurationMs": 900,
    }
    assert hearing["activityHandling"] == "START_OF_ACTIVITY_INTERRUPTS"
    assert spoken == {"prebuiltVoiceConfig": {"voiceName": "Aoede"}}


# --- audio


def tone(audio: AudioFormat, hz: float, ms: int) -> bytes:
    pcm = AudioFormat("pcm16", audio.rate_hz)
    at = np.arange(audio.rate_hz * ms // 1_000)
    wave = (8_000 * np.sin(2 * np.pi * hz * at / audio.rate_hz)).astype("<i2").tobytes()
    return convert(wave, pcm, audio)


def pitch(sound: bytes, audio: AudioFormat) -> float:
    """The strongest frequency in *sound*."""
    samples = np.frombuffer(sound, "<i2").astype(float)
    powers = np.abs(np.fft.rfft(samples))
    return float(np.argmax(powers) * audio.rate_hz / len(samples))


async def test_a_tone_of_the_telephone_arrives_at_the_vendor_as_that_tone() -> None:
    """Through soxr: a line has 8 kHz, the vendor wants 16."""
    import base64

    async with talking(hears=["a tone"]) as talk:
        await talk.session.send(convert(tone(MULAW_8K, 1_000, 500), MULAW_8K, PCM16_16K))
        await talk.session.send(voice(0, 600))
        await talk.one(CallerTranscript)
        sent = [each["audio"] for each in talk.sent("realtimeInput") if "audio" in each]
    assert {each["mimeType"] for each in sent} == {"audio/pcm;rate=16000"}
    heard = base64.b64decode(sent[0]["data"])
    assert pitch(heard, PCM16_16K) == pytest.approx(1_000, abs=4)
    assert PCM16_16K.ms_in(len(heard)) == pytest.approx(500, abs=1)


async def test_a_voice_of_the_vendor_is_heard_on_the_telephone() -> None:
    async with talking(LiveDesk(replies=("At seven.",))) as talk:
        own = await talk.session.respond()
        await talk.events.until_done(own)
        sound = talk.events.audio(own)
    assert read_back(sound, PCM16_24K) == "At seven."
    assert read_back(convert(sound, PCM16_24K, MULAW_8K), MULAW_8K) == "At seven."


# --- turns


async def test_the_vendors_detector_ends_turns_and_all_of_them_are_answered() -> None:
    """The SDK's iterator ends with a turn; a call has many."""
    async with talking(LiveDesk(replies=("One.", "Two.", "Three."))) as talk:
        for turn, reply in enumerate(("One.", "Two.", "Three."), 1):
            talk.double.lines.put(f"question {turn}")
            await talk.session.send(voice(400, 700))
            own = await talk.events.until_started(ResponseCause.CALLER)
            await talk.events.until_done(own)
            assert talk.events.text(own) == reply
        ended = [each for each in talk.events.log if isinstance(each, CallerTurnEnded)]
        said = [e for e in talk.events.log if isinstance(e, CallerTranscript) and e.final]
    assert [each.item_id for each in ended] == [each.item_id for each in said]
    assert [each.text for each in said] == ["question 1", "question 2", "question 3"]


async def test_words_add_up_and_guesses_come_before_them() -> None:
    async with talking(LiveDesk(guesses=True, finishes=True), hears=["a table for two"]) as talk:
        await talk.session.send(voice(1_000, 700))
        await talk.events.until_started(ResponseCause.CALLER)
        words = [each for each in talk.events.log if isinstance(each, CallerTranscript)]
    assert [each.text for each in words[:2]] == ["a", "a table"]
    assert words[-1] == CallerTranscript(words[0].item_id, "a table for two", True)
    assert {each.item_id for each in words} == {"turn-1"}


async def test_words_that_come_after_the_answer_began_are_of_the_turn_that_it_answers() -> None:
    async with talking(LiveDesk(late_words=True)) as talk:
        await talk.desk.hear("a table for two")
        ended = await talk.one(CallerTurnEnded)
        started = await talk.one(ResponseStarted)
        final = await talk.events.until(lambda e: isinstance(e, CallerTranscript) and e.final)
    assert started.cause is ResponseCause.CALLER
    assert final == CallerTranscript(ended.item_id, "a table for two", True)


async def test_a_caller_who_speaks_stops_the_vendor() -> None:
    async with talking(LiveDesk(lingers=True), hears=["hello", "never mind"]) as talk:
        await talk.session.send(voice(400, 700))
        first = await talk.events.until_started(ResponseCause.CALLER)
        await talk.one(ResponseAudio)
        talk.desk.lingers = False
        await talk.session.send(voice(400, 700))
        assert await talk.one(VendorInterrupted) == VendorInterrupted(first)
        done = await talk.events.until_done(first)
        second = await talk.events.until_started(ResponseCause.CALLER)
        await talk.events.until_done(second)
    assert done.status is ResponseStatus.CANCELLED
    assert done.usage is not None, "the end of an interrupted turn brings what it cost"
    assert talk.events.text(second) == "Of course."


async def test_where_the_call_decides_a_caller_who_speaks_stops_nothing() -> None:
    settings = {"vendor_interrupts": False}
    async with talking(LiveDesk(pace_ms=20), settings=settings, hears=["hello", "and"]) as talk:
        await talk.session.send(voice(400, 700))
        first = await talk.events.until_started(ResponseCause.CALLER)
        await talk.one(ResponseAudio)
        await talk.session.send(voice(400, 700))
        assert (await talk.events.until_done(first)).status is ResponseStatus.COMPLETED
        await talk.events.until_done(await talk.events.until_started(ResponseCause.CALLER))
    assert not any(isinstance(each, VendorInterrupted) for each in talk.events.log)


async def test_a_response_is_over_when_the_vendor_has_played_it() -> None:
    """Between `generationComplete` and `turnComplete` it waits for a telephone."""
    async with talking(LiveDesk(replies=("Yes.",), plays=True)) as talk:
        own = await talk.session.respond()
        done = await talk.events.until_done(own)
    assert done.status is ResponseStatus.COMPLETED
    assert done.usage is not None and done.usage.output_audio_tokens > 0


async def test_a_response_that_was_interrupted_here_is_not_heard_again() -> None:
    """The vendor goes on with it; the next request stops it, and what is left is dropped."""
    desk = LiveDesk(lingers=True, replies=("First.", "Second."))
    async with talking(desk) as talk:
        first = await talk.session.respond()
        await talk.one(ResponseAudio)
        await talk.session.interrupt(first, 20)
        desk.lingers = False
        second = await talk.session.respond()
        await talk.events.until_done(second)
        after = talk.events.of(first)
    assert isinstance(after[-1], ResponseDone) and after[-1].status is ResponseStatus.CANCELLED
    assert talk.events.text(second) == "Second."


async def test_turns_by_hand_are_marked_and_answered_at_once() -> None:
    turns = EngineTurns(detection=TurnDetection.MANUAL)
    async with talking(turns=turns, hears=["hello", "again"]) as talk:
        for _ in range(2):
            await talk.session.send(voice(300))
            await talk.session.send(voice(0, 50))
            await talk.session.commit()
            await talk.events.until_done(await talk.events.until_started(ResponseCause.CALLER))
        marks = [next(iter(each)) for each in talk.sent("realtimeInput")]
        rows = [row.text for row in talk.desk.rows]
    assert marks == ["activityStart", "audio", "audio", "activityEnd"] * 2
    assert rows == ["hello", "Of course.", "again", "Of course."]
    assert not any(isinstance(each, CallerTurnEnded) for each in talk.events.log)


async def test_a_commit_needs_turns_by_hand() -> None:
    async with talking() as talk:
        with pytest.raises(PatterError, match="manual"):
            await talk.session.commit()


async def test_a_caller_on_hold_is_told_of_so_that_the_turn_ends() -> None:
    async with talking(hears=["hold on"]) as talk:
        await talk.session.send(voice(400))
        await talk.events.until_done(await talk.events.until_started(ResponseCause.CALLER))
        assert talk.sent("realtimeInput")[-1] == {"audioStreamEnd": True}
        ends = [each for each in talk.sent("realtimeInput") if "audioStreamEnd" in each]
    assert len(ends) == 1


async def test_where_the_cloud_hears_a_voice_is_told() -> None:
    settings = {**CLOUD, "explicit_vad": True}
    async with talking(settings=settings, hears=["hello"]) as talk:
        assert GeminiLive(**settings).can.hears_voice
        await talk.session.send(voice(400, 700))
        started = await talk.one(SpeechStarted)
        ended = await talk.one(SpeechEnded)
    assert isinstance(started.at_ms, int) and ended.at_ms == pytest.approx(400, abs=20)


# --- requests


async def test_what_is_to_be_said_is_said() -> None:
    async with talking() as talk:
        own = await talk.session.say("This call is recorded: press 9 to object.")
        await talk.events.until_done(own)
        assert talk.events.text(own) == "This call is recorded: press 9 to object."


async def test_requests_go_in_the_stream_where_rows_are_not_answered() -> None:
    async with talking(settings={"model": MIDDLE}) as talk:
        await talk.events.until_done(await talk.session.respond("Be quick."))
        assert talk.sent("realtimeInput") == [{"text": "Be quick."}]
        assert talk.sent("clientContent") == []


async def test_a_request_always_has_a_turn_to_answer() -> None:
    """Without one the vendor closes the socket: "No turn to complete"."""
    async with talking() as talk:
        for _ in range(2):
            await talk.events.until_done(await talk.session.respond())
        rows = talk.sent("clientContent")
    assert all(each["turns"][0]["parts"][0]["text"] for each in rows) and len(rows) == 2


async def test_the_caller_writes_and_is_answered() -> None:
    async with talking() as talk:
        await talk.session.send_text("A table, please.")
        own = await talk.events.until_started(ResponseCause.CALLER)
        await talk.events.until_done(own)
        assert talk.desk.rows[0] == Message("user", "A table, please.")


async def test_the_session_changes_its_mind_without_a_new_one() -> None:
    async with talking(tools=(BOOK,)) as talk:
        await talk.session.update(EngineUpdate(instructions="Be kind.", tools=()))
        await talk.events.until_done(await talk.session.respond())
        assert (talk.desk.instructions, list(talk.desk.tools)) == ("Be kind.", [])
        (update,) = talk.sent("contextUpdate")
    assert update == {
        "systemInstruction": {"parts": [{"text": "Be kind."}]},
        "tools": {"tools": []},
    }


# --- tools

WANT = ToolRequest("call-1", "book", '{"people":2}')
OTHER = ToolRequest("call-2", "book", '{"people":3}')


async def test_tools_that_run_beside_the_model_are_answered_once_all_are_done() -> None:
    async with talking(LiveDesk(calls=[WANT, OTHER]), tools=(BOOK,)) as talk:
        await talk.desk.hear("two tables")
        first = await talk.events.until_started(ResponseCause.CALLER)
        await talk.events.until_done(first)
        requests = [e.request for e in talk.events.log if hasattr(e, "request")]
        assert [each.arguments for each in requests] == ['{"people":2}', '{"people":3}']
        await talk.session.tool_result(requests[1].id, "no", failed=True)
        await talk.session.tool_result(requests[0].id, '{"table": 7}')
        await talk.events.until_done(await talk.events.until_started(ResponseCause.TOOL))
        sent = [each["functionResponses"][0] for each in talk.sent("toolResponse")]
    assert [(each["response"], each["scheduling"]) for each in sent] == [
        ({"error": "no"}, "SILENT"),
        ({"table": 7}, "WHEN_IDLE"),
    ]
    assert [each["name"] for each in sent] == ["book", "book"]
    assert len(talk.events.started()) == 2


async def test_a_quiet_result_is_told_in_silence() -> None:
    async with talking(LiveDesk(calls=[WANT]), tools=(BOOK,)) as talk:
        await talk.desk.hear("a table")
        await talk.events.until_done(await talk.events.until_started(ResponseCause.CALLER))
        (request,) = [e.request for e in talk.events.log if hasattr(e, "request")]
        await talk.session.tool_result(request.id, "", respond=False)
        await talk.events.until_done(await talk.session.respond())
        (sent,) = talk.sent("toolResponse")
    assert sent["functionResponses"][0]["scheduling"] == "SILENT"
    assert sent["functionResponses"][0]["response"] == {"output": "(no result)"}
    assert [each.cause for each in talk.events.started()] == ["caller", "request"]


async def test_a_model_that_waits_goes_on_by_itself_and_nothing_is_said_meanwhile() -> None:
    """To say something would take the call back, so a notice waits for the result."""
    desk = LiveDesk(calls=[WANT], replies=("Booked.",))
    async with talking(desk, settings={"tool_behavior": "BLOCKING"}, tools=(BOOK,)) as talk:
        await talk.desk.hear("a table")
        await talk.events.until_done(await talk.events.until_started(ResponseCause.CALLER))
        (request,) = [e.request for e in talk.events.log if hasattr(e, "request")]
        notice = await talk.session.say("One moment.")
        await talk.session.tool_result(request.id, "table 7")
        answer = await talk.events.until_started(ResponseCause.TOOL)
        await talk.events.until_done(answer)
        await talk.events.until_done(notice)
        assert "scheduling" not in talk.sent("toolResponse")[0]["functionResponses"][0]
    assert talk.events.text(answer) == "Booked."
    assert talk.events.text(notice) == "One moment."


async def test_a_caller_who_speaks_takes_back_what_the_model_waits_for() -> None:
    from patter.providers.engine_events import ToolCallsCancelled

    desk = LiveDesk(calls=[WANT])
    settings = {"tool_behavior": "BLOCKING"}
    async with talking(desk, settings=settings, tools=(BOOK,), hears=["book", "no"]) as talk:
        await talk.session.send(voice(400, 700))
        await talk.events.until_done(await talk.events.until_started(ResponseCause.CALLER))
        (request,) = [e.request for e in talk.events.log if hasattr(e, "request")]
        await talk.session.send(voice(400, 700))
        assert await talk.one(ToolCallsCancelled) == ToolCallsCancelled((request.id,))
        await talk.session.tool_result(request.id, "too late")
        await talk.events.until_done(await talk.events.until_started(ResponseCause.CALLER))
        assert talk.sent("toolResponse") == []


async def test_calls_without_an_id_are_told_apart_and_their_results_have_none() -> None:
    """Vertex AI gives none."""
    from patter_google._live_wire import requests_of, tool_response

    calls = {"functionCalls": [{"name": "a", "args": {}}, {"name": "a"}, {"id": "x", "name": "b"}]}
    made = requests_of(calls, ["1", "2"])
    assert [each.id for each in made] == ["patter_1", "patter_2", "x"]
    assert '"id"' not in tool_response("patter_1", "a", "ok", failed=False)
    assert '"id":"x"' in tool_response("x", "b", "ok", failed=False)


# --- history, and the end of a connection


async def test_rows_come_before_the_conversation_and_are_not_answered() -> None:
    async with talking(history=HISTORY) as talk:
        await talk.events.until_done(await talk.session.respond())
        first, request = talk.sent("clientContent")
        assert talk.setup["historyConfig"] == {"initialHistoryInClientContent": True}
    assert first["turnComplete"] is True
    assert [(each["role"], [p["text"] for p in each["parts"]]) for each in first["turns"]] == [
        ("user", ["(call connected)"]),
        ("model", ["Good evening."]),
        ("user", ["I am Rosalind.", "(book gave: table 7)"]),
        ("model", ["Welcome."]),
    ]
    assert len(talk.events.started()) == 1 and request["turns"][0]["role"] == "user"


async def test_models_that_do_not_recall_rows_have_them_in_the_prompt() -> None:
    async with talking(settings={"model": OLD}, history=HISTORY) as talk:
        assert talk.sent("clientContent") == [] and "historyConfig" not in talk.setup
        told = talk.desk.instructions
    assert told.startswith("Be brief.\n\n")
    assert told.endswith("Caller: I am Rosalind.\nTool result: table 7\nYou: Welcome.")


async def test_the_vendor_says_that_it_goes_and_the_next_session_goes_on() -> None:
    desk = LiveDesk(connection_s=0.2, warning_s=0.1)
    async with talking(desk) as talk:
        await talk.events.until_done(await talk.session.respond("I am Rosalind."))
        handle = await talk.one(SessionHandle)
        assert await talk.one(SessionEnding) == SessionEnding(100)
        async for _ in talk.session:
            pass  # it ends in order
        provider = engine(talk.double)
        resumed = setup_for(provider, resume=handle.handle, history=HISTORY)
        desk.connection_s = 60
        async with provider.open(CALL, resumed) as session:
            await EventReader(session).until_done(await session.respond())
            rows = [row.text for row in desk.rows]
        assert talk.sent("setup")[1]["sessionResumption"] == {"handle": handle.handle}
        assert rows[0] == "I am Rosalind." and "Welcome." not in rows
    assert handle.handle not in repr(handle)


async def test_a_handle_that_is_too_old_is_done_without() -> None:
    async with GoogleDouble(live=LiveDesk()).running() as double:
        provider = engine(double)
        stale = setup_for(provider, resume="long-gone", history=HISTORY)
        async with provider.open(CALL, stale) as session:
            await EventReader(session).until_done(await session.respond())
            assert "Welcome." in [row.text for row in double.live.rows]
        setups = [content for kind, content in double.log if kind == "setup"]
    assert [each["sessionResumption"] for each in setups] == [{"handle": "long-gone"}, {}]


async def test_a_connection_is_left_before_its_time_is_over() -> None:
    async with talking(settings={"connection_s": 1}) as talk:
        assert await talk.one(SessionEnding) == SessionEnding(1_000)
    async with talking(settings={"connection_s": "none"}) as talk:
        await talk.events.until_done(await talk.session.respond())
        assert not any(isinstance(each, SessionEnding) for each in talk.events.log)


# --- what it costs, and what goes wrong


async def test_usage_tells_text_from_audio_and_counts_thoughts() -> None:
    async with talking(LiveDesk(thought="Let me see, what do they want?")) as talk:
        own = await talk.session.respond()
        done = await talk.events.until_done(own)
    assert done.usage is not None
    assert done.usage.input_text_tokens > 0 and done.usage.output_text_tokens == 8
    assert done.usage.output_audio_tokens == 16  # 10 letters of 60 ms, 25 tokens a second, 1
    assert talk.events.text(own) == "Of course.", "a thought is never spoken"


async def test_what_an_interrupted_response_cost_is_in_the_bill_of_the_next() -> None:
    desk = LiveDesk(lingers=True)
    async with talking(desk) as talk:
        first = await talk.session.respond()
        await talk.one(ResponseAudio)
        await talk.session.interrupt(first, 0)
        desk.lingers = False
        both = await talk.events.until_done(await talk.session.respond())
        alone = await talk.events.until_done(await talk.session.respond())
    assert both.usage is not None and alone.usage is not None
    assert both.usage.output_audio_tokens == 2 * alone.usage.output_audio_tokens


@pytest.mark.parametrize(
    ("reason", "status", "code"),
    [
        ("MALFORMED_FUNCTION_CALL", ResponseStatus.FAILED, ErrorCode.CONNECTION),
        ("RESPONSE_REJECTED", ResponseStatus.FAILED, ErrorCode.PROVIDER_ERROR),
        ("NEED_MORE_INPUT", ResponseStatus.INCOMPLETE, None),
    ],
)
async def test_a_turn_of_which_nothing_came_says_why(
    reason: str, status: ResponseStatus, code: ErrorCode | None
) -> None:
    async with talking(LiveDesk(reasons=[reason])) as talk:
        done = await talk.events.until_done(await talk.session.respond())
        again = await talk.events.until_done(await talk.session.respond())
    assert (done.status, done.reason) == (status, reason)
    assert (done.error.code if done.error else None) == code
    assert again.status is ResponseStatus.COMPLETED


async def test_a_turn_that_nobody_waits_for_and_that_failed_is_a_problem_that_passes() -> None:
    async with talking() as talk:
        await talk.desk.warn()
        problem = await talk.one(EngineProblem)
    assert problem.error.code is ErrorCode.PROVIDER_ERROR and problem.error.fix
