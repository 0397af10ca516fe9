"""The double is held against what nobody here wrote: soniox, the vendor's SDK, as it is."""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pydantic
import pytest
from aiohttp import ClientSession, WSMsgType
from soniox import AsyncSonioxClient, types

from patter.audio.formats import MULAW_8K
from patter.providers.stt import Word
from patter_soniox.double import SonioxDouble, messages
from patter_soniox.double.vendor import MODELS, published_latency
from patter_testing.doubles.vendor_double import KEY, Latency, VendorFaults
from patter_testing.doubles.vendor_sound import sounded

VOICE = sounded("any words", MULAW_8K)
SILENCE = MULAW_8K.silence * 8_000
PATH = "/transcribe-websocket"
START: dict[str, Any] = {
    "model": "stt-rt-v5",
    "audio_format": "mulaw",
    "sample_rate": 8_000,
    "num_channels": 1,
}


@pytest.fixture
async def double() -> AsyncIterator[SonioxDouble]:
    async with SonioxDouble(lines=["a table for two", "thanks"]).running() as vendor:
        yield vendor


def client(double: SonioxDouble, key: str = KEY) -> AsyncSonioxClient:
    return AsyncSonioxClient(
        api_key=key,
        api_base_url=f"{double.url}/v1",
        websocket_base_url=double.url.replace("http", "ws") + PATH,
    )


def text_of(tokens: list[Any]) -> str:
    return "".join(token.text for token in tokens if token.is_final)


# --- the SDK works with it


async def test_the_sdk_is_told_what_was_said(double: SonioxDouble) -> None:
    config = types.RealtimeSTTConfig(
        **START,
        enable_endpoint_detection=True,
        enable_language_identification=True,
        enable_speaker_diarization=True,
    )
    async with client(double) as sdk, sdk.realtime.stt.connect(config=config) as session:
        await session.send_bytes(VOICE + SILENCE)
        tokens: list[Any] = []
        while not tokens or tokens[-1].text != types.realtime.TOKEN_TEXT_END:
            event = await session.receive_event()
            assert event is not None
            tokens += [token for token in event.tokens if token.is_final]
        assert text_of(tokens) == "a table for two<end>"
        assert [(token.language, token.speaker) for token in tokens[:-1]] == [("en", "1")] * 5
        await session.send_bytes(VOICE)
        await session.finalize()
        tokens = []
        while not tokens or tokens[-1].text != types.realtime.TOKEN_TEXT_FIN:
            event = await session.receive_event()
            assert event is not None
            tokens += [token for token in event.tokens if token.is_final]
        assert text_of(tokens) == " thanks<fin>"
        await session.keep_alive()
        await session.finish()
        rest = [each async for each in session.receive_events()]
    assert [each.finished for each in rest][-1:] == [True]
    assert double.commands == ["finalize", "keepalive", ""]


async def test_the_sdk_is_told_what_it_did_wrong(double: SonioxDouble) -> None:
    config = types.RealtimeSTTConfig(**START | {"model": "stt-async-v5"})
    async with client(double) as sdk, sdk.realtime.stt.connect(config=config) as session:
        events = [event async for event in session.receive_events()]
    assert [(each.error_code, each.error_message) for each in events] == [
        (400, "Invalid model specified.")
    ]


async def test_the_sdk_with_another_key_is_refused_in_the_session(double: SonioxDouble) -> None:
    config = types.RealtimeSTTConfig(**START)
    async with client(double, "of others") as sdk:
        async with sdk.realtime.stt.connect(config=config) as session:
            event = await session.receive_event()
        assert event is not None and event.error_code == 401
        with pytest.raises(Exception, match="Incorrect API key"):
            await sdk.models.list()


async def test_the_sdk_lists_its_models(double: SonioxDouble) -> None:
    async with client(double) as sdk:
        listed = (await sdk.models.list()).models
    assert [(each.id, each.transcription_mode) for each in listed] == [
        ("stt-rt-v4", "real_time"),
        ("stt-rt-v5", "real_time"),
        ("stt-rt-preview", "real_time"),
        ("stt-async-v5", "async"),
    ]
    assert all(unknown_in(each) == [] for each in listed)


# --- every message it sends is one that the SDK knows, field by field

