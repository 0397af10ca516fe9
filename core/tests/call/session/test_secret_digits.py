"""A sensitive entry's digits are with who asked, and in nothing that is kept, logged or played."""

from __future__ import annotations

import asyncio
import logging
import threading
import wave
from pathlib import Path

import pytest

from patter.aio import task_scope
from patter.audio.dtmf import tones
from patter.audio.formats import PCM16_8K
from patter.call.session import CallSession
from patter.observe.call_files import DEEDS, METADATA, TRANSCRIPT
from patter.observe.call_log import CallLog
from patter.observe.file_writer import FILE_WRITER
from patter.observe.record_files import NAME
from patter.phone.callbacks import CallbackDispatcher, Callbacks
from patter.providers.context import CallContext
from patter_testing import Caller, FakeCarrier, FakeLLM, FakeSTT, VirtualClock
from patter_testing.tones import digits_in

from .plans import plan

pytestmark = pytest.mark.virtual_time
CANARY, OPEN = "739154", "2580"


async def live(folder: Path, llm: FakeLLM, transcript: list[object]) -> tuple[CallSession, Path]:
    """A call on a line that carries tones: open keys, then secret ones, of which one too many."""
    carrier, stt = FakeCarrier(), FakeSTT()
    leg, context = carrier.leg(), CallContext(call_id="canary", clock=VirtualClock())
    record = CallLog(root=folder / "log").open("canary", context.clock.wall(), chance=1)
    session = CallSession(
        plan=plan(llm, stt=stt),
        call=context,
        carrier=carrier,
        listeners=(record,),
        recording=record.directory / "call.wav",
    )
    told = CallbackDispatcher(context, Callbacks(on_transcript=transcript.append))
    session.events.subscribe(told)
    caller = Caller(leg, on_speech=lambda text: stt.sessions[-1].hear(text))

    async def presses(digits: str) -> None:
        for digit in digits:
            leg.press(digit)
            await caller.sounds(tones(digit, leg.audio))

    async with task_scope() as tasks:
        tasks.create_task(session.run())
        tasks.create_task(session.attach(leg))
        await caller.waits(500)
        await presses(OPEN)
        await caller.waits(3_000)
        entry = tasks.create_task(session.control.collect_digits(5, sensitive=True))
        await asyncio.sleep(0)
        await presses(CANARY)
        assert await entry == CANARY[:5]
        await caller.waits(4_000)
        await caller.says("is that right")
        await caller.hears_the_agent_out()
        caller.hangs_up()
    told.delivery.finish()
    await told.delivery.run()
    # The thread's time is real; it empties its queues in their order.
    record.join()
    written = threading.Event()
    FILE_WRITER.run(written.set)
    assert written.wait(10)
    return session, record.directory


def pressed_in(path: Path) -> tuple[str, bool]:
    """The keys that sound on either side of a recording, and whether the caller is in it."""
    with wave.open(str(path)) as wav:
        body = wav.readframes(wav.getnframes())
    sides = [
        b"".join(body[at + 2 * side : at + 2 * side + 2] for at in range(0, len(body), 4))
        for side in (0, 1)
    ]
    return "".join(digits_in(side, PCM16_8K) for side in sides), bool(sides[0].strip(b"\0"))


async def test_secret_digits_are_in_nothing_that_stays(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATTER_TRACE_HOOKS", "1")
    llm, transcript = FakeLLM(replies=("Thank you.",)), list[object]()
    with caplog.at_level(logging.DEBUG):
        session, folder = await live(tmp_path, llm, transcript)
    kept = {path.name: path.read_text() for path in folder.iterdir() if path.suffix != ".wav"}
    assert set(kept) == {NAME, METADATA, TRANSCRIPT, DEEDS}
    shown = repr([request.messages for request in llm.requests])
    everything = {
        **kept,
        "log": caplog.text,
        "history": repr(session.history.rows),
        "model": shown,
        "callbacks": repr(transcript),
        "control": repr(session.control),
    }
    assert {name for name, text in everything.items() if OPEN in text} >= {
        NAME,
        TRANSCRIPT,
        "model",
    }
    for name, text in everything.items():
        assert not [
            part for part in (CANARY, CANARY[:5], CANARY[1:], CANARY[:4]) if part in text
        ], name


async def test_secret_tones_are_not_in_the_recording_and_the_rest_of_the_call_is(
    tmp_path: Path,
) -> None:
    _, folder = await live(tmp_path, FakeLLM(), [])
    assert pressed_in(folder / "call.wav") == (OPEN, True)
