"""The page in a real browser: called, spoken to, typed to, steered by keys, and left alone."""

from __future__ import annotations

import asyncio
import math
import struct
import wave
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from patter.audio.g711 import MULAW_VALUES, pcm16_to_mulaw
from patter.observe.events import EngineStep, Row, Started, TextPiece, Turn
from patter.providers.carrier import Dtmf, Hangup, MarkPlayed, MediaLeg, TypedText
from patter_softphone import SoftphoneCarrier
from patter_softphone._about import About
from patter_testing.talking import eventually

from .chrome import CHROMIUM, READY, Tab, browser
from .switchboard import Gate, SwitchboardSpy, Talk, digits, echo, serving

pytestmark = [
    pytest.mark.patter_timeout(90),
    pytest.mark.skipif(
        CHROMIUM is None, reason="no chromium on this machine: apt-get install chromium"
    ),
]
TONE_HZ = 440
DENIED = (
    "This browser blocks the microphone. Allow it beside the address, then Try again. "
    "Or type below."
)
LABELS = {"Network simulation", "Drop connection", "Send"}
ROWS = "document.querySelectorAll('#log .row').length"
SAYS = "document.querySelector('#says').textContent"
STATE = "document.body.dataset.state"
FOCUS = "document.activeElement.id"
INTERIM = "document.querySelector('#interim').textContent"


@pytest.fixture
def tone(tmp_path: Path) -> Path:
    """A second of 440 Hz, as a microphone would hear it."""
    path = tmp_path / "tone.wav"
    samples = [int(12_000 * math.sin(2 * math.pi * TONE_HZ * at / 48_000)) for at in range(48_000)]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes(struct.pack(f"<{len(samples)}h", *samples))
    return path


async def bistro(talk: Talk, leg: MediaLeg) -> None:
    """Two turns for the page to show, then an echo."""
    talk.emit(Started(agent="bistro:agent"))
    talk.emit(Row(role="caller", text="what are your opening hours", turn=1))
    talk.emit(Turn(turn=1, gap_ms=640, stages={"stt": 310, "end": 120, "tts": 210}))
    talk.emit(Row(role="agent", text="Our special is", unheard="mussels with garlic", turn=1))
    await leg.send(bytes([0x20, 0xA0]) * 2_000)
    await leg.mark("greeting")
    await echo(talk, leg)


async def test_a_call_by_keyboard_alone(tone: Path, tmp_path: Path) -> None:
    desk = SwitchboardSpy(bistro)
    async with serving(desk) as url, browser(url, tmp_path / "profile", tone) as tab:
        assert await tab.js(SAYS) == "Ready."
        assert await tab.js(FOCUS) == "call"
        assert await tab.js("document.querySelector('#simulation').hidden")
        await tab.key("Enter")
        await tab.until(f"{STATE} === 'live' && {FOCUS} === 'panel'")
        await tab.until(f"{SAYS} === 'Agent is speaking'")
        await tab.until(f"{ROWS} === 3")
        for key in ("5", "#", "m"):
            await tab.key(key)
        await tab.until("document.querySelector('#mute').ariaPressed === 'true'")
        await tab.js("document.querySelector('#mute').focus()")
        await tab.key("h")
        await tab.until(f"{SAYS}.startsWith('On hold 0:0') && {FOCUS} === 'panel'")
        await tab.key("h")
        await tab.until(f"{STATE} === 'live'")
        read = await tab.text()
        status = await tab.js("document.querySelector('#status').textContent")
        await tab.key("e")
        await tab.until(f"{STATE} === 'ended' && {FOCUS} === 'call'")
        assert (await tab.js(SAYS)).startswith("Ended by you, 0:0")
        assert await tab.js("document.querySelector('#record').href.startsWith('blob:')")
        await tab.key("Enter")
        await tab.until(f"{STATE} === 'live'")
        assert tab.problems == []
    assert "caller (you)\nwhat are your opening hours" in read
    assert "agent\nOur special is ~mussels with garlic~ (unheard)" in read
    assert "latency 640 = stt 310 + endpointing 120 + tts 210" in read
    assert "p95 640" in read
    assert "bistro:agent" in read.splitlines()[:4]
    assert "0:0" in read
    assert status == "Live."
    first = desk.talks[next(iter(desk.talks))]
    assert MarkPlayed("greeting") in first.events
    assert digits(first) == "5#"
    assert first.events[-1] == Hangup("the caller ended it")
    assert len(desk.talks) == 2


