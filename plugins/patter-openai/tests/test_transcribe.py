"""Recognition over a transcription session, against the double."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import attrs
import pytest

from patter import ErrorCode, PatterError, ProviderSpec
from patter.audio.formats import ALAW_8K, MULAW_8K, PCM16_24K, AudioFormat
from patter.providers.context import CallContext
from patter.providers.stt import (
    SpeechEnded,
    SpeechStarted,
    STTEvent,
    STTTraits,
    Transcript,
    TurnEnded,
)
from patter_openai import OpenAITranscribeSTT, _transcription_session
from patter_openai._transcription_session import TranscriptionSession
from patter_openai.double import OpenAIDouble
from patter_testing.doubles.vendor_double import Latency, Lines, VendorFaults
from patter_testing.fakes.tts import spoken

CALL = CallContext(call_id="c1")
STT = OpenAITranscribeSTT(api_key="k", timeout=1)
VOICE = spoken("a table", MULAW_8K)
PATH = "/realtime"


def silence(ms: float, audio: AudioFormat = MULAW_8K) -> bytes:
    return audio.silence * (audio.bytes_in(ms) // audio.sample_bytes)


async def until_final(session: TranscriptionSession) -> list[STTEvent]:
    seen: list[STTEvent] = []
    async for event in session:
        seen.append(event)
        if isinstance(event, Transcript) and event.final:
            return seen
    raise AssertionError("the events ended")


async def heard(vendor: OpenAIDouble, audio: bytes, **options: Any) -> list[STTEvent]:
    stt = attrs.evolve(vendor.pointed(STT), **options)
    async with stt.open(CALL, stt.accepts[0]) as session:
        await session.send(audio)
        await session.finalize()
        return await until_final(session)


def kinds(vendor: OpenAIDouble) -> list[str]:
    return [body["type"].removeprefix("input_audio_buffer.") for body in vendor.bodies(PATH)]


async def test_deltas_are_interims_and_the_whole_is_final(vendor: OpenAIDouble) -> None:
    vendor.lines = Lines(["a table please"])
    events = await heard(vendor, VOICE)
    texts = [(each.text, each.final) for each in events if isinstance(each, Transcript)]
    assert texts == [
        ("a", False),
        ("a table", False),
        ("a table please", False),
        ("a table please", True),
    ]


async def test_silence_is_neither_sent_nor_committed(vendor: OpenAIDouble) -> None:
    (final,) = await heard(vendor, silence(3_000))
    assert final == Transcript("", final=True)
    assert kinds(vendor) == ["session.update"]


async def test_a_word_that_is_too_short_to_be_committed_is_made_longer(
    vendor: OpenAIDouble,
) -> None:
    await heard(vendor, VOICE[:80] + silence(10))
    assert kinds(vendor) == ["session.update", "append", "append", "commit"]


async def test_positions_are_those_of_all_audio(vendor: OpenAIDouble) -> None:
    vendor.lines = Lines(["one", "two"])
    async with vendor.pointed(STT).open(CALL, MULAW_8K) as session:
        ends = []
        for _ in range(2):
            await session.send(silence(2_000) + VOICE)
            await session.finalize()
            (*_, final) = await until_final(session)
            assert isinstance(final, Transcript)
            ends.append(final.end_ms)
    assert ends == [2_420, 4_840]


@pytest.mark.parametrize(
    ("query", "path", "value"),
    [
        ("openai", "audio.input.turn_detection", None),
        ("openai", "audio.input.format", {"type": "audio/pcmu"}),
        ("openai", "audio.input.transcription", {"model": "gpt-4o-transcribe"}),
        (
            "openai/gpt-transcribe?language=de&prompt=Bistro&keywords=a,b",
            "audio.input.transcription",
            {
                "model": "gpt-transcribe",
                "language": "de",
                "prompt": "Bistro",
                "keywords": ["a", "b"],
            },
        ),
        (
            "openai?turn_detection=server_vad&silence_duration_ms=200&threshold=0.6"
            "&prefix_padding_ms=100",
            "audio.input.turn_detection",
            {
                "type": "server_vad",
                "threshold": 0.6,
                "prefix_padding_ms": 100,
                "silence_duration_ms": 200,
            },
        ),
        (
            "openai?turn_detection=semantic_vad&eagerness=high",
            "audio.input.turn_detection",
            {"type": "semantic_vad", "eagerness": "high"},
        ),
        (
            "openai?noise_reduction=near_field",
            "audio.input.noise_reduction",
            {"type": "near_field"},
        ),
        ("openai?confidence=true", "include", ["item.input_audio_transcription.logprobs"]),
        (
            "openai/gpt-realtime-whisper?delay=low",
            "audio.input.transcription",
            {"model": "gpt-realtime-whisper", "delay": "low"},
        ),
    ],
)
async def test_an_option_reaches_the_wire(
    vendor: OpenAIDouble, monkeypatch: pytest.MonkeyPatch, query: str, path: str, value: Any
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    stt = vendor.pointed(ProviderSpec.parse(query).build(OpenAITranscribeSTT))
    async with stt.open(CALL, MULAW_8K):
        pass
    found: Any = vendor.bodies(PATH)[0]["session"]
    assert found["type"] == "transcription"
    for name in path.split("."):
        found = found[name]
    assert found == value


@pytest.mark.parametrize("audio", [MULAW_8K, ALAW_8K, PCM16_24K], ids=str)
async def test_each_format_is_heard(vendor: OpenAIDouble, audio: AudioFormat) -> None:
    vendor.lines = Lines(["a table"])
    async with vendor.pointed(STT).open(CALL, audio) as session:
        await session.send(spoken("a table", audio))
        await session.finalize()
        (*_, final) = await until_final(session)
    assert isinstance(final, Transcript) and final.text == "a table"


async def test_the_vendors_pauses_end_words_and_tell_of_voices(vendor: OpenAIDouble) -> None:
    vendor.lines = Lines(["a table"])
    stt = attrs.evolve(vendor.pointed(STT), turn_detection="server_vad", silence_duration_ms=200)
    async with stt.open(CALL, MULAW_8K) as session:
        await session.send(silence(1_000) + VOICE + silence(400))
        began, ended, *_, final = await until_final(session)
        await session.finalize()
        (empty,) = await until_final(session)
    assert (began, ended) == (SpeechStarted(700), SpeechEnded(1_620))
    assert final == Transcript("a table", final=True, end_ms=1_620)
    assert empty == Transcript("", final=True)
    assert "commit" not in kinds(vendor)


async def test_words_that_the_vendor_has_not_ended_are_committed_at_a_pause(
    vendor: OpenAIDouble,
) -> None:
    vendor.lines = Lines(["a table"])
    stt = attrs.evolve(vendor.pointed(STT), turn_detection="server_vad")
    async with stt.open(CALL, MULAW_8K) as session:
        await session.send(VOICE)
        await session.finalize()
        (*_, final) = await until_final(session)
    assert isinstance(final, Transcript) and final.text == "a table"


async def test_semantic_detection_ends_turns(vendor: OpenAIDouble) -> None:
    vendor.lines = Lines(["a table"])
    stt = attrs.evolve(vendor.pointed(STT), turn_detection="semantic_vad")
    assert STTTraits.of(stt).endpoints and not STTTraits.of(STT).endpoints
    async with stt.open(CALL, MULAW_8K) as session:
        await session.send(VOICE + silence(600))
        events = aiter(session)
        while not isinstance(event := await anext(events), TurnEnded):
            last = event
    assert isinstance(last, Transcript) and last.final


async def test_live_models_tell_words_while_somebody_speaks(vendor: OpenAIDouble) -> None:
    vendor.lines = Lines(["a table for two"])
    stt = attrs.evolve(vendor.pointed(STT), model="gpt-live-transcribe")
    async with stt.open(CALL, MULAW_8K) as session:
        await session.send(VOICE)
        first = await anext(aiter(session))
        assert isinstance(first, Transcript) and not first.final
        await session.finalize()
        (*_, final) = await until_final(session)
    assert isinstance(final, Transcript) and final.text == "a table for two"


async def test_confidence_is_that_of_the_words(vendor: OpenAIDouble) -> None:
    vendor.lines = Lines(["a table"])
    (*_, final) = await heard(vendor, VOICE, confidence=True)
    assert isinstance(final, Transcript) and final.confidence == pytest.approx(0.905, abs=0.001)


async def test_a_pause_is_answered_though_the_vendor_is_slow_and_its_words_are_told_late() -> None:
    async with OpenAIDouble(latency=Latency(p50_ms=300), lines=["a table"]).running() as vendor:
        stt = attrs.evolve(vendor.pointed(STT), finalize_ms=100)
        async with stt.open(CALL, MULAW_8K) as session:
            await session.send(VOICE)
            await session.finalize()
            assert await until_final(session) == [Transcript("", final=True)]
            (*_, late) = await until_final(session)
    assert isinstance(late, Transcript) and late.text == "a table"


async def test_a_vendor_that_never_answers_a_pause_does_not_keep_it() -> None:
    async with OpenAIDouble(faults=VendorFaults(after=2, stalls=True)).running() as vendor:
        stt = attrs.evolve(vendor.pointed(STT), finalize_ms=100)
        async with stt.open(CALL, MULAW_8K) as session:
            await session.send(VOICE)
            for _ in range(2):
                await session.finalize()
                assert await until_final(session) == [Transcript("", final=True)]


async def test_so_much_speech_without_a_pause_is_committed(
    vendor: OpenAIDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_transcription_session, "MOST_MS", 300)
    vendor.lines = Lines(["a table"])
    async with vendor.pointed(STT).open(CALL, MULAW_8K) as session:
        await session.send(VOICE)
        (*_, final) = await until_final(session)
    assert isinstance(final, Transcript) and final.text == "a table"


ERROR = {"type": "error", "event_id": "e", "error": {"type": "invalid_request_error"}}
FAILED = {
    "type": "conversation.item.input_audio_transcription.failed",
    "event_id": "e",
    "item_id": "item",
    "content_index": 0,
}


def _error(code: str) -> str:
    return json.dumps({**ERROR, "error": {"type": "invalid_request_error", "code": code}})


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"over": True}, ErrorCode.CONNECTION),
        ({"close_code": 1011}, ErrorCode.CONNECTION),
        ({"garbage": "{"}, ErrorCode.PROVIDER_ERROR),
        ({"garbage": b"\xff"}, ErrorCode.PROVIDER_ERROR),
        ({"oversize": 17 << 20}, ErrorCode.CONNECTION),
        ({"garbage": _error("insufficient_quota")}, ErrorCode.AUTH),
        ({"garbage": _error("rate_limit_exceeded")}, ErrorCode.RATE_LIMIT),
        ({"garbage": _error("invalid_value")}, ErrorCode.PROVIDER_ERROR),
        (
            {"garbage": json.dumps({**FAILED, "error": {"code": "server_error"}})},
            ErrorCode.CONNECTION,
        ),
    ],
    ids=lambda each: str(each)[:60],
)
async def test_a_fault_ends_the_events_with_its_meaning(
    fault: dict[str, Any], code: ErrorCode
) -> None:
    async with (
        OpenAIDouble(faults=VendorFaults(after=2, **fault)).running() as vendor,
        vendor.pointed(STT).open(CALL, MULAW_8K) as session,
    ):
        await session.send(VOICE)
        await session.finalize()
        with pytest.raises(PatterError) as caught:
            async with asyncio.timeout(2):
                await until_final(session)
        assert caught.value.code is code
        with pytest.raises(PatterError):
            await session.send(VOICE)


async def test_what_could_not_be_understood_is_nothing() -> None:
    failed = json.dumps({**FAILED, "error": {"code": "audio_unintelligible"}})
    async with OpenAIDouble(faults=VendorFaults(after=2, garbage=failed)).running() as vendor:
        stt = attrs.evolve(vendor.pointed(STT), finalize_ms=100)
        async with stt.open(CALL, MULAW_8K) as session:
            await session.send(VOICE)
            await session.finalize()
            assert await until_final(session) == [Transcript("", final=True)]


async def test_settings_that_are_refused_fail_the_opening(vendor: OpenAIDouble) -> None:
    with pytest.raises(PatterError) as caught:
        await heard(vendor, b"", model="gpt-99-transcribe")
    assert caught.value.code is ErrorCode.PROVIDER_ERROR and "model" in str(caught.value)


async def test_a_vendor_that_never_settles_is_a_timeout() -> None:
    async with OpenAIDouble(faults=VendorFaults(after=1, stalls=True)).running() as vendor:
        with pytest.raises(PatterError) as caught:
            await heard(vendor, b"", timeout=0.1)
    assert caught.value.code is ErrorCode.TIMEOUT


async def test_the_key_is_in_a_header_and_in_no_address(vendor: OpenAIDouble) -> None:
    await heard(vendor, b"")
    (asked,) = vendor.requests
    assert asked.headers["Authorization"] == f"Bearer {vendor.key}"
    assert dict(asked.query) == {"intent": "transcription"}
    assert "OpenAI-Beta" not in asked.headers


async def test_warmth_opens_a_connection_that_costs_nothing(vendor: OpenAIDouble) -> None:
    await vendor.pointed(STT).warm()
    assert [each.path for each in vendor.requests] == ["/v1/models"] and not vendor.log


@pytest.mark.parametrize(
    "given",
    [
        {"turn_detection": "client_vad"},
        {"eagerness": "very"},
        {"noise_reduction": "all"},
        {"threshold": 2},
        {"silence_duration_ms": 1},
        {"delay": "low"},
        {"model": "gpt-realtime-whisper", "turn_detection": "server_vad"},
        {"base_url": "http://example.com/v1"},
    ],
)
def test_what_openai_would_refuse_is_refused_when_it_is_written(given: dict[str, Any]) -> None:
    with pytest.raises(PatterError) as caught:
        OpenAITranscribeSTT(**given, api_key="k")
    assert caught.value.code is ErrorCode.CONFIG and caught.value.fix


def test_without_native_audio_the_vendors_own_format_is_sent() -> None:
    assert attrs.evolve(STT, native_audio=False).accepts == (PCM16_24K,)
