"""What proves an agent or a plugin: fakes, virtual time, a scripted caller, compliance suites.

Names are imported when they are asked for: nothing here costs anything until it is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from patter.testing.clock import VirtualClock, VirtualLoop, run_virtual

_HOME = {
    "VirtualClock": "patter.testing.clock",
    "VirtualLoop": "patter.testing.clock",
    "run_virtual": "patter.testing.clock",
}

__all__ = ["VirtualClock", "VirtualLoop", "run_virtual"]


def __getattr__(name: str) -> object:
    if home := _HOME.get(name):
        return getattr(import_module(home), name)
    raise AttributeError(f"module 'patter.testing' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
