"""The page as routes: three files, read once, that load nothing from any other host."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.resources import files

import attrs
from aiohttp import web

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; media-src 'self' blob:; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
PAGES = ("/", "/dashboard", "/dashboard/")
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}


@attrs.frozen
class Asset:
    """A file of the page; only ever sent whole. It holds nothing of any call."""

    body: bytes
    content_type: str

    async def serve(self, _: web.Request) -> web.Response:
        """Answer with the file."""
        return web.Response(
            body=self.body, content_type=self.content_type, charset="utf-8", headers=HEADERS
        )


def page_routes(taken: frozenset[str] = frozenset()) -> Iterator[web.RouteDef]:
    """The page at ``/`` and ``/dashboard``, its parts below; not at paths that are *taken*."""
    for entry in files("patter_dashboard").joinpath("page").iterdir():
        kind = _TYPES.get("." + entry.name.rpartition(".")[2])
        if kind is None:
            continue
        asset = Asset(entry.read_bytes(), kind)
        paths = PAGES if entry.name == "index.html" else (f"/dashboard/{entry.name}",)
        yield from (web.get(path, asset.serve) for path in paths if path not in taken)
