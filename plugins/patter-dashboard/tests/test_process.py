"""Work beside the server: what it answers, and that it never lasts for good."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any, cast

import pytest

from patter.errors import PatterTimeoutError
from patter_dashboard._process import python
from patter_dashboard.health import Health

HANGS = "import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(60)"


async def run(*words: str, within_s: float = 20.0) -> Any:
    return await python(*words, within_s=within_s, what="the work", fix="do it yourself")


def is_gone(told: Path) -> bool:
    try:
        os.kill(int(told.read_text()), 0)
    except ProcessLookupError:
        return True
    return False


async def test_what_it_wrote_and_how_it_ended_is_told() -> None:
    ended = await run("-c", "import sys; print('out'); print('oh', file=sys.stderr); sys.exit(3)")
    assert (ended.status, ended.output, ended.complaint) == (3, b"out\n", b"oh\n")


async def test_one_that_a_signal_ended_has_not_succeeded() -> None:
    ended = await run("-c", "import os; os.kill(os.getpid(), 9)")
    assert ended.status == -signal.SIGKILL


async def test_one_that_hangs_is_killed_and_said_to_be_late(tmp_path: Path) -> None:
    told = tmp_path / "pid"
    with pytest.raises(PatterTimeoutError, match="the work took longer than 2 s") as caught:
        await run("-c", HANGS, str(told), within_s=2.0)
    assert caught.value.fix == "do it yourself"
    assert is_gone(told)


async def test_nobody_waits_for_one_whose_asker_has_left(tmp_path: Path) -> None:
    told = tmp_path / "pid"
    asking = asyncio.get_running_loop().create_task(run("-c", HANGS, str(told)))
    while not (told.exists() and told.read_text()):
        await asyncio.sleep(0.02)
    asking.cancel()
    await asyncio.wait({asking})
    assert asking.cancelled() and is_gone(told)


async def test_the_doctor_is_asked_for_its_findings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATTER_LOG_DIR", str(tmp_path / "log"))
    found = await Health(cast(Any, None)).doctor()
    assert {"plugins", "environment"} <= {each["name"] for each in found}
    assert {each["status"] for each in found} <= {"ok", "warn", "fail"}
