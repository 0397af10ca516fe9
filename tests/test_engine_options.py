"""What an agent says of its engine reaches the engine, or is refused where it means nothing."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from patter import Agent, AgentError, PatterConfigError, PluginRegistry
from patter.agent_engine import RealtimeTurnDetection
from patter.text.preamble import BEFORE_TOOLS
from patter_openai.engine import OpenAIRealtime
from patter_testing import FakeEngine, FakeLLM, FakeSTT, FakeTTS

OPENAI = OpenAIRealtime(api_key="secret", voice="ash")


@pytest.fixture
def bare() -> PluginRegistry:
    return PluginRegistry.from_environment({}, source=[])


def hosted(engine: Any = OPENAI, **given: Any) -> Agent:
    return Agent(system_prompt="Be brief.", engine=engine, disable_phone_preamble=True, **given)


@pytest.mark.parametrize(
    ("detection", "expected"),
    [
        (RealtimeTurnDetection(), {"turn_detection": "server_vad"}),
        (
            {"threshold": 0.7, "prefix_padding_ms": 200, "silence_duration_ms": 700},
            {"threshold": 0.7, "prefix_padding_ms": 200, "silence_ms": 700},
        ),
        (
            RealtimeTurnDetection(type="semantic_vad", eagerness="low"),
            {"turn_detection": "semantic_vad", "eagerness": "low"},
        ),
    ],
)
def test_a_turn_detection_is_the_engines(
    bare: PluginRegistry, detection: Any, expected: dict[str, Any]
) -> None:
    parts = hosted(realtime_turn_detection=detection).gather(bare)
    assert parts.engine == attrs.evolve(OPENAI, **expected)


def test_noise_reduction_is_the_engines(bare: PluginRegistry) -> None:
    parts = hosted(openai_realtime_noise_reduction="far_field").gather(bare)
    assert parts.engine == attrs.evolve(OPENAI, noise_reduction="far_field")


@pytest.mark.parametrize(
    ("wrong", "engine"),
    [
        ({"realtime_turn_detection": {"threshold": 5}}, OPENAI),
        ({"openai_realtime_noise_reduction": "loud"}, OPENAI),
        ({"openai_realtime_noise_reduction": "far_field"}, FakeEngine()),
        ({"realtime_turn_detection": {}}, FakeEngine()),
    ],
)
def test_what_the_engine_cannot_is_a_value_error(
    bare: PluginRegistry, wrong: dict[str, Any], engine: Any
) -> None:
    with pytest.raises(AgentError) as caught:
        hosted(engine, **wrong).gather(bare)
    assert not isinstance(caught.value, TypeError)


@pytest.mark.parametrize("wrong", [{"tool_call_preambles": 5}, {"realtime_turn_detection": "vad"}])
def test_what_is_of_the_wrong_type_is_a_type_error(
    bare: PluginRegistry, wrong: dict[str, Any]
) -> None:
    with pytest.raises(TypeError):
        hosted(**wrong).gather(bare)


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "vad"},
        {"type": "semantic_vad", "threshold": 0.5},
        {"type": "server_vad", "eagerness": "low"},
        {"type": "semantic_vad", "eagerness": "quick"},
    ],
)
def test_a_field_belongs_to_its_type(fields: dict[str, Any]) -> None:
    with pytest.raises(PatterConfigError):
        RealtimeTurnDetection(**fields)
    with pytest.raises(ValueError, match="has no 'level'"):
        hosted(realtime_turn_detection={"level": 5})


@pytest.mark.parametrize(
    ("words", "prompt"),
    [
        (False, "Be brief."),
        (True, f"{BEFORE_TOOLS}\n\nBe brief."),
        ("Say what you do.", "Say what you do.\n\nBe brief."),
    ],
)
def test_an_engine_is_told_to_speak_before_tools(
    bare: PluginRegistry, words: bool | str, prompt: str
) -> None:
    assert hosted(tool_call_preambles=words).plan(bare).system_prompt == prompt


def test_an_agent_without_an_engine_is_told_that_it_does_nothing(
    bare: PluginRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    parts: dict[str, Any] = {"stt": FakeSTT(), "tts": FakeTTS(), "llm": FakeLLM()}
    agent = Agent(
        system_prompt="Be brief.",
        disable_phone_preamble=True,
        tool_call_preambles=True,
        realtime_turn_detection=RealtimeTurnDetection(),
        **parts,
    )
    assert agent.plan(bare).system_prompt == "Be brief."
    assert "realtime_turn_detection, tool_call_preambles does nothing" in caplog.text
