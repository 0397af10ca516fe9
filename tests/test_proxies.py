"""The proxies of docs/operate carry calls: the files themselves, under Debian's programs.

Only ports, certificates and the pace of health checks differ from what the page shows.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from patter.errors import PatterError
from patter_load.account import account
from patter_load.media_socket import MediaSocket
from patter_load.webhook import Endpoint, client

from .processes import Running, running
from .proxies import HOST, PROGRAMS, Certificate, Proxy, certificate, program, proxy

VOICE = f"https://{HOST}/webhooks/twilio/voice"
SID, TOKEN = "AC" + "0" * 31 + "7", "a token of a test"
SILENT_S, FEW = 1.3, "500ms"
SHORT = {"nginx": {" 2h": f" {FEW}"}, "haproxy": {"tunnel  2h": f"tunnel  {FEW}"}}
"""What the longest silence of a call hangs on; Caddy has no such limit."""
FLOOD, LIMIT_S = 450, 8.0
APP = f"""
import asyncio, json, sys
from patter import Patter, PluginRegistry
from patter_testing import FakeLLM, FakeSTT, FakeTTS
from patter_twilio import Twilio

carrier = Twilio(account_sid={SID!r}, auth_token={TOKEN!r}, api_base=sys.argv[1])
registry = PluginRegistry.from_environment({{}}, source=())
phone = Patter(carrier, "+15550001234", {HOST!r}, persist=False, registry=registry)
agent = phone.agent("", stt=FakeSTT(), llm=FakeLLM(), tts=FakeTTS(ms_per_letter=10), vad="none",
                    first_message="Hello.", idle_ms=())

async def main():
    async with asyncio.TaskGroup() as tasks:
        options = dict(port=0, set_webhook=False, trusted_proxies="127.0.0.1", drain_s=2.0)
        serving = tasks.create_task(phone.serve(agent, **options))
        await phone.ready
        port = int(phone.address.local_url.rpartition(":")[2])
        print(json.dumps({{"port": port}}), flush=True)
    print(json.dumps({{"clean": serving.result()}}), flush=True)

