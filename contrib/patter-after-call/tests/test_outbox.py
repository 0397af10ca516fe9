"""A letter arrives at least once, whatever receiver and process do, or is given up aloud."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patter import RateLimitError
from patter.clock import LoopClock
from patter.egress.signing import is_signed
from patter_after_call import Outbox, plugin
from patter_after_call import outbox as module
from patter_after_call.letters import DEAD, Letter, forget_dead, letters_in, post_letter
from patter_after_call.outbox import LONGEST_S, backoff_s

from .receiver import receiving

SECRET = "a secret of some length"
DELIVERS = """
import asyncio, sys
from pathlib import Path
from patter_after_call import Outbox
asyncio.run(Outbox(root=Path(sys.argv[1]), url=sys.argv[2], first_s=0.05).run())
"""


@pytest.fixture(autouse=True)
def loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATTER_EGRESS_ALLOW", "127.0.0.1")


class Later:
    """A clock whose wall is some days ahead."""

    days = 0.0
    ms, at, sleep = LoopClock().ms, LoopClock().at, LoopClock().sleep

    def wall(self) -> float:
        return time.time() + self.days * 86_400


def box_at(root: Path, url: str, **fields: Any) -> Outbox:
    return Outbox(**{"root": root, "url": url, "first_s": 0.05, "within_s": 0.5, **fields})


@asynccontextmanager
async def delivering(*boxes: Outbox) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(each.run()) for each in boxes]
        try:
            yield
        finally:
            for task in running:
                task.cancel()


async def empty(box: Outbox, within_s: float = 8.0) -> None:
    async with asyncio.timeout(within_s):
        while letters_in(box.folder):
            await asyncio.sleep(0.01)


async def test_a_letter_arrives_signed_with_its_key_and_is_removed(tmp_path: Path) -> None:
    async with receiving() as receiver:
        box = box_at(tmp_path, receiver.url, secret=SECRET)
        await box.put("call-1", {"event": "call.ended", "words": "Grüezi"})
        assert len(letters_in(box.folder)) == 1
        async with delivering(box):
            await receiver.has(1)
            await box.put("call-2", {"n": 2})
            await receiver.has(2)
            await empty(box)
    assert receiver.got[0][:2] == ("call-1", {"event": "call.ended", "words": "Grüezi"})
    for body, (_, _, signature) in zip(receiver.raw, receiver.got, strict=True):
        assert is_signed(body, signature, SECRET, wall=time.time())
    (file,) = [each for each in box.folder.iterdir() if each.is_file()]
    assert file.name == "lock" and file.stat().st_mode & 0o777 == 0o600


async def test_a_receiver_that_fails_gets_the_same_key_until_it_takes_it(tmp_path: Path) -> None:
    async def react(count: int) -> int:
        return 500 if count < 4 else 204

    async with receiving(react) as receiver:
        box = box_at(tmp_path, receiver.url)
        async with delivering(box):
            await box.put("call-1", {})
            await receiver.has(4)
            await empty(box)
        assert receiver.keys == ["call-1"] * 4


async def test_pauses_hold_across_processes_while_a_receiver_is_dead(tmp_path: Path) -> None:
    async with receiving() as receiver:
        url = receiver.url
    box = box_at(tmp_path, url, first_s=30.0)
    async with delivering(box):
        await box.put("call-1", {})
        async with asyncio.timeout(5):
            while not (letters := letters_in(box.folder)) or not letters[0].attempts:
                await asyncio.sleep(0.01)
    async with receiving(port=int(url.split(":")[2].split("/")[0])) as receiver:
        async with delivering(box_at(tmp_path, url, first_s=30.0)):
            await asyncio.sleep(0.3)
        assert receiver.got == []
        async with delivering(box_at(tmp_path, url, first_s=0.05)):
            await receiver.has(1)
            await empty(box)


async def test_a_slow_receiver_holds_up_nobody_else(tmp_path: Path) -> None:
    over = asyncio.Event()

    async def hangs(_: int) -> int:
        await over.wait()
        return 200

    async with receiving(hangs) as slow, receiving() as quick:
        boxes = box_at(tmp_path, slow.url), box_at(tmp_path, quick.url)
        for number in range(8):
            for box in boxes:
                await box.put(f"call-{number}", {})
        async with delivering(*boxes):
            await quick.has(8)
            before = len(slow.got)
            await slow.has(5)
            over.set()
        assert before <= module.AT_ONCE
        assert sorted(quick.keys) == [f"call-{number}" for number in range(8)]
        assert len(letters_in(boxes[0].folder)) >= 4


async def test_a_letter_is_given_up_after_its_days_and_said_to_be(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def refuses(_: int) -> int:
        return 503

    async with receiving(refuses) as receiver:
        clock = Later()
        box = box_at(tmp_path, receiver.url, clock=clock, days=3.0)
        async with delivering(box):
            await box.put("call-1", {})
            await receiver.has(2)
            assert letters_in(box.folder / DEAD) == []
            clock.days = 4.0
            await empty(box)
    (dead,) = letters_in(box.folder / DEAD)
    assert dead.key == "call-1"
    (aloud,) = [each for each in caplog.records if "given up after" in each.message]
    assert aloud.levelno == logging.ERROR and receiver.url in aloud.message


async def test_kill_9_between_acceptance_and_removal_delivers_again_with_the_same_key(
    tmp_path: Path,
) -> None:
    process: asyncio.subprocess.Process | None = None

    async def kills(count: int) -> int:
        if count == 1:
            # The receiver has taken it; its answer never reaches whoever sent it.
            assert process is not None
            os.kill(process.pid, signal.SIGKILL)
            await process.wait()
        return 200

    async with receiving(kills) as receiver:
        box = box_at(tmp_path, receiver.url)
        await box.put("call-1", {"n": 1})
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", DELIVERS, str(tmp_path), receiver.url
        )
        await receiver.has(1, within_s=20)
        assert await process.wait() == -signal.SIGKILL
        assert [each.key for each in letters_in(box.folder)] == ["call-1"]
        async with delivering(box):
            await receiver.has(2)
            await empty(box)
        assert receiver.keys == ["call-1", "call-1"]
        assert receiver.got[0][1] == receiver.got[1][1] == {"n": 1}


async def test_one_process_delivers_to_a_destination_at_a_time(tmp_path: Path) -> None:
    async with receiving() as receiver:
        boxes = [box_at(tmp_path, receiver.url) for _ in range(2)]
        async with delivering(*boxes):
            for number in range(20):
                await boxes[0].put(f"call-{number}", {})
            await receiver.has(20)
            await empty(boxes[0])
        assert sorted(receiver.keys) == sorted(f"call-{number}" for number in range(20))


async def test_letters_of_another_process_are_seen_by_the_one_that_delivers(
    tmp_path: Path,
) -> None:
    async with receiving() as receiver:
        holder, other = (box_at(tmp_path, receiver.url) for _ in range(2))
        async with delivering(holder):
            await asyncio.sleep(0.5)  # it has the lock, has looked, and sleeps
            await other.put("call-1", {})
            await receiver.has(1)


async def test_a_disk_that_fails_for_a_while_costs_no_letter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failing, tried = [True], Letter.tried

    def on_a_full_disk(letter: Letter, now_s: float) -> Letter:
        if failing[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        return tried(letter, now_s)

    monkeypatch.setattr(Letter, "tried", on_a_full_disk)
    monkeypatch.setattr(module, "PAUSE_S", 0.05)
    async with receiving() as receiver:
        box = box_at(tmp_path, receiver.url)
        await box.put("call-1", {})
        await box.put("call-2", {})
        async with delivering(box):
            await asyncio.sleep(0.3)
            assert receiver.got == [] and len(letters_in(box.folder)) == 2
            failing[0] = False
            await receiver.has(2)
            await empty(box)
    assert letters_in(box.folder / DEAD) == []
    assert "No space left on device" in caplog.text


async def test_an_outbox_that_cannot_be_opened_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAUSE_S", 0.05)
    (tmp_path / "outbox").write_text("in the way")
    async with receiving() as receiver:
        box = box_at(tmp_path, receiver.url)
        async with delivering(box):
            await asyncio.sleep(0.2)
            (tmp_path / "outbox").unlink()
            await box.put("call-1", {})
            await receiver.has(1)


async def test_the_same_key_waits_once_and_too_many_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LETTERS_MOST", 3)
    box = box_at(tmp_path, "https://hooks.example/x")
    for key in ("a", "b", "b", "c"):
        await box.put(key, {})
    with pytest.raises(RateLimitError, match="3 webhooks wait"):
        await box.put("d", {})
    assert [each.key for each in letters_in(box.folder)] == ["a", "b", "c"]


async def test_a_letter_that_cannot_be_read_does_not_stop_the_others(tmp_path: Path) -> None:
    async with receiving() as receiver:
        box = box_at(tmp_path, receiver.url)
        await box.put("broken", {})
        letters_in(box.folder)[0].path.write_bytes(b"{")
        await box.put("whole", {})
        async with delivering(box):
            await receiver.has(1)
            await empty(box)
    assert receiver.keys == ["whole"]
    assert [each.key for each in letters_in(box.folder / DEAD)] == ["broken"]


@given(st.integers(0, 9_999), st.floats(0.01, 60))
def test_pauses_grow_up_to_an_hour(attempts: int, first_s: float) -> None:
    assert 0 <= backoff_s(attempts, first_s) <= backoff_s(attempts + 1, first_s) <= LONGEST_S


@settings(max_examples=20)
@given(key=st.from_regex(r"\A[A-Za-z0-9._-]{1,120}\Z"), ms=st.integers(0, 10**12))
def test_a_letters_name_says_what_it_is(
    tmp_path_factory: pytest.TempPathFactory, key: str, ms: int
) -> None:
    folder = tmp_path_factory.mktemp("box")
    post_letter(folder, key, ms / 1_000, {"k": key})
    (letter,) = letters_in(folder)
    assert (letter.key, letter.created_s, letter.attempts) == (key, ms / 1_000, 0)
    again = letter.tried(5.0)
    assert letters_in(folder) == [again] and again.attempts == 1
    assert again.read() == {"k": key}


async def test_letters_about_erased_calls_are_gone_dead_ones_too(tmp_path: Path) -> None:
    boxes = [box_at(tmp_path, f"https://hooks.example/{name}") for name in "ab"]
    for box in boxes:
        for call_id in ("1", "2", "3"):
            await box.put(f"call-{call_id}", {})
    letters_in(boxes[0].folder)[0].give_up()
    plugin.patter_calls_erased(tmp_path, ["1", "3"])
    left = [each.key for box in boxes for each in letters_in(box.folder)]
    assert left == ["call-2", "call-2"] and letters_in(boxes[0].folder / DEAD) == []


async def test_dead_letters_are_kept_for_a_month(tmp_path: Path) -> None:
    box = box_at(tmp_path, "https://hooks.example/a")
    await box.put("call-1", {})
    letters_in(box.folder)[0].give_up()
    for days, left in ((29, 1), (31, 0)):
        forget_dead(box.folder, time.time() + days * 86_400)
        assert len(letters_in(box.folder / DEAD)) == left
