"""The double and the engine, held against what Google wrote: its SDK, its types, unmodified."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest
from google import genai
from google.genai import _live_converters as converters
from google.genai import errors, types
from google.genai.live import AsyncSession
from google.oauth2.credentials import Credentials

from patter.audio.formats import PCM16_24K
from patter.providers.engine import EngineTurns, EngineUpdate, TurnDetection
from patter.providers.engine_events import (
    EngineProblem,
    ResponseAudio,
    ResponseCause,
    ResponseToolCall,
    SessionEnding,
)
from patter.providers.llm import Message, ToolRequest, ToolSpec
from patter_google.double import GoogleDouble, LiveScript
from patter_testing.doubles.vendor_sound import read_back

from .live_lab import CLOUD, MIDDLE, OLD, talking, voice
from .live_tls import certificate, encrypted

# The SDK makes a class of aiohttp's session, which that warns of.
pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class:DeprecationWarning")

LATEST = "gemini-3.8-live"
WANT = ToolRequest("call-1", "book", '{"people":2}')
SCHEMA = {"type": "object", "properties": {"people": {"type": "integer"}}}
BOOK = ToolSpec("book", "Book a table", SCHEMA)
DECLARED = {
    "functionDeclarations": [
        {
            "name": "book",
            "description": "Book a table",
            "parameters": {"type": "OBJECT", "properties": {"people": {"type": "INTEGER"}}},
        }
    ]
}


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("tls"))


@asynccontextmanager
async def connected(
    double: GoogleDouble, pem: Path, config: dict[str, Any], *, key: str = "", cloud: bool = False
) -> AsyncIterator[AsyncSession]:
    """A session of the SDK with *double*."""
    async with encrypted(double.url, pem) as (url, trust):
        options = types.HttpOptions(base_url=url, async_client_args={"ssl": trust})
        if cloud:
            bearer = Credentials(double.key)  # type: ignore[no-untyped-call]
            sdk = genai.Client(
                vertexai=True,
                project="bistro",
                location="us-central1",
                credentials=bearer,
                http_options=options,
            )
            model = str(CLOUD["model"])
        else:
            sdk = genai.Client(api_key=key or double.key, http_options=options)
            model = LATEST
        asked = types.LiveConnectConfig.model_validate(config)
        async with sdk.aio.live.connect(model=model, config=asked) as session:
            yield session
        await sdk.aio.aclose()
        sdk.close()


async def turn_of(session: AsyncSession) -> list[types.LiveServerMessage]:
    """One turn; the SDK's iterator ends with it."""
    return [message async for message in session.receive()]


def sound_of(messages: list[types.LiveServerMessage]) -> bytes:
    return b"".join(message.data or b"" for message in messages)


@pytest.mark.parametrize("cloud", [False, True])
async def test_the_sdk_holds_a_conversation_with_the_double(pem: Path, cloud: bool) -> None:
    script = LiveScript(replies=("At seven.", "Yes."))
    config = {"response_modalities": ["AUDIO"], "input_audio_transcription": {}}
    async with (
        GoogleDouble(live=script, lines=["when do you close", "really"]).running() as double,
        connected(double, pem, config, cloud=cloud) as session,
    ):
        assert session.session_id == "session-1"
        for heard, reply in (("when do you close", "At seven."), ("really", "Yes.")):
            audio = types.Blob(data=voice(400, 700), mime_type="audio/pcm;rate=16000")
            await session.send_realtime_input(audio=audio)
            messages = await turn_of(session)
            told = [m.server_content for m in messages if m.server_content]
            words = [c.input_transcription.text for c in told if c.input_transcription]
            assert "".join(map(str, words)) == heard
            assert read_back(sound_of(messages), PCM16_24K) == reply
            usage = messages[-1].usage_metadata
            assert usage is not None and (usage.response_token_count or 0) > 0


async def test_the_sdk_answers_tools_updates_the_context_and_writes(pem: Path) -> None:
    script = LiveScript(calls=[WANT], replies=("Booked.", "Kindly."))
    config = {"tools": [DECLARED], "response_modalities": ["AUDIO"]}
    async with (
        GoogleDouble(live=script).running() as double,
        connected(double, pem, config) as session,
    ):
        content = types.Content(role="user", parts=[types.Part(text="A table for two.")])
        await session.send_client_content(turns=content)
        calls = []
        async for message in session.receive():
            if message.tool_call and message.tool_call.function_calls:
                calls += message.tool_call.function_calls
                answer = types.FunctionResponse(
                    id=calls[0].id, name="book", response={"output": "table 7"}
                )
                await session.send_tool_response(function_responses=answer)
        assert [(each.name, each.args) for each in calls] == [("book", {"people": 2})]
        assert Message("tool", "table 7", tool_call_id=str(calls[0].id), name="book") in script.rows
        await session.send_context_update(system_instruction="Be kind.", tools=[])
        await session.send_realtime_input(text="Thank you.")
        messages = await turn_of(session)
        assert read_back(sound_of(messages), PCM16_24K) == "Kindly."
        assert (script.instructions, list(script.tools)) == ("Be kind.", [])


