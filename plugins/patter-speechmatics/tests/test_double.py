"""The double is held against what nobody here wrote: Speechmatics' SDKs, as they are."""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import attrs
import pytest
from aiohttp import ClientSession, WSMsgType, WSServerHandshakeError

from patter.audio.formats import MULAW_8K, PCM16_16K
from patter.providers.stt import Word
from patter_speechmatics.double import SpeechmaticsDouble, messages
from patter_speechmatics.double.messages import Voice
from patter_speechmatics.double.session import Limits
from patter_testing.doubles.vendor_double import KEY
from patter_testing.doubles.vendor_sound import sounded
from patter_testing.talking import CALL, final, silence

from .sdk import LanguagePackInfo, Telephone, client, rt, url_of, voice
from .talking import VOICE, ears

RAW = {"type": "raw", "encoding": "mulaw", "sample_rate": 8_000}
START: dict[str, Any] = {
    "message": "StartRecognition",
    "audio_format": RAW,
    "transcription_config": {"language": "en"},
}


@pytest.fixture
async def double() -> AsyncIterator[SpeechmaticsDouble]:
    async with SpeechmaticsDouble(lines=["a table for two."]).running() as vendor:
        yield vendor


# --- the SDKs work with it


async def test_the_sdk_is_told_what_is_heard(double: SpeechmaticsDouble) -> None:
    seen: list[dict[str, Any]] = []
    async with client(double) as sdk:
        for kind in rt.ServerMessageType:
            sdk.on(kind, seen.append)
        config = rt.TranscriptionConfig(
            enable_partials=True,
            max_delay=1.0,
            conversation_config=rt.ConversationConfig(end_of_utterance_silence_trigger=0.5),
        )
        await sdk.start_session(transcription_config=config, audio_format=Telephone().audio)
        assert sdk.session_id == messages.SESSION_ID
        await sdk.send_audio(VOICE)
        await sdk.force_end_of_utterance()
        await sdk.send_message({"message": "GetSpeakers"})
        change = {"max_delay": 2.0, "language": "en"}
        await sdk.send_message({"message": "SetRecognitionConfig", "transcription_config": change})
        await asyncio.wait_for(sdk.stop_session(), 5)
    kinds = [message["message"] for message in seen]
    assert kinds[:4] == ["Info", "Info", "RecognitionStarted", "AudioAdded"]
    assert kinds[-1] == "EndOfTranscript"
    assert kinds.index("AddTranscript") < kinds.index("EndOfUtterance")
    assert "SpeakersResult" in kinds
    results = [rt.TranscriptResult.from_message(m) for m in seen if "results" in m]
    first = next(result for result in results if result.is_final)
    assert first.metadata.transcript == "a table for two. "


async def test_the_sdk_is_told_why_it_is_refused(double: SpeechmaticsDouble) -> None:
    async with client(double) as sdk:
        with pytest.raises(rt.TranscriptionError, match="max_delay is not valid"):
            await sdk.start_session(
                transcription_config=rt.TranscriptionConfig(max_delay=9.0),
                audio_format=Telephone().audio,
            )
    async with client(double, "wrong") as sdk:
        with pytest.raises(rt.ConnectionError, match="401"):
            await sdk.start_session(audio_format=Telephone().audio)


@pytest.mark.filterwarnings("ignore:'operating_point' is deprecated:DeprecationWarning")
async def test_the_sdk_for_agents_hears_turns(double: SpeechmaticsDouble) -> None:
    config = voice.VoiceAgentConfigPreset.FIXED(voice.VoiceAgentConfig(enable_diarization=True))
    sdk = voice.VoiceAgentClient(api_key=KEY, url=url_of(double), config=config)
    ended, segments = asyncio.Event(), list[dict[str, Any]]()
    sdk.on(voice.AgentServerMessageType.ADD_SEGMENT, segments.append)
    sdk.on(voice.AgentServerMessageType.END_OF_TURN, lambda _: ended.set())
    await sdk.connect()
    try:
        sound = sounded("any words", PCM16_16K) + bytes(32_000)
        for at in range(0, len(sound), 640):
            await sdk.send_audio(sound[at : at + 640])
            await asyncio.sleep(0)
        await asyncio.wait_for(ended.wait(), 5)
    finally:
        await sdk.disconnect()
    (segment,) = segments[0]["segments"]
    assert (segment["text"], segment["speaker_id"]) == ("a table for two.", "S1")


