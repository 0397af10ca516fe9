"""SmartTurnDetector judges with the file it is given, in a thread; a wrong one is refused early."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import attrs
import pytest

from patter import Agent, PluginRegistry
from patter.errors import PatterConfigError, PatterError, ProviderError
from patter.observe.events import EngineStep, Turn
from patter.plugins.kinds import TURN_DETECTOR_KIND
from patter_smart_turn import SmartTurnDetector
from patter_smart_turn._model import load, workers
from patter_testing import FakeLLM, FakeSTT, FakeTTS, FakeVAD, lab

from .conftest import Write

VARIABLE = "PATTER_SMART_TURN_MODEL"
LOUD = b"\x00\x10\x00\xf0" * 4_000


def refusal(**given: Any) -> PatterError:
    with pytest.raises(PatterConfigError) as caught:
        SmartTurnDetector(**given)
    assert caught.value.fix
    return caught.value


def counting(detector: SmartTurnDetector, seen: list[str]) -> SmartTurnDetector:
    """The same detector, whose session notes the threads it runs in."""

    @attrs.frozen
    class Session:
        real: Any

        def run(self, *words: Any) -> Any:
            seen.append(threading.current_thread().name)
            return self.real.run(*words)

    model: Any = detector._model
    object.__setattr__(detector, "_model", attrs.evolve(model, session=Session(model.session)))
    return detector


# --- what it says


async def test_it_answers_what_the_network_makes_of_the_end_of_the_audio(network: Write) -> None:
    detector = SmartTurnDetector(model_path=network())
    silent = await detector.predict(b"", "")
    assert silent == pytest.approx(1 / (1 + 2.718281828 ** (2 * 1.5 - 1)), abs=1e-4)
    loud, faded = await detector.predict(LOUD, ""), await detector.predict(LOUD + bytes(64_000), "")
    assert loud > faded > silent


async def test_what_was_said_longer_ago_than_its_window_does_not_matter(network: Write) -> None:
    detector = SmartTurnDetector(model_path=network())
    window = LOUD * 8 + LOUD
    assert detector.window_ms == 8_000
    last = window[-detector.accepts[0].bytes_in(8_000) :]
    assert await detector.predict(bytes(9_999) + b"\0" + window * 2, "") == pytest.approx(
        await detector.predict(window + last, ""), abs=1e-6
    )


async def test_it_judges_in_its_own_threads(network: Write) -> None:
    seen: list[str] = []
    detector = counting(SmartTurnDetector(model_path=network()), seen)
    await asyncio.gather(*(detector.predict(LOUD, "") for _ in range(12)))
    assert len(seen) == 12
    assert all(name.startswith("smart-turn") for name in seen)
    assert len(set(seen)) <= max(1, (os.cpu_count() or 1) // 2)


async def test_a_judgement_that_nobody_waits_for_is_never_made(network: Write) -> None:
    seen: list[str] = []
    detector = counting(SmartTurnDetector(model_path=network()), seen)
    release, pool = threading.Event(), workers()
    for _ in range(pool._max_workers):
        pool.submit(release.wait, 20)
    try:
        stale = [asyncio.ensure_future(detector.predict(LOUD, "")) for _ in range(5)]
        await asyncio.sleep(0)
        for each in stale:
            each.cancel()
        await asyncio.gather(*stale, return_exceptions=True)
    finally:
        release.set()
    await detector.predict(LOUD, "")
    assert len(seen) == 1


# --- the file


def test_the_variable_names_the_file(network: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(network()))
    assert SmartTurnDetector().model_path == str(network())
    other = network("other.onnx")
    assert SmartTurnDetector(model_path=other).model_path == str(other)


def test_without_a_file_it_says_how_to_name_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    error = refusal()
    assert error.message == "SmartTurnDetector has no model_path"
    assert error.fix == f"export {VARIABLE}, or SmartTurnDetector(model_path=...)"


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert "there is no Smart Turn model at" in refusal(model_path=tmp_path / "no.onnx").message
    assert "there is no Smart Turn model at" in refusal(model_path=tmp_path).message


def test_a_file_that_is_no_network_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "page.onnx"
    path.write_text("<html>Access denied</html>")
    assert refusal(model_path=path).message == f"{path} is not an ONNX model"


def test_a_file_that_was_cut_short_is_refused(network: Write) -> None:
    path = network()
    path.write_bytes(path.read_bytes()[:-60])
    refusal(model_path=path)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"shape": ("batch", 80, 3_000)}, "input_features tensor(float) ['batch', 80, 3000]"),
        ({"shape": ("batch", 128, 800)}, "128, 800]"),
        ({"inputs": 2}, "more_1 tensor(float)"),
    ],
    ids=["thirty seconds", "128 bands", "two inputs"],
)
def test_a_network_that_takes_something_else_is_refused(
    network: Write, changes: dict[str, Any], said: str
) -> None:
    error = refusal(model_path=network(**changes))
    assert said in error.message and "80 x 800" in error.message
    assert "smart-turn-v3" in error.fix


@pytest.mark.parametrize(
    "changes",
    [{"sigmoid": False, "bias": 5.0}, {"answers": 2}, {"bias": float("nan")}],
    ids=["logits", "two classes", "nan"],
)
def test_a_network_that_answers_with_something_else_is_refused(
    network: Write, changes: dict[str, Any]
) -> None:
    assert "not one probability" in refusal(model_path=network(**changes)).message


async def test_an_answer_beyond_one_in_a_call_is_an_error_and_no_verdict(network: Write) -> None:
    detector = SmartTurnDetector(model_path=network(sigmoid=False, gain=10.0, bias=15.1))
    with pytest.raises(ProviderError, match="not one probability"):
        await detector.predict(LOUD * 8, "")


@pytest.mark.parametrize("shape", [("s6", 80, 800), (1, 80, 800)])
def test_the_batch_may_have_any_name_or_be_one(network: Write, shape: tuple[Any, ...]) -> None:
    SmartTurnDetector(model_path=network(shape=shape, name="features"))


def test_one_file_is_loaded_once_however_it_is_named(
    network: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = network()
    (tmp_path / "link.onnx").symlink_to(path)
    monkeypatch.chdir(tmp_path)
    names = [str(path), "tiny.onnx", "./link.onnx"]
    models = {id(SmartTurnDetector(model_path=name)._model) for name in names}
    assert len(models) == 1
    assert SmartTurnDetector(model_path=network("other.onnx"))._model is not load(path)


# --- its settings


@pytest.mark.parametrize("threshold", [0, 1, -1, 50])
def test_a_threshold_is_a_probability_between_never_and_always(
    network: Write, threshold: float
) -> None:
    with pytest.raises(ValueError, match="threshold"):
        SmartTurnDetector(model_path=network(), threshold=threshold)


def test_a_string_names_it(network: Write) -> None:
    spec = f"smart-turn?threshold=0.7&model_path={network()}"
    detector = PluginRegistry.from_environment().resolve(TURN_DETECTOR_KIND, spec)
    assert detector == SmartTurnDetector(model_path=network(), threshold=0.7)


def test_what_is_wrong_is_among_what_is_wrong_with_an_agent(monkeypatch: Any) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    agent = Agent(system_prompt="", turn_detector="smart-turn", silence_ms=-1)
    with pytest.raises(PatterConfigError) as caught:
        agent.gather(PluginRegistry.from_environment())
    assert "SmartTurnDetector has no model_path" in caught.value.message
    assert "silence_ms=-1" in caught.value.message


# --- in a call


@pytest.mark.virtual_time
@pytest.mark.parametrize(
    ("bias", "finished", "speak_after_ms", "later_ms"),
    [(9.0, True, 0, 0), (-9.0, False, 0, 700), (9.0, True, 1_000, -400), (-9.0, False, 1_000, 200)],
)
async def test_its_vote_decides_how_long_a_pause_may_last(
    network: Write, bias: float, finished: bool, speak_after_ms: int, later_ms: int
) -> None:
    ended = []
    for detector in (None, SmartTurnDetector(model_path=network(bias=bias))):
        agent = Agent(
            system_prompt="Be brief.",
            stt=FakeSTT(),
            llm=FakeLLM(),
            tts=FakeTTS(),
            vad=FakeVAD(),
            turn_detector=detector,
            speak_after_ms=speak_after_ms,
        )
        async with lab(agent) as call:
            assert await call.says("a table for two") == "Yes."
        ended.append(call.of(Turn)[0].at_ms)
    assert ended[1] - ended[0] == later_ms
    inputs = [event.input for event in call.of(EngineStep)]
    votes = [each["fields"] for each in inputs if each["name"] == "EndOfTurnVerdict"]
    assert [vote["finished"] for vote in votes] == [finished]


# --- what it costs who does not use it


def run(code: str, **env: str) -> str:
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, capture_output=True, text=True, check=True, env=env or None)
    return done.stdout.strip()


def test_naming_the_package_loads_no_runtime() -> None:
    code = "import sys, patter_smart_turn, patter_smart_turn.plugin; print('numpy' in sys.modules)"
    assert run(code) == "False"


def test_the_library_below_it_reports_to_nobody_and_leaves_no_id_of_the_machine(
    network: Write, tmp_path: Path
) -> None:
    home, path = tmp_path / "home", network()
    home.mkdir()
    code = f"from patter_smart_turn import SmartTurnDetector as D; D(model_path={str(path)!r})"
    run(
        code,
        HOME=str(home),
        PATH="",
        PYTHONDONTWRITEBYTECODE="1",
        PYTHONPATH=os.pathsep.join(sys.path),
    )
    assert list(home.rglob("*")) == []