async def test_what_the_microphone_hears_arrives_as_mulaw_and_mute_is_silence(
    tone: Path, tmp_path: Path
) -> None:
    async def listen(talk: Talk, leg: MediaLeg) -> None:
        async for event in leg:
            if isinstance(event, bytes):
                talk.audio += event
                await leg.send(event)
                if len(talk.audio) == 8_000:
                    talk.emit(Row(role="agent", text="a second", turn=1))

    desk = SwitchboardSpy(listen)
    async with serving(desk) as url, browser(url, tmp_path / "profile", tone) as tab:
        await tab.click("#call")
        await tab.until(f"{STATE} === 'live'")
        await tab.until("document.querySelector('#level').value > 0.2")
        await tab.until(f"{SAYS} === 'Agent is speaking'")
        await tab.until(f"{ROWS} === 1")
        await tab.click("#mute")
        await tab.until("document.querySelector('#level').value === 0")
        await tab.click("#pad [data-digit='1']")
        await tab.until(f"{SAYS} === 'Muted. The agent cannot hear you.'")
        assert await tab.js("document.querySelector('#miclabel').textContent") == "muted"
        await tab.click("#end")
        await tab.until(f"{STATE} === 'ended'")
        assert tab.problems == []
    heard = [MULAW_VALUES[byte] for byte in desk.talk.audio]
    loud = [index for index, value in enumerate(heard) if abs(value) > 2_000]
    assert abs(_pitch(heard[loud[0] : loud[0] + 4_000]) - TONE_HZ) < 0.05 * TONE_HZ
    assert set(desk.talk.audio[-480:]) == {0xFF}


async def test_without_a_microphone_a_typed_turn_is_answered(tmp_path: Path) -> None:
    async def answer(talk: Talk, leg: MediaLeg) -> None:
        async for event in leg:
            if isinstance(event, TypedText):
                talk.emit(Row(role="caller", text=event.text, turn=1))
                talk.emit(Row(role="agent", text="Until eleven.", turn=1))
            elif isinstance(event, Dtmf):
                return
            elif isinstance(event, bytes):
                talk.audio += event

    desk = SwitchboardSpy(answer)
    async with serving(desk) as url, browser(url, tmp_path / "profile") as tab:
        await tab.command(
            "Browser.setPermission", permission={"name": "microphone"}, setting="denied"
        )
        await tab.click("#call")
        await tab.until(f"{STATE} === 'live'")
        alert = await tab.js("document.querySelector('#alert').innerText")
        assert not await tab.js("document.querySelector('#again').hidden")
        await tab.click("#text")
        for letter in "until 5":
            await tab.key(letter)
        await tab.key("Enter")
        await tab.until(f"{ROWS} === 2")
        read = await tab.text()
        await tab.click("#pad [data-digit='0']")
        await tab.until(f"{STATE} === 'ended'")
        assert (await tab.js(SAYS)).startswith("Ended by the agent, 0:0")
        assert tab.problems == []
    assert alert == DENIED
    assert "caller (you)\nuntil 5" in read
    assert "agent\nUntil eleven." in read
    assert set(desk.talk.audio) == {0xFF}


async def test_the_page_says_whom_it_calls_what_to_do_and_what_to_say(
    tone: Path, tmp_path: Path
) -> None:
    async def speak(talk: Talk, leg: MediaLeg) -> None:
        async for event in leg:
            if isinstance(event, TypedText):
                talk.events.append(event)
                talk.emit(step("CallerWords", text="what are your", final=False))
                talk.emit(TextPiece(text="From ", epoch=2))
                talk.emit(TextPiece(text="five", epoch=2))
            elif isinstance(event, Dtmf):
                talk.emit(Row(role="caller", text="what are your opening hours", turn=1))
                talk.emit(Row(role="agent", text="From five to eleven.", turn=1, epoch=2))

    page = About(
        agent="bistro:agent",
        note="offline",
        parts={"stt": "deepgram/nova-3", "tts": "elevenlabs"},
        try_saying=("What are your opening hours?", "Goodbye."),
    )
    desk, carrier = SwitchboardSpy(speak), SoftphoneCarrier(about=page)
    async with serving(desk, carrier) as url, browser(url, tmp_path / "profile", tone) as tab:
        await tab.until("document.querySelectorAll('#try button').length === 2")
        idle = await tab.text()
        await tab.click("#call")
        await tab.until(f"{SAYS} === 'Listening, speak now'")
        await tab.click("#try button")
        await tab.until(f"{INTERIM} === 'caller (you) what are your...agent From five...'")
        await tab.click("#pad [data-digit='1']")
        await tab.until(f"{ROWS} === 2 && {INTERIM} === ''")
        assert await tab.js("document.querySelector('#intro').hidden")
        await tab.click("#end")
        await tab.until(f"{STATE} === 'ended'")
        assert tab.problems == []
    assert "Call connects you to the agent bistro:agent" in idle
    assert "Press Call, allow the microphone, and speak as on a telephone." in idle
    assert "bistro:agent offline" in idle
    assert {"deepgram/nova-3", "What are your opening hours?"} <= set(idle.splitlines())
    assert TypedText("What are your opening hours?") in desk.talk.events


