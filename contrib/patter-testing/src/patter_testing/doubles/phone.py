"""An application whose carrier is a double: an agent that is served and greets.

Its ears, its mind and its voice are fakes; everything between them and the double is real.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import attrs

from patter import Patter, PluginRegistry
from patter.aio import task_scope
from patter.providers.llm import ToolRequest
from patter_testing.doubles.call import DoubleCall
from patter_testing.doubles.carrier_double import CarrierDouble, Double
from patter_testing.doubles.harness import HUMAN, THEIRS, until
from patter_testing.fakes.llm import FakeLLM, Reply
from patter_testing.fakes.stt import FakeSTT
from patter_testing.fakes.tts import FakeTTS

GREETING = "Good evening."


@attrs.define(eq=False)
class Phone:
    """A served agent, and the double its calls come from. *ended* are the reported ends."""

    patter: Patter
    vendor: CarrierDouble
    stt: FakeSTT
    tts: FakeTTS
    ended: list[dict[str, Any]] = attrs.field(factory=list)

    async def greeted(self) -> DoubleCall:
        """A caller who has heard that somebody is there."""
        call = self.vendor.rings(caller=THEIRS)
        await call.up()
        await until(lambda: bool(call.leg.heard()))
        return call

    def hears(self, words: str) -> None:
        """The agent's ears make out *words*, of the newest call."""
        ears = self.stt.sessions[-1]
        ears.start_voice()
        ears.hear(words)
        ears.stop_voice()
        ears.end_turn()

    async def says(self, words: str) -> None:
        """Wait until the agent's voice was given *words*."""
        await until(lambda: any(words in each.sentences for each in self.tts.sessions))

    async def over(self, count: int = 1) -> dict[str, Any]:
        """Wait until *count* ends were reported to the application; the newest."""
        await until(lambda: len(self.ended) >= count)
        return self.ended[-1]


def handing_over(mode: str, to: str = HUMAN) -> Reply:
    """What a model says that hands the caller over; *mode* is ``cold`` or ``warm``."""
    arguments = f'{{"number": "{to}", "mode": "{mode}", "summary": "Wants a refund."}}'
    return Reply(text="One moment.", tools=(ToolRequest("t1", "transfer_call", arguments),))


@asynccontextmanager
async def phone(
    double: Double, replies: Sequence[Reply | str] = (), *, vad: Any = "none", **serving: Any
) -> AsyncIterator[Phone]:
    """An agent that gives *replies*, served behind *double*; *serving* as for `Patter.serve`."""
    stt, tts = FakeSTT(), FakeTTS(ms_per_letter=4)
    async with double.open() as vendor:
        patter = Patter(
            carrier=vendor.carrier(),
            phone_number=double.numbers[0],
            webhook_url=double.public_host,
            persist=False,
            registry=PluginRegistry.from_environment({}, source=[]),
        )
        agent = patter.agent(
            f"Be brief. A human answers at {HUMAN}.",
            stt=stt,
            llm=FakeLLM(replies=tuple(replies) or ("Yes.",)),
            tts=tts,
            vad=vad,
            first_message=GREETING,
        )
        it = Phone(patter, vendor, stt, tts)

        async def ended(data: dict[str, Any]) -> None:
            it.ended.append(data)

        async with task_scope() as tasks:
            tasks.create_task(patter.serve(agent, port=0, on_call_end=ended, **serving))
            await patter.ready
            assert patter.address is not None
            vendor.reaches(patter.address.local_url)
            yield it
            await patter.disconnect()
