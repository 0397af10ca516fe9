"""What a call was like in figures, under the names of the documents: latency, cost, turns.

Frozen values and how they are averaged. What nobody knows is None and never 0: a price that no
plugin has makes its part, and the total, None.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import attrs

from patter.observe.metrics import percentile
from patter.observe.pricing import Bill

INTERRUPTED = "[interrupted]"
"""The *agent_text* of a turn that the caller cut."""
_OPTIONAL = (
    "user_speech_duration_ms",
    "llm_ttft_ms",
    "llm_total_ms",
    "endpoint_ms",
    "bargein_ms",
    "tts_total_ms",
    "agent_response_ms",
)
_SPEECH = ("stt", "end", "llm", "tool", "text", "tts")
"""The stages of a gap that are over when the first audio of an answer exists."""


@attrs.frozen(kw_only=True)
class CostBreakdown:
    """US dollars to 6 places; None where a price is not known.

    *llm* includes an engine, *telephony* is the carrier's line. *llm_cached_savings* is what
    cached tokens would have cost more. *unpriced* names what has no known price.
    """

    stt: float | None = 0.0
    tts: float | None = 0.0
    llm: float | None = 0.0
    telephony: float | None = 0.0
    total: float | None = 0.0
    llm_cached_savings: float | None = 0.0
    unpriced: tuple[str, ...] = ()

    @classmethod
    def of(cls, bill: Bill) -> CostBreakdown:
        """The parts of *bill*."""

        def part(*kinds: str) -> float | None:
            if bill.unpriced_kinds.intersection(kinds):
                return None
            return round(sum(bill.costs.get(kind, 0.0) for kind in kinds), 6)

        return cls(
            stt=part("stt"),
            tts=part("tts"),
            llm=part("llm", "engine"),
            telephony=part("carrier"),
            total=bill.usd,
            llm_cached_savings=bill.saved_usd,
            unpriced=bill.unpriced,
        )

    def to_dict(self) -> dict[str, Any]:
        """Its fields, JSON all the way down."""
        return attrs.asdict(self)


@attrs.frozen(kw_only=True)
class LatencyBreakdown:
    """Milliseconds to 1 place. *stt_ms*: the caller's last voice to their final words.

    *llm_ms*, which is *llm_ttft_ms*: the end of the turn to the model's first piece; *tts_ms*: the
    first sentence to its first audio; *total_ms*: the caller's last voice to the first audio.
    *endpoint_ms*: the caller's last voice to the end of their turn. *llm_total_ms* and
    *tts_total_ms*: until the last piece, and until the last audio since the first piece.
    *bargein_ms*: the voice of the caller who interrupts to the agent's silence.
    *agent_response_ms* is endpoint, model and voice together.
    """

    stt_ms: float = 0.0
    llm_ms: float = 0.0
    tts_ms: float = 0.0
    total_ms: float = 0.0
    user_speech_duration_ms: float | None = None
    llm_ttft_ms: float | None = None
    llm_total_ms: float | None = None
    endpoint_ms: float | None = None
    bargein_ms: float | None = None
    tts_total_ms: float | None = None
    agent_response_ms: float | None = None

    @classmethod
    def of(cls, stages: Mapping[str, float]) -> LatencyBreakdown:
        """Of the *stages* of a response latency; without any the answer was not heard."""
        if not stages:
            return cls()
        at = {stage: float(stages.get(stage, 0)) for stage in _SPEECH}
        endpoint_ms, ttft_ms, tts_ms = at["stt"] + at["end"], at["llm"], at["tts"]
        return cls(
            stt_ms=at["stt"],
            llm_ms=ttft_ms,
            tts_ms=tts_ms,
            total_ms=sum(at.values()),
            llm_ttft_ms=ttft_ms,
            endpoint_ms=endpoint_ms,
            agent_response_ms=endpoint_ms + ttft_ms + tts_ms if tts_ms > 0 else None,
        )

    def to_dict(self) -> dict[str, Any]:
        """Its fields, JSON all the way down."""
        return attrs.asdict(self)


@attrs.frozen(kw_only=True)
class TurnMetrics:
    """An answer to a turn of the caller.

    *agent_text* is ``[interrupted]`` when the caller cut it; *heard_text* is what was heard, cut
    or not. *stt_audio_seconds* is the caller's audio since the turn before. *timestamp* is in
    seconds since 1970. *gap_ms* is the response latency, None if nothing was heard, and *stages*
    its parts in milliseconds: ``stt end llm tool text tts wait play``, which add up to it.
    """

    turn_index: int
    user_text: str = ""
    agent_text: str = ""
    latency: LatencyBreakdown = attrs.field(factory=LatencyBreakdown)
    stt_audio_seconds: float = 0.0
    tts_characters: int = 0
    timestamp: float = 0.0
    interrupted: bool = False
    heard_text: str = ""
    gap_ms: int | None = None
    stages: Mapping[str, int] = attrs.field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Its fields, JSON all the way down."""
        return attrs.asdict(self)