async def test_on_a_phone_the_keypad_is_a_telephones_and_folded_away(tmp_path: Path) -> None:
    async with serving(SwitchboardSpy()) as url, browser(url, tmp_path / "profile") as tab:
        await tab.size(390, 844)
        await tab.load("Page.reload", READY)
        assert not await tab.js("document.querySelector('#padbox').open")
        await tab.click("#padbox summary")
        shape = await tab.js(
            """(() => { const keys = [...document.querySelectorAll("#pad button")]
                 .map((key) => key.getBoundingClientRect());
              const places = (axis) => new Set(keys.map((key) => key[axis])).size;
              return [places("x"), places("y"),
                      Math.min(...keys.map((key) => Math.min(key.width, key.height)))]; })()"""
        )
    assert shape[:2] == [3, 4]
    assert shape[2] >= 44, "a finger needs 44 px"


async def test_a_dropped_line_comes_back_and_a_bad_one_is_noted(tone: Path, tmp_path: Path) -> None:
    desk = SwitchboardSpy()
    carrier = SoftphoneCarrier(faults=True)
    async with serving(desk, carrier) as url, browser(url, tmp_path / "profile", tone) as tab:
        await tab.click("#call")
        await tab.until(f"{STATE} === 'live'")
        await tab.js(
            """(() => { const { loss } = document.querySelector("#faults").elements;
              loss.value = 10; loss.dispatchEvent(new Event("change", { bubbles: true })); })()"""
        )
        await tab.until("document.querySelector('#log').innerText.includes('loss 10 %')")
        await tab.click("#simulation summary")
        await tab.until("document.querySelector('#simulation').open")
        assert set((await tab.text()).splitlines()) >= LABELS
        await tab.click("#drop")
        await tab.until("document.querySelector('#alert').textContent.includes('Coming back')")
        await tab.until("document.querySelector('#alert').hidden")
        assert await tab.js(STATE) == "live"
        await tab.click("#pad [data-digit='7']")
        await tab.click("#end")
        await tab.until(f"{STATE} === 'ended'")
        assert tab.problems == []
    assert desk.talk.legs == 2
    assert desk.talk.events[1:] == [Dtmf("7"), Hangup("the caller ended it")]


async def test_no_button_moves_while_states_change(tone: Path, tmp_path: Path) -> None:
    async def greet(talk: Talk, leg: MediaLeg) -> None:
        await leg.send(bytes([0x20, 0xA0]) * 4_000)
        await echo(talk, leg)

    top = "document.querySelector('#end').getBoundingClientRect().top + scrollY"
    async with serving(SwitchboardSpy(greet)) as url, browser(url, tmp_path / "p", tone) as tab:
        for width in (1280, 390):
            await tab.size(width, 900)
            await tab.click("#call")
            await tab.until(f"{SAYS} === 'Agent is speaking'")
            tops = {await tab.js(top)}
            for key, says in (("m", "Muted."), ("h", "On hold"), ("h", "Muted."), ("m", "Agent")):
                await tab.key(key)
                await tab.until(f"{SAYS}.startsWith({says!r})")
                tops.add(await tab.js(top))
            assert len(tops) == 1, (width, tops)
            await tab.click("#end")
            await tab.until(f"{STATE} === 'ended'")


