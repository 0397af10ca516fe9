"""Write what README.md tells of the packages, and with ``--demo`` of a call made here.

Between two comments of the page everything is generated; the rest is not touched. ``--check``
only says whether the table is what the packages say.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from patter.plugins.catalogue import DEFAULT, DOUBLE, EXTENSION

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PICTURE = ROOT / "docs" / "call.svg"
FIRST_LINES = 9
SUMMED_UP = (" turns", " ok words")


def main(arguments: list[str]) -> int:
    """Write the page, or with ``--check`` return 1 when it is not what it should be."""
    now = README.read_text(encoding="utf-8")
    wanted = with_providers(now)
    if "--check" in arguments:
        return int(now != wanted)
    if "--demo" in arguments:
        wanted = within(wanted, "demo", seen(demo()))
    README.write_text(wanted, encoding="utf-8")
    print(f"wrote {README.relative_to(ROOT)}")
    return 0


def with_providers(page: str) -> str:
    """*page* with the table of the packages here."""
    return within(page, "providers", table())


def within(page: str, name: str, text: str) -> str:
    """*page* with *text* between the comments called *name*."""
    begin, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->\n"
    before, rest = page.split(begin)
    return f"{before}{begin}{text}{end}{rest.split(end)[1]}"


def table() -> str:
    """Every provider there is, by kind, with a link to its package."""
    named: dict[str, list[str]] = {}
    for kind, link in sorted(named_of_all()):
        named.setdefault(kind, []).append(link)
    rows = [f"| {kind} | {' '.join(links)} |" for kind, links in named.items()]
    return "\n".join(["| kind | providers |", "|---|---|", *rows]) + "\n"


def named_of_all() -> Iterator[tuple[str, str]]:
    """Kind and link of each provider of each package."""
    for folder in ("plugins", "contrib"):
        for path in sorted((ROOT / folder).glob("*/pyproject.toml")):
            place = f"{folder}/{path.parent.name}/README.md"
            yield from named_of(tomllib.loads(path.read_text(encoding="utf-8")), place)


def named_of(pyproject: dict[str, Any], place: str) -> Iterator[tuple[str, str]]:
    """Kind and link of each provider of one package."""
    for group, entries in pyproject["project"].get("entry-points", {}).items():
        kind = group.removeprefix("patter.")
        for slug in entries:
            if kind not in (EXTENSION, DOUBLE) and slug != DEFAULT:
                yield kind, f"[`{slug}`]({place})"


def demo() -> str:
    """What ``patter demo`` prints here; its picture becomes the page's. Raises when it fails."""
    command = shutil.which("patter") or "patter"
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [command, "demo", "--out", folder], capture_output=True, text=True, check=True
        )
        shutil.copyfile(Path(folder) / "call.svg", PICTURE)
    return re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)


def seen(output: str) -> str:
    """The beginning and the sum of *output* as a block, and the picture of the same call."""
    lines = [line.rstrip() for line in output.splitlines() if line.strip()]
    kept = [*lines[:FIRST_LINES], " ...", *(line for line in lines if line.startswith(SUMMED_UP))]
    picture = f"![the call, drawn]({PICTURE.relative_to(ROOT)})"
    return "\n".join(["```text", *kept, "```", "", picture, ""])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
