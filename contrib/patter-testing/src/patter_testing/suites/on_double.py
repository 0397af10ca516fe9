"""What the suites on a vendor's double start from: the double, and the vendor's own words.

A rule holds for every vendor; what one calls a thing, and ways that are equally right, are
`VendorTraits`, so that no rule has to be loose to fit them all.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import attrs
import pytest

from patter.providers.carrier import Answerer, CallOutcome
from patter_testing.doubles.carrier_double import Double
from patter_testing.doubles.faults import Faults
from patter_testing.doubles.harness import OURS, CarrierHarness, harness
from patter_testing.suites.rules import Suite


@attrs.frozen(kw_only=True)
class VendorTraits:
    """What a vendor does its own way.

    *refused*: its word for each way in which nobody takes a call, *rang_out* for a human who
    was rung as long as asked. *taken_cold* and *taken_warm* are its words for a human who was.
    *verdicts*: what it tells of who answered, as (its word, has the beep come), and nothing of
    those who are missing. *inbound* and *outbound* are the statuses told of a call from its
    beginning to its end. *up* is what it calls a call that is answered. *recording* is what a
    recording's address matches. *usd*: a call of less than a minute that came in. *no_call* is
    an id it might have given. *keeps_streams*: a caller goes on to stream while a human is
    rung. *ends_lost_calls*: a call whose media is not to come back is hung up.
    *sip_headers*: headers of calls over SIP are told. *least_ring_s*: it rings that long at
    the least.
    """

    refused: Mapping[CallOutcome, str]
    rang_out: str = "no-answer"
    taken_cold: tuple[str, ...] = ("answered",)
    taken_warm: tuple[str, ...] = ("answered",)
    verdicts: Mapping[Answerer, tuple[tuple[str, bool], ...]] = attrs.field(factory=dict)
    inbound: tuple[str, ...] = ("completed",)
    outbound: tuple[str, ...] = ("completed",)
    up: str = "in-progress"
    recording: str = "https?://"
    usd: float = 0.0
    no_call: str = "unknown"
    keeps_streams: bool = False
    ends_lost_calls: bool = True
    sip_headers: bool = True
    least_ring_s: int = 0


class DoubleSuite(Suite):
    """A subclass names its *double*, called with fields such as ``numbers``, and its *traits*."""

    double: ClassVar[Callable[..., Double]]
    traits: ClassVar[VendorTraits]

    @asynccontextmanager
    async def harness(
        self, faults: Faults | None = None, **options: Any
    ) -> AsyncIterator[CarrierHarness[Any, Any]]:
        """A carrier on trial, on a day with *faults*; *options* are its settings."""
        double = type(self).double(numbers=(OURS,), faults=faults or Faults())
        async with harness(double, **options) as at:
            yield at

    def need(self, at: CarrierHarness[Any, Any], capability: str) -> None:
        """Skip the test of a carrier that cannot do it."""
        if not getattr(at.line.can, capability):
            pytest.skip(f"this carrier declares no {capability}")