# --- what this package sends is what the SDK sends


async def test_the_sdk_says_the_same_as_this_package(double: SpeechmaticsDouble) -> None:
    settings = ears(double, model="standard", max_delay=2)
    async with settings.open(CALL, MULAW_8K) as session:
        await session.send(VOICE)
        await session.finalize()
        await final(aiter(session))
    ours, double.received[:] = list(double.received), []
    config = ours[0]["transcription_config"]
    conversation = rt.ConversationConfig(**config.pop("conversation_config"))
    async with client(double) as sdk:
        await sdk.start_session(
            transcription_config=rt.TranscriptionConfig(**config, conversation_config=conversation),
            audio_format=Telephone().audio,
        )
        await sdk.send_audio(VOICE)
        await sdk.force_end_of_utterance()
        await asyncio.wait_for(sdk.stop_session(), 5)
    config["conversation_config"] = dataclasses.asdict(conversation)
    assert ours == double.received


# --- every message it sends is one that the SDK knows, field by field

WORDS = [Word("um", 0, 200), Word("yes.", 300, 500)]
HEARD: dict[str, Any] = {"start_ms": 0, "end_ms": 500, "delimiter": " "}
EXAMPLES: dict[str, Callable[[], Any]] = {
    "started": lambda: messages.started("en", " "),
    "audio_added": lambda: messages.audio_added(1),
    "transcript": lambda: messages.transcript(WORDS, final=True, voice=Voice("en", "S1"), **HEARD),
    "utterance_end": lambda: messages.utterance_end(500),
    "end_of_transcript": messages.end_of_transcript,
    "quality": lambda: messages.quality(16_000),
    "usage": lambda: messages.usage(1, 2),
    "speakers": lambda: messages.speakers(["S1"]),
    "warning": lambda: messages.warning("idle_timeout", "soon"),
    "error": lambda: messages.error("job_error", "no"),
}
FIELDS = {
    "RecognitionStarted": {"id", "orchestrator_version", "language_pack_info"},
    "AudioAdded": {"seq_no"},
    "AddTranscript": {"format", "metadata", "results"},
    "EndOfUtterance": {"format", "metadata"},
    "EndOfTranscript": set(),
    "Info": {"type", "reason", "quality", "usage", "quota", "last_updated"},
    "SpeakersResult": {"speakers"},
    "Warning": {"type", "reason"},
    "Error": {"type", "reason"},
}
"""The fields of the realtime reference, for messages of which the SDK has no model."""


def test_no_message_is_left_out() -> None:
    makers = {
        name
        for name, maker in inspect.getmembers(messages, inspect.isfunction)
        if maker.__module__ == messages.__name__ and not name.startswith("_")
    }
    assert makers - {"seconds"} == set(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_message_has_the_fields_of_the_reference(name: str) -> None:
    body = EXAMPLES[name]()
    assert rt.ServerMessageType(body["message"])
    assert set(body) - {"message"} <= FIELDS[body["message"]]


@pytest.mark.parametrize("final", [True, False])
def test_words_are_those_of_the_sdk_and_nothing_more(final: bool) -> None:
    body = messages.transcript(WORDS, final=final, voice=Voice("en", "S1"), **HEARD)
    read = rt.TranscriptResult.from_message(body)
    assert read.is_final is final
    # Whatever its models dropped, or have no field for, would be missing here.
    assert without_none(dataclasses.asdict(read)) == {
        **{name: value for name, value in body.items() if name != "message"},
        "is_final": final,
    }
    assert {result["type"] for result in body["results"]} == {"word", "punctuation"}


def without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_none(each) for name, each in value.items() if each is not None}
    return [without_none(each) for each in value] if isinstance(value, list) else value


