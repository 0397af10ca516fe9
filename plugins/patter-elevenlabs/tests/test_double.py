"""The double, held against what nobody here wrote: the vendor's own client and its models."""

from __future__ import annotations

import asyncio
import inspect
import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, get_args, get_type_hints

import aiohttp
import httpx
import pytest
from elevenlabs import ElevenLabs, VoiceSettings
from elevenlabs.client import AsyncElevenLabs
from elevenlabs.core.api_error import ApiError
from elevenlabs.realtime import (
    AudioFormat,
    CommitStrategy,
    RealtimeAudioOptions,
    RealtimeEvents,
    ScribeRealtime,
)
from elevenlabs.text_to_speech.client import TextToSpeechClient
from elevenlabs.types.audio_output_multi import AudioOutputMulti
from elevenlabs.types.final_output_multi import FinalOutputMulti
from elevenlabs.types.input_audio_chunk_payload import InputAudioChunkPayload
from elevenlabs.v_1_speech_to_text_realtime.types.receive_transcription import ReceiveTranscription
from elevenlabs.v_1_text_to_speech_voice_id_multi_stream_input.types.send_message_multi import (
    SendMessageMulti,
)
from pydantic import BaseModel, ValidationError

from patter.audio.formats import MULAW_8K
from patter_elevenlabs import ElevenLabsRestTTS
from patter_elevenlabs.double import ElevenLabsDouble
from patter_elevenlabs.double.catalogue import SPEECH, STREAM
from patter_elevenlabs.double.scribe import QUERY
from patter_testing.doubles.vendor_double import VendorFaults
from patter_testing.doubles.vendor_sound import read_back
from patter_testing.talking import CALL, eventually, final, say, sentences

from .harness import SILENCE, VOICE, ear, voice

SARAH = "EXAVITQu4vr4xnSDxMaL"


def extras(model: BaseModel) -> set[str]:
    """What *model* was given and has no field for, at any depth."""
    found = set(model.model_extra or ())
    for value in dict(model).values():
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, BaseModel):
                found |= extras(each)
    return found


def fits(kind: type[BaseModel], message: Mapping[str, Any]) -> bool:
    """Is *message* one of *kind*, with nothing that it does not have?"""
    try:
        return not extras(kind.model_validate(message))
    except ValidationError:
        return False


@contextmanager
def client(double: ElevenLabsDouble, key: str = "") -> Iterator[ElevenLabs]:
    # The client does not close the connections that it makes itself.
    with httpx.Client() as connections:
        yield ElevenLabs(base_url=double.url, api_key=key or double.key, httpx_client=connections)


async def test_the_vendors_client_speaks_over_http() -> None:
    async with ElevenLabsDouble().running() as double:
        with client(double) as speaker:
            pieces = speaker.text_to_speech.stream(
                SARAH,
                text="Good morning.",
                model_id="eleven_flash_v2_5",
                output_format="ulaw_8000",
                voice_settings=VoiceSettings(stability=0.5, speed=1.1),
            )
            audio = await asyncio.to_thread(lambda: b"".join(pieces))
    assert read_back(audio, MULAW_8K) == "Good morning."


async def test_the_vendors_asynchronous_client_speaks_too() -> None:
    async with ElevenLabsDouble().running() as double, httpx.AsyncClient() as connections:
        speaker = AsyncElevenLabs(base_url=double.url, api_key=double.key, httpx_client=connections)
        pieces = speaker.text_to_speech.stream(SARAH, text="Hello.", output_format="ulaw_8000")
        audio = b"".join([piece async for piece in pieces])
    assert read_back(audio, MULAW_8K) == "Hello."


# It asks websockets for the code of a close in a way that is deprecated.
@pytest.mark.filterwarnings("ignore:ConnectionClosed.code:DeprecationWarning")
async def test_the_vendors_client_speaks_over_a_socket() -> None:
    async with ElevenLabsDouble().running() as double:
        with client(double) as speaker:
            speech: Any = speaker.text_to_speech
            # It makes wss of any address, and this machine has no certificate.
            speech._ws_base_url = double.url.replace("http", "ws")
            pieces = speech.convert_realtime(
                SARAH,
                text=iter(["Good ", "morning, ", "dear caller."]),
                model_id="eleven_flash_v2_5",
                output_format="ulaw_8000",
                voice_settings=VoiceSettings(stability=0.5),
            )
            audio = await asyncio.to_thread(lambda: b"".join(pieces))
    assert read_back(audio, MULAW_8K).split() == ["Good", "morning,", "dear", "caller."]


