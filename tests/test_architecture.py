"""docs/architecture.md names what is there, and its walks are walked."""

from __future__ import annotations

import re
from functools import cache

import attrs
import pytest

from .house import CORE, ROOT
from .walks import PAGE, SCENES, Step, Walk, passage, walks

WALKS = walks()
each_walk = pytest.mark.parametrize("walk", WALKS, ids=lambda walk: walk.title)


@cache
def played() -> tuple[tuple[Step, ...], ...]:
    return tuple(tuple(scene()) for scene in SCENES)


def reached(walk: Walk) -> list[Step | None]:
    """The first step that each scene does not reach; None where it walks to the end."""
    return [passage(walk, calls).missing for calls in played()]


def test_there_are_seven_walks() -> None:
    assert len(WALKS) == 7
    assert all(len(walk.steps) >= 5 for walk in WALKS)


@each_walk
def test_a_walk_names_files_that_are_there(walk: Walk) -> None:
    assert not [step.file for step in walk.steps if not (ROOT / step.file).is_file()]


@each_walk
def test_a_walk_is_walked_step_by_step(walk: Walk) -> None:
    assert None in reached(walk), f"not reached: {reached(walk)}"


@each_walk
def test_a_step_that_is_not_on_the_way_is_noticed(walk: Walk) -> None:
    elsewhere = Step("core/src/patter/cli/doctor.py", "run")
    for at in range(len(walk.steps) + 1):
        steps = (*walk.steps[:at], elsewhere, *walk.steps[at:])
        assert reached(attrs.evolve(walk, steps=steps)).count(elsewhere) >= 1


def test_every_room_of_core_is_on_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    source = CORE / "src" / "patter"
    rooms = {path.stem for path in source.iterdir() if path.suffix == ".py" or path.is_dir()}
    named = set(re.findall(r"`patter\.(\w+)", text))
    assert {room for room in rooms if not room.startswith("_")} <= named | {"py"}
