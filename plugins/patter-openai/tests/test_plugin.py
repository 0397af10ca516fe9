"""What the package offers, by its names in spec strings, and what it costs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import attrs
import pytest

import patter_openai
from patter import PluginRegistry
from patter.errors import MissingCredential, SpecError
from patter.observe.events import Usage
from patter.observe.pricing import cost
from patter.plugins.kinds import GUARDRAIL_KIND, LLM_KIND, STT_KIND, TTS_KIND
from patter.providers.traits import ProviderTraits
from patter_openai import (
    OpenAICompatibleLLM,
    OpenAILLM,
    OpenAIModeration,
    OpenAITranscribeSTT,
    OpenAITTS,
    WhisperSTT,
)
from patter_openai.plugin import patter_prices

README = Path(__file__).parent.parent / "README.md"
SETTINGS: list[Any] = [
    OpenAILLM,
    OpenAICompatibleLLM,
    OpenAITTS,
    WhisperSTT,
    OpenAITranscribeSTT,
    OpenAIModeration,
]


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> PluginRegistry:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    return PluginRegistry.from_environment()


@pytest.mark.parametrize(
    ("kind", "spec", "made"),
    [
        (LLM_KIND, "openai", OpenAILLM),
        (LLM_KIND, "openai/gpt-4.1-mini?temperature=0.2", OpenAILLM),
        (
            LLM_KIND,
            "openai-compatible/llama3?base_url=http://127.0.0.1:11434/v1",
            OpenAICompatibleLLM,
        ),
        (STT_KIND, "openai", OpenAITranscribeSTT),
        (STT_KIND, "whisper", WhisperSTT),
        (TTS_KIND, "openai?voice=nova", OpenAITTS),
        (GUARDRAIL_KIND, "openai", OpenAIModeration),
    ],
)
def test_a_spec_string_makes_it(registry: PluginRegistry, kind: Any, spec: str, made: type) -> None:
    provider: Any = registry.resolve(kind, spec)
    assert isinstance(provider, made)
    told = ProviderTraits.of(provider)
    assert told.hosts
    assert told.name == spec.partition("/")[0].partition("?")[0]


def test_the_defaults_are_those_of_the_pages(registry: PluginRegistry) -> None:
    wanted: list[tuple[Any, str]] = [
        (LLM_KIND, "openai"),
        (STT_KIND, "openai"),
        (STT_KIND, "whisper"),
        (TTS_KIND, "openai"),
    ]
    models = [registry.resolve(kind, spec).model for kind, spec in wanted]
    assert models == ["gpt-4o-mini", "gpt-4o-transcribe", "whisper-1", "gpt-4o-mini-tts"]


def test_a_server_without_an_address_says_what_is_missing(registry: PluginRegistry) -> None:
    with pytest.raises(SpecError, match="base_url"):
        registry.resolve(LLM_KIND, "openai-compatible/llama3")


def test_a_key_cannot_be_in_a_spec_string(registry: PluginRegistry) -> None:
    with pytest.raises(SpecError, match="cannot carry") as caught:
        registry.resolve(LLM_KIND, "openai?api_key=hunter2")
    assert "OPENAI_API_KEY" in str(caught.value) and "hunter2" not in str(caught.value)


@pytest.mark.parametrize("made", [each for each in SETTINGS if each is not OpenAICompatibleLLM])
def test_no_key_names_the_variable_to_set(made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(MissingCredential, match="OPENAI_API_KEY"):
        made()


@pytest.mark.parametrize("made", SETTINGS)
def test_the_readme_tells_every_option(made: Any) -> None:
    known = set(re.findall(r"`([a-z_]+)`", README.read_text("utf-8")))
    options = {field.alias for field in attrs.fields(made) if field.init}
    assert not options - known


def test_every_public_name_can_be_imported() -> None:
    for made in SETTINGS:
        assert getattr(patter_openai, made.__name__) is made
    with pytest.raises(AttributeError):
        _ = patter_openai.Nothing


@pytest.mark.parametrize(
    ("usage", "usd"),
    [
        (("llm", "openai", "gpt-4o-mini", "tokens_in", 1e6), 0.15),
        (("llm", "openai", "gpt-4o-mini-2024-07-18", "tokens_out", 1e6), 0.6),
        (("llm", "openai", "gpt-4o", "tokens_cached", 1e6), 1.25),
        (("stt", "openai", "gpt-4o-transcribe", "minutes", 10), 0.06),
        (("stt", "whisper", "whisper-1", "minutes", 10), 0.06),
        (("tts", "openai", "gpt-4o-mini-tts", "characters", 900), 0.015),
        (("tts", "openai", "tts-1-hd", "characters", 1e6), 30),
        (("llm", "openai", "gpt-99", "tokens_in", 1e6), None),
        (("llm", "openai-compatible", "llama3", "tokens_in", 1e6), None),
    ],
)
def test_what_is_known_has_its_price_and_nothing_else_is_free(
    usage: tuple[str, str, str, str, float], usd: float | None
) -> None:
    kind, provider, model, unit, amount = usage
    used = Usage(kind=kind, provider=provider, model=model, unit=unit, amount=amount)
    assert cost([used], tuple(patter_prices())).usd == usd
