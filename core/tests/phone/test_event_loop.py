"""Which loop the commands run on."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable
from types import ModuleType

import pytest

from patter import Patter, PatterConfigError, event_loop
from patter.errors import NotInstalled

from .phones import PARTS, phone_of, status

Loop = type[asyncio.AbstractEventLoop]


async def kind() -> Loop:
    return type(asyncio.get_running_loop())


@pytest.fixture
def without_uvloop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_loop, "find_spec", lambda name: None)


@pytest.mark.usefixtures("without_uvloop")
def test_without_uvloop_it_is_asyncio_s_own(monkeypatch: pytest.MonkeyPatch) -> None:
    assert issubclass(event_loop.run(kind()), asyncio.BaseEventLoop)
    monkeypatch.setenv(event_loop.VARIABLE, "uvloop")
    with pytest.raises(NotInstalled) as caught:
        event_loop.run(kind())
    assert caught.value.fix == "pip install 'patter-core[uvloop]'"


def test_uvloop_is_used_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    class Faster(asyncio.SelectorEventLoop):
        pass

    module = ModuleType("uvloop")
    vars(module)["new_event_loop"] = Faster
    monkeypatch.setitem(sys.modules, "uvloop", module)
    monkeypatch.setattr(event_loop, "find_spec", lambda name: name)
    assert event_loop.run(kind()) is Faster
    monkeypatch.setenv(event_loop.VARIABLE, "ASYNCIO")
    assert event_loop.run(kind()) is not Faster


def test_another_name_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(event_loop.VARIABLE, "twisted")
    with pytest.raises(PatterConfigError, match="no event loop 'twisted'"):
        event_loop.run(kind())


async def served(phone: Patter, stop: Callable[[], object]) -> tuple[int, bool]:
    agent = phone.agent("Be brief.", **PARTS)
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(phone.serve(agent, port=0))
        answer = await status(await phone.ready)
        stop()
    return answer, serving.result()


def test_a_phone_serves_and_is_stopped_by_a_signal_on_uvloop() -> None:
    uvloop = pytest.importorskip("uvloop")
    before = signal.getsignal(signal.SIGTERM)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        stop = lambda: signal.raise_signal(signal.SIGTERM)  # noqa: E731
        assert runner.run(served(phone_of(), stop)) == (200, True)
    assert signal.getsignal(signal.SIGTERM) is before
