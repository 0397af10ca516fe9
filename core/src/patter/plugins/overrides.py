"""Providers that replace what an agent asks for: the ``--stt SPEC`` flags of the command line.

They hold while the agent's module is imported, so a replaced part needs neither its key nor
its package. Not a registry: a context variable that is set around an import and unset after.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

_NONE: Mapping[str, object] = {}
_IMPORTED: ContextVar[str] = ContextVar("patter_module_being_imported", default="")
_AMBIENT: ContextVar[Mapping[str, object]] = ContextVar("patter_overrides", default=_NONE)


@contextmanager
def overriding(parts: Mapping[str, object]) -> Iterator[None]:
    """Use *parts* (kind to spec string, provider or None for "without") in this context."""
    token = _AMBIENT.set({**_AMBIENT.get(), **parts})
    try:
        yield
    finally:
        _AMBIENT.reset(token)


def ambient() -> Mapping[str, object]:
    """The overrides in force here."""
    return _AMBIENT.get()


@contextmanager
def being_imported(module: str) -> Iterator[None]:
    """A command imports *module* inside, for what it defines: nothing may serve there."""
    token = _IMPORTED.set(module)
    try:
        yield
    finally:
        _IMPORTED.reset(token)


def module_being_imported() -> str:
    """The module that a command imports here; empty outside of that."""
    return _IMPORTED.get()
