"""A TCP connection with somebody in the middle, who cuts it into pieces, holds it up or ends it.

What a plugin does on a bad line is seen with any double of its vendor: the double stays as it
is, the line is bad.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs

from patter.aio import task_scope
from patter_testing.loopback_site import HOST

_READ_BYTES = 65_536
_TASK = "a connection to the vendor"
"""What is left running, to whoever left it."""
_HEAD_END = b"\r\n\r\n"


@attrs.define(eq=False)
class Relay:
    """Carries bytes between whoever connects to *address* and the vendor at *target*.

    What the vendor sends arrives in pieces of *piece_bytes*. Once *keep_bytes* of it arrived,
    the rest is held back for ever, or with *cuts* the connection ends. *arrived_bytes* is how
    many did; the head of the first answer on each connection is not counted and always arrives.
    """

    target: str
    piece_bytes: int = _READ_BYTES
    keep_bytes: int | None = None
    cuts: bool = False
    address: str = attrs.field(default="", init=False)
    arrived_bytes: int = attrs.field(default=0, init=False)

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until either side ends it."""
        host, _, port = self.target.rpartition(":")
        far_writer: asyncio.StreamWriter | None = None
        try:
            far_reader, far_writer = await asyncio.open_connection(host.strip("[]"), int(port))
            async with asyncio.TaskGroup() as both:
                ways = (self._up(reader, far_writer), self._down(far_reader, writer))
                tasks = [both.create_task(way, name=_TASK) for way in ways]
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in tasks:
                    task.cancel()
        except* OSError:
            pass  # one side reset the connection: the other is closed below, as on a real line
        finally:
            for end in (writer, far_writer):
                if end is not None:
                    end.close()

    async def _up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(_READ_BYTES):
            writer.write(data)
            await writer.drain()

    async def _down(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = b""
        while _HEAD_END not in head:
            if not (data := await reader.read(_READ_BYTES)):
                return
            head += data
        end = head.index(_HEAD_END) + len(_HEAD_END)
        writer.write(head[:end])
        await _read_by_others()
        data = head[end:]
        while data or (data := await reader.read(_READ_BYTES)):
            if not await self._pieces(data, writer):
                return
            data = b""

    async def _pieces(self, data: bytes, writer: asyncio.StreamWriter) -> bool:
        """Send *data* on, as much as may arrive; False when the connection ends here."""
        room = len(data) if self.keep_bytes is None else self.keep_bytes - self.arrived_bytes
        for at in range(0, min(room, len(data)), self.piece_bytes):
            piece = data[at : min(at + self.piece_bytes, room)]
            writer.write(piece)
            self.arrived_bytes += len(piece)
            await writer.drain()
            await _read_by_others()
        if len(data) < room or self.keep_bytes is None:
            return True
        if not self.cuts:
            await asyncio.get_running_loop().create_future()
        writer.write_eof()
        return False


async def _read_by_others() -> None:
    """Let the loop notice what was sent, read it, and wake who waits for it: a round each."""
    for _ in range(3):
        await asyncio.sleep(0)


@asynccontextmanager
async def relay(
    target: str,
    *,
    piece_bytes: int = _READ_BYTES,
    keep_bytes: int | None = None,
    cuts: bool = False,
) -> AsyncIterator[Relay]:
    """Run a `Relay` to *target* (``host:port``) while inside."""
    line = Relay(target, piece_bytes, keep_bytes, cuts)
    async with task_scope() as tasks:
        carried: set[asyncio.Task[None]] = set()

        def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = tasks.create_task(line.carry(reader, writer), name=_TASK)
            carried.add(task)
            task.add_done_callback(carried.discard)

        server = await asyncio.start_server(begin, HOST, 0)
        line.address = "{}:{}".format(*server.sockets[0].getsockname()[:2])
        try:
            yield line
        finally:
            server.close()
            for task in carried:
                task.cancel()