async def test_a_call_that_is_cancelled_while_it_connects_is_hung_up(
    tone: Path, tmp_path: Path
) -> None:
    desk, gate = SwitchboardSpy(), Gate()
    async with serving(desk, gate=gate) as url, browser(url, tmp_path / "profile", tone) as tab:
        await tab.click("#call")
        await gate.reached.wait()
        await tab.click("#cancel")
        await tab.until(f"{STATE} === 'idle'")
        gate.opened.set()
        await eventually(lambda: Hangup("the caller ended it") in desk.talk.events)
        await asyncio.sleep(0.3)
        assert await tab.js(STATE) == "idle", "what the socket still brought is shown"


async def test_a_server_that_stops_is_named_within_3_s_and_found_again(
    tone: Path, tmp_path: Path
) -> None:
    async with serving(SwitchboardSpy()) as url:
        port = int(url.rpartition(":")[2])
        showing = browser(url, tmp_path / "profile", tone)
        tab = await showing.__aenter__()
        await tab.click("#call")
        await tab.until(f"{STATE} === 'live'")
    try:
        await tab.until(f"{STATE} === 'gone'", 3)
        said = await tab.js(SAYS)
        assert said.startswith("The server stopped at 0:0")
        assert said.endswith("the call is over. Looking for it every 2 s.")
        async with serving(SwitchboardSpy(), port=port):
            await tab.until(f"{STATE} === 'idle' && {FOCUS} === 'call'", 4)
    finally:
        await showing.__aexit__(None, None, None)


async def test_an_insecure_page_says_where_the_secure_one_is(tmp_path: Path) -> None:
    async with serving(SwitchboardSpy()) as url, browser(url, tmp_path / "profile") as tab:
        insecure = "Object.defineProperty(window, 'isSecureContext', { value: false })"
        await tab.command("Page.addScriptToEvaluateOnNewDocument", source=insecure)
        await tab.load("Page.reload", READY)
        await tab.until(f"{STATE} === 'insecure'")
        assert await tab.js(SAYS) == "Microphones need https or 127.0.0.1."
        assert await tab.js("document.querySelector('#secure').href") == f"{url}/"
        assert await tab.js("document.querySelector('#call').hidden")


async def test_the_pages_arithmetic_is_the_standards(tmp_path: Path) -> None:
    samples = [*range(-32_768, 32_768, 7)]
    async with serving(SwitchboardSpy()) as url, browser(url, tmp_path / "profile") as tab:
        coded, decoded, shift = await tab.js(
            f"""import("/softphone/audio.js").then((audio) => {{
              const coded = [];
              for (let at = -32768; at < 32768; at += 7) coded.push(audio.encodeSample(at));
              const decoded = Array.from({{length: 256}}, (_, byte) => audio.decodeSample(byte));
              const down = new audio.Resampler(48000, 8000), up = new audio.Resampler(8000, 44100);
              const made = [];
              for (let at = 0; at < 48000; at += 128) {{
                const part = Float32Array.from({{length: 128}},
                  (_, i) => Math.sin(2 * Math.PI * {TONE_HZ} * (at + i) / 48000));
                made.push(...up.push(down.push(part)));
              }}
              return [coded, decoded, made];
            }})"""
        )
        assert await _fits(tab, 360)
        assert await _fits(tab, 500)
    wanted = pcm16_to_mulaw(struct.pack(f"<{len(samples)}h", *samples))
    assert decoded == list(MULAW_VALUES)
    apart = [
        abs(MULAW_VALUES[one] - MULAW_VALUES[two]) for one, two in zip(coded, wanted, strict=True)
    ]
    assert sum(step > 0 for step in apart) <= len(apart) // 100
    assert abs(len(shift) - 44_100) < 200
    assert 0.97 < max(shift[4_000:]) < 1.03
    assert abs(_pitch(shift[4_000:], 44_100) - TONE_HZ) < 4


def step(name: str, **fields: object) -> EngineStep:
    """What the turn engine was told."""
    return EngineStep(input={"name": name, "fields": fields}, effects=())


async def _fits(tab: Tab, width: int) -> bool:
    """Is there nothing to scroll sideways for in a window of *width*?"""
    await tab.size(width, 900)
    root = "document.documentElement"
    return bool(await tab.js(f"{root}.scrollWidth <= {root}.clientWidth"))


def _pitch(samples: Sequence[float], rate_hz: int = 8_000) -> float:
    """The frequency of a tone, from how often it crosses zero upwards."""
    rises = sum(one < 0 <= two for one, two in pairwise(samples))
    return rises * rate_hz / len(samples)
