"""The line between a plugin and its double: what arrives, in what pieces, and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patter_testing.doubles.relay import relay
from patter_testing.suites.rules import nothing_left

HEAD = b"HTTP/1.1 200 OK\r\n\r\n"


@asynccontextmanager
async def vendor(body: bytes) -> AsyncIterator[str]:
    """Answers whatever it is sent with a head and *body*, and closes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(HEAD + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield "127.0.0.1:{1}".format(*server.sockets[0].getsockname())


async def pieces(address: str, *, within_s: float = 5.0) -> list[bytes]:
    """What arrives, piece by piece, until the end or for so long."""
    host, _, port = address.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    arrived = []
    try:
        writer.write(b"hello")
        async with asyncio.timeout(within_s):
            while piece := await reader.read(65_536):
                arrived.append(piece)
    except TimeoutError:
        arrived.append(b"...")
    finally:
        writer.close()
    return arrived


@settings(max_examples=20, database=None)
@given(st.binary(max_size=300), st.integers(1, 400))
async def test_what_is_sent_arrives_whatever_the_pieces(body: bytes, size: int) -> None:
    async with vendor(body) as target, relay(target, piece_bytes=size) as line:
        assert b"".join(await pieces(line.address)) == HEAD + body
        assert line.arrived_bytes == len(body)


async def test_pieces_are_read_one_by_one() -> None:
    async with vendor(b"abcdefg") as target, relay(target, piece_bytes=3) as line:
        arrived = await pieces(line.address)
    assert arrived == [HEAD, b"abc", b"def", b"g"]


@pytest.mark.parametrize("cuts", [False, True])
@pytest.mark.parametrize("keep", [0, 3])
async def test_the_rest_is_held_back_or_the_line_is_cut(keep: int, cuts: bool) -> None:
    async with (
        vendor(b"abcdefg") as target,
        relay(target, keep_bytes=keep, cuts=cuts) as line,
        nothing_left(),
    ):
        arrived = b"".join(await pieces(line.address, within_s=5.0 if cuts else 0.2))
    assert arrived == HEAD + b"abcdefg"[:keep] + (b"" if cuts else b"...")


async def test_a_line_to_nobody_ends_at_once() -> None:
    async with relay("127.0.0.1:9") as line, nothing_left():
        assert await pieces(line.address) == []
