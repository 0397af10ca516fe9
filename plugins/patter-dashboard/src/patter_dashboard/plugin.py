"""Tell Patter what this package offers: pages, listeners of calls, and a command."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from patter import hookimpl

if TYPE_CHECKING:
    from aiohttp import web

PATTER_API = 1


@hookimpl
def patter_routes(server: Any) -> Iterable[web.RouteDef]:
    from patter_dashboard._page import page_routes

    taken = {each.path for line in server.switchboard.lines.values() for each in line.routes()}
    return [*page_routes(frozenset(taken))]