def test_a_language_is_described_as_the_sdk_knows_it() -> None:
    pack = messages.started("en", " ")["language_pack_info"]
    assert set(pack) == set(LanguagePackInfo.model_fields)
    LanguagePackInfo.model_validate(pack, strict=True)


def test_it_may_be_as_slow_as_the_real_one() -> None:
    latency = SpeechmaticsDouble.measured_latency()
    drawn = sorted(latency.draw_ms() for _ in range(2_000))
    assert abs(drawn[1_000] - 495) < 25 and abs(drawn[1_900] - 676) < 40


# --- it is strict where Speechmatics is


def started_with(**config: Any) -> dict[str, Any]:
    return {**START, "transcription_config": {"language": "en", **config}}


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (started_with(colour="blue"), "invalid_config"),
        (started_with(max_delay=0.5), "invalid_config"),
        (started_with(max_delay=True), "invalid_config"),
        (started_with(max_delay="1"), "invalid_config"),
        (started_with(max_delay_mode="never"), "invalid_config"),
        (started_with(model="enhanced", operating_point="enhanced"), "invalid_config"),
        (started_with(model="parrot"), "invalid_config"),
        (started_with(enable_partials="yes"), "invalid_config"),
        (started_with(additional_vocab=[{"sounds_like": ["a"]}]), "invalid_config"),
        (started_with(additional_vocab=[""]), "invalid_config"),
        (started_with(diarization="everybody"), "invalid_config"),
        (started_with(speaker_diarization_config={"max_speakers": 1}), "invalid_config"),
        (started_with(conversation_config={"trigger": 1}), "invalid_config"),
        (
            started_with(conversation_config={"end_of_utterance_silence_trigger": 3}),
            "invalid_config",
        ),
        (started_with(punctuation_overrides={"permitted_marks": ["dot"]}), "invalid_config"),
        (
            started_with(transcript_filtering_config={"replacements": [{"from": 1}]}),
            "invalid_config",
        ),
        (started_with(language="klingon"), "invalid_language"),
        ({**START, "transcription_config": {}}, "invalid_config"),
        ({**START, "transcription_config": []}, "invalid_config"),
        ({**START, "audio_format": {"type": "file"}}, "invalid_audio_type"),
        ({**START, "audio_format": {**RAW, "encoding": "opus"}}, "invalid_audio_type"),
        ({**START, "audio_format": {**RAW, "channels": 1}}, "invalid_audio_type"),
        ({**START, "hurry": True}, "invalid_message"),
        ({"message": "StartRecognition", "transcription_config": {}}, "invalid_message"),
        ({"message": "EndOfStream", "last_seq_no": 0}, "protocol_error"),
        (b"audio", "protocol_error"),
        ("{", "invalid_message"),
    ],
)
async def test_a_bad_beginning_is_refused(
    double: SpeechmaticsDouble, start: Any, kind: str
) -> None:
    assert (await ended_by(double, [start]))[0] == kind


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        (START, "protocol_error"),
        ({"message": "EndOfStream"}, "invalid_message"),
        ({"message": "EndOfStream", "last_seq_no": 1}, "protocol_error"),
        ({"message": "EndOfStream", "last_seq_no": -1}, "invalid_message"),
        ({"message": "ForceEndOfUtterance", "timestamp": -1}, "invalid_message"),
        ({"message": "ForceEndOfUtterance", "now": True}, "invalid_message"),
        ({"message": "SetRecognitionConfig"}, "invalid_message"),
        (
            {"message": "SetRecognitionConfig", "transcription_config": {"domain": "medical"}},
            "invalid_config",
        ),
        (
            {"message": "SetRecognitionConfig", "transcription_config": {"language": "de"}},
            "invalid_config",
        ),
        ({"message": "Hurry"}, "invalid_message"),
    ],
)
async def test_a_bad_message_ends_the_session(
    double: SpeechmaticsDouble, frame: Any, kind: str
) -> None:
    assert (await ended_by(double, [START, frame]))[0] == kind


