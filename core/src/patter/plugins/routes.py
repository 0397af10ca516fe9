"""The routes that plugins add to the server: checked before one is added, and contained.

What is wrong with a route is a failure of its plugin; so is what ends the process in a handler.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterable
from typing import Any

from aiohttp import web

from patter.application import containment
from patter.errors import InternalError
from patter.plugins.lifetime import Isolation

log = logging.getLogger("patter.plugins")


def routes_of(returned: Any) -> list[web.AbstractRouteDef]:
    """*returned*, if it is routes that a server can take. Raises TypeError, ValueError."""
    routes = list(returned)
    for each in routes:
        if not isinstance(each, web.AbstractRouteDef):
            raise TypeError(f"{each!r} is not a route: make it with aiohttp.web.get and its like")
    # What is wrong with one shows in a router of their own, before any is in the server's.
    _registered(routes)
    return routes


def add_routes(
    router: web.UrlDispatcher, routes: Iterable[web.AbstractRouteDef], isolation: Isolation
) -> None:
    """Add *routes* of one plugin to *router*. Raises ValueError when one is taken already."""
    contained = [_contained(each, isolation.candidate.label) for each in routes]
    if taken := sorted(_addresses(_registered(contained)) & _addresses(router)):
        raise ValueError(f"{' '.join(taken[0])} is taken already")
    for each in contained:
        each.register(router)


def _registered(routes: Iterable[web.AbstractRouteDef]) -> web.UrlDispatcher:
    router = web.UrlDispatcher()
    for each in routes:
        each.register(router)
    return router


def _addresses(router: web.UrlDispatcher) -> set[tuple[str, str]]:
    """Method and path of everything in *router*."""
    pairs = ((each.method, each.resource) for each in router.routes())
    return {(method, each.canonical) for method, each in pairs if each is not None}


def _contained(route: web.AbstractRouteDef, label: str) -> web.AbstractRouteDef:
    """*route*, whose handler cannot end the server."""
    if not isinstance(route, web.RouteDef):
        return route
    handler: Any = route.handler

    @functools.wraps(handler)
    async def contained(request: web.Request) -> web.StreamResponse:
        try:
            with containment():
                response: web.StreamResponse = await handler(request)
                return response
        except InternalError as error:
            where = f"{request.method} {route.path}"
            log.exception("%s failed to answer %s: %s", label, where, error.message)
            raise InternalError(
                f"{route.path} failed", fix="see the server's log for what happened"
            ) from error

    return web.RouteDef(route.method, route.path, contained, route.kwargs)
