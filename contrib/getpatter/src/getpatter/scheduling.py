"""Calls at a time: the names of patter-schedule."""

from getpatter.missing import distribution

with distribution("patter-schedule"):
    from patter_schedule import ScheduleHandle, schedule_cron, schedule_interval, schedule_once

__all__ = ["ScheduleHandle", "schedule_cron", "schedule_interval", "schedule_once"]
