"""Recognition by files, against the double."""

from __future__ import annotations

import asyncio
from typing import Any

import attrs
import pytest
from aiohttp import web

from patter import ErrorCode, PatterError, ProviderSpec
from patter.audio.formats import PCM16_8K, PCM16_24K
from patter.providers.stt import Transcript
from patter.vendors.utterances import FileSession
from patter_groq import GroqWhisperSTT
from patter_groq.double import GroqDouble
from patter_testing.doubles.vendor_double import Latency, Lines, VendorFaults
from patter_testing.fakes.tts import spoken

from .asking import CALL

STT = GroqWhisperSTT(api_key="k")
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


async def heard(vendor: GroqDouble, audio: bytes, **options: Any) -> Transcript:
    async with attrs.evolve(vendor.pointed(STT), **options).open(CALL, PCM16_8K) as session:
        await session.send(audio)
        await session.finalize()
        return (await finals(session, 1))[0]


async def failure(vendor: GroqDouble, **options: Any) -> PatterError:
    with pytest.raises(PatterError) as caught:
        await heard(vendor, VOICE, **options)
    assert caught.value.fix
    return caught.value


async def test_what_was_said_between_two_pauses_is_one_file(vendor: GroqDouble) -> None:
    vendor.lines = Lines(["a table", "for two"])
    async with vendor.pointed(STT).open(CALL, PCM16_8K) as session:
        for _ in range(2):
            for at in range(0, len(VOICE), 320):
                await session.send(VOICE[at : at + 320])
            await session.finalize()
        assert [each.text for each in await finals(session, 2)] == ["a table", "for two"]
    assert len(vendor.bodies(PATH)) == 2


async def test_silence_is_not_sent(vendor: GroqDouble) -> None:
    final = await heard(vendor, silence(5_000))
    assert (final.text, final.end_ms) == ("", 5_000)
    assert not vendor.bodies(PATH)


async def test_times_of_words_are_those_of_all_audio(vendor: GroqDouble) -> None:
    vendor.lines = Lines(["a table"])
    final = await heard(vendor, silence(20_000) + VOICE + silence(3_000), word_times=True)
    assert final.end_ms == 20_420
    assert [word.text for word in final.words] == ["a", "table"]
    assert 19_990 < final.words[0].start_ms <= 20_050 and final.words[-1].end_ms <= 20_420


async def test_words_come_without_a_pause_when_it_takes_too_long(vendor: GroqDouble) -> None:
    vendor.lines = Lines(["first", "second"])
    async with attrs.evolve(vendor.pointed(STT), most_s=1).open(CALL, PCM16_8K) as session:
        for _ in range(4):
            await session.send(VOICE)
        assert (await finals(session, 1))[0].text == "first"


@pytest.mark.parametrize(
    ("query", "sent"),
    [
        ("groq", {"model": ["whisper-large-v3-turbo"], "response_format": ["json"]}),
        ("groq/whisper-large-v3", {"model": ["whisper-large-v3"]}),
        ("groq?language=de", {"language": ["de"]}),
        ("groq?prompt=Bistro", {"prompt": ["Bistro"]}),
        ("groq?temperature=0", {"temperature": ["0"]}),
        (
            "groq?word_times=true",
            {"response_format": ["verbose_json"], "timestamp_granularities[]": ["word"]},
        ),
        ("groq?response_format=verbose_json", {"response_format": ["verbose_json"]}),
    ],
)
async def test_an_option_reaches_the_wire(
    vendor: GroqDouble, query: str, sent: dict[str, Any]
) -> None:
    stt = vendor.pointed(ProviderSpec.parse(query).build(GroqWhisperSTT))
    async with stt.open(CALL, PCM16_8K) as session:
        await session.send(VOICE)
        await session.finalize()
        await finals(session, 1)
    (body,) = vendor.bodies(PATH)
    assert {**body, **sent} == body


async def test_who_asks_is_said(vendor: GroqDouble) -> None:
    await heard(vendor, VOICE, user_agent="bistro/1")
    assert vendor.requests[-1].headers["User-Agent"] == "bistro/1"


async def test_other_rates_are_sent_as_they_are() -> None:
    async with (
        GroqDouble(lines=["a table"]).running() as vendor,
        vendor.pointed(STT).open(CALL, PCM16_24K) as session,
    ):
        await session.send(spoken("a table", PCM16_24K))
        await session.finalize()
        assert (await finals(session, 1))[0].text == "a table"


