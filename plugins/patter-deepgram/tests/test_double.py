"""The double is held against what nobody here wrote: deepgram-sdk, as it is."""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pydantic
import pytest
from aiohttp import ClientSession, WSMsgType, WSServerHandshakeError

from patter.audio.formats import MULAW_8K
from patter.providers.stt import Transcript, Word
from patter_deepgram.double import DeepgramDouble, messages
from patter_testing.doubles.vendor_double import KEY
from patter_testing.doubles.vendor_sound import read_back, sounded

from .sdk import (
    AsyncDeepgramClient,
    DeepgramClientEnvironment,
    listen_v1,
    listen_v2,
    speak_v1,
    speak_v2,
)

VOICE = sounded("any words", MULAW_8K)
SILENCE = MULAW_8K.silence * 8_000
RAW = {"encoding": "mulaw", "sample_rate": 8_000}
FLUX_EARS = "/v2/listen?model=flux-general-en&encoding=mulaw&sample_rate=8000"
pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::pydantic.warnings.PydanticDeprecatedSince20"
)


@pytest.fixture
async def double() -> AsyncIterator[DeepgramDouble]:
    async with DeepgramDouble(lines=["a table for two"]).running() as vendor:
        yield vendor


@pytest.fixture
async def sdk(double: DeepgramDouble) -> AsyncIterator[AsyncDeepgramClient]:
    address = DeepgramClientEnvironment(
        base=double.url, production=double.url.replace("http", "ws"), agent="", agent_rest=""
    )
    async with httpx.AsyncClient() as http:
        yield AsyncDeepgramClient(api_key=KEY, environment=address, httpx_client=http)


# --- the SDK works with it


async def test_the_sdk_is_told_what_nova_hears(sdk: Any) -> None:
    async with sdk.listen.v1.connect(
        model="nova-3", interim_results="true", vad_events="true", **RAW
    ) as socket:
        await socket.send_media(VOICE)
        await socket.send_keep_alive()
        await socket.send_finalize()
        kinds = []
        while (message := await socket.recv()).type != "Results" or not message.from_finalize:
            kinds.append(message.type)
        assert message.channel.alternatives[0].transcript == "a table for two"
        assert kinds[0] == "SpeechStarted"
        await socket.send_configure(listen_v1.ListenV1Configure(keyterms=["basil"]))
        assert (await socket.recv()).keyterms == ["basil"]
        await socket.send_close_stream()
        assert (await socket.recv()).type == "Metadata"


async def test_the_sdk_is_told_flux_turns(sdk: Any) -> None:
    async with sdk.listen.v2.connect(
        model="flux-general-en", eager_eot_threshold=0.5, **RAW
    ) as socket:
        await socket.send_media(VOICE + SILENCE)
        seen = [await socket.recv()]
        while getattr(seen[-1], "event", "") != "EndOfTurn":
            seen.append(await socket.recv())
        assert [message.sequence_id for message in seen] == list(range(len(seen)))
        events = [message.event for message in seen[1:] if message.event != "Update"]
        assert events == ["StartOfTurn", "EagerEndOfTurn", "EndOfTurn"]
        assert (seen[-1].transcript, seen[-1].trigger) == ("a table for two", "model")
        await socket.send_force_end_turn()
        await socket.send_close_stream()


async def test_the_sdk_speaks_with_aura(sdk: Any, double: DeepgramDouble) -> None:
    async with sdk.speak.v1.connect(model="aura-2-thalia-en", **RAW) as socket:
        assert (await socket.recv()).model_name == "aura-2-thalia-en"
        await socket.send_text(speak_v1.SpeakV1Text(text="hello"))
        await socket.send_flush()
        sound = b""
        while isinstance(message := await socket.recv(), bytes):
            sound += message
        assert message.type == "Flushed"
        assert read_back(sound, MULAW_8K) == "hello"
        await socket.send_clear()
        assert (await socket.recv()).type == "Cleared"
        await socket.send_close()
    assert double.spoken == ["hello"]


async def test_the_sdk_speaks_with_flux(sdk: Any) -> None:
    async with sdk.speak.v2.connect(model="flux-haley-en", **RAW) as socket:
        assert (await socket.recv()).type == "Connected"
        await socket.send_speak(speak_v2.SpeakV2Speak(text="hello"))
        await socket.send_flush()
        kinds: list[str] = []
        sound = b""
        while not kinds or kinds[-1] != "SpeechMetadata":
            message = await socket.recv()
            if isinstance(message, bytes):
                sound += message
            else:
                kinds.append(message.type)
        assert kinds == ["SpeechStarted", "Flushed", "SpeechMetadata"]
        assert read_back(sound, MULAW_8K) == "hello"
        await socket.send_configure(speak_v2.SpeakV2Configure(speed=1.1))
        assert (await socket.recv()).applied.speed == 1.1
        await socket.send_close()
        assert (await socket.recv()).type == "SessionMetadata"


