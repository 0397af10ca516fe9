"""A socket to a vendor fails in our words, and no wait of it is endless."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import pytest
from aiohttp import WSMsgType, web
from yarl import URL

from patter.client_pool import client_pool
from patter.errors import ErrorCode, PatterError, ProviderError
from patter.vendors import requests
from patter.vendors.errors import VendorErrors
from patter.vendors.events import SessionEvents
from patter.vendors.options import socket_url
from patter.vendors.requests import checked, warmed_connection
from patter.vendors.sockets import decoded, vendor_socket
from patter_testing import site

ERRORS = VendorErrors("Parrot", "PARROT_API_KEY", "status.parrot.example")


@attrs.define(eq=False)
class Vendor:
    """Echoes; closes with a code when it is told to, and remembers what it was told last."""

    heard: list[str | bytes] = attrs.field(factory=list)
    ports: set[int] = attrs.field(factory=set)

    async def talk(self, request: web.Request) -> web.WebSocketResponse:
        if request.query.get("status"):
            raise _refusal(request)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            self.heard.append(message.data)
            if message.data == "close":
                await socket.close(code=4001, message=b"enough")
            elif message.data == "vanish" and request.transport is not None:
                request.transport.abort()
            elif message.type is WSMsgType.TEXT:
                await socket.send_str(message.data)
            else:
                await socket.send_bytes(message.data)
        return socket

    async def who(self, request: web.Request) -> web.Response:
        assert request.transport is not None
        self.ports.add(request.transport.get_extra_info("peername")[1])
        if request.headers.get("Authorization") != "Bearer k":
            return web.json_response({"error": "no"}, status=401)
        return web.json_response(
            {"name": "polly"}, headers={"Date": "Thu, 01 Jan 1970 00:00:10 GMT"}
        )


def _refusal(request: web.Request) -> web.HTTPException:
    return web.HTTPTooManyRequests(headers={"Retry-After": request.query["status"]})


@asynccontextmanager
async def vendor() -> AsyncIterator[tuple[Vendor, str]]:
    double = Vendor()
    app = web.Application()
    app.router.add_get("/talk", double.talk)
    app.router.add_get("/who", double.who)
    async with site(app) as url:
        yield double, url


async def test_what_is_sent_is_heard_and_the_goodbye_is_the_last() -> None:
    async with vendor() as (double, url):
        async with vendor_socket(
            socket_url(url, "/talk"), errors=ERRORS, goodbye="goodbye"
        ) as socket:
            await socket.send("hello")
            await socket.send(b"\x01")
            assert [await socket.receive(), await socket.receive()] == ["hello", b"\x01"]
        await asyncio.sleep(0.05)
    assert double.heard[-1] == "goodbye"


async def test_a_closed_socket_tells_why() -> None:
    async with (
        vendor() as (_, url),
        vendor_socket(socket_url(url, "/talk"), errors=ERRORS) as socket,
    ):
        await socket.send("close")
        with pytest.raises(PatterError, match=r"\(4001, enough\)"):
            async for _message in socket:
                raise AssertionError("nothing was said")


async def test_a_line_that_breaks_is_an_error_that_may_pass() -> None:
    async with (
        vendor() as (_, url),
        vendor_socket(socket_url(url, "/talk"), errors=ERRORS) as socket,
    ):
        await socket.send("vanish")
        with pytest.raises(PatterError) as caught:
            await socket.receive()
        assert caught.value.passing
        with pytest.raises(PatterError):
            for _ in range(3):
                await socket.send("again")
                await asyncio.sleep(0.01)


@asynccontextmanager
async def deaf() -> AsyncIterator[str]:
    """A vendor that opens sockets and reads nothing from them."""

    async def talk(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        assert isinstance(request.transport, asyncio.ReadTransport)
        request.transport.pause_reading()
        await asyncio.get_running_loop().create_future()
        return socket

    app = web.Application()
    app.router.add_get("/talk", talk)
    async with site(app, handler_cancellation=True) as url:
        yield url


async def test_a_line_that_takes_nothing_fails_each_message_and_cancels_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("patter.vendors.sockets.SEND_S", 0.1)
    much, loop = bytes(16 << 20), asyncio.get_running_loop()
    async with deaf() as url:
        opened = vendor_socket(socket_url(url, "/talk"), errors=ERRORS, goodbye=bytes(1 << 20))
        async with opened as socket:
            with pytest.raises(PatterError) as first:
                await socket.send(much)
            with pytest.raises(PatterError) as second:
                await socket.send(much)
            begun = loop.time()
        assert loop.time() - begun < 1.0
    assert (first.value.code, second.value.code) == (ErrorCode.TIMEOUT, ErrorCode.CONNECTION)


async def test_who_is_cancelled_while_a_line_takes_nothing_is_cancelled() -> None:
    async with (
        deaf() as url,
        vendor_socket(socket_url(url, "/talk"), errors=ERRORS) as socket,
    ):
        sending = asyncio.ensure_future(socket.send(bytes(16 << 20)))
        await asyncio.sleep(0.1)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending


async def test_a_message_that_is_too_long_ends_the_socket() -> None:
    async with (
        vendor() as (_, url),
        vendor_socket(socket_url(url, "/talk"), errors=ERRORS, most_bytes=100) as socket,
    ):
        await socket.send("x" * 99)
        assert await socket.receive() == "x" * 99
        await socket.send("x" * 101)
        with pytest.raises(PatterError) as caught:
            await socket.receive()
    assert caught.value.code is ErrorCode.CONNECTION


async def test_a_refused_handshake_is_worded_by_the_plugin_if_it_wants() -> None:
    async with vendor() as (_, url):
        with pytest.raises(PatterError) as ours:
            async with vendor_socket(
                socket_url(url, "/talk"), errors=ERRORS, query=[("status", "3")]
            ):
                raise AssertionError("it was refused")
        with pytest.raises(ProviderError, match="in my words: 429"):
            async with vendor_socket(
                socket_url(url, "/talk"),
                errors=ERRORS,
                query=[("status", "3")],
                refused=lambda answer: ProviderError(f"in my words: {answer.status}", fix="-"),
            ):
                raise AssertionError("it was refused")
    assert ours.value.code is ErrorCode.RATE_LIMIT


async def test_a_vendor_that_does_not_answer_is_waited_for_as_long_as_is_said() -> None:
    async with await asyncio.start_server(_silent, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(PatterError) as caught:
            async with vendor_socket(f"ws://127.0.0.1:{port}", errors=ERRORS, connect_s=0.05):
                raise AssertionError("nobody answered")
        assert caught.value.code is ErrorCode.TIMEOUT
        with pytest.raises(PatterError) as caught:
            await checked(f"http://127.0.0.1:{port}", errors=ERRORS, headers={}, answer_s=0.05)
    assert caught.value.code is ErrorCode.TIMEOUT


async def _silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


async def test_what_is_raised_inside_comes_out_bare() -> None:
    async with vendor() as (_, url):
        with pytest.raises(ZeroDivisionError):
            async with vendor_socket(socket_url(url, "/talk"), errors=ERRORS):
                raise ZeroDivisionError


async def test_a_warm_connection_is_the_one_that_is_used() -> None:
    async with vendor() as (double, url), client_pool():
        await warmed_connection(f"{url}/who", ERRORS)
        headers = {"Authorization": "Bearer k"}
        report = await checked(
            f"{url}/who", errors=ERRORS, headers=headers, text=lambda body: body["name"]
        )
    assert (report.text, report.wall) == ("polly", 10.0)
    assert len(double.ports) == 1


async def test_an_answer_that_comes_in_pieces_is_read_to_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def pieces(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        for part in (b'{"na', b'me": ', b'"polly"}'):
            await answer.write(part)
            await asyncio.sleep(0.01)
        return answer

    app = web.Application()
    app.router.add_get("/who", pieces)

    async def name(url: str) -> str:
        return (await checked(url, errors=ERRORS, headers={}, text=lambda body: body["name"])).text

    async with site(app) as url:
        assert await name(f"{url}/who") == "polly"
        monkeypatch.setattr(requests, "MOST_BYTES", 8)
        with pytest.raises(ProviderError, match="Parrot sent"):
            await name(f"{url}/who")


async def test_a_refusal_may_show_that_the_key_is_good() -> None:
    async with vendor() as (_, url):
        report = await checked(
            f"{url}/who",
            errors=ERRORS,
            headers={},
            refused=lambda status, body, _: f"{status} {body}",
        )
    assert report.text == "401 {'error': 'no'}"
    assert report.wall is not None


async def test_a_signed_address_is_taken_as_it_is() -> None:
    app, asked = web.Application(), list[str]()

    async def talk(request: web.Request) -> web.WebSocketResponse:
        asked.append(request.raw_path)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        return socket

    app.router.add_get("/talk", talk)
    async with site(app) as url:
        signed = URL(f"{url}/talk?signature=a%7Eb%2Bc", encoded=True)
        async with vendor_socket(signed, errors=ERRORS):
            pass
    assert asked == ["/talk?signature=a%7Eb%2Bc"]


async def test_a_key_that_is_refused_is_told_so() -> None:
    async with vendor() as (_, url):
        with pytest.raises(PatterError) as caught:
            await checked(f"{url}/who", errors=ERRORS, headers={})
    assert caught.value.code is ErrorCode.AUTH


@pytest.mark.parametrize("message", ["not json", "[1]", b"\xff"])
def test_what_is_no_object_is_garbled(message: str | bytes) -> None:
    with pytest.raises(ProviderError, match="Parrot sent"):
        decoded(message, ERRORS)
    assert decoded('{"a": 1}', ERRORS) == {"a": 1}


async def test_events_end_in_order_or_with_what_ended_them() -> None:
    events = SessionEvents[int]("Parrot")
    events.put(1)
    events.fail(ERRORS.hung_up(1011))
    events.fail(ERRORS.late())
    with pytest.raises(PatterError, match="1011"):
        async for _ in events:
            continue
    with pytest.raises(PatterError, match="1011"):
        events.check_open()
    over = SessionEvents[int]("Parrot")
    over.check_open()
    assert over.over is None
    over.put(1)
    over.end()
    assert [event async for event in over] == []
    assert "has ended" in str(over.over)
    with pytest.raises(PatterError, match="has ended"):
        over.check_open()


async def test_a_key_does_not_follow_a_redirect() -> None:
    elsewhere = list[web.Request]()

    async def listen(request: web.Request) -> web.Response:
        elsewhere.append(request)
        return web.Response()

    async def move(_: web.Request) -> web.Response:
        raise web.HTTPTemporaryRedirect("/elsewhere")

    app = web.Application()
    app.add_routes([web.get("/moved", move), web.get("/elsewhere", listen)])
    async with site(app) as url:
        moved = vendor_socket(f"{url}/moved", errors=ERRORS, headers={"xi-api-key": "k"})
        with pytest.raises(PatterError) as caught:
            await moved.__aenter__()
    assert caught.value.code is ErrorCode.CONNECTION
    assert not elsewhere


async def test_the_failure_of_work_is_for_who_reads() -> None:
    events = SessionEvents[int]("Parrot")

    async def work() -> None:
        raise ERRORS.late()

    await events.guarded(work)
    with pytest.raises(PatterError):
        async for _ in events:
            continue


async def test_work_lasts_as_long_as_its_session() -> None:
    events, ends = SessionEvents[int]("Parrot"), list[str]()

    async def wait() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ends.append("has ended" if events.over else "")

    async with events.working(wait, wait):
        await asyncio.sleep(0)
        events.put(1, 2)
        assert [await anext(aiter(events)) for _ in range(2)] == [1, 2]
        assert not ends
    assert ends == ["has ended", "has ended"], "who waits for it can be told why"
