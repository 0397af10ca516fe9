"""``patter call`` asks, calls one person, shows the call and says by its status how it went."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import importlib_metadata
import pytest
from importlib_metadata import EntryPoints

from patter import CallOutcome, CallResult, InputError
from patter.cli import main
from patter.cli.call import Watch, last_line, price, status_of, variables_of
from patter.cli.out import WIDTH, Out
from patter.cli.screen import Screen
from patter.observe.events import VERSION, CallEvent, Row, Started
from patter.observe.pricing import Bill
from patter.observe.redact import Redaction, Redactor

ADA, OURS = "+15550107788", "+15550001234"
BISTRO = """
import asyncio
from contextlib import asynccontextmanager

import attrs
from patter import AuthenticationError, Patter
from patter.aio import task_scope
from patter.providers.carrier import Answerer, CallOutcome, CarrierCall
from patter_testing import Caller, FakeCarrier, FakeLeg, FakeLLM, FakeSTT, FakeTTS, FakeVAD


@attrs.frozen(kw_only=True)
class Town(FakeCarrier):
    "Somebody is at the other end of every call."
    how: str = "person"
    tasks: list = attrs.field(factory=list, eq=False)

    @asynccontextmanager
    async def open(self, switchboard):
        async with super().open(switchboard) as line, task_scope() as tasks:
            self.tasks.append(tasks)
            yield line

    async def dial(self, request):
        if self.how == "refused":
            raise AuthenticationError("the carrier refused the key (401)", fix="check the key")
        call = CarrierCall(self.name, await super().dial(request), self.account)
        self.tasks[-1].create_task(self.reached(call, request, self.boards[-1]))
        return call.carrier_call_id

    async def reached(self, call, request, board):
        await asyncio.sleep(0.05)
        if self.how == "nobody":
            await board.report(call, "busy", CallOutcome.BUSY)
        elif self.how != "ringing":
            await getattr(self, self.how)(call, request, board)

    async def person(self, call, request, board):
        await board.detected(call, Answerer.HUMAN, raw="human")
        leg = FakeLeg()
        caller = Caller(leg, on_speech=lambda text: ears.sessions[-1].hear(text), ms_per_letter=5)
        async with task_scope() as tasks:
            tasks.create_task(board.attach(request.ticket.token, leg))
            await caller.hears_the_agent_out(quiet_ms=50)
            caller.hangs_up()
        await board.report(call, "completed", CallOutcome.ANSWERED)

    async def machine(self, call, request, board):
        leg = FakeLeg()
        async with task_scope() as tasks:
            tasks.create_task(board.attach(request.ticket.token, leg))
            await asyncio.sleep(0.05)
            await board.detected(call, Answerer.MACHINE, beep=True, raw="machine_end_beep")


ears = FakeSTT()
town = Town(how="HOW")
phone = Patter(carrier=town, phone_number="+15550001234", webhook_url="a.example.com",
               persist=False, pricing={"fake": {"unit": "minute", "price": 0.02}})
agent = phone.agent("Be brief.", stt=ears, llm=FakeLLM(), tts=FakeTTS(ms_per_letter=5),
                    vad=FakeVAD(), first_message="Hello {name}.")
"""

pytestmark = pytest.mark.patter_timeout(60)


@pytest.fixture
def bistro(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory where bistro.py will be; no plugin is installed, no record is kept."""
    monkeypatch.setattr(importlib_metadata, "entry_points", lambda: EntryPoints())
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("PATTER_LOG_DIR", "PATTER_LOG_REDACT_PHONE"):
        monkeypatch.delenv(name, raising=False)
    yield tmp_path / "bistro.py"
    sys.modules.pop("bistro", None)


def calls(bistro: Path, how: str, *words: str) -> int:
    bistro.write_text(BISTRO.replace("HOW", how))
    return main(["call", "bistro:agent", ADA, "--port", "0", *words])


