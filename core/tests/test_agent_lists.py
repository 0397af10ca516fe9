"""What may stand in for what is checked when the agent is made, not when it is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import pytest

from patter import Agent, AgentError, FallbackLLMProvider, PluginRegistry
from patter_testing import FakeCarrier, FakeEngine, FakeLLM, FakeSTT, FakeTTS, FakeVAD
from patter_testing.fakes.engine import ABLE

if TYPE_CHECKING:
    from conftest import Shelf

PARROT = """
    @hookimpl
    def patter_engine(spec):
        from patter_testing import FakeEngine
        return spec.build(FakeEngine)

    @hookimpl
    def patter_llm(spec):
        from patter_testing import FakeLLM
        return spec.build(FakeLLM)
"""
EARS = """
    @hookimpl
    def patter_vad(spec):
        from patter_testing import FakeVAD
        return FakeVAD()
"""
PARTS: dict[str, Any] = {"stt": FakeSTT(), "llm": FakeLLM(), "tts": FakeTTS()}


@attrs.frozen(kw_only=True)
class HearsVoices(FakeSTT):
    hears_voice: bool = True


@pytest.fixture
def bare() -> PluginRegistry:
    return PluginRegistry.from_environment({}, source=[])


def gather(registry: PluginRegistry, **fields: Any) -> Any:
    return Agent(system_prompt="Be brief.", **fields).gather(registry, carrier=FakeCarrier())


def test_engines_are_a_list_of_strings_and_objects(shelf: Shelf) -> None:
    shelf.add("parrots", {"engine": "parrot", "llm": "parrot"}, PARROT)
    own = FakeEngine(replies=("No.",))
    agent = Agent(system_prompt="", engine=["parrot", own])
    parts = agent.gather(shelf.registry())
    assert parts.engine_candidates == (parts.engine, own)
    assert parts.names["engine"] == ("parrot", "")
    assert parts.fallback_names["engine"] == (("fake", ""),)
    plan = agent.plan(shelf.registry(), parts=parts)
    assert [name for _, name in plan.engine_candidates] == [("parrot", ""), ("fake", "")]


def test_every_engine_must_take_the_carriers_audio(bare: PluginRegistry) -> None:
    with pytest.raises(AgentError, match="offers no format"):
        gather(bare, engine=[FakeEngine(), FakeEngine(accepts=())])
    with pytest.raises(AgentError, match="offers no format"):
        gather(bare, engine=[FakeEngine(), FakeEngine(produces=())])


def test_engines_that_answer_in_text_and_some_that_cannot_do_not_share_a_voice(
    bare: PluginRegistry,
) -> None:
    speaks = FakeEngine(can=attrs.evolve(ABLE, text_out=False))
    gather(bare, engine=[FakeEngine(), speaks])
    with pytest.raises(AgentError, match="only some can leave speaking to a tts"):
        gather(bare, engine=[FakeEngine(), speaks], tts=FakeTTS())


def test_a_detector_is_found_if_one_engine_hears_no_voices(shelf: Shelf) -> None:
    shelf.add("ears", {"vad": "ears"}, EARS)
    deaf = FakeEngine(can=attrs.evolve(ABLE, hears_voice=False))
    assert gather(shelf.registry(), engine=[FakeEngine(), FakeEngine()]).vad is None
    assert isinstance(gather(shelf.registry(), engine=[FakeEngine(), deaf]).vad, FakeVAD)


def test_recognisers_that_do_not_all_hear_voices_need_a_detector(bare: PluginRegistry) -> None:
    mixed = {**PARTS, "stt": [HearsVoices(), FakeSTT()]}
    with pytest.raises(AgentError, match="do not all hear when somebody speaks") as caught:
        gather(bare, **mixed)
    assert caught.value.fix == "vad='PROVIDER'; see: patter plugins vad"
    gather(bare, **mixed, vad=FakeVAD())
    gather(bare, **{**PARTS, "stt": [HearsVoices(), HearsVoices()]})


def test_turns_end_by_silence_if_one_recogniser_does_not_end_them(bare: PluginRegistry) -> None:
    ends = FakeSTT(endpoints=True)
    for stts, expected in (([ends, ends], True), ([ends, FakeSTT()], False)):
        parts = gather(bare, **{**PARTS, "stt": stts})
        assert parts.endpoints is expected


def test_a_fallback_made_by_hand_names_its_models_in_records(bare: PluginRegistry) -> None:
    models = FallbackLLMProvider(
        [FakeLLM(model="large"), FakeLLM(model="small")], names=[("a", "large"), ("b", "small")]
    )
    parts = gather(bare, **{**PARTS, "llm": models})
    assert parts.llm is models
    assert parts.names["llm"] == ("a", "large")
    assert parts.fallback_names["llm"] == (("b", "small"),)
    assert FallbackLLMProvider([FakeLLM(model="large")]).names == (("fake", "large"),)


def test_one_model_that_cannot_be_made_is_told_with_the_others(bare: PluginRegistry) -> None:
    with pytest.raises(AgentError, match=r"(?s)zorp.*nope") as caught:
        gather(bare, **{**PARTS, "llm": ["zorp", FakeLLM(), "nope"]})
    assert len(caught.value.problems) == 2
