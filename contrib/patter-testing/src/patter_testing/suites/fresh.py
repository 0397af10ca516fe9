"""A call in an interpreter that has imported nothing yet: what does it import?

It reads, pickled, a suite's module and name, a provider and its call; it prints the libraries that
were imported in the call, as JSON.
"""

from __future__ import annotations

import asyncio
import json
import pickle
import sys
from importlib import import_module
from typing import Any

from patter.client_pool import client_pool
from patter.providers.context import CallContext
from patter.providers.warmth import Warmable


async def imported(suite: Any, provider: Any, call: CallContext) -> list[str]:
    """The libraries, neither Python's nor Patter's, that a warm call imports."""
    async with client_pool():
        if isinstance(provider, Warmable):
            await provider.warm()
        before = set(sys.modules)
        await suite.use(provider, call)
        tops = {name.partition(".")[0] for name in set(sys.modules) - before}
    return sorted(top for top in tops if top not in sys.stdlib_module_names and not _ours(top))


def _ours(top: str) -> bool:
    """Patter's own, or private to a library or to Python."""
    return top in ("patter", "patter_testing") or top.startswith("_")


def main() -> None:
    """Do it."""
    module, name, provider, call = pickle.load(sys.stdin.buffer)
    suite = getattr(import_module(module), name)()
    print(json.dumps(asyncio.run(imported(suite, provider, call))))
