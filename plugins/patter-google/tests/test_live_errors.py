"""What a closed socket means: by its words, at the begin of a call and in the middle of one."""

from __future__ import annotations

import pytest

from patter.errors import ErrorCode, PatterError, RateLimitError
from patter.providers.engine_events import ResponseAudio
from patter_google import GeminiLive
from patter_google._live_errors import Ended, hung_up
from patter_google.double import GoogleDouble, LiveScript
from patter_testing.doubles.vendor_double import VendorFaults
from patter_testing.suites.engine_vendor import EventReader, setup_for

from .live_lab import CALL, CLOUD, engine, talking

REASONS = [
    (1007, "API key not valid. Please pass a valid API key.", ErrorCode.AUTH),
    (1007, "API key expired. Please renew the API key.", ErrorCode.AUTH),
    (1008, "Your API key was reported as leaked. Please use another API key.", ErrorCode.AUTH),
    (1008, "Permission denied on resource project bistro.", ErrorCode.AUTH),
    (1008, "Your project has been denied access. Please contact support.", ErrorCode.AUTH),
    (1011, "Your prepayment credits are depleted. Please go to AI Studio.", ErrorCode.AUTH),
    (
        1011,
        "You exceeded your current quota, please check your plan and billing details.",
        ErrorCode.RATE_LIMIT,
    ),
    (1008, "Resource exhausted: too many concurrent sessions.", ErrorCode.RATE_LIMIT),
    (
        1008,
        "models/gemini-x is not found for API version v1beta, or is not supported for "
        "bidiGenerateContent.",
        ErrorCode.CONFIG,
    ),
    (1007, "Request contains an invalid argument.", ErrorCode.PROVIDER_ERROR),
    (1007, "generic::invalid_argument: No turn to complete", ErrorCode.PROVIDER_ERROR),
    (1008, "Operation is not implemented, or supported, or enabled.", ErrorCode.PROVIDER_ERROR),
    (1008, "The operation was aborted.", ErrorCode.CONNECTION),
    (1008, "BidiGenerateContent session expired", ErrorCode.CONNECTION),
    (1011, "Internal error encountered.", ErrorCode.CONNECTION),
    (1011, "Deadline expired before operation could complete.", ErrorCode.CONNECTION),
    (1011, "The service is currently unavailable.", ErrorCode.CONNECTION),
    (1001, "", ErrorCode.CONNECTION),
    (None, "", ErrorCode.CONNECTION),
]


@pytest.mark.parametrize(("code", "reason", "expected"), REASONS)
def test_words_decide(code: int | None, reason: str, expected: ErrorCode) -> None:
    error = hung_up(code, reason)
    assert (error.code, bool(error.fix)) == (expected, True)
    assert not isinstance(error, Ended)


def test_an_end_in_order_is_no_failure() -> None:
    assert isinstance(hung_up(1000, "The operation was cancelled."), Ended)


def test_when_to_come_back_is_told() -> None:
    error = hung_up(1011, "You exceeded your quota. Please retry in 7.5s.")
    assert isinstance(error, RateLimitError) and error.retry_after_ms == 7_500


@pytest.mark.parametrize("code", [1007, 1008, 1011])
def test_no_error_repeats_the_key(code: int) -> None:
    for words in ("key AIzaSecret is odd", "API key AIzaSecret not valid", "quota of AIzaSecret"):
        error = hung_up(code, words, secret="AIzaSecret")
        assert "AIzaSecret" not in str(error)


@pytest.mark.parametrize(("code", "reason", "expected"), REASONS[:-2])
async def test_in_the_middle_of_a_call_it_means_the_same(
    code: int, reason: str, expected: ErrorCode
) -> None:
    script = LiveScript(lingers=True, connection_s=0.1, warning_s=0.05, farewell=(code, reason))
    async with talking(script) as talk:
        await talk.session.respond()
        with pytest.raises(PatterError) as raised:
            async for _ in talk.session:
                pass
        with pytest.raises(PatterError):
            await talk.session.respond()
    assert raised.value.code is expected
    assert "double-key" not in str(raised.value)


async def test_a_socket_that_closes_in_order_ends_the_events() -> None:
    async with talking(LiveScript(connection_s=0.05, warning_s=0.01)) as talk:
        async for _ in talk.session:
            pass
        with pytest.raises(PatterError):
            await talk.session.respond()


async def test_a_wrong_key_is_told_over_the_socket() -> None:
    async with GoogleDouble(live=LiveScript()).running() as double:
        wrong = GeminiLive(base_url=double.url, api_key="magpie")
        with pytest.raises(PatterError) as raised:
            await wrong.check()
    assert raised.value.code is ErrorCode.AUTH and "GEMINI_API_KEY" in raised.value.fix
    assert "magpie" not in str(raised.value)


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"model": "gemini-2.5-flash"}, ErrorCode.CONFIG),
        ({"voice": "Nobody"}, ErrorCode.PROVIDER_ERROR),
    ],
)
async def test_doctor_is_told_what_a_call_would_meet(
    settings: dict[str, str], code: ErrorCode
) -> None:
    async with GoogleDouble(live=LiveScript()).running() as double:
        with pytest.raises(PatterError) as raised:
            await engine(double, **settings).check()
        report = await engine(double).check()
    assert raised.value.code is code
    assert report.text == "gemini-3.8-live"


async def test_no_credentials_of_the_cloud_are_an_error_with_a_fix(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", f"{tmp_path}/none.json")
    async with GoogleDouble(live=LiveScript()).running() as double:
        lost = GeminiLive(base_url=double.url, **CLOUD)
        with pytest.raises(PatterError) as raised:
            await lost.check()
    assert raised.value.code is ErrorCode.AUTH and "gcloud" in raised.value.fix


async def test_an_error_in_json_is_what_it_says() -> None:
    words = '{"error": {"code": 429, "message": "slow down", "status": "RESOURCE_EXHAUSTED"}}'
    async with talking(faults=VendorFaults(garbage=words, after=2)) as talk:
        await talk.session.respond()
        with pytest.raises(RateLimitError):
            async for _ in talk.session:
                pass


async def test_audio_of_another_rate_is_refused_and_not_played_too_fast() -> None:
    words = (
        '{"serverContent": {"modelTurn": {"parts": [{"inlineData": '
        '{"mimeType": "audio/pcm;rate=16000", "data": "AAAA"}}]}}}'
    )
    async with talking(faults=VendorFaults(garbage=words, after=2)) as talk:
        await talk.session.respond()
        with pytest.raises(PatterError, match="rate=16000"):
            async for event in talk.session:
                assert not isinstance(event, ResponseAudio) or event.audio


async def test_opening_fails_fast_when_the_vendor_is_silent() -> None:
    async with GoogleDouble(faults=VendorFaults(stalls=True)).running() as double:
        provider = engine(double, open_s=0.2)
        with pytest.raises(PatterError) as raised:
            async with provider.open(CALL, setup_for(provider)) as session:
                EventReader(session)
    assert raised.value.code is ErrorCode.TIMEOUT
