"""However the process that opened a tunnel dies, cloudflared and all it started die with it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from .programs import Fake

OnPath = Callable[[str], Fake]
LIMIT_S = 25  # a process begins slowly beside others that begin
HOLDS = """
import asyncio, {more}
from patter_cloudflare import CloudflareTunnel

async def main():
    async with CloudflareTunnel().open(8_123):
        {inside}
        await asyncio.get_running_loop().create_future()

asyncio.run(main())
"""
SERVES = """
import asyncio
from patter import Patter, PluginRegistry
from patter.providers.carrier import CarrierCapabilities
from patter_cloudflare import CloudflareTunnel
from patter_testing import FakeCarrier, FakeLLM, FakeSTT, FakeTTS

phone = Patter(carrier=FakeCarrier(can=CarrierCapabilities(marks=True)), persist=False,
               tunnel=CloudflareTunnel(), registry=PluginRegistry.from_environment({}, source=[]))
agent = phone.agent("", stt=FakeSTT(), llm=FakeLLM(), tts=FakeTTS())
asyncio.run(phone.serve(agent, port=0))
"""
HELD = HOLDS.format(more="os", inside="pass")
FORKED = HOLDS.format(more="os, time", inside="os.fork() or time.sleep(30)")


@asynccontextmanager
async def process_of(code: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A Python process that runs *code*; it is alone in its group, and its group is ended."""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, env=environ, start_new_session=True
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not holds():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM])
@pytest.mark.parametrize("variant", ["good", "silent", "wrapper", "stubborn"])
async def test_a_process_that_is_killed_takes_it_along(
    on_path: OnPath, variant: str, sign: signal.Signals
) -> None:
    fake = on_path(variant)
    async with process_of(HELD) as process:
        await until(lambda: fake.waits)
        assert not fake.all_ended()
        process.send_signal(sign)
        assert await process.wait() == -sign
        await until(fake.all_ended)


async def test_a_fork_of_the_process_does_not_keep_it_alive(on_path: OnPath) -> None:
    fake = on_path("good")
    async with process_of(FORKED) as process:
        await until(lambda: fake.waits)
        await asyncio.sleep(0.5)
        process.kill()
        await process.wait()
        try:
            await until(fake.all_ended)
        finally:
            os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.parametrize("variant", ["good", "silent", "stubborn"])
async def test_a_phone_that_is_told_to_stop_ends_it_also_while_it_opens(
    on_path: OnPath, variant: str, sign: signal.Signals
) -> None:
    fake = on_path(variant)
    async with process_of(SERVES) as process:
        await until(lambda: fake.waits)
        process.send_signal(sign)
        async with asyncio.timeout(LIMIT_S):
            assert await process.wait() == 0
        assert fake.all_ended()
