"""What a call costs."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.errors import PatterConfigError
from patter.observe.events import Usage
from patter.observe.pricing import Price, cost, find, merged, per_minute

PRICES = (
    Price(kind="stt", provider="parrot", unit="minutes", usd=0.0048),
    Price(kind="stt", provider="parrot", model="polly", unit="minutes", usd=0.0058),
    Price(kind="stt", provider="parrot", model="polly-multi", unit="minutes", usd=0.0078),
    Price(kind="tts", provider="lark", unit="characters", usd=0.05, per=1_000),
    Price(kind="llm", provider="owl", model="owl-4", unit="tokens_in", usd=2.5, per=1e6),
    Price(kind="llm", provider="owl", model="owl-4", unit="tokens_out", usd=10, per=1e6),
    Price(kind="carrier", provider="pigeon", unit="minutes", usd=0.0085, step=1),
)


def use(kind: str, provider: str, unit: str, amount: float, **more: Any) -> Usage:
    return Usage(kind=kind, provider=provider, unit=unit, amount=amount, **more)


@pytest.mark.parametrize(
    ("model", "usd"),
    [
        ("", 0.0048),
        ("macaw", 0.0048),
        ("polly", 0.0058),
        ("polly-2", 0.0058),
        ("polly-multi", 0.0078),
    ],
)
def test_a_model_is_priced_as_itself_else_by_its_longest_prefix(model: str, usd: float) -> None:
    found = find(PRICES, use("stt", "parrot", "minutes", 1, model=model))
    assert found is not None
    assert found.usd == usd


def test_costs_are_told_by_kind() -> None:
    bill = cost(
        [
            use("stt", "parrot", "minutes", 2),
            use("tts", "lark", "characters", 500),
            use("llm", "owl", "tokens_in", 1e6, model="owl-4"),
        ],
        PRICES,
    )
    assert bill.costs == {"stt": 0.0096, "tts": 0.025, "llm": 2.5}
    assert bill.usd == pytest.approx(2.5346)


def test_an_unknown_price_is_named_and_makes_the_total_unknown() -> None:
    bill = cost([use("stt", "parrot", "minutes", 1), use("llm", "crow", "tokens_in", 9)], PRICES)
    assert bill.unpriced == ("crow tokens_in",)
    assert bill.usd is None
    assert bill.costs == {"stt": 0.0048}


def test_nothing_used_is_nothing_owed_even_without_a_price() -> None:
    assert cost([use("llm", "crow", "tokens_in", 0)], PRICES).usd == 0


def test_carriers_that_bill_whole_minutes_are_rounded_up_once_per_call() -> None:
    bits = [use("carrier", "pigeon", "minutes", 0.1)] * 11
    assert cost(bits, PRICES).costs["carrier"] == pytest.approx(0.017)
    assert cost(bits[:10], PRICES).costs["carrier"] == pytest.approx(0.0085)


def test_what_the_vendor_says_it_cost_replaces_the_estimate() -> None:
    used = [
        use("carrier", "pigeon", "minutes", 3),
        use("carrier", "pigeon", "minutes", 0, usd=0.02),
    ]
    assert cost(used, PRICES).costs == {"carrier": 0.02}


@given(st.lists(st.tuples(st.sampled_from(["parrot", "crow"]), st.floats(0.001, 1e3)), max_size=8))
def test_a_total_is_known_exactly_when_every_part_is(parts: list[tuple[str, float]]) -> None:
    bill = cost([use("stt", provider, "minutes", amount) for provider, amount in parts], PRICES)
    assert (bill.usd is None) == any(provider == "crow" for provider, _ in parts)


def test_the_users_price_wins_and_the_rest_stays() -> None:
    prices = merged(PRICES, {"parrot": {"models": {"polly": 0.001}}, "pigeon": {"price": 0.01}})
    assert cost([use("stt", "parrot", "minutes", 1, model="polly")], prices).usd == 0.001
    assert cost([use("stt", "parrot", "minutes", 1, model="polly-multi")], prices).usd == 0.0078
    assert cost([use("carrier", "pigeon", "minutes", 1.5)], prices).usd == 0.02


def test_a_provider_nobody_knows_can_be_priced() -> None:
    prices = merged(
        PRICES,
        {
            "crow": {"models": {"corvus": {"input": 2, "output": 4}}},
            "swan": {"unit": "1k_chars", "price": 0.03},
        },
    )
    used = [
        use("llm", "crow", "tokens_out", 1e6, model="corvus-2"),
        use("tts", "swan", "characters", 1_000),
    ]
    assert cost(used, prices).usd == pytest.approx(4.03)


@pytest.mark.parametrize(
    "wrong",
    [
        {"crow": 3},
        {"crow": {"price": 3}},
        {"crow": {"unit": "hour", "price": 3}},
        {"parrot": {"price": "cheap"}},
        {"parrot": {"price": float("nan")}},
        {"parrot": {"price": -1}},
        {"owl": {"models": {"owl-4": {"in": 2}}}},
        {"owl": {"models": ["owl-4"]}},
    ],
)
def test_prices_that_cannot_be_read_are_refused_with_an_example(wrong: dict[str, Any]) -> None:
    with pytest.raises(PatterConfigError) as caught:
        merged(PRICES, wrong)
    assert '"unit"' in caught.value.fix


def test_a_minute_is_estimated_from_all_its_parts() -> None:
    parts = [("stt", "parrot", ""), ("tts", "lark", ""), ("llm", "owl", "owl-4-mini")]
    assert per_minute(parts, PRICES).usd == pytest.approx(0.0048 + 0.0225 + 0.009)
    assert per_minute([*parts, ("carrier", "kite", "")], PRICES).unpriced == ("kite minutes",)
