"""What is said, pressed, shown to tools and played in a sensitive section stays nowhere.

One call has canaries on every path. Everything that is kept or told of it is searched for them:
files, log, events, callbacks, the bus, figures, and the recording by ear.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from patter import Agent, PluginRegistry, tool
from patter.aio import task_scope
from patter.audio.convert import converter
from patter.audio.dtmf import tones
from patter.audio.fit import chain
from patter.audio.formats import MULAW_8K, PCM16_8K
from patter.call.control import CallControl, current_call
from patter.errors import PatterConfigError
from patter.observe.call_log import CallLog
from patter.observe.events import CallEvent, EngineStep, Wire
from patter.observe.file_writer import FILE_WRITER
from patter.phone.callbacks import Callbacks
from patter.phone.event_bus import EventBus, PatterEventType
from patter.phone.serving import AgentCall, ServeContext
from patter.phone.speech_events import SPEECH_CALLBACKS, SpeechEvents
from patter.providers.context import CallContext
from patter.providers.llm import LLMRequest, ToolRequest
from patter.testing import run_virtual
from patter.tools.tool import Tool
from patter_testing import (
    Caller,
    FakeCarrier,
    FakeLeg,
    FakeLLM,
    FakeSTT,
    FakeTTS,
    FakeVAD,
    Reply,
    VirtualClock,
)
from patter_testing.fakes.carrier import ABLE
from patter_testing.fakes.tts import read_back
from patter_testing.tones import digits_in

OPEN_KEYS, SECRET_KEYS, FREE_KEYS = "2580", "739154", "604619"
SPOKEN = "my word is quince marmalade and forty one"
CARD, CVV = "4929 1813 0042", "831726"
RESULT = "approved under 55120987"
CANARIES = (
    *("quince", "marmalade"),
    *(SECRET_KEYS, SECRET_KEYS[1:], FREE_KEYS),
    *(CARD, CARD.replace(" ", ""), CVV),
    *("55120987", "pomegranate", "Zebedee", "664 208", "664208"),
)


@tool(sensitive=True, effect="read")
def charge(card: str, cvv: int) -> str:
    """Charge a card."""
    raise RuntimeError(f"gateway: {card} with {cvv} declined")


@tool(sensitive=True, effect="read")
def balance(card: str, holder: str, pin: str) -> str:
    """Look a card up."""
    return RESULT


@attrs.define(eq=False)
class Ear:
    """Somebody who listens in on a call."""

    heard: bytearray = attrs.field(factory=bytearray)
    said: bytearray = attrs.field(factory=bytearray)

    def caller(self, at_ms: float, audio: bytes) -> None:
        self.heard += audio

    def agent(self, at_ms: float, audio: bytes) -> None:
        self.said += audio

    def agent_cut(self, at_ms: float) -> None:
        """Nothing that this listener would forget."""


@attrs.define(eq=False)
class Everything:
    """All that is told of one call, by who is told."""

    folder: Path
    llm: FakeLLM
    tools: tuple[Tool, ...] = (charge, balance)
    told: dict[str, list[Any]] = attrs.field(factory=dict)
    stt: FakeSTT = attrs.field(factory=FakeSTT)
    carrier: FakeCarrier = attrs.field(factory=FakeCarrier)
    control: CallControl | None = None
    leg: FakeLeg = attrs.field(factory=FakeLeg)
    ear: Ear = attrs.field(factory=lambda: Ear())

    def hears(self, name: str) -> Any:
        return self.told.setdefault(name, []).append

    def context(self, **fields: Any) -> ServeContext:
        agent = Agent(
            system_prompt="You sell jam.",
            stt=self.stt,
            llm=self.llm,
            tts=FakeTTS(),
            vad=FakeVAD(),
            first_message="Hello.",
            tools=self.tools,
        )
        bus, speech = EventBus(), SpeechEvents()
        for kind in PatterEventType:
            bus.on(kind, self.hears(f"bus {kind}"))
        for name in SPEECH_CALLBACKS:
            speech.set(name, self.hears(name))
        registry = PluginRegistry.from_environment({}, source=[])
        names = ("on_call_start", "on_call_end", "on_transcript", "on_metrics")
        callbacks: dict[str, Any] = {name: self.hears(name) for name in names[1:]}
        return ServeContext(
            agent=agent,
            parts=agent.gather(registry, carrier=self.carrier),
            registry=registry,
            carrier=self.carrier,
            line=self.carrier,
            callbacks=Callbacks(**callbacks),
            log=CallLog(root=self.folder, retention_days=0),
            recording=True,
            carrier_recording=True,
            listeners=(self.hears("events"),),
            bus=bus,
            speech=speech,
            **fields,
        )

    @property
    def events(self) -> list[CallEvent]:
        return self.told["events"]

    @property
    def caller(self) -> Caller:
        return Caller(self.leg, on_speech=lambda text: self.stt.sessions[-1].hear(text))

    async def presses(self, caller: Caller, digits: str) -> None:
        for digit in digits:
            self.leg.press(digit)
            await caller.sounds(tones(digit, self.leg.audio))

    async def live(self, script: Any, talks_over: str = "", **fields: Any) -> AgentCall:
        """A call in which *script* is done with its control and caller, all files written."""
        context = self.context(**fields)
        call = CallContext(call_id="canary", carrier_call_id="FAKE1", clock=VirtualClock())
        answering = context.answer(call)
        async with task_scope() as tasks:
            running = tasks.create_task(answering.run())
            tasks.create_task(answering.attach(self.leg))
            caller = self.caller
            if talks_over:
                await caller.interrupts(talks_over, after_ms=600)
            await caller.hears_the_agent_out()
            session = answering._session
            assert session is not None
            with answering.listen(self.ear):
                await script(session.control, caller)
            caller.hangs_up()
        from patter.server.calls import CallEntry, CallRequest, CallState

        entry = CallEntry(
            call_id="canary",
            request=CallRequest(carrier="fake"),
            state=CallState.ENDED,
            summary=running.result(),
        )
        await context.ended(entry)
        written = threading.Event()
        FILE_WRITER.run(written.set)
        assert await asyncio.to_thread(written.wait, 10)
        self.told["history"] = [session.history.transcript(), session.history.checkpoint()]
        return answering

    def files(self) -> dict[str, str]:
        every = [path for path in self.folder.rglob("*") if path.is_file()]
        return {path.name: path.read_text() for path in every if path.suffix != ".wav"}

    def sides(self) -> tuple[bytes, bytes]:
        (path,) = self.folder.rglob("*.wav")
        with wave.open(str(path)) as wav:
            body = wav.readframes(wav.getnframes())
        caller, agent = (
            b"".join(body[at + 2 * side : at + 2 * side + 2] for at in range(0, len(body), 4))
            for side in (0, 1)
        )
        return caller, agent


REQUESTS = (
    ToolRequest("t1", "charge", f'{{"card": "{CARD}", "cvv": {CVV}}}'),
    ToolRequest("t2", "balance", f'{{"card": "{CARD}", "holder": "Zebedee", "pin": "664 208"}}'),
)


def answer(request: LLMRequest) -> Reply:
    """What the model says: to secret words in the same, and later about cards."""
    last = next(each for each in reversed(request.messages) if each.role != "assistant")
    if last.role == "tool":
        return Reply(text=f"Card {CARD} failed, PIN 664208, {RESULT}.")
    if "quince" in last.text:
        return Reply(text="You said quince marmalade, I wrote pomegranate.")
    if "cost" in last.text:
        return Reply(tools=REQUESTS)
    if "again" in last.text:
        return Reply(text=f"As I said, {CARD.replace(' ', '')}.")
    return Reply(text="Certainly.")


async def canary_call(folder: Path) -> Everything:
    """Open words and keys, then a section with secret ones, a sensitive entry, and tools."""
    it = Everything(folder, FakeLLM(answer=answer))

    async def script(control: CallControl, caller: Caller) -> None:
        await it.presses(caller, OPEN_KEYS)
        await caller.hears_the_agent_out()
        await caller.says("a table for two")
        await caller.hears_the_agent_out()
        await control.pause_recording()
        await it.presses(caller, FREE_KEYS)
        await caller.says(SPOKEN)
        await caller.hears_the_agent_out()
        await control.resume_recording()
        async with task_scope() as tasks:
            entry = tasks.create_task(control.collect_digits(6, sensitive=True))
            await asyncio.sleep(0)
            await it.presses(caller, SECRET_KEYS)
            assert await entry == SECRET_KEYS
        await caller.waits(4_000)
        await caller.says("what does it cost")
        await caller.hears_the_agent_out()
        await caller.says("say that again")
        await caller.hears_the_agent_out()

    await it.live(script)
    return it


WHEN_AND_WHERE = {"created", "msecs", "relativeCreated", "process", "thread"}
"""What Python numbers in each record of a log: by chance, a canary stands in such a number."""


class Log(logging.Handler):
    """Keeps what is logged, as a file would have it and as it was passed."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        passed = {name: value for name, value in vars(record).items() if name not in WHEN_AND_WHERE}
        self.kept.append(f"{self.format(record)} {passed}")