async def test_the_sdk_ends_turns_by_hand_and_resumes(pem: Path) -> None:
    by_hand: dict[str, Any] = {
        "realtime_input_config": {"automatic_activity_detection": {"disabled": True}},
        "session_resumption": {},
    }
    handle = ""
    async with GoogleDouble(live=LiveScript(), lines=["I am Rosalind"]).running() as double:
        async with connected(double, pem, by_hand) as session:
            await session.send_realtime_input(activity_start=types.ActivityStart())
            audio = types.Blob(data=voice(300), mime_type="audio/pcm;rate=16000")
            await session.send_realtime_input(audio=audio)
            await session.send_realtime_input(activity_end=types.ActivityEnd())
            assert sound_of(await turn_of(session))
            update = (await session._receive()).session_resumption_update
            assert update is not None and update.resumable
            handle = str(update.new_handle)
        async with connected(double, pem, {"session_resumption": {"handle": handle}}) as session:
            await session.send_realtime_input(text="Who am I?")
            await turn_of(session)
        assert [row.text for row in double.live.rows[::2]] == ["I am Rosalind", "Who am I?"]


async def test_the_sdk_is_told_why_it_was_refused(pem: Path) -> None:
    async with GoogleDouble(live=LiveScript()).running() as double:
        with pytest.raises(errors.APIError, match="API key not valid") as refused:
            async with connected(double, pem, {}, key="magpie"):
                pass
    assert refused.value.code == 1007


# --- our messages


OURS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {"temperature": 0.8}),
    (
        {
            "voice": "Kore",
            "language": "en-GB",
            "temperature": None,
            "top_p": 0.5,
            "top_k": 9,
            "seed": 3,
            "max_output_tokens": 99,
            "tool_behavior": "BLOCKING",
            "start_sensitivity": "low",
            "end_sensitivity": "high",
            "prefix_padding_ms": 20,
            "silence_ms": 300,
            "turn_coverage": "TURN_INCLUDES_ONLY_ACTIVITY",
            "transcription_languages": ("en-GB",),
            "vocabulary": ("Barolo",),
            "trigger_tokens": 9_000,
            "target_tokens": 500,
        },
        {
            "top_p": 0.5,
            "top_k": 9,
            "seed": 3,
            "max_output_tokens": 99,
        },
    ),
]


def asked(settings: dict[str, Any], generation: dict[str, Any]) -> dict[str, Any]:
    """What the SDK is to be asked for, to get the session of *settings*."""
    ear = {
        "startOfSpeechSensitivity": "START_SENSITIVITY_LOW",
        "endOfSpeechSensitivity": "END_SENSITIVITY_HIGH",
        "prefixPaddingMs": 20,
        "silenceDurationMs": 300,
    }
    behavior = settings.get("tool_behavior", "NON_BLOCKING")
    function = {**DECLARED["functionDeclarations"][0], "behavior": behavior}
    hearing: dict[str, Any] = {"activityHandling": "START_OF_ACTIVITY_INTERRUPTS"}
    if "silence_ms" in settings:
        hearing |= {
            "automaticActivityDetection": ear,
            "turnCoverage": settings["turn_coverage"],
        }
    listening = {
        "languageCodes": list(settings.get("transcription_languages", ())) or None,
        "customVocabulary": list(settings.get("vocabulary", ())) or None,
    }
    return {
        **generation,
        "responseModalities": ["AUDIO"],
        "speechConfig": {
            "voiceConfig": {"prebuiltVoiceConfig": {"voiceName": settings.get("voice", "Puck")}},
            "languageCode": settings.get("language"),
        },
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "tools": [{"functionDeclarations": [function]}],
        "realtimeInputConfig": hearing,
        "inputAudioTranscription": listening,
        "outputAudioTranscription": {},
        "sessionResumption": {"handle": settings.get("resume")},
        "contextWindowCompression": {
            "triggerTokens": settings.get("trigger_tokens"),
            "slidingWindow": {"targetTokens": settings.get("target_tokens")},
        },
    }


@pytest.mark.parametrize(("settings", "generation"), OURS)
async def test_a_setup_is_what_the_sdk_would_have_sent(
    pem: Path, settings: dict[str, Any], generation: dict[str, Any]
) -> None:
    async with talking(settings=settings, tools=(BOOK,)) as talk:
        ours = talk.setup
    async with GoogleDouble(live=LiveScript()).running() as double:
        async with connected(double, pem, asked(settings, generation)):
            pass
        (theirs,) = [content for kind, content in double.log if kind == "setup"]
    assert ours == theirs


