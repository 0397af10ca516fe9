"""The signals that stop a process stop every phone in it, from its first moment to its last."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from patter_softphone import Softphone

from .processes import Running, row, running

PHONES = """
import asyncio, json, signal, sys, threading
from contextlib import asynccontextmanager
from patter import Patter
from patter_testing import FakeLLM, FakeSTT, FakeTTS

PARTS = dict(stt=FakeSTT(), llm=FakeLLM(), tts=FakeTTS(), vad=False, first_message="Hello.")

def said(**what):
    print(json.dumps(what), flush=True)

async def serve(name, **fields):
    phone = Patter(carrier="softphone", persist=False, **fields)
    async with asyncio.TaskGroup() as tasks:
        agent = phone.agent("", **PARTS)
        serving = tasks.create_task(phone.serve(agent, port=0, drain_s=DRAIN, dashboard=False))
        if not fields:
            said(**{name: await phone.ready})
    said(ended=name, clean=serving.result())

DRAIN = 30
"""
TWO = f"""{PHONES}
async def main():
    await asyncio.gather(serve("one"), serve("two"))

asyncio.run(main())
"""
THREADS = f"""{PHONES}
async def main():
    other = threading.Thread(target=lambda: asyncio.run(serve("two")))
    other.start()
    await serve("one")
    await asyncio.to_thread(other.join)

asyncio.run(main())
"""
ONE_AFTER_ANOTHER = f"""{PHONES}
async def main():
    ours = lambda *_: sys.exit(7)
    signal.signal(signal.SIGTERM, ours)
    await serve("one")
    assert signal.getsignal(signal.SIGTERM) is ours
    await serve("two")
    said(back=signal.getsignal(signal.SIGTERM) is ours)

asyncio.run(main())
"""
IGNORED = f"""import signal
signal.signal(signal.SIGHUP, signal.SIG_IGN)
{TWO}"""
OPENING = f"""{PHONES}
class Endless:
    @asynccontextmanager
    async def open(self, port):
        said(opening=port)
        try:
            await asyncio.get_running_loop().create_future()
            yield ""
        finally:
            said(closed=port)

asyncio.run(serve("one", tunnel=Endless()))
"""
CLOSING = f"""{PHONES}
class Slow:
    @asynccontextmanager
    async def open(self, port):
        said(url=port)
        yield "slow.example.com"
        said(closing=port)
        await asyncio.sleep(60)

asyncio.run(serve("one", tunnel=Slow()))
"""


@asynccontextmanager
async def process_of(folder: Path, code: str) -> AsyncIterator[Running]:
    """A Python process that runs *code*."""
    (folder / "app.py").write_text(code, encoding="utf-8")
    path = os.pathsep.join(sys.path)
    async with running(folder, [sys.executable, "app.py"], PYTHONPATH=path) as process:
        yield process


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.parametrize("code", [TWO, THREADS], ids=["one loop", "two threads"])
async def test_one_signal_drains_every_phone(
    tmp_path: Path, code: str, sign: signal.Signals
) -> None:
    async with process_of(tmp_path, code) as process:
        one, two = await urls(process)
        async with Softphone(url=one).call() as call, Softphone(url=two).call() as other:
            await row(call, "agent", "Hello")
            await row(other, "agent", "Hello")
            process.send(sign)
            for url in (one, two):
                await drains(url)
            # Neither call was cut: who hangs up ends the drain.
            await call.hang_up()
            await other.hang_up()
        assert await process.ended() == 0, process.err
    ended = [line for line in process.out if "ended" in line]
    assert sorted(ended) == [
        '{"ended": "one", "clean": true}',
        '{"ended": "two", "clean": true}',
    ]


async def urls(process: Running) -> tuple[str, str]:
    """Where both phones are; they are ready in either order."""
    found: dict[str, str] = {}
    while len(found) < 2:
        found.update(await next_line(process))
    return found["one"], found["two"]


async def drains(url: str) -> None:
    """Wait until the phone at *url* takes no more calls."""
    async with asyncio.timeout(20), aiohttp.ClientSession() as client:
        status = ""
        while status != "draining":
            async with client.get(f"{url}/ready") as answer:
                status = (await answer.json())["status"]


async def next_line(process: Running) -> dict[str, str]:
    async with asyncio.timeout(20):
        assert process.process.stdout is not None
        found: dict[str, str] = json.loads(await process.process.stdout.readline())
        return found


async def test_two_signals_stop_every_phone_at_once(tmp_path: Path) -> None:
    async with process_of(tmp_path, TWO) as process:
        one, two = await urls(process)
        async with Softphone(url=one).call() as call, Softphone(url=two).call() as other:
            await row(call, "agent", "Hello")
            await row(other, "agent", "Hello")
            process.send(signal.SIGTERM)
            await asyncio.sleep(0.2)
            process.send(signal.SIGTERM)
            assert await process.ended() == 0
    assert '{"ended": "one", "clean": false}' in process.out
    assert '{"ended": "two", "clean": false}' in process.out


async def test_afterwards_signals_mean_what_they_meant_before(tmp_path: Path) -> None:
    async with process_of(tmp_path, ONE_AFTER_ANOTHER) as process:
        for name in ("one", "two"):
            await process.told(name)
            process.send(signal.SIGTERM)
        assert await process.told("back") is True
        assert await process.ended() == 0


async def test_who_is_to_outlive_the_terminal_does(tmp_path: Path) -> None:
    async with process_of(tmp_path, IGNORED) as process:
        await urls(process)
        process.send(signal.SIGHUP)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await process.process.wait()
        process.send(signal.SIGTERM)
        assert await process.ended() == 0


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_a_signal_while_the_tunnel_opens_gives_that_up(
    tmp_path: Path, sign: signal.Signals
) -> None:
    async with process_of(tmp_path, OPENING) as process:
        port = await process.told("opening")
        process.send(sign)
        assert await process.told("closed") == port
        assert await process.told("clean") is True
        assert await process.ended() == 0


async def test_a_signal_while_it_closes_cuts_nothing_short_until_the_third(tmp_path: Path) -> None:
    async with process_of(tmp_path, CLOSING) as process:
        await process.told("url")
        process.send(signal.SIGTERM)
        await process.told("closing")
        for _ in range(2):
            process.send(signal.SIGTERM)
            await asyncio.sleep(0.2)
        assert process.process.returncode is None
        process.send(signal.SIGTERM)
        assert await process.ended() == -signal.SIGTERM
    assert "still stopping" in "".join(process.err)
