"""A whole phone on the double: greeting, words, transfers, voicemail, and one end for each call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest

from patter import CallOutcome, CallResult, Patter, Registry
from patter.aio import task_scope
from patter.providers.carrier import Answerer
from patter.providers.llm import ToolRequest
from patter.testing import FakeLLM, FakeSTT, FakeTTS, Reply
from patter.testing.doubles.call import DoubleCall, Where
from patter.testing.doubles.faults import Faults
from patter_twilio.double import Company, TwilioDouble

from .stage import HOST, HUMAN, OURS, THEIRS, until


@attrs.define(eq=False)
class Phone:
    """An application with a phone at the double."""

    patter: Patter
    company: Company
    stt: FakeSTT
    tts: FakeTTS
    ended: list[dict[str, Any]] = attrs.field(factory=list)

    async def greeted(self) -> DoubleCall:
        """A caller who has heard that somebody is there."""
        call = self.company.rings(caller=THEIRS)
        await call.up()
        await until(lambda: bool(call.leg.heard()))
        return call

    def hears(self, words: str) -> None:
        ears = self.stt.sessions[-1]
        ears.start_voice()
        ears.hear(words)
        ears.stop_voice()
        ears.end_turn()

    async def says(self, words: str) -> None:
        await until(lambda: any(words in each.said for each in self.tts.sessions))

    async def over(self, count: int = 1) -> dict[str, Any]:
        await until(lambda: len(self.ended) >= count)
        return self.ended[-1]


def transfer(mode: str) -> Reply:
    arguments = f'{{"number": "{HUMAN}", "mode": "{mode}", "summary": "Wants a refund."}}'
    return Reply(text="One moment.", tools=(ToolRequest("t1", "transfer_call", arguments),))


@asynccontextmanager
async def phone(
    *replies: Reply | str, faults: Faults | None = None, **serving: Any
) -> AsyncIterator[Phone]:
    stt, tts = FakeSTT(), FakeTTS(ms_per_letter=4)
    async with TwilioDouble(numbers=(OURS,), faults=faults or Faults()).open() as company:
        patter = Patter(
            carrier=company.carrier(),
            phone_number=OURS,
            webhook_url=HOST,
            persist=False,
            registry=Registry.from_environment({}, source=[]),
        )
        agent = patter.agent(
            "Be brief.",
            stt=stt,
            llm=FakeLLM(replies=replies or ("Yes.",)),
            tts=tts,
            vad="none",
            first_message="Good evening.",
        )
        it = Phone(patter, company, stt, tts)

        async def ended(data: dict[str, Any]) -> None:
            it.ended.append(data)

        async with task_scope() as tasks:
            tasks.create_task(patter.serve(agent, port=0, on_call_end=ended, **serving))
            await patter.ready
            assert patter.address is not None
            company.reaches(patter.address.local_url)
            yield it
            await patter.disconnect()


async def test_serving_points_the_number_at_the_phone() -> None:
    async with phone() as it:
        (number,) = it.company.numbers.values()
        assert number.voice_url == f"https://{HOST}/webhooks/twilio/voice"


async def test_a_caller_is_greeted_answered_and_written_down_once() -> None:
    async with phone("We are open.") as it:
        call = await it.greeted()
        it.hears("are you open")
        await it.says("We are open.")
        await call.hangs_up()
        end = await it.over()
        assert end["call_id"]
        await asyncio.sleep(0)
        assert len(it.ended) == 1
        assert not call.streams[0].malformed


async def test_a_caller_whose_socket_breaks_goes_on_with_the_same_agent() -> None:
    async with phone("Still here.") as it:
        call = await it.greeted()
        call.drops()
        await call.up(2)
        it.hears("hello")
        await it.says("Still here.")
        await until(lambda: bool(call.leg.heard()))
        assert not it.ended
        await call.hangs_up()
        await it.over()
        assert len(it.ended) == 1


@pytest.mark.parametrize("mode", ["cold", "warm"])
async def test_a_human_takes_the_caller_and_the_agent_is_done(mode: str) -> None:
    async with phone(transfer(mode), "Bye.") as it:
        call = await it.greeted()
        it.hears("a human please")
        human = await call.human()
        assert human.caller == OURS
        await human.answers()
        await call.is_with(Where.HUMAN)
        await it.over()
        assert call.where is Where.HUMAN
        await human.hangs_up()
        await call.is_with(Where.ENDED)
        assert call.journey == [Where.RINGING, Where.AGENT, Where.HOLD, Where.HUMAN, Where.ENDED]
        assert len(it.ended) == 1


@pytest.mark.parametrize("mode", ["cold", "warm"])
async def test_a_caller_nobody_takes_is_with_the_agent_again(mode: str) -> None:
    async with phone(transfer(mode), "They are busy.") as it:
        call = await it.greeted()
        it.hears("a human please")
        human = await call.human()
        await human.refuses(CallOutcome.BUSY)
        await call.up(2)
        await until(lambda: bool(call.leg.heard()))
        assert call.where is Where.AGENT
        it.hears("what now")
        await it.says("They are busy.")
        await call.hangs_up()
        await it.over()
        assert len(it.ended) == 1


@pytest.mark.parametrize("mode", ["cold", "warm"])
async def test_a_caller_who_hangs_up_on_hold_ends_the_call(mode: str) -> None:
    async with phone(transfer(mode)) as it:
        call = await it.greeted()
        it.hears("a human please")
        human = await call.human()
        await call.hangs_up()
        await it.over()
        await human.is_with(Where.ENDED)
        assert len(call.streams) == 1


async def test_a_call_we_place_ends_with_its_result() -> None:
    async with phone() as it, asyncio.TaskGroup() as tasks:
        placing = tasks.create_task(it.patter.call(THEIRS, first_message="Hi Ada.", wait=True))
        call = await it.company.dialled()
        await call.answers()
        await call.up()
        await it.says("Hi Ada.")
        await call.hangs_up()
        result = await placing
    assert isinstance(result, CallResult)
    assert result.outcome is CallOutcome.ANSWERED


async def test_a_call_nobody_takes_ends_with_its_result() -> None:
    async with phone() as it, asyncio.TaskGroup() as tasks:
        for outcome in (
            CallOutcome.BUSY,
            CallOutcome.NO_ANSWER,
            CallOutcome.FAILED,
            CallOutcome.CANCELED,
        ):
            placing = tasks.create_task(it.patter.call(THEIRS, wait=True))
            call = await it.company.dialled()
            await call.refuses(outcome)
            result = await placing
            assert isinstance(result, CallResult)
            assert result.outcome is outcome


async def test_a_message_is_left_after_the_beep() -> None:
    async with phone() as it, asyncio.TaskGroup() as tasks:
        placing = tasks.create_task(
            it.patter.call(THEIRS, voicemail_message="Call us back.", wait=True)
        )
        call = await it.company.dialled()
        await call.answers(Answerer.MACHINE, greeting_ms=300)
        await it.says("Call us back.")
        result = await placing
    assert isinstance(result, CallResult)
    assert result.outcome is CallOutcome.VOICEMAIL
    assert call.over


async def test_ending_a_call_by_its_id_hangs_up_at_twilio() -> None:
    async with phone() as it:
        call = await it.greeted()
        call_id = it.stt.sessions[-1].call.call_id
        await it.patter.end_call(call_id)
        await call.is_with(Where.ENDED)
        await it.over()


async def test_a_recording_is_asked_of_twilio() -> None:
    async with phone(recording=True) as it:
        call = await it.greeted()
        await until(lambda: call.recorded == 1)
        await call.hangs_up()
        await it.over()


@pytest.mark.parametrize("seed", range(2))
async def test_on_a_bad_day_every_call_still_ends_once(seed: int) -> None:
    faults = Faults(
        late=0.3, late_ms=100, twice=0.3, reordered=0.2, forged=0.3, jitter_ms=20,
        dropped=0.5, dropped_ms=300, slow=0.2, slow_ms=100, limited=0.1, broken=0.1, seed=seed,
    )  # fmt: skip
    async with phone(faults=faults) as it:
        calls = [it.company.rings(caller=THEIRS) for _ in range(8)]
        await asyncio.gather(*(call.up() for call in calls))
        await asyncio.gather(*(call.hangs_up() for call in calls))
        await it.over(len(calls))
        assert len({end["call_id"] for end in it.ended}) == len(it.ended) == len(calls)
        assert not it.company.exchange.courier.forgeries_taken
