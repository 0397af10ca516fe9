"""What the double tells by itself: events of calls, who answered, what a call cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from patter.providers.carrier import Answerer
from patter_telnyx.double import events
from patter_telnyx.double.line import Line
from patter_testing.doubles.runtime import DoubleRuntime

DETECTION_MS = 40.0


@attrs.frozen
class Reports:
    """The events of *account*'s calls, sent over *runtime*. Nobody waits for their answers."""

    runtime: DoubleRuntime
    account: str

    def started(self, line: Line) -> None:
        """A call has begun."""
        self._tell(line, "call.initiated", events.of_start(line, self.account))

    def happened(self, line: Line, kind: str, **fields: Any) -> None:
        """Something happened to a call."""
        self._tell(line, kind, {**events.of_call(line, self.account), **fields})

    def ended(self, line: Line, cause: str, *, costs: bool) -> None:
        """A call is over: why, what was recorded, and what it cost where that is told."""
        self.happened(line, "call.hangup", hangup_cause=cause, hangup_source="unknown")
        if line.call.recorded:
            self._tell(line, "call.recording.saved", events.of_recording(line, self.account))
        if costs:
            self._tell(line, "call.cost", events.of_cost(line, self.account))

    def detection(self, line: Line, by: Answerer, greeting_ms: float) -> None:
        """Who answered, when that is known; then the end of a machine's greeting."""
        kind, result = events.detection(line, by)
        self.runtime.later(DETECTION_MS, lambda: self.happened(line, kind, result=result))
        if by is Answerer.MACHINE and line.detection != "detect":
            after = events.greeting(line)
            self.runtime.later(
                DETECTION_MS + greeting_ms,
                lambda: self.happened(line, after, result="beep_detected"),
            )

    def _tell(self, line: Line, kind: str, payload: Mapping[str, Any]) -> None:
        wall_s = self.runtime.clock.wall()
        self.runtime.sender.tell(events.post(line.webhook_url, kind, payload, wall_s))
