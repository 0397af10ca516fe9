"""Names that a model made up, at any depth: classes read by msgspec would ignore them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any

import attrs

from patter.tools.refusals import has_type


@attrs.frozen
class ClosedObjects:
    """Finds what objects hold that *definitions* and the schema at hand close them to."""

    definitions: Mapping[str, Any]

    def unknown(self, value: Any, schema: Any, at: str) -> Iterator[str]:
        """The paths, from *at* on, of the unknown names in *value*."""
        schema = self._resolved(schema)
        if "anyOf" in schema:
            yield from self._of_best_branch(value, schema["anyOf"], at)
        elif isinstance(value, list):
            yield from self._in_list(value, schema, at)
        elif isinstance(value, dict):
            yield from self._in_object(value, schema, at)

    def _of_best_branch(self, value: Any, branches: list[Any], at: str) -> list[str]:
        """The value was decoded by one of *branches*: by the one that knows most of its names."""
        fitting = [each for each in branches if has_type(self._resolved(each), value)]
        every = [list(self.unknown(value, each, at)) for each in fitting]
        return min(every, key=len, default=[])

    def _in_list(self, value: list[Any], schema: Mapping[str, Any], at: str) -> Iterator[str]:
        first = schema.get("prefixItems", ())
        pairs = zip_longest(value, first[: len(value)], fillvalue=schema.get("items"))
        for index, (each, within) in enumerate(pairs):
            yield from self.unknown(each, within, f"{at}[{index}]")

    def _in_object(
        self, value: dict[str, Any], schema: Mapping[str, Any], at: str
    ) -> Iterator[str]:
        properties, others = schema.get("properties", {}), schema.get("additionalProperties")
        for name, each in value.items():
            if name not in properties and others is False:
                yield f"{at}.{name}"
            else:
                yield from self.unknown(each, properties.get(name, others), f"{at}.{name}")

    def _resolved(self, schema: Any) -> Mapping[str, Any]:
        if not isinstance(schema, Mapping):
            return {}
        target = schema.get("$ref")
        return self.definitions[target.removeprefix("#/$defs/")] if target else schema
