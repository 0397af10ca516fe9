"""The far end of each carrier behind one face: somebody who is rung, speaks, listens, hangs up.

Three telephone companies are doubles of their vendors; the fourth carrier has no vendor, its
far end is a softphone.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib import import_module
from typing import Any, Protocol

import attrs

from patter.audio.formats import MULAW_8K
from patter.providers.carrier import Carrier
from patter_softphone import Softphone, SoftphoneCall, SoftphoneCarrier
from patter_testing import Caller
from patter_testing.doubles.call import CallerLocation, DoubleCall
from patter_testing.fakes.tts import read_back, spoken

HOST = "phone.example.com"
OURS = "+15550001234"
LETTER_MS = 15
PATIENCE_S = 30.0
Hear = Callable[[str], object]


class Talk(Protocol):
    """Somebody on the phone. *hear* makes the recogniser understand what they say."""

    async def says(self, words: str, hear: Hear) -> None: ...

    async def hears(self, words: str) -> None:
        """Wait until the agent's *words* were played to them."""
        ...

    async def presses(self, key: str) -> None: ...

    async def hangs_up(self) -> None: ...

    async def loses_the_line(self) -> None:
        """The media breaks; wait until there is media again."""
        ...

    async def is_let_go(self) -> None:
        """Wait until their line is down."""
        ...


class FarEnd(Protocol):
    """Where calls come from, and whom calls go to."""

    carrier: Carrier

    def reaches(self, url: str) -> None:
        """The server listens at *url*."""
        ...

    def rings(self, caller: str) -> AbstractAsyncContextManager[Talk]:
        """*caller* calls us, and is connected."""
        ...


@attrs.define
class OverDouble:
    """A caller at a telephone company."""

    call: DoubleCall

    async def says(self, words: str, hear: Hear) -> None:
        await Caller(self.call.leg, on_speech=hear, ms_per_letter=40).says(words)

    async def hears(self, words: str) -> None:
        await self._until(lambda: words in self._heard())

    async def presses(self, key: str) -> None:
        await Caller(self.call.leg).presses(key)

    async def hangs_up(self) -> None:
        await self.call.hangs_up()

    async def loses_the_line(self) -> None:
        streams = len(self.call.streams)
        self.call.drops()
        await self.call.up(streams + 1)

    async def is_let_go(self) -> None:
        await self.call.is_with(CallerLocation.ENDED)

    def _heard(self) -> str:
        audio = b"".join(stream.leg.heard() for stream in self.call.streams)
        return read_back(audio, MULAW_8K, LETTER_MS)

    async def _until(self, happened: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not happened():
                if self.call.streams and not self.call.leg.closed:
                    await Caller(self.call.leg).waits(20)
                else:
                    await asyncio.sleep(0.02)


@attrs.define
class OverVendor:
    """A running double of a telephone company."""

    vendor: Any
    carrier: Carrier
    _waited: dict[str, asyncio.Future[DoubleCall]] = attrs.field(factory=dict, init=False)
    _listening: asyncio.Lock = attrs.field(factory=asyncio.Lock, init=False)

    def reaches(self, url: str) -> None:
        self.vendor.reaches(url)

    @asynccontextmanager
    async def rings(self, caller: str) -> AsyncIterator[OverDouble]:
        call: DoubleCall = self.vendor.rings(caller=caller)
        await call.up()
        yield OverDouble(call)

    async def call_to(self, number: str) -> DoubleCall:
        """The call that we place to *number*; whoever waits first hears of those of others."""
        mine: asyncio.Future[DoubleCall] = asyncio.get_running_loop().create_future()
        self._waited[number] = mine
        async with self._listening:
            while not mine.done():
                call: DoubleCall = await self.vendor.dialled()
                self._waited[call.callee].set_result(call)
        return await mine


@attrs.define
class OverSoftphone:
    """A softphone's user."""

    phone: Softphone
    call: SoftphoneCall
    _heard_before: bytes = b""
    _came_back: list[Any] = attrs.field(factory=list)

    async def says(self, words: str, hear: Hear) -> None:
        await self.call.say(spoken(words, MULAW_8K, 40))
        hear(words)
        await asyncio.sleep(0.5)

    async def hears(self, words: str) -> None:
        async with asyncio.timeout(PATIENCE_S):
            await self.call.when(lambda: words in self._heard())

    async def presses(self, key: str) -> None:
        await self.call.press(key)

    async def hangs_up(self) -> None:
        await self.call.hang_up()

    async def loses_the_line(self) -> None:
        self._heard_before += bytes(self.call.heard)
        await self.call.lose()
        again = self.phone.call(self.call.media_path)
        self._came_back.append(again)
        self.call = await again.__aenter__()

    async def is_let_go(self) -> None:
        async with asyncio.timeout(PATIENCE_S):
            await self.call.ended()

    async def leaves(self) -> None:
        """Close what was opened when the line came back."""
        for again in self._came_back:
            await again.__aexit__(None, None, None)

    def _heard(self) -> str:
        return read_back(self._heard_before + bytes(self.call.heard), MULAW_8K, LETTER_MS)


@attrs.define
class Softphones:
    """Pages and programs that call."""

    carrier: Carrier = attrs.field(factory=SoftphoneCarrier)
    url: str = ""

    def reaches(self, url: str) -> None:
        self.url = url

    @asynccontextmanager
    async def rings(self, caller: str) -> AsyncIterator[OverSoftphone]:
        phone = Softphone(url=self.url, caller=caller)
        async with phone.call() as call:
            talk = OverSoftphone(phone, call)
            try:
                yield talk
            finally:
                await talk.leaves()


@asynccontextmanager
async def far_end(name: str, *, paced: bool = True) -> AsyncIterator[FarEnd]:
    """The far end of the carrier *name*; its callers are *paced* as `Stream` says."""
    if name == "softphone":
        yield Softphones()
        return
    double = getattr(import_module(f"patter_{name}.double"), f"{name.title()}Double")
    async with double(numbers=(OURS,), public_host=HOST, paced=paced).open() as vendor:
        yield OverVendor(vendor, vendor.carrier())
