"""The double's REST API: calls, their recordings, and phone numbers, as far as they are used."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

import attrs
import orjson
from aiohttp import web

from patter.carriers.webhooks import form_fields
from patter_twilio.double import resources
from patter_twilio.double.account_double import TwilioAccountDouble
from patter_twilio.double.line import Line, Orders, Recording
from patter_twilio.double.numbers import Number

T = TypeVar("T")
ROOT = "/2010-04-01/Accounts/{account}"
EVENTS = frozenset({"initiated", "ringing", "answered", "completed"})
MAX_TWIML = 4_000
_DIALLED = re.compile(r"\+[1-9]\d{6,14}\Z|sips?:.+@.+", re.IGNORECASE)
_NUMBER_FIELDS = {
    "VoiceUrl": "voice_url",
    "VoiceMethod": "voice_method",
    "StatusCallback": "status_callback",
    "StatusCallbackMethod": "status_callback_method",
    "VoiceApplicationSid": "voice_application_sid",
    "TrunkSid": "trunk_sid",
}
Form: TypeAlias = Mapping[str, Sequence[str]]
Handler: TypeAlias = Callable[[web.Request], Awaitable[web.Response]]


class ApiError(Exception):
    """The API refuses: HTTP *status*, Twilio's *code* and words."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def refuse(status: int) -> web.Response:
    """A refusal for no reason of the request's."""
    code = 20429 if status == 429 else 20500
    return _refused(ApiError(status, code, "Too Many Requests" if status == 429 else "Error"))


@attrs.frozen
class Api:
    """The handlers of *vendor*'s API."""

    vendor: TwilioAccountDouble

    def routes(self) -> list[web.RouteDef]:
        """Where they are."""
        call, number = f"{ROOT}/Calls/{{sid}}", f"{ROOT}/IncomingPhoneNumbers/{{sid}}"
        return [
            web.post(f"{ROOT}/Calls.json", self._guarded(self.create)),
            web.get(f"{ROOT}/Calls.json", self._guarded(self.calls)),
            web.get(f"{call}.json", self._guarded(self.fetch)),
            web.post(f"{call}.json", self._guarded(self.update)),
            web.post(f"{call}/Recordings.json", self._guarded(self.record)),
            web.post(f"{call}/Recordings/{{recording}}.json", self._guarded(self.set_recording)),
            web.get(f"{ROOT}/IncomingPhoneNumbers.json", self._guarded(self.numbers)),
            web.get(f"{number}.json", self._guarded(self.number)),
            web.post(f"{number}.json", self._guarded(self.set_number)),
        ]

    async def create(self, request: web.Request) -> web.Response:
        """Place a call."""
        form = form_fields(await request.read())
        callee, caller = _first(form, "To"), _first(form, "From")
        if not _DIALLED.match(callee):
            raise ApiError(400, 21211, f"The 'To' number {callee} is not a valid phone number.")
        if caller not in {each.phone_number for each in self.vendor.numbers.values()}:
            raise ApiError(400, 21210, f"Source number {caller} is not verified for your account.")
        line = self.vendor.places(callee, caller, _orders(form))
        return _json_response(self._resource(line), 201)

    async def calls(self, request: web.Request) -> web.Response:
        """All calls."""
        lines = [self._resource(each) for each in self.vendor.lines.values()]
        return _json_response(resources.page("calls", lines, request.path_qs))

    async def fetch(self, request: web.Request) -> web.Response:
        """One call."""
        return _json_response(self._resource(self._line(request)))

    async def update(self, request: web.Request) -> web.Response:
        """End a call, or give it something else to do."""
        line, form = self._line(request), form_fields(await request.read())
        status = _first(form, "Status")
        if status and status not in ("completed", "canceled"):
            raise ApiError(400, 21219, f"'Status' {status} is not a valid choice")
        if status and not line.over:
            self.vendor.end(line, "completed" if line.live else "canceled")
        if not status:
            if not line.live:
                raise ApiError(400, 21220, "Call is not in-progress. Cannot redirect.")
            self.vendor.redirect(line, _twiml(form), _first(form, "Url"))
        return _json_response(self._resource(line))

    async def record(self, request: web.Request) -> web.Response:
        """Record a call."""
        line, form = self._line(request), form_fields(await request.read())
        if not line.live:
            raise ApiError(400, 21220, "Requested resource is not eligible for recording")
        callback = _first(form, "RecordingStatusCallback")
        recording = Recording(self.vendor.ids.new("RE"), callback)
        line.recordings.append(recording)
        line.call.recorded += 1
        line.call.note()
        return _json_response(resources.of_recording(recording, line, self.vendor.account), 201)

    async def set_recording(self, request: web.Request) -> web.Response:
        """Pause a recording, or have it go on."""
        line, form = self._line(request), form_fields(await request.read())
        name, status = request.match_info["recording"], _first(form, "Status")
        running = [each for each in line.recordings if name in (each.sid, "Twilio.CURRENT")]
        if not running or not line.live:
            raise ApiError(404, 20404, "The requested resource was not found")
        behavior = _first(form, "PauseBehavior")
        if status not in ("paused", "in-progress") or behavior not in ("", "skip", "silence"):
            raise ApiError(400, 21219, f"'Status' {status} is not a valid choice")
        if behavior and status != "paused":
            raise ApiError(400, 20001, "PauseBehavior is only valid when pausing")
        running[-1].status = status
        line.call.pauses(status == "paused")
        return _json_response(resources.of_recording(running[-1], line, self.vendor.account))

    async def numbers(self, request: web.Request) -> web.Response:
        """The account's numbers, or those like one."""
        wanted = request.query.get("PhoneNumber", "")
        rows = [
            resources.of_number(each, self.vendor.account)
            for each in self.vendor.numbers.values()
            if wanted in each.phone_number
        ]
        return _json_response(resources.page("incoming_phone_numbers", rows, request.path_qs))

    async def number(self, request: web.Request) -> web.Response:
        """One number."""
        return _json_response(resources.of_number(self._number(request), self.vendor.account))

    async def set_number(self, request: web.Request) -> web.Response:
        """Change what becomes of a number's calls."""
        number, form = self._number(request), form_fields(await request.read())
        for name, field in _NUMBER_FIELDS.items():
            if name in form:
                setattr(number, field, _first(form, name))
        number.written += 1
        return _json_response(resources.of_number(number, self.vendor.account))

    def _resource(self, line: Line) -> dict[str, Any]:
        return resources.of_call(line, self.vendor.account, self.vendor.settings.currency)

    def _line(self, request: web.Request) -> Line:
        return _look_up(self.vendor.lines, request)

    def _number(self, request: web.Request) -> Number:
        return _look_up(self.vendor.numbers, request)

    def _guarded(self, handler: Handler) -> Handler:
        """*handler* for those who know the account's token."""
        user = f"{self.vendor.account}:{self.vendor.settings.auth_token}"
        proof = f"Basic {b64encode(user.encode()).decode()}"

        async def guarded(request: web.Request) -> web.Response:
            try:
                if request.headers.get("Authorization") != proof:
                    raise ApiError(401, 20003, "Authenticate")
                if request.match_info["account"] != self.vendor.account:
                    raise ApiError(404, 20404, f"The requested resource {request.path} was not")
                return await handler(request)
            except ApiError as refusal:
                return _refused(refusal)

        return guarded


