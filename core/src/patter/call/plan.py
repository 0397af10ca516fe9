"""What one call needs to know of its agent, resolved: providers, words, rules, tools."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, repeat
from typing import TypeAlias, TypeVar

import attrs

from patter.audio.agc import AgcConfig
from patter.audio.background import BackgroundAudioPlayer
from patter.call.allow import Allowed, allowing
from patter.call.barge_in_strategies import BargeInStrategy
from patter.call.compaction import CompactionConfig
from patter.call.hooks import PipelineHooks
from patter.call.mind import Mind
from patter.call.role import Role, RoleMaker, names_of
from patter.call.turn.events import UtteranceKind
from patter.call.turn.rules import TurnRules
from patter.providers.audio_filter import AudioFilter
from patter.providers.engine import Engine
from patter.providers.guardrail import REPLACEMENT, GuardrailProvider
from patter.providers.stt import STT
from patter.providers.tts import TTS
from patter.providers.turn_detector import TurnDetector
from patter.providers.vad import VAD
from patter.text.respelling import Respelling
from patter.tools.skill import Skill
from patter.tools.tool import Tool

Name: TypeAlias = tuple[str, str]
P = TypeVar("P")


@attrs.frozen(kw_only=True)
class Phrases:
    """What the agent says when no model is asked. Empty means: say nothing.

    *filler*: an answer takes long; *progress*: it still does. *not_understood*: a voice
    interrupted the agent, no words came of it, and nothing is left to say. *reprompts*: the
    caller is silent, the first time, the second, ...; the last is repeated. *refusal*: a guardrail
    that has no other words has stopped a sentence. *consent* asks whether the call may be recorded.
    *goodbyes* by the reason of the end; ``""`` is for all others.
    """

    greeting: str = ""
    filler: str = "One moment."
    progress: str = "I am still working on it."
    not_understood: str = "Sorry, I did not catch that."
    reprompts: tuple[str, ...] = ("Are you still there?", "Hello? Can you hear me?")
    apology: str = "Sorry, something went wrong on my side. Could you say that again?"
    transfer_failed: str = "Sorry, nobody could take your call there. How else can I help?"
    voicemail: str = ""
    refusal: str = REPLACEMENT
    consent: str = "Is it all right with you if this call is recorded?"
    goodbyes: Mapping[str, str] = attrs.field(
        factory=lambda: {
            "": "Goodbye.",
            "idle": "I cannot hear you, so I will hang up. Goodbye.",
            "failure": "Sorry, I have a technical problem. Please call again. Goodbye.",
            "limit": "I am afraid our time is up. Goodbye.",
            "drain": "I am sorry, I have to end this call. Please call again. Goodbye.",
        }
    )

    def text(self, kind: UtteranceKind, detail: str = "") -> str:
        """The words for *kind*; *detail* is that of the `Say` effect."""
        match kind:
            case UtteranceKind.NOTICE:
                return detail
            case UtteranceKind.REPROMPT:
                return self._reprompt(detail)
            case UtteranceKind.FILLER:
                return self.progress if detail == "progress" else self.filler
            case UtteranceKind.APOLOGY:
                return self.transfer_failed if detail == "transfer" else self.apology
            case UtteranceKind.GOODBYE:
                return self.goodbyes.get(detail, self.goodbyes.get("", ""))
            case _:
                fixed = {
                    UtteranceKind.GREETING: self.greeting,
                    UtteranceKind.VOICEMAIL: self.voicemail,
                }
                return fixed.get(kind, "")

    def instead(self, replacement: str) -> str:
        """What is said for a guardrail's *replacement*; the usual one is a phrase."""
        return self.refusal if replacement == REPLACEMENT else replacement

    def _reprompt(self, detail: str) -> str:
        if detail == "working":
            return self.progress
        if detail == "unheard" or not self.reprompts:
            return self.not_understood
        step = int(detail) if detail.isdigit() else 1
        return self.reprompts[min(step, len(self.reprompts)) - 1]


