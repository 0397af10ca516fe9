"""What the double tells by itself: how calls stand, who answered, what became of a Dial."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from patter.providers.carrier import Answerer
from patter_testing.doubles.runtime import DoubleRuntime
from patter_twilio.double import webhook_forms
from patter_twilio.double.conference import Room
from patter_twilio.double.line import EVENT_OF, Line

DETECTION_MS = 40.0
_VERDICTS = {Answerer.HUMAN: "human", Answerer.FAX: "fax", Answerer.UNKNOWN: "unknown"}


@attrs.frozen
class Reports:
    """The callbacks of *account*'s calls, sent over *runtime*. Nobody waits for their answers."""

    runtime: DoubleRuntime
    account: str

    def status(self, line: Line) -> None:
        """How the call stands, if somebody wants to know this."""
        if EVENT_OF.get(line.status, "completed") in line.orders.events:
            form = webhook_forms.of_status(line, self.account, self.runtime.clock.wall())
            self._tell(line.orders.status_callback, form)

    def dial(self, line: Line, child: Line | None) -> None:
        """A caller who hangs up in a Dial has ended it."""
        status = "answered"
        if child is not None:
            status = child.status if child.over else "completed" if child.live else "canceled"
        self._tell(line.dial_action, webhook_forms.of_dial(line, self.account, status, child))

    def recordings(self, line: Line) -> None:
        """The recordings of a call that is over are ready."""
        for each in line.recordings:
            form = webhook_forms.of_recording(line, self.account, each, self.runtime.url)
            self._tell(each.callback, form)

    def conference_started(self, room: Room, line: Line) -> None:
        """*line* was the one that *room* waited for."""
        wall_s = self.runtime.clock.wall()
        self._tell(room.callback, webhook_forms.of_conference(room, line, self.account, wall_s))

    def detection(self, line: Line, by: Answerer, greeting_ms: float) -> None:
        """Who answered, when that is known: of a machine, when its greeting is over."""
        orders = line.orders
        if not orders.detection:
            return
        ends = by is Answerer.MACHINE and orders.detection == "DetectMessageEnd"
        verdict = _VERDICTS.get(by) or ("machine_end_beep" if ends else "machine_start")
        after_ms = greeting_ms if ends else DETECTION_MS
        form = webhook_forms.of_detection(line, self.account, verdict, after_ms)
        self.runtime.later(after_ms, lambda: self._tell(orders.detection_callback, form))

    def _tell(self, url: str, form: Mapping[str, str]) -> None:
        if url:
            self.runtime.sender.tell(webhook_forms.post(url, form))
