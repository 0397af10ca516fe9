"""An agent whose numbers are said as people say them, and remembered as they are written."""

from __future__ import annotations

import argparse
import sys

import pytest

from patter import Agent, AgentError, PluginRegistry
from patter.cli.out import Out
from patter.observe.events import Row
from patter_spoken.command import COMMAND
from patter_testing import FakeLLM, FakeSTT, FakeTTS, lab


def agent(**changes: object) -> Agent:
    llm = FakeLLM(replies=("Das macht 12,50 €, Frau Nguyen.",))
    parts = {"stt": FakeSTT(), "tts": FakeTTS(), "llm": llm, "vad": "none", "idle_ms": ()}
    return Agent(**{"system_prompt": "", "language": "de", **parts, **changes})  # type: ignore[arg-type]


@pytest.mark.virtual_time
async def test_the_voice_says_them_and_the_record_has_them_as_written() -> None:
    tts = FakeTTS()
    made = agent(spoken_forms=True, pronunciations={"Nguyen": "Win"})
    async with lab(made, tts=tts) as call:
        await call.says("was macht das")
    assert tts.sessions[-1].sentences == ["Das macht zwölf Euro fünfzig, Frau Win."]
    rows = [row.text for row in call.of(Row) if row.role == "agent"]
    assert rows == ["Das macht 12,50 €, Frau Nguyen."]


@pytest.mark.virtual_time
async def test_without_the_option_the_voice_gets_the_text_as_it_is() -> None:
    tts = FakeTTS()
    async with lab(agent(), tts=tts) as call:
        await call.says("was macht das")
    assert tts.sessions[-1].sentences == ["Das macht 12,50 €, Frau Nguyen."]


def test_a_language_that_is_not_known_is_a_problem_of_the_agent() -> None:
    registry = PluginRegistry.from_environment({}, source=[])
    with pytest.raises(AgentError, match="not known for the language 'pl'"):
        agent(language="pl", spoken_forms=True).gather(registry)


def test_without_the_package_the_fix_is_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "patter_spoken", None)
    registry = PluginRegistry.from_environment({}, source=[])
    with pytest.raises(AgentError, match="pip install patter-spoken"):
        agent(spoken_forms=True).gather(registry)


def test_the_command_shows_what_a_voice_is_given(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    COMMAND.configure(parser)
    args = parser.parse_args(["Es kostet 12,50 €", "--language", "de"])
    args.out = Out()
    assert COMMAND.run(args) == 0
    assert capsys.readouterr().out.strip() == "Es kostet zwölf Euro fünfzig"
