"""Who plays the vendors, and which providers of Patter speak to them: a row of the benchmark.

A row names two functions. They are imported where they run and nowhere else: the vendors in the
process that makes the load, the providers in the one that is measured.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from importlib import import_module
from typing import Any, Final, TypeAlias

import attrs

from callbench.doors import Logs

Vendors: TypeAlias = Callable[[Logs], AbstractAsyncContextManager[str]]
"""Serves recogniser, model and voice while inside; their address, which is handed on as it is.

They write into the log of each call, which they find by its carrier's name for it, what they see
of a turn: `callbench.stamps.Turn` says which moments.
"""
Providers: TypeAlias = Callable[[str], AbstractAsyncContextManager[dict[str, Any]]]
"""The arguments ``stt``, ``llm`` and ``tts`` of an agent, for vendors at an address."""


@attrs.frozen
class Cast:
    """A row: functions as ``module:name``, *vendors* a `Vendors`, *providers* a `Providers`."""

    vendors: str
    providers: str


CASTS: Final = {
    "small": Cast("callbench.vendors:serving", "callbench.providers:small"),
}
"""By the name that ``bench_providers.py --cast`` takes."""


def found(where: str) -> Any:
    """What ``module:name`` names."""
    module, _, name = where.partition(":")
    return getattr(import_module(module), name)
