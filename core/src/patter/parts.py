"""The parts of an agent, resolved: strings become providers, and whatever is wrong is collected.

Nothing here raises for a single part, so that one look tells everything there is to fix.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NoReturn, TypeAlias, TypeVar

import attrs

from patter.audio.fit import fit, meeting
from patter.call.custom_llm import brain_of
from patter.errors import (
    AgentError,
    AgentTypeError,
    PatterConfigError,
    PatterError,
    PatterTypeError,
    indefinite,
)
from patter.plugins.catalogue import DEFAULT
from patter.plugins.kinds import (
    ENGINE_KIND,
    GUARDRAIL_KIND,
    LLM_KIND,
    STT_KIND,
    TTS_KIND,
    VAD_KIND,
    Kind,
)
from patter.plugins.known import PROVIDERS
from patter.plugins.registry import PluginRegistry
from patter.plugins.spec import ProviderSpec
from patter.providers.audio_filter import AudioFilter
from patter.providers.carrier import Carrier, MultiFormatCarrier
from patter.providers.engine import Engine
from patter.providers.guardrail import GuardrailProvider
from patter.providers.llm import LLM
from patter.providers.stt import STT, STTTraits
from patter.providers.traits import ProviderTraits
from patter.providers.tts import TTS
from patter.providers.turn_detector import TurnDetector
from patter.providers.vad import VAD

OFF = "none"
"""What a string says to go without a part that would be chosen otherwise."""

Name = tuple[str, str]
P = TypeVar("P")

Choice: TypeAlias = str | ProviderSpec | P
"""A provider as an agent may name it: a spec string, a spec, an object."""
Choices: TypeAlias = Choice[P] | Sequence[Choice[P]]
"""One provider, or several in the order in which they are to be tried."""

_SEVERAL = (STT_KIND, TTS_KIND, LLM_KIND, ENGINE_KIND)
"""Kinds of which an agent may name several."""


@attrs.frozen(kw_only=True)
class AgentParts:
    """The providers of one agent. *names* has (provider, model) of each kind there is.

    Without an *engine*, which hears, thinks and speaks, there are *stt* and *tts*.
    *stt_fallbacks*, *tts_fallbacks* and *engine_fallbacks* are those to try after *stt*, *tts* and
    *engine*, in order; *fallback_names* has their names, by kind, and those of the models that
    stand in for *llm*.
    """

    stt: STT | None = None
    tts: TTS | None = None
    llm: LLM | None = None
    engine: Engine | None = None
    vad: VAD | None = None
    turn_detector: TurnDetector | None = None
    audio_filter: AudioFilter | None = None
    guardrails: tuple[GuardrailProvider, ...] = ()
    stt_fallbacks: tuple[STT, ...] = ()
    tts_fallbacks: tuple[TTS, ...] = ()
    engine_fallbacks: tuple[Engine, ...] = ()
    names: Mapping[str, Name] = attrs.field(factory=dict)
    fallback_names: Mapping[str, tuple[Name, ...]] = attrs.field(factory=dict)
    endpoints: bool = attrs.field(init=False)

    @endpoints.default
    def _stt_endpoints(self) -> bool:
        """Do all recognisers say themselves when a turn has ended? Checked here, not in each call.

        An agent that waited for one that does not would wait long whenever that stands in.
        """
        if self.engine is not None or self.stt is None:
            return self.engine is not None
        return all(STTTraits.of(each).endpoints for each in self.stt_candidates)

    @classmethod
    def of(
        cls, stts: Sequence[STT], ttss: Sequence[TTS], engines: Sequence[Engine], **others: Any
    ) -> AgentParts:
        """Parts with the first of each list, if there is one, and the rest behind it."""
        return cls(
            stt=next(iter(stts), None),
            tts=next(iter(ttss), None),
            engine=next(iter(engines), None),
            stt_fallbacks=tuple(stts[1:]),
            tts_fallbacks=tuple(ttss[1:]),
            engine_fallbacks=tuple(engines[1:]),
            **others,
        )

    @property
    def stt_candidates(self) -> tuple[STT, ...]:
        """Every recogniser, in the order in which they are to be tried."""
        return () if self.stt is None else (self.stt, *self.stt_fallbacks)

    @property
    def tts_candidates(self) -> tuple[TTS, ...]:
        """Every voice, in the order in which they are to be tried."""
        return () if self.tts is None else (self.tts, *self.tts_fallbacks)

    @property
    def engine_candidates(self) -> tuple[Engine, ...]:
        """Every engine, in the order in which they are to be tried."""
        return () if self.engine is None else (self.engine, *self.engine_fallbacks)

    @property
    def ears(self) -> STT | Engine:
        """What hears the caller first."""
        return self.engine or self.stt or _none()

    @property
    def mouth(self) -> TTS | Engine:
        """What speaks to the caller first."""
        return self.engine or self.tts or _none()

    @property
    def heard_by_detector(self) -> bool:
        """Does somebody tell when there is a voice, apart from a recogniser's words?"""
        if self.vad is not None:
            return True
        if self.engine is not None:
            return all(each.can.hears_voice for each in self.engine_candidates)
        return self.stt is not None and STTTraits.of(self.stt).hears_voice

    def with_choice(self, kind: Kind[Any], field: str, value: str) -> AgentParts:
        """The same with *field* of the first of *kind* set: another voice, another model.

        Raises PatterConfigError when the provider has no such choice.
        """
        provider: Any = getattr(self, kind.name)
        who = self.names[kind.name][0] if kind.name in self.names else kind.name
        cls: Any = type(provider)
        if not (attrs.has(cls) and field in attrs.fields_dict(cls)):
            raise PatterConfigError(
                f"{who} {kind} has no {field} to choose", fix=f"remove {field}={value!r}"
            )
        chosen = attrs.evolve(provider, **{field: value})
        names = {**self.names, kind.name: name_of(kind, who, chosen)}
        return attrs.evolve(self, **{kind.name: chosen}, names=names)

    def negotiate(self, carrier: Carrier) -> Carrier:
        """*carrier*, streaming in the one of its formats that suits ears and voice best."""
        if not isinstance(carrier, MultiFormatCarrier):
            return carrier
        return carrier.streaming(meeting(carrier.formats, self.ears.accepts, self.mouth.produces))