@pytest.fixture(scope="module")
def it(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Everything]:
    """The canary call, which all tests look at."""
    log, root = Log(), logging.getLogger()
    level = root.level
    root.addHandler(log)
    root.setLevel(logging.DEBUG)
    try:
        told = run_virtual(canary_call(tmp_path_factory.mktemp("canary")))
    finally:
        root.removeHandler(log)
        root.setLevel(level)
    told.told["log"] = list(log.kept)
    yield told


def test_no_canary_is_in_anything_that_is_kept_or_told(it: Everything) -> None:
    everything = {
        **it.files(),
        **{name: repr(values) for name, values in it.told.items()},
    }
    assert {"call.jsonl", "transcript.jsonl", "events.jsonl", "metadata.json"} <= set(everything)
    seen = {name for name, text in everything.items() if "a table for two" in text}
    assert {"call.jsonl", "transcript.jsonl", "on_transcript", "on_call_end", "events"} <= seen
    assert {"bus transcript_final", "on_metrics", "history", "on_user_speech_eos"} <= seen
    shown = "".join(each.digits for each in it.events if isinstance(each, Wire))
    assert shown == OPEN_KEYS
    steps = [each.input for each in it.events if isinstance(each, EngineStep)]
    digits = [each["fields"]["digit"] for each in steps if each["name"] == "Digit"]
    assert "".join(digits).replace("x", "") == OPEN_KEYS
    found = {
        (name, canary) for name, text in everything.items() for canary in CANARIES if canary in text
    }
    assert found == set()
    assert "tool charge failed" in everything["log"]


