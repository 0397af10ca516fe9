"""A broken engine beside the whole one: one module's source changed, everything on it fresh.

Nothing is written to disk and no process is started; when the block is left, the modules of
this process are what they were.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from random import Random
from types import CodeType, ModuleType
from typing import Any

from ..mutant import CALL, Mutant

HERE = __name__.rpartition(".")[0]
ENGINE = (
    "turn.rules",
    "turn.events",
    "turn.effects",
    "turn.state",
    "turn.words",
    "turn.evidence",
    "turn.transition",
    "turn.on_caller",
    "turn.on_ending",
    "turn.on_agent",
    "turn.on_timer",
    "turn.engine",
)
GATE = ("playout.timing", "playout.queue", "playout.heard_text", "playout.cursor", "playout.gate")
HARNESS = ("watch", "traces", "explore", "world")


def _is_of_the_gate(mutant: Mutant) -> bool:
    """Is it the gate that is broken, and not the engine?"""
    return mutant.module in GATE


def killed_by(mutant: Mutant, *, depth: int = 2, walks: int = 0, properties: bool = False) -> str:
    """Name the first check that fails with *mutant* in place; '' if none does."""
    with broken(mutant) as fresh:
        checks = _of_the_gate(fresh, properties) if _is_of_the_gate(mutant) else ()
        for name, check in (*checks, *_of_the_engine(fresh, depth, walks)):
            try:
                check()
            except Exception as error:
                return f"{name}: {type(error).__name__}"
    return ""


@contextmanager
def broken(mutant: Mutant) -> Iterator[dict[str, Any]]:
    """The tests' own modules, loaded on top of an engine with *mutant* in it."""
    names = _to_load(mutant)
    before = {name: sys.modules.get(name) for name in names}
    try:
        for name in names:
            code = _compiled(name)
            if name == f"{CALL}.{mutant.module}":
                code = compile(mutant.source(), f"<{mutant.name}>", "exec")
            _install(name, _fresh(name, code))
        yield {name.rpartition(".")[2]: sys.modules[name] for name in names}
    finally:
        for name, module in before.items():
            _install(name, module)


def _of_the_engine(fresh: dict[str, Any], depth: int, walks: int) -> Iterator[tuple[str, Any]]:
    for scenario in fresh["traces"].scenarios():
        yield scenario.title, lambda scenario=scenario: fresh["traces"].check(scenario)
    explore = fresh["explore"]
    for name, rules in explore.VARIANTS.items():
        yield f"explore {name}", lambda rules=rules: explore.explore(rules, depth)
    yield from _walks(explore, walks)


def _walks(explore: Any, walks: int) -> Iterator[tuple[str, Any]]:
    names = sorted(explore.VARIANTS)
    for seed in range(walks):
        rules = explore.VARIANTS[names[seed % len(names)]]
        yield f"walk {seed}", lambda rules=rules, seed=seed: explore.walk(rules, Random(seed), 30)


def _of_the_gate(fresh: dict[str, Any], properties: bool) -> Iterator[tuple[str, Any]]:
    """The plain tests of the gate, and at last those that try many examples."""
    tests = [
        (name, test)
        for module in ("test_playout", "test_spoken")
        for name, test in vars(fresh[module]).items()
        if name.startswith("test_")
    ]
    for tried in (False, True) if properties else (False,):
        for name, test in tests:
            if getattr(test, "is_hypothesis_test", False) is tried:
                yield name, test


def _to_load(mutant: Mutant) -> list[str]:
    """The broken module, what stands on it, and the harness."""
    chain = GATE if _is_of_the_gate(mutant) else ENGINE
    core = [f"{CALL}.{name}" for name in chain[chain.index(mutant.module) :]]
    tests = (*HARNESS, "test_playout", "test_spoken") if _is_of_the_gate(mutant) else HARNESS
    return [*core, *(f"{HERE}.{name}" for name in tests)]


def _install(name: str, module: ModuleType | None) -> None:
    """Make *module* the one that imports of *name* find."""
    if module is None:
        sys.modules.pop(name, None)
        return
    sys.modules[name] = module
    package, _, leaf = name.rpartition(".")
    if name.startswith(CALL):
        setattr(sys.modules[package], leaf, module)


def _fresh(name: str, code: CodeType) -> ModuleType:
    module = ModuleType(name)
    module.__package__, module.__file__ = name.rpartition(".")[0], _path(name)
    sys.modules[name] = module
    exec(code, module.__dict__)
    return module


@cache
def _compiled(name: str) -> CodeType:
    return compile(_source(name), _path(name), "exec")


def _source(name: str) -> str:
    return Path(_path(name)).read_text(encoding="utf-8")


@cache
def _path(name: str) -> str:
    if name.startswith(HERE):
        return str(Path(__file__).parent / f"{name.rpartition('.')[2]}.py")
    return str(importlib.import_module(name).__file__)
