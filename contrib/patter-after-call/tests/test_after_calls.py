"""What a model says of a call is kept beside its record, and sent; its failure hurts nothing."""

from __future__ import annotations

import asyncio
import errno
import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from patter import (
    Patter,
    PatterConfigError,
    PatterConnectionError,
    PatterError,
    PluginRegistry,
    ProviderError,
)
from patter.clock import LoopClock
from patter.observe.codec import encode_line
from patter.observe.events import CallEvent, Ended, Row, Started, ToolRun
from patter.observe.log_root import call_directory
from patter.observe.stored_calls import TOMBSTONE
from patter_after_call import AfterCall, after_calls, plugin
from patter_after_call import worker as module
from patter_after_call.conversation import CHARS_MOST, conversation
from patter_after_call.letters import letters_in
from patter_after_call.stored import read_after_call, write_after_call
from patter_after_call.worker import Worker
from patter_testing import FakeCarrier, FakeLLM, Reply

from .receiver import receiving

GOOD: dict[str, Any] = {
    "summary": "The caller booked a table for two.",
    "disposition": "booked",
    "review": {"greeted": {"passed": True, "reason": "It said hello."}},
}
SETTINGS: dict[str, Any] = {
    "outcomes": ("booked", "not_booked"),
    "criteria": {"greeted": "Did the agent greet the caller?"},
    "timeout_s": 1,
}


class Later:
    """A clock whose wall is some seconds ahead."""

    ahead_s = 0.0
    ms, at, sleep = LoopClock().ms, LoopClock().at, LoopClock().sleep

    def wall(self) -> float:
        return time.time() + self.ahead_s


def said(value: object) -> Reply:
    return Reply(text=orjson.dumps(value).decode())


def events(*rows: tuple[str, str]) -> list[CallEvent]:
    talk: list[CallEvent] = [
        Row(call="c", seq=at + 2, role=role, text=text, turn=at)  # type: ignore[arg-type]
        for at, (role, text) in enumerate(rows)
    ]
    started = Started(call="c", seq=1, caller="+15550107788", wall=time.time())
    return [started, *talk, Ended(call="c", seq=9_999, outcome="completed", turns=1)]


TALK = events(("agent", "Hello."), ("caller", "a table for two"), ("agent", "Booked."))


def keep(root: Path, call_id: str, record: list[CallEvent] = TALK) -> Path:
    """A finished record, as a phone leaves it."""
    directory = call_directory(root, call_id, time.time())
    directory.mkdir(parents=True)
    whole = directory / "whole"
    whole.write_bytes(b"".join(encode_line(each).rstrip() + b"\n" for each in record))
    whole.rename(directory / "call.jsonl")
    return directory


async def started(root: Path, llm: object = None, **fields: Any) -> tuple[Worker, Later]:
    """A worker that was there before the calls of the test, and its clock."""
    clock, settings = Later(), AfterCall(**{**SETTINGS, **fields}, llm=llm)
    worker = Worker(root=root, settings=settings, llm=llm, clock=clock)  # type: ignore[arg-type]
    assert await worker.look() == 0
    return worker, clock


async def test_summary_outcome_and_review_are_kept_beside_the_record(tmp_path: Path) -> None:
    llm = FakeLLM(replies=(said(GOOD),))
    worker, _ = await started(tmp_path, llm)
    directory = keep(tmp_path, "7f3a91")
    assert await worker.look() == 1
    kept = read_after_call(directory)
    assert kept is not None
    assert {name: kept[name] for name in GOOD} == GOOD
    assert (kept["status"], kept["v"], kept["call"]["outcome"]) == ("done", 1, "completed")
    assert kept["usage"]["tokens_out"] > 0
    assert (directory / "after_call.json").stat().st_mode & 0o777 == 0o600
    asked = llm.requests[0].messages[1].text
    assert "caller: a table for two\nagent: Booked." in asked
    assert await worker.look() == 0


async def test_a_disk_that_fails_costs_neither_the_worker_nor_the_other_calls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, _ = await started(tmp_path, FakeLLM(replies=(said(GOOD),)))
    worker.look_s = 0.05
    directories = [keep(tmp_path, name) for name in ("a", "b", "c")]
    full = {"a", "c"}

    def on_a_full_disk(directory: Path, document: dict[str, Any]) -> bool:
        if directory.name in full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write_after_call(directory, document)

    monkeypatch.setattr(module, "write_after_call", on_a_full_disk)
    async with worker.running(), asyncio.timeout(8):
        while read_after_call(directories[1]) is None:
            await asyncio.sleep(0.01)
        full.clear()
        while not all(map(read_after_call, directories)):
            await asyncio.sleep(0.01)