@pytest.mark.parametrize(
    ("key", "voice_id", "status"), [("wrong", SARAH, 401), ("", "x" * 20, 404)]
)
async def test_the_vendors_client_understands_refusals(
    key: str, voice_id: str, status: int
) -> None:
    async with ElevenLabsDouble().running() as double:
        with client(double, key) as speaker:
            pieces = speaker.text_to_speech.stream(voice_id, text="Hi.")
            with pytest.raises(ApiError) as raised:
                await asyncio.to_thread(lambda: list(pieces))
    assert raised.value.status_code == status


async def test_the_vendors_client_listens() -> None:
    double = ElevenLabsDouble(lines=["a table please", "for two"])
    async with double.running():
        scribe = ScribeRealtime(double.key, base_url=double.url.replace("http", "ws"))
        connection = await scribe.connect(
            {
                "model_id": "scribe_v2_realtime",
                "audio_format": AudioFormat.ULAW_8000,
                "sample_rate": 8_000,
                "commit_strategy": CommitStrategy.MANUAL,
                "include_timestamps": True,
                "language_code": "en",
                "keyterms": ["Bistro"],
            }
        )
        heard = list[Any]()
        for event in RealtimeEvents:
            connection.on(event, lambda *data, event=event: heard.append((event, *data)))
        for _ in range(30):
            await connection.send({"audio_base_64": b64encode(VOICE).decode()})
        await connection.commit()
        timed = RealtimeEvents.COMMITTED_TRANSCRIPT_WITH_TIMESTAMPS
        await eventually(lambda: [each for each in heard if each[0] is timed])
        await connection.close()
    finals = [data["text"] for event, data in heard if event is timed]
    assert finals == ["a table please"]
    assert any(event is RealtimeEvents.PARTIAL_TRANSCRIPT for event, *_ in heard)


async def test_everything_the_voice_is_told_is_one_of_the_vendors_messages() -> None:
    for sync in (True, False):
        async with (
            ElevenLabsDouble().running() as double,
            voice(double, sync_alignment=sync) as session,
        ):
            await say(session, "One two.", "Three.")
        assert len(double.voice_messages) > 3
        for message in double.voice_messages:
            kind = AudioOutputMulti if "audio" in message else FinalOutputMulti
            assert fits(kind, message), message


async def test_everything_scribe_says_is_one_of_the_vendors_messages() -> None:
    double = ElevenLabsDouble(lines=["hello there"])
    async with double.running(), ear(double) as session:
        for _ in range(30):
            await session.send(VOICE)
        await session.finalize()
        await final(aiter(session))
        await raw(double, "/v1/speech-to-text/realtime", {}, ['{"message_type": "nonsense"}'])
    kinds = {
        kind.model_fields["message_type"].default: kind for kind in get_args(ReceiveTranscription)
    }
    names = {told["message_type"] for told in double.scribe_messages}
    assert names >= {"session_started", "partial_transcript", "committed_transcript"}
    for told in double.scribe_messages:
        assert fits(kinds[told["message_type"]], told), told


async def test_everything_the_voice_sends_is_one_of_the_vendors_messages() -> None:
    async with (
        ElevenLabsDouble().running() as double,
        voice(
            double,
            inactivity_timeout=1,
            auto_mode=False,
            chunk_length_schedule=(50,),
            voice_settings={"stability": 0.4, "style": 0.2, "speed": 1.1},
            pronunciation_dictionary_locators="a:b",
        ) as session,
    ):
        await say(session, "One.", "Two.")
        speech = session.say(sentences("Three."))
        await anext(speech)
        await speech.aclose()
        await eventually(lambda: any(each.get("text") == "" for each in double.client_messages))
    assert {frozenset(each) for each in double.client_messages} >= {
        frozenset({"text", "context_id", "flush"}),
        frozenset({"context_id", "close_context"}),
        frozenset({"text", "context_id"}),
    }
    for message in double.client_messages:
        assert any(fits(kind, message) for kind in get_args(SendMessageMulti)), message


async def test_everything_scribe_is_sent_is_the_vendors_message() -> None:
    async with ElevenLabsDouble().running() as double, ear(double, previous_text="Hi") as session:
        await session.send(SILENCE * 20)
        await session.finalize()
        await final(aiter(session))
    for chunk in double.chunks:
        assert fits(InputAudioChunkPayload, {**chunk, "audio_base_64": "AAAA"}), chunk


async def test_everything_that_is_posted_is_an_argument_of_the_vendors_client() -> None:
    settings = ElevenLabsRestTTS(
        api_key="k",
        language_code="de",
        seed=1,
        apply_text_normalization="on",
        voice_settings={"speed": 1},
        pronunciation_dictionary_locators="a:b",
        enable_logging=False,
    )
    arguments = set(inspect.signature(TextToSpeechClient.stream).parameters)
    assert set(settings.body("Hi.", "Before.")) <= arguments
    assert {name for name, _ in settings.query(MULAW_8K)} <= arguments
    assert set(STREAM) <= arguments