def test_the_recording_has_the_open_keys_and_words_and_nothing_of_the_sections(
    it: Everything,
) -> None:
    caller, agent = it.sides()
    assert digits_in(caller, PCM16_8K) == OPEN_KEYS and digits_in(agent, PCM16_8K) == ""
    said = read_back(converter(chain(PCM16_8K, MULAW_8K)).feed(agent), MULAW_8K)
    assert "Certainly" in said and "quince" not in said and "pomegranate" not in said


def test_whoever_listens_in_hears_the_open_keys_and_words_and_nothing_of_the_sections(
    it: Everything,
) -> None:
    assert digits_in(bytes(it.ear.heard), MULAW_8K) == OPEN_KEYS
    said = read_back(bytes(it.ear.said), MULAW_8K)
    assert "Certainly" in said and "quince" not in said and "pomegranate" not in said


def test_the_model_reads_the_words_while_the_section_lasts_and_not_afterwards(
    it: Everything,
) -> None:
    def read(request: LLMRequest) -> str:
        return repr([message.text for message in request.messages])

    asked = [read(request) for request in it.llm.requests]
    inside = next(number for number, text in enumerate(asked) if SPOKEN in text)
    later = asked[inside + 1 :]
    assert len(later) == 3
    assert not [text for text in later if "quince" in text or "pomegranate" in text]
    assert all("[hidden]" in text and "a table for two" in text for text in later)
    assert SECRET_KEYS not in repr(it.llm.requests) and FREE_KEYS not in repr(later)
    assert OPEN_KEYS in later[-1]
    assert "Zebedee" in repr(it.llm.requests[-2]) and "Zebedee" not in repr(it.llm.requests[-1])


