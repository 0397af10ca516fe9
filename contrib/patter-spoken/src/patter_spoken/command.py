"""``patter spoken``: hear with your eyes what a voice is given."""

from __future__ import annotations

import argparse

from patter.cli.exits import OK
from patter.plugins.commands import Command


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("text", metavar="TEXT")
    parser.add_argument("--language", default="en", help="en, de, fr, es, it, pt or nl")


def run(args: argparse.Namespace) -> int:
    """Print the text as it is spoken."""
    from patter.text.respelling import respelled
    from patter_spoken.forms import spoken_forms

    text = respelled(args.text, [spoken_forms(args.language)])
    args.out.answer(text.spoken, {"written": text.written, "spoken": text.spoken})
    return OK


COMMAND = Command(
    name="spoken",
    help="show how a text is spoken with spoken_forms=True",
    configure=configure,
    run=run,
    example='patter spoken "It is 12.50 EUR" --language de',
)
