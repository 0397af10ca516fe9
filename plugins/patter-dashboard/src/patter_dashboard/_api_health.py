"""How the server is."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
from aiohttp import web

from patter_dashboard._api_session import PREFIX
from patter_dashboard._http import json_response
from patter_dashboard.dashboard import Dashboard
from patter_dashboard.health import Health


@attrs.frozen(eq=False)
class HealthApi:
    """Routes of *dashboard* about its server."""

    dashboard: Dashboard
    health: Health = attrs.field(
        default=attrs.Factory(lambda self: Health(self.dashboard), takes_self=True)
    )

    def routes(self) -> Iterator[web.RouteDef]:
        """All of them."""
        access = self.dashboard.access
        yield web.get(f"{PREFIX}/health", access.reading(self.state))
        yield web.post(f"{PREFIX}/health/doctor", access.changing(self.doctor))

    async def state(self, _: web.Request) -> web.StreamResponse:
        """All of it."""
        return json_response(await self.health.as_data())

    async def doctor(self, _: web.Request) -> web.StreamResponse:
        """Every check of `patter doctor`."""
        return json_response({"checks": await self.health.doctor()})
