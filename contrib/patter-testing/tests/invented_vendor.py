"""Three vendors nobody knows: those of ``patter new``, with their doubles, as if installed."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from importlib_metadata import EntryPoint

from patter.plugins.registry import PluginRegistry
from patter_testing.scaffold import render

KINDS: Mapping[str, str] = {"hearwell": "stt", "thinkfast": "llm", "speakup": "tts"}


@contextmanager
def installed(target: Path, *names: str) -> Iterator[PluginRegistry]:
    """A registry with the vendors *names*, all if none, whose packages are below *target*."""
    homes = [target / f"patter-{name}" for name in names or KINDS]
    for name in names or KINDS:
        render(KINDS[name], name, target)
    sys.path[:0] = [str(home / "src") for home in homes]
    try:
        yield PluginRegistry.from_environment({}, source=[*_advertised(homes)])
    finally:
        for home in homes:
            sys.path.remove(str(home / "src"))
        modules = {f"patter_{name}" for name in names or KINDS}
        for module in [each for each in sys.modules if each.partition(".")[0] in modules]:
            del sys.modules[module]


def _advertised(homes: list[Path]) -> Iterator[EntryPoint]:
    for home in homes:
        project = tomllib.loads((home / "pyproject.toml").read_text())["project"]
        for group, offers in project["entry-points"].items():
            for name, value in offers.items():
                yield EntryPoint(name, value, group)
