"""The walks of ``docs/architecture.md`` as the page has them, and what a program really calls."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from inspect import CO_OPTIMIZED
from types import CodeType, FrameType

import attrs

from .house import ROOT, dotted, here, sources

KIT = "patter_testing"
EVERYWHERE = ("core/src/patter/server/stalls.py", "core/src/patter/task_wall.py")
"""Beats beside everything, and stands around each task, so they are on no walk."""
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
    """The calls of our own functions, in order; a resumed coroutine counts as called again."""

    calls: list[Step] = attrs.field(factory=list)
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

    def _take(self, frame: FrameType, event: str, _: object) -> None:
        if event != "call":
            return
        code = frame.f_code
        if code not in self._steps:
            self._steps[code] = self._step(code)
        if (step := self._steps[code]) is not None:
            self.calls.append(step)

    def _step(self, code: CodeType) -> Step | None:
        """What *code* is; bodies of modules and classes, lambdas and comprehensions are nothing."""
        file, name = self._files.get(code.co_filename), code.co_qualname
        named = code.co_flags & CO_OPTIMIZED and "<" not in name.rpartition(".")[2]
        return Step(file, name) if file and named else None


@attrs.frozen
class Trail:
    """How *calls* follow a walk: where each of its steps is called, and what is *wrong*."""

    found: tuple[int, ...]
    wrong: tuple[str, ...]

    def crossed(self, calls: Sequence[Step]) -> tuple[Step, ...]:
        """The functions of core from the first step to the last, those not named included."""
        window = calls[self.found[0] : self.found[-1] + 1]
        core = (step for step in window if step.in_core and step.file not in EVERYWHERE)
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