@pytest.mark.parametrize(
    ("faults", "code"),
    [
        (VendorFaults(status=429), ErrorCode.RATE_LIMIT),
        (VendorFaults(status=500), ErrorCode.CONNECTION),
        (VendorFaults(status=413), ErrorCode.PROVIDER_ERROR),
        (VendorFaults(garbage="{"), ErrorCode.PROVIDER_ERROR),
        (VendorFaults(garbage="[]"), ErrorCode.PROVIDER_ERROR),
        (VendorFaults(stalls=True), ErrorCode.TIMEOUT),
    ],
    ids=str,
)
async def test_a_fault_has_its_meaning(faults: VendorFaults, code: ErrorCode) -> None:
    async with GroqDouble(faults=faults).running() as vendor:
        assert (await failure(vendor, timeout=0.2)).code is code


async def test_a_wrong_key_is_known_before_the_first_words(vendor: GroqDouble) -> None:
    stt = attrs.evolve(vendor.pointed(STT), api_key="wrong")
    async with stt.open(CALL, PCM16_8K) as session:
        with pytest.raises(PatterError) as caught:
            async for _ in session:
                pass
        assert caught.value.code is ErrorCode.AUTH
        with pytest.raises(PatterError):
            await session.send(VOICE)


async def test_words_do_not_wait_for_a_list_of_models_that_does_not_come() -> None:
    class Slow(GroqDouble):
        async def _one_model(self, request: web.Request) -> web.Response:
            await asyncio.get_running_loop().create_future()
            raise AssertionError("it never comes")

    async with Slow(lines=["a table"]).running() as vendor, asyncio.timeout(3):
        assert (await heard(vendor, VOICE)).text == "a table"


async def test_a_model_that_does_not_exist_is_a_setting(vendor: GroqDouble) -> None:
    assert (await failure(vendor, model="whisper-99")).code is ErrorCode.CONFIG


async def test_words_that_come_late_are_still_heard() -> None:
    async with GroqDouble(latency=Latency(p50_ms=300), lines=["a table"]).running() as vendor:
        assert (await heard(vendor, VOICE)).text == "a table"


@pytest.mark.parametrize("times", [1, 2])
async def test_what_was_said_survives_one_connection_that_breaks(times: int) -> None:
    class Dropping(GroqDouble):
        def key_in(self, request: web.Request) -> str:
            files = [each for each in self.requests if each.path.endswith(PATH)]
            if files and len(files) <= times:
                assert request.transport is not None
                request.transport.abort()
                return ""
            return super().key_in(request)

    async with Dropping(lines=["a table"]).running() as vendor:
        if times == 1:
            assert (await heard(vendor, VOICE)).text == "a table"
        else:
            assert (await failure(vendor)).code is ErrorCode.CONNECTION


async def test_files_that_wait_for_groq_are_bounded() -> None:
    async with (
        GroqDouble(faults=VendorFaults(silent=True)).running() as vendor,
        vendor.pointed(STT).open(CALL, PCM16_8K) as session,
    ):
        with pytest.raises(PatterError, match="slower than is spoken"):
            for _ in range(20):
                await session.finalize()


async def test_a_pause_forgets_the_voice_before_it(vendor: GroqDouble) -> None:
    async with vendor.pointed(STT).open(CALL, PCM16_8K) as session:
        await session.send(VOICE)
        await session.finalize()
        await session.send(silence(3_000))
        await session.finalize()
        assert [bool(each.text) for each in await finals(session, 2)] == [True, False]
    assert len(vendor.bodies(PATH)) == 1


async def test_a_check_says_whether_the_model_is_there(vendor: GroqDouble) -> None:
    assert (await vendor.pointed(STT).check()).text == "whisper-large-v3-turbo"
    assert not vendor.log, "it cost something"


@pytest.mark.parametrize(
    "given", [{"most_s": 501}, {"gate_db": 1}, {"response_format": "text"}, {"temperature": 2}]
)
def test_what_makes_no_sense_is_refused_when_it_is_written(given: dict[str, Any]) -> None:
    with pytest.raises(PatterError) as caught:
        GroqWhisperSTT(**given)
    assert caught.value.code is ErrorCode.CONFIG and caught.value.fix