TABLES = Word("tables", 0, 600)
TOKENS = [
    *messages.tokens(TABLES, first=True, final=True, language="en", speaker="1"),
    messages.marker("<end>"),
]
EXAMPLES: dict[str, tuple[type[pydantic.BaseModel], Callable[[], Any]]] = {
    "tokens": (types.Token, lambda: TOKENS[0]),
    "marker": (types.Token, lambda: TOKENS[-1]),
    "response": (
        types.RealtimeEvent,
        lambda: messages.response(TOKENS, final_ms=600, total_ms=900.5),
    ),
    "finished": (types.RealtimeEvent, lambda: messages.finished(600)),
    "error": (types.RealtimeEvent, lambda: messages.error(503, "Cannot continue request")),
    "api_error": (types.ApiError, lambda: messages.api_error(401, "unauthenticated", "no")),
    "model": (types.Model, lambda: MODELS[0]),
    "models": (types.GetModelsResponse, lambda: messages.models(MODELS)),
}


def test_no_message_is_left_out() -> None:
    makers = {
        name
        for name, maker in inspect.getmembers(messages, inspect.isfunction)
        if maker.__module__ == messages.__name__ and not name.startswith("_")
    }
    assert makers == set(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_message_is_one_of_the_sdk_and_nothing_more(name: str) -> None:
    model, make = EXAMPLES[name]
    read = model.model_validate(make(), strict=True)
    assert unknown_in(read) == []
    assert read.model_dump(exclude_unset=True) == make(), "a field was ignored"


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


def test_a_long_word_comes_in_parts_that_do_not_overlap() -> None:
    parts = messages.tokens(Word("tables", 100, 700), first=False, final=False)
    assert [(each["text"], each["start_ms"], each["end_ms"]) for each in parts] == [
        (" tab", 100, 400),
        ("les", 400, 700),
    ]


async def test_words_become_final_while_others_are_said() -> None:
    line = "one two three four five six"
    async with SonioxDouble(lines=[line]).running() as vendor:
        http, socket = await open_socket(vendor)
        async with http, socket:
            await socket.send_json(START | {"enable_endpoint_detection": True})
            await socket.send_bytes(sounded("x" * 40, MULAW_8K) + SILENCE)
            final, mixed = "", False
            while "<end>" not in final:
                tokens = (await socket.receive_json())["tokens"]
                kinds = [token["is_final"] for token in tokens]
                assert kinds == sorted(kinds, reverse=True), "final tokens come first"
                mixed = mixed or len(set(kinds)) == 2
                final += "".join(token["text"] for token in tokens if token["is_final"])
    assert final == f"{line}<end>" and mixed


# --- it is strict where Soniox is


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"model": "parrot"}, 400, "Invalid model specified."),
        ({"model": None}, 400, "Start request is malformed. (model)"),
        ({"colour": "blue"}, 400, "Start request is malformed. (colour)"),
        ({"enable_endpoint_detection": "yes"}, 400, "Start request is malformed. (enable"),
        ({"audio_format": ""}, 400, "Missing audio format."),
        ({"audio_format": "avi"}, 400, "Invalid audio data format: avi"),
        ({"num_channels": 2}, 400, "Audio decode error"),
        ({"sample_rate": 1_999}, 400, "Start request is malformed. (sample_rate)"),
        ({"language_hints": ["en", "en"]}, 400, "Language hints must be unique."),
        ({"language_hints": ["xx"]}, 400, "Invalid language hint."),
        ({"context": {"words": []}}, 400, "Start request is malformed. (context)"),
        ({"context": {"text": "x" * 10_001}}, 400, "Context is too long (max length 10000)."),
        ({"client_reference_id": "x" * 257}, 400, "Client reference ID is too long"),
        ({"max_endpoint_delay_ms": 499}, 400, "Start request is malformed. (max_endpoint"),
        ({"endpoint_sensitivity": 1.1}, 400, "Start request is malformed. (endpoint_sens"),
        ({"model": "stt-rt-v4", "endpoint_sensitivity": 0.1}, 400, "Model does not support endp"),
        ({"model": "stt-rt-v4", "endpoint_latency_adjustment_level": 1}, 400, "Model does not"),
        ({"translation": {"type": "one_way"}}, 400, "Model does not support translations."),
        ({"api_key": KEY}, 400, "Start request is malformed. (api_key)"),
    ],
)
async def test_a_bad_start_ends_the_stream(
    double: SonioxDouble, change: dict[str, Any], code: int, words: str
) -> None:
    assert await ended_by(double, [json.dumps(START | change)]) == (code, words)