@attrs.frozen(kw_only=True)
class CallPlan:
    """Everything a session needs. Shared by all calls of an agent, so nothing here changes.

    *stt_fallbacks*, *tts_fallbacks* and *engine_fallbacks* take over when *stt*, *tts* or *engine*
    is given up. *mind* answers.
    An *engine* is all three; a *tts* beside it says the fixed phrases, and where the vendor can
    answer in text everything.
    *names* are what records and prices call the providers: kind to
    (provider, model). *system_prompt* and *phrases* already have their variables filled in.
    *prewarm_first_message*: the greeting is made while the phone rings.
    *high_pass_hz*, *echo_cancellation*, *audio_filter* and *agc* work on what the caller says, in
    this order. *echo_gate*: the detector does not hear the agent's own voice come back.
    *background_audio* plays behind the call.
    *barge_in_strategies* decide which words stop the agent, where *rules* do not.
    *language* chooses how sentences are split. *text_transforms* with a ``stream`` see the text
    before it is split, see `patter.text.stream`; the others see sentences. *respellings* make of
    what is written what the voice is given, and change nothing else.
    *filter_hallucinations* drops words that recognisers invent. *max_history* bounds what the
    model is shown, and *compaction* makes it shorter; *context_token_budget* is what it can take.
    *transfer_allowed* is a function or patterns, see `patter.call.allow.allowing`. Without one a
    model reaches the targets in *application_words*, by default the system prompt, and those
    that a tool returns. *handoffs* make the roles that it can be handed over to, by name, and
    *skills* are what it may take up, see `patter.call.roles`. *consent*: the greeting asks whether
    the call may be recorded.
    """

    agent: str = "agent"
    system_prompt: str = ""
    language: str = "en"
    stt: STT | None = None
    tts: TTS | None = None
    stt_fallbacks: tuple[STT, ...] = ()
    tts_fallbacks: tuple[TTS, ...] = ()
    engine_fallbacks: tuple[Engine, ...] = ()
    mind: Mind | None = None
    engine: Engine | None = None
    vad: VAD | None = None
    turn_detector: TurnDetector | None = None
    audio_filter: AudioFilter | None = None
    echo_gate: bool = True
    barge_in_strategies: tuple[BargeInStrategy, ...] = ()
    echo_cancellation: bool = False
    high_pass_hz: float | None = None
    agc: AgcConfig | None = None
    background_audio: BackgroundAudioPlayer | None = None
    guardrails: tuple[GuardrailProvider, ...] = ()
    tools: tuple[Tool, ...] = ()
    skills: tuple[Skill, ...] = ()
    handoffs: Mapping[str, RoleMaker] = attrs.field(factory=dict, repr=names_of)
    hooks: PipelineHooks = attrs.field(factory=PipelineHooks)
    text_transforms: tuple[Callable[[str], str], ...] = ()
    respellings: tuple[Respelling, ...] = ()
    phrases: Phrases = attrs.field(factory=Phrases)
    prewarm_first_message: bool = True
    rules: TurnRules = attrs.field(factory=TurnRules)
    aggressive_first_flush: bool = False
    filter_hallucinations: bool = True
    max_history: int = 200
    compaction: CompactionConfig | None = None
    context_token_budget: int | None = None
    transfer_allowed: Allowed | None = attrs.field(default=None, converter=allowing)
    application_words: tuple[str, ...] | None = None
    reconnect_ms: int = 10_000
    consent: bool = False
    names: Mapping[str, Name] = attrs.field(factory=dict)
    fallback_names: Mapping[str, tuple[Name, ...]] = attrs.field(factory=dict)

    def in_role(self, role: Role) -> CallPlan:
        """The same call with another agent in it."""
        return attrs.evolve(self, **attrs.asdict(role, recurse=False))

    def with_skill(self, skill: Skill) -> CallPlan:
        """The same call, whose agent has taken *skill* up."""
        words = self.application_words
        return attrs.evolve(
            self,
            system_prompt="\n\n".join(filter(None, (self.system_prompt, skill.chapter))),
            application_words=None if words is None else (*words, skill.instructions),
            tools=(*self.tools, *skill.tools),
        )

    @property
    def stt_candidates(self) -> Iterator[tuple[STT, Name]]:
        """Recognisers with their names, the first to be used first."""
        return _named(self.stt, self.stt_fallbacks, self._names("stt"))

    @property
    def tts_candidates(self) -> Iterator[tuple[TTS, Name]]:
        """Voices with their names, the first to be used first."""
        return _named(self.tts, self.tts_fallbacks, self._names("tts"))

    @property
    def engine_candidates(self) -> Iterator[tuple[Engine, Name]]:
        """Engines with their names, the first to be used first."""
        return _named(self.engine, self.engine_fallbacks, self._names("engine"))

    def _names(self, kind: str) -> Iterator[Name]:
        """The names of the providers of *kind*, and its own for those without."""
        first = self.names.get(kind, (kind, ""))
        return chain([first], self.fallback_names.get(kind, ()), repeat((kind, "")))


def _named(
    first: P | None, fallbacks: Iterable[P], names: Iterable[Name]
) -> Iterator[tuple[P, Name]]:
    return zip(() if first is None else (first, *fallbacks), names, strict=False)
