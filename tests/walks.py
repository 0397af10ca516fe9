"""Goes every walk of ``docs/architecture.md`` with real code, and records what is called.

``python -m tests.walks`` prints how many files and functions of core each walk crosses, and
with ``-v`` which.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import attrs

import patter
from patter import Patter, PluginRegistry, tool
from patter.observe.call_events import CallEvents
from patter.observe.call_log import CallLog
from patter.observe.events import Note
from patter.observe.file_writer import FileWriter
from patter.plugins.kinds import VAD_KIND
from patter.providers.llm import LLMRequest, ToolRequest
from patter_testing import Caller, FakeLLM, FakeSTT, FakeTTS, FakeVAD, Reply
from patter_testing.doubles.call import DoubleCall
from patter_testing.fakes.tts import spoken

from .far_ends import HOST, LETTER_MS, OURS, OverVendor, far_end
from .processes import free_port
from .trails import PAGE, Step, Trace, follow, walks

WALKS = walks(PAGE.read_text(encoding="utf-8"))
NUMBER = "+15550100001"
ANSWER = "We are open from five to eleven, every day of the week, and on Sundays from noon."
PATIENCE_S = 20.0
READ_MS = 150.0
"""How long a model thinks: by then the audio of the caller is read, also on a busy machine."""
QUIET_S = 0.1
"""So long after the last audio nothing of the call runs but what was asked for."""


@tool(effect="once")
async def book_table(people: int) -> str:
    """Book a table."""
    return f"R{people}"


def answer(request: LLMRequest) -> Reply | str:
    """A booking is made by the tool; every other question gets the long answer."""
    last = request.messages[-1]
    if last.role == "user" and last.text.endswith("two"):
        booking = ToolRequest("t1", "book_table", '{"people": 2}')
        return Reply(tools=(booking,), first_ms=READ_MS)
    return "Booked." if last.role == "tool" else ANSWER


@attrs.define(eq=False)
class Walking:
    """One call over a double; *spans* has where in the trace each walk was gone."""

    trace: Trace
    stt: FakeSTT = attrs.field(factory=FakeSTT)
    llm: FakeLLM = attrs.field(factory=lambda: FakeLLM(answer=answer))
    spans: dict[str, slice] = attrs.field(factory=dict)

    @contextmanager
    def on(self, walk: str) -> Iterator[None]:
        """What is called inside belongs to *walk*."""
        begin = len(self.trace.calls)
        yield
        self.spans[walk] = slice(begin, len(self.trace.calls))

    async def call(self, vendor: OverVendor) -> None:
        """Ring, ask, interrupt the answer, book a table, hang up."""
        with self.on("webhook to attached leg"):
            call: DoubleCall = vendor.vendor.rings(caller=NUMBER)
            await call.up()
            await until(lambda: bool(self.stt.sessions))
            await asyncio.sleep(QUIET_S)
        caller = Caller(call.leg)
        with self.on("a frame to the STT"):
            await caller.waits(20)
            await asyncio.sleep(QUIET_S)
        await self.asks(caller, "are you open")
        with self.on("end of a turn to first audio"):
            await self.pauses(caller, lambda: bool(call.leg.heard()))
        await asyncio.sleep(0.5)
        with self.on("barge-in to clear"):
            await self.asks(caller, "hello hello are you there, a table for two")
            assert call.leg.clears
        with self.on("a tool call"):
            await self.pauses(caller, lambda: self.llm.requests[-1].messages[-1].role == "tool")
        await call.hangs_up()

    async def asks(self, caller: Caller, text: str) -> None:
        """Speak; the recogniser has understood at the end."""
        await caller.sounds(spoken(text, caller.leg.audio, 30))
        self.stt.sessions[-1].hear(text)
        await asyncio.sleep(0.01)

    async def pauses(self, caller: Caller, happened: Callable[[], bool]) -> None:
        """Be silent until the detector notices, then send nothing, until it *happened*."""
        await caller.waits(200)
        await until(happened)
        await asyncio.sleep(QUIET_S)


async def until(happened: Callable[[], bool]) -> None:
    """Wait for what comes over real sockets."""
    async with asyncio.timeout(PATIENCE_S):
        while not happened():
            await asyncio.sleep(0.005)


async def walk_a_call(walking: Walking) -> None:
    """Serve an agent to Twilio's double, and go the walks of a call."""
    async with far_end("twilio", paced=False) as vendor, asyncio.TaskGroup() as tasks:
        assert isinstance(vendor, OverVendor)
        phone = Patter(carrier=vendor.carrier, phone_number=OURS, webhook_url=HOST, persist=False)
        agent = phone.agent(
            "Be brief.",
            stt=walking.stt,
            llm=walking.llm,
            tts=FakeTTS(ms_per_letter=LETTER_MS),
            vad=FakeVAD(),
            tools=[book_table],
            barge_in_mode="cancel",
        )
        port = free_port()
        vendor.reaches(f"http://127.0.0.1:{port}")
        serving = tasks.create_task(phone.serve(agent, port=port, dashboard=False))
        await phone.ready
        await walking.call(vendor)
        await phone.disconnect()
        await serving


async def walk_an_event(walking: Walking, root: Path) -> None:
    """Write one event to a record."""
    writer = CallLog(root=root, file_writer=FileWriter()).open("c1", wall=0.0, chance=1.0)
    events = CallEvents("c1", lambda: 5)
    events.subscribe(writer)
    with walking.on("an event to call.jsonl"):
        events.emit(Note(what="backchannel", text="uh-huh"))
        assert await writer.finish()


def walk_a_spec(walking: Walking) -> None:
    """Make a provider of a spec string."""
    registry = PluginRegistry.from_environment({})
    # Public names are imported when they are first used, which other tests may have done.
    for name in patter.__all__:
        getattr(patter, name)
    with walking.on("spec string to provider"):
        registry.resolve(VAD_KIND, "webrtcvad?mode=2")


async def walk_all(root: Path) -> Mapping[str, Sequence[Step]]:
    """What was called on each walk."""
    walking = Walking(Trace())
    with walking.trace.recording():
        walk_a_spec(walking)
        await walk_an_event(walking, root)
        await walk_a_call(walking)
    return {name: walking.trace.along(WALKS[name], span) for name, span in walking.spans.items()}


def main() -> None:
    """Print how many files and functions of core each walk crosses, and with ``-v`` which."""
    with tempfile.TemporaryDirectory() as folder:
        calls = asyncio.run(walk_all(Path(folder)))
    for name, walk in WALKS.items():
        trail = follow(walk, calls[name])
        crossed = trail.crossed(calls[name])
        files = dict.fromkeys(step.file for step in crossed)
        print(f"{name}: {len(files)} files, {len(crossed)} functions", *trail.wrong, sep="\n  ! ")
        for file in files if "-v" in sys.argv else ():
            print(f"  {file}:", *(step.function for step in crossed if step.file == file))


if __name__ == "__main__":
    main()
