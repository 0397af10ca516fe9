"""A call comes in as Twilio would bring it, and goes nowhere that nobody has named."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from patter.errors import InputError, PatterError, ProvisionError
from patter.testing import site
from patter_load.account import account
from patter_load.media_socket import MediaSocket
from patter_load.webhook import SIGNATURE, Endpoint, client, signature

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=20)


@given(st.text("abc123", min_size=1), st.dictionaries(st.text("ABCab", min_size=1), WORDS))
def test_a_webhook_is_signed_as_twilio_signs_it(token: str, fields: dict[str, str]) -> None:
    url = "https://phone.example.com/webhooks/twilio/voice?x=1"
    assert RequestValidator(token).validate(url, fields, signature(token, url, fields))


class Nobody(MediaSocket):
    dry_ns = 0

    def __init__(self, url: str) -> None:
        super().__init__(url, self, account_sid="AC1", call_sid="CA1")

    def plays(self, payload: str, now: int) -> None: ...

    def is_cleared(self, now: int) -> None: ...


@asynccontextmanager
async def answering(body: str, status: int = 200) -> AsyncIterator[tuple[str, list[Any]]]:
    """A webhook that answers with *body*; what it was sent."""
    seen: list[Any] = []

    async def voice(request: web.Request) -> web.Response:
        seen.append((dict(request.headers), dict(await request.post())))
        return web.Response(text=body, status=status, content_type="text/xml")

    app = web.Application()
    app.add_routes([web.post("/voice", voice)])
    async with site(app) as url:
        yield f"{url}/voice", seen


async def test_a_webhook_names_the_public_host_and_is_signed_over_it() -> None:
    public = "https://phone.example.com/voice"
    twiml = "<Response><Connect><Stream url='wss://phone.example.com/m'/></Connect></Response>"
    async with answering(twiml) as (url, seen), client() as http:
        endpoint = Endpoint(url=url, public_url=public, token="secret")
        answer = await endpoint.ring(http, "CA1")
    ((headers, fields),) = seen
    assert answer.url == "wss://phone.example.com/m"
    assert headers["Host"] == "phone.example.com"
    assert headers[SIGNATURE] == signature("secret", public, fields)
    assert fields["CallSid"] == "CA1"


@pytest.mark.parametrize(
    ("body", "status"),
    [("", 500), ("<Response><Reject/></Response>", 200), ("no xml", 200), ("", 403)],
)
async def test_an_answer_without_a_stream_is_no_call(body: str, status: int) -> None:
    async with answering(body, status) as (url, _), client() as http:
        with pytest.raises(PatterError) as error:
            await Endpoint(url=url).ring(http, "CA1")
    assert error.value.fix


@pytest.mark.parametrize("url", ["wss://203.0.113.7/m", "ws://elsewhere.example.com/m"])
async def test_media_lead_to_no_host_that_nobody_named(url: str) -> None:
    with pytest.raises(InputError, match="another host"):
        await Endpoint(url="http://127.0.0.1:1/voice").connect(lambda: Nobody(url), url)


@pytest.mark.parametrize("url", ["https://127.0.0.1/m", "/media", ""])
async def test_media_that_are_no_websocket_are_refused(url: str) -> None:
    with pytest.raises(ProvisionError, match="media are wanted at"):
        await Endpoint(url="http://127.0.0.1:1/voice").connect(lambda: Nobody(url), url)


async def test_a_media_socket_that_is_refused_says_how() -> None:
    app = web.Application()
    async with site(app) as base:
        url = f"{base.replace('http', 'ws')}/media"
        with pytest.raises(PatterError, match="404 Not Found"):
            await Endpoint(url=f"{base}/voice").connect(lambda: Nobody(url), url)


async def test_a_media_socket_that_never_opens_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("patter_load.webhook.CONNECT_S", 0.2)

    async def silent(request: web.Request) -> web.Response:
        await request.content.read()
        await asyncio.sleep(5)
        return web.Response()

    app = web.Application()
    app.add_routes([web.get("/media", silent)])
    async with site(app) as base:
        url = f"{base.replace('http', 'ws')}/media"
        with pytest.raises(PatterError, match="did not open within"):
            await Endpoint(url=f"{base}/voice").connect(lambda: Nobody(url), url)


async def test_the_account_tells_what_the_application_wants_of_a_call() -> None:
    told: list[Any] = []
    async with (
        account(lambda sid, fields: told.append((sid, dict(fields)))) as api,
        client() as http,
    ):
        path = f"{api}/2010-04-01/Accounts/AC1/Calls/CA7.json"
        async with http.post(path, data={"Status": "completed"}) as response:
            assert (await response.json())["sid"] == "CA7"
        async with http.get(path) as response:
            assert (await response.json())["price"] is None
    assert told == [("CA7", {"Status": "completed"})]
