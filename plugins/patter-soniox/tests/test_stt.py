"""Listening, against a Soniox of our own."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import attrs
import pytest
from aiohttp import web

from patter import ErrorCode, PatterError
from patter.audio.formats import MULAW_8K, PCM16_16K
from patter.errors import AuthenticationError, PatterConfigError, PatterTimeoutError
from patter.providers.stt import Transcript, TurnEnded, Word
from patter_soniox.double import SonioxDouble, messages
from patter_testing.doubles.relay import relay
from patter_testing.doubles.vendor_double import Latency, VendorFaults
from patter_testing.doubles.vendor_sound import sounded
from patter_testing.talking import CALL, failure, final, silence, until

from .talking import FAST, VOICE, ears

LONG = sounded("x" * 40, MULAW_8K)


# --- what is heard


async def test_words_come_while_they_are_said_and_once_when_they_were() -> None:
    async with (
        SonioxDouble(lines=["a table for two"]).running() as double,
        ears(double).open(CALL, MULAW_8K) as session,
    ):
        await session.send(VOICE + silence(400))
        seen = await until(aiter(session), TurnEnded)
    texts = [(event.text, event.final) for event in seen if isinstance(event, Transcript)]
    assert texts == [("a", False), ("a table", False), ("a table for two", True)]
    heard, ended = seen[-2:]
    assert isinstance(heard, Transcript) and ended == TurnEnded()
    assert (heard.end_ms, heard.confidence) == (540, 0.97)
    assert [word.text for word in heard.words] == ["a", "table", "for", "two"]


async def test_words_that_are_final_early_are_told_with_the_others() -> None:
    line = "one two three four five six"
    async with (
        SonioxDouble(lines=[line]).running() as double,
        ears(double).open(CALL, MULAW_8K) as session,
    ):
        await session.send(LONG)
        await session.finalize()
        seen = await until(aiter(session), Transcript)
    texts = [event.text for event in seen if isinstance(event, Transcript)]
    assert all(line.startswith(text) for text in texts) and len(texts) > 3
    assert texts[-1] == line and [e.final for e in seen if isinstance(e, Transcript)][:-1] == [
        False
    ] * (len(texts) - 1)


async def test_two_speakers_are_told_apart() -> None:
    double = SonioxDouble(lines=["a table", "for two"], speakers=("1", "2"))
    async with (
        double.running(),
        ears(double, enable_speaker_diarization=True).open(CALL, MULAW_8K) as session,
    ):
        events = aiter(session)
        await session.send(VOICE + silence(400))
        assert (await final(events)).text == "a table"
        await session.send(VOICE + silence(400))
        assert (await final(events)).text == "Speaker 2: for two"


async def test_audio_of_another_format_is_told_as_such() -> None:
    async with (
        SonioxDouble(lines=["yes"]).running() as double,
        ears(double).open(CALL, PCM16_16K) as session,
    ):
        await session.send(sounded("any words", PCM16_16K))
        await session.finalize()
        heard = await final(aiter(session))
        assert (heard.text, heard.end_ms) == ("yes", 540)
    assert double.starts[0]["audio_format"] == "pcm_s16le"
    assert double.starts[0]["sample_rate"] == 16_000


# --- pauses


async def test_a_pause_is_left_to_soniox() -> None:
    async with (
        SonioxDouble(lines=["yes"]).running() as double,
        ears(double).open(CALL, MULAW_8K) as session,
    ):
        await session.send(VOICE)
        await session.finalize()
        await session.send(silence(400))
        seen = await until(aiter(session), TurnEnded)
        assert seen[-2:] == [seen[-2], TurnEnded()]
        assert "finalize" not in double.commands


async def test_a_pause_that_soniox_does_not_judge_is_asked_for() -> None:
    async with (
        SonioxDouble(lines=["yes"]).running() as double,
        ears(double, finalize_ms=100).open(CALL, MULAW_8K) as session,
    ):
        loop = asyncio.get_running_loop()
        await session.send(VOICE)
        begun = loop.time()
        await session.finalize()
        assert (await final(aiter(session))).text == "yes"
        assert 0.08 < loop.time() - begun < 0.5
        assert double.commands == ["finalize"]


async def test_a_judgement_that_follows_ends_the_turn_once() -> None:
    async with (
        SonioxDouble(lines=["yes"], bare_end=True).running() as double,
        ears(double, finalize_ms=50).open(CALL, MULAW_8K) as session,
    ):
        await session.send(VOICE)
        await session.finalize()
        seen = await until(aiter(session), Transcript)
        assert TurnEnded() not in seen
        await session.send(silence(400))
        assert (await until(aiter(session), TurnEnded)) == [TurnEnded()]


async def test_without_endpoints_each_pause_is_asked_for_at_once() -> None:
    async with (
        SonioxDouble(lines=["yes"]).running() as double,
        ears(double, enable_endpoint_detection=False, finalize_ms=5_000).open(
            CALL, MULAW_8K
        ) as session,
    ):
        await session.send(VOICE)
        await session.finalize()
        async with asyncio.timeout(0.9):
            assert (await final(aiter(session))).text == "yes"
        assert double.commands == ["finalize"]
        await session.send(silence(900))
        await session.finalize()
        assert (await until(aiter(session), Transcript))[-1].text == ""  # type: ignore[union-attr]


async def test_a_pause_without_audio_since_the_last_one_asks_nobody() -> None:
    async with (
        SonioxDouble(lines=["yes"]).running() as double,
        ears(double, enable_endpoint_detection=False).open(CALL, MULAW_8K) as session,
    ):
        await session.finalize()
        assert await anext(aiter(session)) == Transcript("", True)
        assert "finalize" not in double.commands


async def test_words_that_come_after_the_bound_come_once() -> None:
    slow = Latency(p50_ms=300)
    async with (
        SonioxDouble(lines=["yes", "no"], latency=slow).running() as double,
        ears(double, enable_endpoint_detection=False).open(FAST, MULAW_8K) as session,
    ):
        for word in ("yes", "no"):
            await session.send(VOICE)
            await session.finalize()
            assert [(await final(aiter(session))).text for _ in range(2)] == ["", word]


async def test_a_second_pause_waits_its_own_time() -> None:
    async with (
        SonioxDouble().running() as double,
        ears(double, finalize_ms=200).open(CALL, MULAW_8K) as session,
    ):
        loop = asyncio.get_running_loop()
        await session.send(silence(100))
        await session.finalize()
        await asyncio.sleep(0.1)
        begun = loop.time()
        await session.send(silence(100))
        await session.finalize()
        await final(aiter(session))
        assert loop.time() - begun > 0.15


@pytest.mark.parametrize("judges", [True, False])
async def test_a_recogniser_that_answers_nothing_any_more_is_lost(judges: bool) -> None:
    double = SonioxDouble(faults=VendorFaults(stalls=True))
    options = {"enable_endpoint_detection": judges}
    async with double.running(), ears(double, **options).open(FAST, MULAW_8K) as session:
        finals = []
        with pytest.raises(PatterTimeoutError):
            for _ in range(3):
                await session.send(silence(100))
                await session.finalize()
                finals.append(await final(aiter(session)))
        assert finals == [Transcript("", True)] * 2
        with pytest.raises(PatterTimeoutError):
            await session.send(silence(20))


async def test_a_recogniser_that_says_anything_is_not_lost() -> None:
    async with (
        SonioxDouble().running() as double,
        ears(double, finalize_ms=40).open(CALL, MULAW_8K) as session,
    ):
        for _ in range(5):
            await session.send(silence(600))
            await session.finalize()
            assert (await final(aiter(session))).text == ""


async def test_what_nobody_has_read_when_the_call_ends_is_not_heard() -> None:
    async with (
        SonioxDouble(lines=["yes"]).running() as double,
        ears(double).open(CALL, MULAW_8K) as session,
    ):
        await session.send(VOICE + silence(400))
        await asyncio.sleep(0.1)
        assert len(session._events._events) > 1
    assert [event async for event in session] == []


# --- staying open


async def test_it_stays_open_while_nobody_speaks() -> None:
    async with (
        SonioxDouble(lines=["yes"], idle_s=20 / 40).running() as double,
        ears(double).open(FAST, MULAW_8K) as session,
    ):
        await session.send(silence(20))
        await asyncio.sleep(1.2)
        await session.send(VOICE + silence(400))
        assert (await final(aiter(session))).text == "yes"
    assert double.commands.count("keepalive") >= 4


async def test_a_call_that_begins_without_audio_keeps_its_positions() -> None:
    async with (
        SonioxDouble(lines=["yes"], first_audio_s=20 / 40).running() as double,
        ears(double).open(FAST, MULAW_8K) as session,
    ):
        await asyncio.sleep(1.0)
        assert double.streams[0].ear.position_ms == 20
        await session.send(VOICE + silence(400))
        heard = await final(aiter(session))
        assert (heard.end_ms, heard.words[0].start_ms) == (540, 0)


async def test_who_sends_audio_sends_no_keepalive() -> None:
    async with (
        SonioxDouble().running() as double,
        ears(double).open(FAST, MULAW_8K) as session,
    ):
        for _ in range(12):
            await session.send(silence(20))
            await asyncio.sleep(0.03)
        assert "keepalive" not in double.commands


async def test_it_leaves_with_an_empty_frame_and_with_no_other() -> None:
    async with SonioxDouble().running() as double:
        async with ears(double).open(CALL, MULAW_8K) as session:
            await session.send(b"")
            await session.send(silence(20))
            await asyncio.sleep(0.05)
            assert double.commands == []
        await asyncio.sleep(0.05)
        assert double.commands == [""] and double.streams == []


# --- what goes wrong


@pytest.mark.parametrize(
    ("faults", "code"),
    [
        (VendorFaults(close_code=1000), ErrorCode.CONNECTION),
        (VendorFaults(close_code=1011), ErrorCode.CONNECTION),
        (VendorFaults(over=True), ErrorCode.CONNECTION),
        (VendorFaults(garbage="{"), ErrorCode.PROVIDER_ERROR),
        (VendorFaults(garbage="[1]"), ErrorCode.PROVIDER_ERROR),
        (VendorFaults(garbage=b"\x00"), ErrorCode.PROVIDER_ERROR),
        (VendorFaults(garbage='{"tokens": 1}'), ErrorCode.PROVIDER_ERROR),
        (VendorFaults(garbage='{"finished": true}'), ErrorCode.CONNECTION),
        (VendorFaults(oversize=5 << 20), ErrorCode.CONNECTION),
    ],
)
async def test_what_ends_a_session_says_how(faults: VendorFaults, code: ErrorCode) -> None:
    async with (
        SonioxDouble(faults=faults).running() as double,
        ears(double).open(CALL, MULAW_8K) as session,
    ):
        await session.send(VOICE)
        error = await failure(until(aiter(session), TurnEnded))
        assert error.code is code
        assert (await failure(session.finalize())) is error


@pytest.mark.parametrize(
    ("refuses", "code"),
    [
        ((402, "Organization balance exhausted."), ErrorCode.AUTH),
        ((408, "Input too slow"), ErrorCode.TIMEOUT),
        ((429, "Your project has exceeded max number."), ErrorCode.RATE_LIMIT),
        ((500, "The server had an error."), ErrorCode.CONNECTION),
        ((503, "Cannot continue request (code 1)."), ErrorCode.CONNECTION),
    ],
)
async def test_a_start_that_is_refused_says_why(refuses: Any, code: ErrorCode) -> None:
    async with (
        SonioxDouble(refuses=refuses).running() as double,
        ears(double).open(CALL, MULAW_8K) as session,
    ):
        error = await failure(until(aiter(session), TurnEnded))
    assert error.code is code and refuses[1] in error.message


async def test_a_key_that_is_refused_in_the_session_is_not_told() -> None:
    class Gossip(SonioxDouble):
        def _admit(self, header_key: str, start: Any) -> None:
            self.refuses = (401, f"Invalid API key {header_key}.")
            super()._admit(header_key, start)

    async with (
        Gossip(key="hunter2").running() as double,
        ears(double).open(CALL, MULAW_8K) as session,
    ):
        error = await failure(until(aiter(session), TurnEnded))
    assert isinstance(error, AuthenticationError) and "SONIOX_API_KEY" in error.fix
    assert "hunter2" not in str(error)


async def test_an_unknown_model_is_a_setting_to_change() -> None:
    async with (
        SonioxDouble().running() as double,
        ears(double, model="parrot").open(CALL, MULAW_8K) as session,
    ):
        error = await failure(until(aiter(session), TurnEnded))
    assert isinstance(error, PatterConfigError) and "Invalid model" in error.message


async def test_a_session_as_long_as_soniox_allows_may_be_followed_by_another() -> None:
    async with (
        SonioxDouble(most_minutes=1 / 600).running() as double,
        ears(double).open(CALL, MULAW_8K) as session,
    ):
        await session.send(silence(200))
        error = await failure(until(aiter(session), TurnEnded))
    assert error.passing and "Audio is too long." in error.message


@pytest.mark.parametrize("end", ["error", "stall"])
async def test_words_that_are_final_are_told_before_a_session_is_lost(end: str) -> None:
    """The call replays from where final words end, and only the last seconds: nothing is lost."""
    spoken = messages.tokens(Word("table", 100, 500), first=True, final=True)
    early = json.dumps(messages.response(spoken, final_ms=500, total_ms=900))
    faults = VendorFaults(garbage=early)
    double = SonioxDouble(faults=faults)
    async with double.running(), ears(double).open(FAST, MULAW_8K) as session:
        await session.send(silence(500))
        events = aiter(session)
        assert await anext(events) == Transcript("table", False, 500, 0.97, _words(spoken))
        double.streams[0].wire.stream.faults = (
            VendorFaults(over=True) if end == "error" else VendorFaults(stalls=True)
        )
        heard: list[Any] = []
        with pytest.raises(PatterError) as raised:
            for _ in range(4):
                await session.send(silence(500))
                await session.finalize()
                await asyncio.sleep(0.2)
            async for event in events:
                heard.append(event)
        if not heard:
            with pytest.raises(PatterError):
                async for event in events:
                    heard.append(event)
    assert raised.value.passing
    assert [event.text for event in heard if event.final and event.text] == ["table"]


def _words(spoken: list[messages.Body]) -> Any:
    return (Word("table", spoken[0]["start_ms"], spoken[-1]["end_ms"]),)


async def test_a_line_that_is_half_open_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("patter_soniox._socket.HEARTBEAT_S", 0.2)
    async with (
        SonioxDouble().running() as double,
        relay(double.url.removeprefix("http://"), keep_bytes=0) as line,
        attrs.evolve(ears(double), base_url=f"http://{line.address}").open(
            CALL, MULAW_8K
        ) as session,
    ):
        await session.send(VOICE)
        error = await failure(until(aiter(session), TurnEnded))
    assert error.passing


async def test_a_line_that_takes_nothing_is_left_within_a_second() -> None:
    class Deaf(SonioxDouble):
        async def _serve(self, request: web.Request) -> web.StreamResponse:
            socket = web.WebSocketResponse(autoping=False)
            await socket.prepare(request)
            assert isinstance(request.transport, asyncio.ReadTransport)
            request.transport.pause_reading()
            await asyncio.get_running_loop().create_future()
            return socket

    loop = asyncio.get_running_loop()
    async with Deaf().running() as double:
        async with ears(double).open(CALL, MULAW_8K) as session:
            sending = asyncio.ensure_future(failure(session.send(bytes(32 << 20))))
            await asyncio.sleep(0.2)
            # aiohttp waits for a line each 256 KB: with the farewell, and its frame, it is more.
            await session.send(bytes((256 << 10) - 17))
            begun = loop.time()
        assert loop.time() - begun < 1.0
        assert (await sending).passing


async def test_a_limit_says_when_to_come_back() -> None:
    faults = VendorFaults(status=429, retry_after="2")
    async with SonioxDouble(faults=faults).running() as double:
        error: Any = await failure(ears(double).open(CALL, MULAW_8K).__aenter__())
    assert (error.code, error.retry_after_ms) == (ErrorCode.RATE_LIMIT, 2_000)


async def test_a_stream_of_words_that_comes_slowly_is_whole() -> None:
    faults = VendorFaults(trickle_ms=60)
    async with (
        SonioxDouble(lines=["one two three four"], faults=faults).running() as double,
        ears(double).open(CALL, MULAW_8K) as session,
    ):
        await session.send(LONG + silence(400))
        assert (await final(aiter(session))).text == "one two three four"
