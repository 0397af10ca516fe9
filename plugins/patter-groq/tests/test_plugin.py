"""What the package offers, by its names in spec strings, and what it costs."""

from __future__ import annotations

from typing import Any

import pytest

import patter_groq
from patter import PluginRegistry
from patter.errors import MissingCredential, SpecError
from patter.observe.events import Usage
from patter.observe.pricing import cost
from patter.plugins.kinds import LLM_KIND, STT_KIND
from patter.providers.traits import ProviderTraits
from patter_groq import GroqLLM, GroqWhisperSTT
from patter_groq.plugin import patter_prices


@pytest.mark.parametrize(
    ("kind", "spec", "made", "model"),
    [
        (LLM_KIND, "groq", GroqLLM, "llama-3.3-70b-versatile"),
        (LLM_KIND, "groq/openai/gpt-oss-20b?temperature=0.2", GroqLLM, "openai/gpt-oss-20b"),
        (STT_KIND, "groq", GroqWhisperSTT, "whisper-large-v3-turbo"),
        (STT_KIND, "groq/whisper-large-v3?language=de", GroqWhisperSTT, "whisper-large-v3"),
    ],
)
def test_a_spec_string_makes_it(kind: Any, spec: str, made: type, model: str) -> None:
    provider: Any = PluginRegistry.from_environment().resolve(kind, spec)
    assert made.__name__ == type(provider).__name__
    told = ProviderTraits.of(provider)
    assert (told.name, told.model, told.hosts) == ("groq", model, ("api.groq.com",))
    assert provider.base_url == "https://api.groq.com/openai/v1"


def test_a_key_cannot_be_in_a_spec_string() -> None:
    with pytest.raises(SpecError, match="cannot carry") as caught:
        PluginRegistry.from_environment().resolve(LLM_KIND, "groq?api_key=hunter2")
    assert "GROQ_API_KEY" in str(caught.value) and "hunter2" not in str(caught.value)


@pytest.mark.parametrize("made", [GroqLLM, GroqWhisperSTT])
def test_no_key_names_the_variable_to_set(made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GROQ_API_KEY", raising=False)
    with pytest.raises(MissingCredential, match="GROQ_API_KEY"):
        made()


def test_every_public_name_can_be_imported() -> None:
    for made in (GroqLLM, GroqWhisperSTT):
        assert getattr(patter_groq, made.__name__) is made
    with pytest.raises(AttributeError):
        _ = patter_groq.Nothing


@pytest.mark.parametrize(
    ("usage", "usd"),
    [
        (("llm", "groq", "llama-3.3-70b-versatile", "tokens_in", 1e6), 0.59),
        (("llm", "groq", "llama-3.1-8b-instant", "tokens_out", 1e6), 0.08),
        (("llm", "groq", "openai/gpt-oss-120b", "tokens_out", 1e6), 0.6),
        (("llm", "groq", "openai/gpt-oss-120b", "tokens_cached", 1e6), 0.075),
        (("llm", "groq", "openai/gpt-oss-20b", "tokens_cached", 1e6), 0.0375),
        (("stt", "groq", "whisper-large-v3", "minutes", 60), 0.111),
        (("stt", "groq", "whisper-large-v3-turbo", "minutes", 60), 0.04),
        (("llm", "groq", "qwen/qwen3.8-27b", "tokens_in", 1e6), None),
    ],
)
def test_what_is_known_has_its_price_and_nothing_else_is_free(
    usage: tuple[str, str, str, str, float], usd: float | None
) -> None:
    kind, provider, model, unit, amount = usage
    used = Usage(kind=kind, provider=provider, model=model, unit=unit, amount=amount)
    assert cost([used], tuple(patter_prices())).usd == usd
