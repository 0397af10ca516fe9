"""Twilio's REST API as this package uses it: its own client, over one shared session.

Everything is bounded in time. What may be asked twice is asked again when Twilio fails; a
call is never placed twice. Twilio's library takes its time to import, and nothing of it is needed
to take a call: a thread does it a moment after the start, or when it is first needed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import attrs
from aiohttp import ClientSession, ClientTimeout, TCPConnector
from twilio.base.exceptions import TwilioException  # type: ignore[import-untyped]

from patter.aio import deadline, task_scope
from patter.carriers.vendor_api import (
    unusable,
    with_retries,
)
from patter.clock import Clock, LoopClock
from patter.errors import PatterError
from patter_twilio._form import call_sid

if TYPE_CHECKING:
    from patter_twilio.carrier import Twilio

T = TypeVar("T")
log = logging.getLogger("patter.twilio")
REST_S = 10.0
CURRENT = "Twilio.CURRENT"
"""Twilio's name for the recording of a call that runs."""
CONNECTIONS = 50
AFTER_START_S = 1.0
TIMEOUT_FIX = "see status.twilio.com, and the way from this machine to it"


@attrs.define(eq=False)
class TwilioApi:
    """One account's calls and numbers. Every method raises PatterError."""

    make: Callable[[], Any] = attrs.field(repr=False)
    clock: Clock = attrs.field(factory=LoopClock, repr=False)
    _client: Any = attrs.field(default=None, init=False, repr=False)
    _making: asyncio.Lock = attrs.field(factory=asyncio.Lock, init=False, repr=False)

    async def client(self) -> Any:
        """Twilio's own client."""
        async with self._making:
            if self._client is None:
                self._client = await asyncio.to_thread(self.make)
            return self._client

    async def dial(self, within_s: float = REST_S, **options: object) -> str:
        """Place a call, once; its sid."""
        client = await self.client()
        call = await self._once(lambda: client.calls.create_async(**options), within_s)
        return call_sid(str(call.sid))

    async def change(self, sid: str, within_s: float = REST_S, **changes: object) -> None:
        """Give a call new instructions, or end it."""
        call = (await self.client()).calls(sid)
        await self._with_retries(lambda: call.update_async(**changes), within_s)

    async def call(self, sid: str, within_s: float = REST_S) -> Any:
        """A call's resource at Twilio."""
        call = (await self.client()).calls(sid)
        return await self._with_retries(call.fetch_async, within_s)

    async def record(self, sid: str, **options: object) -> None:
        """Begin to record a call, once."""
        recordings = (await self.client()).calls(sid).recordings
        await self._once(lambda: recordings.create_async(**options))

    async def change_recording(self, sid: str, within_s: float, **changes: object) -> None:
        """Change the recording of a call that is being made now."""
        recording = (await self.client()).calls(sid).recordings(CURRENT)
        await self._with_retries(lambda: recording.update_async(**changes), within_s)

    async def number(self, number: str) -> Any | None:
        """The account's *number*; None when it has no such."""
        numbers = (await self.client()).incoming_phone_numbers
        rows = await self._with_retries(lambda: numbers.list_async(phone_number=number, limit=50))
        # Twilio looks for numbers that contain this one.
        return next((each for each in rows if each.phone_number == number), None)

    async def set_number(self, number_sid: str, **changes: object) -> None:
        """Change what Twilio does with calls to a number."""
        number = (await self.client()).incoming_phone_numbers(number_sid)
        await self._with_retries(lambda: number.update_async(**changes))

    async def _once(self, send: Callable[[], Awaitable[T]], within_s: float = REST_S) -> T:
        async with _errors(within_s):
            return await send()

    async def _with_retries(self, send: Callable[[], Awaitable[T]], within_s: float = REST_S) -> T:
        async with _errors(within_s):
            return await with_retries(send, self.clock)


@asynccontextmanager
async def connected(settings: Twilio) -> AsyncIterator[TwilioApi]:
    """The API of an account, over a session that lives while inside."""
    bound = ClientTimeout(total=REST_S)
    connector = TCPConnector(limit=CONNECTIONS)
    async with ClientSession(connector=connector, timeout=bound) as session, task_scope() as tasks:

        def make() -> Any:
            from patter_twilio._client import made

            return made(settings, session)

        api = TwilioApi(make)
        waiting = tasks.create_task(_ready_soon(api), name="twilio-client")
        try:
            yield api
        finally:
            waiting.cancel()


async def _ready_soon(api: TwilioApi) -> None:
    """Make the client while nobody waits for it: the end of a call asks for its price."""
    await asyncio.sleep(AFTER_START_S)
    try:
        await api.client()
    except Exception:
        log.exception("Twilio's library cannot be used; calls are taken without its API")


@asynccontextmanager
async def _errors(within_s: float) -> AsyncIterator[None]:
    try:
        async with deadline(within_s, "Twilio's API did not answer", fix=TIMEOUT_FIX):
            yield
    except (TwilioException, ValueError) as error:
        if isinstance(error, PatterError):
            raise
        raise unusable("Twilio", type(error).__name__) from error
