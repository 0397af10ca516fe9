"""What patter-after-call has kept beside a record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from patter.safe_text import one_line

NAME = "after_call.json"


def read(directory: Path) -> dict[str, Any] | None:
    """What followed the call in *directory*; None when nothing is kept of it."""
    with suppress(OSError, ValueError):
        value = orjson.loads((directory / NAME).read_bytes())
        return value if isinstance(value, dict) else None
    return None


def lines(kept: Mapping[str, Any]) -> Iterator[str]:
    """*kept* as lines: what became of the call, its summary, and the review."""
    if kept.get("status") == "failed":
        error = kept.get("error")
        why = error.get("message", "") if isinstance(error, Mapping) else ""
        yield f"after     failed: {one_line(str(why))}"
    if disposition := kept.get("disposition"):
        yield f"after     {one_line(str(disposition))}"
    if summary := kept.get("summary"):
        yield f"summary   {one_line(str(summary))}"
    review = kept.get("review")
    for name, verdict in review.items() if isinstance(review, Mapping) else ():
        if isinstance(verdict, Mapping):
            passed = "yes" if verdict.get("passed") is True else "no"
            reason = one_line(str(verdict.get("reason", "")))
            yield f"review    {one_line(str(name))}: {passed}. {reason}".rstrip()
