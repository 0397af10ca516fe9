"""Which event loop Patter's commands run on: uvloop where it is installed, else asyncio's own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TypeAlias, TypeVar

from patter import env
from patter.errors import NotInstalled, PatterConfigError

T = TypeVar("T")
LoopFactory: TypeAlias = Callable[[], asyncio.AbstractEventLoop]
VARIABLE = "PATTER_EVENT_LOOP"


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run *main* as `asyncio.run` does, on the loop of `loop_factory`. Raises PatterError."""
    try:
        factory = loop_factory()
    except BaseException:
        main.close()
        raise
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main)


def loop_factory() -> LoopFactory | None:
    """What makes the loop that ``PATTER_EVENT_LOOP`` names, ``uvloop`` or ``asyncio``.

    Empty: uvloop if it is installed. None is asyncio's own. Raises NotInstalled, and
    PatterConfigError for another name.
    """
    name = env.read(VARIABLE).lower()
    if name not in ("", "asyncio", "uvloop"):
        raise PatterConfigError(
            f"there is no event loop {name!r}", fix=f"{VARIABLE}=uvloop, or {VARIABLE}=asyncio"
        )
    if name == "asyncio":
        return None
    if find_spec("uvloop") is None:
        if name:
            raise NotInstalled("uvloop is not installed", fix="pip install 'patter-core[uvloop]'")
        return None
    factory: LoopFactory = import_module("uvloop").new_event_loop
    return factory
