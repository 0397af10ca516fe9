"""The softphone's page as routes: a few files, read once, that may load only each other."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files

import attrs
from aiohttp import web

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Permissions-Policy": "microphone=(self)",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}


@attrs.frozen
class _Asset:
    """A file of the page; only ever sent whole."""

    body: bytes
    content_type: str

    async def serve(self, _: web.Request) -> web.Response:
        return web.Response(
            body=self.body, content_type=self.content_type, charset="utf-8", headers=HEADERS
        )


def page_routes() -> Iterator[web.RouteDef]:
    """The page at ``/`` and its parts under ``/softphone/``."""
    for entry in files("patter_softphone").joinpath("page").iterdir():
        kind = _TYPES.get("." + entry.name.rpartition(".")[2])
        if kind is None:
            continue
        asset = _Asset(entry.read_bytes(), kind)
        path = "/" if entry.name == "index.html" else f"/softphone/{entry.name}"
        yield web.get(path, asset.serve)
