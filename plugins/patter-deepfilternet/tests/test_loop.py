"""What a call's loop pays: the computing is done in threads, some of it before anybody calls."""

from __future__ import annotations

import asyncio
import gc
import statistics
import threading
import time
import weakref
from pathlib import Path
from typing import Any

import attrs
import pytest

from patter.audio.formats import PCM16_8K
from patter.errors import ErrorCode, PatterTimeoutError
from patter_deepfilternet import DeepFilterNetFilter, audio_filter, network
from patter_deepfilternet.audio_filter import DeepFilterNetSession
from patter_deepfilternet.library import bundled_model, library
from patter_deepfilternet.network import Network, Spares

PIECE = bytes(range(160)) * 2


async def test_at_the_pace_of_a_call_it_costs_the_loop_less_than_a_millisecond() -> None:
    session, computed, waited = DeepFilterNetFilter().start(PCM16_8K), [], []
    # The best of some: what else the machine does meanwhile is not the filter's.
    for _ in range(5):
        wall, own = list[float](), list[float]()
        for _ in range(15):
            begun, begun_wall = time.thread_time(), time.perf_counter()
            session.process(PIECE)
            own.append(time.thread_time() - begun)
            wall.append(time.perf_counter() - begun_wall)
            await asyncio.sleep(0.02)
        computed.append(statistics.median(own))
        waited.append(statistics.median(wall))
    assert min(computed) < 0.001
    assert min(waited) < 0.001


def test_audio_is_worked_on_in_a_thread_that_ends_with_the_session() -> None:
    seen: list[str] = []

    @attrs.define(eq=False)
    class Stream:
        def clean(self, audio: bytes) -> bytes:
            seen.append(threading.current_thread().name)
            return audio

    session: DeepFilterNetSession | None = DeepFilterNetSession(Stream())  # type: ignore[arg-type]
    assert session is not None
    assert [session.process(each) for each in (b"aa", b"bb", b"cc")] == [b"", b"aa", b"bb"]
    assert {name.rsplit("_", 1)[0] for name in seen} == {"deepfilternet"}
    thread = next(each for each in threading.enumerate() if each.name == seen[0])
    session = None
    gc.collect()
    thread.join(5)
    assert not thread.is_alive()


def test_a_network_that_does_not_come_back_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audio_filter, "LATE_S", 0.05)
    release = threading.Event()

    @attrs.define(eq=False)
    class Stream:
        def clean(self, audio: bytes) -> bytes:
            release.wait(20)
            return audio

    session = DeepFilterNetSession(Stream())  # type: ignore[arg-type]
    session.process(PIECE)
    try:
        with pytest.raises(PatterTimeoutError) as caught:
            session.process(PIECE)
    finally:
        release.set()
    assert caught.value.code is ErrorCode.TIMEOUT
    assert caught.value.fix


def test_what_a_network_raises_is_raised_with_the_next_piece() -> None:
    @attrs.define(eq=False)
    class Stream:
        def clean(self, audio: bytes) -> bytes:
            raise ValueError("broken")

    session = DeepFilterNetSession(Stream())  # type: ignore[arg-type]
    session.process(PIECE)
    with pytest.raises(ValueError, match="broken"):
        session.process(PIECE)


class Maker:
    """Makes networks at once until *free* are made, and then when it is let."""

    def __init__(self, free: int) -> None:
        self.free, self.made, self.let = free, list[Any](), threading.Event()

    def __call__(self, path: Path) -> Any:
        if len(self.made) >= self.free:
            self.let.wait(20)
        self.made.append(f"network {len(self.made)}")
        return self.made[-1]


def test_as_many_calls_as_there_are_spares_begin_without_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    maker = Maker(free=network.SPARES)
    monkeypatch.setattr(network, "Network", maker)
    monkeypatch.setattr(network, "TAKE_S", 0.05)
    waiting = Spares(Path("model"))
    waiting.ready()
    try:
        taken: list[Any] = [waiting.take() for _ in range(network.SPARES)]
        assert taken == ["network 0", "network 1"]
        with pytest.raises(PatterTimeoutError, match="was not made") as caught:
            waiting.take()
        assert caught.value.fix
    finally:
        maker.let.set()
    assert waiting.take() not in taken


def test_a_session_that_is_gone_leaves_no_network_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    real, freed = library(), list[int]()

    @attrs.frozen
    class Counting:
        def __getattr__(self, name: str) -> Any:
            return getattr(real, name)

        def df_free(self, state: int) -> None:
            freed.append(state)
            real.df_free(state)

    counting = Counting()
    monkeypatch.setattr(network, "library", lambda: counting)
    made: Network | None = Network(bundled_model())
    assert made is not None
    state, gone = made.state, weakref.ref(made)
    made = None
    gc.collect()
    assert gone() is None
    assert freed == [state]
