"""A pause is answered in its time, by the recogniser or in its place, until it is gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import attrs
import pytest

from patter.clock import LoopClock
from patter.errors import ErrorCode, PatterError
from patter.providers.stt import STTEvent, Transcript
from patter.vendors.errors import VendorErrors
from patter.vendors.events import SessionEvents
from patter.vendors.pauses import HURRY_MS, MUTE_PAUSES, PauseWatch, keep_alive
from patter.vendors.sockets import VendorSocket

pytestmark = pytest.mark.virtual_time

CLOCK = LoopClock()
ERRORS = VendorErrors("Parrot", "PARROT_API_KEY", "status.parrot.example")
EMPTY = Transcript("", True)
WITHIN_MS = 500.0


@attrs.define(eq=False)
class Line:
    """What was sent, and when."""

    sent: list[tuple[str, float]] = attrs.field(factory=list)

    async def send_str(self, message: str) -> None:
        self.sent.append((message, CLOCK.ms()))


@attrs.define(eq=False)
class Ears:
    """Sends *ask* at a pause and *urge* in a hurry, and owes a final until *owed* is 0."""

    ask: str | None = "finalize"
    urge: str | None = None
    owed: int = 0

    def paused(self) -> str | None:
        self.owed += 1
        return self.ask

    def hurry(self) -> str | None:
        return self.urge if self.owed else None

    def overdue(self) -> list[STTEvent]:
        owed, self.owed = self.owed, 0
        return [EMPTY] if owed else []


@attrs.define(eq=False)
class Scene:
    """A session of a vendor that says nothing unless `answer` is called."""

    ears: Ears
    line: Line = attrs.field(factory=Line)
    events: SessionEvents[STTEvent] = attrs.field(factory=lambda: SessionEvents("Parrot"))
    watch: PauseWatch = attrs.field(init=False)
    heard_bytes: int = 0

    def __attrs_post_init__(self) -> None:
        socket = VendorSocket(ERRORS, ERRORS.hung_up, cast("Any", self.line))
        self.watch = PauseWatch(self.ears, socket, self.events, CLOCK)

    async def pause(self, heard: int = 160) -> None:
        self.heard_bytes += heard
        await self.watch.pause(self.heard_bytes, WITHIN_MS)

    def answer(self, text: str) -> None:
        self.watch.mute = self.ears.owed = 0
        self.events.put(Transcript(text, True))

    async def final(self) -> tuple[str, float]:
        """The next final, and when it came."""
        heard = await anext(aiter(self.events))
        assert isinstance(heard, Transcript) and heard.final
        return heard.text, CLOCK.ms()


@asynccontextmanager
async def scene(**ears: Any) -> AsyncIterator[Scene]:
    it = Scene(Ears(**ears))
    async with it.events.working(it.watch.run):
        yield it


async def nothing_more(it: Scene) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(60):
            await it.final()


async def test_a_pause_that_is_answered_in_time_is_not_answered_twice() -> None:
    async with scene(urge="hurry") as it:
        await it.pause()
        await CLOCK.sleep(WITHIN_MS - 100)
        it.answer("yes")
        assert await it.final() == ("yes", WITHIN_MS - 100)
        await nothing_more(it)
    assert it.line.sent == [("finalize", 0)]


async def test_what_is_not_answered_is_asked_for_and_then_answered_in_the_vendors_place() -> None:
    async with scene(ask=None, urge="hurry") as it:
        await it.pause()
        assert await it.final() == ("", WITHIN_MS + HURRY_MS)
        await nothing_more(it)
    assert it.line.sent == [("hurry", WITHIN_MS)]


async def test_where_nothing_helps_nothing_is_waited_for() -> None:
    async with scene() as it:
        await it.pause()
        assert await it.final() == ("", WITHIN_MS)


async def test_the_latest_pause_is_waited_for() -> None:
    async with scene() as it:
        await it.pause()
        await CLOCK.sleep(300)
        await it.pause()
        assert await it.final() == ("", 300 + WITHIN_MS)
        await nothing_more(it)


async def test_a_pause_after_nothing_new_is_answered_at_once() -> None:
    async with scene() as it:
        await it.pause(0)
        assert await it.final() == ("", 0)
        await it.pause()
        await it.pause(0)
        assert len(it.line.sent) == 2, "one is owed, so there may be words"
        assert await it.final() == ("", WITHIN_MS)


async def test_a_vendor_that_stays_mute_is_gone() -> None:
    async with scene() as it:
        for _ in range(MUTE_PAUSES - 1):
            await it.pause()
            assert (await it.final())[0] == ""
        await it.pause()
        with pytest.raises(PatterError) as raised:
            await it.final()
        assert raised.value.code is ErrorCode.TIMEOUT
        with pytest.raises(PatterError, match="in time"):
            await it.pause()


async def test_a_message_in_between_shows_that_somebody_listens() -> None:
    async with scene() as it:
        for _ in range(3 * MUTE_PAUSES):
            await it.pause()
            assert (await it.final())[0] == ""
            it.watch.mute = 0


async def test_a_line_is_kept_alive_only_where_nothing_was_sent() -> None:
    sent, acts = [0], list[float]()

    async def act() -> None:
        acts.append(CLOCK.ms())

    async with SessionEvents[int]("Parrot").working(
        lambda: keep_alive(CLOCK, 1_000, lambda: sent[0], act)
    ):
        await CLOCK.sleep(1_500)
        sent[0] = 160
        await CLOCK.sleep(2_000)
    assert acts == [1_000, 3_000]


async def test_a_pause_soon_after_one_that_was_hurried_is_hurried_as_well() -> None:
    scene = Scene(Ears(ask=None, urge="now"))
    async with scene.events.working(scene.watch.run):
        await scene.pause()
        await asyncio.sleep((WITHIN_MS + 600) / 1_000)
        scene.answer("yes")
        await scene.pause()
        begun_ms = CLOCK.ms()
        await asyncio.sleep((WITHIN_MS + HURRY_MS) / 1_000 - 0.1)
        sent = [round(at_ms - begun_ms) for message, at_ms in scene.line.sent if message == "now"]
    assert sent == [-600, WITHIN_MS]
