"""Keeps stdout for answers: what plugins, agents and their libraries print goes to stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from typing import TextIO

STDOUT, STDERR = 1, 2
_KEPT: list[TextIO] = []


def answers() -> TextIO:
    """Where answers are printed."""
    return _KEPT[-1] if _KEPT else sys.stdout


@contextmanager
def kept_for_answers() -> Iterator[None]:
    """Let only `answers` reach stdout while inside: not even a library in C, or a child process."""
    with _moved() as stream, redirect_stdout(sys.stderr):
        _KEPT.append(stream)
        try:
            yield
        finally:
            _KEPT.pop()


@contextmanager
def _moved() -> Iterator[TextIO]:
    """The stream of the real stdout, whose descriptor is that of stderr while inside."""
    if not _is_ours(sys.stdout):
        yield sys.stdout
        return
    sys.stdout.flush()
    kept = os.dup(STDOUT)
    os.dup2(STDERR, STDOUT)
    stream = os.fdopen(kept, "w", encoding=sys.stdout.encoding, errors=sys.stdout.errors)
    try:
        yield stream
    finally:
        os.dup2(kept, STDOUT)
        stream.close()


def _is_ours(stream: TextIO | None) -> bool:
    """Is *stream* the descriptor of stdout, with one of stderr beside it? Not in most tests."""
    with suppress(AttributeError, OSError, ValueError):
        if stream is not None and stream.fileno() == STDOUT:
            os.fstat(STDERR)
            return True
    return False
