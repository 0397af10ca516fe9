"""The page on the architecture is true: names exist, walks are walked, no room is missing."""

from __future__ import annotations

import ast
import asyncio
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module

import attrs
import pytest

from patter.audio.dtmf import tones
from patter.audio.formats import MULAW_8K
from patter.call.turn.words import joined

from .conftest import FIGURE
from .house import CORE, ROOT, Package, dotted, here, sources, tree
from .trails import PAGE, Step, Trace, Walk, follow, walks
from .walks import walk_all

FILES = {
    "a frame to the STT": 12,
    "end of a turn to first audio": 47,
    "barge-in to clear": 33,
    "webhook to attached leg": 45,
    "spec string to provider": 12,
    "a tool call": 27,
    "an event to call.jsonl": 7,
}
"""The walks, and how many files of core each may cross. Join what is always walked together."""

TEXT = PAGE.read_text(encoding="utf-8")
WALKS = walks(TEXT)
STRANGER = Step("core/src/patter/audio/dtmf.py", "tones")
"""A function that exists and is on no walk."""

every_walk = pytest.mark.parametrize("name", FILES)


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Sequence[Step]]:
    """What is called on each walk."""
    return asyncio.run(walk_all(tmp_path_factory.mktemp("records")))


def qualified_names(node: ast.AST, prefix: str = "") -> Iterator[str]:
    """Every class and function below *node*, as ``Class.method``."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{prefix}{child.name}"
            yield from qualified_names(child, f"{prefix}{child.name}.")


def altered(walk: Walk, at: int, steps: list[Step]) -> Walk:
    """*walk* with other steps in the stage *at*."""
    stages = [*walk.stages[:at], tuple(steps), *walk.stages[at + 1 :]]
    return attrs.evolve(walk, stages=tuple(stages))


def test_the_page_has_the_seven_walks() -> None:
    assert list(WALKS) == list(FILES)


def test_every_numbered_line_of_a_walk_is_a_step() -> None:
    numbered = re.findall(r"^\d+\. ", TEXT.partition("## Walks")[2], re.M)
    assert len(numbered) == sum(len(walk.steps) for walk in WALKS.values()) > len(WALKS) * 5


@pytest.mark.parametrize(
    "step", dict.fromkeys(step for walk in WALKS.values() for step in walk.steps), ids=str
)
def test_a_step_names_a_function_of_its_file(step: Step) -> None:
    thing: object = import_module(dotted(ROOT / step.file))
    for part in step.function.split("."):
        thing = vars(thing).get(part)
    assert thing is not None, "no such name in that file"
    assert step.function in set(qualified_names(tree(ROOT / step.file)))


def test_what_the_page_shows_of_a_path_is_the_file_it_links_to() -> None:
    for shown, target in re.findall(r"\[`([^`]+)`\]\(\.\./([^)]+)\)", TEXT):
        assert (ROOT / target).exists(), target
        assert target.endswith(shown.rstrip("/")), f"{shown} links to {target}"


def test_the_sentences_between_name_only_what_exists() -> None:
    names = {name for path in sources() for name in qualified_names(tree(path))}
    prose = re.findall(r"`([A-Z]\w+\.\w+|_\w+)`", TEXT)
    assert prose
    assert [name for name in prose if name not in names] == []


def test_no_room_of_core_is_missing() -> None:
    source = Package(CORE).source
    rooms = [path.parent for path in source.rglob("__init__.py") if path.parent != source]
    rooms += [path for path in source.glob("*.py") if path.name != "__init__.py"]
    assert [here(room) for room in rooms if f"(../{here(room)})" not in TEXT] == []


@every_walk
def test_a_walk_is_walked_as_the_page_says(name: str, calls: Mapping[str, Sequence[Step]]) -> None:
    assert follow(WALKS[name], calls[name]).wrong == ()


@every_walk
def test_a_walk_crosses_no_more_files_than_it_did(
    name: str, calls: Mapping[str, Sequence[Step]], record_property: Callable[[str, object], None]
) -> None:
    crossed = follow(WALKS[name], calls[name]).crossed(calls[name])
    files = {step.file for step in crossed}
    record_property(FIGURE, f"files from {name}: {len(files)}, at most {FILES[name]}")
    assert len(files) <= FILES[name], sorted(files)


@every_walk
def test_a_function_that_is_not_on_a_walk_is_noticed(
    name: str, calls: Mapping[str, Sequence[Step]]
) -> None:
    walk = WALKS[name]
    for at, stage in enumerate(walk.stages):
        for place in range(len(stage) + 1):
            wrong = altered(walk, at, [*stage[:place], STRANGER, *stage[place:]])
            assert follow(wrong, calls[name]).wrong == (f"{STRANGER} is not called",)


@every_walk
def test_two_steps_in_the_wrong_order_are_noticed(
    name: str, calls: Mapping[str, Sequence[Step]]
) -> None:
    walk = WALKS[name]
    for at, stage in enumerate(walk.stages):
        for place in range(len(stage) - 1):
            one, two = stage[place : place + 2]
            wrong = altered(walk, at, [*stage[:place], two, one, *stage[place + 2 :]])
            assert follow(wrong, calls[name]).wrong


def test_a_step_counts_only_after_the_stage_before_it() -> None:
    one, two = Step("core/a.py", "one"), Step("core/b.py", "two")
    walk = Walk("w", ((one,), (two,)))
    assert follow(walk, [two, one, two]).wrong == ()
    assert follow(walk, [two, one]).wrong == ("core/b.py two is not called",)
    assert follow(Walk("w", ((one, two),)), [two, one, two]).wrong == (
        "core/b.py two is called before core/a.py one",
    )


def test_only_what_runs_while_recording_is_recorded() -> None:
    trace = Trace()
    with trace.recording():
        joined("one")
    joined("two")
    assert trace.calls == [Step("core/src/patter/call/turn/words.py", "joined")]


async def test_what_another_task_does_meanwhile_is_on_no_walk() -> None:
    trace, step = Trace(), Step("core/src/patter/call/turn/words.py", "joined")

    async def walker() -> None:
        joined("one")
        await asyncio.sleep(0)
        joined("two")

    async def stranger() -> None:
        tones("1", MULAW_8K)

    with trace.recording():
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(walker())
            tasks.create_task(stranger())
    assert STRANGER in trace.calls
    assert trace.along(Walk("w", ((step,),)), slice(0, None)) == [step, step]
