"""Tell Patter what this package offers: metrics of every call, and the address they are read at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from patter import hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from contextlib import AbstractAsyncContextManager

    from aiohttp import web

    from patter.providers.context import CallContext

PATTER_API = 1


@hookimpl
def patter_routes(server: Any) -> Iterable[web.RouteDef]:
    from patter_prometheus.endpoint import routes

    return routes(server)


@hookimpl
def patter_server_scope(server: Any) -> AbstractAsyncContextManager[object]:
    from patter_prometheus.serving import measured

    return measured(server)


@hookimpl
def patter_call_listeners(call: CallContext) -> Mapping[type | str, Callable[..., object]] | None:
    from patter_prometheus.serving import listeners

    return listeners(call)
