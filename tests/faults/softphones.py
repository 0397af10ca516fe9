"""A bad day of people who call from a web page: no telephone company, and a line that is lost.

Each says a name of its own in a tone of its own, and hears, records and writes down no other.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import attrs

from patter import Patter, PluginRegistry
from patter.aio import task_scope
from patter.audio.formats import MULAW_8K
from patter.errors import PatterConnectionError
from patter.observe.codec import event_fields
from patter.observe.record_files import NAME
from patter.observe.recorder import NAME as WAV
from patter_softphone import Softphone, SoftphoneCall, SoftphoneCarrier
from patter_testing import FakeLLM, FakeSTT, FakeTTS, FakeVAD
from patter_testing.fakes.tts import read_back

from . import own, vitals
from .audit_record import Record, records
from .day import Day
from .marks import MS_PER_LETTER, name_of, tone_of
from .phone import until
from .talk import GREETING, reply_to

AT_ONCE, FRAME, VOICE_MS = 20, 160, 400
WAYS = ("talks", "loses the line", "breaks off", "presses keys", "is left")
PATIENCE_S = 8.0


@attrs.define(eq=False)
class Page:
    """One who calls: *heard* is all that was played to them, *trouble* what went otherwise."""

    party: str
    way: str
    heard: bytes = b""
    trouble: list[str] = attrs.field(factory=list)

    @property
    def words(self) -> str:
        """What the agent said to them."""
        return read_back(self.heard, MULAW_8K, MS_PER_LETTER)


@attrs.define(eq=False)
class Pages:
    """Those who call a phone at *url*, whose recogniser is *stt*."""

    url: str
    stt: FakeSTT
    dealt: Counter[str] = attrs.field(factory=Counter)

    async def calls(self, page: Page) -> None:
        """Make the call of *page*, until one side has ended it."""
        phone = Softphone(url=self.url, caller=page.party)
        async with AsyncExitStack() as lines:
            call = await lines.enter_async_context(phone.call())
            try:
                call = await self._talk(page, phone, call, lines)
            except (PatterConnectionError, TimeoutError) as problem:
                page.trouble.append(f"{problem!r:.120}")
            page.heard += bytes(call.heard)
        self.dealt[page.way] += 1

    async def _talk(
        self, page: Page, phone: Softphone, call: SoftphoneCall, lines: AsyncExitStack
    ) -> SoftphoneCall:
        async with asyncio.timeout(PATIENCE_S):
            await call.when(lambda: GREETING in _words(call))
        if page.way == "loses the line":
            await call.lose()
            page.heard += bytes(call.heard)
            call = await lines.enter_async_context(phone.call(call.media_path))
        if page.way == "presses keys":
            await call.press("7")
        if page.way == "breaks off":
            await call.lose()
            return call
        wish = "bye" if page.way == "is left" else "hello"
        await self._says(page, call, f"{wish} {name_of(page.party)}")
        async with asyncio.timeout(PATIENCE_S):
            if wish == "bye":
                await call.ended()
            else:
                await call.when(lambda: f"Yes {name_of(page.party)}." in _words(call))
        return call

    async def _says(self, page: Page, call: SoftphoneCall, words: str) -> None:
        ears = next(each for each in reversed(self.stt.sessions) if each.call.caller == page.party)
        ears.start_voice()
        await call.say(bytes([tone_of(page.party)]) * FRAME * (VOICE_MS // 20))
        ears.hear(words)
        ears.stop_voice()
        ears.end_turn()


async def softphone_day(count: int, seed: int, log: Path) -> Day:
    """*count* people call from pages, *AT_ONCE* at a time."""
    began, random = asyncio.get_running_loop().time(), Random(seed)
    pages = [
        Page(f"+1777{seed % 1_000:03}{number:04}", random.choice(WAYS)) for number in range(count)
    ]
    async with vitals.watched(count) as signs, _served(log) as them:
        places = asyncio.Semaphore(AT_ONCE)

        async def placed(page: Page) -> None:
            async with places:
                await them.calls(page)

        async with asyncio.TaskGroup() as tasks:
            for page in pages:
                tasks.create_task(placed(page))
    kept = records(log)
    problems = [*_wrong(pages, them.stt, kept, log), *signs.problems(_kept(them.stt))]
    return Day(
        carrier="softphone",
        seed=seed,
        calls=count,
        outcomes=Counter(each.outcome for each in kept.values()),
        dealt=them.dealt,
        problems=tuple(problems),
        seconds=asyncio.get_running_loop().time() - began,
    )


def _kept(stt: FakeSTT) -> int:
    return sum(len(each.sent) for each in stt.sessions)


def _words(call: SoftphoneCall) -> str:
    return read_back(bytes(call.heard), MULAW_8K, MS_PER_LETTER)


@asynccontextmanager
async def _served(log: Path) -> AsyncIterator[Pages]:
    stt = FakeSTT()
    patter = Patter(
        carrier=SoftphoneCarrier(),
        persist=str(log),
        registry=PluginRegistry.from_environment({}, source=[]),
    )
    agent = patter.agent(
        "Be brief.",
        vad=FakeVAD(),
        first_message=GREETING,
        stt=stt,
        llm=FakeLLM(answer=lambda request: reply_to(request.messages[-1])),
        tts=FakeTTS(ms_per_letter=MS_PER_LETTER),
    )
    async with task_scope() as tasks:
        tasks.create_task(patter.serve(agent, port=0, local_recording=True))
        await patter.ready
        assert patter.address is not None
        yield Pages(patter.address.local_url, stt)
        assert patter._run is not None and patter._run.running is not None
        board = patter._run.running.serving.switchboard
        # Whose line broke may come back for a while.
        await until(lambda: not board.calls, 40)
        await patter.disconnect()


def _wrong(pages: list[Page], stt: FakeSTT, kept: dict[str, Record], log: Path) -> Iterator[str]:
    """What of each call is not its own, and what no page may go through."""
    by_caller: dict[str, list[Record]] = {}
    for record in kept.values():
        by_caller.setdefault(event_fields(record.events[0])["caller"], []).append(record)
    for page in pages:
        mine = by_caller.get(page.party, [])
        problems = page.trouble if len(mine) == 1 else [f"it has {len(mine)} records"]
        for record in mine[:1]:
            problems = [*problems, *record.faults(), *_of_page(page, stt, record, log)]
        yield from (f"{page.way} {page.party}: {problem}" for problem in problems)


def _of_page(page: Page, stt: FakeSTT, record: Record, log: Path) -> Iterator[str]:
    name, known = name_of(page.party), own.all_known(page.party, record)
    yield from own.of_agent("the page", page.words, name, known)
    for session in stt.sessions:
        if session.call.caller == page.party:
            yield from own.of_caller("the recogniser", bytes(session.sent), page.party)
    folder = next(log.rglob(f"{record.call_id}/{NAME}")).parent
    yield from own.of_words(folder / NAME, name)
    yield from own.of_recording(folder / WAV, page.party, known, page.words)
    fields: list[dict[str, Any]] = [event_fields(each) for each in record.events]
    if page.way in ("talks", "loses the line") and not any(name in str(each) for each in fields):
        yield "the record does not have their name"
