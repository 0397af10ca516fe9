"""Whole calls of an agent whose vendors are their own doubles, over real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from patter.agent import Agent
from patter.errors import PatterConfigError, PatterTypeError
from patter.observe.events import Row
from patter.plugins.registry import PluginRegistry
from patter.tools.tool import tool
from patter_testing import FakeLLM, lab
from patter_testing.doubles.scripted_model import ScriptedModel
from patter_testing.doubles.vendor_double import KEY, VendorDouble
from patter_testing.simulation import NOT_UNDERSTOOD, SimulatedPart, simulated

from .invented_vendor import installed


@tool
async def book_table(people: int) -> str:
    """Book a table."""
    return f"a table for {people}"


def agent(**parts: object) -> Agent:
    given = {"stt": "hearwell", "llm": "thinkfast", "tts": "speakup"}
    return Agent(system_prompt="Be brief.", tools=(book_table,), **{**given, **parts})  # type: ignore[arg-type]


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PluginRegistry]:
    for name in ("HEARWELL", "THINKFAST", "SPEAKUP"):
        monkeypatch.delenv(f"{name}_API_KEY", raising=False)
    with installed(tmp_path) as found:
        yield found


@pytest.mark.patter_timeout(30)
async def test_a_caller_is_understood_and_hears_what_the_model_says(
    registry: PluginRegistry,
) -> None:
    async with lab(agent(), registry=registry, simulate=True) as call:
        assert "I heard: good morning" in await call.says("good morning")
        await call.says("book a table for 4")
        call.expect_tool("book_table", people=4)
        call.expect_said("The tool said: a table for 4")
    assert call.simulation is not None
    methods = {type(each).__name__: each.requests for each in call.simulation.doubles.values()}
    assert [request.path for request in methods["HearwellDouble"]] == ["/listen"]
    assert {request.path for request in methods["ThinkfastDouble"]} == {"/chat"}


@pytest.mark.patter_timeout(30)
async def test_a_script_answers_and_a_caller_interrupts(registry: PluginRegistry) -> None:
    async with lab(agent(), registry=registry, simulate=True) as call:
        assert call.simulation is not None
        long = "This goes on and on, and on, and then on again."
        call.simulation.doubles["thinkfast"].model = ScriptedModel([long, "Fine."])
        call.simulation.lines.put("hello")
        await call.caller.says("hello")
        answer = await call.interrupts("stop it", after_ms=300)
        assert answer == "Fine."
    assert [row.text for row in call.of(Row) if row.role == "caller"] == ["hello", "stop it"]


async def test_who_has_no_double_is_used_as_it_is_and_each_part_is_told(
    registry: PluginRegistry,
) -> None:
    model = FakeLLM()
    async with simulated(agent(llm=model), registry) as simulation:
        stt, llm, tts = simulation.parts
        assert llm == SimulatedPart("llm", "FakeLLM/fake")
        assert str(llm) == "llm            FakeLLM/fake             as it is: it has no simulator"
        assert str(stt).startswith(
            "stt            hearwell/small           simulated at http://127."
        )
        assert tts.url != stt.url
        assert simulation.agent.llm is model
        assert (simulation.simulates("stt"), simulation.simulates("llm")) == (True, False)


async def test_several_providers_of_one_vendor_share_its_double(registry: PluginRegistry) -> None:
    both = ["hearwell?language=de", "hearwell"]
    async with simulated(agent(stt=both), registry) as simulation:
        first, second = simulation.agent.stt  # type: ignore[misc]
        assert first.base_url == second.base_url  # type: ignore[union-attr]
        assert first.language == "de"  # type: ignore[union-attr]


async def test_what_is_overridden_is_simulated_too(registry: PluginRegistry) -> None:
    registry = registry.overriding({"stt": "hearwell?language=fr"})
    async with simulated(agent(stt="nobody"), registry) as simulation:
        parts = simulation.agent.gather(simulation.registry)
        assert parts.stt.language == "fr"  # type: ignore[union-attr]
        assert parts.stt.base_url == simulation.doubles["hearwell"].url  # type: ignore[union-attr]
        assert parts.names["stt"] == ("hearwell", "small")


async def test_a_key_of_the_environment_stays_here(
    registry: PluginRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEARWELL_API_KEY", "hunter2")
    async with simulated(agent(), registry) as simulation:
        assert simulation.agent.stt.api_key == KEY  # type: ignore[union-attr]


async def test_a_real_vendor_is_never_shown_the_key_of_a_double(
    registry: PluginRegistry, tmp_path: Path
) -> None:
    with installed(tmp_path / "other", "thinkfast") as other:
        lonely = PluginRegistry.from_environment(
            {}, source=[each.entry_point for each in other.catalogue.advertised]
        )
        with pytest.raises(PatterConfigError, match="'thinkfast' has no key, and no simulator"):
            async with simulated(agent(stt=None, tts=None), lonely):
                pytest.fail("it ran")


async def test_text_is_heard_in_every_call_or_it_is_said_why_not(
    registry: PluginRegistry,
) -> None:
    async with simulated(agent(stt=None), registry) as simulation:
        with pytest.raises(PatterConfigError, match="nobody who listens"):
            await simulation.hear("hello")


async def test_whoever_simulates_may_run_the_doubles_elsewhere(registry: PluginRegistry) -> None:
    ran: list[str] = []

    @asynccontextmanager
    async def run(double: VendorDouble) -> AsyncIterator[None]:
        ran.append(type(double).__name__)
        double.url = "http://127.0.0.1:1"
        yield

    async with simulated(agent(), registry, run=run) as simulation:
        assert {part.url for part in simulation.parts} == {"http://127.0.0.1:1"}
        assert getattr(simulation.agent.llm, "base_url", "").startswith("http://127.0.0.1:1")
    assert sorted(ran) == ["HearwellDouble", "SpeakupDouble", "ThinkfastDouble"]


@pytest.mark.virtual_time
async def test_a_virtual_loop_is_refused(registry: PluginRegistry) -> None:
    with pytest.raises(PatterConfigError, match="time is not real"):
        async with lab(agent(), registry=registry, simulate=True):
            pytest.fail("it ran")


async def test_a_plan_is_no_agent(registry: PluginRegistry) -> None:
    with pytest.raises(PatterTypeError, match="only an Agent"):
        async with lab(object(), registry=registry, simulate=True):  # type: ignore[arg-type]
            pytest.fail("it ran")


@pytest.mark.patter_timeout(30)
async def test_a_voice_nobody_wrote_down_is_honestly_not_understood(
    registry: PluginRegistry,
) -> None:
    async with lab(agent(llm=FakeLLM()), registry=registry, simulate=True) as call:
        await call.caller.says("mumble")
        assert await call.listens() == "Yes."
    assert [row.text for row in call.of(Row) if row.role == "caller"] == [NOT_UNDERSTOOD]
