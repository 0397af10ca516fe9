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
from patter_google import GoogleLLM
from patter_google._prices import prices

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> PluginRegistry:
    """A registry that sees this package alone, installed or not."""
    monkeypatch.setenv("GEMINI_API_KEY", "test")
    advertised = [
        EntryPoint(name, value, group)
        for group, offers in PROJECT["entry-points"].items()
        for name, value in offers.items()
    ]
    return PluginRegistry.from_environment({}, source=advertised)


def test_a_spec_becomes_a_provider(registry: PluginRegistry) -> None:
    llm = registry.resolve(LLM_KIND, "google/gemini-2.5-pro?vertexai=true&project=bistro")
    assert llm == GoogleLLM(model="gemini-2.5-pro", vertexai=True, project="bistro")


def test_an_unknown_option_is_refused_by_name(registry: PluginRegistry) -> None:
    with pytest.raises(PatterError, match="google llm has no option 'zzz'"):
        registry.resolve(LLM_KIND, "google?zzz=1")


def test_resolving_imports_nothing_heavy() -> None:
    code = (
        "import sys, patter_google.plugin, patter_google.llm, patter_google._prices\n"
        "heavy = {'google.auth', 'google.genai', 'requests', 'aiohttp'} & set(sys.modules)\n"
        "sys.exit(', '.join(sorted(heavy)) or 0)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize(
    ("model", "unit", "usd"),
    [
        ("gemini-2.5-flash", "tokens_in", 0.3),
        ("gemini-2.5-flash-lite", "tokens_in", 0.1),
        ("gemini-3-flash-preview", "tokens_cached", 0.05),
        ("gemini-4-argon", "tokens_in", None),
    ],
)
def test_a_model_costs_what_its_list_says(model: str, unit: str, usd: float | None) -> None:
    used = Usage(kind="llm", provider="google", model=model, unit=unit, amount=1)
    price = find(prices(), used)
    assert (price and (price.usd, price.per)) == (None if usd is None else (usd, 1e6))
