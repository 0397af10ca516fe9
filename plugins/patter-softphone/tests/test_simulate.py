"""``patter phone --simulate``: a recogniser's double hears what is typed, or reads a file."""

from __future__ import annotations

import argparse
import socket
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest
from importlib_metadata import EntryPoint

from patter import Patter, PatterError, PluginRegistry
from patter.aio import task_scope
from patter.audio.formats import MULAW_8K
from patter.cli import simulate, working
from patter.cli.out import Out
from patter.env import credential
from patter_softphone import Softphone, SoftphoneCarrier, phone
from patter_softphone._about import About
from patter_softphone.caller import SoftphoneCall
from patter_testing import FakeLLM, FakeTTS, FakeTunnel, FakeVAD, Simulation, without_keys
from patter_testing.doubles.vendor_sound import sounded
from patter_testing.scaffold import render

ADVERTISED = {
    "patter.stt": "patter_hearwell.plugin",
    "patter.double": "patter_hearwell.double:HearwellDouble",
}


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PluginRegistry]:
    """A registry of one invented recogniser, and no key for it."""
    monkeypatch.delenv("HEARWELL_API_KEY", raising=False)
    render("stt", "hearwell", tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path / "patter-hearwell" / "src"))
    source = [EntryPoint("hearwell", value, group) for group, value in ADVERTISED.items()]
    source.append(EntryPoint("softphone", "patter_softphone.plugin", "patter.extension"))
    yield PluginRegistry.from_environment({}, source=source)
    for name in [each for each in sys.modules if each.startswith("patter_hearwell")]:
        del sys.modules[name]


@attrs.frozen
class Tunnel(FakeTunnel):
    """One that needs a key."""

    token: str = attrs.field(factory=lambda: credential("Tunnel", "token", None, "NO_SUCH_KEY"))


def arguments(*words: str, port: int = 0) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    phone.configure(parser)
    args = parser.parse_args([*words, "--no-open", "--port", str(port)])
    args.out = Out(color=False)
    return args


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@asynccontextmanager
async def a_call(registry: PluginRegistry, *words: str) -> AsyncIterator[SoftphoneCall]:
    """A call to an agent that ``patter phone`` serves with *words*."""
    args = arguments(*words, port=free_port())
    with simulate.loading(args):
        served = Patter(carrier=SoftphoneCarrier(), registry=registry)
        model = FakeLLM(answer=lambda request: f"You said: {request.messages[-1].text}")
        agent = served.agent(
            "Be brief.",
            stt="hearwell",
            llm=model,
            tts=FakeTTS(ms_per_letter=20),
            vad=FakeVAD(),
            first_message="Hello.",
        )
    before = served.carrier, served.registry
    async with task_scope() as tasks:
        serving = tasks.create_task(phone._serve(served, agent, About(), args, lambda: None))
        await served.ready
        async with Softphone(url=f"http://127.0.0.1:{args.port}").call() as call:
            assert (await call.until(says("agent")))["text"] == "Hello."
            yield call
        await served.disconnect()
        await serving
    assert served.carrier is before[0]
    assert served.registry is before[1]


def says(role: str) -> Callable[[Mapping[str, Any]], bool]:
    return lambda event: event.get("role") == role and bool(event.get("text"))


@pytest.mark.patter_timeout(20)
async def test_what_is_typed_is_heard_by_the_recogniser(
    registry: PluginRegistry, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    heard, hear = list[str](), Simulation.hear

    async def noted(simulation: Simulation, text: str) -> None:
        heard.append(text)
        await hear(simulation, text)

    monkeypatch.setattr(Simulation, "hear", noted)
    async with a_call(registry, "--simulate") as call:
        await call.write("a table for two")
        assert (await call.until(says("caller")))["text"] == "a table for two"
        assert (await call.until(says("agent")))["text"] == "You said: a table for two"
    assert heard == ["a table for two"]
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("  stt            hearwell/small           simulated at http://127.")
    assert told[1].endswith("as it is: it has no simulator")


@pytest.mark.patter_timeout(20)
async def test_a_voice_is_heard_as_the_lines_of_a_file_then_honestly_not(
    registry: PluginRegistry, tmp_path: Path
) -> None:
    script = tmp_path / "says.txt"
    script.write_text("\n  good morning \n\n")
    async with a_call(registry, "--simulate", "--says", str(script)) as call:
        for expected in ("good morning", "(words that a simulation cannot understand)"):
            await call.say(sounded("mumbled", MULAW_8K))
            assert (await call.until(says("caller")))["text"] == expected
            await call.until(says("agent"))


def test_a_file_without_a_simulation_is_refused() -> None:
    with pytest.raises(PatterError, match="nobody reads --says"):
        phone.serve_phone(arguments("--says", "x.txt"))


def test_a_start_that_takes_long_is_spoken_of_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def described(_: argparse.Namespace) -> Any:
        threading.Event().wait(0.15)
        raise PatterError("that is enough", fix="try again")

    monkeypatch.setattr(working, "AFTER_S", 0.05)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setattr(phone, "described", described)
    with pytest.raises(PatterError, match="that is enough"):
        phone.serve_phone(arguments("bistro:agent"))
    err = capsys.readouterr().err
    assert "starting bistro:agent ..." in err, "no colour, so no repainted line"


def test_a_file_that_is_not_there_is_refused() -> None:
    with pytest.raises(PatterError, match=r"x\.txt cannot be read: FileNotFoundError"):
        simulate.lines_of("x.txt")


async def test_a_carrier_is_never_shown_the_key_of_a_double(registry: PluginRegistry) -> None:
    with without_keys():
        served = Patter(carrier=SoftphoneCarrier(), tunnel=Tunnel(), registry=registry)
        agent = served.agent("Hi.", stt="hearwell", llm=FakeLLM(), tts=FakeTTS(), vad=FakeVAD())
    with pytest.raises(PatterError, match="tunnel 'Tunnel' has no key"):
        async with simulate.simulating(served, agent, arguments("--simulate")):
            pytest.fail("it ran")
