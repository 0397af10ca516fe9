"""Somebody listens in on a call: they hear both sides, hold nobody up, and no secret keys."""

from __future__ import annotations

import asyncio
import logging

import attrs
import pytest

from patter import Agent
from patter.call.listen_in import listening
from patter.testing import FakeLLM, lab

pytestmark = pytest.mark.virtual_time


@attrs.define
class Ear:
    sides: dict[str, list[tuple[float, bytes]]] = attrs.field(
        factory=lambda: {"caller": [], "agent": [], "cut": []}
    )

    def caller(self, at_ms: float, audio: bytes) -> None:
        self.sides["caller"].append((at_ms, audio))

    def agent(self, at_ms: float, audio: bytes) -> None:
        self.sides["agent"].append((at_ms, audio))

    def agent_cut(self, at_ms: float) -> None:
        self.sides["cut"].append((at_ms, b""))


@attrs.define
class Broken(Ear):
    calls: int = 0

    def agent(self, at_ms: float, audio: bytes) -> None:
        self.calls += 1
        raise RuntimeError("deaf")


def agent() -> Agent:
    return Agent(system_prompt="", llm=FakeLLM(replies=("Yes, we are.", "Bye.")), vad="none")


async def test_both_sides_are_heard_while_somebody_listens() -> None:
    async with lab(agent()) as call:
        await call.caller.waits(200)
        one, two = Ear(), Ear()
        assert call.session.pipe is not None
        with listening(call.session.pipe, one) as audio, listening(call.session.pipe, two):
            await call.says("are you open")
        assert audio.rate_hz == 8_000
        assert one.sides == two.sides
        assert one.sides["agent"] and one.sides["caller"]
        times = [at_ms for at_ms, _ in one.sides["agent"]]
        assert times == sorted(times)
        before = len(one.sides["agent"])
        await call.says("good bye")
        assert len(one.sides["agent"]) == before
        await call.hangs_up()


async def test_who_leaves_first_does_not_take_the_other_along() -> None:
    async with lab(agent()) as call:
        await call.caller.waits(200)
        assert call.session.pipe is not None
        one, two = Ear(), Ear()
        first = listening(call.session.pipe, one)
        first.__enter__()
        with listening(call.session.pipe, two):
            first.__exit__(None, None, None)
            await call.says("are you open")
        assert two.sides["caller"] and not one.sides["caller"]
        await call.hangs_up()


async def test_a_listener_that_fails_is_dropped_and_the_call_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with lab(agent()) as call:
        await call.caller.waits(200)
        assert call.session.pipe is not None
        broken = Broken()
        with caplog.at_level(logging.ERROR), listening(call.session.pipe, broken):
            await call.says("are you open")
            call.expect_said("Yes, we are.")
        assert broken.calls == 1 and "failed to listen" in caplog.text
        await call.hangs_up()


async def test_tones_of_a_secret_entry_are_not_heard() -> None:
    async with lab(agent()) as call:
        await call.caller.waits(200)
        assert call.session.pipe is not None
        ear = Ear()
        with listening(call.session.pipe, ear):
            async with asyncio.TaskGroup() as tasks:
                entry = tasks.create_task(call.session.control.collect_digits(4, sensitive=True))
                await asyncio.sleep(0)
                before = len(ear.sides["caller"])
                await call.caller.waits(500)
                assert len(ear.sides["caller"]) == before
                await call.caller.presses("1234")
            assert entry.result() == "1234"
        await call.hangs_up()
