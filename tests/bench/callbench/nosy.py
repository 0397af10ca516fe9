"""An extension that takes part in every call, to count how often it is asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from patter import hookimpl
from patter.observe.events import CallEvent
from patter.providers.context import CallContext

PATTER_API = 1


@hookimpl
def patter_call_scope(call: CallContext) -> AbstractAsyncContextManager[None]:
    return _scope()


@hookimpl
def patter_call_listeners(call: CallContext) -> Mapping[str, Callable[[CallEvent], object]]:
    return {"row": _heard}


@asynccontextmanager
async def _scope() -> AsyncIterator[None]:
    yield


def _heard(event: CallEvent) -> None:
    """Rows are none of its business."""
