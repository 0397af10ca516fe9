"""``patter load`` calls whatever speaks Twilio's protocol, and says truly how that went."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .conftest import Shell

SLOW_MACHINE = ("--max-overhead", "5s", "--max-clear", "5s")
AGENT = """
from patter import Patter
from patter.testing import FakeLLM, FakeTTS
print("a module that talks")
phone = Patter(carrier="twilio", phone_number="+15550001234", tunnel=True)
agent = phone.agent("", stt="deepgram/nova-3", llm=FakeLLM(), tts=FakeTTS(ms_per_letter=20),
                    vad="none", first_message="Hello.")
"""

pytestmark = pytest.mark.patter_timeout(60)


def test_an_agent_of_any_framework_is_called_and_measured(
    shell: Shell, framework: Callable[..., Any]
) -> None:
    with framework() as url:
        status, run, err = shell.load(url, "--calls", "3", "--for", "2500ms", *SLOW_MACHINE)

    assert run["turns"] >= 3
    assert run["barge_ins"] == run["cleared"] >= 1
    assert 150 < run["response_p50"] < 1_500
    assert 75 < run["clear_p50"] < 1_500
    assert run["lost_turns"] == 0
    assert run["problems"] == []
    assert run["cpu_s"] > 0, "the process is found by the port that it listens at"
    assert run["left"] == {"tasks": None, "names": [], "sockets": 0, "fds": 0, "stopped": False}
    assert status == int(not run["holds"]), (run["faults"], err)
    # The machine may be busy with other things; then that is what is said, and nothing else.
    assert all("late themselves" in fault or "underruns" in fault for fault in run["faults"])


def test_an_agent_that_hangs_up_on_a_lone_caller_is_not_loaded(
    shell: Shell, framework: Callable[..., Any]
) -> None:
    with framework("closes") as url:
        status, _, err = shell.load(url, "--calls", "1", "--for", "2s")

    assert status == 3
    assert "a lone call did not go well: the agent hung up with 1 things left to say" in err


def test_a_socket_that_is_never_closed_is_given_up_and_told(
    shell: Shell, framework: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("patter_load.crowd.DOWN_S", 0.3)
    with framework("clings") as url:
        status, _, err = shell.load(url, "--calls", "1", "--for", "1s", "--script", "short.txt")

    assert status == 3
    assert "the media socket was not closed within 0.3 s" in err


def test_an_agent_is_served_with_simulated_vendors_and_leaves_nothing(shell: Shell) -> None:
    (shell.folder / "shop.py").write_text(AGENT, encoding="utf-8")

    words = ("--calls", "2", "--for", "3s", "--simulate", "--script", "short.txt", *SLOW_MACHINE)
    status, run, err = shell.load("shop:agent", *words)

    assert run["turns"] >= 1, err
    assert run["lost_turns"] == 0
    assert run["left"] == {"tasks": 0, "names": [], "sockets": 0, "fds": 0, "stopped": True}
    assert run["call_mb"] is not None
    assert status == int(not run["holds"])


def test_an_agent_that_cannot_be_served_is_an_error_with_its_own_fix(shell: Shell) -> None:
    (shell.folder / "broken.py").write_text("import nothing_of_that_name", encoding="utf-8")

    status, _, err = shell.load("broken:agent", "--calls", "1")

    assert status == 3
    assert "broken cannot be imported" in err
    assert "python -c 'import broken'" in err


def test_another_machine_is_called_after_a_yes_alone(shell: Shell) -> None:
    status, _, err = shell.load("https://phone.example.com/voice")

    assert status == 2
    assert "phone.example.com is not this machine" in err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("http://127.0.0.1:1/voice", "--simulate"), "cannot be changed from here"),
        (("shop:agent", "--carrier", "telnyx"), "bring their own carrier"),
        (("nonsense",), "is not module:name"),
        (("shop:agent", "--calls", "0"), "--calls 0 is not possible"),
        (("shop:agent", "--for", "soon"), "'soon' is not a valid time"),
        (("http://127.0.0.1:1/voice", "--pid", "999999999"), "there is no process 999999999"),
    ],
)
def test_a_wrong_command_line_is_told(shell: Shell, words: tuple[str, ...], told: str) -> None:
    status, _, err = shell.load(*words)

    assert status == 2
    assert told in err


def test_nobody_there_is_an_error_of_somebody_else(shell: Shell) -> None:
    status, _, err = shell.load("http://127.0.0.1:1/voice", "--calls", "1")

    assert status == 4
    assert "cannot be called" in err


def test_a_wrong_token_is_told_with_what_to_export(
    shell: Shell, framework: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "another token")
    with framework() as url:
        status, _, err = shell.load(url, "--calls", "1")

    assert status == 3
    assert "refuses the signature" in err
    assert "TWILIO_AUTH_TOKEN" in err
