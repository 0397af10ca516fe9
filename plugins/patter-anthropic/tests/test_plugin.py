"""What the package advertises is what it offers."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from importlib_metadata import EntryPoint

from patter import PatterError, PluginRegistry
from patter.observe.events import Usage
from patter.observe.pricing import find
from patter.plugins.kinds import LLM_KIND
from patter_anthropic import AnthropicLLM
from patter_anthropic._prices import prices

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> PluginRegistry:
    """A registry that sees this package alone, installed or not."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "test")
    advertised = [
        EntryPoint(name, value, group)
        for group, offers in PROJECT["entry-points"].items()
        for name, value in offers.items()
    ]
    return PluginRegistry.from_environment({}, source=advertised)


def test_a_spec_becomes_a_provider(registry: PluginRegistry) -> None:
    llm = registry.resolve(LLM_KIND, "anthropic/claude-sonnet-5-5?effort=low&prompt_caching=false")
    expected = AnthropicLLM(model="claude-sonnet-5-5", effort="low", prompt_caching=False)
    assert llm == expected


def test_an_unknown_option_is_refused_by_name(registry: PluginRegistry) -> None:
    with pytest.raises(PatterError, match="anthropic llm has no option 'zzz'"):
        registry.resolve(LLM_KIND, "anthropic?zzz=1")


def test_resolving_imports_no_sdk() -> None:
    code = (
        "import sys, patter_anthropic.plugin, patter_anthropic.llm, patter_anthropic._prices\n"
        "heavy = {'anthropic', 'httpx2', 'pydantic', 'aiohttp'} & set(sys.modules)\n"
        "sys.exit(', '.join(sorted(heavy)) or 0)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize(
    ("model", "unit", "usd"),
    [
        ("claude-haiku-4-5-20251001", "tokens_in", 1),
        ("claude-haiku-4-5-20251001", "tokens_cached", 0.1),
        ("claude-sonnet-5", "tokens_cached", 0.2),
        ("claude-sonnet-5-5", "tokens_cached", 0.1),
        ("claude-opus-5-5", "tokens_cache_written", 5),
        ("claude-3-opus", "tokens_in", None),
    ],
)
def test_a_model_costs_what_its_list_says(model: str, unit: str, usd: float | None) -> None:
    used = Usage(kind="llm", provider="anthropic", model=model, unit=unit, amount=1)
    price = find(prices(), used)
    assert (price and (price.usd, price.per)) == (None if usd is None else (usd, 1e6))
