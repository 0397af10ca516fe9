"""Recognition by files, against the double."""

from __future__ import annotations

import io
import wave
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter import ErrorCode, PatterError, ProviderSpec
from patter.audio.formats import PCM16_8K, PCM16_16K, AudioFormat
from patter.providers.context import CallContext
from patter.providers.stt import Transcript
from patter.vendors.utterances import FileSession
from patter_openai import WhisperSTT
from patter_openai._gate import PREROLL_MS, TAIL_MS, Gate
from patter_openai._whisper_wire import wav
from patter_openai.double import OpenAIDouble
from patter_testing.doubles.vendor_double import Latency, Lines, VendorFaults
from patter_testing.fakes.tts import spoken

CALL = CallContext(call_id="c1")
STT = WhisperSTT(api_key="k")
VOICE = spoken("a table", PCM16_8K)
PATH = "/audio/transcriptions"


def silence(ms: float) -> bytes:
    return bytes(PCM16_8K.bytes_in(ms))


async def finals(session: FileSession, count: int) -> list[Transcript]:
    heard: list[Transcript] = []
    async for event in session:
        assert isinstance(event, Transcript) and event.final
        heard.append(event)
        if len(heard) == count:
            return heard
    raise AssertionError("the events ended")


async def heard(vendor: OpenAIDouble, audio: bytes, **options: Any) -> Transcript:
    async with attrs.evolve(vendor.pointed(STT), **options).open(CALL, PCM16_8K) as session:
        await session.send(audio)
        await session.finalize()
        return (await finals(session, 1))[0]


async def failure(vendor: OpenAIDouble, **options: Any) -> PatterError:
    with pytest.raises(PatterError) as caught:
        await heard(vendor, VOICE, **options)
    return caught.value


async def test_what_was_said_between_two_pauses_is_one_file(vendor: OpenAIDouble) -> None:
    vendor.lines = Lines(["a table", "for two"])
    async with vendor.pointed(STT).open(CALL, PCM16_8K) as session:
        for _ in range(2):
            for at in range(0, len(VOICE), 320):
                await session.send(VOICE[at : at + 320])
            await session.finalize()
        assert [each.text for each in await finals(session, 2)] == ["a table", "for two"]
    assert len(vendor.bodies(PATH)) == 2


async def test_silence_is_not_sent(vendor: OpenAIDouble) -> None:
    assert (await heard(vendor, silence(5_000))).text == ""
    assert not vendor.bodies(PATH)


async def test_a_long_silence_before_the_words_is_left_out(vendor: OpenAIDouble) -> None:
    vendor.lines = Lines(["a table"])
    final = await heard(vendor, silence(20_000) + VOICE + silence(3_000), word_times=True)
    assert final.end_ms == 20_420
    assert [word.text for word in final.words] == ["a", "table"]
    assert 19_900 < final.words[0].start_ms <= 20_050 and final.words[-1].end_ms <= 20_420


async def test_words_come_without_a_pause_when_it_takes_too_long(vendor: OpenAIDouble) -> None:
    vendor.lines = Lines(["first", "second"])
    stt = attrs.evolve(vendor.pointed(STT), most_s=1)
    async with stt.open(CALL, PCM16_8K) as session:
        for _ in range(4):
            await session.send(VOICE)
        assert (await finals(session, 1))[0].text == "first"


