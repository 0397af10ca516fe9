"""An ngrok agent on 127.0.0.1, with its API as ngrok.com/docs/agent/api has it, and its moods."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
from aiohttp import web

from patter_testing import site

NOT_YET = "a successful ngrok tunnel session has not yet been established"
STATUS = "/api/status"


@attrs.define(eq=False)
class Agent:
    """Its tunnels by name, and what it was asked.

    *refusal* is what the service says to every new tunnel, *connecting* how many requests
    come before it is connected, *raw* an answer to everything, *mute* no answer at all to
    a method, *breaks* a connection cut instead of one. *status* is what it says of itself.
    """

    tunnels: dict[str, dict[str, Any]] = attrs.field(factory=dict)
    refusal: str = ""
    connecting: int = 0
    raw: tuple[int, bytes] | None = None
    mute: frozenset[str] = frozenset()
    breaks: frozenset[str] = frozenset()
    scheme: str = "https"
    status: bytes | None = b'{"status":"online","agent_version":"3.39.6","session":{"legs":[]}}'
    asked: list[str] = attrs.field(factory=list, init=False)
    muted: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    url: str = attrs.field(default="", init=False)

    def has(self, name: str, address: str, url: str = "https://found.ngrok.app") -> Agent:
        """Have a tunnel that somebody else made."""
        self.tunnels[name] = _detail(name, address, url)
        return self

    async def answer(self, request: web.Request) -> web.Response:
        """Any request."""
        self.asked.append(f"{request.method} {request.path}")
        if self.raw is not None:
            status, body = self.raw
            return web.Response(status=status, body=body, headers={"Location": "/elsewhere"})
        if request.path == STATUS:
            answer = web.Response(status=200 if self.status else 404, body=self.status or b"")
        elif request.method == "POST":
            answer = self._made(await request.json())
        elif request.method == "DELETE":
            answer = self._removed(request.match_info["name"])
        else:
            answer = web.json_response({"tunnels": [*self.tunnels.values()], "uri": request.path})
        if request.method in self.breaks:
            assert request.transport is not None
            request.transport.abort()
        if request.method in self.mute:
            self.muted.set()
            await asyncio.Event().wait()
        return answer

    def _made(self, asked: dict[str, str]) -> web.Response:
        if self.connecting:
            self.connecting -= 1
            return _failed(503, 104, "ngrok is not yet ready to start tunnels", NOT_YET)
        if self.refusal:
            return _failed(502, 103, "failed to start tunnel", self.refusal)
        name, address = asked["name"], f"http://{asked['addr']}"
        assert asked["proto"] == "http"
        assert name not in self.tunnels, "a name that is taken"
        self.tunnels[name] = _detail(name, address, f"{self.scheme}://made.ngrok.app")
        return web.json_response(self.tunnels[name], status=201)

    def _removed(self, name: str) -> web.Response:
        gone = self.tunnels.pop(name, None)
        return web.Response(status=204) if gone else _failed(404, 100, "tunnel not found", "")


@asynccontextmanager
async def running(agent: Agent) -> AsyncIterator[Agent]:
    """Serve *agent*; its `url` is what to give as ``api``."""
    app = web.Application()
    for path in (STATUS, "/api/tunnels", "/api/tunnels/{name}", "/elsewhere"):
        app.router.add_route("*", path, agent.answer)
    async with site(app, handler_cancellation=True) as agent.url:
        yield agent


def _detail(name: str, address: str, url: str) -> dict[str, Any]:
    return {
        "name": name,
        "ID": "5d0af32",
        "uri": f"/api/tunnels/{name}",
        "public_url": url,
        "proto": url.partition(":")[0],
        "config": {"addr": address, "inspect": True},
        "metrics": {"conns": {"count": 0}},
    }


def _failed(status: int, code: int, message: str, reason: str) -> web.Response:
    told = {"error_code": code, "status_code": status, "msg": message, "details": {"err": reason}}
    return web.json_response(told, status=status)
