"""Text goes in, speech comes out: in pieces, in order, call by call."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from itertools import pairwise

import numpy as np
import pytest

from patter.audio.formats import MULAW_8K, PCM16_8K, PCM16_16K, AudioFormat, Encoding
from patter.errors import PatterConfigError, PatterError
from patter.plugins.spec import ProviderSpec
from patter.providers.context import CallContext
from patter.providers.tts import Speech
from patter_espeak import EspeakTTS
from patter_espeak.plugin import patter_tts
from patter_testing import TTSSuite

CALL = CallContext(call_id="c1")
GREETING = "Good evening, Rosa's."
SPECIAL = "Our special tonight is mussels with garlic and white wine."


async def sentences(*texts: str) -> AsyncIterator[str]:
    for text in texts:
        yield text


async def spoken(tts: EspeakTTS, audio: AudioFormat, *texts: str) -> list[Speech]:
    async with tts.open(CALL, audio) as session:
        return [piece async for piece in session.say(sentences(*texts))]


def sound(pieces: list[Speech]) -> bytes:
    return b"".join(piece.audio for piece in pieces)


@pytest.mark.parametrize("audio", EspeakTTS.produces, ids=str)
async def test_every_format_lasts_as_long_and_is_not_silent(audio: AudioFormat) -> None:
    pieces = await spoken(EspeakTTS(), audio, GREETING)
    assert 1_000 < audio.ms_in(len(sound(pieces))) < 2_500
    assert len(set(sound(pieces))) > 50


async def test_each_sentence_is_named_where_it_begins() -> None:
    pieces = await spoken(EspeakTTS(), MULAW_8K, GREETING, SPECIAL)
    assert [piece.text for piece in pieces if piece.text] == [GREETING, SPECIAL]
    assert pieces[0].text == GREETING


async def test_words_end_in_order_inside_the_audio_that_carries_them() -> None:
    pieces = await spoken(EspeakTTS(), MULAW_8K, GREETING, SPECIAL)
    words = [word for piece in pieces for word in piece.words]
    assert [word.text for word in words] == f"{GREETING} {SPECIAL}".split()
    assert all(before.end_ms < after.end_ms for before, after in pairwise(words))
    at_ms = 0.0
    for piece in pieces:
        at_ms += MULAW_8K.ms_in(len(piece.audio))
        assert all(word.end_ms <= at_ms + 1 for word in piece.words)


async def test_pieces_are_as_long_as_asked() -> None:
    pieces = await spoken(EspeakTTS(chunk_ms=40), PCM16_16K, GREETING)
    assert {len(piece.audio) for piece in pieces[:-1]} == {40 * 32}


async def test_the_first_sentence_does_not_wait_for_the_second() -> None:
    second = asyncio.Event()

    async def slowly() -> AsyncIterator[str]:
        yield GREETING
        await second.wait()
        yield SPECIAL

    async with EspeakTTS().open(CALL, MULAW_8K) as session:
        said = session.say(slowly())
        first = await anext(said)
        assert first.text == GREETING
        second.set()
        assert SPECIAL in [piece.text async for piece in said]


async def test_closing_stops_it_and_leaves_no_task() -> None:
    asked = []

    async def endless() -> AsyncIterator[str]:
        while True:
            asked.append(1)
            yield SPECIAL

    before = asyncio.all_tasks()
    async with EspeakTTS().open(CALL, MULAW_8K) as session:
        said = session.say(endless())
        assert isinstance(said, AsyncGenerator)
        await anext(said)
        await said.aclose()
        assert asked == [1]
    assert asyncio.all_tasks() == before


async def test_calls_with_different_voices_do_not_disturb_each_other() -> None:
    voices = [EspeakTTS(), EspeakTTS(rate_wpm=300), EspeakTTS(voice="de", pitch=80)]
    alone = [len(sound(await spoken(tts, PCM16_8K, GREETING))) for tts in voices]
    assert alone[1] < 0.6 * alone[0] < 0.6 * alone[2]
    together = await asyncio.gather(*(spoken(tts, PCM16_8K, GREETING) for tts in voices * 3))
    lengths = [len(sound(pieces)) for pieces in together]
    assert lengths == [pytest.approx(length, rel=0.02) for length in alone * 3]


async def test_speaking_does_not_stop_the_event_loop() -> None:
    speaking = asyncio.ensure_future(spoken(EspeakTTS(), MULAW_8K, *[SPECIAL] * 10))
    turns = 0
    while not speaking.done():
        turns += 1
        await asyncio.sleep(0)
    await speaking
    assert turns > 20


@pytest.mark.parametrize(
    "text", ["", "   ", "...", "\0", "\udc80", "<speak>", "日本語", "a" * 5_000]
)
async def test_no_text_is_too_strange(text: str) -> None:
    pieces = await spoken(EspeakTTS(rate_wpm=450), MULAW_8K, text, GREETING)
    assert GREETING in [piece.text for piece in pieces]


async def test_volume_is_a_matter_of_level() -> None:
    def level(pieces: list[Speech]) -> float:
        return float(np.abs(np.frombuffer(sound(pieces), "<i2").astype(float)).mean())

    loud = await spoken(EspeakTTS(volume=100), PCM16_8K, GREETING)
    soft = await spoken(EspeakTTS(volume=30), PCM16_8K, GREETING)
    assert level(soft) < 0.5 * level(loud)


async def test_an_unknown_voice_is_refused_before_the_call_begins() -> None:
    with pytest.raises(PatterConfigError, match="'zz-nobody'"):
        async with EspeakTTS(voice="zz-nobody").open(CALL, MULAW_8K):
            pass


async def test_a_format_it_does_not_produce_is_refused() -> None:
    with pytest.raises(PatterConfigError, match=r"pcm16/44\.1k"):
        async with EspeakTTS().open(CALL, AudioFormat(Encoding.PCM16, 44_100)):
            pass


def test_a_spec_string_sets_the_voice() -> None:
    spec = ProviderSpec.parse("espeak?variant=klatt&rate_wpm=130")
    assert patter_tts(spec) == EspeakTTS(variant="klatt", rate_wpm=130)


def test_a_value_out_of_range_is_named() -> None:
    with pytest.raises(PatterError, match="rate_wpm"):
        patter_tts(ProviderSpec.parse("espeak?rate_wpm=9000"))


class TestEspeakTTS(TTSSuite):
    """The voice keeps what every voice has to keep."""

    @pytest.fixture
    def provider(self) -> EspeakTTS:
        return EspeakTTS()


def test_a_voice_that_is_ready_imports_nothing_for_its_first_sentence() -> None:
    # In a process of its own: here all is imported.
    program = """
import asyncio, sys
from patter.audio.formats import MULAW_8K
from patter.providers.context import CallContext
from patter_espeak import EspeakTTS

async def sentences():
    yield "Good evening."

async def main():
    await EspeakTTS().warm()
    before = set(sys.modules)
    async with EspeakTTS().open(CallContext(call_id="c1"), MULAW_8K) as session:
        assert [piece async for piece in session.say(sentences())]
    print(*sorted(set(sys.modules) - before))

asyncio.run(main())
"""
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert ran.stdout.split() == []
