"""The double is held against what nobody here wrote: cartesia, the SDK, as it is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import cartesia
import pytest
from aiohttp import ClientSession, WSMsgType, WSServerHandshakeError

from patter.audio.formats import MULAW_8K
from patter.providers.stt import Word
from patter_cartesia.double import CartesiaDouble, messages
from patter_cartesia.double.sonic_limits import VOICE as VOICE_ID
from patter_testing.doubles.vendor_double import KEY, VendorFaults
from patter_testing.doubles.vendor_sound import read_back
from patter_testing.talking import eventually, silence

from .sdk import (
    AsyncCartesia,
    STTAutoFinalizeWebsocketResponse,
    STTManualFinalizeWebsocketResponse,
    WebsocketResponse,
    fits,
    voice,
)
from .talking import VOICE

RAW: Any = {"encoding": "pcm_mulaw", "sample_rate": 8_000}
FORMAT: Any = {"container": "raw", **RAW}
INK = "/stt/websocket?model=ink-2&encoding=pcm_mulaw&sample_rate=8000"
TURNS = "/stt/turns/websocket?model=ink-2&encoding=pcm_mulaw&sample_rate=8000"
SONIC = "/tts/websocket"
HEADERS = {"Authorization": f"Bearer {KEY}", "Cartesia-Version": "2026-08-14"}
WORDS = [Word("yes", 0, 300), Word("no", 400, 600)]


@pytest.fixture
async def double() -> AsyncIterator[CartesiaDouble]:
    async with CartesiaDouble(lines=["a table for two"]).running() as vendor:
        yield vendor


@pytest.fixture
async def sdk(double: CartesiaDouble) -> AsyncIterator[AsyncCartesia]:
    client = AsyncCartesia(
        api_key=KEY,
        base_url=double.url,
        websocket_base_url=double.url.replace("http", "ws"),
        max_retries=0,
    )
    async with client:
        yield client


# --- the SDK works with it


async def test_the_sdk_is_told_what_ink_hears(sdk: AsyncCartesia) -> None:
    async with sdk.stt.manual_finalize.websocket(model="ink-whisper", **RAW) as socket:
        await socket.send_raw(VOICE)
        await socket.send_raw("finalize")
        seen: list[Any] = [await socket.recv()]
        while seen[-1].type != "flush_done":
            seen.append(await socket.recv())
        final = seen[-2]
        assert (final.text, final.is_final) == ("a table for two", True)
        assert final.words[0].words[-1] == "two" and final.words[0].end[-1] == 0.54
        await socket.send_raw("close")
        assert (await socket.recv()).type == "done"


async def test_the_sdk_is_told_of_turns(sdk: AsyncCartesia, double: CartesiaDouble) -> None:
    async with sdk.stt.auto_finalize.websocket(
        model="ink-2", turn_end_timeout_ms=1_000, **RAW
    ) as socket:
        await socket.send_raw(VOICE + silence(400))
        seen: list[Any] = [await socket.recv()]
        while seen[-1].type != "turn.end":
            seen.append(await socket.recv())
        assert [event.type for event in seen] == [
            "connected", "turn.start", "turn.update", "turn.update", "turn.eager_end", "turn.end",
        ]  # fmt: skip
        assert seen[-1].transcript == "a table for two"
        await socket.send({"type": "config", "turn": {"start_threshold": 0.9}})
        (ear,) = double.sessions
        thresholds: dict[str, float] = getattr(ear, "thresholds", {})
        await eventually(lambda: getattr(ear, "thresholds", {}) != thresholds)
        await socket.send({"type": "close"})
        assert [event async for event in socket] == []


async def test_the_sdk_speaks_with_sonic(sdk: AsyncCartesia, double: CartesiaDouble) -> None:
    async with sdk.tts.websocket_connect() as socket:
        context = socket.context(
            model_id="sonic-3.5", voice={"id": VOICE_ID}, output_format=FORMAT, add_timestamps=True
        )
        await context.push("Stay hungry, ")
        await context.push("", flush=True)
        await context.push("stay foolish.")
        await context.no_more_inputs()
        seen: list[Any] = [event async for event in context.receive()]
    sounds = {
        flush: b"".join(
            each.audio for each in seen if each.type == "chunk" and each.flush_id == flush
        )
        for flush in (1, 2)
    }
    assert read_back(sounds[1], MULAW_8K) == "Stay hungry, "
    assert read_back(sounds[2], MULAW_8K) == "stay foolish."
    words = [
        word for each in seen if each.type == "timestamps" for word in each.word_timestamps.words
    ]
    assert words == ["Stay", "hungry,", "stay", "foolish."]
    assert [each.type for each in seen if each.type not in ("chunk", "timestamps")] == [
        "flush_done", "done",
    ]  # fmt: skip
    assert double.spoken == ["Stay hungry, stay foolish."]


async def test_the_sdk_may_cancel_and_go_on(sdk: AsyncCartesia, double: CartesiaDouble) -> None:
    double.pace = 4
    async with sdk.tts.websocket_connect() as socket:
        settings: Any = {"model_id": "sonic-3", "voice": VOICE_ID, "output_format": FORMAT}
        first, second = socket.context(**settings), socket.context(**settings)
        await first.push("one two three four five six seven", flush=True)
        assert (await anext(aiter(first.receive()))).type == "chunk"
        await first.cancel()
        await second.push("two")
        await second.no_more_inputs()
        seen: list[Any] = [event async for event in second.receive()]
    sound = b"".join(each.audio for each in seen if each.type == "chunk")
    assert read_back(sound, MULAW_8K) == "two"
    assert double.spoken == ["two"] and len(double.cancelled) == 1


async def test_the_sdk_asks_for_voices(sdk: AsyncCartesia) -> None:
    page = await sdk.voices.list(limit=1)
    assert [each.id for each in page.data] == [VOICE_ID]
    assert (await sdk.voices.get(VOICE_ID)).name == "Double"
    with pytest.raises(cartesia.NotFoundError):
        await sdk.voices.get("nobody")


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, cartesia.AuthenticationError), (429, cartesia.RateLimitError), (500, cartesia.APIError)],
)
async def test_the_sdk_is_refused_as_cartesia_refuses(
    sdk: AsyncCartesia, double: CartesiaDouble, status: int, error: type[cartesia.APIStatusError]
) -> None:
    double.faults = VendorFaults(status=status)
    with pytest.raises(error) as raised:
        await sdk.voices.list()
    assert isinstance(raised.value, cartesia.APIStatusError)
    body = raised.value.body
    assert isinstance(body, dict) and set(body) == {"error_code", "title", "message", "request_id"}


# --- its messages are the SDK's

EXAMPLES: dict[str, tuple[Any, Callable[[], messages.Body]]] = {
    "transcript": (
        STTManualFinalizeWebsocketResponse,
        lambda: messages.transcript("yes no", WORDS, final=True, duration_ms=600),
    ),
    "flush_done": (STTManualFinalizeWebsocketResponse, messages.flush_done),
    "done": (STTManualFinalizeWebsocketResponse, messages.done),
    "error": (STTManualFinalizeWebsocketResponse, lambda: messages.error(400, "no")),
    "connected": (STTAutoFinalizeWebsocketResponse, messages.connected),
    "turn.start": (STTAutoFinalizeWebsocketResponse, lambda: messages.turn("start")),
    "turn.update": (STTAutoFinalizeWebsocketResponse, lambda: messages.turn("update", "a")),
    "turn.eager_end": (STTAutoFinalizeWebsocketResponse, lambda: messages.turn("eager_end", "a")),
    "turn.resume": (STTAutoFinalizeWebsocketResponse, lambda: messages.turn("resume")),
    "turn.end": (STTAutoFinalizeWebsocketResponse, lambda: messages.turn("end", "a")),
    "turns' error": (STTAutoFinalizeWebsocketResponse, lambda: messages.error(402)),
    "chunk": (WebsocketResponse, lambda: messages.chunk("c", b"\x00\x01", 1)),
    "chunk without a number": (WebsocketResponse, lambda: messages.chunk("c", b"\x00", None)),
    "timestamps": (WebsocketResponse, lambda: messages.timestamps("c", WORDS, 2)),
    "flushed": (WebsocketResponse, lambda: messages.flushed("c", 1)),
    "context_done": (WebsocketResponse, lambda: messages.context_done("c")),
    "context_error": (WebsocketResponse, lambda: messages.context_error("c", 429)),
    "voice": (voice.Voice, lambda: messages.voice("v")),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_message_is_one_of_the_sdk_and_has_nothing_more(name: str) -> None:
    kind, make = EXAMPLES[name]
    assert fits(kind, make()) == []


def test_no_message_is_forgotten_here() -> None:
    bodies = [make().get("type") for _, make in EXAMPLES.values()]
    sdk = {
        "transcript", "flush_done", "done", "error", "connected", "chunk", "timestamps",
        "turn.start", "turn.update", "turn.eager_end", "turn.resume", "turn.end",
    }  # fmt: skip
    assert {kind for kind in bodies if kind} == sdk


# --- it is strict where Cartesia is


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        (INK + "&colour=blue", "unknown query parameter"),
        (INK + "&turn_end_threshold=0.2", "unknown query parameter"),
        (INK + "&min_volume=0.2", "ink-whisper"),
        (INK + "&language=de", "English only"),
        (INK + "&keyterm=x" * 101, "keyterms"),
        (INK + "&keyterm=" + "x" * 1_201, "keyterms"),
        ("/stt/websocket?model=ink-2&encoding=opus&sample_rate=8000", "encoding"),
        ("/stt/websocket?model=ink-2&encoding=pcm_mulaw", "sample_rate"),
        ("/stt/websocket?encoding=pcm_mulaw&sample_rate=8000", "model"),
        (TURNS + "&language=en", "unknown query parameter"),
        (TURNS + "&turn_start_threshold=0.4", "between 0.5 and 0.9"),
        (TURNS + "&turn_end_timeout_ms=soon", "a number"),
        (TURNS + "&turn_end_threshold=0.45", "ordered"),
        (SONIC, ""),
    ],
)
async def test_a_bad_parameter_is_refused(double: CartesiaDouble, path: str, reason: str) -> None:
    headers = HEADERS if reason else {**HEADERS, "Cartesia-Version": ""}
    async with ClientSession(double.url, headers=headers) as http:
        with pytest.raises(WSServerHandshakeError) as refused:
            await http.ws_connect(path)
        assert refused.value.status == 400
        async with http.get(path) as answer:
            assert (reason or "Cartesia-Version") in (await answer.json())["message"]


async def test_an_unknown_model_is_told_on_the_socket(double: CartesiaDouble) -> None:
    for path in (INK, TURNS):
        seen = await talk(double, path.replace("ink-2", "ink-9"))
        assert (seen[0]["error_code"], seen[1]) == ("model_not_found", 1008)


@pytest.mark.parametrize(
    ("headers", "query", "status"),
    [
        ({}, "", 401),
        ({"Authorization": "Bearer wrong"}, "", 401),
        ({"Authorization": f"Token {KEY}"}, "", 401),
        ({"Authorization": f"Bearer {KEY}"}, "", 101),
        ({"X-API-Key": KEY}, "", 101),
        ({}, f"&api_key={KEY}", 101),
        ({}, "&access_token=t1", 101),
        ({}, "&access_token=t2", 401),
    ],
)
async def test_who_is_let_in(
    double: CartesiaDouble, headers: dict[str, str], query: str, status: int
) -> None:
    double.tokens = frozenset({"t1"})
    async with ClientSession(double.url, headers=headers) as http:
        try:
            async with http.ws_connect(f"{INK}&cartesia_version=2026-08-14{query}"):
                found = 101
        except WSServerHandshakeError as refused:
            found = refused.status
    assert found == status


@pytest.mark.parametrize(
    ("path", "frame"),
    [
        (INK, '{"type": "close"}'),
        (INK, "done"),
        (INK, "Finalize"),
        (TURNS, "close"),
        (TURNS, "finalize"),
        (TURNS, '{"type": "finalize"}'),
        (TURNS, '{"type": "close", "now": true}'),
        (TURNS, '{"type": "config", "turn": {"start": 0.7}}'),
        (TURNS, '{"type": "config", "turn": {"start_threshold": 2}}'),
        (TURNS, '{"type": "config", "turn": {"end_threshold": 0.45}}'),
    ],
)
async def test_a_bad_command_ends_the_session(
    double: CartesiaDouble, path: str, frame: str
) -> None:
    *_, error, code = await talk(double, path, frame)
    assert (error["type"], error["status_code"], code) == ("error", 400, 1008)


async def test_the_last_word_was_done_in_older_versions(double: CartesiaDouble) -> None:
    seen = await talk(double, INK + "&cartesia_version=2025-04-16", "done")
    assert [seen[0]["type"], seen[1]] == ["done", 1000]


BODY = {
    "context_id": "c", "model_id": "sonic-3", "transcript": "one ", "continue": True,
    "voice": {"mode": "id", "id": VOICE_ID}, "output_format": FORMAT, "max_buffer_delay_ms": 0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"colour": "blue"}, 400, "unknown field 'colour'"),
        ({"context_id": None}, 400, "must be strings"),
        ({"output_format": {**FORMAT, "container": "wav"}}, 400, "output_format"),
        ({"output_format": {**FORMAT, "sample_rate": 11_025}}, 400, "output_format"),
        ({"model_id": "parrot"}, 400, "model is not valid"),
        ({"voice": "nobody"}, 404, "no such voice"),
        ({"voice": {"mode": "embedding"}}, 400, "voice must be"),
        ({"max_buffer_delay_ms": 5_001}, 400, "max_buffer_delay_ms"),
        ({"generation_config": {"speed": 2}}, 400, "speed must be"),
        ({"generation_config": {"pitch": 1}}, 400, "generation_config"),
        ({"transcript": "", "continue": False}, 400, "transcript is empty"),
        ({"flush": True, "continue": False}, 400, "flush needs continue"),
    ],
)
async def test_a_bad_request_ends_its_context_and_not_the_socket(
    double: CartesiaDouble, change: dict[str, Any], status: int, words: str
) -> None:
    async with ClientSession(double.url, headers=HEADERS) as http, http.ws_connect(SONIC) as socket:
        await socket.send_json({**BODY, **change})
        error = await socket.receive_json()
        assert (error["type"], error["status_code"], error["done"]) == ("error", status, True)
        assert words in error["message"]
        await socket.send_json({**BODY, "context_id": "another"})
        assert (await socket.receive_json())["type"] == "chunk"


async def test_a_context_keeps_its_settings_and_is_never_used_again(
    double: CartesiaDouble,
) -> None:
    async with ClientSession(double.url, headers=HEADERS) as http, http.ws_connect(SONIC) as socket:

        async def answers(body: dict[str, Any], last: str) -> dict[str, Any]:
            await socket.send_json(body)
            while (message := await socket.receive_json())["type"] != last:
                pass
            return dict(message)

        await answers({**BODY, "flush": True}, "flush_done")
        error = await answers({**BODY, "language": "de"}, "error")
        assert "stay the same" in error["message"]
        await answers({**BODY, "context_id": "d", "continue": False}, "done")
        assert "expired" in (await answers({**BODY, "context_id": "d"}, "error"))["message"]
        double.expiry_s = 0.05
        await answers({**BODY, "context_id": "e"}, "done")
        await answers({**BODY, "context_id": "e"}, "error")
        await socket.send_str("{")
        assert "context_id" not in await socket.receive_json()


async def test_text_is_buffered_as_long_as_is_asked_for(double: CartesiaDouble) -> None:
    async with ClientSession(double.url, headers=HEADERS) as http, http.ws_connect(SONIC) as socket:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        await socket.send_json({**BODY, "max_buffer_delay_ms": 150})
        assert (await socket.receive_json())["type"] == "chunk"
        assert loop.time() - begun >= 0.14


async def test_who_says_nothing_for_too_long_is_left() -> None:
    async with CartesiaDouble(idle_s=0.05).running() as double:
        for path in (INK, TURNS, SONIC):
            assert (await talk(double, path))[-1] == 1000


async def test_what_is_typed_is_heard(double: CartesiaDouble) -> None:
    async with ClientSession(double.url, headers=HEADERS) as http:
        for path, last in ((INK, "transcript"), (TURNS, "turn.eager_end")):
            async with http.ws_connect(path) as socket:
                await eventually(lambda: double.sessions)
                await double.hear("hello")
                while (message := await socket.receive_json())["type"] != last:
                    pass
                assert "hello" in (message.get("text"), message.get("transcript"))
            await eventually(lambda: not double.sessions)


async def talk(double: CartesiaDouble, path: str, *frames: str) -> list[Any]:
    """What is answered to *frames* at *path*, and the code of the close."""
    seen: list[Any] = []
    async with ClientSession(double.url, headers=HEADERS) as http, http.ws_connect(path) as socket:
        for frame in frames:
            await socket.send_str(frame)
        async with asyncio.timeout(5):
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    seen.append(json.loads(message.data))
        return [*seen, socket.close_code]
