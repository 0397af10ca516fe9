"""A service that answers callers: what it is sent, and what becomes of whatever it sends back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
from aiohttp import web

import patter.call.remote_messages as remote
from patter.call.remote_messages import RemoteMessageHandler, is_remote_url, is_websocket_url
from patter.clock import LoopClock
from patter.egress.signing import SIGNATURE, is_signed
from patter.errors import EgressError, ErrorCode, PatterError
from patter_testing import lab

from .agents import on_message_plan
from .sites import Answer, Site, site

MESSAGE = {"text": "hello", "call_id": "c1", "caller": "+1", "callee": "+2", "history": []}


@pytest.fixture(autouse=True)
def _local(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("PATTER_EGRESS_ALLOW", "127.0.0.1")
    monkeypatch.setattr(remote, "POST_S", 0.4)
    monkeypatch.setattr(remote, "IDLE_S", 0.4)
    monkeypatch.setattr(remote, "CONNECT_S", 0.4)
    yield


async def asked(here: Site, scheme: str = "http", secret: str = "") -> list[str]:
    handler = RemoteMessageHandler(here.url.replace("http", scheme), secret)
    return [piece async for piece in handler(MESSAGE)]


def body(content: bytes, status: int = 200) -> Answer:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=content, status=status)

    return answer


def frames(*sent: Any, code: int = 1000, got: list[Any] | None = None) -> Answer:
    """Send *sent*, JSON or bytes, to whoever opens a WebSocket and says something."""

    async def answer(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        message = await socket.receive_json()
        if got is not None:
            got.append((message, dict(request.headers)))
        for each in sent:
            if isinstance(each, bytes):
                await socket.send_bytes(each)
            else:
                await socket.send_str(
                    each if isinstance(each, str) else orjson.dumps(each).decode()
                )
        await socket.close(code=code)
        return socket

    return answer


@pytest.mark.parametrize(
    "content", [b'{"text": "Five to eleven."}', b"Five to eleven.", b'"Five to eleven."']
)
async def test_a_text_is_said_as_json_or_plain(content: bytes) -> None:
    async with site(body(content)) as here:
        assert await asked(here) == ["Five to eleven."]
    assert orjson.loads(here.requests[0][1]) == MESSAGE


async def test_the_request_is_signed_with_the_secret() -> None:
    async with site(body(b"ok")) as here:
        await asked(here, secret="the-secret")
    headers, sent = here.requests[0]
    assert is_signed(sent, headers[SIGNATURE], "the-secret", wall=LoopClock().wall())


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b'{"say": "hello"}', 200, ErrorCode.PROVIDER_ERROR),
        (b'{"text": 7}', 200, ErrorCode.PROVIDER_ERROR),
        (b'{"text": "hel', 200, ErrorCode.PROVIDER_ERROR),
        (b"\xff\xfe", 200, ErrorCode.PROVIDER_ERROR),
        (b"<!DOCTYPE html><p>Bad gateway", 200, ErrorCode.PROVIDER_ERROR),
        (b"a" * (64 * 1024 + 1), 200, ErrorCode.CONNECTION),
        (b"sorry", 500, ErrorCode.CONNECTION),
    ],
)
async def test_garbage_is_an_error_and_never_said(content: bytes, status: int, code: str) -> None:
    async with site(body(content, status)) as here:
        with pytest.raises(PatterError) as raised:
            await asked(here)
    assert raised.value.code == code and raised.value.fix


async def test_pieces_come_as_they_are_sent_until_it_is_done() -> None:
    got: list[Any] = []
    answer = frames(
        {"text": "Five "}, {"text": "to eleven."}, {"done": True}, {"text": "x"}, got=got
    )
    async with site(answer) as here:
        assert "".join(await asked(here, "ws", "the-secret")) == "Five to eleven."
    [(message, headers)] = got
    assert message == MESSAGE
    sent = orjson.dumps(MESSAGE)
    assert is_signed(sent, headers[SIGNATURE], "the-secret", wall=LoopClock().wall())


async def test_a_socket_that_is_closed_properly_has_said_everything() -> None:
    async with site(frames({"text": "Five."})) as here:
        assert await asked(here, "ws") == ["Five."]


@pytest.mark.parametrize(
    "answer",
    [
        frames({"text": "Five"}, code=1011),
        frames(b"\x00"),
        frames("no json"),
        frames([1]),
        frames({"text": 5}),
        frames({"text": "a" * (64 * 1024)}),
        frames(*[{"text": "a" * 1024}] * 65),
        body(b"no socket here"),
    ],
)
async def test_a_socket_that_breaks_or_says_garbage_is_an_error(answer: Answer) -> None:
    async with site(answer) as here:
        with pytest.raises(PatterError):
            await asked(here, "ws")


@pytest.mark.parametrize("scheme", ["http", "ws"])
async def test_a_service_that_never_answers_is_given_up(scheme: str) -> None:
    async def never(request: web.Request) -> web.StreamResponse:
        if scheme == "ws":
            socket = web.WebSocketResponse()
            await socket.prepare(request)
            await socket.receive()
        await asyncio.sleep(5)
        return web.Response()

    async with site(never) as here:
        with pytest.raises(PatterError) as raised:
            await asked(here, scheme)
        assert raised.value.code == ErrorCode.TIMEOUT


@pytest.mark.parametrize("scheme", ["http", "ws"])
async def test_a_service_that_is_not_there_is_an_error(scheme: str) -> None:
    with pytest.raises(PatterError) as raised:
        await asked(Site("http://127.0.0.1:1/", 1), scheme)
    assert raised.value.code == ErrorCode.CONNECTION


@pytest.mark.parametrize("url", ["https://127.1/", "ws://localhost/", "ftp://example.com"])
def test_an_address_inside_is_refused_when_the_phone_is_to_serve(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PATTER_EGRESS_ALLOW")
    with pytest.raises(EgressError):
        RemoteMessageHandler(url)


def test_an_address_is_told_from_a_model() -> None:
    assert is_remote_url("HTTPS://example.com") and is_remote_url("wss://example.com")
    assert not any(map(is_remote_url, ("openai/gpt-4o", None, print, "http:")))
    assert is_websocket_url("ws://x") and not is_websocket_url("https://x")


async def test_the_caller_hears_the_service_and_an_apology_when_it_is_gone() -> None:
    left: list[Callable[[], web.Response]] = [
        lambda: web.json_response({"text": "Five to eleven."})
    ]

    async def answer(_: web.Request) -> web.Response:
        return left.pop()() if left else web.Response(status=500)

    async with site(answer) as here, lab(on_message_plan(RemoteMessageHandler(here.url))) as call:
        assert await call.says("when are you open") == "Five to eleven."
        assert "something went wrong" in await call.says("and on sundays")
    first, second = (orjson.loads(sent) for _, sent in here.requests)
    assert first["text"] == "when are you open"
    assert [row["text"] for row in second["history"]][:2] == [
        "when are you open",
        "Five to eleven.",
    ]
