"""Speaking over HTTP: what is asked for, what is heard, what refusals mean."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from patter.audio.formats import ALAW_8K, MULAW_8K, PCM16_24K, AudioFormat
from patter.errors import ErrorCode, PatterError
from patter_elevenlabs import ElevenLabsRestTTS
from patter_elevenlabs.double import ElevenLabsDouble
from patter_testing.doubles.vendor_double import VendorFaults
from patter_testing.talking import CALL, letters_of, say, sentences


@asynccontextmanager
async def voice(
    double: ElevenLabsDouble, audio: AudioFormat = MULAW_8K, **options: Any
) -> AsyncIterator[Any]:
    settings = ElevenLabsRestTTS(base_url=double.url, api_key=double.key, **options)
    async with settings.open(CALL, audio) as session:
        yield session


@pytest.mark.parametrize("audio", [MULAW_8K, ALAW_8K, PCM16_24K])
async def test_what_is_said_is_heard(audio: AudioFormat) -> None:
    async with ElevenLabsDouble().running() as double, voice(double, audio) as session:
        speeches = await say(session, "Good morning.", "How are you?")
    assert letters_of(speeches, audio) == "Good morning.How are you?"
    assert [each.text for each in speeches if each.text] == ["Good morning.", "How are you?"]


async def test_a_sentence_is_a_request_with_what_was_set() -> None:
    settings = {"stability": 0.4, "speed": 0.9}
    async with (
        ElevenLabsDouble().running() as double,
        voice(
            double,
            voice_id="george",
            model_id="eleven_multilingual_v2",
            language_code="de",
            voice_settings=settings,
            seed=3,
            apply_text_normalization="on",
            pronunciation_dictionary_locators="d:v",
            enable_logging=False,
        ) as session,
    ):
        await say(session, "Eins.", "Zwei.")
    assert double.bodies[0] == {
        "text": "Eins.",
        "model_id": "eleven_multilingual_v2",
        "language_code": "de",
        "voice_settings": settings,
        "seed": 3,
        "apply_text_normalization": "on",
        "pronunciation_dictionary_locators": [
            {"pronunciation_dictionary_id": "d", "version_id": "v"}
        ],
    }
    assert double.bodies[1]["previous_text"] == "Eins."
    asked = double.requests[0]
    assert asked.path == "/v1/text-to-speech/JBFqnCBsd6RMkjVDRZzb/stream"
    assert dict(asked.query) == {"output_format": "ulaw_8000", "enable_logging": "false"}
    assert asked.headers["xi-api-key"] == double.key


async def test_what_is_not_set_is_not_sent() -> None:
    async with ElevenLabsDouble().running() as double, voice(double) as session:
        await say(session, "Hi.")
    assert double.bodies == [{"text": "Hi.", "model_id": "eleven_flash_v2_5"}]
    assert dict(double.requests[0].query) == {"output_format": "ulaw_8000"}


async def test_the_model_without_a_socket_speaks_here() -> None:
    async with (
        ElevenLabsDouble().running() as double,
        voice(double, model_id="eleven_v3") as session,
    ):
        assert letters_of(await say(session, "One.", "Two.")) == "One.Two."


async def test_a_piece_is_no_longer_than_asked_for() -> None:
    async with (
        ElevenLabsDouble(letters_per_piece=50).running() as double,
        voice(double, chunk_size=1_000) as session,
    ):
        speeches = await say(session, "This is a longer sentence than one piece.")
    assert max(len(each.audio) for each in speeches) <= 1_000


async def test_what_has_no_letters_is_not_asked_for() -> None:
    async with ElevenLabsDouble().running() as double, voice(double) as session:
        assert await say(session, "...", " ") == []
    assert double.bodies == []


async def test_an_interruption_ends_the_request() -> None:
    double = ElevenLabsDouble(faults=VendorFaults(trickle_ms=20))
    async with double.running(), voice(double) as session:
        speech = session.say(sentences("This goes on for quite a long time, if it may."))
        await anext(speech)
        await speech.aclose()
        assert letters_of(await say(session, "Yes?")) == "Yes?"
    assert len(double.bodies) == 2


async def test_a_voice_that_stops_is_left_in_time() -> None:
    double = ElevenLabsDouble(faults=VendorFaults(stalls=True, after=1))
    async with double.running(), voice(double, timeout_s=0.1) as session:
        with pytest.raises(PatterError) as raised:
            await say(session, "Good morning to you all.")
    assert raised.value.code is ErrorCode.TIMEOUT


async def test_an_answer_without_audio_is_a_failure() -> None:
    async with ElevenLabsDouble(ms_per_letter=0).running() as double, voice(double) as session:
        with pytest.raises(PatterError, match="no audio"):
            await say(session, "Hello.")


@pytest.mark.parametrize(
    ("vendor", "options", "code"),
    [
        ({}, {"voice_id": "notARealVoiceId00000"}, ErrorCode.CONFIG),
        ({}, {"model_id": "eleven_unknown"}, ErrorCode.CONFIG),
        ({"quota": 3}, {}, ErrorCode.AUTH),
    ],
)
async def test_a_refusal_is_what_it_means(
    vendor: dict[str, Any], options: dict[str, Any], code: ErrorCode
) -> None:
    async with ElevenLabsDouble(**vendor).running() as double, voice(double, **options) as session:
        with pytest.raises(PatterError) as raised:
            await say(session, "Hello there.")
    assert raised.value.code is code


async def test_a_rate_limit_says_when_to_come_back() -> None:
    double = ElevenLabsDouble(faults=VendorFaults(status=429, retry_after="1.5"))
    async with double.running(), voice(double) as session:
        with pytest.raises(PatterError) as raised:
            await say(session, "Hello there.")
    assert raised.value.code is ErrorCode.RATE_LIMIT
    assert getattr(raised.value, "retry_after_ms", None) == 1_500
