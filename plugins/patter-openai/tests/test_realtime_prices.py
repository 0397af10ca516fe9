"""What a conversation costs is known by model, for text and audio apart."""

from __future__ import annotations

import pytest

from patter.observe.events import Usage
from patter.observe.pricing import cost, find
from patter_openai._prices import prices

UNITS = ("tokens_in", "tokens_cached", "tokens_out")
AUDIO = ("audio_tokens_in", "audio_tokens_cached", "audio_tokens_out")


def used(model: str, unit: str, amount: float = 1e6) -> Usage:
    return Usage(kind="engine", provider="openai", model=model, unit=unit, amount=amount)


@pytest.mark.parametrize(
    ("model", "usd"),
    [
        ("gpt-realtime-mini-2025-12-15", 33.36),
        ("gpt-realtime-2.1-mini", 33.36),
        ("gpt-realtime-2", 124.8),
        ("gpt-realtime-2025-08-28", 116.8),
    ],
)
def test_a_million_of_each_kind_of_token_costs_what_the_list_says(model: str, usd: float) -> None:
    bill = cost([used(model, unit) for unit in UNITS + AUDIO], tuple(prices()))
    assert bill.unpriced == ()
    assert bill.usd == pytest.approx(usd)


def test_a_model_that_is_not_listed_is_unknown() -> None:
    assert find(prices(), used("gpt-realtime", "audio_tokens_in")) is None
