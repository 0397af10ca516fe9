"""A number of callers at once, each of whom calls again when a call is over."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import aiohttp
import attrs

from patter.aio import task_scope
from patter.errors import PatterError
from patter_load.conversation import SILENCE, Step
from patter_load.media_socket import MediaSocket, now_ns
from patter_load.person import Gone, Person
from patter_load.sightings import Sightings
from patter_load.ticker import Ticker
from patter_load.webhook import Answer, Endpoint

CALLS_A_SECOND, ENDS_A_SECOND = 25, 50
AGAIN_S = 0.5
UP_S, DOWN_S = 60.0, 15.0


class CallSocket(MediaSocket):
    """The media of a call, and *person* at it. *gone* is set when it is closed."""

    def __init__(
        self, crowd: Crowd, answer: Answer, call_sid: str, headers: Mapping[str, str]
    ) -> None:
        self.crowd, self.call_sid, self.gone = crowd, call_sid, asyncio.Event()
        self.person = Person(crowd.steps, lambda: crowd.sightings)
        super().__init__(
            answer.url,
            self.person,
            account_sid=crowd.endpoint.account_sid,
            call_sid=call_sid,
            parameters=answer.parameters,
            headers=headers,
        )
        self._silence = self.media(SILENCE)
        self._patience: asyncio.TimerHandle | None = None

    def tick(self) -> None:
        """Send the next 20 ms; whoever has said all hangs up."""
        try:
            piece = self.person.says(now_ns())
        except Gone:
            self.leave()
            return
        if isinstance(piece, str):
            self.press(piece)
            piece = b""
        self.send(self.media(piece) if piece else self._silence)

    def leave(self) -> None:
        """Hang up, and send nothing any more; twice is fine."""
        self.crowd.ticker.leave([self])
        self.hang_up()
        if self._patience is None:
            loop = asyncio.get_running_loop()
            self._patience = loop.call_later(DOWN_S, self._give_up)

    def _give_up(self) -> None:
        """The other side does not close what was hung up."""
        self.problem = self.problem or f"the media socket was not closed within {DOWN_S:g} s"
        self.abort()

    def over(self) -> None:
        self.crowd.ticker.leave([self])
        if self._patience is not None:
            self._patience.cancel()
        self.crowd.lost(self)
        self.gone.set()


@attrs.define(eq=False)
class Crowd:
    """Callers of *endpoint*, who do *steps*. *sightings* may be replaced while they talk."""

    endpoint: Endpoint
    http: aiohttp.ClientSession
    steps: tuple[Step, ...]
    ticker: Ticker = attrs.field(factory=Ticker)
    sightings: Sightings = attrs.field(factory=Sightings)
    _open: dict[str, CallSocket] = attrs.field(factory=dict, init=False)
    _stopping: bool = attrs.field(default=False, init=False)

    @property
    def calls(self) -> int:
        """How many calls there are."""
        return len(self._open)

    def changed(self, call_sid: str, wanted: Mapping[str, str]) -> None:
        """The application wants something of a call: to end it, or to send the caller elsewhere."""
        socket = self._open.get(call_sid)
        if socket is not None and not socket.ending and {"Status", "Twiml", "Url"} & set(wanted):
            self._note_early(socket)
            socket.leave()

    @asynccontextmanager
    async def beating(self) -> AsyncIterator[None]:
        """Callers send their sound while inside."""
        async with task_scope() as tasks:
            beat = tasks.create_task(self.ticker.run(), name="load-ticker")
            try:
                yield
            finally:
                beat.cancel()

    async def once(self) -> None:
        """One call, from its ring to its end. Raises PatterError."""
        await (await self._call()).gone.wait()

    @asynccontextmanager
    async def of(self, calls: int) -> AsyncIterator[None]:
        """Keep *calls* going while inside; all of them have begun, or failed to, on entering."""
        self._stopping = False
        ready = asyncio.Semaphore(0)
        async with task_scope() as tasks:
            seats = [
                tasks.create_task(self._seat(place / CALLS_A_SECOND, ready), name="load-caller")
                for place in range(calls)
            ]
            try:
                async with asyncio.timeout(UP_S + calls / CALLS_A_SECOND):
                    for _ in seats:
                        await ready.acquire()
                yield
            finally:
                # Whoever rings is not cut off: a call that never gets its media is waited for.
                self._stopping = True
                await self._hang_up()

    async def _seat(self, delay_s: float, ready: asyncio.Semaphore) -> None:
        """One caller, again and again."""
        await asyncio.sleep(delay_s)
        while not self._stopping:
            try:
                socket = await self._call()
            except PatterError as error:
                self.sightings.problems.append(error.message)
                ready.release()
            else:
                ready.release()
                if self._stopping:
                    socket.leave()
                await socket.gone.wait()
            await asyncio.sleep(AGAIN_S)

    async def _call(self) -> CallSocket:
        call_sid = f"CA{secrets.token_hex(16)}"
        answer = await self.endpoint.ring(self.http, call_sid)
        headers = self.endpoint.media_headers(answer.url)
        socket = await self.endpoint.connect(
            lambda: CallSocket(self, answer, call_sid, headers), answer.url
        )
        self.sightings.calls += 1
        self._open[call_sid] = socket
        if socket.gone.is_set():
            self.lost(socket)
        else:
            self.ticker.join(socket)
        return socket

    def lost(self, socket: CallSocket) -> None:
        """The socket of a call is gone; one that never was a call says so where it is opened."""
        if self._open.pop(socket.call_sid, None) is None:
            return
        if socket.farewell and not socket.ending:
            self._note_early(socket)
        elif socket.problem:
            self.sightings.problems.append(socket.problem)

    def _note_early(self, socket: CallSocket) -> None:
        """The agent ends a call: fine once the caller has said everything."""
        if (rest := socket.person.rest) and not self._stopping:
            self.sightings.problems.append(f"the agent hung up with {rest} things left to say")

    async def _hang_up(self) -> None:
        """End the calls one by one, and wait until their sockets are gone."""
        sockets = list(self._open.values())
        for socket in sockets:
            socket.leave()
            await asyncio.sleep(1 / ENDS_A_SECOND)
        for socket in sockets:
            await socket.gone.wait()
