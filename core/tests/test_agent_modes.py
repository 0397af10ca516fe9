"""What is wrong with an agent is a ValueError, and of the wrong type a TypeError, as documented."""

from __future__ import annotations

import inspect
from typing import Any

import attrs
import pytest

from patter import (
    Agent,
    AgentError,
    MinWordsStrategy,
    Patter,
    PatterConfigError,
    PluginRegistry,
    tool,
)
from patter.plugins.spec import ProviderSpec
from patter_testing import FakeEngine, FakeLLM, FakeSTT, FakeTTS, FakeVAD

PARTS: dict[str, Any] = {"stt": FakeSTT(), "llm": FakeLLM(), "tts": FakeTTS()}
DOCUMENTED = [
    *["system_prompt", "engine", "stt", "llm", "tts", "voice", "model", "language"],
    *["first_message", "tools", "variables", "guardrails", "hooks", "text_transforms"],
    *["vad", "audio_filter"],
]
LAST = ["barge_in_threshold_ms", "aggressive_first_flush", "disable_phone_preamble"]


@attrs.frozen(kw_only=True)
class Parrot(FakeEngine):
    """An engine with a voice and a model of its own to choose."""

    name: str = "parrot"
    voice: str = "squawk"
    model: str = "polly"


def phone() -> Patter:
    made = Patter()
    made.registry = PluginRegistry.from_environment({}, source=[])
    return made


def agent(**given: Any) -> Agent:
    return phone().agent("Be brief.", **{**PARTS, **given})


# --- positions


def test_the_parameters_stand_where_they_are_documented() -> None:
    signature = inspect.signature(Patter.agent).parameters.values()
    by_place = [each.name for each in signature if each.kind is each.POSITIONAL_OR_KEYWORD]
    assert by_place[1 : len(DOCUMENTED) + 1] == DOCUMENTED
    assert by_place[-3:] == LAST


# --- modes


@pytest.mark.parametrize(
    ("named", "provider"),
    [
        ({}, "openai_realtime"),
        (PARTS, "pipeline"),
        ({"tts": FakeTTS()}, "pipeline"),
        ({"engine": "openai/gpt-realtime"}, "openai_realtime"),
        ({"engine": ProviderSpec("openai")}, "openai_realtime"),
        ({"engine": "elevenlabs/agent_1"}, "elevenlabs_convai"),
        ({"engine": Parrot()}, "parrot"),
        ({"provider": "pipeline"}, "pipeline"),
        ({"provider": "elevenlabs_convai"}, "elevenlabs_convai"),
    ],
)
def test_the_provider_follows_from_the_parts(named: dict[str, Any], provider: str) -> None:
    assert Agent(system_prompt="", **named).provider == provider


def test_an_agent_with_other_parts_has_another_provider() -> None:
    piped = Agent(system_prompt="", **PARTS)
    changed = attrs.evolve(piped, stt=None, llm=None, tts=None, engine="openai")
    assert (piped.provider, changed.provider) == ("pipeline", "openai_realtime")


def test_an_agent_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Agent(system_prompt="").voice = "coral"  # type: ignore[misc]


def test_a_provider_alone_names_its_engine() -> None:
    registry = PluginRegistry.from_environment({}, source=[])
    with pytest.raises(AgentError, match="openai"):
        Agent(system_prompt="", provider="openai_realtime").gather(registry)
    with pytest.raises(AgentError, match="elevenlabs"):
        Agent(system_prompt="", provider="elevenlabs_convai").gather(registry)


def test_a_pipeline_by_name_needs_its_parts() -> None:
    with pytest.raises(ValueError, match="agent has no stt"):
        phone().agent("", provider="pipeline")


# --- what is wrong


@tool
def lookup() -> None:
    """A tool."""


@pytest.mark.parametrize(
    "wrong",
    [
        {"provider": "gemini_live"},
        {"provider": "openai_realtime", "engine": FakeEngine(), "stt": None, "tts": None},
        {"engine": FakeEngine()},
        {"stt": None},
        {"barge_in_mode": "never"},
        {"barge_in_confirm_ms": 99},
        {"barge_in_threshold_ms": -1},
        {"tools": [lookup, lookup]},
        {"max_history": 0},
    ],
)
def test_what_makes_no_sense_is_a_value_error(wrong: dict[str, Any]) -> None:
    with pytest.raises(AgentError) as caught:
        agent(**wrong)
    assert isinstance(caught.value, ValueError)
    assert not isinstance(caught.value, TypeError)


@pytest.mark.parametrize(
    "wrong",
    [
        {"stt": 5},
        {"tts": object()},
        {"llm": object()},
        {"engine": object(), "stt": None, "tts": None, "llm": None},
        {"vad": object()},
        {"audio_filter": 5},
        {"tools": "lookup"},
        {"tools": lookup},
        {"tools": [{"name": "lookup"}]},
        {"variables": [("name", "Ada")]},
        {"guardrails": "moderation"},
        {"guardrails": [object()]},
        {"hooks": object()},
        {"text_transforms": [5]},
        {"first_message": 5},
        {"voice": 5},
        {"language": None},
        {"barge_in_strategies": "words"},
        {"barge_in_strategies": [3]},
        {"barge_in_strategies": [MinWordsStrategy]},
    ],
)
def test_a_value_of_the_wrong_type_is_a_type_error_and_a_value_error(wrong: dict[str, Any]) -> None:
    with pytest.raises(TypeError) as caught:
        agent(**wrong)
    assert isinstance(caught.value, AgentError)
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, PatterConfigError)
    assert caught.value.fix


def test_every_problem_is_still_told_at_once() -> None:
    with pytest.raises(TypeError) as caught:
        agent(tools="lookup", max_history=0)
    assert isinstance(caught.value, AgentError)
    assert len(caught.value.problems) == 2


def test_an_engine_leaves_a_model_alone(caplog: pytest.LogCaptureFixture) -> None:
    phone().agent("", engine=FakeEngine(), llm=FakeLLM())
    assert "llm does nothing" in caplog.text


# --- voice and model


@pytest.mark.parametrize(
    ("named", "voice", "model"),
    [
        ({}, "squawk", "polly"),
        ({"voice": "", "model": None}, "squawk", "polly"),
        ({"voice": "coral"}, "coral", "polly"),
        ({"voice": "alloy", "model": "gpt-4o-mini-realtime-preview"}, "alloy", None),
    ],
)
def test_what_is_named_goes_before_the_engines_own(
    named: dict[str, Any], voice: str, model: str | None
) -> None:
    registry = PluginRegistry.from_environment({}, source=[])
    parts = Agent(system_prompt="", engine=Parrot(), **named).gather(registry)
    assert isinstance(parts.engine, Parrot)
    assert parts.engine.voice == voice
    assert parts.engine.model == (model or "gpt-4o-mini-realtime-preview")


def test_nothing_is_no_text_at_all() -> None:
    made = agent(first_message=None, voicemail_message=None, vad=FakeVAD())
    assert (made.first_message, made.voicemail_message) == ("", "")
