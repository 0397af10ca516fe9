"""The hooks a plugin may implement. None is ever called per audio frame or per token.

Hooks are plain functions, never ``async def``: they answer "what?", and what they return
may be asynchronous. An implementation takes any subset of the arguments. The hooks that make
providers follow from the kinds; those of a process and its calls are written here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

from patter.plugins import kinds

if TYPE_CHECKING:
    from aiohttp import web

    from patter.plugins.commands import Commands
    from patter.plugins.kinds import Kind
    from patter.plugins.spec import ProviderSpec
    from patter.providers.context import CallContext

hookspec = pluggy.HookspecMarker("patter")
hookimpl = pluggy.HookimplMarker("patter")


@hookspec
def patter_prices() -> Iterable[Any]:  # type: ignore[empty-body]
    """Return the price entries (`patter.observe.pricing.Price`) of this plugin's models."""


@hookspec
def patter_server_scope(server: Any) -> AbstractAsyncContextManager[object] | None:
    """Return a scope entered before the first call is taken and left after the last.

    One that raises `patter.errors.StartRefused` ends the start.
    """


@hookspec
def patter_call_scope(call: CallContext) -> AbstractAsyncContextManager[object] | None:
    """Return a scope entered after *call* was answered, before its media, left at its end."""


@hookspec
def patter_call_listeners(call: CallContext) -> Mapping[type | str, Callable[..., object]] | None:
    """Return what to call with events of *call*, by their class; frozen for its duration.

    The classes are those of `patter.observe.events`; the ``type`` of their JSON names them too.
    """


@hookspec
def patter_mcp_sessions() -> AbstractAsyncContextManager[object] | None:
    """Return what keeps sessions with MCP servers while a phone serves; entered once.

    It has the methods of `patter.tools.mcp_server.McpSessions`, and costs nothing before `connect`.
    """


@hookspec
def patter_routes(server: Any) -> Iterable[web.RouteDef]:  # type: ignore[empty-body]
    """Return routes to add to the server; raise `patter.errors.StartRefused` to end the start."""


@hookspec
def patter_calls_erased(root: Path, call_ids: Sequence[str]) -> None:
    """Erase what this plugin keeps of *call_ids*, whose records below *root* were just erased."""


@hookspec
def patter_cli(commands: Commands) -> None:
    """Add commands to the ``patter`` command line."""


def hooks() -> dict[str, Callable[..., Any]]:
    """Every hook there is, by name: those that make providers first."""
    lifetime = {name: each for name, each in globals().items() if name.startswith("patter_")}
    return {**{kind.hook: _provider_hook(kind) for kind in kinds.KINDS}, **lifetime}


def _provider_hook(kind: Kind[Any]) -> Callable[[ProviderSpec], Any]:
    def hook(spec: ProviderSpec) -> Any:
        raise NotImplementedError

    hook.__name__ = hook.__qualname__ = kind.hook
    hook.__doc__ = f"Return the {kind.noun} described by *spec*."
    hook.__annotations__["return"] = f"{kind.contract.partition(':')[2]} | None"
    return hookspec(firstresult=True)(hook)