def test_sections_are_noted_with_their_length(it: Everything) -> None:
    notes = [each for each in it.events if getattr(each, "what", "").startswith("recording_")]
    assert [each.what for each in notes] == ["recording_paused", "recording_resumed"]  # type: ignore[attr-defined]
    length_ms = notes[1].at_ms - notes[0].at_ms
    assert notes[1].text == f"section: {length_ms} ms are not recorded"  # type: ignore[attr-defined]


def test_the_carriers_recording_is_paused_with_ours_and_for_sensitive_keys(
    it: Everything,
) -> None:
    deeds = [each.deed for each in it.carrier.orders if each.deed.endswith("_recording")]
    pause = ["pause_recording", "resume_recording"]
    assert deeds == ["start_recording", *pause, *pause]


@pytest.mark.virtual_time
async def test_a_tool_opens_and_closes_a_section_and_its_caller_is_hidden_late(
    tmp_path: Path,
) -> None:
    """Words that were said meanwhile are committed when the tool is done."""

    @tool
    async def take_word() -> str:
        """Take the word."""
        call = current_call()
        await call.pause_recording()
        await asyncio.sleep(6)
        await call.resume_recording()
        return "taken"

    replies = (
        Reply(text="Say it.", tools=(ToolRequest("t1", "take_word", "{}"),)),
        Reply(text="Thank you."),
        Reply(text="Bye."),
    )
    it = Everything(tmp_path, FakeLLM(replies=replies), (take_word,))

    async def script(_: CallControl, caller: Caller) -> None:
        await caller.says("I have a word")
        await caller.waits(2_000)
        await caller.says(SPOKEN)
        await caller.waits(8_000)

    await it.live(script)
    kept = repr(it.told) + "".join(it.files().values())
    assert "I have a word" in kept and "quince" not in kept


@pytest.mark.virtual_time
async def test_what_is_on_its_way_to_the_caller_when_a_pause_begins_is_not_recorded(
    tmp_path: Path,
) -> None:
    it = Everything(tmp_path, FakeLLM(replies=(Reply(text="One two three four five six seven."),)))

    async def script(control: CallControl, caller: Caller) -> None:
        await caller.says("count")
        await caller.hears_the_agent_begin()
        await caller.waits(300)
        began_ms.append(control.events.now_ms())
        await control.pause_recording()
        await caller.hears_the_agent_out()

    began_ms: list[int] = []
    await it.live(script)
    _, agent = it.sides()
    last_ms = len(agent.rstrip(b"\0")) / PCM16_8K.bytes_per_ms
    assert began_ms[0] - 300 < last_ms <= began_ms[0] + 1


@pytest.mark.virtual_time
async def test_audio_that_a_line_brings_late_belongs_to_the_pause_it_was_spoken_in(
    tmp_path: Path,
) -> None:
    """The line stands still in the pause, and brings everything when the pause is over."""
    it = Everything(tmp_path, FakeLLM())

    async def script(control: CallControl, caller: Caller) -> None:
        await control.pause_recording()
        tone = b"".join(tones(key, it.leg.audio) for key in SECRET_KEYS)
        await asyncio.sleep(len(tone) / it.leg.audio.bytes_per_ms / 1_000)
        await control.resume_recording()
        for at in range(0, len(tone), 160):
            it.leg.speak(tone[at : at + 160])
        await caller.waits(4_000)
        await it.presses(caller, OPEN_KEYS)

    await it.live(script)
    assert digits_in(it.sides()[0], PCM16_8K) == OPEN_KEYS


@pytest.mark.virtual_time
async def test_what_a_carrier_cannot_pause_is_refused_and_ours_is_paused_all_the_same(
    tmp_path: Path,
) -> None:
    it = Everything(tmp_path, FakeLLM())
    it.carrier = FakeCarrier(can=attrs.evolve(ABLE, recording_pause=False))

    async def script(control: CallControl, caller: Caller) -> None:
        with pytest.raises(PatterConfigError, match="cannot pause"):
            await control.pause_recording()
        await it.presses(caller, SECRET_KEYS)

    await it.live(script)
    assert digits_in(it.sides()[0], PCM16_8K) == ""