asyncio.run(main())
"""

pytestmark = [
    pytest.mark.patter_timeout(60),
    pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate"),
]


class Line(MediaSocket):
    """A caller who does nothing unless told to, and counts what is heard of the agent."""

    dry_ns = 0

    def __init__(self, url: str, call_sid: str) -> None:
        self.heard = self.clears = 0
        self.news, self.gone = asyncio.Event(), asyncio.Event()
        super().__init__(url, self, account_sid=SID, call_sid=call_sid)

    def plays(self, payload: str, now: int) -> None:
        self.heard += len(payload)
        self.news.set()

    def is_cleared(self, now: int) -> None:
        self.clears += 1

    def over(self) -> None:
        self.gone.set()
        self.news.set()

    async def hears(self) -> None:
        """Wait for sound that was not heard before."""
        before = self.heard
        async with asyncio.timeout(LIMIT_S):
            while self.heard == before:
                self.news.clear()
                await self.news.wait()
                assert not self.gone.is_set(), self.problem


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate(tmp_path_factory.mktemp("certificate"))


LINES: dict[str, Line] = {}
"""The calls by their sids, as the carrier knows them."""


def ended(call_sid: str, wanted: Mapping[str, str]) -> None:
    """The application ends a call: its caller hears the tone."""
    if wanted.get("Status") == "completed":
        LINES[call_sid].hang_up()


@asynccontextmanager
async def phone(folder: Path) -> AsyncIterator[tuple[Running, int]]:
    """A phone in a process of its own, behind proxies of this machine; its port."""
    (folder / "app.py").write_text(APP, encoding="utf-8")
    path = os.pathsep.join(sys.path)
    async with account(ended) as api:
        words = [sys.executable, "app.py", api]
        async with running(folder, words, PYTHONPATH=path) as process:
            yield process, await process.told("port")


def new_sid() -> str:
    return f"CA{os.urandom(16).hex()}"


def endpoint(before: Proxy, own: Certificate) -> Endpoint:
    return Endpoint(
        url=f"https://127.0.0.1:{before.port}/webhooks/twilio/voice",
        public_url=VOICE,
        token=TOKEN,
        account_sid=SID,
        tls=own.trusted(),
    )


async def called(http: aiohttp.ClientSession, way: Endpoint) -> Line:
    """A call whose greeting was heard, through *way*."""
    answer = await way.ring(http, call_sid := new_sid())
    assert answer.url.startswith(f"wss://{HOST}/media/twilio/")
    line = await way.connect(lambda: Line(answer.url, call_sid), answer.url)
    LINES[call_sid] = line
    await line.hears()
    return line


async def statuses(way: Endpoint, peer: str, count: int, forwarded: str = "") -> list[int]:
    """What a stranger at *peer* is answered, who says to come from *forwarded* and a number."""
    connector = aiohttp.TCPConnector(limit=8, local_addr=(peer, 0))
    url = way.url.replace("/voice", "/nobody")

    async def asked(number: int) -> int:
        headers = {"Host": HOST}
        if forwarded:
            headers["X-Forwarded-For"] = f"{forwarded}.{number // 256}.{number % 256}"
        options: dict[str, Any] = {"ssl": way.tls, "server_hostname": HOST}
        async with http.get(url, headers=headers, **options) as response:
            return response.status

    async with aiohttp.ClientSession(connector=connector) as http:
        return await asyncio.gather(*map(asked, range(count)))


def reload(before: Proxy) -> None:
    """Have it read its configuration again, as after a new certificate."""
    sign = {"nginx": signal.SIGHUP, "haproxy": signal.SIGUSR2}.get(before.name)
    if sign is not None:
        before.process.send_signal(sign)


INSTALLED = [name for name in PROGRAMS if program(name)]


@pytest.mark.skipif(not INSTALLED, reason="no proxy is installed")
async def test_every_proxy_as_documented_carries_a_call_to_its_end(
    tmp_path: Path, own: Certificate
) -> None:
    async with AsyncExitStack() as stack:
        process, port = await stack.enter_async_context(phone(tmp_path))
        http = await stack.enter_async_context(client())
        before = [
            await stack.enter_async_context(proxy(name, tmp_path / name, own, port))
            for name in INSTALLED
        ]
        ways = [endpoint(each, own) for each in before]
        lines = await asyncio.gather(*(called(http, way) for way in ways))

        # Callers who listen to an agent that listens: nothing moves, and nothing breaks.
        await asyncio.sleep(SILENT_S)
        for each in before:
            reload(each)
        await asyncio.gather(*map(key_is_answered, lines))

        # Strangers are counted by the address that a proxy saw, whatever they write themselves.
        for number, way in enumerate(ways):
            assert 429 in await statuses(way, f"127.0.0.{20 + number}", FLOOD, "198.51"), way
            assert 429 not in await statuses(way, f"127.0.0.{30 + number}", 5), way
            (await called(http, way)).hang_up()

        # It drains: who calls now is not taken, and who talks is told goodbye.
        process.send(signal.SIGTERM)
        await asyncio.gather(*(refused(http, way) for way in ways))
        await asyncio.gather(*map(is_told_goodbye, lines))
        assert await process.told("clean") is True
        assert await process.ended() == 0


async def key_is_answered(line: Line) -> None:
    line.press("5")
    await line.hears()


async def is_told_goodbye(line: Line) -> None:
    await line.hears()
    async with asyncio.timeout(LIMIT_S):
        await line.gone.wait()
    assert line.ending, "it was cut, and not ended by the agent"


async def refused(http: aiohttp.ClientSession, way: Endpoint) -> None:
    """Wait until calls are not taken."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            try:
                await way.ring(http, new_sid())
            except PatterError:
                return
            await asyncio.sleep(0.05)


@pytest.mark.skipif(not set(SHORT) & set(INSTALLED), reason="neither proxy is installed")
async def test_it_is_the_documented_timeout_that_lets_a_call_be_silent(
    tmp_path: Path, own: Certificate
) -> None:
    async with phone(tmp_path) as (_, port), client() as http:
        for name in set(SHORT) & set(INSTALLED):
            async with proxy(name, tmp_path / name, own, port, SHORT[name]) as before:
                line = await called(http, endpoint(before, own))
                async with asyncio.timeout(SILENT_S):
                    await line.gone.wait()


@pytest.mark.parametrize("name", INSTALLED)
async def test_what_no_carrier_needs_stays_inside(
    name: str, tmp_path: Path, own: Certificate
) -> None:
    async with proxy(name, tmp_path / "alone", own, 1) as before, client() as http:
        base = f"https://127.0.0.1:{before.port}"
        options: dict[str, Any] = {"ssl": own.trusted(), "server_hostname": HOST}
        for path in ("/ready", "/health", "/dashboard", "/"):
            async with http.get(base + path, headers={"Host": HOST}, **options) as response:
                assert response.status == 404, path
