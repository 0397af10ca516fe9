"""Speaking over HTTP: what is asked for, what is heard, what refusals mean."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web

from patter.audio.formats import MULAW_8K, PCM16_8K, PCM16_16K, PCM16_24K, AudioFormat
from patter.errors import ErrorCode, PatterError, RateLimitError
from patter_lmnt import LMNTRestTTS
from patter_lmnt.double import LMNTDouble
from patter_lmnt.double.sessions import SessionTraits
from patter_lmnt.double.synthesis import wav_header
from patter_testing.doubles.vendor_double import VendorFaults
from patter_testing.loopback_site import site
from patter_testing.talking import CALL, letters_of, say, sentences

from .talking import LONG, rest_voice


@pytest.mark.parametrize("audio", [MULAW_8K, PCM16_8K, PCM16_16K, PCM16_24K], ids=str)
async def test_what_is_said_is_heard(audio: AudioFormat) -> None:
    async with LMNTDouble().running() as double, rest_voice(double, audio) as session:
        pieces = await say(session, "Good morning.", "How are you?")
    assert letters_of(pieces, audio) == "Good morning.How are you?"
    assert [piece.text for piece in pieces if piece.text] == ["Good morning.", "How are you?"]


async def test_a_sentence_is_a_request_with_what_was_set() -> None:
    async with (
        LMNTDouble().running() as double,
        rest_voice(
            double, voice="ava", language="de", temperature=0.3, top_p=0.9, debug=True
        ) as session,
    ):
        await say(session, " Eins. ", "Zwei.")
    assert double.bodies[0] == {
        "text": "Eins.",
        "voice": "ava",
        "model": "blizzard",
        "format": "ulaw",
        "sample_rate": 8_000,
        "language": "de",
        "temperature": 0.3,
        "top_p": 0.9,
        "debug": True,
    }
    (first, _) = double.requests
    assert first.path == "/v1/ai/speech/bytes" and not first.query
    assert first.headers["X-API-Key"] == double.key
    assert first.headers["lmnt-version"] == "1.2"


async def test_nothing_is_kept_at_lmnt_unless_asked_for() -> None:
    async with LMNTDouble().running() as double, rest_voice(double) as session:
        await say(session, "Hi.")
    assert "debug" not in double.bodies[0]


@pytest.mark.parametrize("header", ["session", "never"])
async def test_a_header_is_never_heard(header: str) -> None:
    traits = SessionTraits(header=header)
    async with LMNTDouble(traits=traits).running() as double, rest_voice(double) as session:
        pieces = await say(session, "One.", "Two.")
    assert len(b"".join(piece.audio for piece in pieces)) == 8 * 60 * 8


async def test_what_has_no_letters_is_not_asked_for() -> None:
    async with LMNTDouble().running() as double, rest_voice(double) as session:
        assert await say(session, "...", " ") == []
    assert double.bodies == []


async def test_a_long_sentence_is_several_requests() -> None:
    async with LMNTDouble().running() as double, rest_voice(double) as session:
        await say(session, " ".join(["word"] * 1_010))
    assert [len(body["text"]) <= 5_000 for body in double.bodies] == [True, True]


async def test_an_interruption_ends_the_request() -> None:
    async with LMNTDouble(pace=4).running() as double, rest_voice(double) as session:
        speech = session.say(sentences(LONG, LONG))
        await anext(speech)
        await speech.aclose()
        assert letters_of(await say(session, "Yes?")) == "Yes?"
    assert len(double.bodies) == 2 and double.spoken == ["Yes?"]


@pytest.mark.parametrize("after", [0, 2])
async def test_a_voice_that_stops_is_left_in_time(after: int) -> None:
    double = LMNTDouble(faults=VendorFaults(stalls=True, after=after))
    async with double.running(), rest_voice(double, timeout_ms=100) as session:
        with pytest.raises(PatterError) as raised:
            await say(session, LONG)
    assert raised.value.code is ErrorCode.TIMEOUT


async def test_a_vendor_that_does_not_answer_is_left_in_time() -> None:
    double = LMNTDouble(faults=VendorFaults(silent=True))
    async with double.running(), rest_voice(double, timeout_ms=100) as session:
        with pytest.raises(PatterError) as raised:
            await say(session, LONG)
    assert raised.value.code is ErrorCode.TIMEOUT


@pytest.mark.parametrize(
    "content_type", ["audio/mpeg", "application/octet-stream", "application/vnd.lmnt.audio-pcm"]
)
async def test_samples_go_by_many_names(content_type: str) -> None:
    double = LMNTDouble(content_type=content_type)
    async with double.running(), rest_voice(double) as session:
        assert letters_of(await say(session, "Yes?")) == "Yes?"


@pytest.mark.parametrize("content_type", ["application/vnd.lmnt.audio-fp32", "text/html"])
async def test_what_would_be_noise_is_not_played(content_type: str) -> None:
    double = LMNTDouble(content_type=content_type)
    async with double.running(), rest_voice(double, PCM16_16K) as session:
        with pytest.raises(PatterError, match="LMNT sent") as raised:
            await say(session, "Yes?")
    assert raised.value.code is ErrorCode.PROVIDER_ERROR


@pytest.mark.parametrize(
    ("vendor", "options", "code"),
    [
        ({}, {"voice": "nobody"}, ErrorCode.CONFIG),
        ({}, {"model": "aurora"}, ErrorCode.PROVIDER_ERROR),
        ({"quota": 3}, {}, ErrorCode.AUTH),
        ({"faults": VendorFaults(status=503)}, {}, ErrorCode.CONNECTION),
    ],
)
async def test_a_refusal_is_what_it_means(
    vendor: dict[str, Any], options: dict[str, Any], code: ErrorCode
) -> None:
    async with LMNTDouble(**vendor).running() as double, rest_voice(double, **options) as session:
        with pytest.raises(PatterError) as raised:
            await say(session, "Hello there.")
    assert raised.value.code is code


async def test_a_rate_limit_says_when_to_come_back() -> None:
    double = LMNTDouble(faults=VendorFaults(status=429, retry_after="1.5"))
    async with double.running(), rest_voice(double) as session:
        with pytest.raises(RateLimitError) as raised:
            await say(session, "Hello there.")
    assert raised.value.retry_after_ms == 1_500


async def test_a_key_does_not_go_where_lmnt_does_not_send_it() -> None:
    async def elsewhere(_: web.Request) -> web.StreamResponse:
        raise web.HTTPTemporaryRedirect(double.url + "/v1/ai/speech/bytes")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", elsewhere)
    async with LMNTDouble().running() as double, site(app) as url:
        moved = LMNTRestTTS(base_url=url, api_key="k")
        async with moved.open(CALL, MULAW_8K) as session:
            with pytest.raises(PatterError):
                await say(session, "Hello there.")
        assert double.requests == []


@pytest.mark.parametrize("body", [b"", wav_header(MULAW_8K)], ids=["nothing", "header"])
async def test_an_answer_without_audio_is_a_failure(body: bytes) -> None:
    async def silent(_: web.Request) -> web.StreamResponse:
        return web.Response(body=body, content_type="application/octet-stream")

    app = web.Application()
    app.router.add_post("/v1/ai/speech/bytes", silent)
    async with (
        site(app) as url,
        LMNTRestTTS(base_url=url, api_key="k").open(CALL, MULAW_8K) as session,
    ):
        with pytest.raises(PatterError, match="no audio") as raised:
            await say(session, "Hello there.")
    assert raised.value.passing


async def test_a_key_that_a_refusal_repeats_is_in_no_error() -> None:
    async def indiscreet(request: web.Request) -> web.StreamResponse:
        words = f"not with {request.headers['X-API-Key']}"
        return web.json_response({"error": {"message": words, "type": "x"}}, status=400)

    app = web.Application()
    app.router.add_post("/v1/ai/speech/bytes", indiscreet)
    async with (
        site(app) as url,
        LMNTRestTTS(base_url=url, api_key="secret-key").open(CALL, MULAW_8K) as session,
    ):
        with pytest.raises(PatterError, match="not with") as raised:
            await say(session, "Hello there.")
    assert "secret-key" not in str(raised.value)
