"""WebSocket frames by hand (RFC 6455), for a load driver that must cost less than its subject.

Messages are never fragmented here, and our own mask is zero: legal, and free.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from enum import IntEnum
from hashlib import sha1
from typing import Final, NamedTuple

_MAGIC: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_NO_MASK: Final = b"\0\0\0\0"


class Opcode(IntEnum):
    """What a frame is."""

    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


class Frame(NamedTuple):
    """One frame as it lay on the wire: *data* is still masked when there is a *mask*."""

    opcode: int
    data: bytes
    mask: bytes

    def payload(self) -> bytes:
        """The data without its mask."""
        if not self.mask or self.mask == _NO_MASK:
            return self.data
        size = len(self.data)
        key = (self.mask * (size // 4 + 1))[:size]
        return (int.from_bytes(self.data) ^ int.from_bytes(key)).to_bytes(size)

    def first_byte(self) -> int:
        """The first byte without its mask."""
        return self.data[0] ^ (self.mask[0] if self.mask else 0)


def client_frame(opcode: Opcode, payload: bytes) -> bytes:
    """A frame as clients send them."""
    return _head(opcode, len(payload), 0x80) + _NO_MASK + payload


def server_frame(opcode: Opcode, payload: bytes) -> bytes:
    """A frame as servers send them."""
    return _head(opcode, len(payload), 0) + payload


def accept_key(key: bytes) -> bytes:
    """What a server answers to Sec-WebSocket-Key."""
    return base64.b64encode(sha1(key + _MAGIC).digest())


class FrameReader:
    """Cuts a stream of bytes into frames."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that are complete with *data*."""
        if self._rest:
            data = self._rest + data
        at, end = 0, len(data)
        while (cut := _span(data, at, end)) is not None:
            start, size, mask = cut
            yield Frame(data[at] & 0x0F, data[start : start + size], mask)
            at = start + size
        self._rest = data[at:]


def _head(opcode: Opcode, size: int, masked: int) -> bytes:
    first = 0x80 | opcode
    if size < 126:
        return bytes((first, masked | size))
    if size < 65_536:
        return bytes((first, masked | 126)) + size.to_bytes(2)
    return bytes((first, masked | 127)) + size.to_bytes(8)


def _span(data: bytes, at: int, end: int) -> tuple[int, int, bytes] | None:
    """Where the payload of the frame at *at* starts, its size and mask; None: incomplete."""
    if end - at < 2:
        return None
    size, start = data[at + 1] & 0x7F, at + 2
    if size >= 126:
        wide = 2 if size == 126 else 8
        if end - start < wide:
            return None
        size = int.from_bytes(data[start : start + wide])
        start += wide
    mask = b""
    if data[at + 1] & 0x80:
        mask = data[start : start + 4]
        start += 4
    return (start, size, mask) if end - start >= size else None
