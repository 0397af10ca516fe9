"""What is evaluated: cases of a few turns each, as values and as YAML or JSON.

Nothing in a file is guessed: a key that is misspelt is refused by name, with its case.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs
import yaml  # type: ignore[import-untyped]

from patter import Agent
from patter.errors import InputError, did_you_mean
from patter.providers.llm import LLM

FILE_MAX = 5_000_000


def _texts(value: str | Iterable[str]) -> tuple[str, ...]:
    """One text, or several."""
    return (value,) if isinstance(value, str) else tuple(value)


def _cases(cases: Iterable[EvalCase]) -> tuple[EvalCase, ...]:
    return tuple(cases)


def _turns(turns: Iterable[EvalTurn | str]) -> tuple[EvalTurn, ...]:
    return tuple(EvalTurn(turn) if isinstance(turn, str) else turn for turn in turns)


@attrs.frozen
class EvalTurn:
    """The caller says *user*; the answer holds each of *expected_contains*, whatever its case."""

    user: str
    expected_contains: tuple[str, ...] = attrs.field(default=(), converter=_texts)


@attrs.frozen
class EvalCase:
    """One conversation. *expected_behavior* and *rubric* are for the judge; without, none is asked.

    *first_message* replaces the agent's greeting, *agent* the one that the factory makes, and
    *llm_provider*, a provider or a spec, its model.
    """

    name: str
    turns: tuple[EvalTurn, ...] = attrs.field(converter=_turns)
    expected_behavior: str = ""
    rubric: str = ""
    tags: tuple[str, ...] = attrs.field(default=(), converter=_texts, kw_only=True)
    first_message: str = attrs.field(default="", kw_only=True)
    agent: Agent | None = attrs.field(default=None, kw_only=True)
    llm_provider: LLM | str | None = attrs.field(default=None, kw_only=True)

    @property
    def criterion(self) -> str:
        """What the judge is asked; empty: it is not."""
        parts = (("Expected behaviour", self.expected_behavior), ("Rubric", self.rubric))
        return "\n".join(f"{label}: {text}" for label, text in parts if text)


@attrs.frozen
class EvalSuite:
    """Cases under one *name*."""

    name: str
    cases: tuple[EvalCase, ...] = attrs.field(converter=_cases)

    def tagged(self, tags: Iterable[str]) -> EvalSuite:
        """The cases that have one of *tags*; all of them without any."""
        wanted = set(tags)
        kept = (case for case in self.cases if not wanted or wanted & set(case.tags))
        return EvalSuite(self.name, tuple(kept))


def load_suite(path: str | Path) -> EvalSuite:
    """The suite of a ``.yaml``, ``.yml`` or ``.json`` file. Raises InputError.

    Its keys are those of `EvalSuite`, `EvalCase` and `EvalTurn`; a turn may be the caller's words
    alone. An *agent* cannot stand in a file.
    """
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8")
        if len(text) > FILE_MAX:
            raise InputError(f"{file.name} has {len(text)} characters", fix=f"at most {FILE_MAX}")
        data = json.loads(text) if file.suffix == ".json" else yaml.safe_load(text)
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as exc:
        if isinstance(exc, InputError):
            raise
        raise InputError(f"{file} cannot be read: {exc}", fix="name a YAML or JSON file") from exc
    return _suite(data, file)


def _suite(data: Any, file: Path) -> EvalSuite:
    fields = _fields(data, {"name", "cases"}, file.name)
    cases = _list(fields.get("cases"), f"cases of {file.name}")
    suite = EvalSuite(
        _text(fields.get("name", file.stem), f"name of {file.name}"),
        tuple(_case(each, number) for number, each in enumerate(cases, start=1)),
    )
    names = [case.name for case in suite.cases]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"{file.name} has two cases {twice[0]!r}", fix="give each its own name")
    if not suite.cases:
        raise InputError(f"{file.name} has no cases", fix="add one with a name and turns")
    return suite


_CASE: Mapping[str, Callable[[Any, str], Any]] = {
    "name": lambda value, where: _text(value, where),
    "turns": lambda value, where: tuple(_turn(each, where) for each in _list(value, where)),
    "expected_behavior": lambda value, where: _text(value, where),
    "rubric": lambda value, where: _text(value, where),
    "tags": lambda value, where: _several(value, where),
    "first_message": lambda value, where: _text(value, where),
    "llm_provider": lambda value, where: _text(value, where),
}


def _case(data: Any, number: int) -> EvalCase:
    fields = _fields(data, set(_CASE), f"case {number}")
    where = f"case {fields.get('name', number)!r}"
    for name in ("name", "turns"):
        if name not in fields:
            raise InputError(f"{where} has no {name}", fix=f"add {name}:")
    read = {name: _CASE[name](value, f"{name} of {where}") for name, value in fields.items()}
    if not read["turns"]:
        raise InputError(f"{where} has no turns", fix="say what the caller says")
    return EvalCase(**read)


def _turn(data: Any, where: str) -> EvalTurn:
    if isinstance(data, str):
        return EvalTurn(_text(data, where))
    fields = _fields(data, {"user", "expected_contains"}, f"a turn in {where}")
    expected = _several(fields.get("expected_contains", ()), where)
    return EvalTurn(_text(fields.get("user"), f"user in {where}"), expected)


def _fields(data: Any, allowed: set[str], where: str) -> dict[str, Any]:
    """*data* as a mapping whose keys are *allowed*."""
    if not isinstance(data, Mapping):
        raise InputError(f"{where} is not a mapping", fix=f"write {', '.join(sorted(allowed))}")
    for key in data:
        if key not in allowed:
            fix = did_you_mean(str(key), allowed, f"use {', '.join(sorted(allowed))}")
            raise InputError(f"{where} has an unknown key {key!r}", fix=fix)
    return {str(key): value for key, value in data.items()}


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise InputError(f"{where}: no list", fix="begin each line with a dash")
    return value


def _several(value: Any, where: str) -> tuple[str, ...]:
    items = [value] if isinstance(value, str) else list(_list(value, where)) if value else []
    return tuple(_text(each, where) for each in items)


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise InputError(
            f"{where}: {value!r} is not a text", fix="write text, in quotes if need be"
        )
    return value
