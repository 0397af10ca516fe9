"""What tracing costs while it is off: as good as nothing, counted, and no import of the SDK."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import FrameType
from typing import Any

import attrs
import pytest

from patter import PluginRegistry
from patter_otel import plugin
from patter_otel.switch import ENABLED
from patter_testing import lab, run_virtual

from .calls import booking, registry

MOST = 1.03


@attrs.define
class Work:
    """Calls of functions, Python's and C's: the same in every run, however busy the machine."""

    calls: int = 0


@contextmanager
def counting() -> Iterator[Work]:
    work = Work()

    def note(_: FrameType, event: str, __: object) -> None:
        if event in ("call", "c_call"):
            work.calls += 1

    sys.setprofile(note)
    try:
        yield work
    finally:
        sys.setprofile(None)


def work_of(found: PluginRegistry) -> int:
    async def call_it() -> None:
        async with lab(booking(), registry=found) as call:
            await call.says("a table please")

    def work() -> int:
        with counting() as work:
            run_virtual(call_it())
        return work.calls

    # On the main thread asyncio writes out all of a call when it sets its handler of Ctrl-C.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(work).result()


def test_a_call_with_tracing_off_does_the_same_work_as_without_the_plugin(
    tracing: Callable[..., Any],
) -> None:
    without, installed = registry(), registry("patter_otel")
    for each in (without, installed):  # imports, and what is made once
        work_of(each)
    bare, off = work_of(without), work_of(installed)
    assert bare > 10_000
    assert off <= MOST * bare
    # The measure is no blind one: tracing that is on is seen.
    tracing()
    assert work_of(installed) > bare + 500


def test_while_it_is_off_no_hook_has_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ENABLED, raising=False)
    call: Any = None
    assert plugin.patter_server_scope(call) is None
    assert plugin.patter_call_listeners(call) is None
    assert plugin.patter_call_scope(call) is None


def test_nothing_of_opentelemetry_is_imported_before_it_is_on() -> None:
    code = (
        "import sys, patter, patter_otel, patter_otel.plugin as p;"
        "p.patter_server_scope(None); p.patter_call_listeners(None);"
        "print(*[name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
