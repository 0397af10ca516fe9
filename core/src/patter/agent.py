"""What a user describes: who answers the phone, with which parts and by which rules.

A frozen value of strings and provider objects. `Agent.gather` resolves its parts, `Agent.plan`
makes of both what a call needs; neither does anything else, so an agent serves many calls.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Literal

import attrs

from patter.agent_fields import (
    Transform,
    as_guardrails,
    as_patterns,
    as_tools,
    as_transforms,
    refuse_functions,
    refuse_history,
    refuse_short_hold,
    refuse_texts,
    refuse_tools,
    refuse_unlike,
)
from patter.call.allow import Allowed, allowing, operator_allows
from patter.call.mind import MessageHandler, mind_of
from patter.call.plan import CallPlan, Phrases, PipelineHooks
from patter.call.turn.rules import VOICE_TAIL_MS, TurnRules
from patter.errors import PatterError
from patter.parts import AgentParts, AgentResolver, Choice, Choices
from patter.plugins.kinds import (
    AUDIO_FILTER_KIND,
    ENGINE_KIND,
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
from patter.text.preamble import with_preamble
from patter.text.variables import fill
from patter.tools.tool import Tool

log = logging.getLogger("patter.agent")

_RULES = {
    "barge_in_threshold_ms": "barge_in_threshold_ms",
    "barge_in_mode": "barge_in_mode",
    "barge_in_confirm_ms": "barge_in_confirm_ms",
    "barge_in_min_words": "barge_in_min_words",
    "silence_ms": "silence_ms",
    "speak_after_ms": "speak_after_ms",
    "max_semantic_hold_ms": "max_hold_ms",
    "idle_ms": "idle_ms",
    "max_call_ms": "call_max_ms",
}


_SPEECH = ("stt", "tts", "engine", "stt_fallbacks", "tts_fallbacks", "engine_fallbacks")
"""What hears and speaks, and stands in for it, is the same in the parts and in the plan."""

PROGRESS_MS = 8_000
"""How long after one word that it takes a moment the caller hears the next."""


ENGINE_RULES: Mapping[str, Any] = MappingProxyType(
    {"max_hold_ms": 3_000, "barge_in_confirm_ms": 600}
)
"""Unless the agent says otherwise: the vendor ends turns, and its words come late or never.