@pytest.mark.parametrize("missing", ["sample_rate", "num_channels"])
async def test_a_raw_format_is_told_whole(double: SonioxDouble, missing: str) -> None:
    start = {name: value for name, value in START.items() if name != missing}
    told = {"sample_rate": "sample rate", "num_channels": "channels"}[missing]
    words = f"Audio data {told} must be specified for PCM formats"
    assert await ended_by(double, [json.dumps(start)]) == (400, words)


@pytest.mark.parametrize(
    ("frames", "code", "words"),
    [
        ([b"audio"], 400, "Start request must be a text message."),
        (["{"], 400, "Start request is malformed."),
        (["[]"], 400, "Start request is malformed."),
        ([json.dumps(START), "{"], 400, "Control request is malformed."),
        ([json.dumps(START), "[1]"], 400, "Control request is malformed."),
        ([json.dumps(START), '{"type": "finalize", "now": 1}'], 400, "Control request is mal"),
        ([json.dumps(START), '{"type": "hurry"}'], 400, "Control request invalid type."),
        ([json.dumps(START), json.dumps(START)], 400, "Control request is malformed."),
        ([json.dumps(START), ""], 400, "No audio received."),
    ],
)
async def test_a_bad_message_ends_the_stream(
    double: SonioxDouble, frames: Sequence[str | bytes], code: int, words: str
) -> None:
    assert await ended_by(double, frames) == (code, words)


@pytest.mark.parametrize(
    ("headers", "start", "words"),
    [
        ({}, START, "Missing API key."),
        ({"Authorization": "Bearer wrong"}, START, "Invalid API key."),
        ({"Authorization": f"Token {KEY}"}, START, "Missing API key."),
        ({}, START | {"api_key": "wrong"}, "Invalid API key."),
    ],
)
async def test_a_key_is_shown_once(
    double: SonioxDouble, headers: dict[str, str], start: dict[str, Any], words: str
) -> None:
    assert await ended_by(double, [json.dumps(start)], headers) == (401, words)


async def test_a_key_may_be_in_the_start(double: SonioxDouble) -> None:
    http, socket = await open_socket(double, {})
    async with http, socket:
        await socket.send_json(START | {"api_key": KEY})
        await socket.send_bytes(VOICE)
        assert (await socket.receive_json())["total_audio_proc_ms"] > 0


@pytest.mark.parametrize("empty", ["", b""])
async def test_an_empty_frame_ends_a_stream(double: SonioxDouble, empty: str | bytes) -> None:
    http, socket = await open_socket(double)
    async with http, socket:
        await socket.send_json(START)
        await socket.send_bytes(VOICE)
        await (socket.send_str(empty) if isinstance(empty, str) else socket.send_bytes(empty))
        said = ""
        while not (body := await socket.receive_json()).get("finished"):
            said += "".join(token["text"] for token in body["tokens"] if token["is_final"])
        assert said == "a table for two"
        closed = await socket.receive()
        assert (closed.type, closed.data) == (WSMsgType.CLOSE, 1000)


@pytest.mark.parametrize(
    ("limits", "frames", "words"),
    [
        ({"start_s": 0.05}, [], "Start request timeout"),
        ({"idle_s": 0.05}, [json.dumps(START), VOICE], "Request timeout."),
        ({"first_audio_s": 0.05}, [json.dumps(START)], "Timed out while waiting for the first"),
    ],
)
async def test_who_sends_nothing_is_left(
    limits: dict[str, Any], frames: Sequence[str | bytes], words: str
) -> None:
    async with SonioxDouble(**limits).running() as vendor:
        assert await ended_by(vendor, frames) == (408, words)