async def test_a_record_that_breaks_the_reader_is_noted_and_not_tried_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(directory: Path) -> list[CallEvent]:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(module, "read_record", broken)
    worker, _ = await started(tmp_path, FakeLLM(replies=(said(GOOD),)))
    directory = keep(tmp_path, "a")
    assert await worker.look() == 1
    kept = read_after_call(directory) or {}
    assert (kept["status"], kept["error"]["code"]) == ("failed", "INTERNAL")
    assert await worker.look() == 0


async def test_an_answer_around_the_json_is_read_and_a_wrong_one_asked_for_again(
    tmp_path: Path,
) -> None:
    wrong = {**GOOD, "disposition": "sold"}
    around = Reply(text=f"Here you are:\n```json\n{orjson.dumps(GOOD).decode()}\n```")
    llm = FakeLLM(replies=(said(wrong), around))
    worker, _ = await started(tmp_path, llm)
    directory = keep(tmp_path, "a")
    await worker.look()
    assert (read_after_call(directory) or {})["disposition"] == "booked"
    assert "disposition" in llm.requests[1].messages[-1].text


@pytest.mark.parametrize(
    ("reply", "code", "again"),
    [
        (said({**GOOD, "more": 1}), "PROVIDER_ERROR", False),
        (said({**GOOD, "summary": "x" * 1_501}), "PROVIDER_ERROR", False),
        (Reply(text="I cannot."), "PROVIDER_ERROR", False),
        (Reply(silent=True), "TIMEOUT", True),
        (Reply(fails=PatterConnectionError("gone", fix="wait")), "CONNECTION", True),
        (Reply(fails=ProviderError("broken", fix="mend it")), "PROVIDER_ERROR", False),
    ],
)
async def test_a_failing_model_is_noted_and_hurts_nothing(
    tmp_path: Path, reply: Reply, code: str, again: bool
) -> None:
    worker, _ = await started(tmp_path, FakeLLM(replies=(reply,)))
    directory = keep(tmp_path, "a")
    body = (directory / "call.jsonl").read_bytes()
    assert await worker.look() == 1
    kept = read_after_call(directory) or {}
    assert (kept["status"], kept["error"]["code"]) == ("failed", code)
    assert kept["error"]["fix"] and ("retry_s" in kept) is again
    assert await worker.look() == 0
    assert (directory / "call.jsonl").read_bytes() == body


async def test_a_model_that_comes_back_is_asked_again(tmp_path: Path) -> None:
    down = Reply(fails=PatterConnectionError("gone", fix="wait"))
    llm = FakeLLM(replies=(down, down, said(GOOD)))
    worker, clock = await started(tmp_path, llm)
    directory = keep(tmp_path, "a")
    for ahead_s in (0, 30, 70, 800):
        clock.ahead_s = ahead_s
        await worker.look()
    kept = read_after_call(directory) or {}
    assert kept["status"] == "done" and "retry_s" not in kept and len(llm.requests) == 3


async def test_calls_before_the_first_start_and_erased_ones_are_left_alone(tmp_path: Path) -> None:
    before = keep(tmp_path, "before")
    os.utime(before / "call.jsonl", (time.time() - 60, time.time() - 60))
    worker, _ = await started(tmp_path, FakeLLM(replies=(said(GOOD),)))
    gone = keep(tmp_path, "gone")
    (gone / TOMBSTONE).write_text("{}")
    goes_on = call_directory(tmp_path, "on", time.time())
    goes_on.mkdir(parents=True)
    (goes_on / "call.jsonl.part").write_bytes(b"")
    assert await worker.look() == 0
    assert read_after_call(before) is None and read_after_call(gone) is None


