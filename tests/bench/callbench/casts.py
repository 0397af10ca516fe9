"""Who plays the vendors, and which providers of Patter speak to them: a row of the benchmark.

A row names what is imported where it runs and nowhere else: the vendors in the process that makes
the load, the providers, or the bridge's client, in the one that is measured.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from importlib import import_module
from typing import Any, Final, Protocol, TypeAlias

import attrs
from aiohttp import ClientSession

from callbench.doors import Logs
from callbench.vendor_client import Ears, Speak

Vendors: TypeAlias = Callable[[Logs], AbstractAsyncContextManager[str]]
"""Serves recogniser, model and voice while inside; their address, which is handed on as it is.

They write into the log of each call, which they find by its carrier's name for it, what they see
of a turn: `callbench.stamps.Turn` says which moments.
"""
Providers: TypeAlias = Callable[[str], AbstractAsyncContextManager[dict[str, Any]]]
"""The arguments ``stt``, ``llm`` and ``tts`` of an agent, for vendors at an address."""


class Client(Protocol):
    """How the bridge talks to the vendors; `callbench.vendor_client` is one."""

    @staticmethod
    def ears(
        client: ClientSession, base: str, call_id: str
    ) -> AbstractAsyncContextManager[Ears]: ...

    @staticmethod
    def events(socket: Ears) -> AsyncIterator[dict[str, Any]]: ...

    @staticmethod
    def deltas(
        client: ClientSession, base: str, call_id: str, messages: Sequence[Mapping[str, str]]
    ) -> AsyncIterator[str]: ...

    @staticmethod
    def voice(
        client: ClientSession, base: str, call_id: str
    ) -> AbstractAsyncContextManager[Speak]: ...


@attrs.frozen
class Cast:
    """A row, by name: *vendors* a `Vendors`, *providers* a `Providers`, *client* a `Client`."""

    vendors: str
    providers: str
    client: str


_REAL = "callbench.real"
CASTS: Final = {
    "small": Cast(
        "callbench.vendors:serving", "callbench.providers:small", "callbench.vendor_client"
    ),
    "vendors": Cast(f"{_REAL}_vendors:serving", f"{_REAL}_providers:plugins", f"{_REAL}_client"),
    "late": Cast(f"{_REAL}_vendors:serving_late", f"{_REAL}_providers:plugins", f"{_REAL}_client"),
}
"""By the name that ``bench_providers.py --cast`` takes."""


def found(where: str) -> Any:
    """What ``module:name`` names, or ``module``."""
    module, _, name = where.partition(":")
    return getattr(import_module(module), name) if name else import_module(module)
