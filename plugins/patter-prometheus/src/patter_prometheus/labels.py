"""Label values that cannot grow without bound: what comes from outside is limited here.

Every set of label values is a time series that Prometheus keeps. Call ids and numbers are never
labels; names of providers, tools and places are, as many as an agent has.
"""

from __future__ import annotations

import attrs

OTHER = "other"
CHARACTERS = 64


@attrs.define(eq=False, repr=False)
class Labels:
    """The first *most* different values; what comes after them is `OTHER`, and counted."""

    most: int = 64
    left_out: int = attrs.field(default=0, init=False)
    _values: set[str] = attrs.field(factory=set, init=False)

    def of(self, value: str) -> str:
        """*value* as it may be a label."""
        value = value[:CHARACTERS]
        if value in self._values:
            return value
        if len(self._values) >= self.most:
            self.left_out += 1
            return OTHER
        self._values.add(value)
        return value


def among(value: str, choices: frozenset[str]) -> str:
    """*value* if it is one of *choices*, else `OTHER`."""
    return value if value in choices else OTHER
