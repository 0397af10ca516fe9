"""``patter-mcp module:agent``: a phone for a desktop assistant, over standard input and output.

Standard output belongs to the protocol; whatever else prints goes to standard error.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout

from patter import Patter
from patter.aio import task_scope
from patter.cli import entrance
from patter.cli.exits import OK, STATUS
from patter.cli.target import add_arguments, load, replaced
from patter.errors import PatterError
from patter.observe.log_root import check_private, log_root
from patter.observe.root_secret import redactor_for
from patter.phone.arguments import agent as checked_agent
from patter_mcp.call_service import WAIT_S, CallService
from patter_mcp.server import server_of
from patter_mcp.shelf import CallShelf


def parser() -> argparse.ArgumentParser:
    """What the command takes."""
    made = argparse.ArgumentParser(
        prog="patter-mcp",
        description="Lets a desktop assistant make phone calls, over MCP on stdin and stdout.",
        allow_abbrev=False,
    )
    add_arguments(made)
    entrance.add_arguments(made)
    made.add_argument(
        "--allow",
        action="append",
        default=[],
        metavar="PATTERN",
        help="who may be called, such as '+4930*'; may be repeated; default: everybody",
    )
    made.add_argument(
        "--max-duration", type=float, default=180.0, metavar="S", help="of a call; default: 180"
    )
    made.add_argument(
        "--wait",
        type=float,
        default=WAIT_S,
        metavar="S",
        help=f"how long place_call waits for the end of a call; default: {WAIT_S:g}",
    )
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until standard input ends; the exit status."""
    args = parser().parse_args(argv)
    try:
        with redirect_stdout(sys.stderr):
            service = _service(args)
        asyncio.run(_serve(service))
    except PatterError as error:
        print(f"error: {error}", file=sys.stderr)
        return STATUS[error.code]
    return OK


def _service(args: argparse.Namespace) -> CallService:
    target = load(args.target, Patter, replaced(args), args.phone)
    entrance.enter_by(target.phone, args)
    root = log_root(target.phone.persist)
    if root is not None:
        check_private(root)
    return CallService(
        phone=target.phone,
        agent=checked_agent("patter-mcp", target.thing),
        shelf=None if root is None else CallShelf(root),
        redactor=redactor_for(root),
        allowed=tuple(args.allow) or ("*",),
        max_duration_sec=args.max_duration,
        wait_s=args.wait,
        port=args.port,
    )


async def _serve(service: CallService) -> None:
    async with service.open(), task_scope() as tasks:
        ending = tasks.create_task(_end_with(service), name="mcp-phone")
        await server_of(service).run_stdio_async()
        ending.cancel()


async def _end_with(service: CallService) -> None:
    """End the process when its phone was told to: the reader of standard input cannot be."""
    await service.stopped()
    signal.raise_signal(signal.SIGTERM)