async def test_the_sdk_speaks_in_one_request(sdk: Any) -> None:
    sound = b"".join(
        [
            piece
            async for piece in sdk.speak.v1.audio.generate(
                text="hello", model="aura-2-thalia-en", container="none", **RAW
            )
        ]
    )
    assert read_back(sound, MULAW_8K) == "hello"


async def test_the_sdk_lists_the_projects_of_a_key(sdk: Any) -> None:
    assert len((await sdk.manage.v1.projects.list()).projects) == 1


# --- every message it sends is one that the SDK knows, field by field

HEARD = Transcript("a b", True, 500, words=(Word("a", 0, 200), Word("b", 300, 500)))
REPORT = messages.speech_report("dg_sp_000000000001", 500, 3)
SPLIT = ("a", " b")
EXAMPLES: dict[str, tuple[type[pydantic.BaseModel], Callable[[], Any]]] = {
    "results": (
        listen_v1.ListenV1Results,
        lambda: messages.results(HEARD, start_ms=0, end_ms=500, model="nova-3", punctuated=True),
    ),
    "speech_started": (listen_v1.ListenV1SpeechStarted, lambda: messages.speech_started(20)),
    "utterance_end": (listen_v1.ListenV1UtteranceEnd, lambda: messages.utterance_end(20)),
    "metadata": (listen_v1.ListenV1Metadata, lambda: messages.metadata(500)),
    "schema_error": (listen_v1.ListenV1Error, lambda: messages.schema_error("{")),
    "configured": (listen_v1.ListenV1ConfigureSuccess, lambda: messages.configured(["a"])),
    "not_configured": (
        listen_v1.ListenV1ConfigureFailure,
        lambda: messages.not_configured("CONFIGURE_ALREADY_PENDING", "wait"),
    ),
    "flux_connected": (
        listen_v2.ListenV2Connected,
        lambda: {**messages.flux_connected(), "sequence_id": 0},
    ),
    "turn_info": (
        listen_v2.ListenV2TurnInfo,
        lambda: {
            **messages.turn_info(
                "EndOfTurn", 0, HEARD.words, start_ms=0, end_ms=1, confidence=1, trigger="model"
            ),
            "sequence_id": 1,
        },
    ),
    "flux_configured": (
        listen_v2.ListenV2ConfigureSuccess,
        lambda: {
            **messages.flux_configured({"eot_threshold": 0.7}, ["a"], ["en"]),
            "sequence_id": 2,
        },
    ),
    "error": (speak_v2.SpeakV2Error, lambda: messages.error("NET-0004", "inactive")),
    "speak_metadata": (speak_v1.SpeakV1Metadata, lambda: messages.speak_metadata("aura")),
    "flushed": (speak_v1.SpeakV1Flushed, lambda: messages.flushed(0)),
    "cleared": (speak_v1.SpeakV1Cleared, lambda: messages.cleared(1)),
    "warning": (speak_v1.SpeakV1Warning, lambda: messages.warning("CODE", "words")),
    "speak_connected": (speak_v2.SpeakV2Connected, lambda: messages.speak_connected("flux")),
    "flux_speech_started": (
        speak_v2.SpeakV2SpeechStarted,
        lambda: messages.flux_speech_started("dg_sp_1"),
    ),
    "flux_flushed": (speak_v2.SpeakV2Flushed, lambda: messages.flux_flushed("dg_sp_1")),
    "speech_report": (
        speak_v2.SpeakV2SpeechMetadata,
        lambda: messages.speech_metadata(REPORT),
    ),
    "speech_metadata": (
        speak_v2.SpeakV2SpeechMetadata,
        lambda: messages.speech_metadata(REPORT),
    ),
    "speech_interrupted": (
        speak_v2.SpeakV2SpeechInterrupted,
        lambda: messages.speech_interrupted(500, REPORT, SPLIT),
    ),
    "speed_set": (speak_v2.SpeakV2ConfigureSuccess, lambda: messages.speed_set(1.1)),
    "speed_not_set": (
        speak_v2.SpeakV2ConfigureFailure,
        lambda: messages.speed_not_set("SPEED_OUT_OF_RANGE", 9, "too fast"),
    ),
    "session_metadata": (
        speak_v2.SpeakV2SessionMetadata,
        lambda: messages.session_metadata(500, 3),
    ),
}


