"""A speech-to-speech engine: ears, mind and mouth of one vendor, late and wrong as its lines say.

Its transcripts come as a recogniser's words do (`stt`), its responses fail as a model's do
(`model`), and what happens to its connection stands in lines of `stt`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs

from patter.aio import Mailbox, task_scope
from patter.audio.formats import MULAW_8K, AudioFormat
from patter.errors import PatterConnectionError
from patter.providers.context import CallContext
from patter.providers.engine import (
    EngineCapabilities,
    EngineSetup,
    EngineUpdate,
    TurnDetection,
)
from patter.providers.engine_events import (
    CallerTranscript,
    CallerTurnEnded,
    EngineEvent,
    ResponseAudio,
    ResponseCause,
    ResponseDone,
    ResponseStarted,
    ResponseStatus,
    ResponseText,
    ResponseToolCall,
    ResponseTruncated,
)
from patter.providers.llm import Message, ToolRequest
from patter.providers.stt import SpeechEnded, SpeechStarted, Transcript
from patter.providers.vad import VoiceStart
from patter_testing.fakes.engine import ABLE

from .model import arguments, note, sentences
from .notes import Notes
from .recogniser import Detector, Recogniser, RecogniserSession
from .sound import FRAME_MS, sound, word_ms

TURN_MS, FIRST_MS, PIECE = 500, 200, 800
CAN = attrs.evolve(
    ABLE,
    turn_detection=(TurnDetection.SILENCE,),
    word_times=False,
    usage=False,
    resumption=False,
    text_out=False,
)


@attrs.frozen(kw_only=True, eq=False)
class SpeechEngine:
    """It hears with *ears* and thinks as a model does; *default* answers what no line is for."""

    notes: Notes
    ears: Recogniser
    default: dict[str, str]
    can: EngineCapabilities = CAN
    accepts: tuple[AudioFormat, ...] = (MULAW_8K,)
    produces: tuple[AudioFormat, ...] = (MULAW_8K,)

    @asynccontextmanager
    async def open(self, call: CallContext, setup: EngineSetup) -> AsyncIterator[_Session]:
        async with self.ears.open(call, MULAW_8K) as heard, task_scope() as tasks:
            session = _Session(self, heard, setup)
            running = [
                tasks.create_task(session.speaks(), name="engine-speaks"),
                tasks.create_task(session.hears(), name="engine-hears"),
            ]
            try:
                yield session
            finally:
                session.end()
                for each in running:
                    each.cancel()


@attrs.define(eq=False)
class _Response:
    """What is said, and why; an answer to the rows without *text*."""

    id: str
    cause: ResponseCause
    text: str = ""
    stopped: asyncio.Event = attrs.field(factory=asyncio.Event)
    made: list[tuple[int, Message]] = attrs.field(factory=list)
    made_ms: int = 0


@attrs.define(eq=False)
class _Session:
    engine: SpeechEngine
    ears: RecogniserSession
    setup: EngineSetup
    rows: list[Message] = attrs.field(init=False)
    _voice: Any = attrs.field(factory=lambda: Detector().start(MULAW_8K))
    _events: Mailbox[EngineEvent] = attrs.field(factory=lambda: Mailbox(10_000))
    _queue: Mailbox[_Response] = attrs.field(factory=lambda: Mailbox(100))
    _responses: dict[str, _Response] = attrs.field(factory=dict)
    _wanted: set[str] = attrs.field(factory=set)
    _phrases: frozenset[str] = frozenset()
    _turn: asyncio.TimerHandle | None = None
    _ends: list[int] = attrs.field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.rows = list(self.setup.history)
        if self.setup.greeting:
            self._start(ResponseCause.GREETING, self.setup.greeting)

    # --- what the call asks

    async def send(self, audio: bytes) -> None:
        await self.ears.send(audio)
        piece = audio
        while (change := self._voice.feed(piece)) is not None:
            piece = b""
            began = isinstance(change, VoiceStart)
            self._events.put(SpeechStarted(change.at_ms) if began else SpeechEnded(change.at_ms))
            if self._turn is not None:
                self._turn.cancel()
            if not began:
                self._turn = asyncio.get_running_loop().call_later(TURN_MS / 1_000, self._end_turn)

    async def send_text(self, text: str) -> None:
        self.ears.check()
        self.rows.append(Message("user", text))

    async def send_keys(self, digits: str) -> None:
        self.ears.check()
        self.rows.append(Message("user", f"[keys {digits}]"))

    async def commit(self) -> None:
        self.ears.check()

    async def respond(self, instructions: str = "") -> str:
        self.ears.check()
        return self._start(ResponseCause.REQUEST)

    async def say(self, text: str) -> str:
        self.ears.check()
        return self._start(ResponseCause.REQUEST, text)

    async def interrupt(self, response_id: str, heard_ms: int) -> None:
        self.ears.check()
        response = self._responses[response_id]
        response.stopped.set()
        unheard = [row for began_ms, row in response.made if began_ms >= heard_ms]
        self.rows = [row for row in self.rows if not any(row is each for each in unheard)]
        if response.made:
            self._events.put(ResponseTruncated(response_id, heard_ms))

    async def tool_result(
        self, tool_call_id: str, result: str, *, failed: bool = False, respond: bool = True
    ) -> None:
        self.ears.check()
        if tool_call_id not in self._wanted:
            return
        self._wanted.discard(tool_call_id)
        self.rows.append(Message("tool", result, tool_call_id=tool_call_id))
        if respond and not self._wanted:
            self._start(ResponseCause.TOOL)

    async def update(self, update: EngineUpdate) -> None:
        self.ears.check()

    async def __aiter__(self) -> AsyncIterator[EngineEvent]:
        async for event in self._events:
            yield event
        self.ears.check()

    def end(self) -> None:
        if self._turn is not None:
            self._turn.cancel()
        self._events.close()

    # --- what the vendor does

    async def hears(self) -> None:
        """Pass on what is understood, and that the connection is lost."""
        try:
            async for event in self.ears:
                if isinstance(event, Transcript):
                    turn, text = self._turn_of(event.text)
                    self._events.put(CallerTranscript(f"item-{turn}", text, event.final))
        finally:
            self._events.close()

    async def speaks(self) -> None:
        """Perform one response after the other."""
        async for response in self._queue:
            self._events.put(ResponseStarted(response.id, response.cause))
            status = ResponseStatus.CANCELLED
            if not response.stopped.is_set():
                status = await self._perform(response)
            self._events.put(ResponseDone(response.id, status))

    def _end_turn(self) -> None:
        """The words of the caller so far are a row: it heard them, whatever it writes down."""
        codes = self.ears.heard[self._ends[-1] if self._ends else 0 :]
        if codes:
            self.rows.append(Message("user", " ".join(self.ears.texts(codes))))
        self._events.put(CallerTurnEnded(f"item-{len(self._ends)}"))
        self._ends.append(len(self.ears.heard))
        self.ears.finish()

    def _turn_of(self, text: str) -> tuple[int, str]:
        """The turn of the last word of *text*, and what of it was said in that turn."""
        told, words = self.ears.texts(self.ears.heard), text.split()
        places = range(len(told) - len(words), -1, -1)
        at = next((each for each in places if told[each : each + len(words)] == words), None)
        if at is None or not words:
            return len(self._ends), text
        end = at + len(words)
        turn = sum(each < end for each in self._ends)
        return turn, " ".join(told[max(at, self._ends[turn - 1] if turn else 0) : end])

    def _start(self, cause: ResponseCause, text: str = "") -> str:
        response = _Response(f"response-{len(self._responses)}", cause, text)
        self._responses[response.id] = response
        self._queue.put(response)
        return response.id

    async def _perform(self, response: _Response) -> ResponseStatus:
        """Say it until it is said or stopped."""
        async with task_scope() as tasks:
            saying = tasks.create_task(self._say(response), name="engine-says")
            stopped = tasks.create_task(response.stopped.wait(), name="engine-stopped")
            await asyncio.wait((saying, stopped), return_when=asyncio.FIRST_COMPLETED)
            stopped.cancel()
            done = saying.done()
            saying.cancel()
        if not done:
            return ResponseStatus.CANCELLED
        return saying.result()

    async def _say(self, response: _Response) -> ResponseStatus:
        if response.text:
            await asyncio.sleep(FIRST_MS / 1_000)
            self._put(response, response.text)
            self._phrases |= {response.text}
            return ResponseStatus.COMPLETED
        texts = self._unanswered() or [""]
        last = self.rows[-1] if self.rows else Message("user", "")
        # Who knows the result does not ask for it again, whatever it is asked for now.
        first = response.cause is not ResponseCause.TOOL and last.role != "tool"
        engine = self.engine
        noted, plan = note(engine.notes, engine.default, texts, last.role, last.text, first)
        tool = plan.get("tool") if first else None
        try:
            async for each in sentences(engine.notes, noted, plan, lead_only=tool is not None):
                self._put(response, each)
        except PatterConnectionError:
            return ResponseStatus.FAILED
        if "stops" in plan and first:
            return ResponseStatus.INCOMPLETE
        if tool:
            request = ToolRequest(
                f"t{noted.number}", tool.partition(":")[0], arguments(tool, noted.number)
            )
            self._wanted.add(request.id)
            self._events.put(ResponseToolCall(response.id, request))
        return ResponseStatus.COMPLETED

    def _unanswered(self) -> list[str]:
        """What the caller has said since an answer was last heard."""
        texts: list[str] = []
        for row in self.rows:
            if row.role == "assistant" and row.text not in self._phrases:
                texts.clear()
            elif row.role == "user":
                texts.append(row.text)
        return texts

    def _put(self, response: _Response, text: str) -> None:
        lengths = [word_ms(word) for word in text.split()]
        words = self.engine.notes.speak(text.strip(), [ms // FRAME_MS for ms in lengths])
        self._events.put(ResponseText(response.id, text))
        audio = b"".join(sound(word.code, ms) for word, ms in zip(words, lengths, strict=True))
        for at in range(0, len(audio), PIECE):
            self._events.put(ResponseAudio(response.id, audio[at : at + PIECE]))
        row = Message("assistant", text.strip())
        response.made.append((response.made_ms, row))
        response.made_ms += len(audio) // 8
        self.rows.append(row)
