"""A phone that serves on this machine, and callers who come by its carrier in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import aiohttp
import attrs
from importlib_metadata import EntryPoint

from patter import Agent, Patter, PluginRegistry, tool
from patter.providers.carrier import CallOutcome, CarrierCall, CarrierCapabilities, Incoming
from patter.providers.llm import ToolRequest
from patter_testing import (
    Caller,
    FakeCarrier,
    FakeLeg,
    FakeLLM,
    FakeSTT,
    FakeTTS,
    FakeVAD,
    Reply,
)

THEIRS, OURS = "+15550107788", "+15550001234"


@tool
async def look_up() -> str:
    """Look it up."""
    return "found"


@attrs.define(eq=False)
class Street:
    """A carrier whose switchboard the test has, and the ears of the agent."""

    carrier: FakeCarrier
    stt: FakeSTT
    url: str = ""
    boards: list[Any] = attrs.field(factory=list)
    _ids: Any = attrs.field(factory=lambda: count(1))

    async def rings(self) -> tuple[CarrierCall, Any]:
        """A call comes in, and is not answered yet."""
        carrier_call_id = f"C{next(self._ids)}"
        incoming = Incoming(
            carrier=self.carrier.name, carrier_call_id=carrier_call_id, caller=THEIRS, callee=OURS
        )
        ticket = await self.boards[-1].register(incoming)
        return CarrierCall(self.carrier.name, carrier_call_id, ""), ticket

    async def gives_up(self, call: CarrierCall) -> None:
        """Whoever called is busy elsewhere by now."""
        await self.boards[-1].report(call, "busy", CallOutcome.BUSY)

    async def talks(self, *lines: str) -> None:
        """Someone calls, says *lines*, and hangs up."""
        _, ticket = await self.rings()
        leg = FakeLeg()
        caller = Caller(leg, on_speech=lambda text: self.stt.sessions[-1].hear(text))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.boards[-1].attach(ticket.token, leg))
            await caller.hears_the_agent_out()
            for line in lines:
                await caller.says(line)
                await caller.hears_the_agent_out()
            caller.hangs_up()

    async def get(self, token: str = "", accept: str = "") -> tuple[int, str]:
        """``/metrics``: status and body."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if accept:
            headers["Accept"] = accept
        async with (
            aiohttp.ClientSession() as client,
            client.get(f"{self.url}/metrics", headers=headers) as answer,
        ):
            return answer.status, await answer.text()


@asynccontextmanager
async def served(host: str = "", webhook_url: str = "", **options: Any) -> AsyncIterator[Street]:
    """The phone, served while inside."""
    stt = FakeSTT()
    boards: list[Any] = []

    @attrs.frozen(kw_only=True)
    class Carrier(FakeCarrier):
        def open(self, switchboard: Any) -> Any:
            boards.append(switchboard)
            return FakeCarrier.open(self, switchboard)

    carrier = Carrier(can=CarrierCapabilities(marks=True))
    street = Street(carrier, stt, boards=boards)
    point = EntryPoint("prometheus", "patter_prometheus.plugin", "patter.extension")
    phone = Patter(
        carrier=carrier,
        persist=False,
        webhook_url=webhook_url,
        registry=PluginRegistry.from_environment({}, source=[point]),
    )
    replies = (Reply(tools=(ToolRequest("1", "look_up", "{}"),)), "From five.")
    agent = Agent(
        system_prompt="",
        stt=stt,
        tts=FakeTTS(ms_per_letter=10),
        vad=FakeVAD(),
        llm=FakeLLM(replies=replies),
        tools=[look_up],
        first_message="Hello.",
        silence_ms=100,
    )
    async with asyncio.TaskGroup() as tasks:
        fields = {"port": 0, "host": host, "dashboard": False, "drain_s": 0.5, **options}
        serving = tasks.create_task(phone.serve(agent, **fields))
        await phone.ready
        assert phone.address is not None
        street.url = phone.address.local_url
        try:
            yield street
        finally:
            await phone.disconnect()
            await serving
