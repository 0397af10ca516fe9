"""Filters of text that comes in pieces: each gives what is settled and keeps the rest.

What a filter has given, put together, must depend only on the text it was given, not on how that
was cut into pieces, and it may keep a bounded number of characters back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeVar

import attrs

F = TypeVar("F", bound=Callable[[str], str])

THOUGHTS = ("think", "thinking", "thought", "thoughts", "reasoning", "reflection")
_TAG = re.compile(rf"<(/?)\s*(?:{'|'.join(THOUGHTS)})(?:\s[^<>]{{0,80}})?\s*>", re.IGNORECASE)
_LONGEST_TAG = 120
_STARS = re.compile(r"\*+")
_STRONG_OPEN_END = re.compile(r"\*+\d{0,4}\*?\Z")
_KEYS = re.compile(r"\d{1,4}(?:#|\*(?!\*))")
_LONGEST_RUN = 40


class TextStream(Protocol):
    """The filter of one text. `push` its pieces, then `flush`, which begins a new text."""

    def push(self, text: str) -> str:
        """Take the next piece; return what has become certain, often less than that."""
        ...

    def flush(self) -> str:
        """Return the rest: nothing follows."""
        ...


@attrs.frozen
class StreamChain:
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


@attrs.define(eq=False)
class ThoughtStream:
    """Takes out what a model thinks aloud: ``<think>...</think>``.

    A thought that is never closed lasts to the end of the text; *unclosed* tells that the text
    before the last `flush` ended so. A closing tag alone is dropped.
    """

    unclosed: bool = attrs.field(default=False, init=False)
    _held: str = attrs.field(default="", init=False)
    _inside: bool = attrs.field(default=False, init=False)

    def push(self, text: str) -> str:
        """See `TextStream.push`."""
        return self._taken(self._held + text, final=False)

    def flush(self) -> str:
        """See `TextStream.flush`."""
        rest = self._taken(self._held, final=True)
        self.unclosed, self._inside, self._held = self._inside, False, ""
        return rest

    def _taken(self, text: str, *, final: bool) -> str:
        parts, at = [], 0
        while (tag := text.find("<", at)) >= 0:
            match = _TAG.match(text, tag)
            if match is None and _may_become_tag(text[tag:]):
                # At the end of a text it never will be one, and is still not to be said.
                text = text[:tag] if final and len(text) - tag > 2 else text
                if not final or tag == len(text):
                    break
            end = match.end() if match else tag + 1
            parts.append("" if self._inside else text[at : tag if match else end])
            if match:
                self._inside = not match[1]
            at = end
        else:
            tag = len(text)
        parts.append("" if self._inside else text[at:tag])
        self._held = text[tag:]
        return "".join(parts)


@attrs.define(eq=False)
class StrongStream:
    """Takes out the marks of ``**bold**``, which no voice should read; ``x**2`` stays.

    So do ``**21#``, which is dialled, and more than three stars, which stand for digits.
    """

    _held: str = attrs.field(default="", init=False)
    _before: str = attrs.field(default="", init=False)

    def push(self, text: str) -> str:
        """See `TextStream.push`."""
        text = self._held + text
        tail = _STRONG_OPEN_END.search(text, max(0, len(text) - _LONGEST_RUN))
        return self._taken(text, tail.start() if tail else len(text))

    def flush(self) -> str:
        """See `TextStream.flush`."""
        rest = self._taken(self._held, len(self._held))
        self._held = self._before = ""
        return rest

    def _taken(self, text: str, end: int) -> str:
        plain = _STARS.sub(lambda stars: self._kept(stars, text), text[:end])
        self._before, self._held = (text[end - 1] if end else self._before), text[end:]
        return plain

    def _kept(self, stars: re.Match[str], text: str) -> str:
        run = stars[0]
        before = text[stars.start() - 1] if stars.start() else self._before
        after = text[stars.end() : stars.end() + 1]
        apart = (not before or before.isspace()) and after.isspace()
        power = (before.isalnum() or before == ")") and after.isdigit()
        keys = len(run) == 2 and _KEYS.match(text, stars.end())
        return run if len(run) not in (2, 3) or apart or power or keys else ""


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


def _may_become_tag(text: str) -> bool:
    """Is *text*, from a ``<`` on, the beginning of a tag?"""
    if len(text) > _LONGEST_TAG or ">" in text or "<" in text[1:]:
        return False
    name = re.match(r"</?\s*([A-Za-z]*)", text)
    if name is None:
        return False
    low, rest = name[1].lower(), text[name.end() :]
    if not rest:
        return any(each.startswith(low) for each in THOUGHTS)
    return low in THOUGHTS and rest[0].isspace()
