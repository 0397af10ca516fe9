"""A call over Twilio's protocol and real sockets, with a clip of patter-ambience behind it."""

from __future__ import annotations

import asyncio

from patter import BackgroundAudioPlayer, BuiltinAudioClip, Patter, PluginRegistry
from patter.aio import task_scope
from patter.audio.background import builtin_clip_path
from patter.audio.convert import convert
from patter.audio.formats import MULAW_8K, PCM16_8K
from patter.audio.mix import level_db
from patter.audio.sound_file import read_sound
from patter_testing import FakeLLM, FakeSTT, FakeTTS
from patter_testing.doubles.call import DoubleCall
from patter_testing.doubles.harness import THEIRS, until
from patter_twilio.double import TwilioDouble

CLIP = BuiltinAudioClip.CITY_AMBIENCE
VOLUME = 0.5
GREETING = "Good evening, and welcome to the longest greeting there is. " * 5


def silent_share(heard: bytes) -> float:
    """How much of *heard* is digital silence, in stretches longer than 5 ms."""
    gaps = heard.translate(bytes(255) + b"\1").split(b"\0")
    return sum(len(gap) for gap in gaps if len(gap) > 40) / len(heard)


async def interrupted(call: DoubleCall) -> tuple[float, float]:
    """Press a key in the greeting; when that cleared it, and when the caller had listened on."""
    await until(lambda: len(call.leg.heard()) > 8_000)
    call.leg.press("1")
    await until(lambda: bool(call.leg.clears))
    await asyncio.sleep(1.5)
    return call.leg.clears[0], call.leg.now_ms


async def test_the_caller_hears_the_clip_when_the_agents_words_are_cleared() -> None:
    double = TwilioDouble()
    async with double.open() as vendor:
        patter = Patter(
            carrier=vendor.carrier(),
            phone_number=double.numbers[0],
            webhook_url=double.public_host,
            persist=False,
            registry=PluginRegistry.from_environment({}, source=[]),
        )
        agent = patter.agent(
            "Be brief.",
            stt=FakeSTT(),
            llm=FakeLLM(),
            tts=FakeTTS(),
            vad="none",
            first_message=GREETING,
            background_audio=BackgroundAudioPlayer(CLIP, volume=VOLUME, loop=True),
        )
        async with task_scope() as tasks:
            tasks.create_task(patter.serve(agent, port=0))
            await patter.ready
            assert patter.address is not None
            vendor.reaches(patter.address.local_url)
            call = vendor.rings(caller=THEIRS)
            await call.up()
            cleared_ms, now_ms = await interrupted(call)
            heard = call.leg.recording()
            ahead_ms = call.leg.busy_until_ms - call.leg.now_ms
            await call.hangs_up()
            await patter.disconnect()
    after = heard[MULAW_8K.bytes_in(cleared_ms + 100) : MULAW_8K.bytes_in(now_ms - 50)]
    assert silent_share(after) < 0.1
    assert ahead_ms <= 100
    clip_db = level_db(read_sound(builtin_clip_path(CLIP)).pcm)
    assert abs(level_db(convert(after, MULAW_8K, PCM16_8K)) - (clip_db - 6)) < 5
    assert not call.streams[0].malformed
