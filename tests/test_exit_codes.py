"""The command line as programs use it: JSON that parses, and a status that says what to do."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .processes import LIMIT_S, clean, first_page, patter

BUSY = "{port}"
EMPTY = "from patter import Patter\nphone = Patter(carrier='softphone')\n"
BROKEN = "import nothing_of_this_name\n"
TUNNEL = """
from patter import Patter, PatterConnectionError
from patter_testing import FakeLLM, FakeSTT, FakeTTS

class Mole:
    def open(self, port):
        raise PatterConnectionError("the mole is asleep", fix="wake it")

phone = Patter(carrier="softphone", tunnel=Mole(), persist=False)
agent = phone.agent("", stt=FakeSTT(), llm=FakeLLM(), tts=FakeTTS())
"""
FARM = """
from patter import Patter

phone = Patter(carrier="softphone", persist=False)
agent = phone.agent("Be brief.", stt="pocketsphinx", llm="rules", tts="espeak")
"""
WRONG = [
    (2, "INPUT_VALIDATION", ("plugin",)),
    (2, "INPUT_VALIDATION", ("plugins", "--chekc")),
    (2, "INPUT_VALIDATION", ("explain", "farm")),
    (2, "INPUT_VALIDATION", ("doctor", "farm:agent", "--only", "kyes")),
    (2, "INPUT_VALIDATION", ("serve", "farm:agent", "--port", "many")),
    (3, "CONFIG", ("plugins", "sst")),
    (3, "CONFIG", ("explain", "bistro:agent")),
    (3, "CONFIG", ("explain", "empty:agent")),
    (3, "CONFIG", ("phone", "broken:agent", "--offline", "--no-open")),
    (3, "CONFIG", ("explain", "farm:agent", "--stt", "pocketsphynx")),
    (3, "CONFIG", ("explain", "farm:agent", "--tts", "espeak?voise=en")),
    (3, "CONFIG", ("serve", "farm:agent", "--port", BUSY)),
    (3, "CONFIG", ("phone", "farm:agent", "--offline", "--no-open", "--port", BUSY)),
    (4, "CONNECTION", ("serve", "tunnel:agent", "--port", "0", "--no-dashboard")),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with one module for each thing that can be wrong with one."""
    found = tmp_path_factory.mktemp("modules")
    texts = {"bistro": first_page(), "empty": EMPTY, "broken": BROKEN, "tunnel": TUNNEL}
    for name, text in {**texts, "farm": FARM}.items():
        (found / f"{name}.py").write_text(text, encoding="utf-8")
    return found


@pytest.fixture(scope="module")
def taken() -> Iterator[str]:
    """A port that somebody else listens on."""
    with socket.create_server(("127.0.0.1", 0)) as busy:
        yield str(busy.getsockname()[1])


def ran(folder: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        patter(*words),
        cwd=folder,
        env=clean(folder, **more),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        stdin=subprocess.DEVNULL,
    )


def answer(folder: Path, *words: str) -> Any:
    """The JSON on stdout of a command that goes well and complains of nothing."""
    done = ran(folder, *words, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_plugins_tells_who_is_installed_and_works(folder: Path) -> None:
    told = answer(folder, "plugins", "--check")
    states = {(row["kind"], row["name"]): row["state"] for row in told["plugins"]}
    assert states[("carrier", "softphone")] == "ok"
    assert set(states.values()) == {"ok"}
    assert told["v"] == 1


def test_explain_tells_what_a_call_will_do(folder: Path) -> None:
    told = answer(folder, "explain", "farm:agent")
    assert told["v"] == 1
    assert told["audio"][0]["source"] == "softphone"


def test_doctor_tells_that_all_is_there(folder: Path) -> None:
    told = answer(folder, "doctor", "farm:agent")
    levels = {check["name"]: check["level"] for check in told["checks"]}
    assert (told["v"], told["failed"], set(levels.values())) == (1, 0, {"ok"})
    assert {"plugins", "records", "environment"} <= set(levels)


def test_doctor_tells_each_thing_that_is_not_there(folder: Path) -> None:
    done = ran(folder, "doctor", "bistro:agent", "--json")
    told = json.loads(done.stdout)
    failed = [check for check in told["checks"] if check["level"] == "FAIL"]
    assert (done.returncode, done.stderr, told["failed"]) == (1, "", len(failed))
    missing = {check["text"]: check["fix"] for check in failed}
    assert missing["Twilio has no account_sid"].startswith("export TWILIO_ACCOUNT_SID")
    assert all(missing.values())


def test_a_check_that_fails_is_a_no_and_names_the_plugin(folder: Path) -> None:
    (folder / "acme-1.dist-info").mkdir()
    (folder / "acme-1.dist-info" / "METADATA").write_text("Name: acme\nVersion: 1\n")
    (folder / "acme-1.dist-info" / "entry_points.txt").write_text(
        "[patter.stt]\nacme = broken\n", encoding="utf-8"
    )
    done = ran(folder, "plugins", "stt", "--check", "--json", PYTHONPATH=str(folder))
    rows = {row["name"]: row for row in json.loads(done.stdout)["plugins"]}
    assert done.returncode == 1
    assert (rows["acme"]["state"], rows["pocketsphinx"]["state"]) == ("broken", "ok")
    assert "nothing_of_this_name" in rows["acme"]["reason"]


@pytest.mark.parametrize(("status", "code", "words"), WRONG, ids=lambda each: str(each)[:60])
def test_what_is_wrong_has_its_status_its_code_and_a_fix(
    folder: Path, taken: str, status: int, code: str, words: tuple[str, ...]
) -> None:
    done = ran(folder, *(taken if word == BUSY else word for word in words), "--json", "--quiet")
    error = json.loads(done.stderr)["error"]
    assert (done.returncode, error["code"]) == (status, code), error
    assert error["message"]
    assert error["fix"]
    assert done.stdout == ""


def test_without_json_it_is_two_lines_and_no_traceback(folder: Path) -> None:
    done = ran(folder, "explain", "farm:agent", "--stt", "pocketsphynx")
    assert done.stderr.splitlines() == [
        "error[CONFIG]: no stt provider named 'pocketsphynx' is installed",
        "fix: did you mean 'pocketsphinx'?",
    ]
