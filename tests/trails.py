"""The walks of ``docs/architecture.md`` as the page has them, and what a program really calls."""

from __future__ import annotations

import asyncio
import re
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from inspect import CO_OPTIMIZED
from types import CodeType, FrameType

import attrs

from .house import ROOT, dotted, here, sources

KIT = "patter_testing"
BESIDE = frozenset({"core/src/patter/server/collector.py", "core/src/patter/server/stalls.py"})
"""Look after the process beside everything: they, and what they call, are on no walk."""
AROUND = frozenset({"core/src/patter/task_wall.py"})
"""Stands around each task, so it is on no walk either."""
PAGE = ROOT / "docs" / "architecture.md"
WALK = re.compile(r"^### Walk \d: (.+)$")
STEP = re.compile(r"^\d+\. \[`[^`]+`\]\(\.\./([^)]+)\) `([\w.]+)`: .+$")
QUEUE = re.compile(r"^   - \*(?:Queue|Timer|Socket)")


@attrs.frozen(order=True)
class Step:
    """A function, by its file as seen from the root, and its qualified name there."""

    file: str
    function: str

    def __str__(self) -> str:
        return f"{self.file} {self.function}"

    @property
    def in_core(self) -> bool:
        return self.file.startswith("core/")


@attrs.frozen
class Walk:
    """A walk as the page has it: *stages* of steps, with something that waits between them."""

    name: str
    stages: tuple[tuple[Step, ...], ...]

    @property
    def steps(self) -> tuple[Step, ...]:
        return tuple(step for stage in self.stages for step in stage)


def walks(text: str) -> dict[str, Walk]:
    """The walks of a page, by name."""
    stages: dict[str, list[list[Step]]] = {}
    current: list[list[Step]] = []
    for line in text.splitlines():
        if heading := WALK.match(line):
            current = stages[heading[1]] = [[]]
        elif line.startswith("#"):
            current = []
        elif current and QUEUE.match(line):
            current.append([])
        elif current and (step := STEP.match(line)):
            current[-1].append(Step(step[1], step[2]))
    return {name: Walk(name, tuple(map(tuple, each))) for name, each in stages.items()}


@attrs.define(eq=False)
class Trace:
    """The calls of our own functions, in order; a resumed coroutine counts as called again.

    *tasks* has for each the task that it ran in, or None for a callback of the loop, or a thread.
    """

    calls: list[Step] = attrs.field(factory=list)
    tasks: list[asyncio.Task[object] | None] = attrs.field(factory=list)
    _steps: dict[CodeType, Step | None] = attrs.field(factory=dict)
    _files: dict[str, str] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._files = {
            str(path): here(path)
            for path in sources()
            if dotted(path).split(".")[0] != KIT and "double" not in path.parts
        }

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Record what this thread, and those started meanwhile, call."""
        threading.setprofile(self._take)
        sys.setprofile(self._take)
        try:
            yield
        finally:
            sys.setprofile(None)
            threading.setprofile(None)

    def along(self, walk: Walk, span: slice) -> list[Step]:
        """The calls of *span* but for those of tasks that take no step of *walk*.

        How many of those get in between depends on how busy the machine is.
        """
        calls = list(zip(self.calls[span], self.tasks[span], strict=True))
        steps = frozenset(walk.steps)
        own = {task for step, task in calls if step in steps} | {None}
        return [step for step, task in calls if task in own]

    def _take(self, frame: FrameType, event: str, _: object) -> None:
        if event != "call" or (step := self._known(frame.f_code)) is None:
            return
        caller = frame.f_back and self._known(frame.f_back.f_code)
        if caller is None or caller.file not in BESIDE:
            self.calls.append(step)
            self.tasks.append(running_task())

    def _known(self, code: CodeType) -> Step | None:
        if code not in self._steps:
            self._steps[code] = self._step(code)
        return self._steps[code]

    def _step(self, code: CodeType) -> Step | None:
        """What *code* is; bodies of modules and classes, lambdas and comprehensions are nothing."""
        file, name = self._files.get(code.co_filename), code.co_qualname
        named = code.co_flags & CO_OPTIMIZED and "<" not in name.rpartition(".")[2]
        return Step(file, name) if file and named else None


def running_task() -> asyncio.Task[object] | None:
    """The task that runs now; None in a callback, and in a thread without a loop."""
    with suppress(RuntimeError):
        return asyncio.current_task()
    return None


@attrs.frozen
class Trail:
    """How *calls* follow a walk: where each of its steps is called, and what is *wrong*."""

    found: tuple[int, ...]
    wrong: tuple[str, ...]

    def crossed(self, calls: Sequence[Step]) -> tuple[Step, ...]:
        """The functions of core from the first step to the last, those not named included."""
        window = calls[self.found[0] : self.found[-1] + 1]
        core = (step for step in window if step.in_core and step.file not in BESIDE | AROUND)
        return tuple(dict.fromkeys(core))


def follow(walk: Walk, calls: Sequence[Step]) -> Trail:
    """Go *walk* along *calls*: within a stage the first calls of its steps are in its order."""
    found: list[int] = []
    wrong: list[str] = []
    for stage in walk.stages:
        begin = last = found[-1] + 1 if found else 0
        for step in stage:
            at = next((i for i in range(begin, len(calls)) if calls[i] == step), None)
            if at is None:
                wrong.append(f"{step} is not called")
            elif at < last:
                wrong.append(f"{step} is called before {calls[last]}")
            else:
                found.append(last := at)
    return Trail(tuple(found), tuple(wrong))
