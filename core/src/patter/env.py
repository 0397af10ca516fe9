"""The only reader of the process environment, and the only writer."""

from __future__ import annotations

import os
from collections.abc import Mapping

from patter.errors import PatterConfigError


def environment() -> Mapping[str, str]:
    """The variables of this process, live."""
    return os.environ


def read(name: str, default: str = "") -> str:
    """Read one variable; unset and empty are the same."""
    return os.environ.get(name) or default


def preset(name: str, value: str) -> None:
    """Tell the libraries of this process *value*, unless somebody has set *name* already."""
    os.environ.setdefault(name, value)


def credential(owner: str, field: str, given: str | None, *names: str) -> str:
    """Return *given*, else the first of the variables *names* that is set.

    Raises PatterConfigError naming both ways to provide it. Values never appear in it.
    """
    for value in (given, *map(read, names)):
        if value:
            return value
    raise PatterConfigError(
        f"{owner} has no {field}",
        fix=f"export {names[0]}, or {owner}({field}=...)",
    )
