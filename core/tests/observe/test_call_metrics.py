"""The figures of a call under their documented names, and how they are averaged."""

from __future__ import annotations

import json

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.observe.call_metrics import (
    CallMetrics,
    CostBreakdown,
    LatencyBreakdown,
    TurnMetrics,
    latencies,
)
from patter.observe.events import Usage
from patter.observe.metrics import STAGES, TurnStamps, stages
from patter.observe.pricing import Price, cost

DOCUMENTED = {
    CostBreakdown: "stt tts llm telephony total llm_cached_savings",
    LatencyBreakdown: (
        "stt_ms llm_ms tts_ms total_ms user_speech_duration_ms llm_ttft_ms llm_total_ms "
        "endpoint_ms bargein_ms tts_total_ms agent_response_ms"
    ),
    TurnMetrics: (
        "turn_index user_text agent_text latency stt_audio_seconds tts_characters timestamp"
    ),
    CallMetrics: (
        "call_id duration_seconds turns cost latency_avg latency_p95 provider_mode stt_provider "
        "tts_provider llm_provider telephony_provider stt_model tts_model llm_model latency_p50 "
        "latency_p90 latency_p99 error_code preemptive_hits preemptive_misses context_tokens"
    ),
}
moments = st.none() | st.floats(0, 1e7, allow_nan=False)
stamps = st.builds(
    TurnStamps, **{f.name: moments for f in attrs.fields(TurnStamps) if f.name != "tools"}
)


def turn(total_ms: float, *, interrupted: bool = False, **latency: float | None) -> TurnMetrics:
    return TurnMetrics(
        turn_index=1,
        latency=LatencyBreakdown(total_ms=total_ms, **latency),  # type: ignore[arg-type]
        interrupted=interrupted,
    )


@pytest.mark.parametrize("cls", DOCUMENTED, ids=lambda cls: cls.__name__)
def test_the_documented_fields_are_there_first_and_in_their_order(cls: type) -> None:
    names = DOCUMENTED[cls].split()
    assert list(attrs.fields_dict(cls))[: len(names)] == names


def test_they_are_frozen_and_json_all_the_way_down() -> None:
    call = CallMetrics(call_id="c1", turns=(turn(100.0, bargein_ms=30.0),))
    assert json.loads(json.dumps(call.to_dict()))["turns"][0]["latency"]["bargein_ms"] == 30.0
    assert attrs.asdict(call) == call.to_dict()
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        call.call_id = "c2"  # type: ignore[misc]


@given(stamps)
def test_what_latency_says_of_a_gap_adds_up_to_it(seen: TurnStamps) -> None:
    times = stages(seen)
    latency = LatencyBreakdown.of(times)
    if seen.gap_ms is None:
        assert latency == LatencyBreakdown()
        return
    assert set(times) == set(STAGES)
    assert latency.total_ms + times["wait"] + times["play"] == seen.gap_ms
    assert latency.endpoint_ms is not None and latency.llm_ttft_ms is not None
    parts = latency.endpoint_ms + latency.llm_ttft_ms + times["tool"] + times["text"]
    assert parts + latency.tts_ms == latency.total_ms
    spoken = latency.tts_ms > 0
    assert (latency.agent_response_ms is not None) == spoken


def test_percentiles_interpolate_and_averages_leave_out_what_is_not_known() -> None:
    turns = [turn(100.0, llm_total_ms=300.0), turn(200.0), turn(400.0, llm_total_ms=500.0)]
    folded = latencies(turns)
    assert folded["latency_p50"].total_ms == 200.0
    assert folded["latency_p90"].total_ms == 360.0
    assert folded["latency_p95"].total_ms == 380.0
    assert folded["latency_p99"].total_ms == 396.0
    assert folded["latency_avg"].total_ms == 233.3
    assert folded["latency_avg"].llm_total_ms == 400.0
    assert folded["latency_avg"].bargein_ms is None
    assert folded["latency_avg"].stt_ms == 0.0


def test_turns_that_were_interrupted_or_had_no_audio_do_not_count() -> None:
    turns = [turn(100.0), turn(900.0, interrupted=True), turn(0.0)]
    assert latencies(turns)["latency_avg"].total_ms == 100.0
    assert latencies([])["latency_p95"] == LatencyBreakdown()


TOKENS = Usage(kind="llm", provider="parrot", unit="tokens_cached", amount=1_000_000)
MINUTE = Usage(kind="carrier", provider="tin-can", unit="minutes", amount=1)
PRICES = (
    Price(provider="parrot", unit="tokens_in", usd=2.0, per=1e6),
    Price(provider="parrot", unit="tokens_cached", usd=0.5, per=1e6),
    Price(provider="tin-can", unit="minutes", usd=0.01),
)


def test_costs_have_their_documented_names_and_what_a_cache_saved() -> None:
    costs = CostBreakdown.of(cost([TOKENS, MINUTE], PRICES))
    assert (costs.llm, costs.telephony, costs.stt, costs.tts) == (0.5, 0.01, 0.0, 0.0)
    assert (costs.total, costs.llm_cached_savings) == (0.51, 1.5)


def test_an_unknown_price_is_none_and_named_and_what_is_known_is_told_all_the_same() -> None:
    costs = CostBreakdown.of(cost([TOKENS, MINUTE], PRICES[2:]))
    assert (costs.llm, costs.total, costs.llm_cached_savings) == (None, None, None)
    assert (costs.telephony, costs.stt) == (0.01, 0.0)
    assert costs.unpriced == ("parrot tokens_cached",)


def test_an_engine_is_counted_where_a_model_would_be() -> None:
    used = Usage(kind="engine", provider="parrot", unit="tokens_in", amount=500_000)
    assert CostBreakdown.of(cost([used], PRICES)).llm == 1.0
