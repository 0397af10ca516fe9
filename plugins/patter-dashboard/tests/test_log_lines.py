"""The log lines of a call, over HTTP: whose they are, how many, and what is never in them."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import copy_context
from typing import Any

import pytest

from patter.audio.formats import AudioFormat
from patter.log_lines import CALL_ID, EVENTS_LOGGER
from patter.observe.stored_calls import TOMBSTONE
from patter.providers.context import CallContext
from patter.safe_text import forget_secret, remember_secret
from patter_dashboard.log_lines import IN_ALL, OF_A_CALL, TRACE, CallLines
from patter_testing import FakeSTT

from .records import THEIRS, CallShelf, Site, conversation, served
from .test_served import phone_served, until

tool = logging.getLogger("bistro.tools")


def in_call(call_id: str, log: Callable[..., object], *words: object) -> None:
    """Log as whatever runs in the call does."""

    def run() -> None:
        CALL_ID.set(call_id)
        log(*words)

    copy_context().run(run)


@pytest.fixture
def informative() -> Iterator[None]:
    """An application that logs INFO."""
    tool.setLevel(logging.INFO)
    yield
    tool.setLevel(logging.NOTSET)


async def texts(site: Site, query: str = "") -> list[str]:
    return [line["text"] for line in (await site.api(f"/calls/a7f3/logs{query}"))["data"]]


class LoudSTT(FakeSTT):
    """Logs as a plugin of somebody's does, where it is asked to hear a call."""

    @asynccontextmanager
    async def open(self, call: CallContext, audio: AudioFormat) -> AsyncIterator[Any]:
        tool.warning("%s cannot be heard well", THEIRS)
        async with super().open(call, audio) as session:
            yield session


async def test_what_is_logged_in_a_call_is_on_its_page(shelf: CallShelf) -> None:
    async with phone_served(shelf.root, LoudSTT()) as phone:
        await phone.site.indexed()
        call_id, leg = await phone.rings()
        other, _ = await phone.rings("+15550107799")
        await until(phone.live)
        (line,) = (await phone.site.api(f"/calls/{call_id}/logs"))["data"]
        assert line["text"] == "***7788 cannot be heard well"
        assert (line["level"], line["logger"], line["error"]) == ("WARNING", "bistro.tools", None)
        assert len((await phone.site.api(f"/calls/{other}/logs"))["data"]) == 1
        leg.hang_up()

        async def recorded() -> bool:
            await phone.site.look()
            row = await phone.site.api(f"/calls/{call_id}")
            return not row["call"]["live"]

        await until(recorded)
        assert (await phone.site.api(f"/calls/{call_id}"))["warnings"] == 1
        documented = await phone.site.get(f"/api/dashboard/calls/{call_id}/log")
        assert documented == {"data": [line], "dropped": 0}


@pytest.mark.usefixtures("informative")
async def test_information_is_shown_on_request(shelf: CallShelf) -> None:
    shelf.keep("a7f3", conversation())
    async with served(shelf.root) as site:
        in_call("a7f3", tool.info, "two tables are free")
        in_call("a7f3", tool.error, "no table is free")
        in_call("b", tool.error, "another call")
        tool.error("no call at all")
        logging.getLogger("patter.server").warning("call %s: it is late", "a7f3")
        in_call("a7f3", logging.getLogger(EVENTS_LOGGER).error, "an event, which has its list")
        assert await texts(site) == ["no table is free", "call a7f3: it is late"]
        assert await texts(site, "?level=info") == ["two tables are free", *await texts(site)]
        wrong = await site.api("/calls/a7f3/logs?level=debug", 400)
        assert "warning" in wrong["error"]["fix"]


async def test_no_secret_no_number_and_nothing_of_an_erased_call(shelf: CallShelf) -> None:
    directory = shelf.keep("a7f3", conversation(caller=THEIRS))
    remember_secret("sk-4711-open-sesame")
    try:
        async with served(shelf.root) as site:
            try:
                raise ValueError(f"sk-4711-open-sesame of {THEIRS}\x1b[2J")
            except ValueError:
                in_call(
                    "a7f3",
                    tool.exception,
                    f"{THEIRS.removeprefix('+')} pays\nby sk-4711-open-sesame",
                )
            (line,) = (await site.api("/calls/a7f3/logs"))["data"]
            assert line["text"] == "***7788 pays\\nby [hidden]"
            assert line["error"].endswith("ValueError: [hidden] of ***7788\\x1b[2J")
            (directory / TOMBSTONE).write_text("{}")
            await site.api("/calls/a7f3/logs", 404)
            assert site.dashboard.lines.of("a7f3") == []
    finally:
        forget_secret("sk-4711-open-sesame")


@pytest.mark.usefixtures("informative")
async def test_a_call_that_logs_without_end_keeps_its_newest_lines(shelf: CallShelf) -> None:
    shelf.keep("a7f3", conversation())
    async with served(shelf.root) as site:
        in_call("a7f3", tool.warning, "the first")
        for number in range(OF_A_CALL + 5):
            in_call("a7f3", tool.info, "table %d", number)
        got = await site.api("/calls/a7f3/logs?level=info")
        assert got["dropped"] == 5
        assert [line["text"] for line in got["data"]][:2] == ["the first", "table 5"]
        assert (await site.api("/calls/a7f3/logs"))["dropped"] == 0


def test_all_calls_together_keep_so_many_lines() -> None:
    lines = CallLines()
    with lines.listening():
        for call in range(IN_ALL // OF_A_CALL + 1):
            for _ in range(OF_A_CALL + 1):
                in_call(f"c{call}", tool.warning, "a line")
        in_call(
            "c1",
            tool.exception,
            "x" * 9_000,
        )
    kept = [len(lines.of(f"c{call}")) for call in range(IN_ALL // OF_A_CALL + 1)]
    assert kept[0] == 0 and kept[1:] == [OF_A_CALL] * (IN_ALL // OF_A_CALL)
    assert len(lines.of("c1")[-1]["text"]) < 9_000
    lines.forget("c1")
    lines.forget("c1")
    assert lines.of("c1") == []


def test_a_traceback_keeps_its_end() -> None:
    lines = CallLines()
    with lines.listening():
        try:
            raise ValueError("x" * 2 * TRACE + " the end")
        except ValueError:
            in_call("a", tool.exception, "it failed")
    (line,) = lines.of("a")
    assert len(line["error"]) == TRACE and line["error"].endswith("the end")


@contextmanager
def no_other_handlers() -> Iterator[None]:
    root = logging.getLogger()
    before, root.handlers = root.handlers, []
    try:
        yield
    finally:
        root.handlers = before


def test_a_program_without_logging_is_still_told_of_warnings(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with no_other_handlers(), CallLines().listening(), CallLines().listening():
        tool.warning("the table wobbles")
        monkeypatch.setattr(logging, "lastResort", None)
        tool.warning("nobody is to be told")
    assert capsys.readouterr().err == "the table wobbles\n"