@pytest.mark.parametrize(
    ("query", "sent"),
    [
        ("whisper", {"model": ["whisper-1"], "response_format": ["json"]}),
        ("whisper?language=de", {"language": ["de"]}),
        ("whisper?prompt=Bistro", {"prompt": ["Bistro"]}),
        ("whisper?temperature=0.2", {"temperature": ["0.2"]}),
        (
            "whisper?word_times=true",
            {"response_format": ["verbose_json"], "timestamp_granularities[]": ["word"]},
        ),
        ("whisper?response_format=verbose_json", {"response_format": ["verbose_json"]}),
        ("whisper/gpt-transcribe?keywords=a,b", {"keywords[]": ["a", "b"]}),
        ("whisper/gpt-4o-mini-transcribe", {"model": ["gpt-4o-mini-transcribe"]}),
    ],
)
async def test_an_option_reaches_the_wire(
    vendor: OpenAIDouble, monkeypatch: pytest.MonkeyPatch, query: str, sent: dict[str, Any]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    stt = vendor.pointed(ProviderSpec.parse(query).build(WhisperSTT))
    async with stt.open(CALL, PCM16_8K) as session:
        await session.send(VOICE)
        await session.finalize()
        await finals(session, 1)
    (body,) = vendor.bodies(PATH)
    assert {**body, **sent} == body


@pytest.mark.parametrize(
    ("faults", "code"),
    [
        (VendorFaults(status=429), ErrorCode.RATE_LIMIT),
        (VendorFaults(status=500), ErrorCode.CONNECTION),
        (VendorFaults(garbage="{"), ErrorCode.PROVIDER_ERROR),
        (VendorFaults(garbage="[]"), ErrorCode.PROVIDER_ERROR),
        (VendorFaults(stalls=True), ErrorCode.TIMEOUT),
    ],
    ids=str,
)
async def test_a_fault_has_its_meaning(faults: VendorFaults, code: ErrorCode) -> None:
    async with OpenAIDouble(faults=faults).running() as vendor:
        assert (await failure(vendor, timeout=0.2)).code is code


async def test_a_wrong_key_is_known_before_the_first_words(vendor: OpenAIDouble) -> None:
    stt = attrs.evolve(vendor.pointed(STT), api_key="wrong")
    async with stt.open(CALL, PCM16_8K) as session:
        with pytest.raises(PatterError) as caught:
            async for _ in session:
                pass
        assert caught.value.code is ErrorCode.AUTH
        with pytest.raises(PatterError):
            await session.send(VOICE)


async def test_a_model_that_does_not_exist_is_a_setting(vendor: OpenAIDouble) -> None:
    assert (await failure(vendor, model="gpt-99-transcribe")).code is ErrorCode.CONFIG


async def test_words_that_come_late_are_still_heard() -> None:
    async with OpenAIDouble(latency=Latency(p50_ms=300), lines=["a table"]).running() as vendor:
        assert (await heard(vendor, VOICE)).text == "a table"


async def test_times_of_words_are_refused_where_there_are_none() -> None:
    with pytest.raises(PatterError, match="no times of words"):
        WhisperSTT(model="gpt-4o-transcribe", word_times=True, api_key="k")
    with pytest.raises(PatterError, match="no times of words"):
        WhisperSTT(model="gpt-4o-transcribe", response_format="verbose_json", api_key="k")


@given(st.binary(max_size=4_000).map(lambda b: b[: len(b) // 2 * 2]))
def test_a_file_has_the_samples_and_is_long_enough(sound: bytes) -> None:
    with wave.open(io.BytesIO(wav(sound, PCM16_16K))) as read:
        assert (read.getframerate(), read.getnchannels(), read.getsampwidth()) == (16_000, 1, 2)
        assert read.getnframes() >= 1_600
        assert read.readframes(read.getnframes()).startswith(sound)


# What is sent of a caller's audio.

blocks = st.lists(st.tuples(st.booleans(), st.integers(1, 80)), max_size=8)
FORMAT: AudioFormat = PCM16_8K


def sound_of(given: list[tuple[bool, int]]) -> bytes:
    """Stretches of voice and silence, so many blocks of 10 ms each."""
    return b"".join((b"\x00\x20" if loud else b"\x00\x00") * 80 * count for loud, count in given)


@given(blocks, st.integers(50, 4_000))
def test_every_voice_passes_with_what_is_around_it_however_it_is_cut(
    given: list[tuple[bool, int]], size: int
) -> None:
    sound, gate = sound_of(given), Gate(FORMAT)
    passed = b"".join(gate.feed(sound[at : at + size]) for at in range(0, len(sound), size))
    assert passed == Gate(FORMAT).feed(sound)
    assert passed.count(b"\x20") == sound.count(b"\x20")
    assert gate.passed_ms == FORMAT.ms_in(len(passed))
    assert gate.position_ms == FORMAT.ms_in(len(sound))
    assert gate.voiced == (b"\x20" in sound)


@given(blocks)
def test_positions_are_those_of_the_voice_and_never_run_back(
    given: list[tuple[bool, int]],
) -> None:
    sound, gate = sound_of(given), Gate(FORMAT)
    gate.feed(sound)
    voiced, passed_ms, clip = gate.voiced, gate.passed_ms, gate.cut()
    if not voiced:
        assert passed_ms == 0
        return
    first, last = sound.index(b"\x20") // 160 * 10, (sound.rindex(b"\x20") + 1) // 160 * 10
    assert clip.end_ms == last
    assert max(0, first - PREROLL_MS) <= clip.start_ms <= first
    places = [clip.position_ms(ms) for ms in range(0, int(passed_ms), 10)]
    assert places == sorted(places) and places[-1] <= clip.end_ms


def test_a_pause_in_a_sentence_is_kept_and_a_long_one_is_not() -> None:
    gate = Gate(FORMAT)
    gate.feed(sound_of([(True, 20), (False, 40), (True, 20)]))
    assert gate.passed_ms == 800
    gate.cut()
    gate.feed(sound_of([(True, 20), (False, 500), (True, 20)]))
    assert gate.passed_ms == 400 + TAIL_MS + PREROLL_MS


def test_what_is_quieter_than_the_gate_is_silence() -> None:
    quiet = b"\x10\x00" * 800
    assert not Gate(FORMAT, -50.0).feed(quiet) and Gate(FORMAT, -90.0).feed(quiet)


async def test_a_pause_forgets_the_voice_before_it(vendor: OpenAIDouble) -> None:
    async with vendor.pointed(STT).open(CALL, PCM16_8K) as session:
        await session.send(VOICE)
        await session.finalize()
        await session.send(silence(3_000))
        await session.finalize()
        assert [bool(each.text) for each in await finals(session, 2)] == [True, False]
    assert len(vendor.bodies(PATH)) == 1
