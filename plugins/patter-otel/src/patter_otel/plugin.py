"""Tell Patter what this package offers: a trace of each call, once tracing is on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from patter import hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractAsyncContextManager

    from patter.providers.context import CallContext

PATTER_API = 1


@hookimpl
def patter_server_scope(server: Any) -> AbstractAsyncContextManager[object] | None:
    from patter_otel.switch import ENABLED, is_set, is_tracing_enabled

    if not is_set(ENABLED) and not is_tracing_enabled():
        return None
    from patter_otel.serving import traced_server

    return traced_server(server)


@hookimpl
def patter_call_listeners(call: CallContext) -> Mapping[type | str, Callable[..., object]] | None:
    from patter_otel.switch import current

    return None if (tracing := current()) is None else tracing.listeners(call)


@hookimpl
def patter_call_scope(call: CallContext) -> AbstractAsyncContextManager[object] | None:
    from patter_otel.switch import current

    return None if (tracing := current()) is None else tracing.scope(call)
