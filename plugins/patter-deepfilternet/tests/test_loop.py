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

from .pace import PacedSession

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


class Echo:
    """A stream that gives back what it gets, once *working* is set; *seen*: in which threads."""

    def __init__(self) -> None:
        self.working, self.seen = threading.Event(), list[str]()
        self.working.set()

    def clean(self, audio: bytes) -> bytes:
        self.seen.append(threading.current_thread().name)
        self.working.wait(20)
        return audio


def session_of(stream: Any) -> DeepFilterNetSession:
    return DeepFilterNetSession(PCM16_8K, lambda: stream)


def test_audio_is_worked_on_in_a_thread_that_ends_with_the_session() -> None:
    echo = Echo()
    session: PacedSession | None = PacedSession(session_of(echo))
    assert session is not None
    assert [session.process(each) for each in (b"aa", b"bb", b"cc")] == [b"", b"aa", b"bb"]
    assert {name.rsplit("_", 1)[0] for name in echo.seen} == {"deepfilternet"}
    thread = next(each for each in threading.enumerate() if each.name == echo.seen[0])
    session = None
    gc.collect()
    thread.join(5)
    assert not thread.is_alive()


def test_a_call_never_waits_for_a_network_that_does_not_come_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(audio_filter, "LATE_MS", 100)
    echo, slowest_s = Echo(), 0.0
    session = session_of(echo)
    echo.working.clear()
    try:
        with pytest.raises(PatterTimeoutError, match="120 ms behind") as caught:
            for _ in range(10):
                begun = time.perf_counter()
                assert session.process(PIECE) == b""
                slowest_s = max(slowest_s, time.perf_counter() - begun)
    finally:
        echo.working.set()
    assert slowest_s < 0.05
    assert caught.value.code is ErrorCode.TIMEOUT
    assert caught.value.fix


def test_what_was_late_comes_whole_and_in_order() -> None:
    echo = Echo()
    session = session_of(echo)
    echo.working.clear()
    assert [session.process(bytes([each] * 320)) for each in range(4)] == [b""] * 4
    echo.working.set()
    session._thread.submit(int).result(20)
    assert session.process(PIECE) == b"".join(bytes([each] * 320) for each in range(4))


def test_time_that_goes_faster_than_anybody_speaks_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audio_filter, "AHEAD_MS", 100)
    session = session_of(Echo())
    for _ in range(20):
        session.process(PIECE)
    assert session.process(PIECE) == PIECE


def test_a_network_slower_than_speech_loses_nothing_of_time_that_goes_faster(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Slow:
        def clean(self, audio: bytes) -> bytes:
            time.sleep(0.03)
            return audio

    monkeypatch.setattr(audio_filter, "AHEAD_MS", 100)
    session = session_of(Slow())
    out = b"".join(session.process(PIECE) for _ in range(30))
    assert len(out) == 29 * len(PIECE)


def test_a_call_whose_network_is_not_made_in_time_is_told() -> None:
    def never() -> Any:
        raise PatterTimeoutError("none was made", fix="wait")

    session = PacedSession(DeepFilterNetSession(PCM16_8K, never))
    session.process(PIECE)
    with pytest.raises(PatterTimeoutError, match="none was made"):
        session.process(PIECE)


def test_what_a_network_raises_is_raised_with_the_next_piece() -> None:
    class Broken:
        def clean(self, audio: bytes) -> bytes:
            raise ValueError("broken")

    session = PacedSession(session_of(Broken()))
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
    assert freed.count(state) == 1
