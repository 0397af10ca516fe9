"""What installing and importing the core costs."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import metadata

from packaging.requirements import Requirement

import patter

HEAVY = {
    *("aiohttp", "attrs", "attr", "msgspec", "numpy", "orjson", "pluggy", "pydantic", "soxr"),
    *("asyncio", "hypothesis"),
}
MOST_DISTRIBUTIONS = 19
"""Core itself and 18: aiohttp and what it needs (10), importlib-metadata and what it needs (3),
and attrs, msgspec, numpy, orjson, pluggy, soxr, less what is counted twice."""
MOST_NAMES = 60
LIST_MODULES = "import sys, patter; print(*sys.modules)"


def python(code: str) -> str:
    """What *code* prints in an interpreter of its own, free of what the tests import."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout


def installed_with(distribution: str) -> set[str]:
    """Every distribution that installing *distribution* brings here, itself included."""
    found: set[str] = set()
    wanted = [Requirement(distribution)]
    while wanted:
        requirement = wanted.pop()
        name = re.sub(r"[-_.]+", "-", requirement.name).lower()
        if name in found:
            continue
        found.add(name)
        wanted += [
            needed
            for text in metadata.requires(name) or ()
            if (needed := Requirement(text)).marker is None
            or needed.marker.evaluate({"extra": ",".join(requirement.extras)})
        ]
    return found


def test_importing_patter_loads_nothing_heavy() -> None:
    loaded = python(LIST_MODULES).split()
    assert "patter" in loaded
    assert not HEAVY & set(loaded)


def test_importing_patter_loads_no_plugin() -> None:
    assert not [name for name in python(LIST_MODULES).split() if name.startswith("patter_")]


def test_every_public_name_can_be_had() -> None:
    assert [name for name in patter.__all__ if getattr(patter, name) is None] == []
    assert len(set(patter.__all__)) == len(patter.__all__) <= MOST_NAMES
    assert {*patter.__all__} <= {*dir(patter)}


def test_the_core_installs_few_distributions() -> None:
    brought = installed_with("patter-core")
    assert "aiohttp" in brought
    assert len(brought) <= MOST_DISTRIBUTIONS, sorted(brought)
