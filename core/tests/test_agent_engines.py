"""An agent with an engine needs nothing else, and says what it has no use for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import pytest

from patter import Agent, AgentError, PipelineHooks, PluginRegistry
from patter_testing import FakeEngine, FakeLLM, FakeSTT, FakeTTS, FakeTurnDetector

if TYPE_CHECKING:
    from conftest import Shelf

ENGINE = """
    @hookimpl
    def patter_engine(spec):
        from patter_testing import FakeEngine
        return spec.build(FakeEngine)
"""
PARTS: dict[str, Any] = {"stt": FakeSTT(), "llm": FakeLLM(), "tts": FakeTTS()}


@pytest.fixture
def bare() -> PluginRegistry:
    """No plugin is installed."""
    return PluginRegistry.from_environment({}, source=[])


def described(**given: Any) -> Agent:
    return Agent(**{"system_prompt": "Be brief.", **PARTS, **given})


def complaint(agent: Agent, registry: PluginRegistry, **given: Any) -> tuple[str, str]:
    with pytest.raises(AgentError) as caught:
        agent.gather(registry, **given)
    return caught.value.message, caught.value.fix


def test_an_engine_and_a_recogniser_exclude_each_other(bare: PluginRegistry) -> None:
    agent = Agent(system_prompt="", stt=PARTS["stt"], engine=FakeEngine())
    assert complaint(agent, bare) == (
        "agent has both engine and stt",
        "remove stt, or remove engine",
    )


def test_an_engine_ends_turns_itself(bare: PluginRegistry) -> None:
    agent = Agent(system_prompt="", engine=FakeEngine(), turn_detector=FakeTurnDetector())
    assert complaint(agent, bare)[0] == "an engine ends turns itself"


def test_an_engine_and_a_function_exclude_each_other(bare: PluginRegistry) -> None:
    said, _ = complaint(Agent(system_prompt="", engine=FakeEngine()), bare, has_handler=True)
    assert said == "agent has an engine, and serve an on_message"


def test_an_engine_is_ears_mind_and_mouth(bare: PluginRegistry) -> None:
    engine, voice = FakeEngine(), PARTS["tts"]
    parts = Agent(system_prompt="", engine=engine).gather(bare)
    assert (parts.ears, parts.mouth, parts.stt, parts.llm) == (engine, engine, None, None)
    assert parts.vad is None, "its vendor hears voices"
    beside = Agent(system_prompt="", engine=engine, tts=voice).gather(bare)
    assert beside.tts is voice
    plan = Agent(system_prompt="", engine=engine).plan(bare)
    assert (plan.engine, plan.mind) == (engine, None)


def test_what_an_engine_has_no_use_for_is_said(
    bare: PluginRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    Agent(system_prompt="", engine=FakeEngine(), llm=PARTS["llm"], text_transforms=(str,)).gather(
        bare
    )
    assert "llm, text_transforms does nothing" in caplog.text


def test_an_engine_keeps_its_context_itself_and_answers_when_it_wants(
    bare: PluginRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    agent = Agent(
        system_prompt="",
        engine=FakeEngine(),
        compaction=True,
        context_token_budget=8_000,
        preemptive_generation=True,
    )
    assert not agent.plan(bare).rules.speculate
    idle = "compaction, context_token_budget, preemptive_generation does nothing"
    assert idle in caplog.text


@pytest.mark.parametrize(
    ("beside", "idle"),
    [
        (
            {},
            "text_transforms, hooks.before_llm, hooks.after_llm, hooks.before_synthesize, "
            "hooks.after_synthesize does nothing",
        ),
        ({"tts": FakeTTS()}, "an engine: hooks.before_llm does nothing"),
    ],
)
def test_the_hooks_that_an_engine_leaves_nothing_to_do_are_named(
    bare: PluginRegistry, caplog: pytest.LogCaptureFixture, beside: dict[str, Any], idle: str
) -> None:
    hooks = PipelineHooks(
        before_send_to_stt=lambda pcm, ctx: pcm,
        before_llm=lambda messages, ctx: messages,
        after_llm={"on_sentence": lambda sentence, ctx: sentence},
        before_synthesize=lambda sentence, ctx: sentence,
        after_synthesize=lambda audio, text, ctx: audio,
    )
    agent = Agent(
        system_prompt="", engine=FakeEngine(), hooks=hooks, text_transforms=(str,), **beside
    )
    agent.gather(bare)
    assert idle in caplog.text


@attrs.frozen
class HearingSTT(FakeSTT):
    """A recogniser that tells when there is a voice."""

    hears_voice: bool = True


@pytest.mark.parametrize(("stt", "vad"), [(HearingSTT(), True), (FakeSTT(), False)])
def test_a_recogniser_that_hears_voices_is_the_detector_where_there_is_none(
    bare: PluginRegistry, stt: FakeSTT, vad: bool
) -> None:
    assert described(stt=stt, vad="none").plan(bare).rules.vad is vad


def test_an_agent_that_names_no_part_has_the_default_engine(shelf: Shelf) -> None:
    shelf.add("a-parrot", {"engine": "default"}, ENGINE)
    parts = Agent(system_prompt="Hello.").gather(shelf.registry())
    assert isinstance(parts.engine, FakeEngine)
    said, _ = complaint(Agent(system_prompt="Hello.", stt=PARTS["stt"]), shelf.registry())
    assert "agent has no tts" in said


def test_without_a_default_engine_an_agent_that_names_no_part_is_told_so(
    bare: PluginRegistry,
) -> None:
    said, fix = complaint(Agent(system_prompt="Hello."), bare)
    assert said.endswith("no default engine is installed")
    assert fix == (
        "name an engine, or stt, llm and tts; or pip install patter-openai, "
        "whose engine is the default"
    )
