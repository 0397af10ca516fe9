"""Speaking over HTTP: what is asked for, what is heard, what refusals mean."""

from __future__ import annotations

from typing import Any

import pytest

from patter.audio.formats import MULAW_8K, PCM16_24K, AudioFormat
from patter.errors import ErrorCode, PatterError
from patter_rime.double import RimeDouble
from patter_testing.doubles.vendor_double import VendorFaults
from patter_testing.talking import begin, letters_of, say

from .talking import rest, words_of


@pytest.mark.parametrize(("audio", "accept"), [(MULAW_8K, "audio/PCMU"), (PCM16_24K, "audio/L16")])
async def test_what_is_said_is_heard(audio: AudioFormat, accept: str) -> None:
    async with RimeDouble().running() as double, rest(double, audio) as session:
        speeches = await say(session, "Good morning.", "How are you?")
    assert letters_of(speeches, audio) == "Good morning.How are you?"
    assert [each.text for each in speeches if each.text] == ["Good morning.", "How are you?"]
    assert words_of(speeches) == []
    assert double.requests[0].headers["Accept"] == accept
    assert double.requests[0].headers["Authorization"] == f"Bearer {double.key}"


async def test_a_sentence_is_a_request_with_what_was_set() -> None:
    options: dict[str, Any] = {
        "model": "mistv2",
        "speaker": "luna",
        "lang": "spa",
        "speed_alpha": 0.9,
        "reduce_latency": True,
        "pause_between_brackets": True,
        "phonemize_between_brackets": False,
        "inline_speed_alpha": "0.5, 3",
        "no_text_normalization": True,
        "save_oovs": True,
    }
    async with RimeDouble().running() as double, rest(double, **options) as session:
        await say(session, "Uno.")
    assert double.bodies == [
        {
            "text": "Uno.",
            "speaker": "luna",
            "modelId": "mistv2",
            "lang": "spa",
            "samplingRate": 8_000,
            "speedAlpha": 0.9,
            "reduceLatency": True,
            "pauseBetweenBrackets": True,
            "phonemizeBetweenBrackets": False,
            "inlineSpeedAlpha": "0.5, 3",
            "noTextNormalization": True,
            "saveOovs": True,
        }
    ]
    assert double.ignored == []


async def test_what_is_not_set_is_not_sent() -> None:
    async with RimeDouble().running() as double, rest(double) as session:
        await say(session, "Hi.")
    expected = {"text": "Hi.", "speaker": "astra", "modelId": "arcana", "lang": "eng"}
    assert double.bodies == [{**expected, "samplingRate": 8_000}]


async def test_a_piece_is_no_longer_than_asked_for() -> None:
    async with RimeDouble().running() as double, rest(double, chunk_size=1_000) as session:
        speeches = await say(session, "This is a longer sentence than one piece.")
    assert max(len(each.audio) for each in speeches) <= 1_000


async def test_what_has_no_letters_is_not_asked_for() -> None:
    async with RimeDouble().running() as double, rest(double) as session:
        assert await say(session, "...", " ") == []
    assert double.bodies == []


async def test_a_text_longer_than_rime_takes_is_asked_for_in_parts() -> None:
    text = " ".join(["word"] * 250)
    async with RimeDouble(ms_per_letter=1).running() as double, rest(double) as session:
        await say(session, text)
    assert [len(body["text"]) for body in double.bodies] == [499, 499, 249]


async def test_samples_stay_whole_however_they_are_cut() -> None:
    double = RimeDouble(odd_bytes=1, faults=VendorFaults(trickle_ms=2))
    async with double.running(), rest(double, PCM16_24K, chunk_size=1_001) as session:
        speeches = await say(session, "Hello there.")
    assert all(len(each.audio) % 2 == 0 for each in speeches)
    assert letters_of(speeches, PCM16_24K) == "Hello there."


async def test_an_interruption_ends_the_request() -> None:
    double = RimeDouble(faults=VendorFaults(trickle_ms=20))
    async with double.running(), rest(double) as session:
        speech = await begin(session, "This goes on for quite a long time, if it may.")
        await speech.aclose()
        assert letters_of(await say(session, "Yes?")) == "Yes?"
    assert double.spoken == ["Yes?"]


@pytest.mark.parametrize("after", [0, 1])
async def test_a_voice_that_stops_is_left_in_time(after: int) -> None:
    double = RimeDouble(faults=VendorFaults(stalls=True, after=after))
    async with double.running(), rest(double, timeout_ms=100) as session:
        with pytest.raises(PatterError) as raised:
            await say(session, "Good morning to you all.")
    assert raised.value.code is ErrorCode.TIMEOUT


async def test_an_answer_without_audio_is_a_failure() -> None:
    async with RimeDouble().running() as double, rest(double, speaker="nobody") as session:
        with pytest.raises(PatterError, match="no audio") as raised:
            await say(session, "Hello.")
    assert "speaker" in raised.value.fix


@pytest.mark.parametrize(
    ("vendor", "options", "code", "hint"),
    [
        ({"subscribed": False}, {}, ErrorCode.AUTH, "renew the subscription"),
        ({}, {"lang": "xyz"}, ErrorCode.CONFIG, "lang"),
    ],
)
async def test_a_refusal_is_what_it_means(
    vendor: dict[str, Any], options: dict[str, Any], code: ErrorCode, hint: str
) -> None:
    async with RimeDouble(**vendor).running() as double, rest(double, **options) as session:
        with pytest.raises(PatterError) as raised:
            await say(session, "Hello there.")
    assert raised.value.code is code and hint in raised.value.fix


async def test_a_rate_limit_says_when_to_come_back_if_rime_does() -> None:
    double = RimeDouble(faults=VendorFaults(status=429, retry_after="1.5"))
    async with double.running(), rest(double) as session:
        with pytest.raises(PatterError) as raised:
            await say(session, "Hello there.")
    assert raised.value.code is ErrorCode.RATE_LIMIT
    assert getattr(raised.value, "retry_after_ms", None) == 1_500
