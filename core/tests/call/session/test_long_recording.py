"""The recording of an hour is still on the clock of the line, on both sides."""

from __future__ import annotations

import threading
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from patter.aio import task_scope
from patter.call.plan import Phrases
from patter.call.session import CallSession
from patter.call.turn.rules import TurnRules
from patter.observe.file_writer import FILE_WRITER
from patter.providers.context import CallContext
from patter_testing import FakeCarrier, FakeSTT, FakeTTS, VirtualClock
from patter_testing.fakes.carrier import FakeLeg

from .plans import plan

pytestmark = [pytest.mark.virtual_time, pytest.mark.patter_timeout(120)]
HOUR_MS, EVERY_MS, FRAME_MS = 3_600_000, 60_000, 100
HELD_UP_MS, HELD_EVERY_MS, HELD_FROM_MS = 400, 20_000, 7_000
"""How long the network holds everything up, how often, and from when on."""
CLICK = b"\x21"
RULES = TurnRules(idle_ms=(), call_max_ms=HOUR_MS + 60_000)
AT_MOST_MS = 20


def is_written() -> None:
    """Wait, in real time, until what was recorded is on the disk."""
    written = threading.Event()
    FILE_WRITER.run(written.set)
    assert written.wait(30)


async def lives_an_hour(folder: Path, clicks: list[float]) -> tuple[FakeLeg, float]:
    """A call in which the caller clicks every minute, and the agent speaks half a minute later.

    Every 20 s the network brings nothing for 0.4 s, and then all of it at once.
    """
    carrier = FakeCarrier()
    leg = carrier.leg()
    session = CallSession(
        plan=plan(stt=FakeSTT(), tts=FakeTTS(), rules=RULES, phrases=Phrases()),
        call=CallContext(call_id="hour", clock=VirtualClock()),
        carrier=carrier,
        recording=folder / "call.wav",
    )
    size, held = leg.audio.bytes_in(FRAME_MS), list[bytes]()
    async with task_scope() as tasks:
        tasks.create_task(session.run())
        tasks.create_task(session.attach(leg))
        await leg.clock.sleep(1_000)
        while leg.now_ms < HOUR_MS:
            await leg.clock.sleep(FRAME_MS)
            at_ms = round(leg.now_ms)
            if at_ms % EVERY_MS == EVERY_MS // 2:
                await session.control.say("X" * 5)
            if at_ms % EVERY_MS == 0:
                clicks.append(at_ms - FRAME_MS)
                # A minute takes the loop a moment; the thread that writes needs its own time.
                is_written()
            held.append((CLICK if at_ms % EVERY_MS == 0 else leg.audio.silence) * size)
            if not 0 <= at_ms % HELD_EVERY_MS - HELD_FROM_MS < HELD_UP_MS:
                for frame in held:
                    leg.speak(frame)
                held.clear()
        ended_ms = leg.now_ms
        leg.hang_up("caller")
    return leg, ended_ms


def onsets_ms(side: np.ndarray) -> Iterator[float]:
    """When sound begins that follows a second of silence, at 8,000 samples a second."""
    loud = np.flatnonzero(side)
    first = loud[np.insert(np.diff(loud) > 8_000, 0, True)]
    yield from first / 8


async def test_both_sides_of_an_hour_are_within_20_ms_of_the_line(tmp_path: Path) -> None:
    clicks: list[float] = []
    leg, ended_ms = await lives_an_hour(tmp_path, clicks)
    heard = [each.at_ms for each in leg.played]
    agent = [at for at, before in zip(heard, [-9e9, *heard], strict=False) if at - before > 5_000]
    is_written()
    with wave.open(str(tmp_path / "call.wav")) as wav:
        both = np.frombuffer(wav.readframes(wav.getnframes()), "<i2").reshape(-1, 2)
    assert abs(len(both) / 8 - ended_ms) <= AT_MOST_MS and ended_ms >= HOUR_MS
    for side, expected in enumerate((clicks, agent)):
        recorded = [*onsets_ms(both[:, side])]
        assert len(recorded) == len(expected) >= 59
        assert np.abs(np.subtract(recorded, expected)).max() <= AT_MOST_MS
