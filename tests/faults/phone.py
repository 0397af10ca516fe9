"""A phone that is served at the double of a carrier, and what there is to ask of both.

Only the parts that would need a key are fakes; requests, webhooks and media are real.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote

import attrs

from patter import Patter, PluginRegistry
from patter.aio import task_scope
from patter.providers.llm import LLMRequest, ToolRequest
from patter.server.app import Serving
from patter_testing import FakeLLM, FakeSTT, FakeTTS, FakeVAD, Reply
from patter_testing.doubles.call import DoubleCall
from patter_testing.doubles.faults import Faults
from patter_testing.doubles.runtime import DoubleRuntime
from patter_testing.fakes.stt import FakeSTTSession

CARRIERS = ("twilio", "telnyx", "plivo")
HOST, OURS, HUMAN = "phone.example.com", "+15550001234", "+15550100200"
MESSAGE = "Please call us back."
LOOK_S = 0.01


class RunningDouble(Protocol):
    """What the running doubles of all carriers have in common."""

    runtime: DoubleRuntime

    def carrier(self, **options: Any) -> Any: ...

    def reaches(self, base_url: str) -> None: ...

    def rings(self, callee: str = "", caller: str = "") -> DoubleCall: ...


def double(carrier: str, faults: Faults) -> AbstractAsyncContextManager[RunningDouble]:
    """The double of *carrier* on such a day."""
    home = import_module(f"patter_{carrier}.double")
    made = getattr(home, f"{carrier.title()}Double")(numbers=(OURS,), faults=faults)
    opened: AbstractAsyncContextManager[RunningDouble] = made.open()
    return opened


@attrs.define(eq=False)
class Phone:
    """A served agent. *ended* is what on_call_end was told, by the number of the other side."""

    patter: Patter
    vendor: RunningDouble
    stt: FakeSTT
    log: Path
    serving: Serving
    ended: defaultdict[str, list[dict[str, Any]]]

    def placed(self, party: str) -> DoubleCall | None:
        """The call to *party*, if it came to be."""
        for call in self.vendor.runtime.calls.values():
            if call.parent is None and bare(call.callee) == bare(party):
                return call
        return None

    @property
    def asked(self) -> list[str]:
        """Where the carrier was asked something, its answer whatever it was."""
        return [unquote(path) for _, path in self.vendor.runtime.requests]

    def ears(self, party: str) -> FakeSTTSession | None:
        """The recogniser of the call with *party*."""
        for each in reversed(self.stt.sessions):
            if bare(party) in (bare(each.call.caller), bare(each.call.callee)):
                return each
        return None


def bare(number: str) -> str:
    """*number* as every carrier writes it."""
    return number.removeprefix("+")


async def until(happened: Callable[[], object], within_s: float = 15.0) -> bool:
    """Wait for what comes over real sockets; False if it does not."""
    try:
        async with asyncio.timeout(within_s):
            while not happened():
                await asyncio.sleep(LOOK_S)
    except TimeoutError:
        return False
    return True


def answer(request: LLMRequest) -> Reply:
    """Do what the caller says."""
    last = request.messages[-1]
    if last.role == "user" and last.text.startswith("bye"):
        return Reply(text="Bye.", tools=(ToolRequest("t", "end_call", "{}"),))
    if last.role == "user" and last.text in ("cold", "warm"):
        wish = f'{{"number": "{HUMAN}", "mode": "{last.text}", "summary": "A refund."}}'
        return Reply(text="Wait.", tools=(ToolRequest("t", "transfer_call", wish),))
    return Reply(text="Yes." if last.role == "user" else "")


@asynccontextmanager
async def phone(carrier: str, faults: Faults, log: Path) -> AsyncIterator[Phone]:
    """A phone at *carrier* whose records go to *log*; it serves while inside."""
    stt, ended = FakeSTT(), defaultdict[str, list[dict[str, Any]]](list)

    def end(data: dict[str, Any]) -> None:
        ended[data["callee"] if bare(data["caller"]) == bare(OURS) else data["caller"]].append(data)

    async with double(carrier, faults) as vendor, task_scope() as tasks:
        patter = Patter(
            carrier=vendor.carrier(),
            phone_number=OURS,
            webhook_url=HOST,
            persist=str(log),
            registry=PluginRegistry.from_environment({}, source=[]),
        )
        agent = patter.agent(
            "Be brief.",
            stt=stt,
            llm=FakeLLM(answer=answer),
            tts=FakeTTS(ms_per_letter=3),
            vad=FakeVAD(),
            first_message="Good evening.",
        )
        tasks.create_task(patter.serve(agent, port=0, on_call_end=end))
        await patter.ready
        assert patter._run is not None and patter._run.running is not None
        vendor.reaches(patter._run.running.address.local_url)
        yield Phone(patter, vendor, stt, log, patter._run.running.serving, ended)
        await patter.disconnect()
