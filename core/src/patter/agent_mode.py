"""Which of the ways to take a call an agent has: an engine of some vendor, or a pipeline.

It follows from the parts that are named; *provider* says it where none is. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from patter.parts import AgentResolver, name_of
from patter.plugins.kinds import ENGINE_KIND, LLM_KIND

PIPELINE = "pipeline"
"""Ears, mind and voice of their own."""

OPENAI = "openai_realtime"
ENGINES: Mapping[str, str] = MappingProxyType({OPENAI: "openai", "elevenlabs_convai": "elevenlabs"})
"""The spec of the engine that each other *provider* stands for."""

PROVIDERS = (*ENGINES, PIPELINE)

_NAMES = {
    "default": OPENAI,
    "elevenlabsconvai": "elevenlabs_convai",
    **{spec: name for name, spec in ENGINES.items()},
}
"""By the name in a spec; of an object, by its own name or that of its class."""


def engine_choice(provider: str | None, engine: object) -> object:
    """The engine that is named, be it by *provider*."""
    return ENGINES.get(str(provider)) if engine is None else engine


def provider_of(engine: object, *, has_parts: bool) -> str:
    """What *provider* is for an agent that names *engine*; *has_parts*: or a part of a pipeline.

    Engines of other vendors are called as their plugins are.
    """
    if engine is None:
        return PIPELINE if has_parts else OPENAI
    name, _ = name_of(ENGINE_KIND, engine, engine)
    return _NAMES.get(name, name)


def refuse_provider(resolver: AgentResolver, provider: str | None, engine: object) -> None:
    """Note a *provider* that there is not, and one beside an *engine*, which says the same."""
    if provider is None:
        return
    if provider not in PROVIDERS:
        resolver.note(
            f"provider={provider!r} means nothing", f"choose one of {', '.join(PROVIDERS)}"
        )
    elif engine is not None:
        resolver.note("agent has both provider and engine", "remove provider")


def refuse_two_minds(
    resolver: AgentResolver, choice: object, llm: object, has_handler: bool | None
) -> None:
    """Note a pipeline with a function beside its *llm*, made of *choice*, and one with neither."""
    if has_handler and llm is not None:
        resolver.note("agent has an llm, and serve an on_message", "remove one of them")
    elif has_handler is False and resolver.registry.chosen(LLM_KIND, choice) is None:
        resolver.note(
            "agent has no llm, and serve no on_message",
            "llm='PROVIDER/MODEL', or on_message=...; see: patter plugins llm",
        )
