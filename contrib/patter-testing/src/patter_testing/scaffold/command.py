"""``patter new``: write a plugin, or an agent, that works from its first minute."""

from __future__ import annotations

import argparse
from pathlib import Path

from patter.cli.exits import OK
from patter.plugins.commands import Command


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    from patter_testing.scaffold import KINDS, NAME_RULE

    parser.add_argument("kind", metavar="agent|KIND", help=", ".join(KINDS))
    parser.add_argument("name", metavar="NAME", help=f"{NAME_RULE}: parrot, my-shop")


def run(args: argparse.Namespace) -> int:
    """Write the files below the current directory and say what to do next."""
    from patter_testing.scaffold import render

    written = render(args.kind, args.name, Path.cwd())
    home = written[0].relative_to(Path.cwd()).parts[0]
    steps = f'cd {home} && pip install -e ".[test]" && pytest'
    if args.kind == "agent":
        steps += f" && patter phone {home.replace('-', '_')}:agent"
    args.out.answer(
        f"  wrote {home}/, {len(written)} files\n  next  {steps}",
        {"wrote": [str(path.relative_to(Path.cwd())) for path in written], "next": steps},
    )
    return OK


COMMAND = Command(
    name="new",
    help="write an agent, or a plugin of any kind, with green tests",
    configure=configure,
    run=run,
    example="patter new stt parrot",
)
