"""Voices, against the double."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import attrs
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from patter import ErrorCode, PatterError, ProviderSpec
from patter.audio.formats import PCM16_24K
from patter.client_pool import client_pool
from patter.providers.context import CallContext
from patter.providers.tts import Speech
from patter_openai import OpenAITTS
from patter_openai._speech_wire import MOST_LETTERS, is_audio, parts, whole
from patter_openai.double import OpenAIDouble
from patter_testing.doubles.vendor_double import Latency, VendorFaults
from patter_testing.doubles.vendor_sound import read_back

CALL = CallContext(call_id="c1")
VOICE = OpenAITTS(api_key="k")


async def sentences(*given: str) -> AsyncIterator[str]:
    for each in given:
        yield each


async def say(vendor: OpenAIDouble, *text: str, **options: Any) -> list[Speech]:
    voice = attrs.evolve(vendor.pointed(VOICE), **options)
    async with voice.open(CALL, PCM16_24K) as session:
        return [piece async for piece in session.say(sentences(*text))]


async def failure(vendor: OpenAIDouble, *text: str, **options: Any) -> PatterError:
    with pytest.raises(PatterError) as caught:
        await say(vendor, *text, **options)
    return caught.value


async def test_every_sentence_is_spoken_and_its_first_audio_has_its_text(
    vendor: OpenAIDouble,
) -> None:
    pieces = await say(vendor, "Good morning.", "How are you?")
    assert [piece.text for piece in pieces if piece.text] == ["Good morning.", "How are you?"]
    audio = b"".join(piece.audio for piece in pieces)
    assert read_back(audio, PCM16_24K) == "Good morning.How are you?"


@pytest.mark.parametrize(
    ("query", "sent"),
    [
        ("openai", {"model": "gpt-4o-mini-tts", "voice": "alloy", "response_format": "pcm"}),
        ("openai/tts-1-hd?voice=nova", {"model": "tts-1-hd", "voice": "nova"}),
        ("openai?speed=1.5", {"speed": 1.5}),
        ("openai?instructions=Whisper.", {"instructions": "Whisper."}),
        ("openai?voice=voice_123", {"voice": {"id": "voice_123"}}),
    ],
)
async def test_an_option_reaches_the_wire(
    vendor: OpenAIDouble, monkeypatch: pytest.MonkeyPatch, query: str, sent: dict[str, Any]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    voice = vendor.pointed(ProviderSpec.parse(query).build(OpenAITTS))
    async with voice.open(CALL, PCM16_24K) as session:
        [piece async for piece in session.say(sentences("Hi."))]
    (body,) = vendor.bodies("/audio/speech")
    assert {**body, **sent} == body


async def test_without_options_no_speed_and_no_instructions_are_sent(vendor: OpenAIDouble) -> None:
    await say(vendor, "Hi.")
    sent = set(vendor.bodies("/audio/speech")[0])
    assert sent == {"model", "voice", "input", "response_format"}


async def test_a_faster_voice_takes_less_time(vendor: OpenAIDouble) -> None:
    lengths = [
        sum(len(piece.audio) for piece in await say(vendor, "Good morning.", speed=speed))
        for speed in (1.0, 2.0)
    ]
    assert lengths[0] == 2 * lengths[1]


async def test_a_text_that_is_too_long_is_spoken_in_parts(vendor: OpenAIDouble) -> None:
    text = ("word " * 900).strip()
    await say(vendor, text)
    bodies = vendor.bodies("/audio/speech")
    assert " ".join(body["input"] for body in bodies) == text and len(bodies) == 2


async def test_a_mark_without_letters_may_be_silent(vendor: OpenAIDouble) -> None:
    assert not [piece for piece in await say(vendor, "  ") if piece.audio]


@pytest.mark.parametrize(
    ("faults", "code"),
    [
        (VendorFaults(status=429), ErrorCode.RATE_LIMIT),
        (VendorFaults(status=404), ErrorCode.CONFIG),
        (VendorFaults(status=500), ErrorCode.CONNECTION),
        (VendorFaults(silent=True), ErrorCode.TIMEOUT),
        (VendorFaults(after=2, stalls=True), ErrorCode.TIMEOUT),
        (VendorFaults(after=2, close_code=1), ErrorCode.CONNECTION),
    ],
    ids=str,
)
async def test_a_fault_has_its_meaning(faults: VendorFaults, code: ErrorCode) -> None:
    async with OpenAIDouble(faults=faults).running() as vendor:
        assert (await failure(vendor, "Good morning.", timeout=0.2)).code is code


async def test_a_voice_that_the_vendor_does_not_have_is_refused(vendor: OpenAIDouble) -> None:
    assert "bob" in str(await failure(vendor, "Hi.", voice="bob"))


async def test_audio_that_comes_late_is_still_heard() -> None:
    async with OpenAIDouble(latency=Latency(p50_ms=300)).running() as vendor:
        assert await say(vendor, "Hi.", timeout=2)


async def test_leaving_a_reply_is_noticed_at_the_vendor() -> None:
    async with OpenAIDouble(faults=VendorFaults(trickle_ms=20)).running() as vendor:
        async with vendor.pointed(VOICE).open(CALL, PCM16_24K) as session:
            speech = session.say(sentences("Good morning to you all."))
            await anext(speech)
            await speech.aclose()
        for _ in range(50):
            if vendor.aborted:
                break
            await asyncio.sleep(0.01)
    assert vendor.aborted == ["/v1/audio/speech"]


async def test_sentences_share_a_connection() -> None:
    ports = set()

    class Counting(OpenAIDouble):
        def key_in(self, request: Any) -> str:
            ports.add(request.transport.get_extra_info("peername")[1])
            return super().key_in(request)

    async with Counting().running() as vendor, client_pool():
        await say(vendor, "One.", "Two.")
        await say(vendor, "Three.")
    assert len(ports) == 1


def test_instructions_that_no_one_heeds_are_refused() -> None:
    with pytest.raises(PatterError, match="heeds no instructions"):
        OpenAITTS(model="tts-1", instructions="Whisper.", api_key="k")


@pytest.mark.parametrize("speed", [0.2, 4.1, "fast"])
def test_a_speed_that_is_refused_is_refused_when_it_is_written(speed: Any) -> None:
    with pytest.raises(ValueError):
        OpenAITTS(speed=speed, api_key="k")


@given(st.text(alphabet="ab \n", max_size=3 * MOST_LETTERS))
def test_parts_are_the_text_and_none_is_too_long(text: str) -> None:
    pieces = list(parts(text))
    assert all(0 < len(piece) <= MOST_LETTERS for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())


@given(st.lists(st.binary(max_size=9)))
def test_samples_stay_whole_and_none_is_lost(chunks: list[bytes]) -> None:
    pending, audio = b"", b""
    for chunk in chunks:
        ready, pending = whole(pending, chunk)
        assert len(ready) % 2 == 0 and len(pending) < 2
        audio += ready
    assert audio + pending == b"".join(chunks)


@pytest.mark.parametrize(
    ("kind", "audio"), [("audio/pcm", True), ("text/html; charset=utf-8", False)]
)
def test_a_page_is_no_audio(kind: str, audio: bool) -> None:
    assert is_audio(kind) is audio


async def test_a_sentence_without_audio_has_failed() -> None:
    class Silent(OpenAIDouble):
        async def nothing(self, request: Any) -> web.Response:
            return web.Response(content_type="audio/pcm")

        def routes(self) -> Any:
            return [web.post("/v1/audio/speech", self.nothing)]

    async with Silent().running() as vendor:
        error = await failure(vendor, "Good morning.")
        assert error.passing and "no audio" in str(error)
        assert await say(vendor, "...") == []
