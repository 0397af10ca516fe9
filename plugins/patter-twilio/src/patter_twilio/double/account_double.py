"""The double: an account at a telephone company on this machine, and the calls it has."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import attrs

from patter.providers.carrier import Answerer, CallOutcome
from patter.providers.context import Direction
from patter_testing.doubles.call import CallerLocation, DoubleCall, Operator
from patter_testing.doubles.runtime import DoubleRuntime
from patter_twilio.carrier import Twilio
from patter_twilio.double.conference import Room
from patter_twilio.double.ids import Ids
from patter_twilio.double.line import STATUS_OF, Line, Orders
from patter_twilio.double.numbers import Number
from patter_twilio.double.reports import Reports
from patter_twilio.double.settings import TwilioDoubleSettings
from patter_twilio.double.twiml_interpreter import TwimlInterpreter


@attrs.define(eq=False)
class TwilioAccountDouble:
    """The running double. Made by `TwilioDouble.open`."""

    settings: TwilioDoubleSettings
    runtime: DoubleRuntime
    ids: Ids = attrs.field(factory=Ids, init=False)
    numbers: dict[str, Number] = attrs.field(factory=dict, init=False)
    lines: dict[str, Line] = attrs.field(factory=dict, init=False)
    reports: Reports = attrs.field(init=False)
    _rooms: dict[str, Room] = attrs.field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self.ids.seed = self.settings.faults.seed
        self.reports = Reports(self.runtime, self.account)
        for phone_number in self.settings.numbers:
            sid = self.ids.new("PN")
            self.numbers[sid] = Number(sid=sid, phone_number=phone_number)

    @property
    def account(self) -> str:
        """The AccountSid."""
        return self.settings.account_sid

    def carrier(self, **options: Any) -> Twilio:
        """The settings of an application whose Twilio this is."""
        return Twilio(
            account_sid=self.account,
            auth_token=self.settings.auth_token,
            api_base=self.runtime.url,
            **options,
        )

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
        number = self._number(callee)
        orders = Orders(url=number.voice_url, status_callback=number.status_callback)
        line = self._line(caller, number.phone_number, orders, via="inbound")
        line.headers = {f"SipHeader_{name}": value for name, value in (headers or {}).items()}
        line.becomes("ringing")
        self.runtime.took(line.call)
        self._do(line, TwimlInterpreter(self, line).fetch(orders.url))
        return line.call

    async def dialled(self) -> DoubleCall:
        """The next call that the server places, waiting for one."""
        return await self.runtime.dialled()

    # --- what the server does through the API

    def places(self, callee: str, caller: str, orders: Orders) -> Line:
        """The server calls somebody: of its own accord, or for a caller who waits."""
        parent = self._waiting(orders.status_callback)
        line = self._line(caller, callee, orders, via="outbound-api", parent=parent)
        line.becomes("queued")
        self.reports.status(line)
        line.becomes("ringing")
        self.reports.status(line)
        if parent is None:
            self.runtime.dials(line.call)
        else:
            self.runtime.took(line.call)
        self.no_answer_after(line, orders.timeout_s)
        return line

    def redirect(self, line: Line, twiml: str, url: str) -> None:
        """The server gives a call something else to do."""
        line.dial_action = ""
        interpreter = TwimlInterpreter(self, line)
        self._do(line, interpreter.fetch(url) if url else interpreter.run(twiml))

    # --- what TwiML does

    def answer(self, line: Line) -> None:
        """A call that came in is taken."""
        if line.status == "ringing":
            line.becomes("in-progress")

    def rings_out(
        self, parent: Line, target: str, *, caller: str, callback: str, events: str
    ) -> Line:
        """A Dial rings *target*."""
        orders = Orders(status_callback=callback, events=frozenset(events.split()))
        line = self._line(caller, target, orders, via="outbound-dial", parent=parent)
        line.becomes("ringing")
        self.runtime.took(line.call)
        return line

    def no_answer_after(self, line: Line, timeout_s: float) -> None:
        """A telephone rings so long and no longer."""

        def give_up() -> None:
            if line.status == "ringing":
                self.end(line, "no-answer")

        self.runtime.later(timeout_s * 1_000, give_up)

    def room(self, name: str, callback: str) -> Room:
        """The conference *name*, or a new one when all have left; its first callback stands."""
        room = self._rooms.get(name)
        if room is None or not room.members:
            sid = self.ids.new("CF")
            room = self._rooms[name] = Room(sid, name, callback, self.reports.conference_started)
        return room

    def end(self, line: Line, status: str) -> None:
        """A call is over, for good."""
        if line.over:
            return
        line.becomes(status)
        line.halt()
        child = self.lines[line.call.humans[-1].call_id] if line.call.humans else None
        self.reports.dial(line, child if child and child.via == "outbound-dial" else None)
        for room in tuple(self._rooms.values()):
            room.leave(line)
            if not room.members:
                del self._rooms[room.name]
        self.reports.status(line)
        self.reports.recordings(line)
        line.call.goes(CallerLocation.ENDED)

    # --- Operator: what the far end of a call does

    async def answered(self, call: DoubleCall, by: Answerer, greeting_ms: float) -> None:
        """The callee took it."""
        line = self.lines[call.call_id]
        if line.status != "ringing":
            return
        line.becomes("in-progress")
        self.reports.status(line)
        if line.via == "outbound-dial" and line.parent is not None:
            line.parent.call.goes(CallerLocation.HUMAN)
            call.goes(CallerLocation.HUMAN)
            return
        self.reports.detection(line, by, greeting_ms)
        interpreter, orders = TwimlInterpreter(self, line), line.orders
        self._do(
            line, interpreter.fetch(orders.url) if orders.url else interpreter.run(orders.twiml)
        )

    async def refused(self, call: DoubleCall, outcome: CallOutcome) -> None:
        """The callee did not."""
        self.end(self.lines[call.call_id], STATUS_OF.get(outcome, "failed"))

    async def hung_up(self, call: DoubleCall) -> None:
        """The far end hung up."""
        line = self.lines[call.call_id]
        self.end(line, "completed" if line.live else "canceled")

    # --- inside

    def _do(self, line: Line, work: Coroutine[Any, Any, object]) -> None:
        self.runtime.start(line.only(work))

    def _number(self, callee: str) -> Number:
        """One of our numbers, which by itself leads to the server's usual address."""
        owned = next((n for n in self.numbers.values() if callee in ("", n.phone_number)), None)
        number = owned or Number(sid="", phone_number=callee)
        public = self.runtime.hosts.public
        return attrs.evolve(
            number,
            voice_url=number.voice_url or public("/webhooks/twilio/voice"),
            status_callback=number.status_callback or public("/webhooks/twilio/status"),
        )

    def _line(
        self, caller: str, callee: str, orders: Orders, *, via: str, parent: Line | None = None
    ) -> Line:
        operator: Operator = self
        call = DoubleCall(
            call_id=self.ids.new("CA"),
            caller=caller,
            callee=callee,
            direction=Direction.INBOUND if via == "inbound" else Direction.OUTBOUND,
            operator=operator,
            parent=parent.call if parent else None,
        )
        line = Line(call=call, clock=self.runtime.clock, orders=orders, via=via, parent=parent)
        self.lines[line.sid] = line
        return line

    def _waiting(self, callback: str) -> Line | None:
        """Who waits for a call whose reports name them: ``?call=``."""
        return self.lines.get(dict(parse_qsl(urlsplit(callback).query)).get("call", ""))


if TYPE_CHECKING:
    _: type[Operator] = TwilioAccountDouble
