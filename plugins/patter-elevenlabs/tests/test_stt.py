"""Listening with Scribe: what goes up, what is heard, and what becomes of a session."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from patter.audio.formats import MULAW_8K, PCM16_16K, PCM16_24K, AudioFormat
from patter.errors import ErrorCode, PatterError
from patter.providers.stt import STTTraits, Transcript, TurnEnded
from patter_elevenlabs import ElevenLabsScribeSTT
from patter_elevenlabs.double import ElevenLabsDouble
from patter_testing.fast_clock import fast
from patter_testing.talking import eventually, final

from .harness import SILENCE, VOICE, ear


async def speak(session: Any, ms: int, sound: bytes = VOICE) -> None:
    for _ in range(ms // 20):
        await session.send(sound)


async def test_words_come_with_their_positions() -> None:
    double = ElevenLabsDouble(lines=["a table please", "for two"])
    async with double.running(), ear(double) as session:
        events = aiter(session)
        await speak(session, 600)
        await session.finalize()
        first = await final(events)
        await speak(session, 400, SILENCE)
        await speak(session, 600)
        await session.finalize()
        second = await final(events)
    assert (first.text, first.end_ms) == ("a table please", 600)
    assert (second.text, second.end_ms) == ("for two", 1_600)
    assert [(word.text, word.start_ms, word.end_ms) for word in second.words] == [
        ("for", 1_000, 1_300),
        ("two", 1_300, 1_600),
    ]
    assert second.confidence == 1.0


async def test_interims_come_before_the_final() -> None:
    double = ElevenLabsDouble(lines=["a table please"])
    async with double.running(), ear(double) as session:
        await speak(session, 600)
        await session.finalize()
        heard = []
        async for event in session:
            heard.append(event)
            if isinstance(event, Transcript) and event.final:
                break
    texts = [event.text for event in heard if isinstance(event, Transcript)]
    assert texts == ["a", "a table", "a table please"]


async def test_a_pause_after_next_to_nothing_is_answered_without_the_vendor() -> None:
    async with ElevenLabsDouble().running() as double, ear(double) as session:
        await speak(session, 280, SILENCE)
        await session.finalize()
        assert await final(aiter(session)) == Transcript("", True)
        await speak(session, 20, SILENCE)
        await session.finalize()
        assert await final(aiter(session)) == Transcript("", True)
        assert [chunk["commit"] for chunk in double.chunks].count(True) == 1
    assert not [
        told for told in double.scribe_messages if told["message_type"] == "commit_throttled"
    ]


async def test_a_commit_that_is_refused_answers_the_pause() -> None:
    async with ElevenLabsDouble().running() as double, ear(double, answer_s=5) as session:
        await speak(session, 400, SILENCE)
        await eventually(lambda: len(double.chunks) == 20)
        await double.hear("goodbye")
        events = aiter(session)
        assert (await final(events)).text == "goodbye"
        await session.finalize()
        async with asyncio.timeout(2):
            assert (await final(events)).text == ""
    assert double.scribe_messages[-1]["message_type"] == "commit_throttled"


async def test_a_session_without_audio_is_kept_open() -> None:
    double = ElevenLabsDouble(idle_s=0.5, lines=["still here"])
    async with double.running(), ear(double, fast(50), answer_s=10) as session:
        await speak(session, 600, SILENCE)
        await eventually(lambda: len(double.chunks) >= 38, within_s=5)
        await speak(session, 600)
        await session.finalize()
        heard = await final(aiter(session))
    assert (heard.text, heard.words[0].start_ms) == ("still here", 600)
    assert 1_190 <= (heard.end_ms or 0) <= 1_200


async def test_what_nobody_read_before_the_end_is_not_heard_after_it() -> None:
    async with ElevenLabsDouble().running() as double, ear(double) as session:
        await speak(session, 600)
        await session.finalize()
        await eventually(
            lambda: any(
                isinstance(e, Transcript) and e.final for e in session._events._events.items()
            )
        )
    assert [event async for event in session] == []


async def test_words_that_the_vendor_commits_unasked_do_not_wait_for_their_times() -> None:
    double = ElevenLabsDouble(timed=False)
    async with double.running(), ear(double, answer_s=10) as session:
        await speak(session, 400, SILENCE)
        await double.hear("hello there")
        async with asyncio.timeout(2):
            assert await final(aiter(session)) == Transcript("hello there", True)


async def test_a_session_that_the_vendor_ends_says_so() -> None:
    async with ElevenLabsDouble(idle_s=0.05).running() as double, ear(double) as session:
        with pytest.raises(PatterError) as raised:
            await final(aiter(session))
        with pytest.raises(PatterError):
            await session.send(VOICE)
    assert raised.value.code is ErrorCode.CONNECTION


async def test_the_vendors_own_pauses_end_turns() -> None:
    double = ElevenLabsDouble(lines=["a table please"])
    async with (
        double.running(),
        ear(double, commit_strategy="vad", vad_silence_threshold_secs=0.5) as session,
    ):
        await speak(session, 600)
        await speak(session, 700, SILENCE)
        heard = []
        async for event in session:
            heard.append(event)
            if isinstance(event, TurnEnded):
                break
    assert isinstance(heard[-2], Transcript)
    assert (heard[-2].text, heard[-2].final) == ("a table please", True)
    assert not [chunk for chunk in double.chunks if chunk["commit"]]


async def test_a_pause_that_the_vendor_does_not_see_is_answered_too() -> None:
    double = ElevenLabsDouble(lines=["a table please"])
    async with (
        double.running(),
        ear(double, fast(20), commit_strategy="vad", answer_s=0.5) as session,
    ):
        events = aiter(session)
        await speak(session, 600)
        while await anext(events) != Transcript("a table", False):
            pass
        await session.finalize()
        assert (await final(events)).text == "a table"


def test_it_tells_whether_it_ends_turns() -> None:
    assert not STTTraits.of(ElevenLabsScribeSTT(api_key="k")).endpoints
    traits = STTTraits.of(ElevenLabsScribeSTT(api_key="k", commit_strategy="vad", chunk_ms=100))
    assert (traits.endpoints, traits.chunk_ms, traits.model) == (True, 100, "scribe_v2_realtime")


OPTIONS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"model_id": "scribe_v3_live"}, {"model_id": ["scribe_v3_live"]}),
    ({"language_code": "de"}, {"language_code": ["de"]}),
    ({"secondary_languages": "en,fr"}, {"secondary_languages": ["en", "fr"]}),
    ({"commit_strategy": "turn_prediction"}, {"commit_strategy": ["turn_prediction"]}),
    ({"vad_silence_threshold_secs": 0.7}, {"vad_silence_threshold_secs": ["0.7"]}),
    ({"vad_threshold": 0.6}, {"vad_threshold": ["0.6"]}),
    ({"min_speech_duration_ms": 80}, {"min_speech_duration_ms": ["80"]}),
    ({"min_silence_duration_ms": 90}, {"min_silence_duration_ms": ["90"]}),
    ({"keyterms": ("Bistro", "Elmo")}, {"keyterms": ["Bistro", "Elmo"]}),
    ({"include_timestamps": False}, {"include_timestamps": ["false"]}),
    ({"no_verbatim": True}, {"no_verbatim": ["true"]}),
    ({"filter_background_audio": True}, {"filter_background_audio": ["true"]}),
    ({"entity_detection": "pii"}, {"entity_detection": ["pii"]}),
    ({"entity_redaction": "pii,pci"}, {"entity_redaction": ["pii", "pci"]}),
    ({"entity_redaction_mode": "redacted"}, {"entity_redaction_mode": ["redacted"]}),
    ({"enable_logging": False}, {"enable_logging": ["false"]}),
]


@pytest.mark.parametrize(("options", "expected"), OPTIONS, ids=lambda each: "-".join(each))
async def test_an_option_reaches_the_address(
    options: dict[str, Any], expected: dict[str, list[str]]
) -> None:
    async with ElevenLabsDouble().running() as double, ear(double, **options) as session:
        await speak(session, 400)
        await session.finalize()
    query: Any = double.requests[0].query
    assert {name: query.getall(name) for name in expected} == expected


async def test_what_is_not_set_is_not_sent() -> None:
    async with ElevenLabsDouble().running() as double, ear(double):
        pass
    assert dict(double.requests[0].query) == {
        "model_id": "scribe_v2_realtime",
        "audio_format": "ulaw_8000",
        "commit_strategy": "manual",
        "include_timestamps": "true",
    }


async def test_what_was_said_before_goes_with_the_first_audio_alone() -> None:
    double = ElevenLabsDouble()
    async with double.running(), ear(double, previous_text="Which day?") as session:
        await speak(session, 400)
        await session.finalize()
        await final(aiter(session))
    assert [chunk.get("previous_text") for chunk in double.chunks[:3]] == ["Which day?", None, None]


@pytest.mark.parametrize("audio", [MULAW_8K, PCM16_16K, PCM16_24K])
async def test_a_format_is_sent_as_it_is(audio: AudioFormat) -> None:
    async with ElevenLabsDouble().running() as double, ear(double, audio=audio) as session:
        await session.send(bytes(audio.bytes_in(400)))
        await session.finalize()
        await final(aiter(session))
    assert double.chunks[0]["audio_base_64"] == audio.bytes_in(400)
    assert double.chunks[0]["sample_rate"] == audio.rate_hz


async def test_without_timestamps_a_final_is_final_at_once() -> None:
    async with (
        ElevenLabsDouble().running() as double,
        ear(double, include_timestamps=False) as session,
    ):
        await speak(session, 800)
        await session.finalize()
        assert await final(aiter(session)) == Transcript("800 ms", True)


async def test_a_refused_key_is_an_auth_error() -> None:
    async with ElevenLabsDouble().running() as double:
        settings = ElevenLabsScribeSTT(base_url=double.url, api_key="wrong")
        with pytest.raises(PatterError) as raised:
            async with settings.open(fast(1), MULAW_8K) as session:
                await final(aiter(session))
    assert raised.value.code is ErrorCode.AUTH
