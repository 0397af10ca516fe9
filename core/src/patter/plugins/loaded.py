"""The plugins imported so far: one pluggy manager, and who each of its modules is.

Modules only are registered, never values: pluggy tells plugins apart with ``==``.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from functools import cached_property
from types import ModuleType
from typing import TYPE_CHECKING, Any

import attrs

from patter.plugins import loading
from patter.plugins.catalogue import EXTENSION, Candidate
from patter.plugins.lifetime import Asked, Isolation

if TYPE_CHECKING:
    from pluggy import PluginManager

log = logging.getLogger("patter.hooks")


@attrs.define(eq=False)
class Loaded:
    """Loads plugins and asks them. With *strict* no failure is forgiven; *trace* logs hooks."""

    strict: bool = False
    trace: bool = False
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
        """Import and register one plugin. Raises PluginError."""
        module = loading.load(self.manager, candidate)
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

    def each(self, hook: str, *, forgiving: bool = False, **arguments: Any) -> Iterator[Asked]:
        """Every implementation of *hook*, first loaded first, to be asked on its own."""
        for impl in getattr(self.manager.hook, hook).get_hookimpls():
            others = [each for each in self.manager.get_plugins() if each is not impl.plugin]
            caller = self.manager.subset_hook_caller(hook, others)
            tolerant = forgiving or id(impl.plugin) in self._extensions
            isolation = self.isolation(self._candidates[id(impl.plugin)], tolerant)
            yield Asked(isolation, caller, arguments)

    def isolation(self, candidate: Candidate, tolerant: bool) -> Isolation:
        """What becomes of a failure of *candidate*."""
        return Isolation(candidate.label, tolerant and not self.strict)
