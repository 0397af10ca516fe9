"""What Plivo refuses becomes an error with a fix; what may be asked twice is asked again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from patter.errors import (
    AuthenticationError,
    ErrorCode,
    PatterConfigError,
    PatterConnectionError,
    PatterError,
    PatterTimeoutError,
    ProviderError,
    ProvisionError,
    RateLimitError,
)
from patter.providers.carrier import CarrierLine, DialRequest, TransferRequest
from patter_plivo import Plivo, _rest
from patter_plivo.line import PlivoLine, request_uuid
from patter_testing import site
from patter_testing.doubles.faults import Faults
from patter_testing.doubles.harness import OURS, THEIRS
from patter_testing.switchboard import FakeSwitchboard

from .harness import harness

ACCOUNT, TOKEN = "MA" + "X" * 18, "hunter2"
UUID = "00000000-9c1d-4b7e-8a11-000000000001"


@asynccontextmanager
async def answering(*answers: tuple[int, str]) -> AsyncIterator[tuple[PlivoLine, list[str]]]:
    """A line whose Plivo gives *answers* one after the other, the last for ever."""
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(f"{request.method} {request.raw_path}")
        status, body = answers[min(len(asked), len(answers)) - 1]
        return web.Response(status=status, text=body, content_type="application/json")

    app = web.Application()
    app.router.add_route("*", "/{anything:.*}", answer)
    async with site(app) as url:
        settings = Plivo(auth_id=ACCOUNT, auth_token=TOKEN, api_base=url)
        async with settings.open(FakeSwitchboard("phone.example.com")) as line:
            assert isinstance(line, PlivoLine)
            yield line, asked


async def dial(line: CarrierLine) -> str:
    ticket = FakeSwitchboard("phone.example.com").issue("plivo")
    request = DialRequest(call_id="c", to=THEIRS, from_number=OURS, ticket=ticket)
    return await line.dial(request)


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (401, AuthenticationError, ErrorCode.AUTH),
        (403, AuthenticationError, ErrorCode.AUTH),
        (429, RateLimitError, ErrorCode.RATE_LIMIT),
        (500, PatterConnectionError, ErrorCode.CONNECTION),
        (503, PatterConnectionError, ErrorCode.CONNECTION),
        (400, ProvisionError, ErrorCode.PROVISION),
        (404, ProvisionError, ErrorCode.PROVISION),
    ],
)
async def test_a_refused_dial_is_told_apart_and_never_repeated(
    status: int, kind: type[PatterError], code: ErrorCode
) -> None:
    async with answering((status, '{"error": "because\\u0007 of this"}')) as (line, asked):
        with pytest.raises(kind) as raised:
            await dial(line)
        assert raised.value.code is code
        assert raised.value.fix
        assert status == 401 or "because of this" in raised.value.message
        assert TOKEN not in str(raised.value)
        assert len(asked) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_what_may_be_asked_twice_is_asked_again(
    status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_rest, "BACKOFF_MS", (1, 1))
    async with answering((status, ""), (204, "")) as (line, asked):
        await line.hangup(UUID)
        assert asked == [f"DELETE /v1/Account/{ACCOUNT}/Call/{UUID}/"] * 2


async def test_a_vendor_that_stays_down_is_not_asked_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_rest, "BACKOFF_MS", (1, 1))
    async with answering((503, "<html>")) as (line, asked):
        with pytest.raises(PatterConnectionError):
            await line.hangup(UUID)
        assert len(asked) == 3


async def test_a_vendor_that_is_silent_is_not_waited_for_for_ever() -> None:
    async with harness(Faults(slow=1, slow_ms=400)) as at:
        at.line.api.limit_s = 0.05
        with pytest.raises(PatterTimeoutError, match="did not call"):
            await dial(at.line)


async def test_a_vendor_that_is_not_there_is_named() -> None:
    settings = Plivo(auth_id=ACCOUNT, auth_token=TOKEN, api_base="http://127.0.0.1:9")
    async with settings.open(FakeSwitchboard("phone.example.com")) as line:
        with pytest.raises(PatterConnectionError, match="could not be reached"):
            await dial(line)


async def test_a_call_that_is_over_is_hung_up_already() -> None:
    async with answering((404, "{}")) as (line, asked):
        await line.hangup(UUID)
        assert [each.split("/")[-3] for each in asked] == ["Call", "Request"]


async def test_an_id_cannot_lead_anywhere_else() -> None:
    async with answering((204, "")) as (line, asked):
        await line.hangup("../../MAOTHER/Call/x?y#z")
        assert asked == [f"DELETE /v1/Account/{ACCOUNT}/Call/..%2F..%2FMAOTHER%2FCall%2Fx%3Fy%23z/"]


async def test_what_needs_our_address_fails_without_one() -> None:
    settings = Plivo(auth_id=ACCOUNT, auth_token=TOKEN, api_base="http://127.0.0.1:9")
    async with settings.open(FakeSwitchboard("")) as line:
        for deed in (
            dial(line),
            line.configure(OURS),
            line.transfer(UUID, TransferRequest(target=THEIRS)),
            line.start_recording(UUID),
        ):
            with pytest.raises(PatterConfigError, match="public host is not known"):
                await deed


async def test_a_call_that_is_over_cannot_be_moved_pressed_or_recorded() -> None:
    async with harness() as at:
        for deed in (
            at.line.transfer(UUID, TransferRequest(target=THEIRS)),
            at.line.send_dtmf(UUID, "1"),
            at.line.start_recording(UUID),
        ):
            with pytest.raises(ProvisionError, match="HTTP 404"):
                await deed


def test_a_dial_names_its_call_or_fails() -> None:
    assert request_uuid(UUID) == request_uuid([UUID, "other"]) == UUID
    for nothing in (None, "", [], [None], 7):
        with pytest.raises(ProviderError):
            request_uuid(nothing)
