"""A leg that takes no audio is closed and replaced, or the call ends; nobody is left mute."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import attrs
import pytest

from patter.aio import task_scope
from patter.call.legs import ABORT_S, UNREAD_MS
from patter.call.plan import CallPlan, Phrases
from patter.call.playout.gate import Playout
from patter.call.playout.sender import RETRY_MS, SEND_S, PlayoutSender
from patter.clock import CallClock, LoopClock
from patter.errors import PatterConnectionError
from patter.observe.events import ErrorEvent, Wire
from patter_testing import FakeCarrier, FakeLLM, LabCall, lab
from patter_testing.fakes.carrier import FakeLeg

from . import plans

pytestmark = pytest.mark.virtual_time
GREETING = "Good evening, this is Rosa's, how may I help you today?"
GIVEN_UP_MS = SEND_S * 1_000 + UNREAD_MS + ABORT_S * 1_000


def plan(**changes: Any) -> CallPlan:
    made = plans.plan(FakeLLM(replies=("Yes, we are.",)), phrases=Phrases(greeting=GREETING))
    return attrs.evolve(made, **changes)


def carrier(*, reconnects: bool) -> FakeCarrier:
    return FakeCarrier(can=attrs.evolve(FakeCarrier().can, reconnect=reconnects))


@attrs.define(eq=False)
class FailingLeg(FakeLeg):
    """Takes audio until *fails_at_ms*; then *error* is raised, or without one nothing happens.

    With *times* it fails so often and recovers. A *stubborn* one neither ends nor closes.
    """

    fails_at_ms: float = 600.0
    error: Exception | None = attrs.field(factory=lambda: OSError("no buffer space"))
    times: int = 1_000_000
    stubborn: bool = False

    async def send(self, audio: bytes) -> None:
        await self._fail()
        await FakeLeg.send(self, audio)

    async def mark(self, name: str) -> None:
        await self._fail()
        await FakeLeg.mark(self, name)

    async def close(self) -> None:
        if self.stubborn:
            await asyncio.Event().wait()
        await FakeLeg.close(self)

    async def _fail(self) -> None:
        if self.now_ms < self.fails_at_ms or not self.times:
            return
        self.times -= 1
        if self.error is None:
            await asyncio.Event().wait()
        else:
            raise self.error


@attrs.define(eq=False)
class WrittenAtOnce(FailingLeg):
    """Its frames are written by whoever has them; nothing is cleared as fast."""

    def clear_now(self) -> bool:
        return False


Failing = Callable[..., FailingLeg]


@pytest.fixture(params=[FailingLeg, WrittenAtOnce], ids=["in the sender's turn", "at once"])
def failing(request: pytest.FixtureRequest) -> Failing:
    return cast(Failing, request.param)


def failures(call: LabCall) -> list[str]:
    return [event.code for event in call.of(ErrorEvent)]


def lost(call: LabCall) -> list[str]:
    return [event.name for event in call.of(Wire) if event.what == "leg_lost"]


async def over_within(call: LabCall, ms: float) -> None:
    """The caller is silent; the session must have ended the call by then."""
    await asyncio.sleep(ms / 1_000)
    assert call.session.events.now_ms() >= ms
    assert [order.deed for order in call.carrier.orders] == ["hangup"]


async def second_leg(call: LabCall, after_ms: float = 400) -> str:
    """The carrier brings another leg *after_ms* the first was given up; what is heard on it."""
    while not lost(call):
        await asyncio.sleep(0.02)
    await asyncio.sleep(after_ms / 1_000)
    call.leg = call.carrier.leg()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(call.session.attach(call.leg))
        call.caller = attrs.evolve(call.caller, leg=call.leg)
        rest = await call.listens()
        await call.hangs_up()
    return rest


@pytest.mark.parametrize("error", [OSError("busy"), RuntimeError("bug"), TimeoutError()])
async def test_a_send_that_fails_once_is_heard_all_the_same(
    error: Exception, failing: Failing
) -> None:
    leg = failing(error=error, times=1)
    async with lab(plan(), leg=leg, carrier=carrier(reconnects=False)) as call:
        assert await call.listens() == GREETING
        assert await call.says("are you open") == "Yes, we are."
    assert leg.times == 0
    assert not failures(call) and not lost(call)


@pytest.mark.parametrize("error", [OSError("busy"), RuntimeError("bug"), None])
@pytest.mark.parametrize("stubborn", [False, True])
async def test_a_leg_that_takes_nothing_ends_a_call_that_cannot_reconnect(
    error: Exception | None, stubborn: bool, failing: Failing
) -> None:
    leg = failing(error=error, stubborn=stubborn)
    async with lab(plan(), leg=leg, carrier=carrier(reconnects=False)) as call:
        await over_within(call, 600 + GIVEN_UP_MS + 200)
    assert call.summary is not None and call.summary.reason == "media_lost"
    assert call.summary.duration_ms <= 600 + GIVEN_UP_MS + 200
    expected = "TIMEOUT" if error is None else "CONNECTION"
    assert failures(call)[0] == expected
    assert (len(lost(call)) == 1 and "takes" in lost(call)[0]) or "took" in lost(call)[0]
    assert all(event.fix for event in call.of(ErrorEvent))


@pytest.mark.parametrize("error", [OSError("reset"), None])
@pytest.mark.parametrize("stubborn", [False, True])
async def test_what_a_failing_leg_did_not_play_is_said_on_the_next(
    error: Exception | None, stubborn: bool, failing: Failing
) -> None:
    leg = failing(error=error, stubborn=stubborn)
    async with lab(plan(), leg=leg, carrier=carrier(reconnects=True)) as call:
        first = call.caller
        rest = await second_leg(call)
    before = first.heard_text()
    assert GREETING.startswith(before) and GREETING.endswith(rest)
    assert 0 <= len(before) + len(rest) - len(GREETING) <= 10
    assert stubborn or leg.closed
    assert call.summary is not None and call.summary.reason == "caller"
    assert len(lost(call)) == 1


@pytest.mark.parametrize("error", [OSError("reset"), None])
async def test_a_failing_leg_that_nothing_replaces_ends_the_call(
    error: Exception | None, failing: Failing
) -> None:
    leg = failing(error=error)
    async with lab(plan(), leg=leg, carrier=carrier(reconnects=True)) as call:
        await over_within(call, 600 + GIVEN_UP_MS + plan().reconnect_ms + 200)
    assert call.summary is not None and call.summary.reason == "media_lost"
    assert failures(call)[0] == ("TIMEOUT" if error is None else "CONNECTION")


async def test_a_reconnecting_carrier_is_not_asked_twice(failing: Failing) -> None:
    leg = failing(times=1)
    async with lab(plan(), leg=leg, carrier=carrier(reconnects=True)) as call:
        await second_leg(call)
    assert leg.closed and leg.times == 0


async def test_two_legs_that_fail_one_after_the_other_are_both_replaced(failing: Failing) -> None:
    leg = failing()
    async with lab(plan(), leg=leg, carrier=carrier(reconnects=True)) as call:
        while not lost(call):
            await asyncio.sleep(0.02)
        call.leg = failing(fails_at_ms=300.0)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(call.session.attach(call.leg))
            while len(lost(call)) < 2:
                await asyncio.sleep(0.02)
        rest = await second_leg(call)
    assert GREETING.endswith(rest) and rest


async def test_a_caller_who_hung_up_while_audio_was_sent_is_no_failure(failing: Failing) -> None:
    """The connection takes no audio any more, and why lies unread in it."""
    leg = failing(error=PatterConnectionError("the socket is gone", fix="stop"))
    async with lab(plan(), leg=leg, carrier=carrier(reconnects=False)) as call:
        await asyncio.sleep((600 + UNREAD_MS / 2) / 1_000)
        call.leg.hang_up("caller")
        await asyncio.sleep(0.1)
    assert call.summary is not None and call.summary.reason == "caller"
    assert not failures(call) and not lost(call)


@attrs.define(eq=False)
class KnowsTheDifference(FailingLeg):
    """Tells a connection that is given up from a call that is over."""

    aborts: int = attrs.field(default=0, init=False)
    closes: int = attrs.field(default=0, init=False)

    async def abort(self) -> None:
        self.aborts += 1
        self.drop()

    async def close(self) -> None:
        self.closes += 1
        self.drop()


async def test_a_leg_that_knows_the_difference_is_aborted_and_not_closed() -> None:
    leg = KnowsTheDifference()
    async with lab(plan(), leg=leg, carrier=carrier(reconnects=True)) as call:
        await second_leg(call)
    assert (leg.aborts, leg.closes) == (1, 0)


@pytest.mark.parametrize("reconnects", [False, True])
async def test_a_leg_that_ends_by_itself_was_lost_as_any_other(
    reconnects: bool, failing: Failing
) -> None:
    """Its connection is gone: the send that failed tells nothing more."""
    leg = failing(error=PatterConnectionError("the socket is gone", fix="stop"))
    async with lab(plan(), leg=leg, carrier=carrier(reconnects=reconnects)) as call:
        await asyncio.sleep((600 + UNREAD_MS / 2) / 1_000)
        call.leg.drop()
        if reconnects:
            assert GREETING.endswith(await second_leg(call))
    assert call.summary is not None and call.summary.reason == "caller"
    assert not failures(call)
    assert lost(call) == ([""] if reconnects else [])


async def test_a_leg_that_comes_while_the_one_before_is_asked_again_is_not_given_up(
    failing: Failing,
) -> None:
    given_up: list[object] = []
    outlet = PlayoutSender(
        playout=Playout(),
        clock=CallClock.start(LoopClock()),
        post=lambda event: None,
        on_first_heard=lambda epoch, at_ms: None,
        on_failure=lambda leg, raised: given_up.append(leg),
        retries=True,
    )
    old, new = failing(fails_at_ms=0.0), FakeLeg()
    async with task_scope() as tasks:
        running = tasks.create_task(outlet.run())
        outlet.connect(old)
        outlet.open(1)
        outlet.say(1, "hello")
        await outlet.put(1, b"\x30" * 8 * 400)
        await asyncio.sleep(RETRY_MS / 2_000)
        outlet.disconnect()
        outlet.connect(new)
        await asyncio.sleep(1)
        running.cancel()
    assert not given_up
    assert new.heard() == b"\x30" * 8 * 400


@pytest.mark.parametrize("kind", [FakeLeg, WrittenAtOnce])
async def test_only_a_leg_that_writes_at_once_is_written_to_by_who_has_the_audio(
    kind: type[FakeLeg],
) -> None:
    writers: list[str] = []

    class Watched(kind):  # type: ignore[misc, valid-type]
        async def send(self, audio: bytes) -> None:
            task = asyncio.current_task()
            writers.append(task.get_name() if task else "")
            await FakeLeg.send(self, audio)

    outlet = PlayoutSender(
        playout=Playout(),
        clock=CallClock.start(LoopClock()),
        post=lambda event: None,
        on_first_heard=lambda epoch, at_ms: None,
    )

    async def voice() -> None:
        await outlet.put(1, b"\x30" * 8 * 1_000)

    async with task_scope() as tasks:
        running = tasks.create_task(outlet.run(), name="sender")
        outlet.connect(Watched())
        outlet.open(1)
        await asyncio.sleep(0.1)
        tasks.create_task(voice(), name="voice")
        await asyncio.sleep(2)
        running.cancel()
    assert writers[0] == ("voice" if kind is WrittenAtOnce else "sender")
    assert set(writers[1:]) <= {writers[0], "sender"}
    assert "sender" in writers
