"""The output: the answer to stdout; progress, warnings and errors to stderr.

With ``--json`` the answer is one object, or one object a line for streams, each with ``"v"``.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from patter import env
from patter.cli import stdout
from patter.clock import machine_ms
from patter.errors import AgentError, InputError, PatterError, installs_of
from patter.log_lines import EVENTS_LOGGER, JsonFormatter, log_format
from patter.safe_logs import make_logs_safe, words_of
from patter.safe_text import safe_lines, some_lines

WIDTH = 80
NARROWEST = 40
VERSION = 1
_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34"}
_ABOVE = re.compile("[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_PAINT = re.compile(rf"(\x1b\[(?:0|{'|'.join(_CODES.values())})m)")
"""What `Out.paint` writes, and the only control characters that reach a terminal."""


@attrs.frozen(kw_only=True)
class Out:
    """The output settings of one run, which began at *began_ms* of the machine's clock.

    *yes* answers every question with yes.
    """

    json: bool = False
    quiet: bool = False
    verbose: bool = False
    color: bool = True
    yes: bool = False
    began_ms: float = attrs.field(factory=machine_ms, eq=False, repr=False)

    @classmethod
    def for_words(cls, words: Sequence[str]) -> Out:
        """Read the flags that every command has, before the command line is parsed."""
        # An error in parsing is printed as these flags say, too.
        return cls(
            json="--json" in words,
            quiet="--quiet" in words,
            verbose="--verbose" in words,
            color="--no-color" not in words and not env.read("NO_COLOR"),
            yes="--yes" in words,
        )

    @property
    def live(self) -> bool:
        """May lines be repainted? Only on a terminal that shows text."""
        return stdout.answers().isatty() and not self.json

    def answer(self, text: str, value: Mapping[str, Any]) -> None:
        """Print the answer: *text*, or *value* with ``--json``."""
        words = self._json(value) if self.json else _printable(text)
        print(words, file=stdout.answers(), flush=True)

    def event(self, text: str, value: Mapping[str, Any]) -> None:
        """Print the next line of a stream; an empty *text* is for ``--json`` only."""
        if self.json or text:
            self.answer(text, value)

    def progress(self, text: str) -> None:
        """Print progress, unless ``--quiet``."""
        if not self.quiet:
            print(_printable(text), file=sys.stderr, flush=True)

    def warn(self, text: str) -> None:
        """Print a warning, also with ``--quiet``."""
        label = self.paint("warning", "yellow", sys.stderr)
        print(f"{label}: {some_lines(text)}", file=sys.stderr)

    def error(self, error: PatterError) -> None:
        """Print *error* and its fix."""
        if self.json:
            print(self._json({"error": _value(error)}), file=sys.stderr, flush=True)
            return
        label = self.paint(f"error[{error.code.value}]", "red", sys.stderr)
        print(f"{label}: {_lines(error)}", file=sys.stderr, flush=True)

    def confirm(self, question: str) -> bool:
        """Ask before something costs or destroys. Raises InputError without a terminal."""
        if self.yes:
            return True
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise InputError(f"needs confirmation: {question}", fix="pass --yes")
        print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
        return sys.stdin.readline().strip().lower() in ("y", "yes")

    def paint(self, text: str, color: str, stream: Any = None) -> str:
        """*text* in *color* where the stream shows colour; control characters are escaped."""
        text = some_lines(text)
        if not self.color or not (stream or stdout.answers()).isatty():
            return text
        return f"\x1b[{_CODES[color]}m{text}\x1b[0m"

    def set_up_logging(self, form: str = "") -> None:
        """Log to stderr: warnings, with ``--verbose`` everything, with ``--quiet`` errors.

        *form* is ``text`` or ``json``, by default what PATTER_LOG_FORMAT says; one that is
        passed replaces what was set up before. Raises PatterConfigError.
        """
        level = logging.DEBUG if self.verbose else logging.ERROR if self.quiet else logging.WARNING
        handler = logging.StreamHandler(sys.stderr)
        as_json = log_format(form) == "json"
        handler.setFormatter(JsonFormatter() if as_json else _Lines(traces=self.verbose))
        if as_json:
            logging.getLogger(EVENTS_LOGGER).setLevel(logging.INFO)
        logging.basicConfig(level=level, handlers=[handler], force=bool(form))
        make_logs_safe()
        if env.read("PATTER_TRACE_HOOKS"):
            logging.getLogger("patter.hooks").setLevel(logging.INFO)

    @staticmethod
    def _json(value: Mapping[str, Any]) -> str:
        # JSON escapes no control character above 127, and a terminal obeys those, too.
        return _ABOVE.sub(
            lambda match: f"\\u{ord(match[0]):04x}",
            json.dumps({"v": VERSION, **value}, ensure_ascii=False),
        )


def _lines(error: PatterError) -> str:
    """What happened and its fix; of several problems each, and one command for all installs."""
    several = error.problems if isinstance(error, AgentError) else ()
    if len(several) < 2:
        return f"{error.message}\nfix: {error.fix}"
    each = (f"  {problem.message}\n  fix: {problem.fix}" for problem in several)
    lines = [f"{len(several)} problems", *each]
    installs = installs_of(several)
    # Where it would only repeat the one install above, it is no news.
    if installs not in ("", *(problem.fix for problem in several)):
        lines.append(f"fix: {installs}")
    return "\n".join(lines)


def _value(error: PatterError) -> dict[str, Any]:
    value: dict[str, Any] = {"code": error.code.value, "message": error.message, "fix": error.fix}
    if isinstance(error, AgentError):
        value["problems"] = [_value(each) for each in error.problems]
    return value


class _Lines(logging.Formatter):
    """One line a record: an exception's name and words, its traceback only if asked for.

    Records of any library pass here, so they are made safe here, too.
    """

    def __init__(self, *, traces: bool) -> None:
        super().__init__("%(name)s: %(message)s")
        self._traces = traces

    def format(self, record: logging.LogRecord) -> str:
        exc = record.exc_info[1] if record.exc_info else None
        if self._traces or exc is None:
            return safe_lines(super().format(record))
        message = safe_lines(record.getMessage())
        return f"{record.name}: {message}: {type(exc).__name__}: {words_of(exc)}"


def _printable(text: str) -> str:
    """*text* with nothing in it that a terminal obeys, but for our own colours."""
    parts = _PAINT.split(text)
    return "".join(part if _PAINT.fullmatch(part) else some_lines(part) for part in parts)


def width_of() -> int:
    """How wide lines may be: 80 columns, or those of a narrower terminal, 40 at least."""
    stream = stdout.answers()
    if not stream.isatty():
        return WIDTH
    try:
        return max(NARROWEST, min(WIDTH, os.get_terminal_size(stream.fileno()).columns))
    except OSError:
        return WIDTH


def fitting(text: str) -> str:
    """*text* as one line that a terminal does not wrap."""
    return some_lines(text)[: width_of() - 1]


def columns(rows: Sequence[Sequence[str]], indent: str = "") -> list[str]:
    """Lay *rows* out in columns two spaces apart, none longer than 80 columns.

    The last column wraps under itself; where it would get too narrow it starts a new line.
    """
    widths = [
        max(map(len, cells), default=0) for cells in zip(*(row[:-1] for row in rows), strict=True)
    ]
    lines: list[str] = []
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=False))
        head = indent + "  ".join([*cells, ""])
        lines += _wrapped(head, row[-1])
    return lines


def _wrapped(head: str, text: str) -> list[str]:
    width = width_of()
    if len(head) + len(text) <= width or not text:
        return [(head + text).rstrip()]
    left = len(head) if len(head) <= width // 2 else 8
    body = textwrap.wrap(text, width - left, break_on_hyphens=False)
    if left == len(head):
        return [head + body[0], *(" " * left + line for line in body[1:])]
    return [*textwrap.wrap(head, width), *(" " * left + line for line in body)]
