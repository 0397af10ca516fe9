"""The page as routes: three files, read once, that load nothing from any other host."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from importlib.resources import files

import attrs
from aiohttp import web

from patter_dashboard.access import Access

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
PAGES = ("/", "/dashboard", r"/dashboard/{page:(?!api(?:/|$))[^.]*}")
"""Where the page is: its own addresses have no dot and are not below `/dashboard/api`."""
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}


@attrs.frozen
class Asset:
    """A file of the page; only ever sent whole. It holds nothing of any call."""

    body: bytes
    content_type: str

    async def serve(self, _: web.Request) -> web.StreamResponse:
        """Answer with the file."""
        return web.Response(
            body=self.body, content_type=self.content_type, charset="utf-8", headers=HEADERS
        )


def page_routes(access: Access, taken: Collection[str] = ()) -> Iterator[web.RouteDef]:
    """The page at `PAGES`, its parts below ``/dashboard/``; not at paths that are *taken*."""
    for entry in files("patter_dashboard").joinpath("page").iterdir():
        kind = _TYPES.get("." + entry.name.rpartition(".")[2])
        if kind is None:
            continue
        asset = Asset(entry.read_bytes(), kind)
        if entry.name == "index.html":
            page = access.cleaning(asset.serve)
            yield from (web.get(path, page) for path in PAGES if path not in taken)
        elif f"/dashboard/{entry.name}" not in taken:
            yield web.get(f"/dashboard/{entry.name}", asset.serve)
