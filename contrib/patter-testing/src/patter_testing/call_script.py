"""A call as a text file: what the caller does, and what is expected of the agent. Parsing is pure.

    caller: are you open on sunday
    expect tool opening_hours(day="sunday")
    expect said "five to eleven"
    hangup

An expectation looks at what has happened since the caller last did something.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import attrs

from patter.audio.dtmf import KEYS
from patter.errors import InputError

LINES_MAX = 2_000
STEPS = "caller: WORDS, interrupt: WORDS, dtmf: 5, wait: 3s, hangup, expect"
WAIT_MAX_MS = 3_600_000
_WAIT = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m)?\Z", re.ASCII)
_UNITS = {"ms": 1, "s": 1_000, "m": 60_000}


@attrs.frozen
class Step:
    """A line of a script; *line* is its number, *text* how it was written."""

    line: int
    text: str


@attrs.frozen
class Says(Step):
    """The caller says *words*, and hears the answer."""

    words: str


@attrs.frozen
class Interrupts(Step):
    """The caller says *words* into the answer to the step before, and hears the answer to them."""

    words: str


@attrs.frozen
class Presses(Step):
    """The caller presses *digits*."""

    digits: str


@attrs.frozen
class Waits(Step):
    """The caller is silent for *ms*."""

    ms: float


@attrs.frozen
class HangsUp(Step):
    """The caller hangs up."""


@attrs.frozen
class ExpectSaid(Step):
    """The caller has heard *words*, in any case."""

    words: str


@attrs.frozen
class ExpectTool(Step):
    """*tool* was run with at least *arguments*; empty: none was run."""

    tool: str
    arguments: Mapping[str, Any]


@attrs.frozen
class ExpectTransfer(Step):
    """The caller was transferred, to *target* unless that is empty."""

    target: str


@attrs.frozen
class ExpectHangup(Step):
    """The agent ends the call."""


@attrs.frozen
class ExpectJudged(Step):
    """A model finds that the conversation meets *criterion*."""

    criterion: str


CallScript: TypeAlias = tuple[Step, ...]
_Reader: TypeAlias = Callable[[int, str, str], Step]


def read_script(text: str) -> CallScript:
    """The steps of *text*; empty lines and those that begin with ``#`` are none.

    Raises InputError, which names the line.
    """
    lines = text.splitlines()
    if len(lines) > LINES_MAX:
        raise InputError(f"a script of {len(lines)} lines", fix=f"at most {LINES_MAX}")
    numbered = ((number, line.strip()) for number, line in enumerate(lines, start=1))
    return tuple(_step(number, line) for number, line in numbered if line and line[0] != "#")


def _step(number: int, line: str) -> Step:
    for beginning, reads in _READERS.items():
        if line == beginning.rstrip() or line.startswith(beginning):
            shown = line.removeprefix("expect ")
            return reads(number, shown, line[len(beginning) :].strip())
    raise _wrong(number, f"{line!r} is not a step", STEPS)


def _says(number: int, text: str, rest: str) -> Step:
    return Says(number, text, _needed(number, rest, "words to say"))


def _interrupts(number: int, text: str, rest: str) -> Step:
    return Interrupts(number, text, _needed(number, rest, "words to say"))


def _presses(number: int, text: str, rest: str) -> Step:
    if not rest or set(rest) - set(KEYS):
        raise _wrong(number, f"{rest!r} are not keys", "dtmf: 12#")
    return Presses(number, text, rest)


def _waits(number: int, text: str, rest: str) -> Step:
    match = _WAIT.match(rest)
    ms = float(match[1]) * _UNITS[match[2] or "s"] if match else 0
    if not 0 < ms <= WAIT_MAX_MS:
        raise _wrong(number, f"{rest!r} is not a valid time to wait", "wait: 3s, wait: 500ms")
    return Waits(number, text, ms)


def _hangs_up(number: int, text: str, rest: str) -> Step:
    return HangsUp(number, _alone(number, text, rest))


def _speech(number: int, text: str, rest: str) -> Step:
    return ExpectSaid(number, text, _quoted(number, rest, 'expect said "goodbye"'))


def _judged(number: int, text: str, rest: str) -> Step:
    return ExpectJudged(number, text, _quoted(number, rest, 'expect judged "apologises"'))


def _tool(number: int, text: str, rest: str) -> Step:
    name, arguments = _call(number, _needed(number, rest, "the tool's name"))
    return ExpectTool(number, text, name, arguments)


def _no_tool(number: int, text: str, rest: str) -> Step:
    return ExpectTool(number, _alone(number, text, rest), "", {})


def _transfer(number: int, text: str, rest: str) -> Step:
    return ExpectTransfer(number, text, rest)


def _hangup_of_agent(number: int, text: str, rest: str) -> Step:
    return ExpectHangup(number, _alone(number, text, rest))


_READERS: dict[str, _Reader] = {
    "caller:": _says,
    "interrupt:": _interrupts,
    "dtmf:": _presses,
    "wait:": _waits,
    "hangup": _hangs_up,
    "expect said ": _speech,
    "expect judged ": _judged,
    "expect tool ": _tool,
    "expect no tool": _no_tool,
    "expect transfer": _transfer,
    "expect hangup": _hangup_of_agent,
}


def _call(number: int, text: str) -> tuple[str, dict[str, Any]]:
    """The name and the arguments of ``name(people=2)``, or of a name alone."""
    example = 'expect tool book_table(people=2, time="19:00")'
    try:
        node = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as exc:
        raise _wrong(number, f"{text!r} is not a tool call", example) from exc
    if isinstance(node, ast.Name):
        return node.id, {}
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)) or node.args:
        raise _wrong(number, f"{text!r} is not a tool call", example)
    return node.func.id, {_name(number, each): _value(number, each.value) for each in node.keywords}


def _name(number: int, keyword: ast.keyword) -> str:
    if keyword.arg is None:
        raise _wrong(number, "arguments have names", "people=2")
    return keyword.arg


def _value(number: int, node: ast.expr) -> Any:
    words = {"true": True, "false": False, "null": None}
    if isinstance(node, ast.Name) and node.id in words:
        return words[node.id]
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, RecursionError) as exc:
        raise _wrong(
            number, f"{ast.unparse(node)} is not a valid value", 'use 2, "text", true, null'
        ) from exc


def _quoted(number: int, rest: str, example: str) -> str:
    """The words of *rest*, in quotes or without."""
    if rest[:1] not in ('"', "'"):
        return _needed(number, rest, f"words: {example}")
    try:
        words = ast.literal_eval(rest)
    except (SyntaxError, ValueError) as exc:
        raise _wrong(number, f"{rest} has a quote too few", example) from exc
    return _needed(number, str(words), f"words: {example}")


def _needed(number: int, rest: str, what: str) -> str:
    if not rest.strip():
        raise _wrong(number, "something is left out", f"add {what}")
    return rest


def _alone(number: int, text: str, rest: str) -> str:
    if rest:
        raise _wrong(number, f"{rest!r} is too much", f"write {text.removesuffix(rest).strip()!r}")
    return text


def _wrong(number: int, what: str, fix: str) -> InputError:
    return InputError(f"line {number}: {what}", fix=fix)
