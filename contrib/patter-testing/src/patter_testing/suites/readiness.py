"""What has to be ready before a call: clients, connections and imports; and what `check` tells.

A call that makes a client or imports a library holds up every other call of the process.
"""

from __future__ import annotations

import asyncio
import json
import pickle
import ssl
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import aiohttp
import pytest

from patter.client_pool import client_pool
from patter.errors import PatterError
from patter.providers.context import CallContext
from patter.providers.health import health_check_of
from patter.providers.warmth import WARM_S, Warmable
from patter_testing.suites.rules import (
    ANSWER_S,
    ProviderSuite,
    has_fix,
    nothing_left,
    within,
)

_CLIENTS = {"httpx": ("AsyncClient", "Client"), "httpx2": ("AsyncClient", "Client")}
_CHILD = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from patter_testing.suites.fresh import main
main()
"""
_FRESH_S = 30.0
"""A new interpreter on a busy machine."""


class ReadinessSuite(ProviderSuite):
    """The rules on what a call finds ready; `VendorSuite` has them, and says how one is used."""

    def address(self, provider: Any) -> str:
        """Where the double of *provider* listens, as ``host:port``."""
        raise NotImplementedError("a suite says where its vendor is")

    async def use(self, provider: Any, call: CallContext) -> None:
        """Use *provider* once, as a call does, to the end of its answer."""
        raise NotImplementedError("a suite says how its kind is used")

    async def test_a_call_makes_no_client(self, provider: Any, call: CallContext) -> None:
        """The second call finds clients and TLS contexts made: each costs tens of milliseconds.

        If this fails: take ``pool.http``, or ``pool.client(key, make)``, from
        `patter.client_pool.client_pool`, and make no client of your own.
        """
        async with within(2 * ANSWER_S, "two calls"), client_pool():
            await _warmed(provider)
            await self.use(provider, call)
            with _made() as made:
                await self.use(provider, call)
        assert not made, f"made in a call: {_counts(made)}"

    @pytest.mark.patter_timeout(_FRESH_S + ANSWER_S)
    async def test_a_warm_call_imports_nothing(self, provider: Any, call: CallContext) -> None:
        """Once `warm` has returned, a call imports no library: that takes up to a second.

        If this fails: import the library where the provider's module begins, or in `warm`, by
        ``await asyncio.to_thread(import_module, ...)``.
        """
        self.address(provider)
        imported = await _imported_in_a_call(_shipped(type(self)), provider, call)
        assert not imported, f"imported in a call: {', '.join(imported)}"

    async def test_getting_ready_twice_is_cheap(self, provider: Any, call: CallContext) -> None:
        """`warm` is asked each time a phone rings; it makes nothing twice and leaves nothing.

        If this fails: keep what `warm` makes in the client pool, and own its tasks.
        """
        if not isinstance(provider, Warmable):
            pytest.skip("it has nothing to get ready (no 'warm')")
        async with within(WARM_S, "getting ready"), nothing_left(), client_pool():
            await provider.warm()
            with _made() as made:
                await provider.warm()
                await asyncio.gather(provider.warm(), provider.warm())
            await self.use(provider, call)
        assert not made, f"made by getting ready again: {_counts(made)}"


def _counts(made: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(made.items()))


async def _warmed(provider: Any) -> None:
    if isinstance(provider, Warmable):
        await provider.warm()


async def checked(provider: Any) -> str | None:
    """What the `check` of *provider* tells, None if it has none. Raises what it raises."""
    if (checkable := health_check_of(provider)) is None:
        return None
    report = await checkable.check()
    return report.text if report else ""


async def ready_or_not(provider: Any) -> PatterError | None:
    """What `warm` of *provider* raises, which must have a fix."""
    try:
        await _warmed(provider)
    except Exception as error:
        has_fix(error)
        return error if isinstance(error, PatterError) else None
    return None


@contextmanager
def _made() -> Iterator[Counter[str]]:
    """Count the clients and TLS contexts that are made meanwhile."""
    made: Counter[str] = Counter()
    with pytest.MonkeyPatch.context() as patch:
        _count(patch, aiohttp.ClientSession, "__init__", "aiohttp.ClientSession", made)
        for module, names in _CLIENTS.items():
            for name in names:
                if client := getattr(sys.modules.get(module), name, None):
                    _count(patch, client, "__init__", f"{module}.{name}", made)
        contexts = ssl.SSLContext.__new__

        def context(cls: type[ssl.SSLContext], *args: Any, **kwargs: Any) -> ssl.SSLContext:
            made["ssl.SSLContext"] += 1
            return contexts(cls, *args, **kwargs)

        patch.setattr(ssl.SSLContext, "__new__", context)
        yield made


def _count(
    patch: pytest.MonkeyPatch, owner: Any, method: str, name: str, made: Counter[str]
) -> None:
    original = getattr(owner, method)

    def counted(self: Any, *args: Any, **kwargs: Any) -> Any:
        made[name] += 1
        return original(self, *args, **kwargs)

    patch.setattr(owner, method, counted)


def _shipped(suite: type) -> type:
    """The class of *suite* that a new interpreter can import: this package's own."""
    return next(
        each for each in suite.__mro__ if each.__module__.startswith("patter_testing.suites.")
    )


async def _imported_in_a_call(suite: type, provider: Any, call: CallContext) -> list[str]:
    """What a fresh interpreter imports while *suite* uses *provider*, which was warm."""
    try:
        task = pickle.dumps((suite.__module__, suite.__qualname__, provider, call))
    except Exception as error:
        pytest.skip(f"its settings cannot be told to another process: {error}")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _CHILD,
        json.dumps(sys.path),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with within(_FRESH_S, "a call in a new interpreter"):
            out, err = await process.communicate(task)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, err.decode()[-2_000:]
    imported: list[str] = json.loads(out.splitlines()[-1])
    return imported
