"""Constructor arguments as the documents write them, made those of our provider classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from getpatter.deprecations import deprecate


def plain(
    options: Mapping[str, Any], *negotiated: str, **credentials: str | None
) -> dict[str, Any]:
    """*options* without those that are None, and *credentials* without the empty ones.

    The *negotiated* options change nothing here: they are left out, with a DeprecationWarning.
    """
    idle = [name for name in negotiated if options.get(name) is not None]
    if idle:
        deprecate(f"{', '.join(idle)}: each call negotiates its format; leave it out")
    rest = {k: v for k, v in options.items() if v is not None and k not in negotiated}
    return {**{k: v for k, v in credentials.items() if v}, **rest}
