"""What the model of the double says next: text, or calls of tools."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count

import attrs

_NUMBERS = count(1)


@attrs.frozen(kw_only=True)
class Turn:
    """One reply: *text*, then *calls* as (tool, arguments in JSON).

    *reason* is why it ends: ``length`` and ``content_filter`` end it before it is complete.
    *cached* of its prompt's tokens are read from a cache.
    """

    text: str = ""
    calls: tuple[tuple[str, str], ...] = ()
    reason: str = ""
    cached: int = 0

    @property
    def finish_reason(self) -> str:
        """Why it ends, as chat completions say it."""
        return self.reason or ("tool_calls" if self.calls else "stop")

    def pieces(self) -> list[str]:
        """The text as tokens come: word by word, spaces first."""
        if not self.text:
            return []
        first, *rest = self.text.split(" ")
        return [first, *(f" {word}" for word in rest)]

    def tokens(self) -> int:
        """How many tokens it takes."""
        return len(self.pieces()) + sum(4 + len(arguments) // 4 for _, arguments in self.calls)


def turns(script: Iterable[Turn | str]) -> Iterator[Turn]:
    """*script*, a text being a turn of its own."""
    return iter([Turn(text=each) if isinstance(each, str) else each for each in script])


def asked_for(heard: str, tools: Iterable[str]) -> Turn | None:
    """A call of each tool whose name begins with a word of *heard*; None without one.

    >>> asked_for("Book a table.", ["book_table", "cancel_table"]).calls
    (('book_table', '{}'),)
    """
    words = {word.strip(".,!?").lower() for word in heard.split()}
    names = [name for name in tools if name.split("_")[0] in words]
    return Turn(calls=tuple((name, "{}") for name in names)) if names else None


def new_id(prefix: str) -> str:
    """An id as the vendor makes them, told apart from all others.

    >>> new_id("resp") != new_id("resp")
    True
    """
    return f"{prefix}_{next(_NUMBERS):024x}"
