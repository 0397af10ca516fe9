"""What installing and importing the core costs."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import metadata

from packaging.requirements import Requirement

import patter

from .house import packages

HEAVY = {
    *("aiohttp", "attrs", "attr", "msgspec", "numpy", "orjson", "pluggy", "pydantic", "soxr"),
    *("asyncio", "hypothesis"),
}
MOST_DISTRIBUTIONS = 19
"""Core itself and 18: aiohttp and what it needs (10), importlib-metadata and what it needs (3),
and attrs, msgspec, numpy, orjson, pluggy, soxr, less what is counted twice."""
MOST_NAMES = 120
LIST_MODULES = "import sys, patter; print(*sys.modules)"


def python(code: str) -> str:
    """What *code* prints in an interpreter of its own, free of what the tests import."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout


def required(*texts: str) -> list[Requirement]:
    """What installing *texts* asks for, all the way down."""
    found: dict[tuple[str, frozenset[str]], list[Requirement]] = {}
    wanted = [Requirement(text) for text in texts]
    while wanted:
        asked = wanted.pop()
        known = found.setdefault((plain(asked.name), frozenset(asked.extras)), [])
        known.append(asked)
        if len(known) == 1:
            wanted += needs(asked)
    return [asked for each in found.values() for asked in each]


def needs(asked: Requirement) -> list[Requirement]:
    """What the distribution that is *asked* for needs itself, here and with these extras."""
    extras = asked.extras or {""}
    return [
        needed
        for text in metadata.requires(asked.name) or ()
        if (needed := Requirement(text)).marker is None
        or any(needed.marker.evaluate({"extra": extra}) for extra in extras)
    ]


def plain(name: str) -> str:
    """*name* as an index compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


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
    brought = {plain(asked.name) for asked in required("patter-core")}
    assert "aiohttp" in brought
    assert len(brought) <= MOST_DISTRIBUTIONS, sorted(brought)


def test_all_packages_and_every_vendors_library_agree_in_one_environment() -> None:
    everything = [f"{each.name}[{','.join(each.extras)}]" for each in packages()]
    asked = required(*everything)
    assert {"openai", "deepgram-sdk", "anthropic", "plivo"} <= {plain(each.name) for each in asked}
    unmet = [
        f"{each}, and {version} is installed"
        for each in asked
        if not each.specifier.contains(version := metadata.version(each.name), prereleases=True)
    ]
    assert not unmet


def test_listing_the_plugins_loads_none_and_no_vendors_library() -> None:
    code = (
        "import sys; from patter.cli import main; main(['plugins', '--json']); print(*sys.modules)"
    )
    loaded = set(python(code).splitlines()[-1].split())
    assert "patter.cli.plugins" in loaded
    assert not [name for name in loaded if name.startswith("patter_")]
    assert not loaded & {"aiohttp", "openai", "numpy", "websockets", "httpx"}
