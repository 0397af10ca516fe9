"""Log records as lines of JSON, and the call that each of them belongs to.

A record of Patter and its plugins has the id of its call as ``record.patter_call``, empty outside
of calls. The text of a record is made safe before it comes here; other libraries' is made so here.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from patter.env import read
from patter.errors import PatterConfigError
from patter.safe_text import safe, safe_lines

FORMATS = ("text", "json")
VARIABLE = "PATTER_LOG_FORMAT"
EVENTS_LOGGER = "patter.events"
"""Logs the events of calls once it has a level of its own, `logging.INFO`."""
CALL_ID: ContextVar[str] = ContextVar("patter_call_id", default="")
"""The call in which whoever logs runs; inherited by every task and thread of it."""
_OF_A_CALL = "call %s"


def log_format(wanted: str = "") -> str:
    """*wanted*, else what PATTER_LOG_FORMAT says, else ``text``. Raises PatterConfigError."""
    name = wanted or read(VARIABLE, "text")
    if name not in FORMATS:
        raise PatterConfigError(
            f"{VARIABLE} cannot be {name!r}", fix=f"export {VARIABLE}=text or json"
        )
    return name


def call_of(record: logging.LogRecord) -> str:
    """The id of the call that *record* is about; empty when it is about none."""
    # The server speaks of calls from outside of them, and always begins with which it means.
    about = isinstance(record.msg, str) and record.msg.startswith(_OF_A_CALL)
    if about and isinstance(record.args, tuple) and record.args:
        return str(record.args[0])
    return CALL_ID.get()


class JsonFormatter(logging.Formatter):
    """One JSON object a record: ``time level logger call message``, and an event's fields.

    ``call`` is left out where there is none, ``error`` has the traceback if there is one. An event
    of a call has ``event``, its type, in place of a message.
    """

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": _time(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        if call_id := getattr(record, "patter_call", ""):
            line["call"] = safe(call_id)
        event = getattr(record, "patter_event", None)
        if isinstance(event, Mapping):
            line.update(event)
        else:
            line["message"] = safe(record.getMessage())
        if record.exc_info and record.exc_info[0] is not None:
            text = record.exc_text or self.formatException(record.exc_info)
            line["error"] = safe_lines(text)
        return json.dumps(line, ensure_ascii=False, default=str)


def _time(created: float) -> str:
    """*created*, in seconds since 1970, as ``2026-03-01T12:00:00.123Z``."""
    return datetime.fromtimestamp(created, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
