"""The double's REST API: calls, numbers and the application, as far as they are used."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import attrs
import orjson
from aiohttp import web

from patter_telnyx.double.account_double import TelnyxAccountDouble
from patter_telnyx.double.commands import ApiError, Commands, check_dialled, streaming
from patter_telnyx.double.line import Line
from patter_telnyx.double.numbers import as_answer

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.Response]]


def refuse(status: int) -> web.Response:
    """A refusal for no reason of the request's."""
    title = "Too many requests" if status == 429 else "Internal server error"
    return _refused(ApiError(status, "10011" if status == 429 else "10007", title))


@attrs.define(eq=False)
class Api:
    """The handlers of *vendor*'s API. An order given twice by its command_id is done once."""

    vendor: TelnyxAccountDouble
    _done: dict[str, dict[str, Any]] = attrs.field(factory=dict, init=False)

    def routes(self) -> list[web.RouteDef]:
        """Where they are."""
        application = "/v2/call_control_applications/{id}"
        return [
            web.post("/v2/calls", self._guarded(self.dial)),
            web.get("/v2/calls/{id}", self._guarded(self.call)),
            web.post("/v2/calls/{id}/actions/{action}", self._guarded(self.act)),
            web.get("/v2/phone_numbers", self._guarded(self.numbers)),
            web.patch("/v2/phone_numbers/{id}", self._guarded(self.set_number)),
            web.get(application, self._guarded(self.application)),
            web.patch(application, self._guarded(self.set_application)),
        ]

    async def dial(self, request: web.Request) -> web.Response:
        """Place a call."""
        body = await _body(request)
        key = f"dial {body.get('command_id')}"
        if body.get("command_id") and key in self._done:
            return _data(self._done[key])
        self._check_dial(body)
        line = self.vendor.line(
            str(body["from"]),
            str(body["to"]),
            incoming=False,
            linked=self._linked(body),
            state=str(body.get("client_state") or ""),
            detection=str(body.get("answering_machine_detection") or ""),
            streaming=streaming(body),
            **({"webhook_url": body["webhook_url"]} if body.get("webhook_url") else {}),
        )
        self.vendor.rings_out(line, float(body.get("timeout_secs") or 30))
        self._done[key] = _call(line)
        return _data(_call(line))

    async def call(self, request: web.Request) -> web.Response:
        """One call."""
        return _data(_call(self._line(request)))

    async def act(self, request: web.Request) -> web.Response:
        """Do something to a call."""
        line, action, body = self._line(request), request.match_info["action"], await _body(request)
        key = f"{line.call_id} {body.get('command_id')}"
        if not body.get("command_id") or key not in self._done:
            Commands(self.vendor).obey(line, action, body)
            self._done[key] = {}
        return _data({"result": "ok"})

    async def numbers(self, request: web.Request) -> web.Response:
        """The account's numbers, or one of them."""
        wanted = request.query.get("filter[phone_number]", "")
        rows = [as_answer(n) for n in self.vendor.numbers.values() if wanted in n.phone_number]
        meta = {"total_pages": 1, "total_results": len(rows), "page_number": 1, "page_size": 20}
        return _json_response({"data": rows, "meta": meta})

    async def set_number(self, request: web.Request) -> web.Response:
        """Change where a number's calls go."""
        number, body = self.vendor.numbers.get(request.match_info["id"]), await _body(request)
        if number is None:
            raise _unknown()
        number.connection_id = str(body.get("connection_id", number.connection_id))
        number.written += 1
        return _data(as_answer(number))

    async def application(self, request: web.Request) -> web.Response:
        """The application."""
        self._check_application(request)
        return _data(as_answer(self.vendor.application))

    async def set_application(self, request: web.Request) -> web.Response:
        """Change where its events go."""
        self._check_application(request)
        if self.vendor.barred:
            raise ApiError(403, "10010", "Authorization failed")
        application, body = self.vendor.application, await _body(request)
        if not body.get("application_name") or not body.get("webhook_event_url"):
            raise ApiError(422, "10004", "Missing required parameter")
        application.take(body)
        return _data(as_answer(application))

    def _check_dial(self, body: dict[str, Any]) -> None:
        check_dialled(body.get("to"))
        if body.get("connection_id") != self.vendor.account:
            raise ApiError(422, "10015", "Invalid value for connection_id (Call Control App ID)")
        if body.get("from") not in {each.phone_number for each in self.vendor.numbers.values()}:
            raise ApiError(403, "D51", "Unverified origination number")

    def _check_application(self, request: web.Request) -> None:
        if request.match_info["id"] != self.vendor.account:
            raise _unknown()

    def _linked(self, body: dict[str, Any]) -> Line | None:
        return self.vendor.lines.get(str(body.get("link_to") or ""))

    def _line(self, request: web.Request) -> Line:
        if (line := self.vendor.lines.get(request.match_info["id"])) is None:
            raise _unknown()
        return line

    def _guarded(self, handler: Handler) -> Handler:
        """*handler* for those who know the account's key."""
        proof = f"Bearer {self.vendor.settings.api_key}"

        async def guarded(request: web.Request) -> web.Response:
            try:
                if request.headers.get("Authorization") != proof:
                    raise ApiError(401, "10009", "Authentication failed")
                return await handler(request)
            except ApiError as refusal:
                return _refused(refusal)

        return guarded


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = orjson.loads(await request.read() or b"{}")
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise ApiError(400, "10026", "Malformed JSON")
    return body


def _call(line: Line) -> dict[str, Any]:
    return {
        "call_control_id": line.call_id,
        "call_leg_id": f"leg-of-{line.call_id}",
        "call_session_id": f"session-of-{line.call_id}",
        "is_alive": line.live,
        "record_type": "call",
    }


def _unknown() -> ApiError:
    return ApiError(404, "10005", "Resource not found")


def _refused(refusal: ApiError) -> web.Response:
    error = {
        "code": refusal.code,
        "title": refusal.title,
        "detail": refusal.detail or refusal.title,
        "meta": {"url": f"https://developers.telnyx.com/docs/overview/errors/{refusal.code}"},
    }
    return _json_response({"errors": [error]}, refusal.status)


def _data(data: Any) -> web.Response:
    return _json_response({"data": data})


def _json_response(body: dict[str, Any], status: int = 200) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(body), content_type="application/json")
