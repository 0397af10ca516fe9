"""Write `patter.plugins.known` from what the packages of this repository say (``nox -s known``).

Distribution and slugs come from each ``pyproject.toml``, class names from the ``__all__`` of
its package, commands from where it makes a ``Command``; nothing is imported. ``--check`` only
says whether the file is what it should be.
"""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
NOT_KINDS = ("extension", "double")
KNOWN = ROOT / "core/src/patter/plugins/known.py"
FACADE = "getpatter"
"""Has the others' names, and none of its own."""
BEGIN, END = "# begin generated\n", "# end generated\n"


def main(arguments: list[str]) -> int:
    """Write the file, or with ``--check`` return 1 when it is not what it should be."""
    now, wanted = KNOWN.read_text(encoding="utf-8"), generated()
    if "--check" in arguments:
        print("known.py is", "up to date" if now == wanted else "stale: run nox -s known")
        return int(now != wanted)
    KNOWN.write_text(wanted, encoding="utf-8")
    print(f"wrote {KNOWN.relative_to(ROOT)}")
    return 0


def generated() -> str:
    """The whole text of the file as it should be."""
    text = KNOWN.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    return f"{before}{BEGIN}{tables()}{END}{after}"


def tables() -> str:
    """The three tables as source, sorted, formatted as ``ruff format`` would."""
    providers: list[str] = []
    classes: list[str] = []
    commands: list[str] = []
    kit = {*exported(ROOT / "contrib/patter-testing/src/patter_testing")}
    for project, package in packages():
        name = project["name"]
        providers += [f'    ("{kind}", "{slug}"): "{name}",' for kind, slug in offers(project)]
        # The evals hand on a few classes of the kit, which is where they are missed from.
        own = [cls for cls in exported(package) if name == "patter-testing" or cls not in kit]
        classes += [f'    "{cls}": "{name}",' for cls in own]
        commands += [f'    "{command}": "{name}",' for command in commands_of(package)]
    return (
        table("PROVIDERS: dict[tuple[str, str], str]", providers)
        + "\n"
        + table("CLASSES: dict[str, str]", classes)
        + "\n"
        + table("COMMANDS: dict[str, str]", commands)
    )


def table(head: str, rows: list[str]) -> str:
    """One dict as source."""
    if not rows:
        return f"{head} = {{}}\n"
    return "\n".join([f"{head} = {{", *sorted(set(rows)), "}\n"])


def packages() -> Iterator[tuple[dict[str, Any], Path]]:
    """The project table and package directory of every plugin here."""
    for folder in ("plugins", "contrib"):
        for path in sorted((ROOT / folder).glob("*/pyproject.toml")):
            project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
            if project["name"] != FACADE:
                yield project, path.parent / "src" / project["name"].replace("-", "_")


def offers(project: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(kind, slug) of every provider that *project* advertises."""
    for group, entries in project.get("entry-points", {}).items():
        kind = group.removeprefix("patter.")
        if group.startswith("patter.") and kind not in NOT_KINDS:
            yield from ((kind, slug) for slug in entries)


def exported(package: Path) -> list[str]:
    """The classes in ``__all__`` of *package*."""
    tree = ast.parse((package / "__init__.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            return [name for name in ast.literal_eval(node.value) if name[0].isupper()]
    return []


def commands_of(package: Path) -> Iterator[str]:
    """The names of the commands that the modules of *package* make, which are literals."""
    for path in sorted(package.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Command":
                name = next(word.value for word in node.keywords if word.arg == "name")
                yield str(ast.literal_eval(name))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
