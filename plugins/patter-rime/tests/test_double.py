"""The double speaks as docs.rime.ai says that Rime does, and refuses what it refuses."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from patter.audio.formats import MULAW_8K, PCM16_24K
from patter_rime.double import RimeDouble, typical
from patter_rime.double.params import BadRequest, of_query
from patter_testing.doubles.vendor_double import VendorFaults
from patter_testing.doubles.vendor_sound import read_back

QUERY = {"speaker": "astra", "modelId": "coda", "audioFormat": "mulaw", "samplingRate": "8000"}
FIELDS = {
    "chunk": {"type", "data", "contextId"},
    "timestamps": {"type", "word_timestamps", "contextId"},
    "done": {"type", "contextId"},
    "error": {"type", "message"},
}
"""What messages have, by the types in the vendor's reference."""


class Client:
    """Somebody who knows nothing but the vendor's documentation."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def send(self, *bodies: Any) -> None:
        for body in bodies:
            await self.socket.send_str(body if isinstance(body, str) else json.dumps(body))

    async def until(self, kind: str, times: int = 1) -> list[dict[str, Any]]:
        """What comes, to the *times*-th message of *kind*, or the close."""
        seen: list[dict[str, Any]] = []
        async with asyncio.timeout(3):
            while sum(each["type"] == kind for each in seen) < times:
                frame = await self.socket.receive()
                if frame.type is not aiohttp.WSMsgType.TEXT:
                    assert kind == "close", f"closed with {self.socket.close_code} after {seen}"
                    return seen
                seen.append(json.loads(frame.data))
                assert set(seen[-1]) == FIELDS[seen[-1]["type"]]
        return seen


@asynccontextmanager
async def client(double: RimeDouble, path: str = "/ws3", **query: str) -> AsyncIterator[Client]:
    headers = {"Authorization": f"Bearer {double.key}"}
    async with (
        aiohttp.ClientSession(double.url, headers=headers) as session,
        session.ws_connect(path, params={**QUERY, **query}) as socket,
    ):
        yield Client(socket)


def sound(seen: list[dict[str, Any]], context: str | None = None) -> str:
    chunks = [each for each in seen if each["type"] == "chunk" and each["contextId"] == context]
    return read_back(b"".join(base64.b64decode(each["data"]) for each in chunks), MULAW_8K)


# --- a socket


@pytest.mark.parametrize("path", ["/ws3", "/ws2"])
async def test_the_example_of_the_documentation_is_spoken(path: str) -> None:
    async with RimeDouble().running() as double, client(double, path) as rime:
        await rime.send({"text": "This "}, {"text": "is "}, {"text": "a "}, {"text": "test "})
        await rime.send({"operation": "clear"}, {"text": "This "}, {"text": "is "})
        await rime.send({"text": "an "}, {"text": "incomplete "}, {"text": "sentence "})
        await rime.send({"operation": "eos"})
        seen = await rime.until("close")
        assert rime.socket.close_code == 1000
    assert sound(seen) == "This is an incomplete sentence"
    assert [each["type"] for each in seen].count("done") == 1
    (times,) = (each["word_timestamps"] for each in seen if each["type"] == "timestamps")
    assert times["words"] == ["This", "is", "an", "incomplete", "sentence"]
    assert len(times["words"]) == len(times["start"]) == len(times["end"])


async def test_sentences_are_spoken_as_they_come_and_end_once() -> None:
    async with RimeDouble(pace=4).running() as double, client(double) as rime:
        await rime.send({"text": "One. "})
        await rime.until("chunk")
        await rime.send({"text": "Two. "}, {"text": "Three"})
        seen = await rime.until("timestamps", 2)
        assert [each["type"] for each in seen].count("done") == 0
        await rime.send({"operation": "flush"})
        await rime.until("done")
    assert double.spoken == ["One.", "Two.", "Three"]


async def test_nothing_is_spoken_before_a_flush_where_it_was_asked_so() -> None:
    async with RimeDouble().running() as double, client(double, segment="never") as rime:
        await rime.send({"text": "One. Two."}, {"operation": "flush"})
        await rime.until("done")
    assert double.spoken == ["One. Two."]


async def test_flushes_while_rime_speaks_are_one_utterance_and_are_not_cleared() -> None:
    async with RimeDouble(pace=10).running() as double, client(double, segment="never") as rime:
        await rime.send({"text": "One two three.", "contextId": "a"}, {"operation": "flush"})
        await rime.until("chunk")
        await rime.send({"text": "Four. ", "contextId": "b"}, {"operation": "flush"})
        await rime.send({"text": "Five.", "contextId": "c"}, {"operation": "flush"})
        await rime.send({"text": "Six."}, {"operation": "clear"})
        seen = await rime.until("done", 2)
    assert double.spoken == ["One two three.", "Four. Five."]
    assert [each["contextId"] for each in seen if each["type"] == "done"] == ["a", None]


async def test_a_flush_of_nothing_is_not_answered() -> None:
    async with RimeDouble().running() as double, client(double, segment="never") as rime:
        await rime.send({"operation": "flush"}, {"text": " "}, {"operation": "flush"})
        await rime.send({"text": "One"}, {"operation": "flush"})
        seen = await rime.until("done")
    assert sound(seen) == "One" and double.spoken == ["One"]


async def test_each_phrase_is_spoken_at_once_where_it_was_asked_so() -> None:
    for query in ({"segment": "immediate"}, {"immediate": "true"}):
        async with RimeDouble().running() as double, client(double, **query) as rime:
            await rime.send({"text": "One two"})
            assert sound(await rime.until("done")) == "One two"


async def test_audio_has_the_name_of_the_latest_text() -> None:
    async with RimeDouble().running() as double, client(double, segment="never") as rime:
        await rime.send({"text": "One ", "contextId": "a"}, {"text": "two", "contextId": "b"})
        await rime.send({"operation": "flush"})
        seen = await rime.until("done")
    assert sound(seen, "b") == "One two"
    assert {each["contextId"] for each in seen} == {"b"}


async def test_words_are_timed_in_english_and_spanish_alone() -> None:
    for lang, timed in (("en", True), ("spa", True), ("", True), ("fr", False), ("jpn", False)):
        async with RimeDouble().running() as double, client(double, lang=lang) as rime:
            await rime.send({"text": "Hi."})
            seen = await rime.until("done")
        assert any(each["type"] == "timestamps" for each in seen) is timed, lang


@pytest.mark.parametrize(
    "wrong",
    ["not json", "[]", {}, {"text": 1}, {"operation": "sing"}, {"text": "a", "contextId": 1}],
)
async def test_what_is_malformed_is_an_error_and_no_end(wrong: Any) -> None:
    async with RimeDouble().running() as double, client(double) as rime:
        await rime.send(wrong)
        (error,) = await rime.until("error")
        assert error["message"]
        await rime.send({"text": "Hi."})
        assert sound(await rime.until("done")) == "Hi."


async def test_too_much_text_ends_the_socket_with_a_reason() -> None:
    async with RimeDouble().running() as double, client(double, segment="never") as rime:
        await rime.send({"text": "a" * 600}, {"text": "b" * 401})
        frame = await rime.socket.receive()
    assert (frame.type, frame.data) == (aiohttp.WSMsgType.CLOSE, 1011)
    assert frame.extra == "400: text is too long"
    assert double.spoken == []


async def test_a_speaker_that_is_not_there_is_an_error_when_it_should_speak() -> None:
    async with RimeDouble().running() as double, client(double, speaker="nobody") as rime:
        await rime.send({"text": "Hi."})
        (error,) = await rime.until("error")
    assert error["message"] == "Speaker not found"


# --- who is let in, and what may be asked for


@pytest.mark.parametrize(
    ("vendor", "headers", "query", "status"),
    [
        ({}, {}, QUERY, 401),
        ({}, {"Authorization": "Bearer wrong"}, QUERY, 401),
        ({}, {"Authorization": "double-key"}, QUERY, 401),
        ({}, {}, {**QUERY, "api_key": "double-key"}, 401),
        ({"subscribed": False}, {"Authorization": "Bearer double-key"}, QUERY, 401),
        ({"socket_limit": 0}, {"Authorization": "Bearer double-key"}, QUERY, 429),
        ({}, {"Authorization": "Bearer double-key"}, {}, 400),
        ({"faults": VendorFaults(status=502)}, {}, QUERY, 502),
    ],
)
async def test_a_socket_is_refused_with_a_status_and_a_plain_text(
    vendor: dict[str, Any], headers: dict[str, str], query: dict[str, str], status: int
) -> None:
    async with (
        RimeDouble(**vendor).running() as double,
        aiohttp.ClientSession(double.url) as session,
        session.get("/ws3", params=query, headers=headers) as answer,
    ):
        assert (answer.status, answer.content_type) == (status, "text/plain")
        assert await answer.text() and "Retry-After" not in answer.headers


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"speaker": ""}, "speaker is required"),
        ({"lang": "xyz"}, "Language xyz is not supported for model coda"),
        ({"lang": "jpn", "modelId": "mistv3"}, "not supported"),
        ({"segment": "sometimes"}, "segment"),
        ({"audioFormat": "flac"}, "audioFormat"),
        ({"audioFormat": "mp3"}, "mp3"),
        ({"samplingRate": "8001"}, "samplingRate"),
        ({"samplingRate": "3999", "modelId": "mistv2"}, "samplingRate"),
        ({"samplingRate": "fast"}, "samplingRate"),
        ({"temperature": "warm"}, "temperature"),
        ({"saveOovs": "True"}, "saveOovs"),
    ],
)
def test_an_address_that_makes_no_sense_is_refused(changed: dict[str, str], words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        of_query({**QUERY, **changed})


@pytest.mark.parametrize(
    ("asked_for", "served"),
    [
        ("coda", "coda"),
        ("arcana", "coda"),
        ("arcanav3", "coda"),
        ("mistv2", "mistv2"),
        ("codaa", "mistv3"),
        ("", "mistv3"),
    ],
)
def test_a_model_that_is_gone_or_unknown_is_served_by_another(asked_for: str, served: str) -> None:
    assert of_query({**QUERY, "modelId": asked_for}).model == served


@pytest.mark.parametrize(
    ("model", "name", "ignored"),
    [
        ("coda", "temperature", False),
        ("coda", "noTextNormalization", True),
        ("mistv3", "phonemizeBetweenBrackets", True),
        ("mistv3", "timeScaleFactor", False),
        ("mistv2", "timeScaleFactor", True),
        ("mistv2", "phonemizeBetweenBrackets", False),
        ("coda", "pitch", True),
    ],
)
def test_a_name_that_means_nothing_is_ignored(model: str, name: str, ignored: bool) -> None:
    value = "true" if name.endswith(("Normalization", "Brackets")) else "1"
    request = of_query({**QUERY, "modelId": model, name: value})
    assert request.ignored == ((name,) if ignored else ())


# --- over HTTP


@pytest.mark.parametrize(
    ("accept", "kind", "audio"),
    [
        ("audio/PCMU", "audio/pcmu", MULAW_8K),
        ("audio/x-mulaw", "audio/pcmu", MULAW_8K),
        ("audio/L16", "audio/l16", PCM16_24K),
        ("audio/pcm", "audio/l16", PCM16_24K),
    ],
)
async def test_a_request_is_answered_with_raw_audio(accept: str, kind: str, audio: Any) -> None:
    body = {"text": "Hi.", "speaker": "astra", "modelId": "coda", "samplingRate": audio.rate_hz}
    headers = {"Authorization": "Bearer double-key", "Accept": accept}
    async with (
        RimeDouble().running() as double,
        aiohttp.ClientSession(double.url, headers=headers) as session,
        session.post("/v1/rime-tts", json=body) as answer,
    ):
        assert (answer.status, answer.content_type.lower()) == (200, kind)
        assert read_back(await answer.read(), audio) == "Hi."


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("", "request body is required"),
        ("[]", "payload must be an object"),
        ("{", "payload must be an object"),
        ({"speaker": "astra"}, "text is required"),
        ({"speaker": "astra", "text": 1}, "text must be a string"),
        ({"speaker": "astra", "text": ""}, "text must not be empty"),
        ({"speaker": "astra", "text": "a" * 1_001}, "text is too long"),
        ({"text": "a"}, "speaker is required"),
        ({"speaker": "astra", "text": "a", "lang": 1}, "lang must be a string"),
    ],
)
async def test_a_request_that_makes_no_sense_is_refused(body: Any, words: str) -> None:
    headers = {"Authorization": "Bearer double-key", "Accept": "audio/PCMU"}
    data = body if isinstance(body, str) else json.dumps(body)
    async with (
        RimeDouble().running() as double,
        aiohttp.ClientSession(double.url, headers=headers) as session,
        session.post("/v1/rime-tts", data=data) as answer,
    ):
        assert (answer.status, await answer.text()) == (400, words)


async def test_vocabulary_wants_a_key_and_the_catalogue_does_not() -> None:
    async with (
        RimeDouble().running() as double,
        aiohttp.ClientSession(double.url) as session,
    ):
        key = {"Authorization": "Bearer double-key"}
        async with session.post("/oov", json={"text": "hello blorb"}, headers=key) as answer:
            assert await answer.json() == ["blorb"]
        async with session.post("/oov", json={"text": "hello"}) as answer:
            assert answer.status == 401
        async with session.post("/oov", json={}, headers=key) as answer:
            assert answer.status == 400
        async with session.get("/data/voices/all-v2.json") as answer:
            assert "astra" in (await answer.json())["coda"]["eng"]


def test_its_latency_is_that_which_rime_has_published() -> None:
    latency = typical("coda", seed=1)
    drawn = sorted(latency.draw_ms() for _ in range(2_000))
    assert drawn[1_000] == pytest.approx(150, rel=0.05)
    assert drawn[1_800] == pytest.approx(181, rel=0.05)
    with pytest.raises(KeyError):
        typical("mistv2")


def test_both_names_are_simulated_with_it() -> None:
    from importlib.metadata import entry_points

    found = {each.name: each for each in entry_points(group="patter.double")}
    assert found["rime"].load() is found["rime-rest"].load() is RimeDouble
