"""Prices as the documents write them: read, written, merged, and what something costs by them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter import PatterConfigError
from patter.observe.events import Usage
from patter.observe.price_table import (
    PricingUnit,
    calculate_realtime_cost,
    calculate_stt_cost,
    calculate_telephony_cost,
    calculate_tts_cost,
    merge_pricing,
    table,
)
from patter.observe.pricing import Price, cost, merged

TABLE: dict[str, Any] = {
    "parrot": {"unit": "minute", "price": 0.006, "models": {"loud": {"price": 0.01}}},
    "macaw_tts": {"unit": "1k_chars", "price": 0.05},
    "tin-can": {"unit": "minute", "price": 0.01, "round_up": True},
    "macaw_realtime": {
        "unit": "token",
        "audio_input_per_token": 1e-5,
        "audio_output_per_token": 2e-5,
        "text_input_per_token": 1e-6,
        "text_output_per_token": 4e-6,
        "cached_audio_input_per_token": 3e-7,
        "cached_text_input_per_token": 1e-7,
    },
    "cheap_realtime": {"unit": "minute", "price": 0.05},
}
USAGE = {
    "input_token_details": {
        "audio_tokens": 1_000,
        "text_tokens": 500,
        "cached_tokens_details": {"audio_tokens": 400, "text_tokens": 100},
    },
    "output_token_details": {"audio_tokens": 300, "text_tokens": 50},
}


def test_what_is_used_costs_what_the_table_says() -> None:
    assert calculate_stt_cost("parrot", 90, TABLE) == 0.009
    assert calculate_stt_cost("parrot", 60, TABLE, "loud-2") == 0.01
    assert calculate_tts_cost("macaw_tts", 2_500, TABLE) == 0.125
    assert calculate_tts_cost("macaw", 2_500, TABLE) == 0.125
    assert calculate_telephony_cost("tin-can", 61, TABLE) == 0.02
    tokens = 600 * 1e-5 + 400 * 3e-7 + 400 * 1e-6 + 100 * 1e-7 + 300 * 2e-5 + 50 * 4e-6
    paid = calculate_realtime_cost(USAGE, TABLE, provider="macaw_realtime")
    assert paid == pytest.approx(tokens, abs=1e-6)


def test_cached_tokens_that_are_only_counted_are_shared_out() -> None:
    read = {"audio_tokens": 1_000, "text_tokens": 1_000, "cached_tokens": 1_000}
    whole = {**read, "cached_tokens": 0}

    def paid(details: dict[str, Any]) -> float:
        usage = {"input_token_details": details, "output_token_details": None}
        result = calculate_realtime_cost(usage, TABLE, provider="macaw_realtime")
        assert result is not None
        return result

    assert paid(whole) - paid(read) == pytest.approx(500 * (1e-5 - 3e-7 + 1e-6 - 1e-7), abs=1e-6)


def test_an_engine_may_be_charged_by_its_time() -> None:
    def paid(seconds: float | None) -> float | None:
        return calculate_realtime_cost(
            {}, TABLE, provider="cheap_realtime", duration_seconds=seconds
        )

    assert (paid(120), paid(None)) == (0.1, None)


def test_what_nobody_has_a_price_for_costs_none() -> None:
    assert calculate_stt_cost("cockatoo", 60, TABLE) is None
    assert calculate_tts_cost("parrot", 60, TABLE) is None
    assert calculate_realtime_cost(USAGE, TABLE, provider="cheap") is None


def test_overrides_are_merged_by_provider_and_by_model_and_change_nothing_else() -> None:
    before = repr(TABLE)
    mine: dict[str, Any] = {
        "parrot": {"models": {"soft": {"price": 0.02}}},
        "new": {"unit": "minute", "price": 1},
    }
    both = merge_pricing(mine, TABLE)
    assert both["parrot"] == {
        "unit": "minute",
        "price": 0.006,
        "models": {"loud": {"price": 0.01}, "soft": {"price": 0.02}},
    }
    assert both["new"]["price"] == 1
    assert repr(TABLE) == before and "models" in mine["parrot"]
    assert str(PricingUnit.THOUSAND_CHARS) == "1k_chars"


KNOWN = (
    Price(kind="stt", provider="parrot", unit="minutes", usd=0.006),
    Price(kind="tts", provider="macaw", unit="characters", usd=50, per=1e6),
    Price(kind="engine", provider="macaw", unit="tokens_in", usd=4, per=1e6),
    Price(kind="carrier", provider="tin-can", unit="minutes", usd=0.01, step=1),
)


def bill(kind: str, provider: str, unit: str, overrides: dict[str, Any]) -> float | None:
    used = Usage(kind=kind, provider=provider, unit=unit, amount=90.5)
    return cost([used], merged(KNOWN, overrides)).usd


def test_a_phone_takes_a_table_of_the_documents() -> None:
    assert bill("stt", "parrot", "minutes", {"parrot": {"price": 0.01}}) == 0.905
    assert bill("stt", "parrot", "minutes", {"parrot_stt": {"price": 0.01}}) == 0.905
    assert bill("tts", "macaw", "characters", {"macaw_tts": {"price": 2}}) == 0.181
    assert bill("carrier", "tin-can", "minutes", {"tin-can": {"price": 0.1}}) == 9.1
    exact = {"tin-can": {"price": 0.1, "round_up": False}}
    assert bill("carrier", "tin-can", "minutes", exact) == 9.05
    engine = {"macaw_realtime": {"unit": "token", "text_input_per_token": 0.1}}
    assert bill("engine", "macaw", "tokens_in", engine) == 9.05
    assert bill("llm", "macaw", "tokens_in", engine) is None


@pytest.mark.parametrize(
    "entry",
    [
        3,
        {"unit": "hour", "price": 1},
        {"price": "much"},
        {"per_token": 1},
        {"models": 3},
        {"price": -1},
    ],
)
def test_what_is_no_price_is_refused_by_name(entry: object) -> None:
    with pytest.raises(PatterConfigError, match="pricing of 'parrot'"):
        merged(KNOWN, {"parrot": entry})


amounts = st.integers(0, 10**6)
PRICES = st.sampled_from(
    [
        Price(kind="stt", provider="parrot", unit="minutes", usd=0.006),
        Price(kind="stt", provider="parrot", model="loud", unit="minutes", usd=0.01),
        Price(kind="tts", provider="macaw", unit="characters", usd=50, per=1e6),
        Price(kind="llm", provider="macaw", model="m1", unit="tokens_in", usd=2.5, per=1e6),
        Price(kind="llm", provider="macaw", model="m1", unit="tokens_cached", usd=1.5, per=1e6),
        Price(kind="engine", provider="macaw", model="e", unit="audio_tokens_in", usd=9, per=1e6),
        Price(kind="carrier", provider="tin-can", unit="minutes", usd=0.01, step=1),
    ]
)


@given(st.lists(PRICES, unique=True, min_size=1), amounts)
def test_a_table_says_what_the_prices_say(prices: list[Price], amount: int) -> None:
    again = merged((), table(prices))
    for price in prices:
        used = Usage(
            kind=price.kind,
            provider=price.provider,
            model=price.model,
            unit=price.unit,
            amount=amount,
        )
        assert cost([used], again).usd == pytest.approx(cost([used], prices).usd, abs=2e-6)
