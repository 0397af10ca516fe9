"""How a call comes to the measured process: straight to it, or through a carrier's double."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Protocol, TypeAlias

import orjson

from callbench.caller import Caller
from callbench.person import Person
from callbench.stamps import CallLog
from callbench.stand import PHONES

UP_S = 20.0


class Party(Protocol):
    """Somebody on the telephone: `tick` sends the next 20 ms."""

    @property
    def log(self) -> CallLog: ...

    @property
    def person(self) -> Person: ...

    def tick(self) -> None: ...

    def hang_up(self) -> None:
        """End the call; `OnOver` is called when its media is gone."""
        ...


OnOver: TypeAlias = Callable[[Party], None]
Logs: TypeAlias = MutableMapping[str, CallLog]
"""Of every call by the name its carrier gives it; vendors look there."""


class Door(Protocol):
    """Where calls come from. *api*: where the measured process finds its carrier."""

    @property
    def api(self) -> str: ...

    def leads_to(self, port: int) -> None:
        """The measured process serves at *port*."""
        ...

    async def call(self, logs: Logs, on_over: OnOver) -> Party:
        """Ring, connect, be silent."""
        ...


class Direct:
    """Calls of a carrier that is hardly there: a request, then the media socket."""

    api = ""

    def __init__(self) -> None:
        self._port = self._calls = 0

    def leads_to(self, port: int) -> None:
        self._port = port

    async def call(self, logs: Logs, on_over: OnOver) -> Party:
        self._calls += 1
        log = CallLog(f"call-{self._calls}", len(logs))
        logs[log.call_id] = log
        url = await _ring(self._port, log.call_id)
        caller = Caller(log, url, on_over)
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: caller, "127.0.0.1", self._port)
        await caller.up
        return caller


@asynccontextmanager
async def door(kind: str) -> AsyncIterator[Door]:
    """The way to a process of *kind*."""
    if kind in PHONES:
        from callbench import twilio_door

        async with twilio_door.through_twilio() as led:
            yield led
    elif kind == "twilio":
        from callbench.double_calls import through_twilio

        async with through_twilio() as found:
            yield found
    else:
        yield Direct()


async def _ring(port: int, call_id: str) -> str:
    """Tell the measured process of a call; where its media goes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = orjson.dumps({"call_id": call_id})
    writer.write(
        b"POST /webhooks/bench/call HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\n"
        b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (port, len(body), body)
    )
    try:
        async with asyncio.timeout(UP_S):
            answer = await reader.read()
    finally:
        writer.close()
    head, _, said = answer.partition(b"\r\n\r\n")
    if b" 200 " not in head.partition(b"\r\n")[0]:
        raise RuntimeError(f"{call_id} was not let in: {answer.decode(errors='replace')}")
    url: str = orjson.loads(said)["media_url"]
    return url


if TYPE_CHECKING:
    _: type[Door] = Direct
    __: type[Party] = Caller
