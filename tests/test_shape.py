"""The code keeps its shape: no circle of imports, one meaning a class name, no participles."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from . import house
from .house import CORE, Package, here, packages, tree
from .shape import (
    PARTICIPLES,
    bound_names,
    circles,
    class_homes,
    code_lines,
    function_lines,
    import_graph,
    public_identifiers,
    why_comments,
)

every_package = pytest.mark.parametrize("package", packages(), ids=lambda each: each.name)
RETIRED = """
    Ledger Moves Conductor Chronicle Journal CallRecord Recorded Recorder Trunk Handover
    Whereabouts Visit Owed Brain Desk Wish Cast Placed PlacedCalls Story Awaited WayIn Gathering
    ChoosyCarrier Checkup Checked EarlyNotes Company Courier Exchange Place Fate Habits Unwilling
    Seal Humans Costs Rude Quick Stranger
"""
"""Class names that had to be explained: the field's word, or what the thing is, says it."""
DESK = re.compile(r"(Desk|Habits|Courier)$")
SOURCE = '''"""A module."""

import sys  # bound by the vendor


class Parrot:
    """A bird."""

    told: int = 0

    def __init__(self, said: str) -> None:
        # Two reasons,
        # on two lines.
        self.found = said  # type: ignore[x]

    def repeat(self, *asked: str, **given: str) -> None:
        """Say it again.

        And again.
        """
        known = 1

    def _hidden(self, given: str) -> None: ...


class _Cage:
    said: int = 0
'''


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "src" / "parrot.py"
    path.parent.mkdir()
    path.write_text(SOURCE, encoding="utf-8")
    monkeypatch.setattr(house, "ROOT", tmp_path)
    return path


# --- what is promised


@every_package
def test_no_modules_import_each_other_in_a_circle(package: Package) -> None:
    assert circles(import_graph(package)) == [], "types and imports in functions count too"


def test_no_public_class_name_of_core_has_two_meanings() -> None:
    homes = class_homes(Package(CORE).modules())
    assert {name: where for name, where in homes.items() if len(where) > 1} == {}


@every_package
def test_no_public_name_is_a_participle(package: Package) -> None:
    wrong = [
        f"{here(path)}:{line} {name}"
        for path in package.modules()
        for name, line in public_identifiers(path)
        if name in PARTICIPLES
    ]
    assert wrong == [], "say what it is: params, report, request, result, raw"


@every_package
def test_no_name_at_all_is_a_participle(package: Package) -> None:
    wrong = [
        f"{here(path)}:{line} {name}"
        for path in package.modules()
        for name, line in bound_names(path)
        if name.strip("_").lower() in PARTICIPLES
    ]
    assert wrong == [], "say what it is: fields, match, results, report, details"


@every_package
def test_no_class_has_a_name_that_must_be_explained(package: Package) -> None:
    classes = [
        (node.name, f"{here(path)}:{node.lineno}")
        for path in package.modules()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef)
    ]
    # A vendor's RealtimeDesk says no more than a Desk.
    wrong = [
        where for name, where in classes if name.strip("_") in RETIRED.split() or DESK.search(name)
    ]
    assert wrong == []


# --- that the measures see what they must


def test_the_graph_of_core_holds_late_and_typing_imports() -> None:
    graph = import_graph(Package(CORE))
    assert set(graph["patter"]) >= {"patter.agent", "patter.client", "patter.errors"}
    assert graph["patter.errors"] == {"patter.safe_text"}
    assert sum(map(len, graph.values())) > 500


@given(st.integers(1, 8), st.integers(0, 8))
def test_a_circle_is_seen_at_any_length_and_a_way_into_it_is_not_part_of_it(
    length: int, way: int
) -> None:
    ring = {f"r{i}": frozenset({f"r{(i + 1) % length}"}) for i in range(length)}
    path = {f"w{i}": frozenset({f"w{i + 1}" if i + 1 < way else "r0"}) for i in range(way)}
    assert circles({**ring, **path}) == [sorted(ring)]


@given(st.integers(0, 12).flatmap(lambda n: st.tuples(st.just(n), st.randoms())))
def test_what_only_points_down_has_no_circle(drawn: tuple[int, object]) -> None:
    n, random = drawn
    graph = {
        f"m{i}": frozenset(f"m{j}" for j in range(i) if random.random() < 0.5)  # type: ignore[attr-defined]
        for i in range(n)
    }
    assert circles(graph) == []


def test_two_circles_that_do_not_meet_are_two() -> None:
    graph = {
        name: frozenset(to)
        for name, to in {"a": "b", "b": "a", "c": "d", "d": "ce", "e": ""}.items()
    }
    assert circles(graph) == [["a", "b"], ["c", "d"]]


def test_names_are_public_when_all_that_hold_them_are(module: Path) -> None:
    names = [name for name, _ in public_identifiers(module) if name in PARTICIPLES]
    assert sorted(names) == ["asked", "found", "given", "said", "told"]


def test_private_names_and_locals_are_bound_too(module: Path) -> None:
    names = [name for name, _ in bound_names(module) if name.strip("_") in PARTICIPLES]
    assert sorted(names) == sorted(
        ["asked", "found", "given", "given", "known", "said", "said", "told"]
    )


@pytest.mark.parametrize(
    "line",
    [
        "for told in range(2): pass",
        "def f():\n    if (told := 1): pass",
        "told = lambda: 1",
        "f = lambda told: told",
        "class A:\n    def f(self):\n        self._told = 1",
        "TOLD, _ = 1, 2",
        "try: pass\nexcept OSError as told: pass",
        "match 1:\n    case int() as told: pass",
        "match [1]:\n    case [*told]: pass",
        "async def _told(): pass",
    ],
)
def test_every_way_to_bind_a_name_is_seen(line: str, tmp_path: Path) -> None:
    path = tmp_path / "parrot.py"
    path.write_text(line, encoding="utf-8")
    assert "told" in {name.strip("_").lower() for name, _ in bound_names(path)}


def test_a_comment_counts_when_it_is_for_a_reader(module: Path) -> None:
    assert why_comments(module) == 3


def test_code_is_what_is_neither_blank_nor_comment_nor_docstring(module: Path) -> None:
    text = SOURCE.splitlines()
    assert [text[number - 1].split()[0] for number in sorted(code_lines(module))] == [
        *("import", "class", "told:", "def", "self.found", "def", "known", "def", "class", "said:")
    ]


def test_a_docstring_is_not_part_of_its_function(module: Path) -> None:
    counts = {name.split()[1]: count for name, count in function_lines(module)}
    assert counts == {"__init__": 4, "repeat": 2, "_hidden": 1}
