"""Webhooks that arrive: each letter is kept on the disk until its receiver has taken it.

At least once: a process that is killed after the receiver took a letter, and before it was removed,
has it sent again by the next one, with the same ``Idempotency-Key``. One process of a log root
delivers to a destination at a time. A slow or dead receiver holds up nobody else's letters.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from patter import PatterError, RateLimitError
from patter.clock import Clock, LoopClock
from patter.egress.policy import EgressPolicy
from patter.egress.post import Post, PostFailure
from patter.observe.file_lock import take_over
from patter.observe.log_root import FILE_MODE, make_private
from patter.tools.webhook import KEY
from patter_after_call.letters import (
    Letter,
    destination,
    forget_dead,
    has_letter,
    letters_in,
    post_letter,
)

log = logging.getLogger("patter.after_call")
LETTERS_MOST = 10_000
"""Letters that wait for one destination; more are refused, and the refusal is noted."""
AT_ONCE = 4
WITHIN_S = 10.0
ANSWER_BYTES = 64 * 1_024
FIRST_S, LONGEST_S = 2.0, 3_600.0
DOUBLINGS = 30
LOOK_S = 1.0
SWEEP_S = 3_600.0
PAUSE_S = 10.0
"""Between two attempts to have the lock, or a disk that works."""


def backoff_s(attempts: int, first_s: float = FIRST_S) -> float:
    """How long to wait after so many *attempts*: *first_s*, then twice that, up to an hour."""
    return 0.0 if attempts < 1 else min(LONGEST_S, first_s * 2.0 ** min(attempts - 1, DOUBLINGS))


@attrs.define(eq=False, kw_only=True)
class Outbox:
    """The letters to *url*, kept below the log root *root*, and their delivery.

    They are signed with *secret* unless it is empty, and given up after *days*. An attempt takes
    *within_s* at most, and the second comes *first_s* after the first.
    """

    root: Path
    url: str
    secret: str = attrs.field(default="", repr=False)
    days: float = 3.0
    within_s: float = WITHIN_S
    first_s: float = FIRST_S
    clock: Clock = attrs.field(factory=LoopClock, repr=False)
    _woken: asyncio.Event = attrs.field(factory=asyncio.Event, init=False, repr=False)

    @property
    def folder(self) -> Path:
        """Where they are kept."""
        return destination(self.root, self.url)

    async def put(self, key: str, body: Mapping[str, Any]) -> None:
        """Keep *body*, to be sent; once this returns, it is. The same *key* again is no other.

        Raises RateLimitError when too many wait, OSError when the disk does not take it.
        """
        await asyncio.to_thread(self._put, key, body)
        self._woken.set()

    async def run(self) -> None:
        """Deliver until cancelled; a disk that fails is waited for."""
        while True:
            lock: int | None = None
            try:
                lock = await asyncio.to_thread(self._lock)
                if lock is not None:
                    await self._deliver()
            except OSError as broken:
                log.error("webhooks to %s wait: %s", self.url, broken)
            finally:
                if lock is not None:
                    os.close(lock)
            await self.clock.sleep(PAUSE_S * 1_000)

    async def _deliver(self) -> None:
        """Deliver while the disk works. Raises OSError."""
        swept_s = 0.0
        while True:
            self._woken.clear()
            wait_s = await self._round()
            if (now_s := self.clock.wall()) - swept_s >= SWEEP_S:
                swept_s = now_s
                await asyncio.to_thread(forget_dead, self.folder, now_s)
            try:
                async with asyncio.timeout(wait_s):
                    await self._woken.wait()
            except TimeoutError:
                continue

    async def _round(self) -> float:
        """Send what is due; how long until the next is. Raises OSError."""
        now_s = self.clock.wall()
        letters = await asyncio.to_thread(letters_in, self.folder)
        due = [letter for letter in letters if self._due_s(letter) <= now_s][: 16 * AT_ONCE]
        slots = asyncio.Semaphore(AT_ONCE)
        async with asyncio.TaskGroup() as tasks:
            sending = [
                tasks.create_task(self._sent(letter, slots), name=f"outbox-{letter.key}")
                for letter in due
            ]
        for broken in filter(None, (each.result() for each in sending)):
            raise broken
        if due:
            return LOOK_S / 10
        # Letters of other processes wake nobody here: they are looked for.
        return max(LOOK_S / 10, min([*(self._due_s(each) - now_s for each in letters), LOOK_S]))

    async def _sent(self, letter: Letter, slots: asyncio.Semaphore) -> OSError | None:
        """Try *letter*; what the disk refuses is returned, and the letter waits."""
        async with slots:
            try:
                await self._try(letter)
            except ValueError as unreadable:
                log.error("the letter %s cannot be read: %s", letter.path, unreadable)
                await asyncio.to_thread(letter.give_up)
            except FileNotFoundError:
                log.info("the letter %s was erased", letter.path)
            except OSError as broken:
                return broken
        return None

    async def _try(self, letter: Letter) -> None:
        body = await asyncio.to_thread(letter.read)
        # Before it is sent: a process that dies of a letter must not try it for ever at once.
        letter = await asyncio.to_thread(letter.tried, self.clock.wall())
        failure = await self._post(letter, body)
        if failure is None:
            await asyncio.to_thread(letter.delivered)
            return
        if self.clock.wall() - letter.created_s > self.days * 86_400:
            await asyncio.to_thread(letter.give_up)
            log.error(
                "webhook %s to %s is given up after %d attempts: %s",
                *(letter.key, self.url, letter.attempts, failure.message),
            )
        elif letter.attempts in (1, 5) or letter.attempts % 20 == 0:
            wait_s = backoff_s(letter.attempts, self.first_s)
            log.warning(
                "webhook %s to %s: attempt %d failed, the next in %.0f s: %s",
                *(letter.key, self.url, letter.attempts, wait_s, failure.message),
            )

    async def _post(self, letter: Letter, body: object) -> PatterError | None:
        """Why the receiver has not taken it; None: it has."""
        post = Post(
            url=self.url,
            secret=self.secret,
            policy=EgressPolicy.of(),
            limit_bytes=ANSWER_BYTES,
            within_s=self.within_s,
        )
        try:
            await post.send(body, self.clock, {KEY: letter.key})
        except PostFailure as failed:
            return failed.error
        return None

    def _put(self, key: str, body: Mapping[str, Any]) -> None:
        if has_letter(self.folder, key):
            return
        if len(letters_in(self.folder)) >= LETTERS_MOST:
            raise RateLimitError(
                f"{LETTERS_MOST} webhooks wait for {self.url}", fix="have its service take them"
            )
        post_letter(self.folder, key, self.clock.wall(), body)

    def _lock(self) -> int | None:
        """The lock of the destination; None while another process has it."""
        make_private(self.folder)
        file = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, FILE_MODE)
        if take_over(file):
            return file
        os.close(file)
        return None

    def _due_s(self, letter: Letter) -> float:
        pause_s = backoff_s(letter.attempts, self.first_s)
        return letter.tried_s + pause_s if letter.attempts else letter.created_s
