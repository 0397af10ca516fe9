"""What an `Agent` takes as its values: lists become tuples, and what makes no sense is noted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from patter.audio.agc import agc_config
from patter.audio.background import BackgroundAudioPlayer
from patter.audio.high_pass import check_high_pass
from patter.call.allow import Allowed
from patter.call.compaction import CompactionConfig
from patter.call.hooks import PipelineHooks
from patter.call.turn.rules import TurnRules
from patter.errors import indefinite
from patter.parts import AgentResolver, Choice
from patter.providers.engine import Engine
from patter.providers.guardrail import GuardrailProvider
from patter.providers.stt import STT, STTTraits
from patter.tools.consult import ConsultConfig
from patter.tools.tool import Tool

Transform: TypeAlias = Callable[[str], str]
"""Changes a sentence before it is spoken."""


AS_THEY_ARE = (
    "aggressive_first_flush",
    "barge_in_strategies",
    "compaction",
    "context_token_budget",
    "echo_cancellation",
    "echo_gate",
    "background_audio",
    "high_pass_hz",
    "filter_hallucinations",
    "hooks",
    "language",
    "max_history",
    "prewarm_first_message",
    "transfer_allowed",
)
"""Fields that a plan has under the same name."""


def _kept(value: Any) -> Any:
    """Lists become tuples; nothing becomes an empty one; what is neither is refused later."""
    return () if value is None else tuple(value) if isinstance(value, list) else value


# One converter a type: mypy takes the type of a parameter from its converter, and no generic one.
def as_tools(value: Sequence[Tool] | None) -> tuple[Tool, ...]:
    """The tools as a tuple."""
    return _kept(value)  # type: ignore[no-any-return]


def as_guardrails(
    value: Sequence[Choice[GuardrailProvider]] | None,
) -> tuple[Choice[GuardrailProvider], ...]:
    """The guardrails as a tuple."""
    return _kept(value)  # type: ignore[no-any-return]


def as_transforms(value: Sequence[Transform] | None) -> tuple[Transform, ...]:
    """The transforms as a tuple."""
    return _kept(value)  # type: ignore[no-any-return]


def as_sentences(value: Sequence[str] | None) -> tuple[str, ...]:
    """The sentences as a tuple."""
    return _kept(value)  # type: ignore[no-any-return]


def as_text(value: str | None) -> str:
    """Nothing is an empty text; what is no text is refused later."""
    return "" if value is None else value


def as_patterns(patterns: Allowed | Iterable[str] | None) -> Any:
    """Whatever lists patterns is read once; a function, and what is refused later, stay."""
    if isinstance(patterns, str) or callable(patterns) or not isinstance(patterns, Iterable):
        return patterns
    return tuple(patterns)


_TEXTS = (
    "name",
    "voice",
    "model",
    "language",
    "first_message",
    "voicemail_message",
    "llm_error_message",
    "long_turn_message",
)


def refuse_texts(resolver: AgentResolver, agent: object) -> None:
    """Note a prompt and other words of *agent* that are no text, and variables without names."""
    if not isinstance(getattr(agent, "system_prompt", None), str):
        resolver.note_type("system_prompt is not text", 'write agent("You answer the phone.", ...)')
    for name in _TEXTS:
        if not isinstance(getattr(agent, name, ""), str):
            resolver.note_type(f"{name} is not text", f"write {name}='...'")
    sentences = getattr(agent, "try_saying", ())
    if not isinstance(sentences, tuple) or not all(isinstance(each, str) for each in sentences):
        resolver.note_type("try_saying is not a list of texts", 'write try_saying=["Goodbye."]')
    if not isinstance(getattr(agent, "variables", None), Mapping):
        resolver.note_type("variables is not a mapping", 'write variables={"name": "Ada"}')


def refuse_functions(resolver: AgentResolver, hooks: object, transforms: object) -> None:
    """Note hooks and text transforms that are none."""
    if not isinstance(hooks, PipelineHooks):
        resolver.note_type("hooks is not a PipelineHooks", "write hooks=PipelineHooks(...)")
    if not isinstance(transforms, tuple) or not all(map(callable, transforms)):
        resolver.note_type(
            "text_transforms is not a list of functions", "write text_transforms=[...]"
        )


def idle_hooks(hooks: object, engine: Engine, *, own_voice: bool) -> list[str]:
    """Those of *hooks* that have nothing to do beside *engine*, and perhaps the agent's own voice.

    An engine that leaves speaking to that voice answers in text, which hooks see.
    """
    if not isinstance(hooks, PipelineHooks):
        return []
    idle = {"before_llm"}
    if not (own_voice and engine.can.text_out):
        idle |= {"after_transcribe", "after_llm", "before_synthesize"}
    if not own_voice:
        idle.add("after_synthesize")
    return [f"hooks.{stage}" for stage in hooks.stages if stage in idle]


def refuse_pronunciations(resolver: AgentResolver, pronunciations: object) -> None:
    """Note a lexicon that is no mapping of words to texts."""
    texts = pronunciations.items() if isinstance(pronunciations, Mapping) else [(None, None)]
    if not all(isinstance(text, str) and text.strip() for pair in texts for text in pair):
        resolver.note(
            "pronunciations is not a mapping of words to texts",
            'write pronunciations={"Nguyen": "win"}',
        )


def refuse_history(resolver: AgentResolver, max_history: object) -> None:
    """Note a bound that leaves no room."""
    if not isinstance(max_history, int) or max_history < 1:
        resolver.note(f"max_history={max_history!r} is out of range", "give 1 or more")


def as_compaction(value: CompactionConfig | bool | None) -> CompactionConfig | None:
    """True means the usual one; what is no compaction is refused later."""
    if value is True:
        return CompactionConfig()
    return None if value is False else value


def refuse_context(resolver: AgentResolver, agent: Any) -> None:
    """Note a compaction that is none, and a budget and a preparation that make no sense."""
    if not isinstance(agent.compaction, CompactionConfig | None):
        resolver.note_type(
            "compaction is not a CompactionConfig",
            "write compaction=True, or compaction=CompactionConfig(trigger_tokens=8_000)",
        )
    if not isinstance(agent.preemptive_generation, bool):
        resolver.note_type("preemptive_generation is neither", "write True or False")
    budget = agent.context_token_budget
    if budget is None:
        return
    if not isinstance(budget, int) or isinstance(budget, bool):
        resolver.note_type(
            f"context_token_budget={budget!r} is not a whole number", "give it as tokens, or None"
        )
    elif budget < 1:
        resolver.note(f"context_token_budget={budget} is out of range", "give 1 or more, or None")


def idle_context(agent: Any) -> dict[str, bool]:
    """What *agent* says of the model's context, and whether it does, where an engine keeps that."""
    return {
        "compaction": agent.compaction is not None,
        "context_token_budget": agent.context_token_budget is not None,
        "preemptive_generation": bool(agent.preemptive_generation),
    }


