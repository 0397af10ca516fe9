"""What a double of a JSON API refuses, by the parameter that is wrong (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


class Refusal(Exception):
    """The request is not as it must be; *error* is what the vendor's answer says of it."""

    def __init__(self, message: str, *, param: str | None = None, **error: Any) -> None:
        super().__init__(message)
        self.status = int(error.pop("status", 400))
        self.error = {"message": message, "param": param, "code": None, **error}


def check_fields(body: Mapping[str, Any], fields: Iterable[str], required: Iterable[str]) -> None:
    """Raise Refusal for a field that the vendor does not know, and for one that it misses."""
    for name in required:
        if body.get(name) in (None, "", []):
            raise Refusal(f"Missing required parameter: '{name}'.", param=name)
    for name in body:
        if name not in fields:
            raise Refusal(f"Unrecognized request argument supplied: {name}", param=name)


def check_range(body: Mapping[str, Any], name: str, low: float, high: float) -> None:
    """Raise Refusal unless the number *name*, if it is there, is from *low* to *high*."""
    value = body.get(name)
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise Refusal(f"Invalid '{name}': {value!r}. Expected {low} to {high}.", param=name)
