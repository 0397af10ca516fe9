"""What on_call_start may change of the agent, for one call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from patter.errors import PatterTypeError, indefinite
from patter.phone.values import STTConfig, TTSConfig, config_of
from patter.plugins.registry import PluginRegistry

PROVIDERS = frozenset({"stt", "tts", "llm", "engine"})
"""Fields of an agent that name providers."""
OVERRIDABLE = frozenset(
    {
        "first_message",
        "language",
        "llm",
        "model",
        "provider",
        "stt",
        "stt_config",
        "system_prompt",
        "tools",
        "tts",
        "tts_config",
        "variables",
        "voice",
    }
)
"""The keys of a dict that on_call_start may return."""


def checked_changes(changes: Mapping[str, Any]) -> Mapping[str, Any]:
    """*changes*, if they are allowed. Raises PatterTypeError."""
    if not isinstance(changes, Mapping):
        raise PatterTypeError(
            f"on_call_start returned {indefinite(type(changes).__name__)}",
            fix="return a dict, or None",
        )
    if unknown := sorted(map(str, set(changes) - OVERRIDABLE)):
        raise PatterTypeError(
            f"a call cannot be given another {', '.join(unknown)}",
            fix=f"return some of {', '.join(sorted(OVERRIDABLE))}",
        )
    return changes


def agent_fields(changes: Mapping[str, Any], registry: PluginRegistry) -> dict[str, Any]:
    """The fields of an agent that *changes* replace, variables apart. Raises PatterError."""
    fields = {key: value for key, value in changes.items() if key != "variables"}
    if (provider := fields.pop("provider", None)) is not None:
        fields = {**_parts_of(provider), **fields}
    if (stt := fields.pop("stt_config", None)) is not None:
        fields["stt"] = config_of(STTConfig, stt).build(registry)
    if (tts := fields.pop("tts_config", None)) is not None:
        fields["tts"] = config_of(TTSConfig, tts).build(registry)
    return fields


def _parts_of(provider: object) -> dict[str, Any]:
    """What *provider*, a name as the documents have it, says of an agent's parts.

    ``pipeline`` goes without an engine. Another one is an engine, alone:
    ``openai_realtime`` that of openai.
    """
    if not isinstance(provider, str) or not provider:
        raise PatterTypeError(
            f"provider is {provider!r}", fix='return "pipeline", or the name of an engine'
        )
    if provider == "pipeline":
        return {"engine": None}
    return {"engine": provider.partition("_")[0], "stt": None, "tts": None, "llm": None}
