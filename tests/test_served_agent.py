"""An agent that is served, as the application around it sees it: callbacks, records, neighbours.

Real sockets and a real caller; only the parts that would need a key are fakes.
"""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from patter import Patter
from patter.errors import WebhookVerificationError
from patter_softphone import Softphone
from patter_testing import FakeSTT, FakeTTS

from .processes import row, running

GREETING = "Good evening."
START = {"call_id", "caller", "callee", "direction", "telephony_provider", "custom_params"}
END = {
    *("call_id", "caller", "callee", "ended_at", "transcript", "conversation_history"),
    *("history", "duration", "outcome", "metrics", "recording_path"),
}

pytestmark = pytest.mark.patter_timeout(60)


class Told:
    """What each callback was told, in order."""

    def __init__(self) -> None:
        self.data: list[tuple[str, dict[str, Any]]] = []

    def of(self, name: str) -> list[dict[str, Any]]:
        return [data for told, data in self.data if told == name]

    def sync(self, name: str, answer: object = None) -> Any:
        def tell(data: dict[str, Any]) -> object:
            self.data.append((name, data))
            return answer

        return tell

    def later(self, name: str, answer: object = None) -> Any:
        async def tell(data: dict[str, Any]) -> object:
            self.data.append((name, data))
            return answer

        return tell


@asynccontextmanager
async def served(phone: Patter, name: str = "agent", **callbacks: Any) -> AsyncIterator[str]:
    """The URL of an agent of *phone* that greets, while inside; every call ends before."""
    agent = phone.agent(
        "Be brief.",
        stt=FakeSTT(),
        llm="rules",
        tts=FakeTTS(ms_per_letter=10),
        first_message=GREETING,
        name=name,
    )
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(phone.serve(agent, port=0, **callbacks))
        yield await phone.ready
        await phone.disconnect()
    assert serving.result() is True


async def talk(url: str, words: str, greeting: str = GREETING, **variables: str) -> str:
    """Call, hear *greeting*, say *words*, hear them again, hang up; the call's id."""
    async with Softphone(url=url, caller="Ada", variables=variables).call() as call:
        await row(call, "agent", greeting)
        await call.write(words)
        await row(call, "agent", words)
        await call.hang_up()
    return call.call_id


@pytest.mark.parametrize("kind", ["sync", "later"])
async def test_callbacks_are_told_what_they_were_promised_and_may_change_the_call(
    kind: str,
) -> None:
    told = Told()
    tell = getattr(told, kind)
    names = ("on_call_end", "on_transcript", "on_metrics")
    start = tell("on_call_start", {"first_message": "Buona sera."})
    phone = Patter(carrier="softphone", persist=False)
    async with served(phone, on_call_start=start, **{name: tell(name) for name in names}) as url:
        call_id = await talk(url, "hello", "Buona sera.", table="7")
    (started,), (ended,) = told.of("on_call_start"), told.of("on_call_end")
    assert set(started) == START
    assert (started["caller"], started["custom_params"]) == ("Ada", {"table": "7"})
    assert (started["telephony_provider"], started["direction"]) == ("softphone", "inbound")
    said = [("assistant", "Buona sera."), ("user", "hello"), ("assistant", "You said: hello.")]
    rows = told.of("on_transcript")
    assert [(each["role"], each["text"]) for each in rows] == said
    assert all({"role", "text", "call_id", "history"} <= set(each) for each in rows)
    assert [len(each["history"]) for each in rows] == [1, 2, 3]
    assert set(ended) == END
    assert [tuple(each.values()) for each in ended["transcript"]] == said
    assert all(set(each) == {"role", "text", "timestamp"} for each in ended["history"])
    assert (ended["outcome"], ended["metrics"].turn_count) == ("completed", 1)
    metrics = told.of("on_metrics")
    assert [set(each) for each in metrics] == [{"call_id", "turn", "cost_so_far", "llm_ttft_ms"}]
    assert {data["call_id"] for _, data in told.data} == {call_id}
    assert told.data[0][0] == "on_call_start"
    assert told.data[-1][0] == "on_call_end"


async def test_callbacks_that_raise_end_no_call_and_are_named_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(data: dict[str, Any]) -> None:
        raise RuntimeError("not my day")

    async def also_broken(data: dict[str, Any]) -> None:
        raise RuntimeError("nor mine")

    ended = Told()
    names: dict[str, Any] = {
        "on_call_start": broken,
        "on_transcript": also_broken,
        "on_metrics": broken,
    }
    phone = Patter(carrier="softphone", persist=False)
    with caplog.at_level(logging.ERROR, "patter.phone.callbacks"):
        async with served(phone, **names, on_call_end=ended.sync("on_call_end")) as url:
            call_id = await talk(url, "hello")
        async with served(phone, on_call_end=also_broken) as url:
            await talk(url, "again")
    (end,) = ended.of("on_call_end")
    assert (end["outcome"], len(end["history"])) == ("completed", 3)
    failed = {record.getMessage() for record in caplog.records}
    assert {f"call {call_id}: {name} failed" for name in names} < failed
    assert len([each for each in failed if "on_call_end failed" in each]) == 1


async def test_two_phones_in_one_process_share_neither_calls_callbacks_nor_records(
    tmp_path: Path,
) -> None:
    told = Told(), Told()
    logs = [tmp_path / name for name in ("one", "two")]
    phones = [Patter(carrier="softphone", persist=str(log)) for log in logs]
    async with (
        served(phones[0], "one", on_call_end=told[0].sync("on_call_end")) as first,
        served(phones[1], "two", on_call_end=told[1].later("on_call_end")) as second,
    ):
        assert first != second
        ids = await asyncio.gather(talk(first, "first"), talk(second, "second"))
        strange = Softphone(url=second)
        async with Softphone(url=first).call() as call:
            with pytest.raises(WebhookVerificationError):
                await strange.call(call.media_path).__aenter__()
            assert not call.over
            await call.hang_up()
    assert [len(each.of("on_call_end")) for each in told] == [2, 1]
    assert told[1].of("on_call_end")[0]["call_id"] == ids[1]
    kept = [{path.parent.name for path in log.rglob("call.jsonl")} for log in logs]
    assert kept == [{ids[0], call.call_id}, {ids[1]}]


SILENT = """
import asyncio, json
from patter import Patter
from patter_testing import FakeSTT, FakeTTS

async def main():
    phone = Patter(carrier="softphone", persist=False)
    agent = phone.agent("", stt=FakeSTT(), llm="rules", tts=FakeTTS(), first_message="Hello.")
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(phone.serve(agent, port=0))
        print(json.dumps({"url": await phone.ready}), flush=True)
    print(json.dumps({"clean": serving.result()}))

asyncio.run(main())
"""


async def test_without_persist_nothing_is_written_whatever_the_environment_says(
    tmp_path: Path,
) -> None:
    (tmp_path / "silent.py").write_text(SILENT, encoding="utf-8")
    command = [sys.executable, "-B", "silent.py"]
    async with running(tmp_path, command, PATTER_LOG_DIR=str(tmp_path / "log")) as process:
        url = await process.told("url")
        await talk(url, "hello", "Hello.")
        process.send(signal.SIGTERM)
        assert await process.ended() == 0
    assert json.loads(process.out[-1]) == {"clean": True}
    assert [path.name for path in tmp_path.rglob("*")] == ["silent.py"]
