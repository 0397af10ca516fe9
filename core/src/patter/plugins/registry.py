"""The plugins one process can see: found by metadata, imported when named, queried one by one.

Nothing here is global. A registry is made from the environment, given to whoever builds
agents and servers, and forgotten with them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from patter import env
from patter.errors import NotInstalled, PatterTypeError, PluginError, indefinite
from patter.plugins import importing, overrides
from patter.plugins.catalogue import EXTENSION, Candidate, Catalogue, Switches
from patter.plugins.isolated_scope import IsolatedScope
from patter.plugins.kinds import Kind
from patter.plugins.lifetime import listeners_of, scope_of
from patter.plugins.loaded import Loaded
from patter.plugins.spec import ProviderSpec

if TYPE_CHECKING:
    from aiohttp.web import UrlDispatcher
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
        return Loaded(strict=switches.strict, trace=switches.trace, limit_s=switches.limit_s)

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
            self._load_tolerantly(candidate)
        provider: P = chosen
        return provider

    def load(self, candidate: Candidate) -> ModuleType:
        """Import and register one plugin. Raises PluginError."""
        return self._plugins.load(candidate)

    def load_extensions(self) -> None:
        """Import every enabled extension; one that cannot be is logged, or raised if strict."""
        for candidate in self._extensions():
            self._load_tolerantly(candidate)

    async def import_extensions(self) -> None:
        """Import what `load_extensions` will load, one after another, while the loop goes on."""
        for candidate in self._extensions():
            if not self._plugins.is_done(candidate):
                await importing.imported(candidate, self.catalogue.switches.limit_s)

    def server_scopes(self, server: Any) -> list[IsolatedScope]:
        """Scopes to enter before the first call, in order, and leave in reverse."""
        return self._scopes("patter_server_scope", SERVER_SCOPE_LIMIT_S, server=server)

    def call_scopes(self, call: CallContext) -> list[IsolatedScope]:
        """Scopes to enter after *call* was answered, in order, and leave in reverse."""
        return self._scopes("patter_call_scope", CALL_SCOPE_LIMIT_S, call=call)

    def mcp_sessions(self) -> list[IsolatedScope]:
        """What keeps sessions with MCP servers, to enter when serving begins."""
        return self._scopes("patter_mcp_sessions", SERVER_SCOPE_LIMIT_S)

    def require_extension(self, name: str, use: str) -> None:
        """Raise NotInstalled unless the extension *name*, of patter-NAME, is there for *use*."""
        if (EXTENSION, name) in self.catalogue.candidates:
            return
        off = [
            self.catalogue.switches.refusal(each)
            for each in self.catalogue.advertised
            if (each.kind, each.name) == (EXTENSION, name)
        ]
        if off:
            raise NotInstalled(f"{use} is of patter-{name}, which is off", fix=str(off[0]))
        raise NotInstalled(
            f"{use} needs patter-{name}, which is not installed", fix=f"pip install patter-{name}"
        )

    def call_listeners(
        self, call: CallContext
    ) -> dict[type | str, tuple[Callable[..., object], ...]]:
        """What to call with events of *call*, by their class or type; fixed for its duration."""
        listeners: dict[type | str, tuple[Callable[..., object], ...]] = {}
        for query in self._plugins.each("patter_call_listeners", call=call):
            for kind, listener in (query.answer("listen", listeners_of) or {}).items():
                listeners[kind] = (*listeners.get(kind, ()), listener)
        return listeners

    def add_routes(self, router: UrlDispatcher, server: Any) -> None:
        """Add the routes of plugins to *router*: all that a plugin has, or none if one is wrong."""
        from patter.plugins.routes import add_routes, routes_of

        for query in self._plugins.each("patter_routes", server=server):
            with query.isolation.guard_function("add routes"):
                add_routes(router, query.answer("add routes", routes_of) or [], query.isolation)

    def prices(self) -> list[Any]:
        """Price entries of the loaded plugins; a plugin that fails here has unknown prices."""
        query = self._plugins.each("patter_prices", forgiving=True)
        return [price for each in query for price in each.answer("tell prices", list) or ()]

    def cli(self, commands: Commands) -> None:
        """Let the loaded plugins add their commands."""
        for query in self._plugins.each("patter_cli", commands=commands):
            query.answer("add commands", bool)

    def calls_erased(self, root: Path, call_ids: Sequence[str]) -> None:
        """Let plugins erase what they keep of calls whose records below *root* were erased."""
        for query in self._plugins.each("patter_calls_erased", root=root, call_ids=call_ids):
            query.answer("erase calls", bool)

    def on_hook_call(self, heard: Callable[[str], None]) -> Callable[[], None]:
        """Tell *heard* the name of every hook that is called; returns what ends it."""
        return self._plugins.manager.add_hookcall_monitoring(
            lambda name, *_: heard(name), lambda *_: None
        )

    def _extensions(self) -> list[Candidate]:
        offers = self.catalogue.candidates.items()
        return [each for (kind, _), several in offers if kind == EXTENSION for each in several]

    def _load_tolerantly(self, candidate: Candidate) -> None:
        isolation = self._plugins.isolation(candidate, tolerant=True)
        # Who is loaded for a server was looked for before: its failure is in the log.
        if isolation.tolerant and self._plugins.has_failed(candidate):
            return
        with isolation.guard_function("load"):
            self.load(candidate)

    def _build(self, kind: Kind[P], spec: ProviderSpec) -> P:
        candidate = self.catalogue.pick(kind, spec.provider)
        module = self.load(candidate)
        isolation = self._plugins.isolation(candidate, tolerant=False)
        with isolation.guard_function(f"make {spec.who}"):
            provider = self._plugins.ask(kind.hook, module, spec=spec)
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
