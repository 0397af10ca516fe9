"""Calls at a time: once, at intervals, or as cron says. APScheduler keeps the time."""

from patter_schedule.schedules import (
    ScheduleHandle,
    schedule_cron,
    schedule_interval,
    schedule_once,
    shutdown,
)

__version__ = "0.1.0"

__all__ = ["ScheduleHandle", "schedule_cron", "schedule_interval", "schedule_once", "shutdown"]
