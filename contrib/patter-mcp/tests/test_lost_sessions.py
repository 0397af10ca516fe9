"""Servers that keep sessions, and lose them: nothing is lost with one, nothing is done twice."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest
from aiohttp import web

from patter import CallContext, DefaultToolExecutor
from patter.providers.llm import ToolRequest
from patter.tools.executor import ToolOutcome
from patter.tools.tool import Tool
from patter_mcp import mcp_tools

CALL = CallContext(call_id="c1")
KIB = b"x" * 1024


@attrs.define(eq=False)
class Keeper:
    """A server of the years before 2026: it knows sessions, and no ``server/discover``."""

    runs: list[str] = attrs.field(factory=list)
    failure: tuple[int, str] | None = None
    answer: dict[str, Any] | None = None
    endless_kib: int = 0
    _sessions: list[str] = attrs.field(factory=list)

    def forget(self) -> None:
        """As if it was started anew."""
        self._sessions.append("")

    async def take(self, request: web.Request) -> web.StreamResponse:
        if request.method != "POST":
            return web.Response(status=405)
        message = await request.json()
        session = request.headers.get("Mcp-Session-Id", "")
        if message["method"] == "initialize":
            self._sessions.append(f"s{len(self._sessions)}")
            return self._result(message, _HELLO, {"Mcp-Session-Id": self._sessions[-1]})
        if [session] != self._sessions[-1:]:
            return web.Response(status=404)
        if message["method"] == "tools/list":
            return self._result(message, {"tools": [_TOOL]})
        if message["method"] == "tools/call":
            return await self._run(request, message)
        return web.Response(status=202)

    async def _run(self, request: web.Request, message: Any) -> web.StreamResponse:
        self.runs.append(message["params"]["name"])
        if self.endless_kib:
            return await self._endless(request)
        answer = self.answer or {"content": [{"type": "text", "text": "done"}]}
        if self.failure is not None:
            status, text = self.failure
            return web.Response(status=status, text=text)
        return self._result(message, answer)

    async def _endless(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        try:
            for _ in range(64 * 1024):
                await response.write(KIB)
                self.endless_kib += 1
        except ConnectionError:
            pass
        return response

    def _result(
        self, message: Any, result: Any, headers: dict[str, str] | None = None
    ) -> web.Response:
        body = {"jsonrpc": "2.0", "id": message["id"], "result": result}
        return web.json_response(body, headers=headers)


_HELLO = {
    "protocolVersion": "2025-06-18",
    "capabilities": {"tools": {}},
    "serverInfo": {"name": "keeper", "version": "1"},
}
_TOOL = {"name": "book", "description": "Book.", "inputSchema": {"type": "object"}}


async def ran(tool: Tool) -> ToolOutcome:
    executor = DefaultToolExecutor(retry_delay_s=0.3)
    return await executor.execute(tool, ToolRequest("t", tool.name, "{}"), CALL)


def place(url: str) -> dict[str, Any]:
    return {"url": url, "allow_loopback": True}


async def test_a_session_that_is_gone_costs_a_run_nothing(a_site: Any) -> None:
    keeper = Keeper()
    async with a_site(keeper.take) as url, mcp_tools([place(url)]) as (book,):
        assert book.effect == "once"
        assert (await ran(book)).text == "done"
        keeper.forget()
        # The server has refused it, so that even this may be asked for again: in a new session.
        assert (await ran(book)).text == "done"
    assert keeper.runs == ["book", "book"]


@pytest.mark.parametrize(
    "failure",
    [
        {"failure": (500, "")},
        {"failure": (200, "hello")},
        {"answer": {"content": 7}},
    ],
    ids=["broken", "text", "nonsense"],
)
async def test_what_may_have_been_done_is_not_done_twice(a_site: Any, failure: Any) -> None:
    keeper = Keeper(**failure)
    async with a_site(keeper.take) as url, mcp_tools([place(url)]) as (book,):
        outcome = await ran(book)
    assert not outcome.ok
    assert "may still be done" in json.loads(outcome.text)["error"]
    assert keeper.runs == ["book"]


async def test_an_answer_without_end_is_cut_off_and_the_session_stays(a_site: Any) -> None:
    keeper = Keeper(endless_kib=1)
    async with a_site(keeper.take) as url, mcp_tools([place(url)]) as (book,):
        outcome = await ran(book)
        assert not outcome.ok
        # What was on its way when we hung up is in buffers of both sides.
        assert keeper.endless_kib < 32 * 1024
        keeper.endless_kib = 0
        assert (await ran(book)).ok