So a pause that it does not end is given long, and an answer that a short voice held goes on soon.
"""
ENGINE_FIXED: Mapping[str, Any] = MappingProxyType(
    {"needs_words": False, "barge_in_mode": "cancel", "speak_after_ms": 0}
)
"""Turns begin without words, a voice alone is the evidence, and the vendor has waited already."""


@attrs.frozen(kw_only=True)
class Agent:
    """Who takes a call. Times are milliseconds; None means what `TurnRules` and `Phrases` say.

    *stt*, *tts*, *llm*, *vad*, *turn_detector* and *audio_filter* are spec strings or provider
    objects. A list of *stt*, *tts*, *llm* or *engine* has who to try first at its head. An
    *engine* does the work of all three, and is the default one where none of them is named; a
    *tts* beside it says the fixed phrases. Without a *vad* the
    installed one is used, of several silero; ``"none"`` goes without. *echo_gate* keeps the
    agent's own voice, come back as an echo, from it. *voice* and *model* choose those of the first
    tts and llm. A *turn_detector* has a vote on how long a pause may last: *silence_ms*, or
    *max_semantic_hold_ms*. An answer is heard *speak_after_ms* after the caller's voice at the
    earliest, sooner after a complete short one and later in mid-sentence.
    With *prewarm_first_message* the greeting is made while the phone rings.
    *variables* fill ``{name}`` in *system_prompt* and *first_message*. *tools* are `Tool`
    objects. After *long_turn_message_after_s* seconds without a sound of an answer
    *long_turn_message* is said, and then `Phrases.progress` as long as it takes; 0 says neither.
    *transfer_allowed*: where callers may be handed to, patterns such as ``+4930*`` or a
    function; ``"*"`` is everywhere. Without it a model reaches only what prompt, variables or a
    tool's result name. PATTER_TRANSFER_ALLOW, where it is set, must allow it too.
    """

    system_prompt: str
    name: str = "agent"
    stt: Choices[STT] | None = None
    tts: Choices[TTS] | None = None
    llm: Choices[LLM] | None = None
    vad: Choice[VAD] | Literal[False] | None = None
    turn_detector: Choice[TurnDetector] | None = None
    audio_filter: Choice[AudioFilter] | None = None
    echo_gate: bool = True
    engine: Choices[Engine] | None = None
    voice: str = ""
    model: str = ""
    language: str = "en"
    first_message: str = ""
    prewarm_first_message: bool = True
    voicemail_message: str = ""
    llm_error_message: str = ""
    long_turn_message: str = ""
    long_turn_message_after_s: float = 4.0
    tools: tuple[Tool, ...] = attrs.field(default=(), converter=as_tools)
    guardrails: tuple[Choice[GuardrailProvider], ...] = attrs.field(
        default=(), converter=as_guardrails
    )
    variables: Mapping[str, Any] = attrs.field(factory=dict)
    hooks: PipelineHooks = attrs.field(factory=PipelineHooks)
    text_transforms: tuple[Transform, ...] = attrs.field(default=(), converter=as_transforms)
    transfer_allowed: Allowed | tuple[str, ...] | None = attrs.field(
        default=None, converter=as_patterns
    )
    barge_in_threshold_ms: int = 300
    barge_in_mode: Literal["cancel", "pause_resume"] = "pause_resume"
    barge_in_confirm_ms: int | None = None
    barge_in_min_words: int | None = None
    silence_ms: int | None = None
    speak_after_ms: int = 1_000
    max_semantic_hold_ms: int | None = None
    idle_ms: tuple[int, ...] | None = None
    max_call_ms: int | None = None
    max_history: int = 200
    aggressive_first_flush: bool = False
    filter_hallucinations: bool = True
    disable_phone_preamble: bool = False

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
            self._refuse_two_minds(resolver, llm, has_handler)
        turn_detector = resolver.one(TURN_DETECTOR_KIND, self.turn_detector)
        audio_filter = resolver.one(AUDIO_FILTER_KIND, self.audio_filter)
        guardrails = resolver.guardrails(self.guardrails)
        self._refuse_values(resolver, turn_detector)
        resolver.line(carrier, (*stts, *engines, vad, turn_detector), (*ttss, *engines))
        refuse_unlike(resolver, stts, engines, vad=vad is not None, voice=bool(ttss))
        resolver.problems += problems
        resolver.check()
        parts = AgentParts(
            stt=next(iter(stts), None),
            tts=next(iter(ttss), None),
            llm=llm,
            engine=engine,
            vad=vad,
            turn_detector=turn_detector,
            audio_filter=audio_filter,
            guardrails=guardrails,
            stt_fallbacks=stts[1:],
            tts_fallbacks=ttss[1:],
            engine_fallbacks=engines[1:],
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
        values = {**self.variables, **(caller_variables or {}), **(variables or {})}
        return CallPlan(
            agent=self.name,
            system_prompt=self._prompt(values),
            language=self.language,
            **{name: getattr(parts, name) for name in _SPEECH},
            mind=mind_of(parts.llm, on_message) if parts.engine is None else None,
            vad=parts.vad,
            turn_detector=parts.turn_detector,
            audio_filter=parts.audio_filter,
            echo_gate=self.echo_gate,
            guardrails=parts.guardrails,
            tools=self.tools,
            hooks=self.hooks,
            text_transforms=self.text_transforms,
            phrases=self.phrases(values),
            prewarm_first_message=self.prewarm_first_message,
            rules=self.rules_with(parts),
            aggressive_first_flush=self.aggressive_first_flush,
            filter_hallucinations=self.filter_hallucinations,
            max_history=self.max_history,
            transfer_allowed=self.transfer_allowed,
            application_words=self.words({**self.variables, **(variables or {})}),
            names=parts.names,
            fallback_names=parts.fallback_names,
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
        values = {rule: getattr(self, field) for field, rule in _RULES.items()}
        chosen = {rule: value for rule, value in values.items() if value is not None}
        if engine:
            chosen = {**ENGINE_RULES, **chosen, **ENGINE_FIXED}
        if self.barge_in_threshold_ms == 0:
            # No voice is listened to, so none pauses the agent either.
            chosen["barge_in_mode"] = "cancel"
        filler_ms = round(self.long_turn_message_after_s * 1_000)
        return TurnRules(
            **chosen,
            language=self.language,
            vad=vad,
            voice_tail_ms=VOICE_TAIL_MS if vad else 0,
            wait_for_turn_end=endpoints,
            greeting=bool(self.first_message),
            filler_ms=filler_ms,
            progress_ms=PROGRESS_MS if filler_ms else 0,
            voicemail="message" if self.voicemail_message else "hang_up",
        )

    def phrases(self, values: Mapping[str, Any]) -> Phrases:
        """What it says without being asked to, *values* filled in."""
        texts: dict[str, Any] = {
            "greeting": fill(self.first_message, values),
            "filler": self.long_turn_message,
            "apology": self.llm_error_message,
            "voicemail": fill(self.voicemail_message, values),
        }
        return Phrases(**{kind: text for kind, text in texts.items() if text})

    def _prompt(self, values: Mapping[str, Any]) -> str:
        filled = fill(self.system_prompt, values)
        return with_preamble(filled, disabled=self.disable_phone_preamble)

    def _engines(self, resolver: AgentResolver, has_handler: bool | None) -> tuple[Engine, ...]:
        """The engines that take the calls; an agent that names no part at all has the default."""
        engines = resolver.engines(self.engine, alone=self._is_alone(resolver, has_handler))
        if not engines:
            return ()
        if self.stt is not None:
            resolver.note("agent has both engine and stt", "remove stt, or remove engine")
        if has_handler:
            resolver.note("agent has an engine, and serve an on_message", "remove one of them")
        if self.turn_detector is not None:
            resolver.note("an engine ends turns itself", "remove turn_detector, or remove engine")
        self._warn_of_idle_parts()
        return engines

    def _is_alone(self, resolver: AgentResolver, has_handler: bool | None) -> bool:
        """Does it name no part that hears, thinks or speaks?"""
        chosen, kinds = resolver.registry.chosen, (ENGINE_KIND, STT_KIND, TTS_KIND, LLM_KIND)
        return not has_handler and all(
            chosen(kind, getattr(self, kind.name)) is None for kind in kinds
        )

    def _names_parts(self, resolver: AgentResolver, has_handler: bool | None) -> bool:
        """Are there to be ears, mind and mouth of its own?"""
        named = resolver.registry.chosen(ENGINE_KIND, self.engine)
        return named is None and not self._is_alone(resolver, has_handler)

    def _warn_of_idle_parts(self) -> None:
        idle = {
            "llm": self.llm is not None,
            "hooks": self.hooks != PipelineHooks(),
            "text_transforms": bool(self.text_transforms),
        }
        if names := [name for name, value in idle.items() if value]:
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

    def _refuse_two_minds(
        self, resolver: AgentResolver, llm: object, has_handler: bool | None
    ) -> None:
        if has_handler and llm is not None:
            resolver.note("agent has an llm, and serve an on_message", "remove one of them")
        elif has_handler is False and resolver.registry.chosen(LLM_KIND, self.llm) is None:
            resolver.note(
                "agent has no llm, and serve no on_message",
                "llm='PROVIDER/MODEL', or on_message=...; see: patter plugins llm",
            )

    def _refuse_values(self, resolver: AgentResolver, detector: TurnDetector | None) -> None:
        """What has the wrong type, or makes no sense together."""
        refuse_tools(resolver, self.tools)
        refuse_texts(resolver, self.system_prompt, self.variables)
        refuse_functions(resolver, self.hooks, self.text_transforms)
        refuse_history(resolver, self.max_history)
        rules = resolver.attempt(self.rules)
        if rules is not None and detector is not None:
            refuse_short_hold(resolver, rules)
        resolver.attempt(allowing, self.transfer_allowed)
        resolver.attempt(operator_allows)

    def _with_choices(self, parts: AgentParts, resolver: AgentResolver) -> AgentParts:
        """*parts* with the voice and the model chosen. Raises AgentError."""
        kinds: tuple[Kind[Any], Kind[Any]] = (TTS_KIND, LLM_KIND)
        if parts.engine is not None:
            kinds = (ENGINE_KIND, ENGINE_KIND)
        for kind, field in zip(kinds, ("voice", "model"), strict=True):
            if value := getattr(self, field):
                chosen = resolver.attempt(parts.with_choice, kind, field, value)
                parts = chosen or parts
        resolver.check()
        return parts
