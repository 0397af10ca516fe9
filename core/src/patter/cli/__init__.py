"""The ``patter`` command line.

Everything it prints goes through `patter.cli.out`; every mistake on the command line ends in an
error with a fix, never in a traceback.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext

from patter.cli.out import Out


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``patter ARGV`` and return its exit status."""
    from patter.cli.exits import OK, shielded

    words = list(sys.argv[1:] if argv is None else argv)
    out = Out.for_words(words)
    try:
        return shielded(out, lambda: _run(words, out))
    except BrokenPipeError:
        # The reader of stdout, such as `head`, is gone: leave nothing to be flushed at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK


def _run(words: list[str], out: Out) -> int:
    from patter.cli.parser import is_built_in, parse
    from patter.cli.stdout import kept_for_answers

    # Before the command is looked for: extensions that offer some are loaded for it.
    out.set_up_logging()
    with kept_for_answers():
        args = parse(words)
    args.out = out
    if form := getattr(args, "log_format", ""):
        out.set_up_logging(form)
    command = args.command
    # A plugin's command may print by itself; with --json nobody does.
    with kept_for_answers() if out.json or is_built_in(command) else nullcontext():
        status: int = command.run(args)
    return status
