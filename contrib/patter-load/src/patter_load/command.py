"""``patter load``: so many calls at once, to an agent that it serves, or to any address."""

from __future__ import annotations

import argparse
import asyncio

from patter.cli.exits import NO, OK
from patter.cli.target import add_arguments
from patter.plugins.commands import Command
from patter_load.loading import PLOT, Wanted, loaded
from patter_load.speech import VOICE
from patter_load.webhook import NUMBER


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_arguments(parser)
    parser.add_argument("--simulate", action="store_true", help="vendors are simulated: no keys")
    parser.add_argument("--calls", type=int, default=10, metavar="N", help="default: 10")
    parser.add_argument("--for", dest="span", default="60s", metavar="S", help="default: 60s")
    parser.add_argument("--script", default="", metavar="FILE", help="what callers do; see docs")
    parser.add_argument("--find", action="store_true", help="how many calls hold, up to --calls")
    parser.add_argument("--plot", default="", metavar="FILE", help=f"of --find; default: {PLOT}")
    parser.add_argument(
        "--max-overhead", default="100ms", metavar="MS", help="at the 95th percentile; 100ms"
    )
    parser.add_argument(
        "--max-clear", default="1500ms", metavar="MS", help="at the 95th percentile; 1500ms"
    )
    parser.add_argument("--voice", default=VOICE, metavar="SPEC", help=f"callers': {VOICE}")
    parser.add_argument("--recordings", default="", metavar="DIR", help="WAVs of callers' words")
    parser.add_argument("--public-url", default="", metavar="URL", help="what URL is in public")
    parser.add_argument("--number", default=NUMBER, metavar="N", help="the number that is called")
    parser.add_argument("--pid", type=int, default=0, metavar="PID", help="who serves URL")


def run(args: argparse.Namespace) -> int:
    """Load it; 1 when it does not hold."""
    wanted = Wanted.of(args)
    return OK if asyncio.run(loaded(args, wanted)) else NO


LOAD = Command(
    name="load",
    help="call an agent, or any address, with many callers at once",
    configure=configure,
    run=run,
    example="patter load bistro:agent --simulate --calls 50 --for 60s",
)
