"""Tokens of Live sessions as calls count them, text and audio apart (pure).

Each turn's ``usageMetadata`` is what that turn costs: the whole context is read, and paid for,
again. So they add up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from patter.providers.engine_events import EngineUsage

Wire = Mapping[str, Any]


def usage_of(usage: Wire) -> EngineUsage:
    """What *usage* says.

    Cached tokens are among those of the prompt at the vendor, not here. What belongs to no kind
    there is text here; thoughts cost what written text does. Raises TypeError and ValueError.
    """
    prompt_text, prompt_audio = _split(usage, "prompt")
    tool_text, tool_audio = _split(usage, "toolUsePrompt")
    cached_text, cached_audio = _split(usage, "cachedContent", "cache")
    # Google AI calls it a response, Vertex AI a candidate.
    said_text, said_audio = _split(usage, "response" if _has(usage, "response") else "candidates")
    return EngineUsage(
        input_text_tokens=max(0, prompt_text + tool_text - cached_text),
        input_audio_tokens=max(0, prompt_audio + tool_audio - cached_audio),
        cached_text_tokens=cached_text,
        cached_audio_tokens=cached_audio,
        output_text_tokens=said_text + int(usage.get("thoughtsTokenCount") or 0),
        output_audio_tokens=said_audio,
    )


def added(one: EngineUsage | None, other: EngineUsage) -> EngineUsage:
    """Both together."""
    if one is None:
        return other
    mine, theirs = attrs.asdict(one), attrs.asdict(other)
    return EngineUsage(**{name: mine[name] + theirs[name] for name in mine})


def _has(usage: Wire, name: str) -> bool:
    return f"{name}TokenCount" in usage or f"{name}TokensDetails" in usage


def _split(usage: Wire, name: str, details: str = "") -> tuple[int, int]:
    """Tokens of text, which is all that is not audio, and of audio."""
    listed = usage.get(f"{details or name}TokensDetails") or ()
    counts = [(each.get("modality"), int(each.get("tokenCount") or 0)) for each in listed]
    audio = sum(count for kind, count in counts if kind == "AUDIO")
    total = max(int(usage.get(f"{name}TokenCount") or 0), sum(count for _, count in counts))
    return total - audio, audio
