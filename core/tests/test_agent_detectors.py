"""Which voice detector an agent listens with, when none, one or several are installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from patter import Agent, AgentError, PluginRegistry
from patter_testing import FakeLLM, FakeSTT, FakeTTS, FakeVAD

if TYPE_CHECKING:
    from conftest import Shelf

EAR = """
    @attrs.frozen
    class Ear:
        accepts = ()
        tail_ms = 80
        def start(self, audio): ...

    @hookimpl
    def patter_vad(spec):
        return spec.build(Ear)
"""


def described(**given: Any) -> Agent:
    parts = {"stt": FakeSTT(), "llm": FakeLLM(), "tts": FakeTTS()}
    return Agent(system_prompt="Be brief.", **{**parts, **given})


def test_an_installed_detector_is_used_unasked(shelf: Shelf) -> None:
    shelf.add("an-ear", {"vad": "ear"}, EAR)
    plan = described().plan(shelf.registry())
    assert (plan.rules.vad, plan.rules.voice_tail_ms) == (True, 100)
    assert plan.names["vad"] == ("ear", "")


def test_of_several_detectors_the_first_by_name_is_used(shelf: Shelf) -> None:
    shelf.add("z-ear", {"vad": "zulu"}, EAR)
    shelf.add("a-ear", {"vad": "alfa"}, EAR)
    assert described().gather(shelf.registry()).names["vad"] == ("alfa", "")


def test_of_several_detectors_the_default_one_is_used_under_its_own_name(shelf: Shelf) -> None:
    shelf.add("a-ear", {"vad": "alfa"}, EAR)
    for distribution, name in (("z-ear", "zulu"), ("y-ear", "yankee")):
        shelf.add(distribution, {"vad": name}, EAR)
        module = distribution.replace("-", "_")
        info = shelf.site / f"{module}-0.1.dist-info" / "entry_points.txt"
        info.write_text(f"[patter.vad]\n{name} = {module}\ndefault = {module}\n")
    one = shelf.registry({"PATTER_DISABLE_PLUGINS": "y-ear"})
    assert described().gather(one).names["vad"] == ("zulu", "")
    with pytest.raises(AgentError, match="'default' is offered by y-ear and z-ear"):
        described().gather(shelf.registry())


def test_rules_are_the_same_whatever_the_detectors_tail() -> None:
    plans = [described(vad=FakeVAD(tail_ms=tail_ms)) for tail_ms in (40, 250)]
    assert len({each.plan(PluginRegistry.from_environment()).rules for each in plans}) == 1


@pytest.mark.parametrize("off", ["none", False])
def test_a_detector_can_be_gone_without(shelf: Shelf, off: object) -> None:
    shelf.add("an-ear", {"vad": "ear"}, EAR)
    plan = described(vad=off).plan(shelf.registry())
    assert plan.vad is None
    assert not plan.rules.vad


def test_an_override_without_a_detector_is_obeyed(shelf: Shelf) -> None:
    shelf.add("an-ear", {"vad": "ear"}, EAR)
    assert described().gather(shelf.registry().overriding({"vad": None})).vad is None


def test_no_detector_installed_means_none() -> None:
    bare = PluginRegistry.from_environment({}, source=[])
    assert not described().plan(bare).rules.vad
