"""Who looks: session, login and logout."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
from aiohttp import web

from patter.errors import AuthenticationError, RateLimitError
from patter.observe.documents import moment
from patter_dashboard._http import answering, body_of, json_response
from patter_dashboard._version import VERSION
from patter_dashboard.access import Visitor
from patter_dashboard.dashboard import Dashboard
from patter_dashboard.exporting import PICTURE, available

PREFIX = "/dashboard/api"


@attrs.frozen(eq=False)
class SessionApi:
    """Routes of *dashboard* that need no session."""

    dashboard: Dashboard

    def routes(self) -> Iterator[web.RouteDef]:
        """All of them."""
        access = self.dashboard.access
        yield web.get(f"{PREFIX}/session", answering(self.session))
        yield web.post(f"{PREFIX}/login", answering(self.log_in))
        yield web.post(f"{PREFIX}/logout", access.changing(self.log_out))

    async def session(self, request: web.Request) -> web.StreamResponse:
        """What the page may do here."""
        try:
            visitor = self.dashboard.access.visitor(request)
        except (AuthenticationError, RateLimitError) as stranger:
            if not self.dashboard.access.token:
                # Not even a form would help: it is the wrong way in.
                raise
            del stranger
            return json_response(self._state(None))
        return json_response(self._state(visitor))

    async def log_in(self, request: web.Request) -> web.StreamResponse:
        """Begin a session."""
        token = (await body_of(request)).get("token")
        access = self.dashboard.access
        session = access.log_in(request, token if isinstance(token, str) else "")
        visitor = Visitor(session.rpartition(".")[0])
        response = json_response({"authenticated": True, "csrf": access.csrf(visitor)})
        access.welcome(request, response, session)
        return response

    async def log_out(self, request: web.Request) -> web.StreamResponse:
        """End it."""
        response = json_response({"authenticated": False})
        self.dashboard.access.log_out(request, response)
        return response

    def _state(self, visitor: Visitor | None) -> dict[str, object]:
        dashboard, signed_in = self.dashboard, visitor is not None
        server, records = dashboard.server, dashboard.root is not None
        agent = server.served.agent.name if signed_in and server is not None else ""
        can = {
            "hang_up": server is not None,
            "transfer": _can_transfer(server),
            "listen": hasattr(server, "listen"),
            "delete": records,
            "reveal": records,
            "picture": records and available(PICTURE),
            "test": records and available("test"),
        }
        return {
            "authenticated": signed_in,
            "login": bool(dashboard.access.token),
            "csrf": dashboard.access.csrf(visitor) if visitor is not None else "",
            "version": VERSION,
            "serving": signed_in and server is not None,
            "agent": agent,
            "number": "",
            "insecure": signed_in and dashboard.access.insecure,
            "records": signed_in and records,
            "can": {name: signed_in and able for name, able in can.items()},
            "now": moment(dashboard.clock.wall()),
        }


def _can_transfer(server: object) -> bool:
    lines = getattr(getattr(server, "switchboard", None), "lines", {})
    return any(line.can.transfers for line in lines.values())
