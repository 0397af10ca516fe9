"""``patter phone``: serve the softphone for an agent, and open its page."""

from __future__ import annotations

import argparse

from patter.plugins.commands import Command

PARTS = ("carrier", "stt", "llm", "tts", "vad")
PORT = 8080


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the verb."""
    parser.add_argument("target", nargs="?", metavar="TARGET", help="the agent, as module:name")
    parser.add_argument("--port", type=int, default=PORT, help="default %(default)s; 0: any")
    parser.add_argument("--no-open", action="store_true", help="leave the browser alone")
    parser.add_argument("--offline", action="store_true", help="no keys, no network")
    for part in PARTS:
        parser.add_argument(f"--{part}", metavar="SPEC", help=f"replace the {part}")


def run(args: argparse.Namespace) -> int:
    """Serve until Ctrl-C."""
    return serve_phone(args)


def serve_phone(args: argparse.Namespace) -> int: ...


COMMAND = Command(
    name="phone",
    help="talk to an agent from a page in your browser",
    configure=configure,
    run=run,
    example="patter phone bistro:agent --offline",
)
