"""The double: an account at a telephone company on this machine, and the calls it has."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import TYPE_CHECKING, Any

import attrs

from patter.audio.formats import MULAW_8K, AudioFormat
from patter.carriers.callback_urls import webhook_path
from patter.providers.carrier import Answerer, CallOutcome
from patter.providers.context import Direction
from patter_telnyx._event import CARRIER, VOICE
from patter_telnyx.carrier import FORMATS, Telnyx
from patter_telnyx.double.frames import StreamFrames
from patter_telnyx.double.line import ANSWERED, CAUSE_OF, OVER, RINGING, Line
from patter_telnyx.double.numbers import Application, Number
from patter_telnyx.double.reports import Reports
from patter_telnyx.double.settings import TelnyxDoubleSettings
from patter_testing.doubles.call import CallerLocation, DoubleCall, Operator
from patter_testing.doubles.runtime import DoubleRuntime
from patter_testing.doubles.stream import Ended


@attrs.define(eq=False)
class TelnyxAccountDouble:
    """The running double. Made by `TelnyxDouble.open`.

    *barred*: the key may not change the application.
    """

    settings: TelnyxDoubleSettings
    runtime: DoubleRuntime
    numbers: dict[str, Number] = attrs.field(factory=dict, init=False)
    application: Application = attrs.field(init=False)
    reports: Reports = attrs.field(init=False)
    barred: bool = attrs.field(default=False, init=False)
    lines: dict[str, Line] = attrs.field(factory=dict, init=False)
    _ids: count[int] = attrs.field(factory=lambda: count(1), init=False)

    def __attrs_post_init__(self) -> None:
        self.application = Application(id=self.account)
        self.reports = Reports(self.runtime, self.account)
        for phone_number in self.settings.numbers:
            number = Number(id=str(next(self._ids)), phone_number=phone_number)
            self.numbers[number.id] = number

    @property
    def account(self) -> str:
        """The connection_id."""
        return self.settings.connection_id

    def carrier(self, **options: Any) -> Telnyx:
        """The settings of an application whose Telnyx this is."""
        fields: dict[str, Any] = {
            "api_key": self.settings.api_key,
            "connection_id": self.account,
            "public_key": self.settings.public_key,
            "api_base": f"{self.runtime.url}/v2",
            **options,
        }
        return Telnyx(**fields)

    def reaches(self, base_url: str) -> None:
        """The server under test listens at *base_url*."""
        self.runtime.hosts.base_url = base_url

    # --- what people do

    def rings(
        self,
        callee: str = "",
        caller: str = "+15550100001",
        headers: Mapping[str, str] | None = None,
    ) -> DoubleCall:
        """Somebody calls one of our numbers; *headers* are those of a call over SIP."""
        line = self.line(caller, callee or self.settings.numbers[0], incoming=True)
        line.headers = [{"name": name, "value": value} for name, value in (headers or {}).items()]
        self.runtime.took(line.call)
        self.reports.started(line)
        return line.call

    async def dialled(self) -> DoubleCall:
        """The next call that the server places, waiting for one."""
        return await self.runtime.dialled()

    async def complains(self, call: DoubleCall, title: str) -> None:
        """Telnyx sends an error frame on *call*'s stream; *title* is one of `frames.ERRORS`."""
        line = self.lines[call.call_id]
        if line.stream is not None and isinstance(line.stream.frames, StreamFrames):
            await line.stream.tell(line.stream.frames.complaint(title))

    # --- what the server asks for

    def rings_out(self, line: Line, timeout_s: float) -> None:
        """Somebody is called: of the server's own accord, or for a caller who waits."""
        if line.linked is None:
            self.runtime.dials(line.call)
        else:
            self.runtime.took(line.call)
            line.linked.call.goes(CallerLocation.HOLD)
        self.reports.started(line)

        def give_up() -> None:
            if line.call.status == RINGING:
                self.end(line, "timeout")

        self.runtime.later(timeout_s * 1_000, give_up)

    def answer(self, line: Line) -> None:
        """A call is taken; its media begins."""
        line.becomes(ANSWERED)
        self.reports.happened(line, "call.answered")
        if line.streaming:
            self.stream(line)

    def stream(self, line: Line) -> None:
        """Open the media socket that the server asked for."""
        self.reports.happened(line, "streaming.started", stream_url=line.streaming["stream_url"])
        if not self.settings.connects:
            return

        def ended(how: Ended) -> None:
            failed = how in (Ended.DROPPED, Ended.REFUSED) and line.live
            reason = {"failure_reason": "connection_failed"} if failed else {}
            self.reports.happened(
                line, "streaming.failed" if failed else "streaming.stopped", **reason
            )

        audio = self.audio_of(line)
        frames = StreamFrames(
            stream_id=self.new_id("stream"),
            call_control_id=line.call_id,
            audio_format=audio,
            start_fields={
                "from": line.call.caller,
                "to": line.call.callee,
                "client_state": line.state,
            },
            scrambled=self.settings.scrambled,
            clock=self.runtime.clock,
        )
        url = str(line.streaming["stream_url"])
        line.stream = self.runtime.stream(line.call, url, frames, ended, audio)

    def bridge(self, line: Line, other: Line) -> None:
        """Connect two calls; the one whose caller was waiting is with a human now."""
        line.peer, other.peer = other, line
        for each in (line, other):
            each.call.goes(CallerLocation.HUMAN)
            self.reports.happened(each, "call.bridged")

    def end(self, line: Line, cause: str) -> None:
        """A call is over, for good, and so is whoever was connected to it."""
        if line.over:
            return
        line.becomes(OVER)
        if line.streams and line.stream is not None:
            line.stream.stop()
        line.call.goes(CallerLocation.ENDED)
        self.reports.ended(line, cause, costs=self.application.call_cost_in_webhooks)
        self._release(line)

    # --- Operator: what the far end of a call does

    async def answered(self, call: DoubleCall, by: Answerer, greeting_ms: float) -> None:
        """The callee took it."""
        line = self.lines[call.call_id]
        if call.status != RINGING:
            return
        self.answer(line)
        if line.cold and line.linked is not None:
            self.bridge(line, line.linked)
        elif line.detection:
            self.reports.detection(line, by, greeting_ms)

    async def refused(self, call: DoubleCall, outcome: CallOutcome) -> None:
        """The callee did not."""
        self.end(self.lines[call.call_id], CAUSE_OF.get(outcome, "unspecified"))

    async def hung_up(self, call: DoubleCall) -> None:
        """The far end hung up."""
        line = self.lines[call.call_id]
        self.end(line, "normal_clearing" if line.live else "originator_cancel")

    # --- pieces

    def line(self, caller: str, callee: str, *, incoming: bool, **fields: Any) -> Line:
        """A new call."""
        linked: Line | None = fields.get("linked")
        operator: Operator = self
        call = DoubleCall(
            call_id=f"v3:{self.new_id('call')}",
            caller=caller,
            callee=callee,
            direction=Direction.INBOUND if incoming else Direction.OUTBOUND,
            operator=operator,
            parent=linked.call if linked else None,
            status=RINGING,
        )
        fields.setdefault("webhook_url", self._webhook_url)
        line = Line(call=call, clock=self.runtime.clock, incoming=incoming, **fields)
        self.lines[call.call_id] = line
        return line

    def new_id(self, kind: str) -> str:
        """A name that no two things of this double share."""
        return f"{kind}-{self.settings.faults.seed}-{next(self._ids)}"

    def audio_of(self, line: Line) -> AudioFormat:
        """What a call is streamed in: mu-law, and 8 kHz, unless the server asked for another."""
        fields = line.streaming
        form = FORMATS.get(str(fields.get("stream_bidirectional_codec")), MULAW_8K)
        rate_hz = int(fields.get("stream_bidirectional_sampling_rate") or 8_000)
        return attrs.evolve(form, rate_hz=rate_hz)

    @property
    def _webhook_url(self) -> str:
        return self.application.webhook_event_url or self.runtime.hosts.public(
            webhook_path(CARRIER, VOICE)
        )

    def _release(self, line: Line) -> None:
        """What the end of a call means for others."""
        if line.peer is not None:
            self.end(line.peer, "normal_clearing")
        elif line.linked is not None and line.linked.streams:
            line.linked.call.goes(CallerLocation.AGENT)
        for other in tuple(self.lines.values()):
            if other.linked is line and other.cold:
                self.end(other, "originator_cancel")


if TYPE_CHECKING:
    _: type[Operator] = TelnyxAccountDouble
