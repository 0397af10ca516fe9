"""A status means the same whoever answers it."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from aiohttp import web

from patter.errors import ErrorCode, PatterError, RateLimitError
from patter.vendors.errors import VendorErrors
from patter_testing import site

ERRORS = VendorErrors("Parrot", "PARROT_API_KEY", "status.parrot.example")


@pytest.mark.parametrize(
    ("status", "code", "passing"),
    [
        (400, ErrorCode.PROVIDER_ERROR, False),
        (401, ErrorCode.AUTH, False),
        (402, ErrorCode.AUTH, False),
        (403, ErrorCode.AUTH, False),
        (404, ErrorCode.CONFIG, False),
        (408, ErrorCode.TIMEOUT, True),
        (422, ErrorCode.PROVIDER_ERROR, False),
        (429, ErrorCode.RATE_LIMIT, True),
        (500, ErrorCode.CONNECTION, True),
        (503, ErrorCode.CONNECTION, True),
        (504, ErrorCode.TIMEOUT, True),
        (529, ErrorCode.CONNECTION, True),
    ],
)
def test_a_status_has_one_meaning(status: int, code: ErrorCode, passing: bool) -> None:
    error = ERRORS.refused(status, "out of seeds " * 100)
    assert (error.code, error.passing) == (code, passing)
    assert error.fix
    assert len(error.message) < 300


def test_a_rate_limit_says_when_to_come_back() -> None:
    error = ERRORS.refused(429, headers={"Retry-After": "7"})
    assert isinstance(error, RateLimitError)
    assert error.retry_after_ms == 7_000


async def test_what_the_client_raises_is_ours_without_its_address() -> None:
    async def refuse(request: web.Request) -> web.Response:
        return web.Response(status=int(request.query["status"]), headers={"Retry-After": "2"})

    app = web.Application()
    app.router.add_get("/", refuse)
    async with site(app) as url, aiohttp.ClientSession() as client:
        with pytest.raises(PatterError) as caught, ERRORS.translated():
            await client.ws_connect(f"{url}/?status=429&key=s3cret")
        with pytest.raises(PatterError) as raised, ERRORS.translated():
            async with client.get(f"{url}/?status=401&key=s3cret") as response:
                response.raise_for_status()
        with pytest.raises(PatterError) as unreachable, ERRORS.translated():
            await client.get("http://127.0.0.1:1/?key=s3cret")
    assert caught.value.code is ErrorCode.RATE_LIMIT
    assert raised.value.code is ErrorCode.AUTH
    assert unreachable.value.code is ErrorCode.CONNECTION
    for error in (caught.value, raised.value, unreachable.value):
        assert "s3cret" not in str(error)
        assert error.__suppress_context__


async def test_lateness_is_ours_and_our_own_errors_pass() -> None:
    with pytest.raises(PatterError) as late, ERRORS.translated():
        async with asyncio.timeout(0.001):
            await asyncio.sleep(1)
    assert late.value.code is ErrorCode.TIMEOUT
    ours = ERRORS.garbled("x" * 500)
    with pytest.raises(PatterError) as same, ERRORS.translated():
        raise ours
    assert same.value is ours
    assert len(ours.message) < 100
    assert ERRORS.hung_up(1011, "NET-0001").message.endswith("(1011, NET-0001)")
