"""``--simulate``: an agent's vendors are doubles on this machine, so that no key is needed."""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patter.errors import InputError
from patter.plugins.installing import needs

if TYPE_CHECKING:
    from patter.client import Patter
    from patter.testing import Simulation


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``--simulate`` and ``--says``."""
    parser.add_argument(
        "--simulate", action="store_true", help="simulators in place of vendors: no keys, no costs"
    )
    parser.add_argument(
        "--says",
        metavar="FILE",
        help="with --simulate: what speech is recognised as, a line each time",
    )


@contextmanager
def loading(args: argparse.Namespace) -> Iterator[None]:
    """While the agent's module is imported: keys may be missing if it is simulated.

    Raises InputError for a file without a simulation, NotInstalled when there is no kit.
    """
    if not args.simulate:
        if args.says:
            raise InputError("nobody reads --says", fix="add --simulate, or leave it out")
        yield
        return
    with _kit().without_keys():
        yield


@asynccontextmanager
async def simulating(
    phone: Patter, agent: Any, args: argparse.Namespace
) -> AsyncIterator[Simulation | None]:
    """The simulation of *agent*, a line printed for each part; None when it is not simulated.

    Raises InputError when the file of ``--says`` cannot be read.
    """
    if not args.simulate:
        yield None
        return
    async with _kit().simulating(phone, agent, lines=lines_of(args.says)) as simulation:
        for part in simulation.parts:
            fields = {"kind": part.kind, "provider": part.name, "simulated": bool(part.url)}
            args.out.event(f"  {part}", {"event": "part", **fields})
        yield simulation


def _kit() -> Any:
    """What simulates. Raises NotInstalled: a phone works without the testing kit."""
    with needs("patter_testing", install="patter-testing"):
        return import_module("patter_testing.simulation")


def lines_of(path: str | None) -> list[str]:
    """What is said, line by line; empty lines say nothing."""
    if path is None:
        return []
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise InputError(
            f"{path} cannot be read: {type(error).__name__}", fix="--says FILE, one line each time"
        ) from error
    return [line.strip() for line in text.splitlines() if line.strip()]
