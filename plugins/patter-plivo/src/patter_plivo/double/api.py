"""Plivo's REST API as far as a server of calls uses it; its SDK can talk to it too."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import attrs
import orjson
from aiohttp import web

from patter.carriers.vendor_api import basic_authorization
from patter_plivo.double.account import (
    Application,
    page_of,
    shown_application,
    shown_number,
)
from patter_plivo.double.account_double import PlivoAccountDouble
from patter_plivo.double.line import Line, Orders, Recording
from patter_plivo.double.webhook_forms import bare, plivo_time

ROOT = "/v1/Account/{auth_id}"
API_ID = "97ceeb52-58b6-11e1-86da-77300b68f8bb"
KEYS = frozenset("0123456789*#ABCD")
_GONE = "not found"
BY_US = "API Request"

Body: TypeAlias = dict[str, Any]
Serve: TypeAlias = Callable[[web.Request, Body], Awaitable[web.Response]]


def api_routes(vendor: PlivoAccountDouble) -> list[web.RouteDef]:
    """The API of *vendor*."""
    api = Api(vendor)
    table: list[tuple[str, str, Serve]] = [
        ("POST", "/Call/", api.place),
        ("GET", "/Call/{uuid}/", api.see),
        ("POST", "/Call/{uuid}/", api.transfer),
        ("DELETE", "/Call/{uuid}/", api.hang_up),
        ("DELETE", "/Call/{uuid}/Stream/", api.stop_streams),
        ("DELETE", "/Request/{uuid}/", api.cancel),
        ("POST", "/Call/{uuid}/DTMF/", api.press),
        ("POST", "/Call/{uuid}/Record/", api.record),
        ("DELETE", "/Call/{uuid}/Record/", api.stop_recordings),
        ("GET", "/Application/", api.list_applications),
        ("POST", "/Application/", api.make_application),
        ("GET", "/Application/{app_id}/", api.see_application),
        ("POST", "/Application/{app_id}/", api.change_application),
        ("GET", "/Number/", api.list_numbers),
        ("GET", "/Number/{number}/", api.see_number),
        ("POST", "/Number/{number}/", api.change_number),
    ]
    return [web.route(method, ROOT + path, api.guarded(serve)) for method, path, serve in table]


def refuse(status: int) -> web.Response:
    """An answer to a request that is not served."""
    reasons = {429: "too many requests", 401: "authentication failed", 404: _GONE}
    return _json_response(status, error=reasons.get(status, "server error"))


@attrs.frozen
class Api:
    """The handlers of one double."""

    vendor: PlivoAccountDouble

    def guarded(self, serve: Serve) -> Callable[[web.Request], Awaitable[web.Response]]:
        """*serve* for those who know the account's token, and send what can be read."""

        async def handle(request: web.Request) -> web.Response:
            if not self._is_us(request):
                return refuse(401)
            raw = await request.read()
            try:
                body = orjson.loads(raw) if raw else {}
            except ValueError:
                return _json_response(400, error="the body is not JSON")
            return await serve(request, body if isinstance(body, dict) else {})

        return handle

    # --- calls

    async def place(self, _: web.Request, body: Body) -> web.Response:
        if missing := [each for each in ("from", "to", "answer_url") if not body.get(each)]:
            return _json_response(400, error=f"{missing[0]} parameter not present")
        if body["to"] in self.vendor.barred:
            return _json_response(403, error="the destination is barred")
        orders = Orders(
            answer_url=str(body["answer_url"]),
            hangup_url=str(body.get("hangup_url", "")),
            ring_url=str(body.get("ring_url", "")),
            detection_url=self._detection(body),
            timeout_s=float(body.get("ring_timeout", 120)),
        )
        line = self.vendor.places(str(body["from"]), str(body["to"]), orders)
        if body["to"] in self.vendor.unsure:
            return refuse(503)
        return _json_response(201, message="call fired", request_uuid=line.uuid)

    async def see(self, request: web.Request, _: Body) -> web.Response:
        line = self._line(request)
        live = request.query.get("status") == "live"
        if line is None or line.over is live:
            return refuse(404)
        return _json_response(200, **(_live(line) if live else _past(line)))

    async def transfer(self, request: web.Request, body: Body) -> web.Response:
        line = self._live(request)
        if line is None:
            return refuse(404)
        if body.get("legs", "aleg") != "aleg" or not body.get("aleg_url"):
            return _json_response(400, error="legs is not aleg, or there is no aleg_url")
        await self.vendor.redirect(line, str(body["aleg_url"]))
        return _json_response(202, message="call transferred")

    async def stop_streams(self, request: web.Request, _: Body) -> web.Response:
        line = self._live(request)
        if line is None or (stream := line.stream) is None:
            return refuse(404)
        stream.stop()
        return web.Response(status=204)

    async def hang_up(self, request: web.Request, _: Body) -> web.Response:
        if (line := self._live(request)) is None:
            return refuse(404)
        await self.vendor.end(line, "completed", BY_US)
        return web.Response(status=204)

    async def cancel(self, request: web.Request, _: Body) -> web.Response:
        line = self._line(request)
        if line is None or line.over or line.live:
            return refuse(404)
        await self.vendor.end(line, "cancel", BY_US)
        return web.Response(status=204)

    async def press(self, request: web.Request, body: Body) -> web.Response:
        if (line := self._live(request)) is None:
            return refuse(404)
        digits = str(body.get("digits", ""))
        if not digits or not set(digits) <= KEYS:
            return _json_response(400, error="digits parameter not valid")
        line.call.digits += digits
        line.call.note()
        return _json_response(202, message="digits sent")

    async def record(self, request: web.Request, body: Body) -> web.Response:
        if (line := self._live(request)) is None:
            return refuse(404)
        recording = Recording(self.vendor.ids.uuid(), str(body.get("callback_url", "")))
        line.recordings.append(recording)
        line.call.recorded += 1
        line.call.pauses(False)
        url = f"{self.vendor.runtime.url}/recordings/{recording.recording_id}.mp3"
        fields = {"url": url, "recording_id": recording.recording_id}
        return _json_response(202, message="call recording started", **fields)

    async def stop_recordings(self, request: web.Request, _: Body) -> web.Response:
        if (line := self._live(request)) is None or not line.recordings:
            return refuse(404)
        line.call.pauses(True)
        return web.Response(status=204)

    # --- applications and numbers

    async def list_applications(self, request: web.Request, _: Body) -> web.Response:
        name = request.query.get("app_name", "")
        listed = [a for a in self.vendor.applications.values() if name in ("", a.app_name)]
        shown = [shown_application(each, self.vendor.account) for each in listed]
        return _page(request, shown)

    async def make_application(self, _: web.Request, body: Body) -> web.Response:
        if not (name := str(body.get("app_name", ""))):
            return _json_response(400, error="app_name parameter not present")
        if any(each.app_name == name for each in self.vendor.applications.values()):
            return _json_response(409, error=f"an application named {name} exists")
        made = Application(app_id=self.vendor.ids.digits(), app_name=name)
        made.take(body)
        self.vendor.applications[made.app_id] = made
        return _json_response(201, message="created", app_id=made.app_id)

    async def see_application(self, request: web.Request, _: Body) -> web.Response:
        application = self.vendor.applications.get(request.match_info["app_id"])
        if application is None:
            return refuse(404)
        return _json_response(200, **shown_application(application, self.vendor.account))

    async def change_application(self, request: web.Request, body: Body) -> web.Response:
        application = self.vendor.applications.get(request.match_info["app_id"])
        if application is None:
            return refuse(404)
        application.take(body)
        return _json_response(202, message="changed")

    async def list_numbers(self, request: web.Request, _: Body) -> web.Response:
        account = self.vendor.account
        return _page(request, [shown_number(n, account) for n in self.vendor.numbers.values()])

    async def see_number(self, request: web.Request, _: Body) -> web.Response:
        number = self.vendor.numbers.get(request.match_info["number"])
        if number is None:
            return refuse(404)
        return _json_response(200, **shown_number(number, self.vendor.account))

    async def change_number(self, request: web.Request, body: Body) -> web.Response:
        number = self.vendor.numbers.get(request.match_info["number"])
        if number is None:
            return refuse(404)
        if (app_id := str(body.get("app_id", ""))) not in self.vendor.applications:
            return _json_response(400, error="app_id not found")
        number.app_id = app_id
        number.written += 1
        return _json_response(202, message="changed")

    # --- inside

    def _is_us(self, request: web.Request) -> bool:
        ours = basic_authorization(self.vendor.account, self.vendor.settings.auth_token)
        header = request.headers.get("Authorization", "")
        same = hmac.compare_digest(header.encode(), ours.encode())
        return same and request.match_info["auth_id"] == self.vendor.account

    def _line(self, request: web.Request) -> Line | None:
        return self.vendor.lines.get(request.match_info["uuid"])

    def _live(self, request: web.Request) -> Line | None:
        line = self._line(request)
        return line if line is not None and line.live else None

    def _detection(self, body: Body) -> str:
        is_on = str(body.get("machine_detection", "")).lower() == "true"
        return str(body.get("machine_detection_url", "")) if is_on else ""


