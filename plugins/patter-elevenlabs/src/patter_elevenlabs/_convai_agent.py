"""What the vendor tells of an agent, held against what is to be overridden of it (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from patter.errors import PatterConfigError
from patter_elevenlabs._errors import ERRORS, without

_NATIVE = "ulaw_8000"


def report_on(agent: Any, wanted: Mapping[str, Any], key: str) -> str:
    """What there is to know of *agent*, without *key*.

    *agent* is what ``GET /v1/convai/agents/{agent_id}`` answers.

    Raises PatterConfigError when it does not allow one of the overrides *wanted*.
    """
    try:
        name, config = str(agent["name"]), agent["conversation_config"]
        allowed = (agent.get("platform_settings") or {}).get("overrides") or {}
    except (KeyError, TypeError, ValueError, AttributeError) as wrong:
        raise ERRORS.garbled(without(key, str(agent))) from wrong
    permits = allowed.get("conversation_config_override") or {}
    if refused := [path for path in _leaves(wanted) if not _permitted(permits, path)]:
        fields = ", ".join(".".join(path) for path in refused)
        raise PatterConfigError(
            f"the ElevenLabs agent {name!r} does not allow to override {fields}",
            fix="allow it in the agent's Security settings at elevenlabs.io, or do not set it "
            "(override_prompt=False for the prompt)",
        )
    return without(key, _text(name, config))


def _text(name: str, config: Any) -> str:
    """Its name, and its formats where they have to be converted for a telephone."""
    hears = (config.get("asr") or {}).get("user_input_audio_format") or _NATIVE
    speaks = (config.get("tts") or {}).get("agent_output_audio_format") or _NATIVE
    if hears == speaks == _NATIVE:
        return f"agent {name!r}"
    return f"agent {name!r}; hears {hears}, speaks {speaks}: {_NATIVE} needs no conversion"


def _leaves(tree: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, (*path, name))
        else:
            yield (*path, name)


def _permitted(permits: Any, path: tuple[str, ...]) -> bool:
    for name in path:
        permits = permits.get(name) if isinstance(permits, Mapping) else None
    return permits is True
