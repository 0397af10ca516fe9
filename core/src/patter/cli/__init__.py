"""The ``patter`` command: one command, one answer, one exit status.

Everything it prints goes through `patter.cli.out`; everything it can be told wrong ends in
an error with a fix, never in a traceback.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from patter.cli.out import Out


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``patter ARGV`` and return its exit status."""
    from patter.cli.exits import OK, shielded

    words = list(sys.argv[1:] if argv is None else argv)
    out = Out.for_words(words)
    try:
        return shielded(out, lambda: _run(words, out))
    except BrokenPipeError:
        # the reader of stdout has seen enough; leave nothing to flush at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK


def _run(words: list[str], out: Out) -> int:
    from patter.cli.parser import parse

    args = parse(words)
    args.out = out
    out.set_up_logging()
    command = args.command
    status: int = command.run(args)
    return status