@attrs.frozen(kw_only=True)
class CallMetrics:
    """How a call went. *turns* are the last of its answered turns, at most 1,000.

    *duration_seconds* to 2 places. The latencies are of the turns that were not interrupted.
    *provider_mode* is ``pipeline`` or the name of the engine, which then is *llm_provider*, too.
    *error_code* is that of the last error of a call that failed. *preemptive_hits* and
    *preemptive_misses*: drafts of answers that were used, and that were thrown away.
    *context_tokens*: what the model read for its last answer, None if it does not say.
    *turn_count* counts every turn the caller took, *heard_ms* and *unheard_ms* the agent's speech.
    """

    call_id: str
    duration_seconds: float = 0.0
    turns: tuple[TurnMetrics, ...] = ()
    cost: CostBreakdown = attrs.field(factory=CostBreakdown)
    latency_avg: LatencyBreakdown = attrs.field(factory=LatencyBreakdown)
    latency_p95: LatencyBreakdown = attrs.field(factory=LatencyBreakdown)
    provider_mode: str = ""
    stt_provider: str = ""
    tts_provider: str = ""
    llm_provider: str = ""
    telephony_provider: str = ""
    stt_model: str = ""
    tts_model: str = ""
    llm_model: str = ""
    latency_p50: LatencyBreakdown = attrs.field(factory=LatencyBreakdown)
    latency_p90: LatencyBreakdown = attrs.field(factory=LatencyBreakdown)
    latency_p99: LatencyBreakdown = attrs.field(factory=LatencyBreakdown)
    error_code: str | None = None
    preemptive_hits: int = 0
    preemptive_misses: int = 0
    context_tokens: int | None = None
    outcome: str = ""
    reason: str = ""
    turn_count: int = 0
    gap_p50_ms: int | None = None
    gap_p95_ms: int | None = None
    heard_ms: int = 0
    unheard_ms: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Its fields, JSON all the way down."""
        return attrs.asdict(self)


def latencies(turns: Iterable[TurnMetrics]) -> dict[str, Any]:
    """The fields ``latency_avg latency_p50 ... latency_p99`` of a call with these *turns*.

    Turns that were interrupted, or had no audio, do not count. A value that is None or 0 does
    not exist, except that every turn has a total.
    """
    counted = [turn.latency for turn in turns if not turn.interrupted and turn.latency.total_ms > 0]
    shares: dict[str, Callable[[Sequence[float]], float | None]] = {"latency_avg": _mean}
    for share in (0.50, 0.90, 0.95, 0.99):
        shares[f"latency_p{share * 100:.0f}"] = lambda values, at=share: percentile(values, at)  # type: ignore[misc]
    return {name: _folded(counted, fold) for name, fold in shares.items()}


def _folded(
    counted: Sequence[LatencyBreakdown], fold: Callable[[Sequence[float]], float | None]
) -> LatencyBreakdown:
    values: dict[str, float | None] = {}
    for field in attrs.fields_dict(LatencyBreakdown):
        present = [value for each in counted if (value := getattr(each, field))]
        folded = fold(present) if present else None
        values[field] = None if folded is None else round(folded, 1)
    for field, value in values.items():
        if value is None and field not in _OPTIONAL:
            values[field] = 0.0
    return LatencyBreakdown(**values)  # type: ignore[arg-type]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
