"""The tunnel with a fake cloudflared on PATH: ready when it is, and nothing of it stays."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from patter import ErrorCode, PatterError
from patter.providers.health import HealthReport
from patter_cloudflare import CloudflareTunnel
from patter_testing.suites.rules import nothing_left

from .programs import HOST, Fake

OnPath = Callable[[str], Fake]


@asynccontextmanager
async def failing(tunnel: CloudflareTunnel, code: ErrorCode) -> AsyncIterator[list[PatterError]]:
    """Open *tunnel*, which must fail with *code*; the body sees the error."""
    async with nothing_left():
        with pytest.raises(PatterError) as caught:
            async with tunnel.open(8_000):
                pytest.fail("it opened")
    assert caught.value.code is code
    yield [caught.value]


class Heard(logging.Handler):
    """Waits for what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.message: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.ERROR and not self.message.done():
            self.message.set_result(record.getMessage())


@pytest.fixture
async def heard() -> AsyncIterator[Heard]:
    handler, log = Heard(), logging.getLogger("patter.cloudflare")
    log.addHandler(handler)
    yield handler
    log.removeHandler(handler)


@pytest.mark.parametrize("variant", ["good", "json", "stdout", "slow", "no-metrics", "flood"])
async def test_it_opens_on_the_name_it_was_given(on_path: OnPath, variant: str) -> None:
    fake = on_path(variant)
    async with nothing_left(), CloudflareTunnel().open(8_123) as host:
        assert host == HOST
        assert not fake.all_ended()
    assert fake.all_ended()


async def test_it_is_asked_for_our_port_and_reads_nobodys_configuration(on_path: OnPath) -> None:
    fake = on_path("good")
    async with CloudflareTunnel().open(8_123):
        told = fake.arguments
    assert told[0] == "tunnel"
    assert told[told.index("--url") + 1] == "http://127.0.0.1:8123"
    assert told[told.index("--config") + 1] == os.devnull
    assert "--no-autoupdate" in told
    assert "--protocol" not in told


async def test_a_protocol_and_a_configuration_are_passed_on(on_path: OnPath) -> None:
    fake = on_path("good")
    async with CloudflareTunnel(protocol="http2", config="mine.yml").open(8_123):
        told = fake.arguments
    assert told[told.index("--protocol") + 1] == "http2"
    assert told[told.index("--config") + 1] == "mine.yml"


async def test_it_is_ready_when_it_says_so_itself(on_path: OnPath) -> None:
    fake = on_path("slow")
    async with CloudflareTunnel().open(8_000):
        asked = [note["status"][:3] for note in fake.notes if note.get("asked") == "/ready"]
    assert asked == ["503", "503", "200"]


async def test_two_at_once_do_not_disturb_each_other(on_path: OnPath) -> None:
    fake, tunnel = on_path("good"), CloudflareTunnel()
    async with tunnel.open(8_001) as one, tunnel.open(8_002) as other:
        assert one == other == HOST
        assert len(set(fake.pids)) == 2
    assert fake.all_ended()


async def test_without_cloudflared_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    async with failing(CloudflareTunnel(), ErrorCode.CONNECTION) as [error]:
        assert error.message == "cloudflared is not on PATH"
        assert error.fix == "install cloudflared, or pass --webhook-url HOST"


async def test_a_file_that_is_no_program_is_a_connection_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "cloudflared").write_bytes(b"\x7fELF of another machine")
    (tmp_path / "cloudflared").chmod(0o755)
    async with failing(CloudflareTunnel(), ErrorCode.CONNECTION) as [error]:
        assert "cannot be run" in error.message


@pytest.mark.parametrize(
    ("variant", "code", "told", "fix"),
    [
        ("garbled", ErrorCode.CONNECTION, "status 1", "cloudflarestatus"),
        ("too-many", ErrorCode.RATE_LIMIT, "429 Too Many", "wait some minutes"),
        ("no-network", ErrorCode.CONNECTION, "no such host", "api.trycloudflare.com"),
        ("old", ErrorCode.CONNECTION, "flag provided", "update cloudflared"),
        ("name-then-exit", ErrorCode.CONNECTION, "Quitting due to error", "by hand"),
    ],
)
async def test_one_that_ends_early_is_told_with_its_last_words(
    on_path: OnPath, variant: str, code: ErrorCode, told: str, fix: str
) -> None:
    fake = on_path(variant)
    async with failing(CloudflareTunnel(), code) as [error]:
        assert told in error.message
        assert fix in error.fix
        assert "hunter2" not in str(error)
    assert fake.all_ended()


@pytest.mark.parametrize(
    ("variant", "start_s", "told", "fix"),
    [
        ("silent", 1.0, "gave no address after 1 s", "by hand"),
        ("unconnected", 0.8, "is not connected after 0.8 s", "7844"),
        ("never-ready", 0.8, "is not connected after 0.8 s", "7844"),
    ],
)
async def test_one_that_is_not_ready_in_time_is_given_up_and_ended(
    on_path: OnPath, variant: str, start_s: float, told: str, fix: str
) -> None:
    fake = on_path(variant)
    async with failing(CloudflareTunnel(start_s=start_s), ErrorCode.TIMEOUT) as [error]:
        assert error.message.startswith(f"cloudflared {told}")
        assert fix in error.fix
    assert fake.all_ended()