@attrs.define
class AgentResolver:
    """Resolves one part after the other and keeps what went wrong, in that order."""

    registry: PluginRegistry
    problems: list[PatterError] = attrs.field(factory=list)
    names: dict[str, Name] = attrs.field(factory=dict)
    fallback_names: dict[str, tuple[Name, ...]] = attrs.field(factory=dict)

    def note(self, message: str, fix: str) -> None:
        """Something is wrong."""
        self.problems.append(PatterConfigError(message, fix=fix))

    def note_type(self, message: str, fix: str) -> None:
        """Something is of the wrong type."""
        self.problems.append(PatterTypeError(message, fix=fix))

    def attempt(self, make: Callable[..., Any], *args: Any) -> Any:
        """What *make* returns of *args*; None when it raises, which is kept."""
        try:
            return make(*args)
        except PatterError as problem:
            self.problems.append(problem)
            return None

    def one(self, kind: Kind[P], choice: object) -> P | None:
        """The provider that is used for *choice*; None when there is none, or it is wrong."""
        return next(iter(self.several(kind, choice)), None)

    def several(self, kind: Kind[P], choice: object) -> tuple[P, ...]:
        """The providers named by *choice*, in order; none when one of them is wrong."""
        chosen = self.registry.chosen(kind, choice)
        if chosen is None or chosen is False or chosen in ("", OFF):
            return ()
        if not isinstance(chosen, list | tuple):
            chosen = [chosen]
        elif kind not in _SEVERAL:
            self.note(
                f"{kind} is a list, and only stt, tts, llm and engine may be one",
                f"name one {kind}",
            )
            return ()
        providers = [self.attempt(self.registry.resolve, kind, each) for each in chosen]
        if not providers or None in providers:
            return ()
        names = [self._name(kind, *pair) for pair in zip(chosen, providers, strict=True)]
        self.names[kind.name], *others = names
        if others:
            self.fallback_names[kind.name] = tuple(others)
        return tuple(providers)

    def needed(self, kind: Kind[P], choice: object) -> tuple[P, ...]:
        """Like `several`; that there is none is a problem too."""
        before = len(self.problems)
        providers = self.several(kind, choice)
        if not providers and len(self.problems) == before:
            self.note(f"agent has no {kind}", f"{kind}='PROVIDER'; see: patter plugins {kind}")
        return providers

    def llm(self, choice: object) -> LLM | None:
        """The model; several become one that asks them in order."""
        models = self.several(LLM_KIND, self.attempt(brain_of, choice))
        if not models:
            return None
        from patter.llm.fallback import FallbackLLMProvider

        if len(models) > 1:
            names = (self.names[LLM_KIND.name], *self.fallback_names[LLM_KIND.name])
            return FallbackLLMProvider(models, names=names)
        only = models[0]
        if isinstance(only, FallbackLLMProvider):
            self.names[LLM_KIND.name], *others = only.names
            self.fallback_names[LLM_KIND.name] = tuple(others)
        return only

    def vad(self, choice: object, engines: Sequence[Engine] = ()) -> VAD | None:
        """The detector asked for; if none was, one that is installed, unless *engines* are some.

        It is the one whose plugin also offers it as ``default``, else the first by name.
        """
        chosen = self.registry.chosen(VAD_KIND, choice)
        if engines and chosen is None and all(each.can.hears_voice for each in engines):
            return None
        if chosen is None and VAD_KIND.name not in self.registry.overrides:
            chosen = self.attempt(self.registry.catalogue.default, VAD_KIND)
            chosen = chosen or next(iter(installed(self.registry, VAD_KIND)), None)
        return self.one(VAD_KIND, chosen)

    def engines(self, choice: object, *, alone: bool) -> tuple[Engine, ...]:
        """The engines asked for; *alone*: if none was, the one that offers itself as default."""
        chosen = self.registry.chosen(ENGINE_KIND, choice)
        if chosen is None and alone:
            chosen = self.attempt(self.registry.catalogue.default, ENGINE_KIND)
        return self.several(ENGINE_KIND, chosen)

    def no_engine(self) -> None:
        """Unless it was said what is wrong with the engine: none was named, and none offers itself.

        An agent that names no part at all would have that.
        """
        if self.problems:
            return
        offers = PROVIDERS.get((ENGINE_KIND.name, DEFAULT))
        install = f"; or pip install {offers}, whose engine is the default" if offers else ""
        self.note(
            "agent has no engine, stt, llm or tts, and no default engine is installed",
            f"name an engine, or stt, llm and tts{install}",
        )

    def guardrails(self, choice: object) -> tuple[GuardrailProvider, ...]:
        """All of them; strings are specs."""
        if not isinstance(choice, list | tuple):
            wrong = indefinite(type(choice).__name__)
            self.note_type(f"guardrails is {wrong}", "write guardrails=[...]")
            return ()
        providers = [self.attempt(self.registry.resolve, GUARDRAIL_KIND, each) for each in choice]
        return tuple(each for each in providers if each is not None)

    def line(
        self,
        carrier: Carrier | None,
        listeners: Iterable[STT | Engine | VAD | TurnDetector | None],
        speakers: Iterable[TTS | Engine | None],
    ) -> None:
        """Can the carrier's audio be made into what each part takes, and back?"""
        if carrier is None:
            return
        self.names["carrier"] = (carrier.name, "")
        pairs = [(carrier.formats, each.accepts) for each in listeners if each is not None]
        pairs += [(each.produces, carrier.formats) for each in speakers if each is not None]
        for sources, sinks in pairs:
            self.attempt(fit, sources, sinks)

    def check(self) -> None:
        """Raise AgentError if anything was wrong; AgentTypeError if of the wrong type."""
        if self.problems:
            wrong_type = any(isinstance(problem, TypeError) for problem in self.problems)
            raise (AgentTypeError if wrong_type else AgentError)(self.problems)

    def _name(self, kind: Kind[Any], choice: object, provider: object) -> Name:
        slugs = {each.name for each in self.registry.catalogue.owners(kind, provider)}
        return name_of(kind, choice, provider, slugs)


def _none() -> NoReturn:
    raise PatterConfigError("the agent has no ears or no voice", fix="gather its parts anew")


def installed(registry: PluginRegistry, kind: Kind[Any]) -> list[str]:
    """The names of the enabled plugins of *kind*, sorted."""
    return sorted(name for each, name in registry.catalogue.candidates if each == kind.name)


def name_of(kind: Kind[Any], choice: object, provider: object, slugs: Collection[str] = ()) -> Name:
    """What records and prices call *provider*.

    The name in its spec; of an object its plugin's, if that offers one name (*slugs*), else
    its own.
    """
    traits = ProviderTraits.of(provider)
    if isinstance(choice, str):
        choice = ProviderSpec.parse(choice, kind.name)
    if isinstance(choice, ProviderSpec):
        return choice.provider, choice.model or traits.model
    if len(slugs) == 1:
        return next(iter(slugs)), traits.model
    own = traits.name or type(provider).__name__.lower().removesuffix(kind.name)
    return own, traits.model
