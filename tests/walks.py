"""The walks of docs/architecture.md, walked: which functions of Patter run, in which order.

``python -m tests.walks`` prints how many files and functions each walk crosses.
"""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import attrs

from patter import Patter, PluginRegistry, tool
from patter.observe.call_log import CallLog
from patter.phone.serving import ServeContext
from patter.plugins.kinds import STT_KIND
from patter.providers.llm import ToolRequest
from patter.server.app import Server
from patter_softphone import Softphone
from patter_testing import FakeLLM, FakeSTT, FakeTTS, Reply, lab, run_virtual

from .house import ROOT, here

PAGE = ROOT / "docs" / "architecture.md"
_STEP = re.compile(r"^\d+\. `(?P<file>[\w/.-]+\.py)` `(?P<name>[\w.]+)`", re.MULTILINE)
_TITLE = re.compile(r"^### (?P<title>.+)$", re.MULTILINE)


@attrs.frozen
class Step:
    """A function that a walk passes through: *file* from the root, *name* within it."""

    file: str
    name: str


@attrs.frozen
class Walk:
    """A numbered list of the page."""

    title: str
    steps: tuple[Step, ...]


@attrs.frozen
class Passage:
    """What ran from the first step of a walk to its last: *missing* is the step not reached."""

    calls: tuple[Step, ...]
    missing: Step | None = None

    @property
    def files(self) -> set[str]:
        """The files that were crossed, less those of fakes."""
        return {call.file for call in self.calls if not call.file.startswith("contrib/")}


def walks() -> list[Walk]:
    """The walks of the page."""
    pieces = _TITLE.split(PAGE.read_text(encoding="utf-8"))
    pairs = zip(pieces[1::2], pieces[2::2], strict=True)
    read = [Walk(title, _steps_of(body)) for title, body in pairs]
    return [walk for walk in read if walk.steps]


def _steps_of(body: str) -> tuple[Step, ...]:
    return tuple(Step(**step.groupdict()) for step in _STEP.finditer(body))


def passage(walk: Walk, calls: Sequence[Step]) -> Passage:
    """Where *walk* is walked in *calls*: the shortest stretch that ends where it first can."""
    end = -1
    for step in walk.steps:
        try:
            end = calls.index(step, end + 1)
        except ValueError:
            return Passage((), missing=step)
    began = end
    for step in reversed(walk.steps[:-1]):
        began = next(at for at in range(began - 1, -1, -1) if calls[at] == step)
    return Passage(tuple(calls[began : end + 1]))


@contextmanager
def recorded() -> Iterator[list[Step]]:
    """Every call of a function of this repository inside, in order, in every thread."""
    calls: list[Step] = []
    steps: dict[Any, Step | None] = {}

    def note(frame: FrameType, event: str, _: object) -> None:
        if event != "call":
            return
        code = frame.f_code
        if code not in steps:
            steps[code] = _step(code.co_filename, code.co_qualname)
        if (step := steps[code]) is not None:
            calls.append(step)

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield calls
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def _step(filename: str, name: str) -> Step | None:
    path = Path(filename)
    if not path.is_relative_to(ROOT) or "src" not in path.parts:
        return None
    return Step(here(path), name.replace("<locals>.", ""))


def a_conversation() -> list[Step]:
    """A greeting that is interrupted, and an answer."""
    return _call(FakeLLM(replies=("We are open from five to eleven.",)))


def a_conversation_with_a_tool() -> list[Step]:
    """The same, with a tool between the question and the answer."""
    asks = Reply(tools=(ToolRequest("t1", "opening_hours", '{"day": "sunday"}'),))
    return _call(FakeLLM(replies=(asks, "We are open from five to eleven.")))


def a_conversation_on_record() -> list[Step]:
    """The same, written down."""
    with tempfile.TemporaryDirectory() as folder:
        return _call(FakeLLM(replies=("We are open.",)), CallLog(root=Path(folder)))


def _call(llm: FakeLLM, log: CallLog | None = None) -> list[Step]:
    agent = Patter().agent(
        "Be brief.",
        stt=FakeSTT(),
        llm=llm,
        tts=FakeTTS(),
        tools=[opening_hours],
        first_message="Good evening, this is Rosa's, how may I help you today?",
    )

    async def talk() -> None:
        async with lab(agent) as call:
            if log is not None:
                writer = log.open("lab", 0.0, chance=1.0)
                call.session.events.subscribe(writer)
            await call.interrupts("when are you open on sunday", after_ms=900)
            await call.hangs_up()
        if log is not None:
            writer.join()

    with recorded() as calls:
        run_virtual(talk())
    return calls


@tool(effect="read")
def opening_hours(day: str) -> str:
    """When we are open."""
    return f"{day}: five to eleven"


def a_call_that_comes_in() -> list[Step]:
    """A webhook, then its media socket, over real sockets and the softphone's carrier."""
    phone = Patter(carrier="softphone")
    agent = phone.agent("Be brief.", stt=FakeSTT(), llm=FakeLLM(), tts=FakeTTS())
    context = ServeContext(agent=agent, parts=phone.gathered(agent), registry=phone.registry)

    async def call_in() -> None:
        assert phone.carrier is not None
        async with (
            Server(port=0).open(context.answer, carriers=[phone.carrier]) as serving,
            Softphone(url=serving.url).call() as call,
        ):
            await call.hang_up()

    with recorded() as calls:
        asyncio.run(call_in())
    return calls


def a_resolve() -> list[Step]:
    """A spec string becomes a provider."""
    with recorded() as calls:
        PluginRegistry.from_environment({}).resolve(STT_KIND, "pocketsphinx?silence_ms=900")
    return calls


SCENES: tuple[Callable[[], list[Step]], ...] = (
    a_conversation,
    a_conversation_with_a_tool,
    a_conversation_on_record,
    a_call_that_comes_in,
    a_resolve,
)


def main() -> int:
    played = [scene() for scene in SCENES]
    for walk in walks():
        whole = [found for calls in played if (found := passage(walk, calls)).missing is None]
        for found in whole[:1]:
            functions = len(set(found.calls))
            print(f"{walk.title:40} {len(found.files):3} files {functions:4} functions")
        if not whole:
            print(f"{walk.title:40} is not walked")
    return 0


if __name__ == "__main__":
    sys.exit(main())
