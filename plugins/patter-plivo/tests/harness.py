"""A Plivo account on trial: its double, its line, and how Plivo says things."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

from patter.providers.carrier import Answerer, CallOutcome
from patter_plivo.double import PlivoAccountDouble, PlivoDouble
from patter_plivo.line import PlivoLine
from patter_testing import VendorTraits
from patter_testing.doubles import harness as kit
from patter_testing.doubles.faults import Faults
from patter_testing.doubles.harness import OURS

TRAITS = VendorTraits(
    refused={
        CallOutcome.BUSY: "busy",
        CallOutcome.NO_ANSWER: "no-answer",
        CallOutcome.FAILED: "failed",
        CallOutcome.CANCELED: "cancel",
    },
    rang_out="timeout",
    taken_cold=("answer",),
    taken_warm=("answered",),
    verdicts={Answerer.MACHINE: (("Machine=true", False),)},
    outbound=("ringing", "completed"),
    recording=r"\.mp3$",
    usd=0.0055,
    no_call="00000000-0000-0000-0000-000000000000",
)

Harness: TypeAlias = kit.CarrierHarness[PlivoAccountDouble, PlivoLine]


@asynccontextmanager
async def harness(
    faults: Faults | None = None, double: PlivoDouble | None = None, **options: Any
) -> AsyncIterator[Harness]:
    double = double or PlivoDouble(faults=faults or Faults(), numbers=(OURS,))
    async with kit.harness(double, **options) as at:
        yield at