@pytest.mark.parametrize(
    ("limits", "kind"),
    [
        (Limits(start_s=0.05), "start_recognition_timeout"),
        (Limits(mute_s=0.05), "idle_timeout"),
        (Limits(idle_s=0.05), "idle_timeout"),
        (Limits(age_s=0.05), "session_timeout"),
    ],
)
async def test_who_says_nothing_is_left(limits: Limits, kind: str) -> None:
    frames = [] if kind.startswith("start") else [START]
    async with SpeechmaticsDouble(limits=limits).running() as vendor:
        assert await ended_by(vendor, frames) == (kind, 1008, "policy_violation")


async def test_too_many_sessions_are_closed_with_a_code() -> None:
    async with SpeechmaticsDouble(quota=0).running() as vendor:
        assert await ended_by(vendor, []) == ("quota_exceeded", 4005, "quota_exceeded")


@pytest.mark.parametrize("shown", ["", "Token " + KEY, "Bearer wrong"])
async def test_a_key_is_shown_as_a_bearer(double: SpeechmaticsDouble, shown: str) -> None:
    async with ClientSession(double.url) as http:
        with pytest.raises(WSServerHandshakeError) as refused:
            await http.ws_connect("/v2", headers={"Authorization": shown})
        assert refused.value.status == 401
        async with http.ws_connect(f"/v2?jwt={KEY}"):
            pass


async def test_finals_come_by_default_4_seconds_late_and_partials_never(
    double: SpeechmaticsDouble,
) -> None:
    frames = [START, VOICE, *[silence(100)] * 36]
    assert "AddTranscript" not in await kinds_of(double, frames)
    double.lines.put("for two")
    kinds = await kinds_of(double, [*frames, silence(1_000)])
    assert "AddTranscript" in kinds and "EndOfUtterance" not in kinds
    assert "AddPartialTranscript" not in kinds


async def kinds_of(double: SpeechmaticsDouble, frames: list[Any]) -> list[str]:
    """The kinds of messages that come for *frames*, until all audio is confirmed."""
    audio = sum(isinstance(frame, bytes) for frame in frames)
    kinds = list[str]()
    async with open_socket(double) as (_, socket):
        for frame in frames:
            await put(socket, frame)
        await put(socket, {"message": "GetSpeakers"})
        while "SpeakersResult" not in kinds:
            kinds.append((await socket.receive_json())["message"])
    assert kinds.count("AudioAdded") == audio
    return kinds


async def ended_by(double: SpeechmaticsDouble, frames: list[Any]) -> tuple[str, int, str]:
    """The error with which the double ends a session of *frames*, and how it hangs up."""
    kind = ""
    async with open_socket(double) as (_, socket), asyncio.timeout(5):
        for frame in frames:
            await put(socket, frame)
        while (message := await socket.receive()).type is not WSMsgType.CLOSE:
            body = message.json()
            kind = body["type"] if body["message"] == "Error" else kind
    return kind, message.data, message.extra


async def put(socket: Any, frame: Any) -> None:
    if isinstance(frame, bytes):
        await socket.send_bytes(frame)
    else:
        await socket.send_str(frame if isinstance(frame, str) else json.dumps(frame))


@attrs.define
class open_socket:
    """A socket to *double*, with its key."""

    double: SpeechmaticsDouble
    _http: ClientSession = attrs.field(init=False)
    _socket: Any = attrs.field(init=False)

    async def __aenter__(self) -> tuple[ClientSession, Any]:
        self._http = ClientSession(headers={"Authorization": f"Bearer {self.double.key}"})
        self._socket = await self._http.ws_connect(f"{self.double.url}/v2")
        return self._http, self._socket

    async def __aexit__(self, *_: object) -> None:
        await self._socket.close()
        await self._http.close()