def test_a_call_that_is_answered_is_shown_and_ends_with_zero(
    bistro: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert calls(bistro, "person", "--yes", "--var", "name=Ada") == 0
    out, err = capsys.readouterr()
    first, *lines, last = out.splitlines()
    assert first == "ringing 0 s, answered by a person"
    assert any(line.endswith("agent    Hello Ada.") for line in lines)
    assert last.startswith("answered  ")
    assert ("cost unknown" in last or "$" in last) and "  patter calls show " in last
    assert err == ""
    assert max(map(len, out.splitlines())) <= WIDTH


def test_its_own_words_number_and_patience_reach_the_call(
    bistro: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--say", "It is I.", "--from", "+15550009999", "--ring", "40", "--yes")
    assert calls(bistro, "person", *words) == 0
    (request,) = sys.modules["bistro"].town.dialed
    assert (request.from_number, request.ring_timeout_s) == ("+15550009999", 40)
    assert "It is I." in capsys.readouterr().out


def test_the_number_is_not_pointed_anywhere(bistro: Path) -> None:
    assert calls(bistro, "nobody", "--yes") == 1
    assert sys.modules["bistro"].town.orders == []


def test_a_call_nobody_takes_ends_with_one(
    bistro: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert calls(bistro, "nobody", "--yes") == 1
    assert capsys.readouterr().out.startswith("busy  rang 0 s")


def test_a_dial_that_is_refused_is_reported_once(
    bistro: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert calls(bistro, "refused", "--yes") == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "error[AUTH]: the carrier refused the key (401)\nfix: check the key\n"


def test_a_message_that_is_left_ends_with_zero_and_a_machine_without_one_with_one(
    bistro: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert calls(bistro, "machine", "--yes", "--voicemail", "Call us.") == 0
    out, _ = capsys.readouterr()
    assert "answered by a machine" in out
    assert "Call us." in out
    assert out.splitlines()[-1].startswith("voicemail  ")
    sys.modules.pop("bistro")
    assert calls(bistro, "machine", "--yes") == 1


def test_as_json_every_line_is_an_object(bistro: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert calls(bistro, "person", "--yes", "--json") == 0
    out, _ = capsys.readouterr()
    values = [json.loads(line) for line in out.splitlines()]
    assert all(value["v"] == (VERSION if "type" in value else 1) for value in values)
    names = [value.get("event") or value.get("type") for value in values]
    assert names[:2] == ["dialled", "answered"]
    assert {"started", "row", "ended"} < set(names)
    assert names[-1] == "result"
    assert values[-1]["outcome"] == "answered"
    assert values[-1]["call"] == values[2]["call"]


def test_numbers_are_shown_as_the_log_keeps_them(
    bistro: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATTER_LOG_REDACT_PHONE", "mask")
    words = ("--yes", "--json", "--say", f"You are {ADA}.")
    assert calls(bistro, "person", *words) == 0
    out, err = capsys.readouterr()
    assert ADA not in out + err
    assert OURS not in out + err
    assert "***7788" in out


def test_nobody_is_called_unasked(bistro: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert calls(bistro, "person") == 2
    _, err = capsys.readouterr()
    assert f"needs confirmation: dial {ADA} from {OURS}, " in err
    assert "fix: pass --yes" in err
    assert sys.modules["bistro"].town.dialed == []


@pytest.mark.parametrize(
    ("words", "text", "status"),
    [
        (("--from", "12"), "'12' is not an E.164 number", 2),
        (("--ring", "3"), "ring_timeout=3 is out of range", 2),
        (("--var", "Ada"), "--var Ada is not name=value", 2),
        (("--webhook-url", "a.example.com/x"), "webhook_url has a path", 3),
        (("--tunnel", "fox"), "no tunnel provider named 'fox' is known", 3),
    ],
)
def test_what_is_wrong_is_reported_before_anybody_is_called(
    bistro: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], text: str, status: int
) -> None:
    assert calls(bistro, "person", "--yes", *words) == status
    assert text in capsys.readouterr().err


def test_a_bad_number_is_reported_before_the_question(
    bistro: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bistro.write_text(BISTRO.replace("HOW", "person"))
    assert main(["call", "bistro:agent", "555-0188"]) == 2
    assert "'555-0188' is not an E.164 number" in capsys.readouterr().err


def test_a_carrier_that_cannot_call_says_so(
    bistro: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = BISTRO.replace(
        "town = Town(", "town = Town(can=attrs.evolve(Town().can, outbound=False), "
    )
    bistro.write_text(code)
    assert main(["call", "bistro:agent", ADA, "--yes"]) == 3
    assert "fake cannot place calls" in capsys.readouterr().err


def test_ctrl_c_hangs_up_and_ends_with_130(bistro: Path) -> None:
    bistro.write_text(BISTRO.replace("HOW", "ringing").replace("FAKE", "x"))
    code = (
        "import bistro, sys; from patter.cli import main; "
        "status = main(sys.argv[1:]); print([o.deed for o in bistro.town.orders]); sys.exit(status)"
    )
    words = [sys.executable, "-c", code, "call", "bistro:agent", ADA, "--yes", "--port", "0"]
    environment = {**os.environ, "PYTHONPATH": str(bistro.parent)}
    with subprocess.Popen(
        [*words, "--json", "--webhook-url", "a.example.com"],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as run:
        assert run.stdout is not None
        assert json.loads(run.stdout.readline())["event"] == "dialled"
        run.send_signal(signal.SIGINT)
        assert run.wait(timeout=40) == 130
        assert run.stdout.read().endswith("['hangup']\n")


# --- the pieces


def result(outcome: str, **flags: Any) -> CallResult:
    return CallResult(call_id="c1", outcome=CallOutcome(outcome), **flags)


@pytest.mark.parametrize(
    ("outcome", "left", "status"),
    [
        ("answered", False, 0),
        ("voicemail", True, 0),
        ("voicemail", False, 1),
        ("no_answer", False, 1),
        ("busy", False, 1),
        ("failed", False, 1),
        ("canceled", False, 1),
    ],
)
def test_the_status_says_whether_somebody_was_reached(
    outcome: str, left: bool, status: int
) -> None:
    assert status_of(result(outcome), left_message=left) == status


def test_the_last_line_says_how_it_went() -> None:
    talked = result("answered", duration_seconds=38.2, cost=0.041)
    assert last_line(talked, 4) == "answered  38 s  $0.041  patter calls show c1"
    assert (
        last_line(result("no_answer"), 25)
        == "no_answer  rang 25 s  cost unknown  patter calls show c1"
    )


def test_a_price_with_an_unknown_part_is_a_least() -> None:
    assert price(Bill(costs={"stt": 0.03, "llm": 0.04})) == "about $0.07/min"
    assert price(Bill(costs={"stt": 0.03}, unpriced=("fake minutes",))) == "at least $0.03/min"


def test_variables_are_names_and_values() -> None:
    assert variables_of(["name=Ada", "sum=1+1=2", "none="]) == {
        "name": "Ada",
        "sum": "1+1=2",
        "none": "",
    }
    for wrong in ("Ada", "=Ada", " =x"):
        with pytest.raises(InputError):
            variables_of([wrong])


def event(kind: type[CallEvent], at_ms: int = 0, **data: Any) -> CallEvent:
    return kind(call="c1", seq=1, at_ms=at_ms, **data)


def row(role: str, text: str, at_ms: int = 0) -> CallEvent:
    return event(Row, at_ms, role=role, text=text, turn=1, began_ms=at_ms)


async def shown(screen: Screen, *items: CallEvent) -> None:
    for each in items:
        screen(each)
    await screen.finish()


async def test_a_line_below_the_call_is_painted_over(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen(Out(color=False), repaint=True)
    screen.tick(4_200, ringing=True)
    await asyncio.sleep(0.25)
    screen.say("ringing 4 s, answered", {})
    screen.tick(1_000, ringing=False)
    await shown(screen, row("agent", "Hello.", 900))
    out, _ = capsys.readouterr()
    assert "\r\x1b[K ringing 4 s" in out
    assert "\r\x1b[Kringing 4 s, answered\n" in out
    assert out.endswith("\r\x1b[K speaking: nobody | 0:01\r\x1b[K")


async def test_in_a_pipe_nothing_is_painted_over(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen(Out())
    screen.tick(4_200, ringing=True)
    await shown(screen, row("agent", "Hello.", 900))
    assert capsys.readouterr().out == " 0:00.9 agent    Hello.\n"


async def test_a_number_in_words_is_hidden_too(capsys: pytest.CaptureFixture[str]) -> None:
    for out in (Out(), Out(json=True)):
        screen = Screen(out, Redactor(Redaction.MASK), ("5550107788",))
        await shown(screen, row("caller", "call 5550107788 or +15550001234"))
    text, _ = capsys.readouterr()
    assert "0107788" not in text
    assert "0001234" not in text


async def test_who_took_it_may_come_after_the_answer(
    capsys: pytest.CaptureFixture[str],
) -> None:
    from datetime import UTC, datetime

    from patter import Answerer, MachineDetectionResult

    screen = Screen(Out())
    watch = Watch(screen)
    watch(event(Started, caller=OURS, callee=ADA))
    for who in (Answerer.UNKNOWN, Answerer.FAX):
        result = MachineDetectionResult(
            call_id="c1", carrier="fake", classification=who, detected_at=datetime.now(UTC)
        )
        await watch.on_machine(result)
    await screen.finish()
    assert capsys.readouterr().out == "ringing 0 s, answered\nanswered by a fax\n"
