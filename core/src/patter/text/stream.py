"""Filters of text that comes in pieces: each gives what is settled and keeps the rest.

What a filter has given, put together, must depend only on the text it was given, not on how that
was cut into pieces, and it may keep a bounded number of characters back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeVar

import attrs

F = TypeVar("F", bound=Callable[[str], str])


class TextStream(Protocol):
    """The filter of one text. `push` its pieces, then `flush`, which begins a new text."""

    def push(self, text: str) -> str:
        """Take the next piece; return what has become certain, often less than that."""
        ...

    def flush(self) -> str:
        """Return the rest: nothing follows."""
        ...


@attrs.frozen
class Chain:
    """Filters one after the other, as one."""

    streams: tuple[TextStream, ...]

    def push(self, text: str) -> str:
        """See `TextStream.push`."""
        for stream in self.streams:
            text = stream.push(text)
        return text

    def flush(self) -> str:
        """See `TextStream.flush`."""
        text = ""
        for stream in self.streams:
            text = stream.push(text) + stream.flush()
        return text


def whole(stream: TextStream, text: str) -> str:
    """*text* as *stream* gives it when it comes in one piece."""
    return stream.push(text) + stream.flush()


def with_stream(make: Callable[[], TextStream]) -> Callable[[F], F]:
    """Declare that a function of a whole text can be done to its pieces too, by *make*."""

    def declare(function: F) -> F:
        setattr(function, "stream", make)  # noqa: B010
        return function

    return declare


def split(
    transforms: Iterable[Callable[..., Any]],
) -> tuple[tuple[Callable[[], TextStream], ...], tuple[Callable[..., Any], ...]]:
    """The *transforms* that have a ``stream``, by what makes it, and those that have none."""
    makers, others = [], []
    for transform in transforms:
        make = getattr(transform, "stream", None)
        if callable(make):
            makers.append(make)
        else:
            others.append(transform)
    return tuple(makers), tuple(others)