async def test_a_call_that_is_erased_meanwhile_gets_no_file(tmp_path: Path) -> None:
    def erases(_: object) -> Reply:
        (directory / TOMBSTONE).write_text("{}")
        (directory / "call.jsonl").unlink()
        return said(GOOD)

    worker, _ = await started(tmp_path, FakeLLM(answer=erases), webhooks="https://x.example/y")
    directory = keep(tmp_path, "a")
    await worker.look()
    assert not (directory / "after_call.json").exists()
    assert letters_in(worker.outboxes[0].folder) == []


async def test_results_are_sent_and_a_call_without_words_asks_no_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATTER_EGRESS_ALLOW", "127.0.0.1")
    llm = FakeLLM(replies=(said(GOOD),))
    async with receiving() as receiver:
        worker, _ = await started(tmp_path, llm, webhooks=receiver.url)
        worker.look_s = 0.02
        async with worker.running():
            keep(tmp_path, "talk")
            keep(tmp_path, "silent", events())
            await receiver.has(2)
    got = {key: body for key, body, _ in receiver.got}
    assert got["call-talk"]["disposition"] == "booked"
    assert got["call-talk"]["event"] == "call.ended"
    assert got["call-silent"]["status"] == "no_conversation"
    assert len(llm.requests) == 1


async def test_without_a_model_the_webhook_has_the_figures(tmp_path: Path) -> None:
    worker, _ = await started(tmp_path, webhooks="https://hooks.example/calls")
    keep(tmp_path, "a")
    await worker.look()
    (letter,) = letters_in(worker.outboxes[0].folder)
    body = letter.read()
    assert (body["status"], body["call"]["outcome"]) == ("not_asked", "completed")


async def test_a_phone_is_followed_and_one_without_records_is_refused(tmp_path: Path) -> None:
    registry = PluginRegistry.from_environment({}, source=[])
    fields: dict[str, Any] = {
        "carrier": FakeCarrier(),
        "registry": registry,
        "phone_number": "+15550001234",
    }
    phone = Patter(**fields, persist=str(tmp_path))
    async with after_calls(phone, AfterCall(llm=FakeLLM(replies=(said(GOOD),)), **SETTINGS)) as it:
        it.look_s = 0.02
        async with asyncio.timeout(8):
            while not (tmp_path / "outbox" / "since.json").exists():
                await asyncio.sleep(0.01)
            directory = keep(tmp_path, "a")
            while read_after_call(directory) is None:
                await asyncio.sleep(0.02)
    silent = Patter(**fields, persist=False)
    with pytest.raises(PatterConfigError, match="none are kept"):
        async with after_calls(silent, AfterCall(llm=FakeLLM())):
            pass
    with pytest.raises(PatterConfigError, match="nothing is to be done"):
        async with after_calls(phone, AfterCall()):
            pass


async def test_the_variables_make_an_extension_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = SimpleNamespace(served=SimpleNamespace(log=SimpleNamespace(root=tmp_path)))
    assert plugin.patter_server_scope(server) is None
    monkeypatch.setenv("PATTER_AFTER_CALL_WEBHOOKS", "https://a.example/x, https://b.example/y")
    monkeypatch.setenv("PATTER_AFTER_CALL_OUTCOMES", "won,lost")
    settings = AfterCall.from_environment()
    assert settings is not None and settings.outcomes == ("won", "lost")
    assert len(settings.webhooks) == 2
    scope = plugin.patter_server_scope(server)
    assert scope is not None
    async with scope, asyncio.timeout(5):
        while not (tmp_path / "outbox" / "since.json").exists():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    "fields",
    [
        {"outcomes": ("a", "a")},
        {"outcomes": ("",)},
        {"criteria": {"x": ""}},
        {"criteria": {str(number): "?" for number in range(21)}},
        {"days": 0},
        {"timeout_s": 0.5},
        {"webhooks": "ftp://x.example"},
        {"webhooks": "http://localhost/x"},
    ],
)
def test_settings_that_cannot_work_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(PatterError) as raised:
        AfterCall(**fields)
    assert raised.value.fix


def test_a_long_conversation_is_cut_in_its_middle_and_tools_are_in_it() -> None:
    long = events(*(("caller", f"line {number} " + "word " * 40) for number in range(500)))
    tool = ToolRun(call="c", seq=998, name="book", what="finished", result="42", ok=True)
    text = conversation([*long[:-1], tool])
    assert len(text) < CHARS_MOST + 200
    assert text.startswith("caller: line 0 ") and text.endswith("tool book: 42")
    assert "lines are left out" in text
