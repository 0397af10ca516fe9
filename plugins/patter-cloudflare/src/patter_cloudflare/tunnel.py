"""A public address from Cloudflare, without an account: settings, and the wait until it works.

It is open when the name was given *and* the edge took the connection *and* cloudflared's own
``/ready`` says so. The name is never looked up before: a resolver that is asked too early
remembers for a while that there is none.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, ClassVar

import aiohttp
import attrs
from attrs.validators import gt, in_, le

from patter.errors import PatterConnectionError
from patter.providers.health import HealthReport
from patter.providers.tunnel import Tunnel
from patter_cloudflare._failure import Ending
from patter_cloudflare._output import version_in
from patter_cloudflare._process import Process, log, running

ASK_EVERY_S, ANSWER_S = 0.1, 2.0
VERSION_S, END_VERSION_S = 3.0, 0.2


@attrs.frozen(kw_only=True)
class CloudflareTunnel:
    """How to run cloudflared. Immutable; each `open` runs one of its own.

    *binary*: its name on PATH, or where it is. *start_s*: how long it may take to be ready.
    *end_s*: how long it may take to end before it is killed. *protocol*: to the edge,
    ``auto``, ``quic`` or ``http2``; empty leaves it to cloudflared. *config*: a file for it
    to read; without, it reads none, for ingress rules of another tunnel in
    ``~/.cloudflared/config.yml`` would answer every call with 404.
    """

    hostname: ClassVar[str] = ""
    """Every run gets another."""
    hosts: ClassVar[tuple[str, ...]] = (
        "api.trycloudflare.com",
        "region1.v2.argotunnel.com",
        "region2.v2.argotunnel.com",
    )

    binary: str = "cloudflared"
    start_s: float = attrs.field(default=30.0, converter=float, validator=[gt(0), le(600)])
    end_s: float = attrs.field(default=2.0, converter=float, validator=[gt(0), le(60)])
    protocol: str = attrs.field(default="", validator=in_(("", "auto", "quic", "http2")))
    config: str = ""

    @asynccontextmanager
    async def open(self, port: int) -> AsyncIterator[str]:
        """Run it for local *port*; yields ``words.trycloudflare.com``.

        Raises PatterConnectionError, RateLimitError, PatterTimeoutError. Should it end while
        open, that is logged with what to do; the address is lost.
        """
        async with running([self._program(), *self._arguments(port)], end_s=self.end_s) as process:
            await self._wait_until_ready(process)
            process.on_over = lambda: log.error("%s", self._ending(process).lost())
            yield process.seen.host

    async def check(self) -> HealthReport:
        """Is cloudflared there, and which? It is asked for its version and for nothing else.

        Raises PatterConnectionError, PatterTimeoutError.
        """
        limit_s = min(self.start_s, VERSION_S)
        async with running([self._program(), "--version"], end_s=END_VERSION_S) as process:
            with suppress(TimeoutError):
                async with asyncio.timeout(limit_s):
                    await process.until(lambda: process.over or bool(version_in(process.last)))
            version = version_in(process.last)
            if not version and process.status != 0:
                raise self._ending(process).unusable(limit_s)
        return HealthReport(text=f"cloudflared {version}".rstrip())

    def _program(self) -> str:
        if (path := shutil.which(self.binary)) is None:
            raise PatterConnectionError(
                f"{self.binary} is not on PATH",
                fix="install cloudflared, or pass --webhook-url HOST",
            )
        return path

    def _arguments(self, port: int) -> list[str]:
        """What is said here is not taken from its TUNNEL_... variables."""
        arguments = ["tunnel", "--config", self.config or os.devnull]
        arguments += ["--url", f"http://127.0.0.1:{port}", "--no-autoupdate"]
        arguments += ["--metrics", "127.0.0.1:0", "--loglevel", "info"]
        return [*arguments, "--protocol", self.protocol] if self.protocol else arguments

    async def _wait_until_ready(self, process: Process) -> None:
        try:
            async with asyncio.timeout(self.start_s):
                await process.until(lambda: process.over or process.seen.named_and_registered)
                await _until_ready(process)
        except TimeoutError:
            raise self._ending(process).late(self.start_s) from None
        if process.over:
            raise self._ending(process).early()

    def _ending(self, process: Process) -> Ending:
        return Ending(self.binary, process.seen, process.last, process.status, self.config)


async def _until_ready(process: Process) -> None:
    """Poll ``/ready`` until it succeeds; not in builds that print no address to poll."""
    if not process.seen.metrics:
        return
    limit = aiohttp.ClientTimeout(total=ANSWER_S)
    async with aiohttp.ClientSession(timeout=limit) as session:
        while not process.over:
            if await _says_ready(session, process.seen.metrics):
                return
            await asyncio.sleep(ASK_EVERY_S)


async def _says_ready(session: aiohttp.ClientSession, metrics: str) -> bool:
    try:
        async with session.get(f"http://{metrics}/ready", allow_redirects=False) as answer:
            return answer.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False


if TYPE_CHECKING:
    _: type[Tunnel] = CloudflareTunnel
