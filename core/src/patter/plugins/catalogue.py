"""What is installed, read from metadata alone: nothing is imported to list or to choose.

Conflicts are raised when a name is chosen, not before, so that an unrelated clash cannot
stop a working agent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import attrs

from patter.errors import PatterConfigError, ProviderConflict, ProviderNotFound, nearest
from patter.plugins import kinds
from patter.plugins.kinds import Kind
from patter.plugins.known import PROVIDERS

if TYPE_CHECKING:
    from importlib_metadata import EntryPoint

EXTENSION = "extension"
DOUBLE = "double"
"""A vendor on this machine, for tests: offered like a kind, and no kind."""
DEFAULT = "default"
"""What a plugin calls itself besides its name, to be meant when nobody is named."""
_PREFIX = "patter."
LIMIT_S, MOST_S = 10.0, 600.0
"""How long an import may take unless PATTER_PLUGINS_LIMIT_S says otherwise, and at most."""


@attrs.frozen
class Candidate:
    """One advertised plugin: *name* is the slug. Nothing of it has been imported."""

    kind: str
    name: str
    entry_point: EntryPoint = attrs.field(repr=False, eq=False)

    @cached_property
    def distribution(self) -> str:
        dist = self.entry_point.dist
        return dist.name if dist else self.entry_point.module

    @cached_property
    def version(self) -> str:
        dist = self.entry_point.dist
        return dist.version if dist else "?"

    @property
    def label(self) -> str:
        """Distribution and version, as logs and errors call it."""
        return f"{self.distribution} {self.version}"

    def is_same_as(self, other: Candidate) -> bool:
        """Are both one plugin, whatever they are called?"""
        ours = self.kind, self.distribution, self.entry_point.value
        return ours == (other.kind, other.distribution, other.entry_point.value)


@attrs.frozen(kw_only=True)
class Switches:
    """Which plugins may be used: by slug or distribution. *only* None means all.

    *limit_s* is how long the import of one may take, in seconds.
    """

    disabled: frozenset[str] = frozenset()
    only: frozenset[str] | None = None
    strict: bool = False
    trace: bool = False
    limit_s: float = LIMIT_S

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Switches:
        """Read the PATTER_..._PLUGINS variables; an empty allow-list allows nothing.

        Raises PatterConfigError when PATTER_PLUGINS_LIMIT_S is no time.
        """
        only = environ.get("PATTER_ONLY_PLUGINS")
        return cls(
            disabled=_names(environ.get("PATTER_DISABLE_PLUGINS", "")),
            only=None if only is None else _names(only),
            strict=_yes(environ.get("PATTER_STRICT_PLUGINS", "")),
            trace=_yes(environ.get("PATTER_TRACE_HOOKS", "")),
            limit_s=_limit(environ.get("PATTER_PLUGINS_LIMIT_S", "")),
        )

    def refusal(self, candidate: Candidate) -> str | None:
        """Why *candidate* is switched off, as a fix; None when it is not."""
        if self.only is None and not self.disabled:
            return None
        labels = {_plain(candidate.name), _plain(candidate.distribution)}
        if named := sorted(labels & self.disabled):
            return f"remove {named[0]!r} from PATTER_DISABLE_PLUGINS"
        if self.only is not None and not labels & self.only:
            return f"add {candidate.name!r} to PATTER_ONLY_PLUGINS"
        return None


@attrs.frozen
class Catalogue:
    """Every advertised plugin; read once. *source* replaces the scan, for tests."""

    switches: Switches = attrs.field(factory=Switches)
    source: Iterable[EntryPoint] | None = attrs.field(default=None, repr=False)

    @cached_property
    def advertised(self) -> tuple[Candidate, ...]:
        """All of them, switched off or not, sorted by kind and name."""
        candidates = [each for each in self._all if each.kind != DOUBLE]
        # The scan has the order of sys.path; sorted, two machines list the same alike.
        return tuple(sorted(candidates, key=lambda each: (_rank(each.kind), each.name)))

    @cached_property
    def doubles(self) -> tuple[Candidate, ...]:
        """Vendors impersonated on this machine; the name is that of the provider they stand for."""
        return tuple(each for each in self._all if each.kind == DOUBLE)

    @cached_property
    def _all(self) -> tuple[Candidate, ...]:
        ours = _scan() if self.source is None else self.source
        return tuple(Candidate(ep.group.removeprefix(_PREFIX), ep.name, ep) for ep in ours)

    @cached_property
    def candidates(self) -> Mapping[tuple[str, str], tuple[Candidate, ...]]:
        """Every enabled ``(kind, name)`` and those who offer it."""
        entries: dict[tuple[str, str], tuple[Candidate, ...]] = {}
        for each in self.advertised:
            if self.switches.refusal(each) is None:
                key = each.kind, each.name
                entries[key] = (*entries.get(key, ()), each)
        return entries

    def pick(self, kind: Kind[Any], name: str) -> Candidate:
        """The one enabled plugin that offers *name*. Raises ProviderNotFound, ProviderConflict."""
        offers = self.candidates.get((kind.name, name), ())
        if not offers:
            raise self._not_found(kind, name)
        if len(offers) > 1:
            distributions = sorted(each.distribution for each in offers)
            raise ProviderConflict(
                f"{kind} {name!r} is offered by {' and '.join(distributions)}",
                fix=f"uninstall one, or PATTER_DISABLE_PLUGINS={distributions[0]}",
            )
        return offers[0]

    def owners(self, kind: Kind[Any], thing: object) -> tuple[Candidate, ...]:
        """The enabled plugins of *kind* whose package the object *thing* is from: often one.

        Their modules are those with the most leading names in common with its class, or with
        the nearest of its bases that has an owner.
        """
        ours = [
            each
            for (names, name), offers in self.candidates.items()
            for each in offers
            if names == kind.name and name == self.real_name(each)
        ]
        for made_by in type(thing).__mro__:
            shared = [_shared(each.entry_point.module, str(made_by.__module__)) for each in ours]
            if most := max(shared, default=0):
                return tuple(each for each, n in zip(ours, shared, strict=True) if n == most)
        return ()

    def switched_off(self, distribution: str) -> str | None:
        """How to have the extension of *distribution* back; None when no switch is against it."""
        offers = (each for each in self.advertised if each.kind == EXTENSION)
        ours = (each for each in offers if _plain(each.distribution) == distribution)
        return next((fix for each in ours if (fix := self.switches.refusal(each))), None)

    def real_name(self, candidate: Candidate) -> str:
        """What *candidate* is called: for a `DEFAULT` the other name of the same plugin, if any."""
        if candidate.name != DEFAULT:
            return candidate.name
        others = (each for each in self.advertised if each.name != DEFAULT)
        return next((each.name for each in others if each.is_same_as(candidate)), DEFAULT)

    def default(self, kind: Kind[Any]) -> str | None:
        """The name of the plugin that also offers itself as `DEFAULT`, if one does.

        Raises ProviderConflict when several do.
        """
        if (kind.name, DEFAULT) not in self.candidates:
            return None
        name = self.real_name(self.pick(kind, DEFAULT))
        return name if (kind.name, name) in self.candidates else DEFAULT

    def _not_found(self, kind: Kind[Any], name: str) -> ProviderNotFound:
        for each in self.advertised:
            if (each.kind, each.name) == (kind.name, name) and (fix := self.switches.refusal(each)):
                return ProviderNotFound(f"{kind} provider {name!r} is switched off", fix=fix)
        absent = f"no {kind} provider named {name!r} is installed"
        if distribution := PROVIDERS.get((kind.name, name)):
            return ProviderNotFound(absent, fix=f"pip install {distribution}")
        if others := [k for k, n in self.candidates if n == name and k != EXTENSION]:
            return ProviderNotFound(
                f"{name!r} offers {', '.join(others)}, not {kind}",
                fix=f"choose another {kind}; see: patter plugins {kind}",
            )
        names = sorted({n for k, n in (*self.candidates, *PROVIDERS) if k == kind.name})
        if (meant := nearest(name, names)) is not None:
            return ProviderNotFound(absent, fix=f"did you mean {meant!r}?")
        return ProviderNotFound(
            f"no {kind} provider named {name!r} is known", fix=f"see: patter plugins {kind}"
        )


def _scan() -> list[EntryPoint]:
    """Everything installed in our groups; the distributions are walked once.

    Of a distribution that is on the path twice the first counts, as it does for an import.
    """
    # The backport behaves alike on every Python; imported here, as nothing else needs it.
    from importlib_metadata import entry_points

    entries = entry_points()
    groups = (f"{_PREFIX}{name}" for name in (*kinds.kind_names(), EXTENSION, DOUBLE))
    return [each for group in groups for each in entries.select(group=group)]


def _shared(one: str, other: str) -> int:
    """How many names two dotted names begin with together."""
    pairs = zip(one.split("."), other.split("."), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _rank(kind: str) -> int:
    names = kinds.kind_names()
    return names.index(kind) if kind in names else len(names)


def _plain(name: str) -> str:
    """Distribution names are equal when case, dots and dashes are all that differs."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _names(text: str) -> frozenset[str]:
    return frozenset(_plain(part.strip()) for part in text.split(",") if part.strip())


def _yes(text: str) -> bool:
    return text.strip().lower() not in ("", "0", "false", "no", "off")


def _limit(text: str) -> float:
    """Seconds, as PATTER_PLUGINS_LIMIT_S has them. Raises PatterConfigError."""
    try:
        limit_s = float(text or LIMIT_S)
    except ValueError:
        limit_s = 0.0
    if not 0 < limit_s <= MOST_S:
        raise PatterConfigError(
            f"PATTER_PLUGINS_LIMIT_S is {text!r}, which is not a time up to {MOST_S:g} s",
            fix="PATTER_PLUGINS_LIMIT_S=60, or leave it unset",
        )
    return limit_s
