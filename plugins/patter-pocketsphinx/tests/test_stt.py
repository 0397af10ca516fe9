"""Recorded speech goes in, its words come out: exact, in any cut, call by call."""

from __future__ import annotations

import asyncio
import importlib.util
import random
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from patter.audio.formats import MULAW_8K, PCM16_8K, PCM16_16K, PCM16_24K, AudioFormat
from patter.errors import PatterConfigError, PatterConnectionError, PatterError
from patter.plugins.spec import ProviderSpec
from patter.providers.context import CallContext
from patter.providers.stt import STTEvent, Transcript
from patter_pocketsphinx import PocketsphinxSTT
from patter_pocketsphinx._recogniser import Recogniser
from patter_pocketsphinx.plugin import patter_stt
from patter_testing import STTSuite


def _beside(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


speech = _beside("speech")
SAYS: dict[str, str] = speech.SAYS
STT = PocketsphinxSTT(grammar=SAYS.values())
CALL = CallContext(call_id="c1")


def pieces(audio: bytes, size: int) -> Iterator[bytes]:
    return (audio[at : at + size] for at in range(0, len(audio), size))


async def final(events: object) -> tuple[Transcript, list[STTEvent]]:
    """Read up to the next final; return it and what came before."""
    before: list[STTEvent] = []
    async for event in events:  # type: ignore[attr-defined]
        if isinstance(event, Transcript) and event.final:
            return event, before
        before.append(event)
    raise AssertionError("the session ended without a final")


async def heard(
    chunks: Iterable[bytes], audio: AudioFormat = MULAW_8K, stt: PocketsphinxSTT = STT
) -> Transcript:
    async with stt.open(CALL, audio) as session:
        for chunk in chunks:
            await session.send(chunk)
        await session.finalize()
        return (await final(aiter(session)))[0]


@pytest.mark.parametrize("name", SAYS)
@pytest.mark.parametrize("audio", [MULAW_8K, PCM16_8K, PCM16_16K], ids=str)
async def test_what_is_said_over_a_telephone_is_heard_exactly(
    name: str, audio: AudioFormat
) -> None:
    said = await heard(pieces(speech.audio(name, audio), audio.bytes_in(20)), audio)
    assert said.text == SAYS[name]


@pytest.mark.parametrize("name", SAYS)
@pytest.mark.parametrize("before_ms", [0, 130, 777])
async def test_silence_around_the_words_makes_no_difference(name: str, before_ms: int) -> None:
    before = MULAW_8K.silence * MULAW_8K.bytes_in(before_ms)
    for after_ms in (100, 300):
        assert (await heard([before, speech.audio(name, MULAW_8K, after_ms)])).text == SAYS[name]


async def test_any_cut_of_the_audio_gives_the_same_words_at_the_same_times() -> None:
    audio = speech.audio("book", PCM16_8K, 200)
    dice = random.Random(7)
    whole = await heard([audio])
    for size in (1, 7, 320, 4_001):
        assert await heard(pieces(audio, size)) == whole
    cuts = sorted(dice.sample(range(len(audio)), 30))
    ragged = [audio[a:b] for a, b in zip([0, *cuts], [*cuts, len(audio)], strict=True)]
    assert await heard(ragged) == whole


async def test_utterances_of_one_call_are_told_apart_and_placed() -> None:
    order = ["hours", "book", "yes", "no", "goodbye", "book"]
    sent_ms = 0.0
    async with STT.open(CALL, MULAW_8K) as session:
        events = aiter(session)
        for name in order:
            audio = MULAW_8K.silence * 4_000 + speech.audio(name, MULAW_8K, 100)
            began_ms, sent_ms = sent_ms + 500, sent_ms + MULAW_8K.ms_in(len(audio))
            for piece in pieces(audio, 160):
                await session.send(piece)
            await session.finalize()
            said, _ = await final(events)
            assert said.text == SAYS[name]
            assert said.end_ms is not None and began_ms < said.end_ms <= sent_ms
            assert [word.text for word in said.words] == SAYS[name].split()
            assert began_ms - 20 <= said.words[0].start_ms
            assert said.words[-1].end_ms == said.end_ms


async def test_interims_come_while_the_caller_speaks() -> None:
    async with STT.open(CALL, MULAW_8K) as session:
        for piece in pieces(speech.audio("hours", MULAW_8K), 160):
            await session.send(piece)
        await session.finalize()
        said, before = await final(aiter(session))
    texts = [event.text for event in before if isinstance(event, Transcript)]
    assert len(texts) >= 4
    assert "what are your" in texts
    assert said.text == SAYS["hours"]


async def test_a_pause_without_words_is_answered_by_an_empty_final() -> None:
    assert await heard([]) == Transcript("", final=True)
    assert await heard([MULAW_8K.silence * 16_000]) == Transcript("", final=True)


async def test_each_finalize_is_answered_once() -> None:
    async with STT.open(CALL, MULAW_8K) as session:
        await session.send(speech.audio("yes", MULAW_8K, 100))
        for _ in range(3):
            await session.finalize()
        events = aiter(session)
        texts = [(await final(events))[0].text for _ in range(3)]
    assert texts == ["yes please", "", ""]


async def test_a_minute_of_silence_first_changes_nothing() -> None:
    quiet = [MULAW_8K.silence * 160] * 400
    said = await heard([b"".join(quiet), b"".join(quiet), speech.audio("book", MULAW_8K, 100)])
    assert said.text == SAYS["book"]
    assert said.end_ms is not None and 16_000 < said.end_ms < 18_000


async def test_words_that_nobody_finalizes_become_final_after_long_silence() -> None:
    async with STT.open(CALL, MULAW_8K) as session:
        await session.send(speech.audio("goodbye", MULAW_8K, 2_500))
        said, _ = await final(aiter(session))
    assert said.text == "goodbye"


async def test_two_calls_at_once_do_not_mix() -> None:
    async def call(names: list[str]) -> list[str]:
        said = []
        async with STT.open(CALL, MULAW_8K) as session:
            events = aiter(session)
            for name in names:
                for piece in pieces(speech.audio(name, MULAW_8K, 200), 160):
                    await session.send(piece)
                    await asyncio.sleep(0)
                await session.finalize()
                said.append((await final(events))[0].text)
        return said

    orders = (["hours", "yes", "book"], ["goodbye", "book", "no"])
    results = await asyncio.gather(*map(call, orders))
    assert results == [[SAYS[name] for name in order] for order in orders]


@pytest.mark.parametrize("audio", [MULAW_8K, PCM16_8K, PCM16_16K], ids=str)
async def test_garbage_is_survived_and_the_next_words_are_heard(audio: AudioFormat) -> None:
    noise = random.Random(3).randbytes(audio.bytes_in(1_500) + 1)
    async with STT.open(CALL, audio) as session:
        events = aiter(session)
        for piece in pieces(noise, 333):
            await session.send(piece)
        if audio.sample_bytes == 2:
            await session.send(b"\0")
        await session.finalize()
        await final(events)
        await session.send(audio.silence * audio.bytes_in(300))
        await session.send(speech.audio("hours", audio, 100))
        await session.finalize()
        assert (await final(events))[0].text == SAYS["hours"]


async def test_a_flood_drops_the_oldest_audio_and_never_a_finalize() -> None:
    async with STT.open(CALL, MULAW_8K) as session:
        events = aiter(session)
        for _ in range(2_000):
            await session.send(b"\x80\x00" * 40)
        await session.finalize()
        await final(events)
        await session.send(MULAW_8K.silence * 4_000 + speech.audio("book", MULAW_8K, 100))
        await session.finalize()
        said, _ = await final(events)
    assert said.text == SAYS["book"]
    assert said.end_ms is not None and 20_500 < said.end_ms < 22_400


async def test_recognition_does_not_stop_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    began, turned, feed = threading.Event(), threading.Event(), Recogniser.feed

    def held(recogniser: Recogniser, audio: bytes) -> Iterator[Transcript]:
        began.set()
        assert turned.wait(5), "the loop stands still while words are recognised"
        return feed(recogniser, audio)

    monkeypatch.setattr(Recogniser, "feed", held)
    async with STT.open(CALL, MULAW_8K) as session:
        await session.send(speech.audio("hours", MULAW_8K, 100))
        await session.finalize()
        reading = asyncio.ensure_future(final(aiter(session)))
        while not began.is_set():
            await asyncio.sleep(0)
        turned.set()
        await reading


async def test_closing_a_session_ends_its_iteration_and_leaves_no_task() -> None:
    before = asyncio.all_tasks()
    async with STT.open(CALL, MULAW_8K) as session:
        await session.send(speech.audio("hours", MULAW_8K))
        events = aiter(session)
        assert asyncio.all_tasks() > before
    assert asyncio.all_tasks() == before
    async for _ in events:
        pass
    with pytest.raises(PatterConnectionError):
        await session.send(b"\0")


async def test_an_error_of_the_caller_comes_out_bare() -> None:
    with pytest.raises(ZeroDivisionError):
        async with STT.open(CALL, MULAW_8K):
            _ = 1 / 0


async def test_a_format_it_does_not_take_is_refused() -> None:
    with pytest.raises(PatterConfigError, match="pcm16/24k"):
        async with STT.open(CALL, PCM16_24K):
            pass


async def test_a_grammar_that_makes_no_sense_is_refused_when_the_call_begins() -> None:
    stt = PocketsphinxSTT(grammar="#JSGF V1.0;\ngrammar x;\npublic <a> = (yes | ;\n")
    with pytest.raises(PatterConfigError, match="does not understand the grammar"):
        async with stt.open(CALL, MULAW_8K):
            pass


async def test_without_a_grammar_the_general_model_listens() -> None:
    said = await heard([speech.audio("yes", PCM16_16K, 100)], PCM16_16K, PocketsphinxSTT())
    assert said.text


def test_a_spec_string_says_what_may_be_said() -> None:
    spec = ProviderSpec.parse("pocketsphinx?grammar=yes please|no thank you&interim_ms=100")
    stt = patter_stt(spec)
    assert stt == PocketsphinxSTT(grammar=["yes please", "no thank you"], interim_ms=100)


def test_a_misspelt_option_is_corrected() -> None:
    with pytest.raises(PatterError) as caught:
        patter_stt(ProviderSpec.parse("pocketsphinx?gramar=yes"))
    assert caught.value.fix == "did you mean 'grammar'?"


class TestPocketsphinxSTT(STTSuite):
    """The recogniser keeps what every recogniser has to keep."""

    @pytest.fixture
    def provider(self) -> PocketsphinxSTT:
        return STT

    @pytest.fixture
    def speech(self) -> tuple[AudioFormat, bytes, str]:
        return MULAW_8K, speech.audio("book", MULAW_8K, 200), SAYS["book"]


RECEPTION = patter_stt(ProviderSpec.parse("pocketsphinx/reception"))


@pytest.mark.parametrize("name", SAYS)
async def test_the_reception_hears_what_it_knows(name: str) -> None:
    said = await heard(pieces(speech.audio(name, MULAW_8K, 300), 160), stt=RECEPTION)
    assert said.text == SAYS[name]


@pytest.mark.parametrize("name", ["hours", "book", "no"])
async def test_the_reception_says_that_it_did_not_understand_what_it_does_not_know(
    name: str,
) -> None:
    # Speech played backwards sounds like speech, and is in no grammar.
    backwards = speech.audio(name, MULAW_8K)[::-1] + MULAW_8K.silence * 2_400
    assert (await heard(pieces(backwards, 160), stt=RECEPTION)).text == "[not understood]"
    assert (await heard(pieces(backwards, 160))).text != "[not understood]"


async def test_a_click_is_nothing_that_was_not_understood() -> None:
    click = MULAW_8K.silence * 1_600 + bytes([0x00, 0x80]) * 160 + MULAW_8K.silence * 3_200
    assert (await heard(pieces(click, 160), stt=RECEPTION)).text == ""


async def test_what_is_reported_of_unknown_speech_can_be_chosen() -> None:
    stt = PocketsphinxSTT(grammar=SAYS.values(), unknown="(unclear)")
    backwards = speech.audio("hours", MULAW_8K)[::-1] + MULAW_8K.silence * 2_400
    found = await heard(pieces(backwards, 160), stt=stt)
    assert (found.text, found.words) == ("(unclear)", ())
    assert found.end_ms is not None
    assert found.end_ms > 1_000


def test_a_model_that_does_not_exist_names_the_one_that_does() -> None:
    with pytest.raises(PatterError, match="no model 'receptoin'") as caught:
        patter_stt(ProviderSpec.parse("pocketsphinx/receptoin"))
    assert "pocketsphinx/reception" in caught.value.fix
