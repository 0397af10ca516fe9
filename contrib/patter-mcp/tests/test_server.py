"""``patter-mcp``: a desktop assistant calls somebody, reads what was said, and hangs up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

import attrs
import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp_types import ToolAnnotations

from patter import InputError
from patter_mcp.shelf import CallShelf

HERE = Path(__file__).parent
# Each starts processes, which import for seconds, and more on a busy machine.
pytestmark = pytest.mark.patter_timeout(90)
ADA, LONG = "+15550107788", "+15550107799"


@attrs.frozen
class Assistant:
    """A desktop assistant with a session."""

    client: Client

    async def ask(self, tool: str, **arguments: Any) -> Any:
        """The answer of *tool*; the text of a failure."""
        result = await self.client.call_tool(tool, arguments)
        text = "\n".join(getattr(block, "text", "") for block in result.content)
        if result.is_error:
            return text
        return (result.structured_content or {}).get("result", result.structured_content)


Opened: TypeAlias = Callable[..., AbstractAsyncContextManager[Assistant]]


@pytest.fixture
def assistant(tmp_path: Path) -> Opened:
    """Starts ``patter-mcp`` as an assistant would: a process, spoken to over its pipes."""
    root = tmp_path / "log"
    root.mkdir(mode=0o700)

    @asynccontextmanager
    async def opened(*words: str, log: bool = True, **environ: str) -> AsyncIterator[Assistant]:
        env = {**os.environ, **environ, "DESK_LOG": str(root) if log else ""}
        command = ["-m", "patter_mcp", "answering:agent", "--port", "0", *words]
        server = StdioServerParameters(command=sys.executable, args=command, env=env, cwd=HERE)
        with (tmp_path / "stderr").open("w") as errors:
            async with Client(stdio_client(server, errlog=errors)) as client:
                yield Assistant(client)

    return opened


async def test_an_assistant_calls_reads_and_lists(assistant: Opened) -> None:
    async with assistant() as desk:
        made = await desk.ask("place_call", to=ADA, goal="Book a table.")
        assert (made["status"], made["outcome"]) == ("completed", "answered")
        assert made["transcript"][0]["text"].startswith("Good evening")
        (listed,) = await desk.ask("list_calls")
        assert (listed["call_id"], listed["number"]) == (made["call_id"], ADA)
        record = await desk.ask("read_transcript", call_id=made["call_id"])
        assert record["transcript"][0]["role"] == "assistant"
    # A call of another session is read from the log.
    async with assistant() as desk:
        again = await desk.ask("read_transcript", call_id=made["call_id"])
        assert again["transcript"] == record["transcript"]


async def test_a_long_call_goes_on_until_it_is_hung_up(assistant: Opened) -> None:
    async with assistant("--wait", "1.5") as desk:
        made = await desk.ask("place_call", to=LONG, goal="Wait.")
        assert made["status"] == "in_progress" and made["call_id"]
        assert "goes on" in await desk.ask("place_call", to=LONG, goal="Wait.")
        reading = await desk.ask("read_transcript", call_id=made["call_id"])
        assert reading["status"] == "in_progress"
        assert made["call_id"] in await desk.ask("end_call")
        assert "no one call is meant" in await desk.ask("end_call", call_id="another")


async def test_numbers_are_written_as_the_log_writes_them(assistant: Opened) -> None:
    async with assistant(PATTER_LOG_REDACT_PHONE="mask") as desk:
        made = await desk.ask("place_call", to=ADA, goal="Book.")
        everything = json.dumps([made, await desk.ask("list_calls")])
        everything += json.dumps(await desk.ask("read_transcript", call_id=made["call_id"]))
    assert "***7788" in everything and "***0009" in everything
    assert ADA not in everything and "+15550100009" not in everything


async def test_without_a_log_the_calls_of_the_session_are_there(assistant: Opened) -> None:
    async with assistant(log=False) as desk:
        made = await desk.ask("place_call", to=ADA, goal="Book.")
        (listed,) = await desk.ask("list_calls")
        assert listed["call_id"] == made["call_id"]
        assert (await desk.ask("read_transcript", call_id=made["call_id"]))["transcript"]


async def test_nothing_but_calls_is_read(tmp_path: Path) -> None:
    (tmp_path / "calls/2026/01/01").mkdir(parents=True)
    outside = tmp_path / "secret"
    outside.mkdir()
    (outside / "metadata.json").write_text('{"status": "completed"}')
    for call_id in ["../../../../secret", str(outside), ".", "..", "", "*", "x" * 200, "a\0b"]:
        with pytest.raises(InputError, match="there is no call"):
            CallShelf(tmp_path).transcript(call_id)


async def test_only_those_who_are_allowed_are_called(assistant: Opened) -> None:
    async with assistant("--allow", "+4930*") as desk:
        assert "not allowed" in await desk.ask("place_call", to=ADA, goal="Book.")
        assert "fix:" in await desk.ask("place_call", to="+4930", goal="Book.")
        assert await desk.ask("list_calls") == []


async def test_what_costs_money_and_what_only_reads_is_annotated(assistant: Opened) -> None:
    async with assistant() as desk:
        listed = (await desk.client.list_tools()).tools
    hints = {each.name: each.annotations or ToolAnnotations() for each in listed}
    assert hints.keys() == {"place_call", "list_calls", "read_transcript", "end_call"}
    assert hints["place_call"].destructive_hint and not hints["place_call"].idempotent_hint
    assert hints["end_call"].destructive_hint
    assert hints["list_calls"].read_only_hint and hints["read_transcript"].read_only_hint


def test_an_assistant_that_leaves_ends_the_process() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "patter_mcp", "answering:agent"],
        cwd=HERE,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=80,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (0, b"")


def test_a_wrong_target_is_an_error_with_a_fix() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "patter_mcp", "nowhere:agent"],
        capture_output=True,
        text=True,
        timeout=80,
        check=False,
    )
    assert ran.returncode == 3
    assert "there is no module 'nowhere' here" in ran.stderr and "fix:" in ran.stderr