def _orders(form: Form) -> Orders:
    """What a new call is to do. Raises ApiError."""
    events = frozenset(form.get("StatusCallbackEvent", ["completed"]))
    if not events <= EVENTS:
        raise ApiError(400, 21626, f"Invalid status callback events: {sorted(events - EVENTS)}")
    return Orders(
        twiml=_twiml(form),
        url=_first(form, "Url"),
        status_callback=_first(form, "StatusCallback"),
        events=events,
        detection=_first(form, "MachineDetection") if _first(form, "AsyncAmd") == "true" else "",
        detection_callback=_first(form, "AsyncAmdStatusCallback"),
        timeout_s=float(_first(form, "Timeout") or 60),
    )


def _twiml(form: Form) -> str:
    """The instructions of a request. Raises ApiError."""
    twiml = _first(form, "Twiml")
    if not twiml and not _first(form, "Url"):
        raise ApiError(400, 21205, "Url parameter is required.")
    if len(twiml) > MAX_TWIML:
        raise ApiError(400, 13227, f"Twiml is {len(twiml)} characters long, more than 4000")
    return twiml


def _look_up(things: Mapping[str, T], request: web.Request) -> T:
    if (thing := things.get(request.match_info["sid"])) is None:
        raise ApiError(404, 20404, f"The requested resource {request.path} was not found")
    return thing


def _first(form: Form, name: str) -> str:
    return next(iter(form.get(name, ())), "")


def _refused(refusal: ApiError) -> web.Response:
    body = {
        "code": refusal.code,
        "message": refusal.message,
        "more_info": f"https://www.twilio.com/docs/errors/{refusal.code}",
        "status": refusal.status,
    }
    return _json_response(body, refusal.status)


def _json_response(body: dict[str, Any], status: int = 200) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(body), content_type="application/json")
