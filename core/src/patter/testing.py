"""What proves an agent or a plugin: fakes, virtual time, a scripted caller, compliance suites.

All of it is in the distribution ``patter-testing``, which ``pip install patter-testing`` or
``patter-core[testing]`` brings. Its public names can be imported from here.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

from patter.plugins.installing import needs

if TYPE_CHECKING:
    from patter_testing import *  # noqa: F403

_KIT = "patter_testing"


def __getattr__(name: str) -> object:
    # Python and its tools look for many names such as __path__, and expect AttributeError.
    if name == "__all__" or not name.startswith("_"):
        kit = _kit()
        if name == "__all__" or name in kit.__all__:
            return getattr(kit, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_kit().__all__})


def _kit() -> ModuleType:
    with needs(_KIT, install="patter-testing"):
        return import_module(_KIT)
