"""Tell Patter what this package offers: pages, listeners of calls, and a command."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patter import hookimpl

if TYPE_CHECKING:
    from aiohttp import web

    from patter.plugins.commands import Commands
    from patter.providers.context import CallContext

PATTER_API = 1


@hookimpl
def patter_routes(server: Any) -> Iterable[web.RouteDef]:
    """The pages and their API; raises StartRefused where others could see them."""
    from patter_dashboard._routes import routes
    from patter_dashboard.dashboard import dashboard_of

    if (dashboard := dashboard_of(server)) is None:
        return []
    taken = {each.path for line in server.switchboard.lines.values() for each in line.routes()}
    return [*routes(dashboard, taken)]


@hookimpl
def patter_server_scope(server: Any) -> AbstractAsyncContextManager[object] | None:
    from patter_dashboard.dashboard import dashboard_of, running

    dashboard = dashboard_of(server)
    return None if dashboard is None else running(dashboard)


@hookimpl
def patter_call_listeners(call: CallContext) -> Mapping[type | str, Callable[..., object]] | None:
    from patter_dashboard.dashboard import dashboard_with

    dashboard = dashboard_with(call.call_id)
    return None if dashboard is None else dashboard.listeners(call)


@hookimpl
def patter_calls_erased(root: Path) -> None:
    from patter_dashboard.sweep import after_erasure

    after_erasure(root)


@hookimpl
def patter_cli(commands: Commands) -> None:
    from patter_dashboard.command import COMMAND

    commands.add(COMMAND)
