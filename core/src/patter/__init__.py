"""Patter gives your Python agent a phone number; every carrier, voice and model is a plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from patter.errors import ErrorCode, PatterError
    from patter.plugins.hookspecs import hookimpl
    from patter.plugins.registry import Registry
    from patter.plugins.spec import ProviderSpec

_HOME = {
    "ErrorCode": "patter.errors",
    "PatterError": "patter.errors",
    "ProviderSpec": "patter.plugins.spec",
    "Registry": "patter.plugins.registry",
    "hookimpl": "patter.plugins.hookspecs",
}

__all__ = ["ErrorCode", "PatterError", "ProviderSpec", "Registry", "hookimpl"]


def __getattr__(name: str) -> object:
    if home := _HOME.get(name):
        from importlib import import_module

        return getattr(import_module(home), name)
    from patter.plugins.known import moved_class_hint

    if hint := moved_class_hint(name):
        raise ImportError(hint)
    raise AttributeError(f"module 'patter' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
