"""Schedules of the running event loop, each with its own scheduler: `phone.call` at a time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

import attrs
from apscheduler.job import Job  # type: ignore[import-untyped]
from apscheduler.jobstores.base import JobLookupError  # type: ignore[import-untyped]
from apscheduler.schedulers.asyncio import AsyncIOScheduler  # type: ignore[import-untyped]
from apscheduler.triggers.base import BaseTrigger  # type: ignore[import-untyped]
from apscheduler.triggers.cron import CronTrigger  # type: ignore[import-untyped]
from apscheduler.triggers.date import DateTrigger  # type: ignore[import-untyped]
from apscheduler.triggers.interval import IntervalTrigger  # type: ignore[import-untyped]

from patter import InputError, PatterConfigError
from patter.application import result_of

LATE_S = 60
"""A time that was missed by no more than this, because the loop was busy, is made up for."""
OWNER = "schedule"
log = logging.getLogger("patter.schedule")
_SCHEDULERS: WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncIOScheduler] = WeakKeyDictionary()


@attrs.frozen(eq=False)
class ScheduleHandle:
    """One schedule."""

    job_id: str
    _job: Job = attrs.field(repr=False)
    _scheduler: AsyncIOScheduler = attrs.field(repr=False)

    @property
    def pending(self) -> bool:
        """Will it run again?"""
        return self._scheduler.get_job(self.job_id) is not None

    def cancel(self) -> None:
        """Let it not run again; one that runs now goes on. Twice is fine."""
        try:
            self._job.remove()
        except JobLookupError:
            log.debug("schedule %s is over already", self.job_id)


def schedule_cron(
    expression: str, callback: Callable[[], Any], *, timezone: str | None = None
) -> ScheduleHandle:
    """Run *callback* as the five fields of *expression* say, in *timezone* (this machine's).

    Raises InputError for what cron does not know, PatterConfigError outside of an event loop.

        schedule_cron("30 9 * * mon-fri", lambda: phone.call("+15550107788"))
    """
    try:
        trigger = CronTrigger.from_crontab(expression, timezone=timezone)
    except (ValueError, LookupError) as error:
        raise InputError(
            f"{expression!r} is not a valid cron expression: {error}",
            fix="write minute hour day month weekday, such as '30 9 * * mon-fri'",
        ) from error
    return _added(trigger, callback)


def schedule_once(at: datetime, callback: Callable[[], Any]) -> ScheduleHandle:
    """Run *callback* once, at *at*; without a time zone it is this machine's.

    Raises InputError when that is over, PatterConfigError outside of an event loop.
    """
    if at <= datetime.now(at.tzinfo):
        raise InputError(f"{at.isoformat()} is over", fix="pass a time to come")
    return _added(DateTrigger(at), callback)


def schedule_interval(seconds: float, callback: Callable[[], Any]) -> ScheduleHandle:
    """Run *callback* every *seconds* (above 0), first after so many.

    One that is still running is not run again. Raises InputError, PatterConfigError outside of
    an event loop.
    """
    if seconds <= 0:
        raise InputError(f"seconds={seconds!r} is not a valid interval", fix="pass more than 0")
    return _added(IntervalTrigger(seconds=seconds), callback)


def shutdown() -> None:
    """Cancel every schedule of the running event loop; callbacks that run are cancelled too."""
    scheduler = _SCHEDULERS.pop(_loop(), None)
    if scheduler is not None:
        scheduler.remove_all_jobs()
        scheduler.shutdown(wait=False)


def _added(trigger: BaseTrigger, callback: Callable[[], Any]) -> ScheduleHandle:
    if not callable(callback):
        raise InputError(f"{callback!r} is not a function", fix="pass a function")
    scheduler = _scheduler()

    async def run() -> None:
        try:
            await result_of(callback, owner=OWNER)
        except Exception:
            # Whoever scheduled it is not there; the next time it may go well.
            log.exception("a schedule failed")

    job = scheduler.add_job(run, trigger, misfire_grace_time=LATE_S, coalesce=True, max_instances=1)
    return ScheduleHandle(job.id, job, scheduler)


def _scheduler() -> AsyncIOScheduler:
    loop = _loop()
    if (scheduler := _SCHEDULERS.get(loop)) is None:
        scheduler = _SCHEDULERS[loop] = AsyncIOScheduler(event_loop=loop)
        scheduler.start()
    return scheduler


def _loop() -> asyncio.AbstractEventLoop:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise PatterConfigError(
            "schedules need a running event loop",
            fix="schedule inside an async function, beside phone.serve",
        ) from None
