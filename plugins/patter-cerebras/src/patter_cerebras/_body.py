"""The body of a request as it is sent: JSON or MessagePack, smaller where that is worth it (pure).

As inference-docs.cerebras.ai/payload-optimization has it: ``application/vnd.msgpack``, and gzip.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

import msgspec
import orjson

ONE_PACKET = 1_200
"""What is not longer goes out in one packet with its headers: there is nothing to gain."""

IN_THREAD = 64_000
"""What is longer takes over a millisecond to compress: a thread does it."""

_LEVEL = 1
"""The first level takes 0.2 ms for 20 kB and leaves 42 %; the sixth 0.7 ms for 37 %."""

_GZIP = 31
"""The window that makes zlib write a gzip file."""


def encoded(body: Mapping[str, Any], *, msgpack: bool) -> tuple[bytes, dict[str, str]]:
    """*body* in bytes, and the header that says what they are."""
    kind = "application/vnd.msgpack" if msgpack else "application/json"
    data = msgspec.msgpack.encode(body) if msgpack else orjson.dumps(body)
    return data, {"Content-Type": kind}


def compressed(data: bytes) -> tuple[bytes, dict[str, str]]:
    """*data* as a gzip file, and the header that says it."""
    return zlib.compress(data, _LEVEL, _GZIP), {"Content-Encoding": "gzip"}
