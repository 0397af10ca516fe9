"""What an `Agent` takes as its values: lists become tuples, and what makes no sense is noted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from patter.call.allow import Allowed
from patter.call.plan import PipelineHooks
from patter.call.turn.rules import TurnRules
from patter.errors import indefinite
from patter.parts import AgentResolver, Choice
from patter.providers.engine import Engine
from patter.providers.guardrail import GuardrailProvider
from patter.providers.stt import STT, STTTraits
from patter.tools.tool import Tool

Transform: TypeAlias = Callable[[str], str]
"""Changes a sentence before it is spoken."""


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


def as_patterns(patterns: Allowed | Iterable[str] | None) -> Any:
    """Whatever lists patterns is read once; a function, and what is refused later, stay."""
    if isinstance(patterns, str) or callable(patterns) or not isinstance(patterns, Iterable):
        return patterns
    return tuple(patterns)


def refuse_texts(resolver: AgentResolver, system_prompt: object, variables: object) -> None:
    """Note a prompt that is no text, and variables without names."""
    if not isinstance(system_prompt, str):
        resolver.note("system_prompt is not text", 'write agent("You answer the phone.", ...)')
    if not isinstance(variables, Mapping):
        resolver.note("variables is not a mapping", 'write variables={"name": "Ada"}')


def refuse_functions(resolver: AgentResolver, hooks: object, transforms: object) -> None:
    """Note hooks and text transforms that are none."""
    if not isinstance(hooks, PipelineHooks):
        resolver.note("hooks is not a PipelineHooks", "write hooks=PipelineHooks(...)")
    if not isinstance(transforms, tuple) or not all(map(callable, transforms)):
        resolver.note("text_transforms is not a list of functions", "write text_transforms=[...]")


def refuse_history(resolver: AgentResolver, max_history: object) -> None:
    """Note a bound that leaves no room."""
    if not isinstance(max_history, int) or max_history < 1:
        resolver.note(f"max_history={max_history!r} is out of range", "give 1 or more")


def refuse_tools(resolver: AgentResolver, tools: object) -> None:
    """Note what is no tool, and two of one name."""
    if not isinstance(tools, tuple):
        resolver.note(
            f"tools is {indefinite(type(tools).__name__)}, not a list", "write tools=[...]"
        )
        return
    names: set[str] = set()
    for each in tools:
        if not isinstance(each, Tool):
            named = getattr(each, "__name__", type(each).__name__)
            resolver.note(f"{named!r} in tools is not a Tool", f"put @tool above {named}")
        elif each.name in names:
            resolver.note(f"two tools are named {each.name!r}", "give one of them another name")
        else:
            names.add(each.name)


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
