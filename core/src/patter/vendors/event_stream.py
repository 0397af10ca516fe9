"""Server-sent events out of bytes that are cut anywhere (pure)."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

MOST_BYTES = 1 << 20
"""No event of a model is longer; what waits for its end is copied with each piece that comes."""


class EventTooLong(ValueError):
    """A line, or an event, that does not end."""


@attrs.define
class EventStream:
    r"""What is fed to it, event by event: the data alone, which says what it is itself.

    >>> stream = EventStream()
    >>> [*stream.feed(b'event: a\ndata: {"a"'), *stream.feed(b': 1}\r\n\r\ndata: [DONE]\n\n')]
    [b'{"a": 1}', b'[DONE]']
    """

    _rest: bytes = attrs.field(default=b"", init=False, repr=False)
    _data: list[bytes] = attrs.field(factory=list, init=False, repr=False)

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """The data of each event that *piece* completes. Raises EventTooLong."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            line = line.removesuffix(b"\r")
            if line.startswith(b"data:"):
                self._data.append(line[5:].removeprefix(b" "))
            elif not line and self._data:
                data, self._data = b"\n".join(self._data), []
                yield data
        if len(self._rest) + sum(map(len, self._data)) > MOST_BYTES:
            raise EventTooLong(f"over {MOST_BYTES} bytes")
