"""Packages whose names are imported when they are first used (PEP 562)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module


def attributes(package: str, homes: Mapping[str, str]) -> Callable[[str], object]:
    """The ``__getattr__`` of *package*; *homes* has the module of each name.

    It raises NotInstalled, an ImportError, for a name that needs what is not installed.
    """

    def find(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(homes[name]), name)

    return find


def modules(package: str, names: Iterable[str]) -> Callable[[str], object]:
    """The ``__getattr__`` of *package*, whose modules are *names*."""
    there = frozenset(names)

    def find(name: str) -> object:
        if name not in there:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return import_module(f"{package}.{name}")

    return find
