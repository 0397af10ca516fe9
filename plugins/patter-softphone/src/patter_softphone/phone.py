"""``patter phone``: serve the softphone for an agent, and open its page."""

from __future__ import annotations

import argparse

from patter.cli.target import FLAGS, replaced
from patter.plugins.commands import Command

PORT = 8080
CARRIER = "softphone?faults=true"
OFFLINE = {"stt": "pocketsphinx", "llm": "rules", "tts": "espeak", "vad": "webrtcvad"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("target", nargs="?", metavar="TARGET", help="the agent, as module:name")
    parser.add_argument("--phone", metavar="NAME", help="which Patter of the module")
    parser.add_argument("--port", type=int, default=PORT, help="8080 unless told; 0: any")
    parser.add_argument("--no-open", action="store_true", help="leave the browser alone")
    parser.add_argument("--offline", action="store_true", help="no keys, no network")
    for kind in FLAGS:
        parser.add_argument(f"--{kind}", metavar="SPEC", help=f"use this {kind} instead")


def parts_of(args: argparse.Namespace) -> dict[str, object]:
    """What replaces the parts of the agent: always its line, with ``--offline`` everything."""
    offline = OFFLINE if args.offline else {}
    return {"carrier": CARRIER, "tunnel": None, **offline, **replaced(args)}


def run(args: argparse.Namespace) -> int:
    """Serve until Ctrl-C."""
    return serve_phone(args)


COMMAND = Command(
    name="phone",
    help="talk to an agent from a page in your browser",
    configure=configure,
    run=run,
    example="patter phone bistro:agent --offline",
)