@pytest.mark.parametrize("variant", ["stubborn", "wrapper"])
async def test_one_that_does_not_heed_is_killed_with_all_it_started(
    on_path: OnPath, variant: str
) -> None:
    fake = on_path(variant)
    async with nothing_left(), CloudflareTunnel(end_s=0.1).open(8_000):
        assert not fake.all_ended()
    assert len(fake.pids) == (2 if variant == "wrapper" else 1)
    await until(fake.all_ended)


async def test_a_body_that_fails_ends_it_and_its_error_is_not_wrapped(on_path: OnPath) -> None:
    fake = on_path("good")
    with pytest.raises(KeyError, match="mine"):
        async with CloudflareTunnel().open(8_000):
            raise KeyError("mine")
    assert fake.all_ended()


@pytest.mark.parametrize("variant", ["good", "silent", "stubborn"])
async def test_cancelling_ends_it_whatever_it_was_at(on_path: OnPath, variant: str) -> None:
    fake = on_path(variant)

    async def hold() -> None:
        async with CloudflareTunnel(end_s=0.1).open(8_000):
            await asyncio.get_running_loop().create_future()

    async with nothing_left(), asyncio.TaskGroup() as tasks:
        task = tasks.create_task(hold())
        await until(lambda: fake.waits)
        task.cancel()
    assert fake.all_ended()


async def test_cancelling_the_goodbye_kills_it(on_path: OnPath) -> None:
    fake = on_path("stubborn")
    closing = asyncio.Event()

    async def hold() -> None:
        async with CloudflareTunnel(end_s=60).open(8_000):
            closing.set()

    async with nothing_left(), asyncio.TaskGroup() as tasks:
        task = tasks.create_task(hold())
        await closing.wait()
        await asyncio.sleep(0)
        task.cancel()
    assert fake.all_ended()


async def test_one_that_dies_while_open_is_logged_with_what_to_do(
    on_path: OnPath, heard: Heard
) -> None:
    fake = on_path("good")
    async with nothing_left(), CloudflareTunnel().open(8_000):
        await until(lambda: fake.waits)
        os.kill(fake.pids[0], signal.SIGUSR1)
        message = await heard.message
        assert "ended with status 3" in message
        assert HOST in message
        assert "Connection terminated error=timeout" in message
        assert "fix: restart" in message


async def test_what_it_says_while_open_is_read_to_the_end(on_path: OnPath, heard: Heard) -> None:
    fake = on_path("flood")
    async with nothing_left(), CloudflareTunnel().open(8_000):
        await until(lambda: fake.waits)
        os.kill(fake.pids[0], signal.SIGUSR1)
        message = await heard.message
    assert "Connection terminated" in message
    assert len(message) < 1_000


async def test_an_end_that_was_asked_for_is_not_an_error(
    on_path: OnPath, caplog: pytest.LogCaptureFixture
) -> None:
    on_path("good")
    async with CloudflareTunnel().open(8_000):
        pass
    assert not caplog.records


@pytest.mark.parametrize("variant", ["good", "stubborn", "wrapper", "flood"])
async def test_a_check_tells_the_version_and_leaves_nothing(on_path: OnPath, variant: str) -> None:
    fake = on_path(variant)
    async with nothing_left():
        assert await CloudflareTunnel().check() == HealthReport(text="cloudflared 2025.8.1")
    assert fake.arguments == ["--version"]
    await until(fake.all_ended)


@asynccontextmanager
async def check_failing(code: ErrorCode, start_s: float = 30) -> AsyncIterator[list[PatterError]]:
    """A check that must fail with *code*; the body sees the error."""
    async with nothing_left():
        with pytest.raises(PatterError) as caught:
            await CloudflareTunnel(start_s=start_s).check()
    assert caught.value.code is code
    yield [caught.value]


async def test_a_check_without_cloudflared_fails_as_opening_would(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    async with (
        failing(CloudflareTunnel(), ErrorCode.CONNECTION) as [opened],
        check_failing(ErrorCode.CONNECTION) as [checked],
    ):
        assert (checked.message, checked.fix) == (opened.message, opened.fix)


async def test_a_check_of_one_that_cannot_tell_its_version_says_how_it_ended(
    on_path: OnPath,
) -> None:
    fake = on_path("old")
    async with check_failing(ErrorCode.CONNECTION) as [error]:
        assert "ended with status 1, asked for its version: Incorrect Usage" in error.message
        assert error.fix == "install cloudflared again, or pass --webhook-url HOST"
    assert fake.all_ended()


async def test_a_check_of_one_that_hangs_is_given_up_and_it_is_ended(on_path: OnPath) -> None:
    fake = on_path("silent")
    async with check_failing(ErrorCode.TIMEOUT, start_s=3.0) as [error]:
        assert error.message == "cloudflared did not tell its version in 3 s"
    assert fake.all_ended()


async def until(holds: Callable[[], bool]) -> None:
    """Look until *holds*; a process tells nobody when its file is written."""
    while not holds():
        await asyncio.sleep(0.01)