async def test_a_keepalive_is_no_first_audio_and_a_ping_is_nothing() -> None:
    async with SonioxDouble(first_audio_s=0.2, idle_s=0.1).running() as vendor:
        http, socket = await open_socket(vendor)
        async with http, socket:
            await socket.send_json(START)
            for _ in range(6):
                await socket.send_json({"type": "keepalive"})
                await asyncio.sleep(0.05)
            assert "first audio" in (await socket.receive_json())["error_message"]
        http, socket = await open_socket(vendor)
        async with http, socket:
            await socket.send_json(START)
            await socket.send_bytes(SILENCE[:80])
            for _ in range(4):
                await asyncio.sleep(0.04)
                if not socket.closed:
                    await socket.ping()
            assert (await socket.receive_json())["error_message"] == "Request timeout."


async def test_an_account_has_limits() -> None:
    async with SonioxDouble(concurrent=1).running() as vendor:
        http, socket = await open_socket(vendor)
        async with http, socket:
            await socket.send_json(START)
            code, words = await ended_by(vendor, [json.dumps(START)])
            assert code == 429 and words.startswith("Your project has exceeded")
    async with SonioxDouble(requests_per_minute=1).running() as vendor:
        bad = [json.dumps(START), "{"]
        assert (await ended_by(vendor, bad))[0] == 400
        assert await ended_by(vendor, bad) == (429, "Rate limit for your project")


async def test_a_stream_is_not_endless() -> None:
    async with SonioxDouble(most_minutes=1 / 600).running() as vendor:
        assert await ended_by(vendor, [json.dumps(START), SILENCE]) == (400, "Audio is too long.")


async def test_its_end_is_that_of_soniox() -> None:
    async with SonioxDouble(faults=VendorFaults(over=True)).running() as vendor:
        code, words = await ended_by(vendor, [json.dumps(START), SILENCE])
    assert (code, words) == (503, "Cannot continue request (code 1).")


async def test_an_endpoint_may_follow_a_finalize() -> None:
    start = START | {"enable_endpoint_detection": True}
    for bare, expected in ((True, ["<fin>", "<end>"]), (False, ["<fin>"])):
        async with SonioxDouble(lines=["yes"], bare_end=bare).running() as vendor:
            http, socket = await open_socket(vendor)
            async with http, socket:
                await socket.send_json(start)
                await socket.send_bytes(VOICE)
                await socket.send_json({"type": "finalize"})
                await socket.send_bytes(SILENCE)
                await socket.send_str("")
                marks: list[str] = []
                while not (body := await socket.receive_json()).get("finished"):
                    marks += [t["text"] for t in body["tokens"] if t["text"].startswith("<")]
        assert marks == expected


async def test_answers_that_take_long_do_not_hold_up_each_other() -> None:
    async with SonioxDouble(lines=["yes"], latency=Latency(p50_ms=200)).running() as vendor:
        http, socket = await open_socket(vendor)
        async with http, socket:
            await socket.send_json(START)
            begun = asyncio.get_running_loop().time()
            for _ in range(6):
                await socket.send_bytes(SILENCE)
            total = 0
            while total < 6_000:
                total = (await socket.receive_json())["total_audio_proc_ms"]
            assert 0.15 < asyncio.get_running_loop().time() - begun < 1.0


def test_its_latency_can_be_that_of_soniox() -> None:
    latency = published_latency()
    drawn = sorted(latency.draw_ms() for _ in range(2_000))
    assert abs(drawn[1_000] - 249) < 5 and abs(drawn[1_900] - 281) < 10


async def open_socket(
    double: SonioxDouble, headers: dict[str, str] | None = None
) -> tuple[Any, Any]:
    shown = {"Authorization": f"Bearer {double.key}"} if headers is None else headers
    http = ClientSession(double.url, headers=shown)
    try:
        return http, await http.ws_connect(PATH)
    except BaseException:
        await http.close()
        raise


async def ended_by(
    double: SonioxDouble, frames: Sequence[str | bytes], headers: dict[str, str] | None = None
) -> tuple[int, Any]:
    """The error with which the double ends a stream of *frames*, and words that begin as its."""
    http, socket = await open_socket(double, headers)
    async with http, socket:
        for frame in frames:
            await (socket.send_bytes(frame) if isinstance(frame, bytes) else socket.send_str(frame))
        while (body := await socket.receive_json(timeout=5)).get("error_code") is None:
            pass
        assert (await socket.receive()).type is WSMsgType.CLOSE
        return body["error_code"], Words(body["error_message"])


class Words(str):
    """Equal to what it begins with."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and bool(other) and self.startswith(other)

    __hash__ = str.__hash__