def refuse_sound(
    resolver: AgentResolver, high_pass_hz: float | None, agc: object, background: object
) -> None:
    """Note what cannot be done to the caller's audio, and a sound that cannot be played."""
    if high_pass_hz is not None:
        resolver.attempt(check_high_pass, high_pass_hz)
    resolver.attempt(agc_config, agc)
    if isinstance(background, BackgroundAudioPlayer):
        resolver.attempt(background.load)
    elif background is not None:
        resolver.note(
            "background_audio is not a BackgroundAudioPlayer",
            'write background_audio=BackgroundAudioPlayer("office.wav")',
        )


def refuse_tools(resolver: AgentResolver, tools: object) -> None:
    """Note what is no tool, and two of one name."""
    if not isinstance(tools, tuple):
        resolver.note_type(
            f"tools is {indefinite(type(tools).__name__)}, not a list", "write tools=[...]"
        )
        return
    names: set[str] = set()
    for each in tools:
        if not isinstance(each, Tool):
            named = getattr(each, "__name__", type(each).__name__)
            resolver.note_type(f"{named!r} in tools is not a Tool", f"put @tool above {named}")
        elif each.name in names:
            resolver.note(f"two tools are named {each.name!r}", "give one of them another name")
        else:
            names.add(each.name)


def refuse_consult(resolver: AgentResolver, consult: object, tools: object) -> None:
    """Note a consult that is none, and one whose tool has another's name."""
    if consult is None:
        return
    if not isinstance(consult, ConsultConfig):
        resolver.note("consult is not a ConsultConfig", "write consult=ConsultConfig(url=...)")
        return
    names = {getattr(each, "name", "") for each in tools} if isinstance(tools, tuple) else set()
    if (name := consult.tool.name) in names:
        resolver.note(f"two tools are named {name!r}", "give consult another tool_name")


def refuse_unlike(
    resolver: AgentResolver,
    stts: Sequence[STT],
    engines: Sequence[Engine],
    *,
    vad: bool,
    voice: bool,
) -> None:
    """Note what cannot stand in for the first: the call could not go on with it.

    *vad*: there is a voice detector; *voice*: the agent has a voice of its own.
    """
    traits = [resolver.attempt(STTTraits.of, each) for each in stts]
    hear = [each is not None and each.hears_voice for each in traits]
    if not vad and len(set(hear)) > 1:
        resolver.note(
            "the stt in the list do not all hear when somebody speaks, and there is no vad",
            "vad='PROVIDER'; see: patter plugins vad",
        )
    if voice and len({each.can.text_out for each in engines}) > 1:
        resolver.note(
            "of the engines in the list only some can leave speaking to a tts",
            "remove tts, or name engines that answer in text",
        )


def refuse_short_hold(resolver: AgentResolver, rules: TurnRules) -> None:
    """Note a turn detector without a say: all it decides is which of the two a pause lasts."""
    if rules.max_hold_ms <= rules.silence_ms:
        resolver.note(
            f"max_semantic_hold_ms={rules.max_hold_ms} is not above "
            f"silence_ms={rules.silence_ms}, so the turn_detector has no say",
            "give max_semantic_hold_ms more than silence_ms, or remove turn_detector",
        )