def test_no_message_is_left_out() -> None:
    makers = {
        name
        for name, maker in inspect.getmembers(messages, inspect.isfunction)
        if maker.__module__ == messages.__name__ and not name.startswith("_")
    }
    assert makers - {"seconds"} == set(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_message_is_one_of_the_sdk_and_nothing_more(name: str) -> None:
    model, make = EXAMPLES[name]
    body = make()
    assert unknown_in(model.model_validate(body)) == []
    field = model.model_fields["type"]
    assert field.is_required() or body["type"] == field.default


def unknown_in(value: Any) -> list[str]:
    """Fields that no model has, wherever they are."""
    if isinstance(value, pydantic.BaseModel):
        fields = [getattr(value, name) for name in type(value).model_fields]
        return [
            *(value.model_extra or {}),
            *(each for field in fields for each in unknown_in(field)),
        ]
    if isinstance(value, list):
        return [each for item in value for each in unknown_in(item)]
    return []


# --- it is strict where Deepgram is


@pytest.mark.parametrize(
    ("path", "query", "reason"),
    [
        ("/v1/listen", "model=nova-3&encoding=mulaw&sample_rate=8000&colour=blue", "Unknown"),
        ("/v1/listen", "model=nova-9x&encoding=mulaw&sample_rate=8000&punctuate=yes", "Invalid"),
        ("/v1/listen", "model=parrot&encoding=mulaw&sample_rate=8000", "No such model"),
        ("/v1/listen", "model=nova-2&keyterm=a&encoding=mulaw&sample_rate=8000", "keyterm"),
        ("/v1/listen", "model=nova-3&keywords=a&encoding=mulaw&sample_rate=8000", "keywords"),
        ("/v1/listen", "model=nova-3&utterance_end_ms=1000&encoding=mulaw&sample_rate=8000", "int"),
        ("/v1/listen", "model=nova-3&encoding=opus&sample_rate=8000", "Unsupported encoding"),
        ("/v1/listen", "model=nova-3&encoding=mulaw", "sample_rate"),
        ("/v1/listen", "model=nova-3&diarize_model=v2&encoding=mulaw&sample_rate=8000", "diarize"),
        ("/v2/listen", "encoding=mulaw&sample_rate=8000", "No such model"),
        ("/v2/listen", "model=flux-general-en&language=en", "Unknown"),
        ("/v2/listen", "model=flux-general-en&eot_threshold=0.4", "eot_threshold"),
        ("/v2/listen", "model=flux-general-en&eager_eot_threshold=0.8", "eager"),
        ("/v2/listen", "model=flux-general-en&language_hint=de", "language_hint"),
        ("/v1/speak", "model=flux-haley-en", "No such model"),
        ("/v1/speak", "model=aura-2-thalia-en&encoding=mp3", "encoding"),
        ("/v1/speak", "model=aura-2-thalia-en&container=none", "Unknown"),
        ("/v1/speak", "model=aura-2-thalia-en&speed=2", "speed"),
        ("/v2/speak", "model=aura-2-thalia-en", "No such model"),
        ("/v2/speak", "model=flux-haley-en&speed=1.07", "increments"),
        ("/v2/speak", "model=flux-haley-en&expressivity=0.5", "EXPRESSIVITY"),
        ("/v2/speak", "model=flux-haley-en&encoding=mulaw&sample_rate=24000", "sample_rate"),
    ],
)
async def test_a_bad_parameter_is_refused(
    double: DeepgramDouble, path: str, query: str, reason: str
) -> None:
    with pytest.raises(WSServerHandshakeError) as refused:
        await open_socket(double, f"{path}?{query}")
    assert refused.value.status == 400
    assert refused.value.headers is not None
    assert reason in refused.value.headers["dg-error"]


@pytest.mark.parametrize("shown", ["", "Bearer " + KEY, "Token wrong"])
async def test_a_key_is_shown_as_a_token(double: DeepgramDouble, shown: str) -> None:
    async with ClientSession(double.url) as http:
        for path in ("/v1/auth/token", "/v1/listen", "/v2/speak"):
            async with http.get(path, headers={"Authorization": shown}) as answer:
                assert answer.status == 401
                assert (await answer.json())["err_code"] == "INVALID_AUTH"


@pytest.mark.parametrize(
    ("path", "frame", "code", "reason"),
    [
        ("/v1/speak?model=aura-2-thalia-en", "{", 1008, "DATA-0000"),
        ("/v1/speak?model=aura-2-thalia-en", '{"type": "Reset"}', 1008, "DATA-0000"),
        ("/v1/speak?model=aura-2-thalia-en", b"audio", 1003, "MESSAGE-0000"),
        ("/v1/speak?model=aura-2-thalia-en", "x" * 2_002, 1009, "BIG-0001"),
        ("/v2/speak?model=flux-haley-en", "{", 1008, "MESSAGE-0000"),
        ("/v2/speak?model=flux-haley-en", '{"type": "Clear"}', 1008, "DATA-0000"),
        ("/v2/speak?model=flux-haley-en", '{"type": "Flush", "now": 1}', 1008, "DATA-0000"),
        (
            "/v2/listen?model=flux-general-en&encoding=mulaw&sample_rate=8000",
            "{",
            1008,
            "UNPARSABLE",
        ),
    ],
)
async def test_a_bad_message_ends_the_session(
    double: DeepgramDouble, path: str, frame: str | bytes, code: int, reason: str
) -> None:
    if isinstance(frame, str) and frame.startswith("x"):
        frame = json.dumps({"type": "Speak", "text": frame})
    assert await ended_by(double, path, [frame]) == (code, reason)


async def test_nova_complains_of_a_bad_message_and_goes_on(double: DeepgramDouble) -> None:
    path = "/v1/listen?model=nova-3&encoding=mulaw&sample_rate=8000"
    http, socket = await open_socket(double, path)
    async with http, socket:
        await socket.send_str('{"type": "Hurry"}')
        assert (await socket.receive_json())["variant"] == "SchemaError"
        await socket.send_bytes(b"")
        assert (await socket.receive_json())["type"] == "Metadata"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/v1/listen?model=nova-3&encoding=mulaw&sample_rate=8000", "Deepgram did"),
        ("/v2/listen?model=flux-general-en&encoding=mulaw&sample_rate=8000", "INACTIVE"),
        ("/v2/speak?model=flux-haley-en", "NET-0004"),
        ("/v1/speak?model=aura-2-thalia-en", "NET-0003"),
    ],
)
async def test_who_says_nothing_is_left(path: str, reason: str) -> None:
    double = DeepgramDouble(idle_s=0.05, flux_idle_s=0.05, voice_age_s=0.05)
    async with double.running() as vendor:
        assert await ended_by(vendor, path, []) == (1011, reason)


