"""Server-sent events out of bytes that are cut anywhere (pure)."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

MOST_BYTES = 1 << 20
"""An event is not longer."""


class EventTooLong(ValueError):
    """A line, or an event, that does not end."""


@attrs.define
class EventStream:
    r"""What is fed to it, event by event: the data alone, as its name says nothing here.

    >>> stream = EventStream()
    >>> [*stream.feed(b'data: {"a"'), *stream.feed(b': 1}\r\n\r\ndata: [DONE]\n\n')]
    [b'{"a": 1}', b'[DONE]']
    """

    _rest: bytearray = attrs.field(factory=bytearray, init=False, repr=False)
    _data: list[bytes] = attrs.field(factory=list, init=False, repr=False)
    _size: int = attrs.field(default=0, init=False)

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """The data of each event that is complete now. Raises EventTooLong."""
        self._rest += piece
        *lines, rest = self._rest.split(b"\n")
        self._rest = rest
        if len(rest) > MOST_BYTES:
            raise EventTooLong("a line without an end")
        for line in lines:
            yield from self._line(bytes(line.removesuffix(b"\r")))

    def _line(self, line: bytes) -> Iterator[bytes]:
        if not line:
            if self._data:
                yield b"\n".join(self._data)
            self._data, self._size = [], 0
        elif line.startswith(b"data:"):
            self._size += len(line)
            if self._size > MOST_BYTES:
                raise EventTooLong("an event without an end")
            self._data.append(line[5:].removeprefix(b" "))
