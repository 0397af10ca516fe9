"""What Patter and its plugins log is without secrets and control characters, in any application.

A record is made safe where it is made, so every handler gets it so: what came from outside is
an argument of a record, or the exception that it carries. It gets the id of its call there, too.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from patter.errors import PatterError
from patter.log_lines import call_of
from patter.safe_text import safe, safe_lines

_OURS = ("patter.", "patter_")
_installed: list[Callable[..., logging.LogRecord]] = []


def make_logs_safe() -> None:
    """From now on records of our loggers are safe; those of other libraries stay. Twice is fine."""
    if _installed:
        return
    make = logging.getLogRecordFactory()

    def made(*args: Any, **kwargs: Any) -> logging.LogRecord:
        return _made_safe(make(*args, **kwargs))

    _installed.append(made)
    logging.setLogRecordFactory(made)


def words_of(raised: BaseException) -> str:
    """What *raised* says, safe to be shown; a PatterError keeps its fix on a line of its own."""
    try:
        words = str(raised)
    except Exception:  # the class of an exception may raise when it is looked at
        return ""
    return safe_lines(words) if isinstance(raised, PatterError) else safe(words)


def _made_safe(record: logging.LogRecord) -> logging.LogRecord:
    if not f"{record.name}.".startswith(_OURS):
        return record
    record.patter_call = call_of(record)
    if not record.args:
        record.msg = _shown(record.msg)
    elif isinstance(record.args, Mapping):
        record.args = {name: _shown(value) for name, value in record.args.items()}
    else:
        record.args = tuple(map(_shown, record.args))
    if record.exc_info and record.exc_info[0] is not None:
        # A formatter that finds the text of a traceback writes no other.
        record.exc_text = safe_lines(logging.Formatter().formatException(record.exc_info))
    return record


def _shown(value: object) -> object:
    """Text and exceptions, made safe; numbers and the like, for ``%d``, as they are."""
    if isinstance(value, BaseException):
        return words_of(value)
    return safe(value) if isinstance(value, str) else value
