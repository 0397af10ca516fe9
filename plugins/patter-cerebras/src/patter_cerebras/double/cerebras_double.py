"""The double of Cerebras: what answers which path."""

from __future__ import annotations

from collections.abc import Iterable

import attrs
from aiohttp import web

from patter_cerebras.double.chat import Chat
from patter_cerebras.double.vendor import CerebrasVendor


@attrs.define(eq=False, kw_only=True)
class CerebrasDouble(CerebrasVendor):
    """Cerebras on 127.0.0.1; its options are those of `CerebrasVendor`."""

    def routes(self) -> Iterable[web.RouteDef]:
        """The vendor's paths."""
        yield web.get("/v1/tcp_warming", self._warm_up)
        yield from self.model_routes()
        yield from self.refusing(Chat(self).routes())

    async def _warm_up(self, _: web.Request) -> web.Response:
        return web.Response()
