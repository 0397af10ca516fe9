"""What /proc tells of a process: who listens, what is open, and nothing of one that is gone."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from patter.errors import ErrorCode, PatterError
from patter_load import proc
from patter_load.census import ServerProcess, of_process
from patter_load.child import child
from patter_load.served import Settings

pytestmark = pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="needs /proc")


def test_the_process_at_a_port_and_its_connections_are_found() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert proc.listener(port) == os.getpid()
        assert proc.sockets(os.getpid(), port) == 0
        with socket.create_connection(("127.0.0.1", port)), server.accept()[0]:
            assert proc.sockets(os.getpid(), port) == 1
            seen = ServerProcess.at(port, local=True).look()
            assert seen is not None
            assert (seen.sockets, seen.tasks) == (1, None)
            assert seen.rss > 2**20
            assert seen.fds >= 3
    assert proc.listener(port) is None


def test_of_another_machine_and_of_what_is_gone_nothing_is_told() -> None:
    assert ServerProcess.at(80, local=False).look() is None
    with subprocess.Popen([sys.executable, "-c", ""]) as done:
        done.wait()
    assert of_process(done.pid, 80) is None


async def test_an_agent_that_dies_at_its_start_is_told_and_leaves_no_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "dies.py").write_text("import os; os._exit(7)", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PatterError, match="gives no answer") as error:
        async with child(Settings(target="dies:agent", api="http://127.0.0.1:1", calls=1)):
            raise AssertionError("it serves")
    assert error.value.code is ErrorCode.CONNECTION
