"""What providers need is loaded once the phone takes calls."""

from __future__ import annotations

import asyncio
import logging

import attrs
import pytest

from patter.parts import AgentParts
from patter.phone.warming import warming
from patter.providers.warmth import WARM_S
from patter_testing import FakeSTT, FakeTTS

pytestmark = pytest.mark.virtual_time


@attrs.define(eq=False)
class Warm:
    """A model that gets ready, slowly or not at all."""

    takes_s: float = 0.0
    fails: bool = False
    ready: bool = False

    async def warm(self) -> None:
        await asyncio.sleep(self.takes_s)
        if self.fails:
            raise OSError("no network")
        self.ready = True


def parts(llm: Warm) -> AgentParts:
    return AgentParts(stt=FakeSTT(), tts=FakeTTS(), llm=llm)  # type: ignore[arg-type]


async def test_providers_get_ready_beside_what_is_inside() -> None:
    llm = Warm(takes_s=2)
    async with warming(parts(llm), freeze=False):
        assert not llm.ready, "nobody waits for it"
        await asyncio.sleep(3)
        assert llm.ready


async def test_one_that_cannot_is_logged_and_costs_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        async with warming(parts(Warm(fails=True)), freeze=False):
            await asyncio.sleep(1)
    assert "Warm is not ready before the first call: no network" in caplog.text


async def test_one_that_takes_too_long_is_left() -> None:
    async with warming(parts(Warm(takes_s=1e6)), freeze=False):
        await asyncio.sleep(WARM_S + 1)
    assert asyncio.get_running_loop().time() < WARM_S + 2


async def test_an_audio_filter_gets_ready_too() -> None:
    audio_filter = Warm()
    heard = attrs.evolve(parts(Warm()), audio_filter=audio_filter)  # type: ignore[arg-type]
    async with warming(heard, freeze=False):
        await asyncio.sleep(1)
    assert audio_filter.ready
