"""What the model of the double says next, as it is counted and cut into pieces."""

from __future__ import annotations

from itertools import count

import attrs

from patter_testing.doubles.scripted_model import Answer

_NUMBERS = count(1)


@attrs.frozen
class Turn(Answer):
    """An answer that ends in its own way: *reason* is ``length`` or ``content_filter``.

    *cached* of its prompt's tokens are read from a cache.
    """

    reason: str = attrs.field(default="", kw_only=True)
    cached: int = attrs.field(default=0, kw_only=True)

    @classmethod
    def of(cls, answer: Answer) -> Turn:
        """*answer*, which ends as it should unless it says otherwise."""
        return answer if isinstance(answer, Turn) else cls(answer.text, answer.tools)

    @property
    def finish_reason(self) -> str:
        """Why it ends, as chat completions say it."""
        return self.reason or ("tool_calls" if self.tools else "stop")

    def pieces(self) -> list[str]:
        """The text as tokens come: word by word, spaces first."""
        if not self.text:
            return []
        first, *rest = self.text.split(" ")
        return [first, *(f" {word}" for word in rest)]

    def tokens(self) -> int:
        """How many tokens it takes."""
        return len(self.pieces()) + sum(4 + len(call.arguments) // 4 for call in self.tools)


def new_id(prefix: str) -> str:
    """An id as the vendor makes them, told apart from all others.

    >>> new_id("resp") != new_id("resp")
    True
    """
    return f"{prefix}_{next(_NUMBERS):024x}"
