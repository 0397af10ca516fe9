"""A Telnyx account on trial: its double, its line, and how Telnyx says things."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from patter.providers.carrier import Answerer, CallOutcome
from patter_telnyx.double import TelnyxAccountDouble, TelnyxDouble
from patter_telnyx.line import TelnyxLine
from patter_testing import VendorTraits
from patter_testing.doubles import harness as kit
from patter_testing.doubles.harness import OURS, until

TRAITS = VendorTraits(
    refused={
        CallOutcome.BUSY: "user_busy",
        CallOutcome.NO_ANSWER: "no_answer",
        CallOutcome.FAILED: "call_rejected",
        CallOutcome.CANCELED: "originator_cancel",
    },
    rang_out="timeout",
    taken_cold=("answered", "bridged"),
    taken_warm=("bridged",),
    verdicts={
        Answerer.HUMAN: (("human_residence", False),),
        Answerer.MACHINE: (("machine", False), ("beep_detected", True)),
        Answerer.FAX: (("fax_detected", False),),
        Answerer.UNKNOWN: (("not_sure", False),),
    },
    inbound=("answered", "completed"),
    outbound=("answered", "completed"),
    up="answered",
    recording=r"\.mp3$",
    usd=0.0055,
    no_call="v3:nobody/../x",
    keeps_streams=True,
    ends_lost_calls=False,
    least_ring_s=5,
)


class Harness(kit.CarrierHarness[TelnyxAccountDouble, TelnyxLine]):
    """A harness on which Telnyx's orders and events can be counted."""

    def actions(self, name: str) -> int:
        """How often the server ordered this."""
        return sum(path.endswith(f"/actions/{name}") for _, path in self.vendor.runtime.requests)

    async def posted(self, kind: str, times: int = 1) -> None:
        """Wait until events of this *kind* were sent and answered so often."""
        sent = self.vendor.runtime.sender.answers
        wanted = f'"event_type":"{kind}"'.encode()
        await until(lambda: sum(wanted in hook.body for hook, _ in sent) >= times)


@asynccontextmanager
async def harness(settings: dict[str, Any] | None = None, **double: Any) -> AsyncIterator[Harness]:
    async with kit.harness(TelnyxDouble(numbers=(OURS,), **double), **(settings or {})) as at:
        yield Harness(at.vendor, at.switchboard, at.line, at.url)
