"""The server from outside: real sockets on loopback, good requests and bad ones."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import os
import signal
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

import aiohttp
import attrs
import pytest
from aiohttp import ClientResponse, ClientSession, WSMsgType, web

from patter.errors import PatterConfigError, PatterError
from patter.providers.carrier import CallOutcome, Carrier, CarrierCall, Incoming
from patter.server.admission import Limits
from patter.server.app import Server, Serving
from patter.server.drain import Drain
from patter.server.ports import bind_error, holder
from patter_testing import FakeCarrier

from .house import House, Leg


@attrs.frozen(kw_only=True)
class Tin(FakeCarrier):
    """A carrier of two tins and a string: JSON webhooks, media without audio."""

    name: str = "tin"

    def routes(self) -> list[web.RouteDef]:
        switchboard = self.boards[-1]

        async def voice(request: web.Request) -> web.Response:
            ticket = await switchboard.register(Incoming(**await request.json()))
            return web.json_response({"id": ticket.call_id, "media": ticket.media_url})

        async def status(request: web.Request) -> web.Response:
            body = await request.json()
            outcome = CallOutcome(body["outcome"]) if body.get("outcome") else None
            await switchboard.report(CarrierCall("tin", body["id"]), body["status"], outcome)
            return web.Response(status=204)

        async def media(request: web.Request) -> web.WebSocketResponse:
            ws = web.WebSocketResponse()
            await ws.prepare(request)
            await switchboard.attach(request.match_info.get("token", ""), Leg())
            await ws.close()
            return ws

        async def left(request: web.Request) -> web.StreamResponse:
            assert request.transport is not None
            request.transport.close()  # as when its client hangs up now
            socket = web.WebSocketResponse()
            await socket.prepare(request)
            return socket

        async def broken(request: web.Request) -> web.Response:
            raise RuntimeError("secret detail")

        return [
            web.post("/webhooks/tin/voice", voice),
            web.post("/webhooks/tin/status", status),
            web.get("/media/tin/{token}", media),
            web.get("/media/tin/", media),
            web.get("/webhooks/tin/broken", broken),
            web.get("/webhooks/tin/left", left),
        ]


Serve: TypeAlias = Callable[..., AbstractAsyncContextManager[tuple[Serving, ClientSession]]]


@pytest.fixture
def serve(house: House) -> Serve:
    """Open a server on a free port, and a client for it."""

    @asynccontextmanager
    async def opened(
        extensions: Any = None, carriers: Iterable[Carrier] = (Tin(),), **settings: Any
    ) -> AsyncIterator[tuple[Serving, ClientSession]]:
        server = Server(**{"port": 0, "stall_ms": 0, "freeze_gc": False, **settings})
        async with (
            server.open(
                house.start,
                carriers=carriers,
                extensions=extensions,
                on_call_end=house.on_call_end,
                on_detected=house.on_detected,
            ) as serving,
            ClientSession(serving.url) as client,
        ):
            yield serving, client

    return opened


async def ring(client: ClientSession, carrier_call_id: str = "CA1") -> dict[str, Any]:
    body = {"carrier": "tin", "carrier_call_id": carrier_call_id}
    async with client.post("/webhooks/tin/voice", json=body) as answer:
        assert answer.status == 200, await answer.text()
        ticket: dict[str, Any] = await answer.json()
        return ticket


async def refusal(answer: ClientResponse) -> dict[str, Any]:
    error: dict[str, Any] = (await answer.json())["error"]
    assert set(error) == {"code", "message", "fix"}
    assert error["fix"]
    return error


async def test_health_says_ok(serve: Serve) -> None:
    async with serve() as (_, client), client.get("/health") as answer:
        assert (answer.status, await answer.json()) == (200, {"status": "ok", "mode": "local"})


async def test_a_call_over_real_sockets_from_webhook_to_end(serve: Serve, house: House) -> None:
    async with serve() as (serving, client):
        ticket = await ring(client)
        assert ticket["media"].startswith(f"ws://127.0.0.1:{serving.port}/media/tin/")
        async with client.ws_connect(ticket["media"]) as media:
            while not house.sessions:
                await asyncio.sleep(0.001)
            house.sessions[ticket["id"]].over.set()
            assert (await media.receive()).type is WSMsgType.CLOSE
        await serving.switchboard.idle()
    assert house.outcomes == ["completed"]


async def test_media_goes_where_carriers_reach_us(serve: Serve) -> None:
    async with serve(public_host="one.example") as (serving, client):
        assert (await ring(client, "1"))["media"].startswith("wss://one.example/media/tin/")
        serving.reachable_at("two.example")
        assert (await ring(client, "2"))["media"].startswith("wss://two.example/media/tin/")


async def test_it_is_ready_only_inside_every_scope_and_before_the_request_to_stop(
    serve: Serve,
) -> None:
    seen: dict[str, int] = {}

    class Extension:
        def load_extensions(self) -> None: ...

        def add_routes(self, router: web.UrlDispatcher, server: Any) -> None:
            async def hello(_: web.Request) -> web.Response:
                return web.Response(text="hello")

            router.add_get("/hello", hello)

        @asynccontextmanager
        async def scope(self, server: Any) -> AsyncIterator[None]:
            async with ClientSession(server.url) as client:
                for path in ("/ready", "/health"):
                    async with client.get(path) as answer:
                        seen[path] = answer.status
                body = {"carrier": "tin", "carrier_call_id": "early"}
                async with client.post("/webhooks/tin/voice", json=body) as answer:
                    seen["ring"] = answer.status
            yield
            seen["left with"] = len(server.switchboard.calls)

        def server_scopes(self, server: Any) -> list[AbstractAsyncContextManager[None]]:
            return [self.scope(server)]

    async with serve(Extension(), drain=Drain(drain_ms=50)) as (serving, client):
        assert seen == {"/ready": 503, "/health": 200, "ring": 503}
        async with client.get("/ready") as answer:
            assert answer.status == 200
        async with client.get("/hello") as answer:
            assert await answer.text() == "hello"
        await ring(client)
        serving.switchboard.drain(1_000)
        async with client.get("/ready") as answer:
            assert (answer.status, (await answer.json())["status"]) == (503, "draining")
        async with client.get("/health") as answer:
            assert answer.status == 200
        body = {"carrier": "tin", "carrier_call_id": "late"}
        async with client.post("/webhooks/tin/voice", json=body) as answer:
            assert answer.status == 503
            assert answer.headers["Retry-After"]
            assert "draining" in (await refusal(answer))["message"]
    assert seen["left with"] == 0


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[1, 2", b'{"a":' * 1_000])
async def test_a_malformed_body_is_a_400_with_advice(serve: Serve, body: bytes) -> None:
    async with serve() as (_, client):
        headers = {"Content-Type": "application/json"}
        async with client.post("/webhooks/tin/voice", data=body, headers=headers) as answer:
            assert answer.status == 400
            assert (await refusal(answer))["code"] == "INPUT_VALIDATION"
        await ring(client)


async def test_a_body_that_says_it_is_huge_is_refused_unread(serve: Serve) -> None:
    async with serve() as (serving, client):
        head = (
            b"POST /webhooks/tin/voice HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000000\r\n\r\n"
        )
        reader, writer = await asyncio.open_connection("127.0.0.1", serving.port)
        writer.write(head + b"x" * 100)
        assert b" 413 " in await reader.readline()
        writer.close()
        await writer.wait_closed()
        await ring(client)


async def test_an_endless_body_is_refused_at_the_limit(serve: Serve) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 100_000_000:
            sent += 16_384
            yield b"x" * 16_384

    async with serve(body_limit=65_536) as (_, client):
        async with client.post("/webhooks/tin/voice", data=endless()) as answer:
            assert answer.status == 413
            assert (await refusal(answer))["code"] == "INPUT_VALIDATION"
        assert sent < 100_000_000


async def test_a_body_that_does_not_come_is_not_waited_for(serve: Serve) -> None:
    async with serve(body_ms=20) as (serving, client):
        head = b"POST /webhooks/tin/voice HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"
        reader, writer = await asyncio.open_connection("127.0.0.1", serving.port)
        writer.write(head)
        assert b" 408 " in await reader.readline()
        writer.close()
        await writer.wait_closed()
        await ring(client)


async def test_a_connection_that_says_nothing_is_dropped(serve: Serve) -> None:
    async with serve(body_ms=20) as (serving, client):
        for start in (b"", b"GET /health HTTP/1.1\r\nHost:"):
            reader, writer = await asyncio.open_connection("127.0.0.1", serving.port)
            writer.write(start)
            with contextlib.suppress(ConnectionResetError):
                assert await reader.read() == b""
            writer.close()
            with contextlib.suppress(ConnectionResetError):
                await writer.wait_closed()
        await ring(client)


async def test_a_handler_s_failure_says_nothing_of_its_inside(serve: Serve) -> None:
    async with serve() as (_, client), client.get("/webhooks/tin/broken") as answer:
        assert answer.status == 500
        assert "secret detail" not in await answer.text()
        assert (await refusal(answer))["code"] == "INTERNAL"


async def test_who_leaves_before_the_handshake_is_no_failure_of_the_server(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    async with serve() as (_, client):
        with pytest.raises(aiohttp.ClientError):
            await client.ws_connect("/webhooks/tin/left")
        await ring(client)
    assert not caplog.records


async def closing(client: ClientSession, path: str) -> tuple[int | None, str]:
    """The code and reason a media socket is closed with."""
    async with client.ws_connect(path) as media:
        message = await media.receive()
        assert message.type is WSMsgType.CLOSE
        return message.data, message.extra or ""


async def test_media_sockets_without_a_good_token_are_refused_before_their_handshake(
    serve: Serve, house: House
) -> None:
    async with serve() as (_, client):
        ticket = await ring(client)
        token = ticket["media"].rpartition("/")[2]
        for wrong in ("wrong", f"{token[:-3]}AAA"):
            with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
                await closing(client, f"/media/tin/{wrong}")
        code, reason = await closing(client, "/media/tin/")
        assert code == aiohttp.WSCloseCode.POLICY_VIOLATION
        assert "no token" in reason
        assert house.sessions == {}


async def test_a_token_is_in_no_log_and_no_answer(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    async with serve() as (_, client), client.get("/media/tin/hunter2") as answer:
        assert "hunter2" not in await answer.text()
    assert "/media/tin/..." in caplog.text
    assert "hunter2" not in caplog.text


async def test_a_second_socket_and_one_after_the_end_are_closed(serve: Serve, house: House) -> None:
    async with serve() as (serving, client):
        ticket = await ring(client)
        async with client.ws_connect(ticket["media"]) as media:
            while not house.sessions:
                await asyncio.sleep(0.001)
            assert "held" in (await closing(client, ticket["media"]))[1]
            house.sessions[ticket["id"]].over.set()
            await media.receive()
        await serving.switchboard.idle()
        assert "used up" in (await closing(client, ticket["media"]))[1]
    assert len(house.sessions[ticket["id"]].legs) == 1


async def test_one_address_cannot_take_all_sockets_and_calls_with_tokens_are_not_counted(
    serve: Serve, house: House
) -> None:
    async with serve(limits=Limits(open_requests=2)) as (_, client):
        media = []
        for number in range(4):
            ticket = await ring(client, str(number))
            media.append(await client.ws_connect(ticket["media"]))
            while ticket["id"] not in house.sessions:
                await asyncio.sleep(0.001)
        for session in house.sessions.values():
            session.over.set()
        for each in media:
            await each.close()


async def test_a_flood_from_one_address_gets_429_and_health_still_answers(serve: Serve) -> None:
    async with serve(limits=Limits(requests_per_s=0.1, burst=3)) as (_, client):
        for number in range(3):
            await ring(client, str(number))
        spoofed = {"X-Forwarded-For": "198.51.100.7"}
        body = {"carrier": "tin", "carrier_call_id": "4"}
        async with client.post("/webhooks/tin/voice", json=body, headers=spoofed) as answer:
            assert answer.status == 429
            assert (await refusal(answer))["code"] == "RATE_LIMIT"
        async with client.get("/health") as answer:
            assert answer.status == 200


async def test_a_packed_body_is_refused_unopened(serve: Serve) -> None:
    async with serve() as (_, client):
        headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
        async with client.post("/webhooks/tin/voice", data=b"x" * 99, headers=headers) as answer:
            assert answer.status == 415
            assert "Content-Encoding" in (await refusal(answer))["fix"]


async def test_a_trusted_proxy_s_callers_count_apart(serve: Serve) -> None:
    limits = Limits(requests_per_s=0.1, burst=1, trusted_proxies=("127.0.0.1",))
    async with serve(limits=limits) as (_, client):
        statuses = []
        for address in ("198.51.100.7", "198.51.100.8", "198.51.100.7"):
            body = {"carrier": "tin", "carrier_call_id": address}
            headers = {"X-Forwarded-For": address}
            async with client.post("/webhooks/tin/voice", json=body, headers=headers) as answer:
                statuses.append(answer.status)
    assert statuses == [200, 200, 429]


async def test_a_taken_port_names_who_has_it_and_the_next(house: House) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PatterConfigError) as refused:
            async with Server(port=port, stall_ms=0).open(house.start):
                pass
    assert refused.value.message == f"port {port} is in use by process {os.getpid()}"
    assert refused.value.fix == f"--port {port + 1}"


async def test_a_host_that_is_not_ours_is_named(house: House) -> None:
    with pytest.raises(PatterConfigError, match=r"192\.0\.2\.1"):
        async with Server(host="192.0.2.1", port=0, stall_ms=0).open(house.start):
            pass


def test_a_forbidden_port_says_so() -> None:
    error = bind_error("0.0.0.0", 80, PermissionError(errno.EACCES, "Permission denied"))
    assert "port 80" in error.message
    assert holder(1) is None


async def test_a_terminated_server_drains_and_says_that_no_call_was_cut(
    serve: Serve, house: House
) -> None:
    async with serve(drain=Drain(drain_ms=5_000)) as (serving, client):
        ticket = await ring(client)
        async with client.ws_connect(ticket["media"]), asyncio.TaskGroup() as tasks:
            while not house.sessions:
                await asyncio.sleep(0.001)
            stopped = tasks.create_task(serving.until_stopped())
            await asyncio.sleep(0)
            os.kill(os.getpid(), signal.SIGTERM)
            session = house.sessions[ticket["id"]]
            while not session.events:
                await asyncio.sleep(0.001)
            assert not serving.ready
            session.over.set()
        assert await stopped is True
    assert house.outcomes == ["completed"]


async def test_the_second_signal_stops_at_once(serve: Serve, house: House) -> None:
    async with serve(drain=Drain(drain_ms=60_000)) as (serving, client):
        ticket = await ring(client)
        async with client.ws_connect(ticket["media"]), asyncio.TaskGroup() as tasks:
            while not house.sessions:
                await asyncio.sleep(0.001)
            stopped = tasks.create_task(serving.until_stopped())
            await asyncio.sleep(0)
            os.kill(os.getpid(), signal.SIGINT)
            while serving.ready:
                await asyncio.sleep(0.001)
            os.kill(os.getpid(), signal.SIGINT)
            assert await stopped is False
            house.sessions[ticket["id"]].lost.set()
    assert house.reasons == ["the server stopped"]


async def test_nothing_is_left_after_a_server_was_there(serve: Serve, house: House) -> None:
    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    async def once() -> None:
        async with serve(stall_ms=200, freeze_gc=True) as (_, client):
            ticket = await ring(client)
            async with client.ws_connect(ticket["media"]) as media:
                while ticket["id"] not in house.sessions:
                    await asyncio.sleep(0.001)
                house.sessions[ticket["id"]].over.set()
                await media.receive()

    await once()
    gc.collect()
    tasks, before, frozen = len(asyncio.all_tasks()), descriptors(), gc.get_freeze_count()
    await once()
    gc.collect()
    assert len(asyncio.all_tasks()) == tasks
    assert descriptors() <= before
    assert gc.get_freeze_count() <= frozen
    assert "patter-stalls" not in {thread.name for thread in threading.enumerate()}


async def test_a_server_that_fails_inside_is_taken_down_whole(serve: Serve, house: House) -> None:
    with pytest.raises(PatterError, match="inside"):
        async with serve() as (_, client):
            ticket = await ring(client)
            await client.ws_connect(ticket["media"])
            while not house.sessions:
                await asyncio.sleep(0.001)
            raise PatterError("inside", fix="none")
    assert len(house.ended) == 1
