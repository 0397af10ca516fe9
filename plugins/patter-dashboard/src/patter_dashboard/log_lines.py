"""The log lines of calls, kept in memory while the server runs to be shown on their pages.

Whatever is logged in a call is kept with it: Patter's lines, those of plugins, and those of the
application's tools. Events of calls are not: the page has them already.
"""

from __future__ import annotations

import logging
from collections import OrderedDict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any

import attrs

from patter.log_lines import EVENTS_LOGGER, call_of
from patter.observe.documents import moment
from patter.safe_text import safe, safe_lines

LEVELS = {"info": logging.INFO, "warning": logging.WARNING}
"""What a page may ask for, each with all that is worse."""
OF_A_CALL = 200
"""Lines of a call that are kept below WARNING, and as many from WARNING on; the newest."""
IN_ALL = 4_000
"""Lines of all calls; the call that has logged nothing for longest loses its lines first."""
TEXT, TRACE = 2_000, 4_000
"""Characters of a message, and of a traceback: the end of that, where the error is."""


@attrs.frozen
class LogLine:
    """What was logged at *at*, in seconds since 1970; *number* counts the lines of a call."""

    number: int
    at: float
    level: int
    logger: str
    text: str
    error: str = ""

    def as_data(self) -> dict[str, Any]:
        """The line as a page gets it."""
        return {
            "at": moment(self.at),
            "level": logging.getLevelName(self.level),
            "logger": self.logger,
            "text": self.text,
            "error": self.error or None,
        }


def _newest() -> deque[LogLine]:
    return deque(maxlen=OF_A_CALL)


@attrs.define(eq=False)
class _OfCall:
    quiet: deque[LogLine] = attrs.field(factory=_newest)
    loud: deque[LogLine] = attrs.field(factory=_newest)
    logged: dict[bool, int] = attrs.field(factory=lambda: {False: 0, True: 0})

    def __len__(self) -> int:
        return len(self.quiet) + len(self.loud)


@attrs.define(eq=False)
class CallLines(logging.Handler):
    """A handler that keeps lines by their call, at most `OF_A_CALL` a call and `IN_ALL` in all."""

    _calls: OrderedDict[str, _OfCall] = attrs.field(factory=OrderedDict, init=False)
    _kept: int = attrs.field(default=0, init=False)

    def __attrs_pre_init__(self) -> None:
        super().__init__(logging.INFO)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hear all loggers while inside."""
        root = logging.getLogger()
        root.addHandler(self)
        try:
            yield
        finally:
            root.removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            if record.name != EVENTS_LOGGER and (call_id := call_of(record)):
                self._keep(call_id, record)
            if record.levelno >= logging.WARNING and self._alone(record):
                # Python prints what no handler takes. We are one, and do not mean to hide it.
                _print(record)
        except Exception:
            self.handleError(record)

    def of(self, call_id: str, level: int = logging.WARNING) -> list[dict[str, Any]]:
        """The lines of the call from *level* on, the oldest first."""
        with self._locked():
            call = self._calls.get(call_id, _OfCall())
            lines = chain(call.loud, call.quiet if level < logging.WARNING else ())
            return [line.as_data() for line in sorted(lines, key=lambda line: line.number)]

    def dropped(self, call_id: str, level: int = logging.WARNING) -> int:
        """How many lines of the call from *level* on are no longer kept."""
        with self._locked():
            call = self._calls.get(call_id, _OfCall())
            loud = call.logged[True] - len(call.loud)
            return loud if level >= logging.WARNING else loud + call.logged[False] - len(call.quiet)

    def forget(self, call_id: str) -> None:
        """Keep no line of the call."""
        with self._locked():
            self._kept -= len(self._calls.pop(call_id, ()))

    def _keep(self, call_id: str, record: logging.LogRecord) -> None:
        """Add *record*; `handle` holds the lock."""
        call = self._calls.setdefault(call_id, _OfCall())
        self._calls.move_to_end(call_id)
        before, loud = len(call), record.levelno >= logging.WARNING
        line = _line(record, sum(call.logged.values()))
        (call.loud if loud else call.quiet).append(line)
        call.logged[loud] += 1
        self._kept += len(call) - before
        while self._kept > IN_ALL:
            _, oldest = self._calls.popitem(last=False)
            self._kept -= len(oldest)

    def _alone(self, record: logging.LogRecord) -> bool:
        """Is there no handler of *record* but those of dashboards, of which this is the first?"""
        logger: logging.Logger | None = logging.getLogger(record.name)
        while logger is not None:
            if any(not isinstance(each, CallLines) for each in logger.handlers):
                return False
            logger = logger.parent
        return logging.getLogger().handlers[:1] == [self]

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.acquire()
        try:
            yield
        finally:
            self.release()


def _print(record: logging.LogRecord) -> None:
    if logging.lastResort is not None:
        logging.lastResort.handle(record)


def _line(record: logging.LogRecord, number: int) -> LogLine:
    error = ""
    if record.exc_info and record.exc_info[0] is not None:
        trace = record.exc_text or logging.Formatter().formatException(record.exc_info)
        error = safe_lines(trace)[-TRACE:]
    text = safe(record.getMessage())[:TEXT]
    return LogLine(number, record.created, record.levelno, record.name, text, error)
