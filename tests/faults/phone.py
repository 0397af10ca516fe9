"""A phone that is served at the double of a carrier, and what there is to ask of both.

Requests, webhooks and media are real. Who hears, thinks and speaks are fakes, or real plugins at
doubles of their vendors.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote

import attrs

from patter import Patter, PluginRegistry
from patter.aio import task_scope
from patter.server.app import Serving
from patter_testing import FakeLLM, FakeSTT, FakeTTS, FakeVAD
from patter_testing.doubles.call import DoubleCall
from patter_testing.doubles.faults import Faults
from patter_testing.doubles.runtime import DoubleRuntime
from patter_testing.fakes.stt import FakeSTTSession
from patter_testing.fakes.tts import read_back

from . import vendors
from .marks import MS_PER_LETTER, name_of, tone_of
from .talk import GREETING, HUMAN, reply_to
from .vendors import Vendors

CARRIERS = ("twilio", "telnyx", "plivo")
HOST, OURS = "phone.example.com", "+15550001234"
FRAME = 160
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
    """A served agent. *ended* is what on_call_end was told, by the number of the other side.

    *vendors* are those of real plugins, which *stt* has none of. *trouble* is what befell the
    machine.
    """

    patter: Patter
    vendor: RunningDouble
    stt: FakeSTT
    log: Path
    serving: Serving
    ended: defaultdict[str, list[dict[str, Any]]]
    vendors: Vendors | None = None
    trouble: Counter[str] = attrs.field(factory=Counter)

    @property
    def disk_full(self) -> bool:
        """Was there a time when no file could grow? Then records are missing or cut off."""
        return bool(self.trouble["disk full"])

    async def stops(self, how: signal.Signals | None) -> None:
        """Stop as an operator does, with a signal, or as a program does."""
        if how is None:
            await self.patter.disconnect()
            return
        os.kill(os.getpid(), how)
        assert await until(lambda: self.patter._run is None), f"{how.name} stops nothing"

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

    @property
    def try_s(self) -> float:
        """How long people wait before they ask again; a slow vendor is given time."""
        return 4.0 if self.vendors else 1.5

    def said(self, call: DoubleCall) -> str:
        """What the agent, with its fake voice, has said to the far end of *call*."""
        streams = (each.leg for each in call.streams)
        return "".join(read_back(leg.heard(), leg.audio, MS_PER_LETTER) for leg in streams)

    async def hear(self, call: DoubleCall, party: str, words: str) -> None:
        """*party*, at the far end of *call*, says *words*."""
        if self.vendors is not None:
            await vendors.speak(call.leg, words)
        elif (ears := self._ears(party)) is not None:
            call.leg.speak(bytes([tone_of(party)]) * FRAME)
            ears.start_voice()
            ears.hear(f"{words} {name_of(party)}")
            ears.stop_voice()
            ears.end_turn()

    def _ears(self, party: str) -> FakeSTTSession | None:
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


@asynccontextmanager
async def phone(
    carrier: str, faults: Faults, log: Path, theirs: Vendors | None = None
) -> AsyncIterator[Phone]:
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
        fakes = {
            "stt": stt,
            "llm": FakeLLM(answer=lambda request: reply_to(request.messages[-1])),
            "tts": FakeTTS(ms_per_letter=MS_PER_LETTER),
        }
        parts: dict[str, Any] = {**fakes, **(theirs.parts if theirs else {})}
        prompt = f"Be brief. A human answers at {HUMAN}."
        agent = patter.agent(prompt, vad=FakeVAD(), first_message=GREETING, **parts)
        tasks.create_task(patter.serve(agent, port=0, on_call_end=end, local_recording=not theirs))
        await patter.ready
        assert patter._run is not None and patter._run.running is not None
        vendor.reaches(patter._run.running.address.local_url)
        serving = patter._run.running.serving
        yield Phone(patter, vendor, stt, log, serving, ended, theirs)
        await patter.disconnect()
