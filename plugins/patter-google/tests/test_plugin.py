"""What the package advertises is what it offers."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from importlib_metadata import EntryPoint

from patter import Patter, PatterError, PluginRegistry
from patter.observe.events import Usage
from patter.observe.pricing import cost, find
from patter.plugins.kinds import ENGINE_KIND, LLM_KIND
from patter.testing import FakeCarrier
from patter_google import GeminiLive, GoogleLLM
from patter_google._prices import prices
from patter_testing.simulation import simulated

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


def test_a_spec_becomes_an_engine(registry: PluginRegistry) -> None:
    engine = registry.resolve(ENGINE_KIND, "google/gemini-3.1-flash-live-preview?voice=Kore")
    assert engine == GeminiLive(model="gemini-3.1-flash-live-preview", voice="Kore")
    assert registry.resolve(ENGINE_KIND, "google").model == "gemini-3.8-live"  # type: ignore[attr-defined]


def test_an_option_that_an_engine_does_not_have_is_refused_by_name(
    registry: PluginRegistry,
) -> None:
    with pytest.raises(PatterError, match="google engine has no option 'tempo'"):
        registry.resolve(ENGINE_KIND, "google?tempo=1")


def test_an_unknown_option_is_refused_by_name(registry: PluginRegistry) -> None:
    with pytest.raises(PatterError, match="google llm has no option 'zzz'"):
        registry.resolve(LLM_KIND, "google?zzz=1")


def test_resolving_imports_nothing_heavy() -> None:
    code = (
        "import sys, patter_google.plugin, patter_google.llm, patter_google.engine\n"
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


@pytest.mark.parametrize(
    ("model", "usd"),
    [
        ("gemini-2.5-flash-native-audio-preview-12-2025", 17.5),
        ("gemini-live-2.5-flash-native-audio", 17.5),
        ("gemini-3.1-flash-live-preview", 20.25),
        ("gemini-3.8-live", 20.25),
        ("gemini-9-live", None),
    ],
)
def test_a_conversation_costs_what_its_list_says(model: str, usd: float | None) -> None:
    units = ("tokens_in", "tokens_out", "audio_tokens_in", "audio_tokens_out")
    used = [
        Usage(kind="engine", provider="google", model=model, unit=unit, amount=1e6)
        for unit in units
    ]
    bill = cost(used, tuple(prices()))
    assert bill.usd == usd and bool(bill.unpriced) == (usd is None)


async def test_a_simulated_agent_talks_to_the_double(registry: PluginRegistry) -> None:
    phone = Patter(carrier=FakeCarrier(), phone_number="+15550188000", persist=False)
    async with simulated(phone.agent("Be brief.", engine="google"), registry) as simulation:
        parts = {part.kind: part.url for part in simulation.parts}
        assert parts["engine"].startswith("http://127.0.0.1:") and simulation.listens
