"""Calls that go on: who they are, what is said, and what can be done about them."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator

import attrs
from aiohttp import web

from patter.errors import CallStateError, InputError, PatterError
from patter.observe.documents import moment
from patter_dashboard._api_session import PREFIX
from patter_dashboard._http import NotFound, body_of, json_response
from patter_dashboard.access import address_of
from patter_dashboard.dashboard import Dashboard
from patter_dashboard.listen import ListenIn

STREAMS = (f"{PREFIX}/events", "/api/dashboard/events", "/api/v1/events")


@attrs.frozen(eq=False)
class LiveApi:
    """Routes of *dashboard* about calls that go on."""

    dashboard: Dashboard
    listen_in: ListenIn = attrs.field(
        default=attrs.Factory(lambda self: ListenIn(self.dashboard), takes_self=True)
    )

    def routes(self) -> Iterator[web.RouteDef]:
        """All of them."""
        access, one = self.dashboard.access, f"{PREFIX}/calls/{{id}}"
        yield web.get(f"{PREFIX}/live", access.reading(self.live))
        for path in STREAMS:
            yield web.get(path, access.reading(self.dashboard.hub.stream), allow_head=False)
        yield web.get(f"{one}/listen", access.changing_socket(self.listen), allow_head=False)
        yield web.post(f"{one}/hang-up", access.changing(self.hang_up))
        yield web.post(f"{one}/transfer", access.changing(self.transfer))

    async def live(self, _: web.Request) -> web.StreamResponse:
        """Everybody who is on the phone."""
        here = frozenset(self.dashboard.here)
        # The number first: what happens while the rest is made is told again, not lost.
        event_id = self.dashboard.hub.last_id
        calls = self.dashboard.live.as_data(here.__contains__)
        return json_response({"event_id": event_id, "calls": calls})

    async def listen(self, request: web.Request) -> web.StreamResponse:
        """Hear a call."""
        call_id = self._here(request)
        await self._noted(request, "listen", call_id)
        return await self.listen_in.serve(request, call_id)

    async def hang_up(self, request: web.Request) -> web.StreamResponse:
        """End a call."""
        goodbye = bool((await body_of(request)).get("goodbye"))
        call_id = self._here(request)
        return await self._sent(
            request, "hang up", self.dashboard.server.hang_up(call_id, goodbye=goodbye)
        )

    async def transfer(self, request: web.Request) -> web.StreamResponse:
        """Hand a caller over."""
        target = (await body_of(request)).get("to")
        if not isinstance(target, str) or not target:
            raise InputError("a transfer needs a number", fix='send {"to": "+15550188000"}')
        call_id = self._here(request)
        return await self._sent(
            request, "transfer", self.dashboard.server.transfer(call_id, target)
        )

    async def _sent(
        self, request: web.Request, action: str, sending: Awaitable[bool]
    ) -> web.StreamResponse:
        call_id = request.match_info["id"]
        if not await sending:
            raise CallStateError(f"call {call_id} is over", fix="see the list of calls")
        await self._noted(request, action, call_id)
        return json_response({"sent": True})

    async def _noted(self, request: web.Request, action: str, call_id: str) -> None:
        """Leave a line in the audit file, where records are kept. Raises PatterError."""
        audit = self.dashboard.audit
        if audit is None:
            return
        address = address_of(request, self.dashboard.access.trusted)
        at = moment(self.dashboard.clock.wall())
        try:
            await self.dashboard.work.answer(audit.write, at, action, call_id, address)
        except OSError as problem:
            raise PatterError(
                f"the audit file cannot be written, which is to say who did: {action}",
                fix="make room on the disk of the log root",
            ) from problem

    def _here(self, request: web.Request) -> str:
        call_id = request.match_info["id"]
        if call_id not in self.dashboard.here:
            raise NotFound(f"call {call_id} is not here", fix="ask the process that has it")
        return call_id
