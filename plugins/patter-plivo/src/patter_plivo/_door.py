"""The door all webhooks pass: size, form, signature on the public address, no replays."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias
from urllib.parse import parse_qsl

import attrs
from aiohttp import web

from patter.providers.carrier import Switchboard
from patter.server.webhooks import Replays, form_fields, public_url, raw_body
from patter_plivo._form import Form
from patter_plivo._signature import Seal

Handler: TypeAlias = Callable[[Form], Awaitable[str]]
"""Takes a verified webhook; returns the XML Plivo is to follow, or `NOTHING`."""
NOTHING = ""


@attrs.frozen(eq=False)
class Door:
    """Lets in what *seal* proves to come from Plivo, for *account*."""

    switchboard: Switchboard
    seal: Seal
    account: str
    replays: Replays = attrs.field(factory=Replays)

    def guarding(self, handler: Handler) -> Callable[[web.Request], Awaitable[web.Response]]:
        """*handler* behind this door, as aiohttp takes it."""

        async def handle(request: web.Request) -> web.Response:
            said = await handler(await self.admitted(request))
            return web.Response(text=said, content_type="text/xml" if said else "text/plain")

        return handle

    async def admitted(self, request: web.Request) -> Form:
        """The form *request* brings. Raises WebhookVerificationError, InputError."""
        fields = form_fields(await raw_body(request))
        url = public_url(self.switchboard.public_host, request)
        self.replays.check(self.seal.checked(url, fields, request.headers))
        query = parse_qsl(request.rel_url.raw_query_string, keep_blank_values=True)
        return Form(self.account, fields, query)
