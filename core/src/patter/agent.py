"""What a user describes: who answers the phone, with which parts and by which rules.

A frozen value of strings and provider objects. `Agent.gather` resolves its parts, `Agent.plan`
makes of both what a call needs; neither does anything else, so an agent serves many calls.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Literal

import attrs

from patter.agent_engine import (
    RealtimeTurnDetection,
    as_detection,
    engine_options,
    idle_options,
    refuse_options,
)
from patter.agent_fields import (
    AS_THEY_ARE,
    Transform,
    as_compaction,
    as_guardrails,
    as_patterns,
    as_sentences,
    as_text,
    as_tools,
    as_transforms,
    idle_context,
    idle_hooks,
    refuse_context,
    refuse_history,
    refuse_pronunciations,
    refuse_short_hold,
    refuse_sound,
    refuse_unlike,
)
from patter.agent_mcp import as_mcp_servers
from patter.agent_mode import engine_choice, provider_of, refuse_provider, refuse_two_minds
from patter.agent_roles import (
    as_handoffs,
    as_skills,
    others,
    refuse_fixed_engine,
    refuse_handoffs,
    refuse_role,
)
from patter.agent_rules import as_strategies, refuse_strategies, rules_of
from patter.audio.agc import AgcConfig, agc_config
from patter.audio.background import BackgroundAudioPlayer
from patter.call.allow import Allowed, allowing, operator_allows
from patter.call.answering import MessageHandler
from patter.call.barge_in_strategies import BargeInStrategy
from patter.call.compaction import CompactionConfig
from patter.call.hooks import PipelineHooks
from patter.call.mind import mind_of
from patter.call.phrasebook import OwnPhrases, own_phrases, phrases_with, problems_of
from patter.call.plan import CallPlan, Phrases
from patter.call.role import Role, names_of
from patter.call.turn.rules import VOICE_TAIL_MS, TurnRules
from patter.errors import PatterError
from patter.parts import AgentParts, AgentResolver, Choice, Choices
from patter.plugins.kinds import (
    AUDIO_FILTER_KIND,
    ENGINE_KIND,
    GUARDRAIL_KIND,
    LLM_KIND,
    STT_KIND,
    TTS_KIND,
    TURN_DETECTOR_KIND,
    Kind,
)
from patter.plugins.registry import PluginRegistry
from patter.providers.audio_filter import AudioFilter
from patter.providers.carrier import Carrier
from patter.providers.engine import Engine
from patter.providers.guardrail import GuardrailProvider
from patter.providers.llm import LLM
from patter.providers.stt import STT
from patter.providers.tts import TTS
from patter.providers.turn_detector import TurnDetector
from patter.providers.vad import VAD
from patter.text.lexicon import Lexicon
from patter.text.preamble import with_preamble, with_words_before_tools
from patter.text.respelling import Respelling, forms_of
from patter.text.variables import fill
from patter.tools.consult import ConsultConfig
from patter.tools.mcp_server import McpServer
from patter.tools.skill import Skill
from patter.tools.tool import Tool

log = logging.getLogger("patter.agent")

_SPEECH = ("stt", "tts", "engine", "stt_fallbacks", "tts_fallbacks", "engine_fallbacks")
"""What hears and speaks, and stands in for it, is the same in the parts and in the plan."""


@attrs.frozen(kw_only=True)
class Agent:
    """Who takes a call. Times are milliseconds; None means what `TurnRules` and `Phrases` say.

    *stt*, *tts*, *llm*, *vad*, *turn_detector* and *audio_filter* are spec strings or provider
    objects. A list of *stt*, *tts*, *llm* or *engine* has who to try first at its head. An *llm*
    may be a function of the application, or the address of its service, see `CustomLLM`. An
    *engine* does the work of all three, and is the default one where none of them is named; a
    *tts* beside it says the fixed phrases. Without a *vad* the
    installed one is used, of several silero; ``"none"`` goes without. *echo_gate* keeps the
    agent's own voice, come back as an echo, from it. *high_pass_hz*, *echo_cancellation* and *agc*
    work on what the caller says, whatever hears it; *background_audio* plays behind what the
    agent says, and while it says nothing. *voice* and *model* choose those of the first
    tts and llm. A *turn_detector* has a vote on how long a pause may last: *silence_ms*, or
    *max_semantic_hold_ms*. An answer is heard *speak_after_ms* after the caller's voice at the
    earliest, sooner after a complete short one and later in mid-sentence.
    *barge_in_strategies* decide by the caller's words whether these stop the agent, instead of
    *barge_in_min_words* and the length of a voice; each call has copies of them.
    With *preemptive_generation* an answer is prepared for words that ended a sentence or stood for
    *preemptive_min_stable_ms*. *compaction* sums up the older part of a conversation.
    With *prewarm_first_message* the greeting is made while the phone rings. *try_saying* is what
    a page that calls it proposes to say.
    *phrases* are sentences that no model makes, in place of those of the *language*; a field for
    one of them goes before.
    *pronunciations* are words, and what a voice must read to say them right; the history keeps
    the words. *spoken_forms* does the same for numbers, money, dates, times, phone numbers,
    addresses and codes of *language*, by the package patter-spoken.
    *variables* fill ``{name}`` in *system_prompt* and *first_message*. *tools* are `Tool`
    objects; *consult* is one more, which asks another agent; *mcp_servers* have more of them.
    After *long_turn_message_after_s* seconds without a sound of an answer *long_turn_message* is
    said, and then `Phrases.progress` as long as it takes; 0 says neither.
    *tool_call_preambles*, *realtime_turn_detection* and *openai_realtime_noise_reduction* are for
    an engine: see `patter.agent_engine`.
    *handoffs*: agents by the name under which the model can transfer the caller to them, which
    brings their prompt, tools, variables, guardrails, transforms, handoffs and skills. *skills*:
    what the model may take up in a call.
    *transfer_allowed*: where callers may be handed to, patterns such as ``+4930*`` or a
    function; ``"*"`` is everywhere. Without it a model reaches only what prompt, variables or a
    tool's result name. PATTER_TRANSFER_ALLOW, where it is set, must allow it too.
    """

    system_prompt: str
    name: str = "agent"
    stt: Choices[STT] | None = None
    tts: Choices[TTS] | None = None
    llm: Choices[LLM] | MessageHandler | None = None
    vad: Choice[VAD] | Literal[False] | None = None
    turn_detector: Choice[TurnDetector] | None = None
    audio_filter: Choice[AudioFilter] | None = None
    echo_gate: bool = True
    echo_cancellation: bool = False
    high_pass_hz: float | None = None
    agc: bool | AgcConfig = False
    background_audio: BackgroundAudioPlayer | None = None
    engine: Choices[Engine] | None = None
    _provider: str | None = attrs.field(default=None, alias="provider")
    voice: str = attrs.field(default="", converter=as_text)
    model: str = attrs.field(default="", converter=as_text)
    language: str = "en"
    phrases: OwnPhrases | None = None
    first_message: str = attrs.field(default="", converter=as_text)
    prewarm_first_message: bool = True
    try_saying: tuple[str, ...] = attrs.field(default=(), converter=as_sentences)
    voicemail_message: str = attrs.field(default="", converter=as_text)
    llm_error_message: str = attrs.field(default="", converter=as_text)
    long_turn_message: str = attrs.field(default="", converter=as_text)
    long_turn_message_after_s: float = 4.0
    tools: tuple[Tool, ...] = attrs.field(default=(), converter=as_tools)
    consult: ConsultConfig | None = None
    mcp_servers: tuple[McpServer, ...] = attrs.field(default=(), converter=as_mcp_servers)
    guardrails: tuple[Choice[GuardrailProvider], ...] = attrs.field(
        default=(), converter=as_guardrails
    )
    skills: tuple[Skill, ...] = attrs.field(default=(), converter=as_skills)
    handoffs: Mapping[str, Agent] = attrs.field(factory=dict, converter=as_handoffs, repr=names_of)
    variables: Mapping[str, Any] = attrs.field(factory=dict)
    hooks: PipelineHooks = attrs.field(factory=PipelineHooks)
    text_transforms: tuple[Transform, ...] = attrs.field(default=(), converter=as_transforms)
    pronunciations: Mapping[str, str] = attrs.field(factory=dict)
    spoken_forms: bool = False
    transfer_allowed: Allowed | tuple[str, ...] | None = attrs.field(
        default=None, converter=as_patterns
    )
    barge_in_threshold_ms: int = 300
    barge_in_mode: Literal["cancel", "pause_resume"] = "pause_resume"
    barge_in_confirm_ms: int | None = None
    barge_in_min_words: int | None = None
    barge_in_strategies: tuple[BargeInStrategy, ...] = attrs.field(
        default=(), converter=as_strategies
    )
    silence_ms: int | None = None
    speak_after_ms: int = 1_000
    max_semantic_hold_ms: int | None = None
    idle_ms: tuple[int, ...] | None = None
    max_call_ms: int | None = None
    max_history: int = 200
    compaction: CompactionConfig | None = attrs.field(default=None, converter=as_compaction)
    context_token_budget: int | None = None
    preemptive_generation: bool = False
    preemptive_min_stable_ms: int = 300
    aggressive_first_flush: bool = False
    filter_hallucinations: bool = True
    disable_phone_preamble: bool = False
    tool_call_preambles: bool | str = False
    realtime_turn_detection: RealtimeTurnDetection | None = attrs.field(
        default=None, converter=as_detection
    )
    openai_realtime_noise_reduction: Literal["near_field", "far_field"] | None = None

    @property
    def provider(self) -> str:
        """Who takes its calls: ``openai_realtime``, ``elevenlabs_convai`` or ``pipeline``.

        It follows from the parts unless it was named; other engines are called as their plugins.
        """
        pipeline = any(part is not None for part in (self.stt, self.tts, self.llm))
        return self._provider or provider_of(self.engine, has_parts=pipeline)

    def gather(
        self,
        registry: PluginRegistry,
        *,
        carrier: Carrier | None = None,
        has_handler: bool | None = None,
        problems: Iterable[PatterError] = (),
    ) -> AgentParts:
        """Resolve every part, once for all calls.

        *has_handler*: does a function answer instead of a model? None: not known yet. *problems*
        are reported with those of the agent. Raises AgentError with all of them.
        """
        resolver = AgentResolver(registry)
        engines = self._engines(resolver, has_handler)
        engine = next(iter(engines), None)
        stts, ttss = self._ears_and_voices(resolver, engine, has_handler)
        llm = resolver.llm(self.llm) if engine is None else None
        vad = resolver.vad(self.vad, engines)
        if engine is None and self._names_parts(resolver, has_handler):
            refuse_two_minds(resolver, self.llm, llm, has_handler)
        turn_detector = resolver.one(TURN_DETECTOR_KIND, self.turn_detector)
        audio_filter = resolver.one(AUDIO_FILTER_KIND, self.audio_filter)
        guardrails = resolver.guardrails(self.guardrails)
        self._refuse_values(resolver, turn_detector)
        self._refuse_roles(resolver, engines)
        resolver.line(carrier, (*stts, *engines, vad, turn_detector), (*ttss, *engines))
        refuse_unlike(resolver, stts, engines, vad=vad is not None, voice=bool(ttss))
        resolver.problems += problems
        resolver.check()
        parts = AgentParts.of(
            stts,
            ttss,
            engines,
            llm=llm,
            vad=vad,
            turn_detector=turn_detector,
            audio_filter=audio_filter,
            guardrails=guardrails,
            names=resolver.names,
            fallback_names=resolver.fallback_names,
        )
        return self._with_choices(parts, resolver)

    def adopt(self, registry: PluginRegistry, parts: AgentParts) -> AgentParts:
        """*parts* of an agent like this one, with this one's voice and model.

        Raises AgentError for values that make no sense.
        """
        resolver = AgentResolver(registry)
        self._refuse_values(resolver, parts.turn_detector)
        resolver.check()
        return self._with_choices(parts, resolver)

    def plan(
        self,
        registry: PluginRegistry,
        *,
        on_message: MessageHandler | None = None,
        variables: Mapping[str, Any] | None = None,
        caller_variables: Mapping[str, Any] | None = None,
        parts: AgentParts | None = None,
    ) -> CallPlan:
        """Everything a call of this agent needs. Without *parts* they are resolved anew.

        *variables* go before *caller_variables*, which came with the call and name no target of
        a transfer, and both before the agent's own. Raises AgentError.
        """
        parts = parts or self.gather(registry, has_handler=on_message is not None)
        own, callers = variables or {}, caller_variables or {}
        return CallPlan(
            **attrs.asdict(self._role(registry, own, callers, parts), recurse=False),
            **{name: getattr(parts, name) for name in _SPEECH},
            mind=mind_of(parts.llm, on_message) if parts.engine is None else None,
            vad=parts.vad,
            turn_detector=parts.turn_detector,
            audio_filter=parts.audio_filter,
            agc=agc_config(self.agc) if self.agc else None,
            respellings=self._respellings,
            phrases=self.spoken({**self.variables, **callers, **own}),
            rules=self.rules_with(parts),
            **{name: getattr(self, name) for name in AS_THEY_ARE},
            names=parts.names,
            fallback_names=parts.fallback_names,
        )

    def _role(
        self,
        registry: PluginRegistry,
        variables: Mapping[str, Any],
        caller_variables: Mapping[str, Any],
        parts: AgentParts,
        *,
        first: bool = True,
    ) -> Role:
        """Its part in a call with these values; *first*: its own call. Raises PatterError."""
        guardrails = parts.guardrails
        if not first:
            resolve = partial(registry.resolve, GUARDRAIL_KIND)
            guardrails = tuple(resolve(each) for each in self.guardrails)
        values = (registry, variables, caller_variables, parts)
        prompt = self._prompt({**self.variables, **caller_variables, **variables})
        words = parts.engine is not None and self.tool_call_preambles
        return Role(
            agent=self.name,
            system_prompt=with_words_before_tools(prompt, words),
            application_words=self.words({**self.variables, **variables}),
            tools=self.tools if self.consult is None else (*self.tools, self.consult.tool),
            guardrails=guardrails,
            text_transforms=self.text_transforms,
            skills=self.skills,
            handoffs={
                name: partial(other._role, *values, first=False)
                for name, other in self.handoffs.items()
            },
        )

    def words(self, variables: Mapping[str, Any]) -> tuple[str, ...]:
        """What the application itself says to a model: the prompt, and the values of *variables*.

        These must be the application's: what a caller's carrier passes is not.
        """
        return (fill(self.system_prompt, variables), *map(str, variables.values()))

    def rules_with(self, parts: AgentParts) -> TurnRules:
        """How its calls take turns with these *parts*. Raises PatterConfigError."""
        has_engine = parts.engine is not None
        return self.rules(vad=parts.heard_by_detector, endpoints=parts.endpoints, engine=has_engine)

    def rules(
        self, *, vad: bool = False, endpoints: bool = False, engine: bool = False
    ) -> TurnRules:
        """How its calls take turns, with a voice detector or without one, or with an *engine*.

        They are the same whatever the detector's own settings. Raises PatterConfigError.
        """
        chosen = rules_of(self, engine=engine)
        return TurnRules(
            **chosen,
            vad=vad,
            voice_tail_ms=VOICE_TAIL_MS if vad else 0,
            wait_for_turn_end=endpoints,
            greeting=self._says("greeting", self.first_message),
            voicemail="message" if self._says("voicemail", self.voicemail_message) else "hang_up",
        )

    def spoken(self, values: Mapping[str, Any]) -> Phrases:
        """What it says without being asked to, in its language, *values* filled in."""
        texts = {
            "greeting": self.first_message,
            "filler": self.long_turn_message,
            "apology": self.llm_error_message,
            "voicemail": self.voicemail_message,
        }
        named = {kind: text for kind, text in texts.items() if text}
        phrases = phrases_with(self.language, {**own_phrases(self.phrases), **named})
        greeting, voicemail = fill(phrases.greeting, values), fill(phrases.voicemail, values)
        return attrs.evolve(phrases, greeting=greeting, voicemail=voicemail)

    def _says(self, kind: str, message: str) -> bool:
        """Is there a phrase of this *kind*, by a field of its own or among *phrases*?"""
        return bool(message or own_phrases(self.phrases).get(kind))

    @property
    def _respellings(self) -> tuple[Respelling, ...]:
        lexicon = (Lexicon(self.pronunciations),) if self.pronunciations else ()
        return (*lexicon, forms_of(self.language)) if self.spoken_forms else lexicon

    def _prompt(self, values: Mapping[str, Any]) -> str:
        filled = fill(self.system_prompt, values)
        return with_preamble(filled, disabled=self.disable_phone_preamble)

    def _engines(self, resolver: AgentResolver, has_handler: bool | None) -> tuple[Engine, ...]:
        """Who takes the calls, the first first; one that names no part at all has the default."""
        refuse_provider(resolver, self._provider, self.engine)
        choice = engine_choice(self._provider, self.engine)
        engines = resolver.engines(choice, alone=self._is_alone(resolver, has_handler))
        if not engines:
            return ()
        if self.stt is not None:
            resolver.note("agent has both engine and stt", "remove stt, or remove engine")
        if has_handler:
            resolver.note("agent has an engine, and serve an on_message", "remove one of them")
        if self.turn_detector is not None:
            resolver.note("an engine ends turns itself", "remove turn_detector, or remove engine")
        self._warn_of_idle_parts(engines[0])
        return engines

    def _is_alone(self, resolver: AgentResolver, has_handler: bool | None) -> bool:
        """Does it name no part that hears, thinks or speaks?"""
        chosen, kinds = resolver.registry.chosen, (ENGINE_KIND, STT_KIND, TTS_KIND, LLM_KIND)
        return not (has_handler or self._provider) and all(
            chosen(kind, getattr(self, kind.name)) is None for kind in kinds
        )

    def _names_parts(self, resolver: AgentResolver, has_handler: bool | None) -> bool:
        """Are there to be ears, mind and mouth of its own?"""
        named = resolver.registry.chosen(ENGINE_KIND, engine_choice(self._provider, self.engine))
        return named is None and not self._is_alone(resolver, has_handler)

    def _warn_of_idle_parts(self, engine: Engine) -> None:
        own_voice = self.tts is not None
        idle = {
            "llm": self.llm is not None,
            **idle_context(self),
            "pronunciations": self.pronunciations and not own_voice,
            "spoken_forms": self.spoken_forms and not own_voice,
            "text_transforms": self.text_transforms and not (own_voice and engine.can.text_out),
        }
        names = [name for name, value in idle.items() if value]
        names += idle_hooks(self.hooks, engine, own_voice=own_voice)
        if names:
            log.warning("agent %s has an engine: %s does nothing", self.name, ", ".join(names))

    def _ears_and_voices(
        self, resolver: AgentResolver, engine: Engine | None, has_handler: bool | None
    ) -> tuple[tuple[STT, ...], tuple[TTS, ...]]:
        """An engine needs neither; a tts beside it is asked for by name only."""
        if engine is None and self._names_parts(resolver, has_handler):
            return resolver.needed(STT_KIND, self.stt), resolver.needed(TTS_KIND, self.tts)
        if engine is None:
            resolver.no_engine()
            return (), ()
        return (), resolver.several(TTS_KIND, self.tts) if self.tts is not None else ()

    def _refuse_values(self, resolver: AgentResolver, detector: TurnDetector | None) -> None:
        """What has the wrong type, or makes no sense together."""
        refuse_role(resolver, self)
        refuse_handoffs(resolver, self)
        refuse_options(resolver, self)
        resolver.problems += problems_of(self.phrases, self.language)
        refuse_strategies(resolver, self.barge_in_strategies)
        refuse_pronunciations(resolver, self.pronunciations)
        if self.spoken_forms:
            resolver.attempt(forms_of, self.language)
        refuse_history(resolver, self.max_history)
        refuse_context(resolver, self)
        refuse_sound(resolver, self.high_pass_hz, self.agc, self.background_audio)
        rules = resolver.attempt(self.rules)
        if rules is not None and detector is not None:
            refuse_short_hold(resolver, rules)
        resolver.attempt(allowing, self.transfer_allowed)
        resolver.attempt(operator_allows)

    def _refuse_roles(self, resolver: AgentResolver, engines: Iterable[Engine]) -> None:
        """What is wrong with those whom it may hand over to, and with doing so by *engines*."""
        for engine in engines:
            refuse_fixed_engine(resolver, self, engine)
        for other in others(self):
            refuse_role(resolver, other)
            resolver.guardrails(other.guardrails)

    def _with_choices(self, parts: AgentParts, resolver: AgentResolver) -> AgentParts:
        """*parts* with the voice and the model chosen. Raises AgentError."""
        kinds: tuple[Kind[Any], Kind[Any]] = (TTS_KIND, LLM_KIND)
        if parts.engine is not None:
            kinds = (ENGINE_KIND, ENGINE_KIND)
        for kind, field in zip(kinds, ("voice", "model"), strict=True):
            if value := getattr(self, field):
                chosen = resolver.attempt(parts.with_choice, kind, field, value)
                parts = chosen or parts
        if parts.engine is not None:
            for field, value in engine_options(self):
                chosen = resolver.attempt(parts.with_choice, ENGINE_KIND, field, value)
                parts = chosen or parts
        elif idle := idle_options(self):
            log.warning("agent %s has no engine: %s does nothing", self.name, ", ".join(idle))
        resolver.check()
        return parts
