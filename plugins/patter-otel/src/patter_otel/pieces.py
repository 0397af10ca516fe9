"""The pieces of a turn as values: what becomes a span, when it was, and what is known of it. Pure.

The stages of a turn are laid one after the other from the caller's last voice on, so they add up
to the response latency, as they do in the record.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import attrs

from patter.observe.events import BargeIn, Span, ToolRun, Turn
from patter.observe.metrics import STAGES
from patter_otel.names import (
    GEN_AI_PROVIDERS,
    SPAN_BARGEIN,
    SPAN_ENDPOINT,
    SPAN_LLM,
    SPAN_STAGE,
    SPAN_STT,
    SPAN_TOOL,
    SPAN_TTS,
    TOOL_NAME,
)

Attributes: TypeAlias = dict[str, Any]
_NAMES = {"stt": SPAN_STT, "llm": SPAN_LLM, "engine": SPAN_LLM, "tts": SPAN_TTS}
_UNTIL_COMMITTED = ("stt", "end")


@attrs.define(eq=False)
class Piece:
    """A span to be: *began_ms* to *ended_ms* of the call. *ok* False: what it is about failed."""

    name: str
    began_ms: float
    ended_ms: float
    attributes: Attributes = attrs.field(factory=dict)
    ok: bool | None = None
    remote: bool = False


def worked(span: Span, model: str) -> Piece | None:
    """The piece of a provider that worked; None for a tool, of which `ran` knows more.

    *model* is what the call uses at that stage, as ``provider/model``.
    """
    if span.stage not in _NAMES:
        return None
    attributes: Attributes = {f"patter.{span.stage}.provider": span.name} if span.name else {}
    if span.stage in ("llm", "engine"):
        provider, _, name = model.partition("/")
        attributes |= {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": GEN_AI_PROVIDERS.get(span.name, span.name),
        }
        if name and provider == span.name:
            attributes["gen_ai.request.model"] = name
    return Piece(_NAMES[span.stage], span.began_ms, span.ended_ms, attributes, span.ok, remote=True)


def ran(tool: ToolRun, *, words: bool) -> Piece:
    """The piece of a tool that has finished; its arguments and result only with *words*."""
    attributes: Attributes = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": tool.name,
        "gen_ai.tool.type": "function",
        TOOL_NAME: tool.name,
        "patter.tool.effect": tool.effect,
    }
    if tool.id:
        attributes["gen_ai.tool.call.id"] = tool.id
    if words:
        attributes["gen_ai.tool.call.arguments"] = str(dict(tool.arguments))
        attributes["gen_ai.tool.call.result"] = tool.result or ""
    began_ms = tool.at_ms - (tool.took_ms or 0)
    return Piece(SPAN_TOOL, began_ms, tool.at_ms, attributes, tool.ok)


def interrupted(event: BargeIn) -> Piece:
    """The piece of a barge-in: from the caller's voice until the agent was stopped."""
    began_ms = event.cut_ms if event.voice_ms is None else min(event.voice_ms, event.cut_ms)
    attributes: Attributes = {}
    if event.heard_ms is not None:
        attributes["patter.heard_ms"] = event.heard_ms
    return Piece(SPAN_BARGEIN, began_ms, event.cut_ms, attributes)


def stages_of(turn: Turn, heard_from_ms: float) -> Iterator[Piece]:
    """The stages of *turn*, one behind the other up to *heard_from_ms*, and its endpointing.

    Stages that took no time are left out. Nothing, without a response latency.
    """
    if turn.gap_ms is None:
        return
    at_ms = heard_from_ms - turn.gap_ms
    if endpoint_ms := sum(turn.stages.get(stage, 0) for stage in _UNTIL_COMMITTED):
        yield Piece(SPAN_ENDPOINT, at_ms, at_ms + endpoint_ms)
    for stage, took_ms in _ordered(turn.stages):
        yield Piece(f"{SPAN_STAGE}.{stage}", at_ms, at_ms + took_ms, {"patter.stage": stage})
        at_ms += took_ms


def _ordered(stages: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    ordered = [(stage, stages[stage]) for stage in STAGES if stages.get(stage)]
    # A stage that a newer Patter has is not lost, or the sum would be.
    return iter(
        [*ordered, *((each, ms) for each, ms in stages.items() if each not in STAGES and ms)]
    )
