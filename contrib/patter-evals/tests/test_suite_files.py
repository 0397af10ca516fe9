"""Files of suites: what they may say, and how a mistake in one is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.errors import InputError
from patter_evals import EvalCase, EvalSuite, EvalTurn, load_suite

BISTRO = """
name: bistro
cases:
  - name: hours
    tags: [smoke, hours]
    first_message: Good evening.
    llm_provider: rules
    expected_behavior: It tells the hours.
    rubric: 1 if the hours are right.
    turns:
      - are you open
      - user: until when
        expected_contains: eleven
      - user: and on sunday
        expected_contains: ["five", "eleven"]
  - {name: bye, turns: [bye]}
"""
SUITE = EvalSuite(
    "bistro",
    (
        EvalCase(
            "hours",
            (
                EvalTurn("are you open"),
                EvalTurn("until when", ("eleven",)),
                EvalTurn("and on sunday", ("five", "eleven")),
            ),
            "It tells the hours.",
            "1 if the hours are right.",
            tags=("smoke", "hours"),
            first_message="Good evening.",
            llm_provider="rules",
        ),
        EvalCase("bye", ("bye",)),
    ),
)


def file(folder: Path, text: str, name: str = "bistro.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_says_what_values_say(tmp_path: Path) -> None:
    assert load_suite(file(tmp_path, BISTRO)) == SUITE


def test_json_says_the_same(tmp_path: Path) -> None:
    case: dict[str, Any] = {
        "name": "bye",
        "turns": ["bye", {"user": "so", "expected_contains": []}],
    }
    suite = load_suite(str(file(tmp_path, json.dumps({"cases": [case]}), "short.json")))
    assert suite == EvalSuite("short", (EvalCase("bye", ("bye", "so")),))


def test_cases_are_chosen_by_their_tags() -> None:
    assert [case.name for case in SUITE.tagged(["smoke"]).cases] == ["hours"]
    assert SUITE.tagged([]) == SUITE
    assert SUITE.tagged(["none"]).cases == ()


@pytest.mark.parametrize(
    ("text", "wrong", "fix"),
    [
        ("", "is not a mapping", "cases"),
        ("cases: 3", "no list", "dash"),
        ("cases: []", "has no cases", "add one"),
        ("name: 3\ncases: [{name: a, turns: [b]}]", "3 is not a text", "quotes"),
        ("cases: [{name: a}]", "case 'a' has no turns", "add turns:"),
        ("cases: [{turns: [b]}]", "case 1 has no name", "add name:"),
        ("cases: [{name: a, turns: []}]", "has no turns", "says"),
        ("cases: [{name: a, turns: [{usr: b}]}]", "unknown key 'usr'", "did you mean 'user'?"),
        ("cases: [{name: a, turns: [5]}]", "a turn in", "user"),
        ("cases: [{name: a, turns: [b], rubrik: c}]", "unknown key", "did you mean 'rubric'?"),
        ("cases: [{name: a, turns: [b], agent: c}]", "unknown key 'agent'", "use "),
        ("cases: [{name: a, turns: [b]}, {name: a, turns: [b]}]", "two cases 'a'", "own name"),
        ("cases: [", "cannot be read", "YAML"),
        ("!!python/object/apply:os.getcwd []", "cannot be read", "YAML"),
    ],
)
def test_a_mistake_is_told_by_its_place(tmp_path: Path, text: str, wrong: str, fix: str) -> None:
    with pytest.raises(InputError) as caught:
        load_suite(file(tmp_path, text))
    assert wrong in caught.value.message
    assert fix in caught.value.fix


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        load_suite(tmp_path / "none.yaml")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@given(VALUES, st.sampled_from(["name", "turns", "tags", "rubric", "first_message"]))
def test_whatever_a_file_holds_it_is_a_suite_or_a_told_mistake(
    tmp_path_factory: pytest.TempPathFactory, value: Any, key: str
) -> None:
    case = {"name": "a", "turns": ["b"], key: value}
    path = file(tmp_path_factory.mktemp("suite"), json.dumps({"cases": [case]}), "x.json")
    try:
        assert load_suite(path).cases
    except InputError as mistake:
        assert mistake.fix
