"""The double: an account at a telephone company on this machine, and the calls it has."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import attrs

from patter.providers.carrier import Answerer, CallOutcome
from patter.providers.context import Direction
from patter_plivo.carrier import Plivo
from patter_plivo.double import webhook_forms
from patter_plivo.double.account import Application, Number
from patter_plivo.double.conference import Room
from patter_plivo.double.ids import Ids
from patter_plivo.double.line import MAX_TRANSFERS, STATUS_OF, Line, Orders
from patter_plivo.double.settings import PlivoDoubleSettings
from patter_plivo.double.xml_interpreter import XmlInterpreter
from patter_testing.doubles.call import CallerLocation, DoubleCall, Operator
from patter_testing.doubles.runtime import DoubleRuntime

DETECTION_MS = 40.0


@attrs.define(eq=False)
class PlivoAccountDouble:
    """The running double. Made by `PlivoDouble.open`.

    *barred*: whom the account may not call. *unsure*: to whom calls are placed, and the server is
    told that they failed.
    """

    settings: PlivoDoubleSettings
    runtime: DoubleRuntime
    ids: Ids = attrs.field(factory=Ids, init=False)
    numbers: dict[str, Number] = attrs.field(factory=dict, init=False)
    applications: dict[str, Application] = attrs.field(factory=dict, init=False)
    lines: dict[str, Line] = attrs.field(factory=dict, init=False)
    barred: set[str] = attrs.field(factory=set, init=False)
    unsure: set[str] = attrs.field(factory=set, init=False)
    _rooms: dict[str, Room] = attrs.field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self.ids.seed = self.settings.faults.seed
        for phone_number in self.settings.numbers:
            self.numbers[webhook_forms.bare(phone_number)] = Number(phone_number=phone_number)

    @property
    def account(self) -> str:
        """The auth id."""
        return self.settings.auth_id

    def carrier(self, **options: Any) -> Plivo:
        """The settings of an application whose Plivo this is."""
        ours = {"auth_id": self.account, "auth_token": self.settings.auth_token}
        return Plivo(**{"api_base": self.runtime.url, **ours, **options})

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
        callee = callee or self.settings.numbers[0]
        orders = self._inbound(callee)
        line = self._line(caller, callee, Direction.INBOUND, orders)
        line.becomes("ringing")
        line.sip = {f"X-PH-{name}": value for name, value in (headers or {}).items()}
        self.runtime.took(line.call)
        self._do(line, XmlInterpreter(self, line).fetch(orders.answer_url))
        return line.call

    async def dialled(self) -> DoubleCall:
        """The next call that the server places, waiting for one."""
        return await self.runtime.dialled()

    # --- what the server does through the API

    def places(self, caller: str, callee: str, orders: Orders) -> Line:
        """The server calls somebody."""
        parent = self._waiting(orders.answer_url)
        line = self._line(caller, callee, Direction.OUTBOUND, orders, parent)
        line.becomes("ringing")
        if parent is None:
            self.runtime.dials(line.call)
        else:
            self.runtime.took(line.call)
        self.tell(orders.ring_url, webhook_forms.of_call(line, "Ring"))
        self.give_up_after(line, orders.timeout_s, "no-answer")
        return line

    async def redirect(self, line: Line, url: str) -> None:
        """The server gives a call something else to do; too often, and the call is ended."""
        line.transfers += 1
        line.loops = line.transfers > MAX_TRANSFERS
        if line.loops:
            await self.end(line, "completed")
        elif self.settings.holds_streams and line.stream is not None:
            line.next_url = url
        else:
            self._do(line, XmlInterpreter(self, line).fetch(url))

    def degrades(self, call: DoubleCall, percent: int = 30) -> None:
        """Plivo has buffered *percent* of 40 s for a slow socket: 30, 60 or 90."""
        line = self.lines[call.call_id]
        url, stream_id, service = line.stream_callback
        form = webhook_forms.of_stream(line, "DegradedStream", stream_id, service)
        self.tell(url, {**form, "BufferPercent": str(percent)})

    # --- what a program does

    def answer(self, line: Line) -> None:
        """A call that came in is taken."""
        if line.status == "ringing" and not line.outbound:
            line.becomes("in-progress")

    def rings_out(self, parent: Line, target: str, caller: str) -> Line:
        """A Dial rings *target*."""
        line = self._line(caller, target, Direction.OUTBOUND, Orders(), parent)
        line.parent = parent
        line.becomes("ringing")
        self.runtime.took(line.call)
        return line

    def give_up_after(self, line: Line, timeout_s: float, status: str) -> None:
        """Nobody rings for ever."""

        async def give_up() -> None:
            if line.status == "ringing":
                await self.end(line, status, "Plivo")

        self.runtime.later(timeout_s * 1_000, give_up)

    def room(self, name: str) -> Room:
        """The conference *name*."""
        return self._rooms.setdefault(name, Room(self.ids.uuid(), name))

    def leave(self, line: Line) -> None:
        """*line* is in no conference any more."""
        for room in tuple(self._rooms.values()):
            room.leave(line)
            if not room.members:
                del self._rooms[room.name]

    async def end(self, line: Line, status: str, by: str = "Plivo") -> None:
        """A call is over, for good; *by* is whose doing it was."""
        if line.over:
            return
        line.ended_by = by
        line.becomes(status)
        line.halt()
        self.leave(line)
        self.tell(line.orders.hangup_url, webhook_forms.of_hangup(line))
        for each in line.recordings:
            self.tell(each.callback_url, webhook_forms.of_recording(line, each, self.runtime.url))
        line.call.goes(CallerLocation.ENDED)

    def tell(self, url: str, form: Mapping[str, str]) -> None:
        """Post *form* some time; nobody waits for the answer."""
        if url:
            self.runtime.sender.tell(webhook_forms.post(url, form))

    # --- Operator: what the far end of a call does

    async def answered(self, call: DoubleCall, by: Answerer, greeting_ms: float) -> None:  # noqa: ARG002
        line = self.lines[call.call_id]
        if line.status != "ringing":
            return
        line.becomes("in-progress")
        if line.parent is not None:
            return
        self._detect(line, by)
        self._do(line, XmlInterpreter(self, line).fetch(line.orders.answer_url))

    async def refused(self, call: DoubleCall, outcome: CallOutcome) -> None:
        by = "Callee" if outcome is CallOutcome.BUSY else "Carrier"
        await self.end(self.lines[call.call_id], STATUS_OF.get(outcome, "failed"), by)

    async def hung_up(self, call: DoubleCall) -> None:
        line = self.lines[call.call_id]
        await self.end(line, "completed" if line.live else "cancel", line.far_end)

    # --- inside

    def _do(self, line: Line, work: Coroutine[Any, Any, object]) -> None:
        self.runtime.start(line.only(work))

    def _inbound(self, callee: str) -> Orders:
        """Where calls to *callee* go: to its application, else to the server's usual address."""
        number = self.numbers.get(webhook_forms.bare(callee))
        if number is not None and (application := self.applications.get(number.app_id)):
            return Orders(answer_url=application.answer_url, hangup_url=application.hangup_url)
        public = self.runtime.hosts.public
        return Orders(
            answer_url=public("/webhooks/plivo/voice"), hangup_url=public("/webhooks/plivo/hangup")
        )

    def _line(
        self,
        caller: str,
        callee: str,
        direction: Direction,
        orders: Orders,
        parent: Line | None = None,
    ) -> Line:
        call = DoubleCall(
            call_id=self.ids.uuid(),
            caller=caller,
            callee=callee,
            direction=direction,
            operator=self,
            parent=parent.call if parent else None,
        )
        line = self.lines[call.call_id] = Line(
            call=call,
            clock=self.runtime.clock,
            orders=orders,
            account=self.account,
            began_s=self.runtime.clock.wall(),
        )
        return line

    def _waiting(self, url: str) -> Line | None:
        """Who waits for a call whose address names them: ``?call=``."""
        return self.lines.get(dict(parse_qsl(urlsplit(url).query)).get("call", ""))

    def _detect(self, line: Line, by: Answerer) -> None:
        """Plivo reports machines, and nobody else, and says nothing of their beep."""

        def report() -> None:
            if line.live:
                self.tell(line.orders.detection_url, webhook_forms.of_detection(line))

        if by is Answerer.MACHINE:
            self.runtime.later(DETECTION_MS, report)


if TYPE_CHECKING:
    _: type[Operator] = PlivoAccountDouble
