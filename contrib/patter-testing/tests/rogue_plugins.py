"""Plugins that are honest but for one line: those of ``patter new``, and their doubles, altered."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

from patter_testing.doubles.vendor_double import VendorDouble
from patter_testing.scaffold import render

SLUG = "parrot"
DOUBLE = "double.py"


@attrs.frozen
class Change:
    """*old*, once in *file* of the package, becomes *new*."""

    file: str
    old: str
    new: str

    def make(self, home: Path) -> None:
        (path,) = home.rglob(self.file)
        text = path.read_text()
        assert text.count(self.old) == 1, f"{self.old!r} is {text.count(self.old)} times in {path}"
        path.write_text(text.replace(self.old, self.new))


@attrs.frozen
class Plugin:
    """The provider's class and its double's, of a package that was just written."""

    provider: Any
    double: type[VendorDouble]


@contextmanager
def plugin(kind: str, target: Path, *changes: Change) -> Iterator[Plugin]:
    """The scaffold of *kind*, imported with *changes*, and forgotten afterwards."""
    render(kind, SLUG, target)
    home = target / f"patter-{SLUG}"
    for change in changes:
        change.make(home)
    sys.path.insert(0, str(home / "src"))
    try:
        module = importlib.import_module(f"patter_{SLUG}.{kind}")
        provider = getattr(module, f"{SLUG.capitalize()}{kind.upper()}")
        double = importlib.import_module(f"patter_{SLUG}.double")
        yield Plugin(provider, getattr(double, f"{SLUG.capitalize()}Double"))
    finally:
        sys.path.remove(str(home / "src"))
        for name in [name for name in sys.modules if name.split(".")[0] == f"patter_{SLUG}"]:
            del sys.modules[name]
