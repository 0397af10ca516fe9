"""What turns of the double's Live sessions cost, as the vendor tells it (pure)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from patter.providers.llm import Message
from patter_google.double.live_turn import ModelTurn

TOKENS_A_SECOND = 25
"""Of audio, heard or spoken; as the vendor's page on tokens says of Live models."""


def tokens_read(
    instructions: str, tools: object, rows: Iterable[Message], audio_ms: float
) -> dict[str, int]:
    """The prompt of a turn: all there is of the conversation, *audio_ms* of it sound."""
    written = instructions + json.dumps(tools)
    texts = "".join(row.text for row in rows if row.role != "assistant")
    text = (len(written) + len(texts)) // 4 + 1
    return {"TEXT": text, "AUDIO": int(audio_ms * TOKENS_A_SECOND / 1_000)}


def usage(turn: ModelTurn, read: Mapping[str, int], *, vertexai: bool) -> dict[str, Any]:
    """The ``usageMetadata`` of *turn*; the cloud has another name for what was said."""
    made = {"AUDIO": int(turn.sound_ms * TOKENS_A_SECOND / 1_000) + 1}
    name = "candidates" if vertexai else "response"
    counts: dict[str, Any] = {
        "promptTokenCount": sum(read.values()),
        f"{name}TokenCount": sum(made.values()),
        "totalTokenCount": sum(read.values()) + sum(made.values()),
        "promptTokensDetails": _details(read),
        f"{name}TokensDetails": _details(made),
    }
    return {**counts, "thoughtsTokenCount": turn.thoughts} if turn.thoughts else counts


def _details(tokens: Mapping[str, int]) -> list[dict[str, Any]]:
    return [{"modality": kind, "tokenCount": each} for kind, each in tokens.items() if each]
