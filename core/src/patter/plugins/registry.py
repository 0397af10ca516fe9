"""The plugins one process can see: found by metadata, imported when named, queried one by one.

Nothing here is global. A registry is made from the environment, given to whoever builds
agents and servers, and forgotten with them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from patter import env
from patter.errors import PatterError, PatterTypeError, PluginError, indefinite
from patter.plugins import overrides
from patter.plugins.catalogue import EXTENSION, Candidate, Catalogue, Switches
from patter.plugins.kinds import Kind
from patter.plugins.lifetime import IsolatedScope, listeners_of, scope_of
from patter.plugins.loaded import Loaded
from patter.plugins.spec import ProviderSpec

if TYPE_CHECKING:
    from aiohttp import web
    from importlib_metadata import EntryPoint

    from patter.plugins.commands import Commands
    from patter.providers.context import CallContext

__all__ = ["EXTENSION", "Candidate", "PluginRegistry"]

P = TypeVar("P")
CALL_SCOPE_LIMIT_S = 5.0
SERVER_SCOPE_LIMIT_S = 30.0


@attrs.define(eq=False)
class PluginRegistry:
    """Resolve specs to providers, and ask extensions for what they add."""

    catalogue: Catalogue = attrs.field(factory=Catalogue)
    overrides: Mapping[str, object] = attrs.field(factory=dict, repr=False)
    _plugins: Loaded = attrs.field(repr=False)

    @_plugins.default
    def _none_loaded(self) -> Loaded:
        switches = self.catalogue.switches
        return Loaded(strict=switches.strict, trace=switches.trace)

    @classmethod
    def from_environment(
        cls, environ: Mapping[str, str] | None = None, *, source: Iterable[EntryPoint] | None = None
    ) -> PluginRegistry:
        """The installed plugins, less those the PATTER_..._PLUGINS variables switch off."""
        switches = Switches.read(env.environment() if environ is None else environ)
        return cls(Catalogue(switches, source))

    def overriding(self, parts: Mapping[str, object]) -> PluginRegistry:
        """The same plugins, with *parts* used instead of what is asked for; None: without."""
        return PluginRegistry(self.catalogue, {**self.overrides, **parts}, self._plugins)

    def chosen(self, kind: Kind[Any], choice: Any) -> Any:
        """What is used for *kind*: the override in force, else *choice*.

        Ask before a list of fallbacks is taken apart, or a missing part defaulted.
        """
        return {**overrides.ambient(), **self.overrides}.get(kind.name, choice)

    def resolve(self, kind: Kind[P], spec: str | ProviderSpec | P) -> P:
        """Return the provider for *spec*, importing its plugin if needed; objects are checked.

        The plugin an object is from is imported too, for its prices and listeners; one that
        cannot be is logged, or raised if strict.

        Raises PatterConfigError for an object that is not one, SpecError, ProviderNotFound,
        ProviderConflict, PluginError, or whatever PatterError the provider raises.
        """
        if not isinstance(kind, Kind):
            raise PatterTypeError(
                f"resolve is given the kind {kind!r}, not a Kind",
                fix="from patter.plugins.kinds import STT_KIND, or kind_named('stt')",
            )
        chosen = self.chosen(kind, spec)
        if isinstance(chosen, str):
            chosen = ProviderSpec.parse(chosen, kind.name)
        if isinstance(chosen, ProviderSpec):
            return self._build(kind, attrs.evolve(chosen, kind=kind.name))
        kind.check(chosen)
        for candidate in self.catalogue.owners(kind, chosen):
            with self._plugins.isolation(candidate, tolerant=True).guard("load"):
                self.load(candidate)
        provider: P = chosen
        return provider

    def load(self, candidate: Candidate) -> ModuleType:
        """Import and register one plugin. Raises PluginError."""
        return self._plugins.load(candidate)

    def load_extensions(self) -> None:
        """Import every enabled extension; one that cannot be is logged, or raised if strict."""
        for (kind, _), offers in self.catalogue.candidates.items():
            for candidate in offers if kind == EXTENSION else ():
                with self._plugins.isolation(candidate, tolerant=True).guard("load"):
                    self.load(candidate)

    def server_scopes(self, server: Any) -> list[IsolatedScope]:
        """Scopes to enter before the first call, in order, and leave in reverse."""
        return self._scopes("patter_server_scope", SERVER_SCOPE_LIMIT_S, server=server)

    def call_scopes(self, call: CallContext) -> list[IsolatedScope]:
        """Scopes to enter after *call* was answered, in order, and leave in reverse."""
        return self._scopes("patter_call_scope", CALL_SCOPE_LIMIT_S, call=call)

    def call_listeners(
        self, call: CallContext
    ) -> dict[type | str, tuple[Callable[..., object], ...]]:
        """What to call with events of *call*, by their class or type; fixed for its duration."""
        listeners: dict[type | str, tuple[Callable[..., object], ...]] = {}
        for query in self._plugins.each("patter_call_listeners", call=call):
            for kind, listener in (query.answer("listen", listeners_of) or {}).items():
                listeners[kind] = (*listeners.get(kind, ()), listener)
        return listeners

    def routes(self, server: Any) -> list[web.RouteDef]:
        """Routes that plugins add to the server."""
        query = self._plugins.each("patter_routes", server=server)
        return [route for each in query for route in each.answer("add routes", list) or ()]

    def prices(self) -> list[Any]:
        """Price entries of the loaded plugins; a plugin that fails here has unknown prices."""
        query = self._plugins.each("patter_prices", forgiving=True)
        return [price for each in query for price in each.answer("tell prices", list) or ()]

    def cli(self, commands: Commands) -> None:
        """Let the loaded plugins add their commands."""
        for query in self._plugins.each("patter_cli", commands=commands):
            query.answer("add commands", bool)

    def on_hook_call(self, heard: Callable[[str], None]) -> Callable[[], None]:
        """Tell *heard* the name of every hook that is called; returns what ends it."""
        return self._plugins.manager.add_hookcall_monitoring(
            lambda name, *_: heard(name), lambda *_: None
        )

    def _build(self, kind: Kind[P], spec: ProviderSpec) -> P:
        candidate = self.catalogue.pick(kind, spec.provider)
        module = self.load(candidate)
        try:
            provider = self._plugins.ask(kind.hook, module, spec=spec)
        except PatterError:
            raise
        except Exception as exc:
            raise PluginError(
                f"{candidate.label} cannot make {spec.who}: {type(exc).__name__}: {exc}",
                fix=f"pip install --upgrade {candidate.distribution}, or tell its authors",
            ) from exc
        return self._conforming(kind, candidate, spec, provider)

    def _conforming(
        self, kind: Kind[P], candidate: Candidate, spec: ProviderSpec, provider: Any
    ) -> P:
        if provider is None:
            raise PluginError(
                f"{candidate.label} makes no {spec.who} of this spec",
                fix=f"see the README of {candidate.distribution}",
            )
        if absent := kind.missing(provider):
            raise PluginError(
                f"{candidate.label} made {indefinite(type(provider).__name__)} as {spec.who}, "
                f"which has no {', '.join(map(repr, absent))}",
                fix=f"pip install --upgrade {candidate.distribution}",
            )
        kind.traits_class.of(provider)
        made: P = provider
        return made

    def _scopes(self, hook: str, limit_s: float, **arguments: Any) -> list[IsolatedScope]:
        scopes = []
        for query in self._plugins.each(hook, **arguments):
            if (scope := query.answer("make its scope", scope_of)) is not None:
                scopes.append(IsolatedScope(query.isolation, scope, limit_s))
        return scopes
