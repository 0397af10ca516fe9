"""What the package offers, by its name in spec strings, and what it costs."""

from __future__ import annotations

from typing import Any

import pytest

import patter_cerebras
from patter import PluginRegistry
from patter.errors import MissingCredential, SpecError
from patter.observe.events import Usage
from patter.observe.pricing import cost
from patter.plugins.kinds import LLM_KIND
from patter.providers.traits import ProviderTraits
from patter_cerebras import CerebrasLLM
from patter_cerebras.plugin import patter_prices


@pytest.mark.parametrize(
    ("spec", "model"),
    [("cerebras", "gpt-oss-120b"), ("cerebras/qwen-3.8-27b?gzip=false", "qwen-3.8-27b")],
)
def test_a_spec_string_makes_it(spec: str, model: str) -> None:
    provider: Any = PluginRegistry.from_environment().resolve(LLM_KIND, spec)
    told = ProviderTraits.of(provider)
    assert (told.name, told.model, told.hosts) == ("cerebras", model, ("api.cerebras.ai",))
    assert provider.base_url == "https://api.cerebras.ai/v1"
    assert (provider.gzip, provider.msgpack) == (spec == "cerebras", True)


def test_a_key_cannot_be_in_a_spec_string() -> None:
    with pytest.raises(SpecError, match="cannot carry") as caught:
        PluginRegistry.from_environment().resolve(LLM_KIND, "cerebras?api_key=hunter2")
    assert "CEREBRAS_API_KEY" in str(caught.value) and "hunter2" not in str(caught.value)


def test_no_key_names_the_variable_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CEREBRAS_API_KEY", raising=False)
    with pytest.raises(MissingCredential, match="CEREBRAS_API_KEY"):
        CerebrasLLM()


def test_every_public_name_can_be_imported() -> None:
    assert patter_cerebras.CerebrasLLM is CerebrasLLM
    with pytest.raises(AttributeError):
        _ = patter_cerebras.Nothing


@pytest.mark.parametrize(
    ("model", "unit", "usd"),
    [
        ("gpt-oss-120b", "tokens_in", 0.35),
        ("gpt-oss-120b", "tokens_cached", 0.35),
        ("gpt-oss-120b", "tokens_out", 0.75),
        ("qwen-3.8-27b", "tokens_in", None),
    ],
)
def test_what_is_known_has_its_price_and_nothing_else_is_free(
    model: str, unit: str, usd: float | None
) -> None:
    used = Usage(kind="llm", provider="cerebras", model=model, unit=unit, amount=1e6)
    assert cost([used], tuple(patter_prices())).usd == usd
