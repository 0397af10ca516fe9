"""Why a model's arguments do not fit, in plain words of bounded length. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

VALUE_LIMIT, DETAIL_LIMIT, REASON_LIMIT, NAMES_LIMIT = 60, 200, 600, 5
_NOUNS = {
    "string": "a string",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
_FORMATS = {
    "date": "a date as 2026-05-31",
    "date-time": "a time as 2026-05-31T18:30:00Z",
    "time": "a time as 18:30:00Z",
    "uuid": "a UUID",
    "decimal": "a decimal number",
    "duration": "a duration as PT90S",
}
_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}
_PLAIN = re.compile(r"^Expected `[^`]*`, got `\w+`$|^Invalid enum value ")


class InvalidArgumentsError(ValueError):
    """What a model sent does not fit its tool; the text is for the model."""

    def __init__(self, reason: str, arguments: Mapping[str, Any]) -> None:
        self.reason = bounded(reason, REASON_LIMIT)
        super().__init__(self.reason)
        self.arguments = arguments


class ToolDeclined(Exception):
    """A tool has looked at the request and says no, to the model: asked again, it says the same."""


def names(what: str, every: Iterable[str]) -> Iterator[str]:
    """One line for the names that are missing or unknown, if there are any."""
    rows = list(every)
    if rows:
        shown = [bounded(name, VALUE_LIMIT) for name in rows[:NAMES_LIMIT]]
        rest = f" and {len(rows) - NAMES_LIMIT} more" if len(rows) > NAMES_LIMIT else ""
        yield f"{what} {', '.join(shown)}{rest}"


def mismatch(name: str, schema: Mapping[str, Any], value: object, detail: str = "") -> str:
    """Say what *name* expects and what came; *detail* is the decoder's own message."""
    text = f"{name}: expected {expectation(schema)}, got {excerpt(value)}"
    if not detail or _PLAIN.match(detail):
        return text
    where = detail.replace("`", "").replace(" - at $", " at ")
    return f"{text} ({bounded(where[0].lower() + where[1:], DETAIL_LIMIT)})"


def expectation(schema: Mapping[str, Any]) -> str:
    """What *schema* accepts, as a noun."""
    if "enum" in schema:
        return bounded(f"one of {', '.join(map(excerpt, schema['enum']))}", DETAIL_LIMIT)
    if "anyOf" in schema:
        return bounded(" or ".join(map(expectation, schema["anyOf"])), DETAIL_LIMIT)
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]
    kinds = schema.get("type", "object" if "$ref" in schema else "")
    nouns = [_NOUNS[kind] for kind in _listed(kinds) if kind in _NOUNS]
    return " or ".join(nouns) or "something else"


def has_type(schema: Mapping[str, Any], value: object) -> bool:
    """Is *value* of the JSON type that *schema* names? Without one, everything is."""
    kinds = [kind for kind in _listed(schema.get("type", ())) if kind in _TYPES]
    return not kinds or any(
        isinstance(value, _TYPES[kind]) and (kind == "boolean") is isinstance(value, bool)
        for kind in kinds
    )


def excerpt(value: object) -> str:
    """*value* as the JSON it came as, shortened."""
    try:
        return bounded(orjson.dumps(value).decode(), VALUE_LIMIT)
    except orjson.JSONEncodeError:  # orjson reads deeper lists than it writes
        return "something nested too deeply"


def bounded(text: str, limit: int) -> str:
    """*text*, or its beginning and an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _listed(kinds: Any) -> list[str]:
    return [kinds] if isinstance(kinds, str) else list(kinds)
