"""Server-sent events out of bytes that come in any pieces (pure)."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

MOST_BYTES = 8 << 20
"""No event of a model is longer; what is comes from something else."""


class TooLong(ValueError):
    """What comes is no event."""


@attrs.define
class EventReader:
    """Gives the data of each event once it is complete; what has no data is no event.

    >>> reader = EventReader()
    >>> list(reader.feed(b"data: on")), list(reader.feed(b"e\\r\\n\\r\\n"))
    ([], [b'one'])
    """

    _left: bytes = attrs.field(default=b"", init=False)
    _data: list[bytes] = attrs.field(factory=list, init=False)

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """The data of the events that *piece* completes. Raises TooLong."""
        *lines, self._left = (self._left + piece).split(b"\n")
        for line in lines:
            line = line.removesuffix(b"\r")
            if line.startswith(b"data:"):
                self._data.append(line[5:].removeprefix(b" "))
            elif not line and self._data:
                data, self._data = b"\n".join(self._data), []
                yield data
        if len(self._left) + sum(map(len, self._data)) > MOST_BYTES:
            raise TooLong(f"over {MOST_BYTES} bytes")