async def test_a_ping_keeps_flux_and_does_not_keep_nova() -> None:
    async with DeepgramDouble(idle_s=0.1, flux_idle_s=0.1).running() as vendor:
        for path, lives in (
            ("/v2/speak?model=flux-haley-en", True),
            ("/v1/listen?model=nova-3&encoding=mulaw&sample_rate=8000", False),
        ):
            http, socket = await open_socket(vendor, path)
            async with http, socket:
                for _ in range(4):
                    await asyncio.sleep(0.05)
                    if not socket.closed:
                        await socket.ping()
                message = await socket.receive()
                assert (message.type is WSMsgType.TEXT) is lives


async def test_aura_ignores_the_21st_flush_of_a_minute(double: DeepgramDouble) -> None:
    http, socket = await open_socket(double, "/v1/speak?model=aura-2-thalia-en")
    async with http, socket:
        for _ in range(21):
            await socket.send_str('{"type": "Flush"}')
        kinds = [(await socket.receive_json())["type"] for _ in range(22)]
    assert sorted(kinds) == ["Flushed"] * 20 + ["Metadata", "Warning"]


async def test_aura_hangs_up_on_too_much_text(double: DeepgramDouble) -> None:
    flush, speak = json.dumps({"type": "Flush"}), json.dumps({"type": "Speak", "text": "x" * 1_500})
    path = "/v1/speak?model=aura-2-thalia-en"
    assert await ended_by(double, path, [speak, flush, speak]) == (1008, "DATA-0001")


async def test_flux_says_what_was_heard_of_an_interrupted_turn() -> None:
    async with DeepgramDouble(pace=2).running() as vendor:
        path = "/v2/speak?model=flux-haley-en&encoding=mulaw&sample_rate=8000"
        http, socket = await open_socket(vendor, path)
        async with http, socket:
            await socket.send_json({"type": "Interrupt"})
            await socket.send_json({"type": "Speak", "text": "one two three four five"})
            await socket.send_json({"type": "Flush"})
            while (await socket.receive()).type is not WSMsgType.BINARY:
                pass
            offset = {"type": "time_ms", "value": 420}
            await socket.send_json({"type": "Interrupt", "playback_offset": offset})
            while (message := await socket.receive()).type is WSMsgType.BINARY:
                pass
            body = message.json()
    assert body["type"] == "SpeechInterrupted"
    assert (body["text_spoken"], body["text_remaining"]) == ("one two", " three four five")


async def open_socket(double: DeepgramDouble, path: str) -> tuple[Any, Any]:
    http = ClientSession(double.url, headers={"Authorization": f"Token {double.key}"})
    try:
        return http, await http.ws_connect(path)
    except BaseException:
        await http.close()
        raise


async def ended_by(double: DeepgramDouble, path: str, frames: list[str | bytes]) -> tuple[int, str]:
    """The code with which the double ends a session of *frames*, and the start of its reason."""
    http, socket = await open_socket(double, path)
    async with http, socket:
        for frame in frames:
            await (socket.send_bytes(frame) if isinstance(frame, bytes) else socket.send_str(frame))
        while (message := await socket.receive()).type is not WSMsgType.CLOSE:
            pass
        return message.data, message.extra[: len("Deepgram did")].split(":")[0].split("_")[0]