def check_client_message(kind: str, content: dict[str, Any]) -> None:
    """Fail unless *content* is a message of the SDK's, and no more."""
    rest = dict(content)
    if kind == "setup" and (hearing := rest.pop("realtimeInputConfig", None)):
        # Its type of a setup lacks what its own `connect` sends.
        types.RealtimeInputConfig.model_validate(hearing)
    types.LiveClientMessage.model_validate({kind: rest})


@pytest.mark.parametrize("model", [LATEST, MIDDLE, OLD, "cloud"])
async def test_every_message_of_ours_is_one_of_the_sdks(model: str) -> None:
    settings: dict[str, Any] = dict(CLOUD) if model == "cloud" else {"model": model}
    settings |= {"safety": "OFF", "explicit_vad": model == "cloud"}
    if model == OLD:
        settings |= {"affective": True, "proactive": True, "thinking_budget": 0}
    history = (Message("user", "Hi."), Message("assistant", "Good evening."))
    script = LiveScript(calls=[WANT])
    async with talking(script, settings=settings, history=history, tools=(BOOK,)) as talk:
        await talk.session.send_keys("42#")
        await talk.session.send_text("A table.")
        wanted = await talk.one(ResponseToolCall)
        await talk.session.tool_result(wanted.request.id, "ok")
        await talk.events.until_started(ResponseCause.TOOL)
        await talk.session.send(voice(100))
        if model == LATEST:
            await talk.session.update(EngineUpdate(instructions="Sing.", tools=(BOOK,)))
        await talk.events.until_done(await talk.session.say("Hello."))
        log = list(talk.double.log)
    turns = EngineTurns(detection=TurnDetection.MANUAL)
    async with talking(settings=settings, turns=turns) as talk:
        await talk.session.send(voice(100))
        await talk.session.commit()
        await talk.one(ResponseAudio)
        log += talk.double.log
    for kind, content in log:
        check_client_message(kind, content)
    kinds = {kind for kind, _ in log}
    updated = {"contextUpdate"} if model == LATEST else set()
    assert kinds == {"setup", "clientContent", "realtimeInput", "toolResponse"} | updated


# --- the double's messages


WIRE = {
    "setupComplete",
    "serverContent",
    "toolCall",
    "toolCallCancellation",
    "usageMetadata",
    "goAway",
    "sessionResumptionUpdate",
    "voiceActivity",
}


def check_server_message(body: dict[str, Any], *, cloud: bool = False) -> None:
    """Fail unless *body* is a message of the SDK's, and no more."""
    assert body.keys() <= WIRE, body
    read = (
        converters._LiveServerMessage_from_vertex(body)
        if cloud
        else converters._LiveServerMessage_from_mldev(body)
    )
    assert len(read) == len(body)
    types.LiveServerMessage.model_validate(read)


EVERYTHING = LiveScript(thought="Well.", guesses=True, finishes=True, connection_s=2, warning_s=1.9)


@pytest.mark.parametrize("model", [LATEST, MIDDLE, OLD, "cloud"])
async def test_every_message_of_the_double_is_one_of_the_sdks(model: str) -> None:
    cloud = model == "cloud"
    settings: dict[str, Any] = dict(CLOUD) if cloud else {"model": model}
    settings |= {"explicit_vad": cloud, "tool_behavior": "" if model == MIDDLE else "BLOCKING"}
    script = attrs.evolve(EVERYTHING, calls=[WANT], reasons=["", "", "RESPONSE_REJECTED"])
    lines = ["book it", "no", "stop"]
    async with talking(script, settings=settings, hears=lines, tools=(BOOK,)) as talk:
        await talk.session.send(voice(400, 700))
        await talk.one(ResponseToolCall)
        script.lingers = True
        await talk.session.send(voice(400, 700))  # the call is taken back
        await talk.one(ResponseAudio)
        script.lingers = False
        await talk.session.send(voice(400, 700))  # the answer is interrupted
        await talk.one(EngineProblem)
        if not any(isinstance(each, SessionEnding) for each in talk.events.log):
            await talk.one(SessionEnding)
        await talk.events.until_done(await talk.session.respond())
        told = list(talk.double.notes)
    for body in told:
        check_server_message(body, cloud=cloud)
    content = {name for body in told for name in body.get("serverContent", {})}
    assert {name for body in told for name in body} == WIRE - (
        set() if cloud else {"voiceActivity"}
    )
    assert content >= {
        "generationComplete",
        "inputTranscription",
        "interimInputTranscription",
        "interrupted",
        "modelTurn",
        "outputTranscription",
        "turnComplete",
        "turnCompleteReason",
    }
    assert ("interactionStatus" in content) == (model == LATEST)


def test_the_models_of_the_sdk_would_convict_the_double() -> None:
    with pytest.raises(ValueError, match="Extra inputs"):
        check_server_message({"serverContent": {"turnDone": True}})
