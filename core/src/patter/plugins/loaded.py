"""The plugins imported so far: one pluggy manager, and the candidate of each module.

Modules only are registered, never values: pluggy tells plugins apart with ``==``. What is refused
when a module is loaded would otherwise fail in the middle of somebody's call.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Iterator
from functools import cached_property
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs

from patter.errors import PluginError, did_you_mean
from patter.plugins import importing, kinds
from patter.plugins.catalogue import EXTENSION, LIMIT_S, Candidate
from patter.plugins.lifetime import HookQuery, Isolation

if TYPE_CHECKING:
    from pluggy import PluginManager

API = 1
MAY_REFUSE = frozenset({"patter_routes", "patter_server_scope"})
"""Hooks in which an extension may refuse that the phone serves; later nobody is there to hear."""
_Key: TypeAlias = tuple[str, str, str]
log = logging.getLogger("patter.hooks")


@attrs.define(eq=False)
class Loaded:
    """Loads plugins and calls their hooks. *strict*: no failure is forgiven; *trace*: log them.

    *limit_s* is how long an import may take, in seconds.
    """

    strict: bool = False
    trace: bool = False
    limit_s: float = LIMIT_S
    _modules: dict[_Key, ModuleType] = attrs.field(factory=dict, init=False)
    _failures: dict[_Key, PluginError] = attrs.field(factory=dict, init=False)
    _candidates: dict[int, Candidate] = attrs.field(factory=dict, init=False)
    _extensions: set[int] = attrs.field(factory=set, init=False)

    @cached_property
    def manager(self) -> PluginManager:
        """Made when first needed: pluggy costs more than all of ``import patter``."""
        from pluggy import PluginManager

        from patter.plugins import hookspecs

        manager = PluginManager("patter")
        specs = {name: staticmethod(hook) for name, hook in hookspecs.hooks().items()}
        manager.add_hookspecs(type("Hooks", (), specs))
        if self.trace:
            manager.add_hookcall_monitoring(
                lambda name, impls, _: log.info("%s asks %d plugin(s)", name, len(impls)),
                lambda _, name, *__: log.info("%s answered", name),
            )
        return manager

    def load(self, candidate: Candidate) -> ModuleType:
        """Import and register one plugin; what failed fails again. Raises PluginError."""
        key = _key(candidate)
        if (failure := self._failures.get(key)) is not None:
            raise failure
        if key not in self._modules:
            try:
                with self.isolation(candidate, tolerant=False).guard_function("load"):
                    self._modules[key] = self._registered(candidate)
            except PluginError as error:
                self._failures[key] = error
                raise
        return self._modules[key]

    def has_failed(self, candidate: Candidate) -> bool:
        """Was *candidate* to be loaded, and could not be?"""
        return _key(candidate) in self._failures

    def is_done(self, candidate: Candidate) -> bool:
        """Is *candidate* loaded, or known to have failed?"""
        return _key(candidate) in {*self._failures, *self._modules}

    def _registered(self, candidate: Candidate) -> ModuleType:
        module = _imported(self.manager, candidate, self.limit_s)
        # A module may be advertised under several names; errors call it by the first.
        self._candidates.setdefault(id(module), candidate)
        if candidate.kind == EXTENSION:
            self._extensions.add(id(module))
        return module

    def ask(self, hook: str, module: ModuleType, **arguments: Any) -> Any:
        """Call *hook* of *module* alone, inside the wrappers of loaded extensions."""
        wrapping = {
            id(impl.plugin)
            for impl in getattr(self.manager.hook, hook).get_hookimpls()
            if (impl.wrapper or impl.hookwrapper) and id(impl.plugin) in self._extensions
        }
        others = [
            plugin
            for plugin in self.manager.get_plugins()
            if plugin is not module and id(plugin) not in wrapping
        ]
        return self.manager.subset_hook_caller(hook, others)(**arguments)

    def each(self, hook: str, *, forgiving: bool = False, **arguments: Any) -> Iterator[HookQuery]:
        """Every implementation of *hook*, first loaded first, to be called on its own."""
        for impl in getattr(self.manager.hook, hook).get_hookimpls():
            others = [each for each in self.manager.get_plugins() if each is not impl.plugin]
            caller = self.manager.subset_hook_caller(hook, others)
            tolerant = forgiving or id(impl.plugin) in self._extensions
            isolation = self.isolation(self._candidates[id(impl.plugin)], tolerant)
            isolation = attrs.evolve(isolation, may_refuse=hook in MAY_REFUSE)
            yield HookQuery(isolation, caller, arguments)

    def isolation(self, candidate: Candidate, tolerant: bool) -> Isolation:
        """What becomes of a failure of *candidate*."""
        return Isolation(candidate, tolerant and not self.strict)


def _key(candidate: Candidate) -> _Key:
    return candidate.kind, candidate.distribution, candidate.entry_point.value


def _imported(manager: PluginManager, candidate: Candidate, limit_s: float) -> ModuleType:
    """Return the module of *candidate*, registered with *manager*. Raises PluginError."""
    module = _module_of(candidate, limit_s)
    if not manager.is_registered(module):
        _check_api(candidate, module)
        _check_hooks(candidate, module)
        _register(manager, candidate, module)
    if candidate.kind != EXTENSION:
        _check_offer(candidate, module)
    return module


def _module_of(candidate: Candidate, limit_s: float) -> ModuleType:
    module = importing.load(candidate, limit_s)
    if not isinstance(module, ModuleType):
        # pluggy compares plugins with ==, so two equal values would be one plugin
        raise PluginError(
            f"{candidate.label}: entry point {candidate.entry_point.value!r} is not a module",
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
            _check_hook(candidate, name)
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


def _check_hook(candidate: Candidate, name: str) -> None:
    from patter.plugins import hookspecs

    hooks = hookspecs.hooks()
    if name not in hooks:
        upgrade = f"pip install --upgrade patter-core {candidate.distribution}"
        raise PluginError(
            f"{candidate.label} implements {name}, which is not a hook of this Patter",
            fix=did_you_mean(name, hooks, upgrade),
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
