"""Does what follows each call that a log root's phones had, beside them and after restarts.

It goes by the records: a call is looked at when its record is whole, so a call never waits for
what follows it, and what a killed process left undone is done by the next.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs

from patter import ErrorCode, PatterConfigError, PatterError
from patter.aio import task_scope
from patter.clock import Clock, LoopClock
from patter.errors import InternalError
from patter.observe.call_log import read_record
from patter.observe.file_lock import take_over
from patter.observe.log_root import FILE_MODE, log_root, make_private
from patter.observe.stored_calls import stored_call
from patter.plugins.kinds import LLM_KIND
from patter.providers.llm import LLM
from patter_after_call.analysis import analysed
from patter_after_call.conversation import conversation, figures
from patter_after_call.outbox import Outbox
from patter_after_call.settings import AfterCall
from patter_after_call.stored import (
    VERSION,
    due_calls,
    is_gone,
    read_after_call,
    since_s,
    write_after_call,
)

log = logging.getLogger("patter.after_call")
LOOK_S = 2.0
AT_ONCE = 2
ROUND_MOST = 64
RETRY_S = (60.0, 600.0, 3_600.0)
"""When a model that could not be reached is asked again."""
PASSING = frozenset({ErrorCode.CONNECTION, ErrorCode.TIMEOUT, ErrorCode.RATE_LIMIT})


@attrs.define(eq=False, kw_only=True)
class Worker:
    """Follows up the calls whose records are below *root*, as *settings* say, with *llm*."""

    root: Path
    settings: AfterCall
    llm: LLM | None
    clock: Clock = attrs.field(factory=LoopClock, repr=False)
    look_s: float = LOOK_S
    outboxes: tuple[Outbox, ...] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.outboxes = tuple(
            Outbox(
                root=self.root,
                url=url,
                secret=self.settings.secret,
                days=self.settings.days,
                clock=self.clock,
            )
            for url in self.settings.webhooks
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Worker]:
        """Work while inside; what is being done then is left to the next start."""
        async with task_scope() as tasks:
            running = [tasks.create_task(self._run(), name="after-call")]
            running += [tasks.create_task(outbox.run(), name="outbox") for outbox in self.outboxes]
            try:
                yield self
            finally:
                for task in running:
                    task.cancel()

    async def look(self) -> int:
        """Follow up the calls that are due now; how many there were. Raises OSError.

        What the disk refuses of one call costs the others nothing; it is raised at the end.
        """
        now_s = self.clock.wall()
        since = await asyncio.to_thread(since_s, self.root, now_s)
        due = await asyncio.to_thread(lambda: [*due_calls(self.root, since, now_s)][:ROUND_MOST])
        slots = asyncio.Semaphore(AT_ONCE)
        async with asyncio.TaskGroup() as tasks:
            following = [
                tasks.create_task(self._followed(directory, slots), name="after-call-one")
                for directory in due
            ]
        for broken in filter(None, (each.result() for each in following)):
            raise broken
        return len(due)

    async def _run(self) -> None:
        lock: int | None = None
        try:
            while True:
                try:
                    lock = lock if lock is not None else await asyncio.to_thread(self._lock)
                    if lock is not None:
                        await self.look()
                except OSError as broken:
                    log.error("calls cannot be followed up: %s", broken)
                await self.clock.sleep(self.look_s * 1_000)
        finally:
            if lock is not None:
                os.close(lock)

    async def _followed(self, directory: Path, slots: asyncio.Semaphore) -> OSError | None:
        """What the disk refuses is returned: the call is due again."""
        async with slots:
            try:
                await self._follow(directory)
            except OSError as broken:
                return broken
        return None

    async def _follow(self, directory: Path) -> None:
        try:
            document = await self._document(directory)
        except PatterError as failed:
            document = await asyncio.to_thread(self._failure, directory, failed)
        except OSError:
            raise
        except Exception as raised:
            # Whatever it is, it must not end the phone that this runs beside.
            log.exception("call %s cannot be followed up", directory.name)
            broken = InternalError(f"{type(raised).__name__}: {raised}", fix="see the log")
            document = await asyncio.to_thread(self._failure, directory, broken)
        if await asyncio.to_thread(is_gone, directory):
            return
        for outbox in self.outboxes if "retry_s" not in document else ():
            await self._post(outbox, directory, document)
        # Last: a process that is killed before does all of it again, by the same keys.
        await asyncio.to_thread(write_after_call, directory, document)

    async def _document(self, directory: Path) -> dict[str, Any]:
        if self.llm is None:
            return self._of(directory, "not_asked")
        events = await asyncio.to_thread(read_record, directory)
        text = await asyncio.to_thread(conversation, events)
        if not text:
            return self._of(directory, "no_conversation")
        analysis = await analysed(self.llm, self.settings, directory.name, text)
        return {**self._of(directory, "done"), **analysis.result, "usage": analysis.usage}

    def _failure(self, directory: Path, failed: PatterError) -> dict[str, Any]:
        """What is kept when the model failed; that may pass, and is tried again."""
        attempts = int((read_after_call(directory) or {}).get("attempts", 0)) + 1
        log.warning("call %s is not summed up: %s", directory.name, failed.message)
        error = {"code": failed.code.value, "message": failed.message, "fix": failed.fix}
        document = {**self._of(directory, "failed"), "error": error, "attempts": attempts}
        if failed.code in PASSING and attempts <= len(RETRY_S):
            document["retry_s"] = self.clock.wall() + RETRY_S[attempts - 1]
        return document

    def _of(self, directory: Path, status: str) -> dict[str, Any]:
        call = stored_call(directory)
        call_figures = figures(call.metadata) if call is not None else {}
        return {"v": VERSION, "call_id": directory.name, "status": status, "call": call_figures}

    async def _post(self, outbox: Outbox, directory: Path, document: dict[str, Any]) -> None:
        try:
            await outbox.put(f"call-{directory.name}", {"event": "call.ended", **document})
        except (PatterError, OSError) as refused:
            log.error("the webhook of call %s is lost: %s", directory.name, refused)
            document.setdefault("lost", []).append(outbox.url)

    def _lock(self) -> int | None:
        folder = self.root / "outbox"
        make_private(folder)
        file = os.open(folder / "after_call.lock", os.O_RDWR | os.O_CREAT, FILE_MODE)
        if take_over(file):
            return file
        os.close(file)
        return None


@asynccontextmanager
async def after_calls(phone: Any, settings: AfterCall) -> AsyncIterator[Worker]:
    """Follow up the calls of *phone*, a `Patter`, while inside.

        async with after_calls(phone, AfterCall(llm="openai/gpt-4.1-mini")):
            await phone.serve(agent)

    Raises PatterConfigError when the phone keeps no records or nothing is to be done, and what
    is raised for an *llm* that cannot be made.
    """
    settings.check_useful()
    root = log_root(phone.persist)
    if root is None:
        raise PatterConfigError(
            "what follows a call goes by its record, and none are kept", fix="Patter(persist=True)"
        )
    llm = None if settings.llm is None else phone.registry.resolve(LLM_KIND, settings.llm)
    async with Worker(root=root, settings=settings, llm=llm).running() as worker:
        yield worker
