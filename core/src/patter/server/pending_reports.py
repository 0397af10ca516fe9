"""Carriers' reports of calls that are not in the registry yet, kept until they are.

A status webhook may overtake the answer to the dial, which tells the call's id. Bounded both
ways: the oldest calls are forgotten first, and of each call the oldest reports.
"""

from __future__ import annotations

from collections import OrderedDict, deque

import attrs

from patter.providers.carrier import CarrierCall
from patter.server.calls import Detected, Reported

# More dials than one process has under way at a time. Reports of calls that are not ours (an
# account shared with another application) fill this too, and push each other out.
CALLS = 256
# A dialled call has about six statuses and two detections until it is answered.
REPORTS = 16


@attrs.define(eq=False)
class PendingReports:
    """The reports of calls that are not known yet, in the order they came."""

    _kept: OrderedDict[CarrierCall, deque[Reported | Detected]] = attrs.field(
        factory=OrderedDict, init=False
    )

    def keep(self, call: CarrierCall, report: Reported | Detected) -> None:
        """Keep *report* until its call is known and `take` fetches it."""
        self._kept.setdefault(call, deque(maxlen=REPORTS)).append(report)
        if len(self._kept) > CALLS:
            self._kept.popitem(last=False)

    def take(self, call: CarrierCall) -> tuple[Reported | Detected, ...]:
        """Return the reports of *call* and forget them."""
        return tuple(self._kept.pop(call, ()))