def test_the_queries_are_those_of_the_vendors_client() -> None:
    known = set(get_type_hints(RealtimeAudioOptions))
    # The client sends these two under another name, or within each message.
    assert set(QUERY) == known - {"sample_rate"}
    assert "single_use_token" in SPEECH


async def raw(
    double: ElevenLabsDouble, path: str, query: Mapping[str, str], messages: list[str]
) -> list[Any]:
    """What the vendor answers to *messages*: texts, and the code of its close at the end."""
    answers = list[Any]()
    async with (
        aiohttp.ClientSession(headers={"xi-api-key": double.key}) as http,
        http.ws_connect(f"{double.url}{path}", params=query) as socket,
    ):
        for message in messages:
            await socket.send_str(message)
        while True:
            try:
                answer = await socket.receive(timeout=0.3)
            except TimeoutError:
                return answers
            if answer.type is not aiohttp.WSMsgType.TEXT:
                return [*answers, socket.close_code]
            answers.append(json.loads(answer.data))


MULTI = f"/v1/text-to-speech/{SARAH}/multi-stream-input"
SINGLE = f"/v1/text-to-speech/{SARAH}/stream-input"
BEGIN = '{"text": " ", "context_id": "a"}'


def speak(text: str, **more: Any) -> str:
    return json.dumps({"text": text, "context_id": "a", **more})


async def speaking(messages: list[str], path: str = MULTI, **query: str) -> list[Any]:
    async with ElevenLabsDouble().running() as double:
        return await raw(double, path, {"output_format": "ulaw_8000", **query}, messages)


def audio_in(answers: list[Any]) -> int:
    return sum(isinstance(each, dict) and bool(each.get("audio")) for each in answers)


async def test_without_auto_mode_nothing_is_spoken_before_120_characters() -> None:
    assert audio_in(await speaking([BEGIN, speak("Good morning. ")])) == 0
    assert audio_in(await speaking([BEGIN, speak("x" * 119)])) == 0
    assert audio_in(await speaking([BEGIN, speak("x" * 60), speak("y" * 60)])) == 30
    assert audio_in(await speaking([BEGIN, speak("Good morning. ", flush=True)])) == 4
    assert audio_in(await speaking([BEGIN, speak("Good morning. ")], auto_mode="true")) == 4


async def test_a_schedule_of_ones_own_is_kept() -> None:
    first = json.dumps(
        {**json.loads(BEGIN), "generation_config": {"chunk_length_schedule": [50, 80]}}
    )
    assert audio_in(await speaking([first, speak("x" * 50)])) == 13
    assert audio_in(await speaking([first, speak("x" * 50), speak("y" * 79)])) == 13


async def test_what_is_not_flushed_is_lost_with_its_context() -> None:
    close = '{"context_id": "a", "close_context": true}'
    answers = await speaking([BEGIN, speak("Hi. "), close])
    assert answers == [{"isFinal": True, "contextId": "a"}]
    answers = await speaking([BEGIN, speak("Hi. ", flush=True), close])
    assert audio_in(answers) == 1
    assert answers[-1] == {"isFinal": True, "contextId": "a"}


async def test_closing_the_socket_speaks_what_is_left() -> None:
    answers = await speaking([BEGIN, speak("Hi. "), '{"close_socket": true}'])
    assert audio_in(answers) == 1
    assert answers[-1] == 1_000


async def test_empty_text_ends_the_other_socket() -> None:
    texts = ['{"text": " "}', '{"text": "Hi. "}', '{"text": ""}']
    answers = await speaking(texts, SINGLE)
    assert audio_in(answers) == 1
    assert answers[-2:] == [{"audio": None, "isFinal": True}, 1_000]


async def test_the_sixth_context_ends_the_socket() -> None:
    begins = [json.dumps({"text": " ", "context_id": str(number)}) for number in range(6)]
    answers = await speaking(begins)
    assert (answers[0]["error"], answers[0]["code"]) == ("max_active_conversations", 1_008)
    assert answers[1] == 1_008
    assert await speaking(begins[:5]) == []


@pytest.mark.parametrize(
    "messages",
    [
        ["{"],
        ["[]"],
        [speak("Hello. ")],
        [BEGIN, speak("Hello. ", voice_settings={"stability": 1})],
        [BEGIN, speak("Hello. ", contextid="a")],
        ['{"text": " ", "context_id": "a", "voice_settings": {"pitch": 1}}'],
        ['{"text": " ", "context_id": "a", "voice_settings": {"speed": 3}}'],
        ['{"text": " ", "context_id": "a", "generation_config": {"chunk_length_schedule": [5]}}'],
    ],
)
async def test_what_breaks_a_rule_ends_the_socket(messages: list[str]) -> None:
    answers = await speaking(messages)
    assert answers[0]["error"] == "invalid_input_message"
    assert answers[-1] == 1_008


