"""A Twilio account on trial: its double, its line, and how Twilio says things."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

from patter.providers.carrier import Answerer, CallOutcome
from patter_testing import VendorTraits
from patter_testing.doubles import harness as kit
from patter_testing.doubles.faults import Faults
from patter_testing.doubles.harness import OURS
from patter_twilio.double import TwilioAccountDouble, TwilioDouble
from patter_twilio.line import TwilioLine

TRAITS = VendorTraits(
    refused={
        CallOutcome.BUSY: "busy",
        CallOutcome.NO_ANSWER: "no-answer",
        CallOutcome.FAILED: "failed",
        CallOutcome.CANCELED: "canceled",
    },
    taken_cold=("in-progress",),
    taken_warm=("conference-start",),
    verdicts={
        Answerer.HUMAN: (("human", False),),
        Answerer.MACHINE: (("machine_end_beep", True),),
        Answerer.FAX: (("fax", False),),
        Answerer.UNKNOWN: (("unknown", False),),
    },
    outbound=("initiated", "ringing", "in-progress", "completed"),
    recording="/Recordings/RE",
    usd=0.0085,
    no_call="CA" + "f" * 32,
)

Harness: TypeAlias = kit.CarrierHarness[TwilioAccountDouble, TwilioLine]


@asynccontextmanager
async def harness(faults: Faults | None = None, **options: Any) -> AsyncIterator[Harness]:
    double = TwilioDouble(faults=faults or Faults(), numbers=(OURS,))
    async with kit.harness(double, **options) as at:
        yield at
