"""The parts of an agent, resolved: strings become providers, and whatever is wrong is collected.

Nothing here raises for a single part, so that one look tells everything there is to mend.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import attrs

from patter.audio.fit import fit, meeting
from patter.errors import AgentError, PatterConfigError, PatterError
from patter.plugins.registry import PluginRegistry
from patter.plugins.spec import ProviderSpec
from patter.providers.audio_filter import AudioFilter
from patter.providers.carrier import Carrier, MultiFormatCarrier
from patter.providers.guardrail import GuardrailProvider
from patter.providers.llm import LLM
from patter.providers.stt import STT
from patter.providers.tts import TTS
from patter.providers.vad import VAD

OFF = "none"
"""What a string says to go without a part that would be chosen otherwise."""

Name = tuple[str, str]


@attrs.frozen(kw_only=True)
class AgentParts:
    """The providers of one agent. *names* has (provider, model) of each kind there is."""

    stt: STT
    tts: TTS
    llm: LLM | None = None
    vad: VAD | None = None
    audio_filter: AudioFilter | None = None
    guardrails: tuple[GuardrailProvider, ...] = ()
    names: Mapping[str, Name] = attrs.field(factory=dict)

    def with_choice(self, kind: str, field: str, value: str) -> AgentParts:
        """The same with *field* of the *kind* set: another voice, another model.

        Raises PatterConfigError when the provider has no such choice.
        """
        provider: Any = getattr(self, kind)
        who = self.names[kind][0] if kind in self.names else kind
        known: Any = type(provider)
        if not (attrs.has(known) and field in attrs.fields_dict(known)):
            raise PatterConfigError(
                f"{who} {kind} has no {field} to choose", fix=f"remove {field}={value!r}"
            )
        chosen = attrs.evolve(provider, **{field: value})
        changed = {kind: name_of(kind, who, chosen)}
        return attrs.evolve(self, **{kind: chosen}, names={**self.names, **changed})

    def negotiate(self, carrier: Carrier) -> Carrier:
        """*carrier*, streaming in the one of its formats that suits ears and voice best."""
        if not isinstance(carrier, MultiFormatCarrier):
            return carrier
        return carrier.streaming(meeting(carrier.formats, self.stt.accepts, self.tts.produces))


@attrs.define
class AgentResolver:
    """Resolves one part after the other and keeps what went wrong, in that order."""

    registry: PluginRegistry
    problems: list[PatterError] = attrs.field(factory=list)
    names: dict[str, Name] = attrs.field(factory=dict)

    def note(self, message: str, fix: str) -> None:
        """Something is wrong."""
        self.problems.append(PatterConfigError(message, fix=fix))

    def attempt(self, make: Callable[..., Any], *args: Any) -> Any:
        """What *make* returns of *args*; None when it raises, which is kept."""
        try:
            return make(*args)
        except PatterError as problem:
            self.problems.append(problem)
            return None

    def one(self, kind: str, given: Any) -> Any:
        """The provider that is used for *given*; None when there is none, or it is wrong."""
        chosen = self.registry.chosen(kind, given)
        if chosen is None or chosen is False or chosen in ("", OFF):
            return None
        if isinstance(chosen, list | tuple):
            return self._first_of(kind, chosen)
        provider = self.attempt(self.registry.resolve, kind, chosen)
        if provider is not None:
            self.names[kind] = self._name(kind, chosen, provider)
        return provider

    def needed(self, kind: str, given: Any) -> Any:
        """Like `one`; that there is none is a problem too."""
        before = len(self.problems)
        provider = self.one(kind, given)
        if provider is None and len(self.problems) == before:
            self.note(f"agent has no {kind}", f"{kind}='PROVIDER'; see: patter plugins {kind}")
        return provider

    def vad(self, given: Any) -> VAD | None:
        """The detector asked for; if none was, the first by name of those installed."""
        chosen = self.registry.chosen("vad", given)
        if chosen is None and "vad" not in self.registry.overrides:
            chosen = installed(self.registry, "vad")[:1]
            chosen = chosen[0] if chosen else None
        found: VAD | None = self.one("vad", chosen)
        return found

    def guardrails(self, given: Any) -> tuple[GuardrailProvider, ...]:
        """All of them; strings are specs."""
        if not isinstance(given, list | tuple):
            self.note(f"guardrails is a {type(given).__name__}", "write guardrails=[...]")
            return ()
        found = [self.attempt(self.registry.resolve, "guardrail", each) for each in given]
        return tuple(each for each in found if each is not None)

    def line(self, carrier: Carrier | None, stt: Any, tts: Any, vad: Any) -> None:
        """Can the carrier's audio be made into what each part takes, and back?"""
        if carrier is None:
            return
        self.names["carrier"] = (carrier.name, "")
        pairs = [(carrier.formats, each.accepts) for each in (stt, vad) if each is not None]
        if tts is not None:
            pairs.append((tts.produces, carrier.formats))
        for sources, sinks in pairs:
            self.attempt(fit, sources, sinks)

    def check(self) -> None:
        """Raise AgentError if anything was wrong."""
        if self.problems:
            raise AgentError(self.problems)

    def _name(self, kind: str, given: object, provider: object) -> Name:
        slugs = {each.name for each in self.registry.catalogue.owners(kind, provider)}
        return name_of(kind, given, provider, slugs)

    def _first_of(self, kind: str, chosen: Sequence[Any]) -> Any:
        """A list is a fallback: for models there is one, other kinds have none."""
        if kind != "llm":
            self.note(
                f"{kind} is given a list, and only an llm can have fallbacks", f"name one {kind}"
            )
            return None
        if not chosen:
            return None
        found = [self.attempt(self.registry.resolve, kind, each) for each in chosen]
        if None in found:
            return None
        self.names[kind] = self._name(kind, chosen[0], found[0])
        if len(found) == 1:
            return found[0]
        from patter.llm.fallback import FallbackLLM

        return FallbackLLM(tuple(found))


def installed(registry: PluginRegistry, kind: str) -> list[str]:
    """The names of the enabled plugins of *kind*, sorted."""
    return sorted(name for each, name in registry.catalogue.candidates if each == kind)


def name_of(kind: str, given: object, provider: object, slugs: Collection[str] = ()) -> Name:
    """What records and prices call *provider*.

    The name in its spec; of an object its plugin's, if that offers one name (*slugs*), else
    its own.
    """
    model = str(getattr(provider, "model", "") or "")
    if isinstance(given, str):
        given = ProviderSpec.parse(given, kind)
    if isinstance(given, ProviderSpec):
        return given.provider, given.model or model
    if len(slugs) == 1:
        return next(iter(slugs)), model
    own = getattr(provider, "name", "") or type(provider).__name__.lower().removesuffix(kind)
    return str(own), model
