"""Import one plugin module, check that it fits, and register it.

What is refused here would otherwise fail in the middle of somebody's call.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any

from patter.errors import PluginError
from patter.plugins import kinds
from patter.plugins.catalogue import EXTENSION, Candidate

if TYPE_CHECKING:
    from pluggy import PluginManager

API = 1


def load(manager: PluginManager, candidate: Candidate) -> ModuleType:
    """Return the module of *candidate*, registered with *manager*. Raises PluginError."""
    module = _import(candidate)
    if not manager.is_registered(module):
        _check_api(candidate, module)
        _check_hooks(candidate, module)
        _register(manager, candidate, module)
    if candidate.kind != EXTENSION:
        _check_offer(candidate, module)
    return module


def _import(candidate: Candidate) -> ModuleType:
    try:
        module = candidate.entry_point.load()
    except Exception as exc:
        raise PluginError(
            f"{candidate.label} cannot be imported: {type(exc).__name__}: {exc}",
            fix=f"pip install --upgrade {candidate.distribution}",
        ) from exc
    if not isinstance(module, ModuleType):
        # pluggy compares plugins with ==, so two equal values would be one plugin
        raise PluginError(
            f"{candidate.label}: entry point {candidate.entry_point.value!r} is no module",
            fix=f"make it name the module: {candidate.entry_point.module!r}",
        )
    return module


def _check_api(candidate: Candidate, module: ModuleType) -> None:
    api = getattr(module, "PATTER_API", None)
    if api == API:
        return
    newer = isinstance(api, int) and api > API
    built_for = (
        f"is built for plugin API {api}" if api is not None else "does not declare PATTER_API"
    )
    raise PluginError(
        f"{candidate.label} {built_for}, this Patter needs {API}",
        fix=f"pip install --upgrade {'patter-core' if newer else candidate.distribution}",
    )


def _check_offer(candidate: Candidate, module: ModuleType) -> None:
    hook = kinds.kind_named(candidate.kind).hook
    if not hasattr(module, hook):
        raise PluginError(
            f"{candidate.label} advertises {candidate.kind} but has no {hook}",
            fix=f"pip install --upgrade {candidate.distribution}",
        )


def _check_hooks(candidate: Candidate, module: ModuleType) -> None:
    for name, marks, function in _implementations(module):
        if not marks.get("optionalhook"):
            _check_known(candidate, name)
        if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
            raise PluginError(
                f"{candidate.label}: {name} must be a plain def",
                fix="return the provider or scope; do async work in its open()",
            )
        wraps = marks.get("wrapper") or marks.get("hookwrapper")
        if wraps and name not in {kind.hook for kind in kinds.KINDS}:
            raise PluginError(
                f"{candidate.label}: {name} is asked plugin by plugin and cannot be wrapped",
                fix="answer it with a plain @hookimpl",
            )


def _check_known(candidate: Candidate, name: str) -> None:
    from patter.plugins import hookspecs

    hooks = hookspecs.hooks()
    if name not in hooks:
        close = difflib.get_close_matches(name, hooks, n=1)
        upgrade = f"pip install --upgrade patter-core {candidate.distribution}"
        raise PluginError(
            f"{candidate.label} implements {name}, which is no hook here",
            fix=f"did you mean {close[0]!r}?" if close else upgrade,
        )


def _implementations(module: ModuleType) -> Iterator[tuple[str, dict[str, Any], object]]:
    for name, function in vars(module).items():
        if isinstance(marks := getattr(function, "patter_impl", None), dict):
            yield marks.get("specname") or name, marks, function


def _register(manager: PluginManager, candidate: Candidate, module: ModuleType) -> None:
    from pluggy import PluginValidationError

    try:
        manager.register(module)
        manager.check_pending()
    except PluginValidationError as exc:
        if manager.is_registered(module):  # some pluggy versions keep half a plugin
            manager.unregister(module)
        reason = str(exc).splitlines()[-1].strip()
        raise PluginError(
            f"{candidate.label} does not fit this patter-core: {reason}",
            fix=f"pip install --upgrade patter-core {candidate.distribution}",
        ) from exc
