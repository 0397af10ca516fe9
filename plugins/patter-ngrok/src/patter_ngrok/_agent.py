"""Requests to the local agent: answers are bounded in time and size, no redirect is followed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import attrs

from patter.errors import PatterError, ProviderError
from patter_ngrok import _wire
from patter_ngrok._refusal import absent, broken, is_not_yet, refused

log = logging.getLogger("patter.ngrok")
ANSWER_BYTES = 1_000_000
ASK_EVERY_S, REMOVE_S = 0.25, 0.8
_JSON = {"Content-Type": "application/json"}


@attrs.define(eq=False)
class Agent:
    """The agent at *api*. *connecting*: its last answer was that it is not connected yet."""

    api: str
    session: aiohttp.ClientSession
    connecting: bool = attrs.field(default=False, init=False)

    async def tunnels(self) -> list[_wire.AgentTunnel]:
        """What it has now. Raises PatterError."""
        status, body = await self._ask("GET", _wire.TUNNELS)
        if status != 200:
            raise refused(status, _wire.refusal(body))
        return _wire.tunnels(body)

    async def described(self) -> str:
        """What it says of itself, for people. Raises PatterError when it lists no tunnels."""
        await self.tunnels()
        status, body = await self._ask("GET", _wire.STATUS)
        return _wire.agent_description(body if status == 200 else b"")

    async def start(self, port: int, name: str) -> _wire.AgentTunnel:
        """Have it make a tunnel; waits as long as it is connecting. Raises PatterError."""
        while True:
            status, body = await self._ask("POST", _wire.TUNNELS, _wire.request(port, name))
            if status in (200, 201):
                return _wire.tunnel(body)
            reason = _wire.refusal(body)
            self.connecting = is_not_yet(reason)
            if not self.connecting:
                raise refused(status, reason)
            await asyncio.sleep(ASK_EVERY_S)

    async def remove(self, name: str) -> None:
        """Have it end the tunnel called *name*, if there is one; a failure is only logged."""
        try:
            async with asyncio.timeout(REMOVE_S):
                status, body = await self._ask("DELETE", _wire.path_of(name))
        except TimeoutError:
            trouble = "no answer"
        except PatterError as problem:
            gone = isinstance(problem.__cause__, aiohttp.ClientConnectorError)
            trouble = "" if gone else problem.message  # its tunnels went with the agent
        else:
            trouble = "" if status in (204, 404) else f"HTTP {status} {_wire.refusal(body)}"
        if trouble:
            log.warning("the ngrok tunnel %s may still be open (%s): end the agent", name, trouble)

    async def _ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        url = self.api + path
        try:
            async with self.session.request(
                method, url, data=body, headers=_JSON, allow_redirects=False
            ) as answer:
                return answer.status, await _bounded(answer.content)
        except aiohttp.ClientConnectorError as exc:
            raise absent(self.api) from exc
        except aiohttp.ClientError as exc:
            raise broken(self.api) from exc


@asynccontextmanager
async def agent_at(api: str) -> AsyncIterator[Agent]:
    """Talk to the agent at *api* for the length of the body; whoever asks bounds the wait."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)) as session:
        yield Agent(api, session)


async def _bounded(content: aiohttp.StreamReader) -> bytes:
    body = bytearray()
    async for piece in content.iter_any():
        body += piece
        if len(body) > ANSWER_BYTES:
            raise ProviderError(
                f"the ngrok agent answered with more than {ANSWER_BYTES} bytes",
                fix="pass Ngrok(api=...) with the address of an ngrok agent",
            )
    return bytes(body)
