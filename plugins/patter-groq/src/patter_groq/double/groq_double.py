"""The double of Groq: which parts answer which path."""

from __future__ import annotations

from collections.abc import Iterable

import attrs
from aiohttp import web

from patter_groq.double.chat import Chat
from patter_groq.double.transcriptions import Transcriptions
from patter_groq.double.vendor import GroqVendor


@attrs.define(eq=False, kw_only=True)
class GroqDouble(GroqVendor):
    """Groq on 127.0.0.1; its options are those of `GroqVendor`."""

    def routes(self) -> Iterable[web.RouteDef]:
        """The vendor's paths."""
        yield from self.model_routes()
        for part in (Chat(self), Transcriptions(self)):
            yield from self.refusing(part.routes())