async def test_a_socket_that_is_idle_is_ended() -> None:
    async with ElevenLabsDouble().running() as double, aiohttp.ClientSession() as http:
        url = f"{double.url}{MULTI}?inactivity_timeout=1"
        async with http.ws_connect(url, headers={"xi-api-key": double.key}) as socket:
            await socket.send_str(BEGIN)
            ended = json.loads((await socket.receive(timeout=2)).data)
            assert ended["error"] == "input_timeout_exceeded"
            assert (await socket.receive()).data == 1_008


async def test_what_is_not_there_is_told_in_a_message() -> None:
    async with ElevenLabsDouble().running() as double:
        unknown = await raw(double, f"/v1/text-to-speech/{'x' * 20}/multi-stream-input", {}, [])
    assert unknown[0]["error"] == "voice_id_does_not_exist"
    assert unknown[-1] == 1_008


@pytest.mark.parametrize(
    "query",
    [
        {"model_id": "eleven_v3"},
        {"model_id": "unknown"},
        {"output_format": "wav"},
        {"inactivity_timeout": "181"},
        {"auto_mode": "True"},
        {"automode": "true"},
    ],
)
async def test_a_query_that_is_wrong_opens_no_socket(query: dict[str, str]) -> None:
    async with ElevenLabsDouble().running() as double:
        with pytest.raises(aiohttp.WSServerHandshakeError) as raised:
            await raw(double, MULTI, query, [])
    assert raised.value.status == 400


def chunk(**fields: Any) -> str:
    usual = {
        "message_type": "input_audio_chunk",
        "audio_base_64": b64encode(VOICE * 20).decode(),
        "commit": False,
        "sample_rate": 8_000,
    }
    return json.dumps({**usual, **fields})


@pytest.mark.parametrize(
    ("messages", "kind"),
    [
        (["{"], "invalid_request"),
        ([chunk(message_type="audio")], "invalid_request"),
        ([chunk(extra=1)], "invalid_request"),
        ([chunk(commit="yes")], "input_error"),
        ([chunk(sample_rate=16_000)], "input_error"),
        ([chunk(audio_base_64="***")], "input_error"),
        ([chunk(), chunk(previous_text="late")], "input_error"),
    ],
)
async def test_scribe_is_strict(messages: list[str], kind: str) -> None:
    async with ElevenLabsDouble().running() as double:
        query = {"model_id": "scribe_v2_realtime", "audio_format": "ulaw_8000"}
        answers = await raw(double, "/v1/speech-to-text/realtime", query, messages)
    assert answers[-2]["message_type"] == kind
    assert answers[-1] == 1_008


async def test_scribe_refuses_to_commit_next_to_nothing() -> None:
    async with ElevenLabsDouble().running() as double:
        query = {"audio_format": "ulaw_8000"}
        little = chunk(audio_base_64=b64encode(VOICE).decode(), commit=True)
        answers = await raw(double, "/v1/speech-to-text/realtime", query, [little])
    assert answers[-1]["message_type"] == "commit_throttled"
    assert "only 0.02s" in answers[-1]["error"]


async def test_without_a_commit_nothing_is_final() -> None:
    async with ElevenLabsDouble().running() as double:
        query = {"audio_format": "ulaw_8000"}
        answers = await raw(double, "/v1/speech-to-text/realtime", query, [chunk()] * 3)
    assert {each["message_type"] for each in answers} == {"session_started", "partial_transcript"}


async def test_a_token_stands_for_the_key() -> None:
    async with ElevenLabsDouble(tokens={"t1"}).running() as double, aiohttp.ClientSession() as http:
        for token, ends in (("t1", False), ("t2", True)):
            url = f"{double.url}/v1/speech-to-text/realtime?token={token}"
            async with http.ws_connect(url) as socket:
                told = json.loads((await socket.receive()).data)["message_type"]
                assert told == ("auth_error" if ends else "session_started")


async def test_a_quota_is_used_up() -> None:
    async with ElevenLabsDouble(quota=12).running() as double, voice(double) as session:
        await say(session, "Ten chars.")
        assert double.quota == 1


async def test_faults_are_those_of_every_double() -> None:
    async with ElevenLabsDouble(faults=VendorFaults(status=503)).running() as double:
        with pytest.raises(aiohttp.WSServerHandshakeError) as raised:
            await raw(double, MULTI, {}, [])
    assert raised.value.status == 503
    assert CALL.call_id
