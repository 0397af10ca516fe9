"""A line that loses, delays and echoes, as the caller asked for."""

from __future__ import annotations

from patter.providers.carrier import Dtmf, MarkPlayed, MediaLeg
from patter_softphone import Softphone, SoftphoneCarrier
from patter_softphone._faults import Faults

from .switchboard import VOICE, SwitchboardSpy, Talk, serving

FAULTY = SoftphoneCarrier(faults=True)


async def test_a_lossy_line_loses_about_as_much_as_asked_both_ways() -> None:
    desk = SwitchboardSpy()
    async with serving(desk, FAULTY) as url, Softphone(url=url).call() as call:
        await call.suffer(Faults(loss_percent=30, seed=3))
        fault = await call.until(lambda event: event["type"] == "wire")
        await call.say(b"\x20" * 160 * 50)
    assert (fault["what"], fault["loss_percent"], fault["seed"]) == ("fault", 30, 3)
    kept = desk.talk.audio.count(0x20)
    assert 25 <= kept / 160 <= 45
    assert call.heard.count(0x20) < kept


async def test_a_jittery_line_is_late_and_loses_nothing() -> None:
    desk = SwitchboardSpy()
    async with serving(desk, FAULTY) as url, Softphone(url=url).call() as call:
        await call.suffer(Faults(jitter_ms=60))
        await call.until(lambda event: event["type"] == "wire")
        await call.say(VOICE)
        await call.say(b"\xff" * 1_600)
    assert VOICE in desk.talk.audio
    assert bytes(call.heard).replace(b"\xff", b"") in VOICE * 2


async def test_jitter_delays_audio_but_never_piles_up() -> None:
    desk = SwitchboardSpy()
    async with serving(desk, FAULTY) as url, Softphone(url=url).call() as call:
        await call.suffer(Faults(jitter_ms=200))
        await call.until(lambda event: event["type"] == "wire")
        await call.say(b"\x20" * 12_000)
        assert len(call.sent_audio) - len(desk.talk.audio) < 8 * 200 + 1_600


async def test_what_was_cleared_is_not_sent_late_by_a_jittery_line() -> None:
    async def speak(talk: Talk, leg: MediaLeg) -> None:
        async for event in leg:
            if isinstance(event, Dtmf):
                await leg.send(b"\x20" * 8_000)
                await leg.clear()
                await leg.mark("done")
            elif isinstance(event, MarkPlayed):
                return

    async with (
        serving(SwitchboardSpy(speak), FAULTY) as url,
        Softphone(url=url).call() as call,
    ):
        await call.suffer(Faults(jitter_ms=100))
        await call.press("1")
        await call.ended()
        assert call.heard.count(0x20) == 0
        assert len(call.speaker) == 0


async def test_an_echoing_line_brings_the_agents_voice_back() -> None:
    async def speak(talk: Talk, leg: MediaLeg) -> None:
        async for event in leg:
            if isinstance(event, bytes):
                talk.audio += event
            elif isinstance(event, Dtmf):
                await leg.send(b"\x20" * 800)

    desk = SwitchboardSpy(speak)
    async with serving(desk, FAULTY) as url, Softphone(url=url).call() as call:
        await call.suffer(Faults(echo_db=0.0))
        await call.press("1")
        await call.say(b"\xff" * 160 * 15)
    assert desk.talk.audio.count(0x20) == 800