def _live(line: Line) -> dict[str, Any]:
    """A call that lasts: docs.plivo.com/docs/voice/api/call, Retrieve a live call."""
    return {
        "call_uuid": line.uuid,
        "call_status": line.status,
        "caller_name": bare(line.call.caller),
        "direction": line.call.direction.value,
        "from": bare(line.call.caller),
        "to": bare(line.call.callee),
        "request_uuid": line.uuid,
        "session_start": plivo_time(line.began_s),
    }


def _past(line: Line) -> dict[str, Any]:
    """A call that is over: another page, with other names."""
    return {
        "call_uuid": line.uuid,
        "from_number": line.call.caller,
        "to_number": line.call.callee,
        "call_direction": line.call.direction.value,
        "call_duration": line.seconds,
        "bill_duration": line.seconds,
        "total_amount": line.cost,
        "hangup_source": line.ended_by,
    }


def _page(request: web.Request, shown: list[Any]) -> web.Response:
    try:
        objects, meta = page_of(
            shown, request.query.get("limit", ""), request.query.get("offset", "")
        )
    except ValueError:
        return _json_response(400, error="limit and offset are not valid")
    return _json_response(200, meta=meta, objects=objects)


def _json_response(status: int, **body: Any) -> web.Response:
    return web.Response(
        status=status,
        body=orjson.dumps({"api_id": API_ID, **body}),
        content_type="application/json",
    )
