"""A speech-to-speech engine that says scripted replies, and whose caller is scripted, too."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import TYPE_CHECKING

import attrs

from patter.aio import Mailbox, task_scope
from patter.audio.formats import AudioFormat
from patter.errors import PatterConnectionError, PatterError, ProviderError
from patter.providers.context import CallContext
from patter.providers.engine import (
    Engine,
    EngineCapabilities,
    EngineSetup,
    EngineUpdate,
    HistoryForm,
    TextOutSession,
    Truncation,
    TurnDetection,
    Verbatim,
    check_setup,
    check_update,
    unsupported,
)
from patter.providers.engine_events import (
    CallerEvent,
    CallerTranscript,
    CallerTurnEnded,
    EngineEvent,
    EngineProblem,
    EngineUsage,
    ResponseCause,
    ResponseDone,
    ResponseStarted,
    ResponseStatus,
    ResponseToolCall,
    ResponseTruncated,
    SessionHandle,
    VendorInterrupted,
)
from patter.providers.llm import Message, ToolRequest
from patter.providers.stt import SpeechEnded, SpeechStarted
from patter_testing.fakes.engine_ears import EngineListener
from patter_testing.fakes.engine_response import Delivery, FakeResponse, pause, speak
from patter_testing.fakes.stt import EVERY_FORMAT, optional_ms
from patter_testing.fakes.tts import MS_PER_LETTER

ABLE = EngineCapabilities(
    turn_detection=(TurnDetection.SILENCE, TurnDetection.SEMANTIC, TurnDetection.MANUAL),
    verbatim=Verbatim.ALWAYS,
    truncation=Truncation.EXACT,
    history=HistoryForm.ROWS,
    responds_on_request=True,
    interrupts_on_request=True,
    cancel=True,
    text_in=True,
    quiet_tool_results=True,
    update_tools=True,
    update_instructions=True,
    update_voice=True,
    word_times=True,
    usage=True,
    resumption=True,
    text_out=True,
)
"""Everything there is to declare."""


@attrs.frozen(kw_only=True)
class FakeEngine:
    """Each response says the next of *replies*, or wants that tool; then the last again.

    With *answer*, that function decides instead, by the rows that the vendor holds. `say` says
    what it must.

    *can* is honoured both ways: what is left out is refused, or done badly (words that must be
    exact are changed). It opens *open_ms* late, its first audio comes *first_ms* late, and the
    end of a response *ends_ms* after its last. At so many
    milliseconds of audio a response *fails_at_ms* (the connection is lost) or *stalls_at_ms*
    (nothing more comes until an interrupt); 0 is before the first audio. A *mute* one starts no
    response before it is interrupted. One that *listens* hears voices in the audio it is sent: a
    turn ends *turn_ms* after the voice, and the words that `hear` gave come *words_ms* later.
    """

    replies: tuple[str | ToolRequest, ...] = ("Yes.",)
    answer: Callable[[Sequence[Message]], str | ToolRequest] | None = None
    can: EngineCapabilities = ABLE
    ms_per_letter: int = attrs.field(default=MS_PER_LETTER, converter=int)
    piece_ms: int = attrs.field(default=100, converter=int)
    open_ms: float = attrs.field(default=0.0, converter=float)
    first_ms: float = attrs.field(default=0.0, converter=float)
    ends_ms: float = attrs.field(default=0.0, converter=float)
    fails_at_ms: float | None = attrs.field(default=None, converter=optional_ms)
    stalls_at_ms: float | None = attrs.field(default=None, converter=optional_ms)
    mute: bool = attrs.field(default=False, converter=attrs.converters.to_bool)
    listens: bool = attrs.field(default=False, converter=attrs.converters.to_bool)
    turn_ms: float = attrs.field(default=300.0, converter=float)
    words_ms: float | None = attrs.field(default=200.0, converter=optional_ms)
    refuses: PatterError | None = None
    accepts: tuple[AudioFormat, ...] = EVERY_FORMAT
    produces: tuple[AudioFormat, ...] = EVERY_FORMAT
    sessions: list[FakeEngineSession] = attrs.field(factory=list, init=False, repr=False, eq=False)

    @asynccontextmanager
    async def open(self, call: CallContext, setup: EngineSetup) -> AsyncIterator[FakeEngineSession]:
        check_setup("the fake engine", self.can, setup)
        await asyncio.sleep(self.open_ms / 1_000)
        if self.refuses is not None:
            raise self.refuses
        session = FakeEngineSession(self, call, setup)
        self.sessions.append(session)
        async with task_scope() as tasks:
            speaking = tasks.create_task(session.run(), name="fake-engine")
            try:
                yield session
            finally:
                session.end()
                speaking.cancel()


@attrs.define(eq=False)
class FakeEngineSession:
    """One call, and what the vendor holds of it: *instructions*, *rows*, *tools*, *voice*.

    *interrupted* holds (response id, heard milliseconds), *results* the answers of tools and
    *failures* which of them failed. With *lingering* set, a response goes on until interrupted;
    with *mute* set, as in its engine's settings at first, none starts from now on.
    """

    settings: FakeEngine
    call: CallContext
    setup: EngineSetup
    instructions: str = attrs.field(init=False)
    rows: list[Message] = attrs.field(init=False)
    tools: tuple[str, ...] = attrs.field(init=False)
    voice: str = attrs.field(init=False)
    lingering: bool = attrs.field(default=False, init=False)
    mute: bool = attrs.field(init=False)
    sent: bytearray = attrs.field(factory=bytearray, init=False, repr=False)
    responses: list[FakeResponse] = attrs.field(factory=list, init=False)
    interrupted: list[tuple[str, int]] = attrs.field(factory=list, init=False)
    results: dict[str, str] = attrs.field(factory=dict, init=False)
    failures: set[str] = attrs.field(factory=set, init=False)
    _next_reply: int = attrs.field(default=0, init=False)
    _wanted: set[str] = attrs.field(factory=set, init=False)
    _pending: list[str] = attrs.field(factory=list, init=False)
    _items: count[int] = attrs.field(factory=lambda: count(1), init=False)
    _queue: Mailbox[FakeResponse] = attrs.field(factory=lambda: Mailbox(1_000), init=False)
    _events: Mailbox[EngineEvent] = attrs.field(factory=lambda: Mailbox(100_000), init=False)
    _listener: EngineListener | None = attrs.field(default=None, init=False)
    _error: PatterError | None = attrs.field(default=None, init=False)
    _over: bool = attrs.field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        setup = self.setup
        self.instructions, self.voice = setup.instructions, setup.voice
        self.mute = self.settings.mute
        self.tools = tuple(tool.name for tool in setup.tools)
        self.rows = self._history()
        if self.settings.listens:
            self._listener = EngineListener(
                setup.audio_in, self.settings.turn_ms, self.settings.words_ms
            )
        if setup.greeting:
            exact = self.settings.can.verbatim is not Verbatim.NEVER
            self._start(ResponseCause.GREETING, _worded(setup.greeting, exact))

    async def send(self, audio: bytes) -> None:
        self._check_open()
        self.sent += audio
        for event in self._listener.feed(audio) if self._listener else ():
            self._heard(event)

    async def send_text(self, text: str) -> None:
        self._check(self.settings.can.text_in, "take text")
        self.rows.append(Message("user", text))
        self._answer_caller()

    async def send_keys(self, digits: str) -> None:
        self._check(self.settings.can.text_in, "take keys")
        self.rows.append(Message("user", f"(The caller pressed {digits}.)"))

    async def commit(self) -> None:
        manual = TurnDetection.MANUAL in self.settings.can.turn_detection
        self._check(manual, "have turns ended by hand")
        for text in self._pending:
            self._transcribe(text)
        self._pending.clear()
        self._answer_caller()

    async def respond(self, instructions: str = "") -> str:
        self._check_open()
        return self._start(ResponseCause.REQUEST, self._reply(), instructions)

    async def say(self, text: str) -> str:
        self._check_open()
        exact = self.settings.can.verbatim is Verbatim.ALWAYS
        return self._start(ResponseCause.REQUEST, _worded(text, exact))

    async def interrupt(self, response_id: str, heard_ms: int) -> None:
        self._check_open()
        self.interrupted.append((response_id, heard_ms))
        for response in self.responses:
            if response.id == response_id:
                response.stopped.set()
                response.heard_ms = heard_ms
                self._truncate(response)

    async def interrupt_text(self, response_id: str, heard: str) -> None:
        self._check(self.setup.text_only, "cut a text short in a session that speaks")
        await self.interrupt(response_id, len(heard) * self.settings.ms_per_letter)

    async def tool_result(
        self, tool_call_id: str, result: str, *, failed: bool = False, respond: bool = True
    ) -> None:
        self._check(respond or self.settings.can.quiet_tool_results, "stay quiet after a tool")
        if tool_call_id not in self._wanted:
            return
        self._wanted.discard(tool_call_id)
        self.results[tool_call_id] = result
        if failed:
            self.failures.add(tool_call_id)
        self.rows.append(Message("tool", result, tool_call_id=tool_call_id))
        if respond:
            self._start(ResponseCause.TOOL, self._reply())

    async def update(self, update: EngineUpdate) -> None:
        self._check_open()
        check_update("the fake engine", self.settings.can, update)
        if update.instructions is not None:
            self.instructions = update.instructions
        if update.tools is not None:
            self.tools = tuple(tool.name for tool in update.tools)
        if update.voice is not None:
            self.voice = update.voice

    async def __aiter__(self) -> AsyncIterator[EngineEvent]:
        async for event in self._events:
            yield event
        if self._error is not None:
            raise self._error

    def hear(self, text: str) -> None:
        """The caller speaks, and pauses; with `TurnDetection.MANUAL` nobody notices the pause.

        Who `listens` hears by itself when, and is only told what.
        """
        if self._listener is not None:
            self._listener.say(text)
            return
        if self._detection() is TurnDetection.MANUAL:
            self._pending.append(text)
            return
        self.emit(SpeechStarted())
        self._interrupt_itself()
        self.emit(SpeechEnded())
        item = self._transcribe(text)
        self.emit(CallerTurnEnded(item))
        self._answer_caller()

    def _heard(self, event: CallerEvent) -> None:
        self.emit(event)
        match event:
            case SpeechStarted():
                self._interrupt_itself()
            case CallerTurnEnded():
                self._answer_caller()
            case CallerTranscript(_, text):
                self.rows.append(Message("user", text))

    def want(self, request: ToolRequest) -> None:
        """A response wants a tool run."""
        self._start(ResponseCause.CALLER, request)

    def warn(self) -> None:
        """Report an error that passes."""
        self.emit(EngineProblem(ProviderError("the fake engine hiccuped", fix="go on")))

    @property
    def unread(self) -> tuple[EngineEvent, ...]:
        """Events that nobody has read yet."""
        return self._events.items()

    def emit(self, event: EngineEvent) -> None:
        """Put any event into the stream."""
        self._events.put(event)

    def fail(self, error: PatterError | None = None) -> None:
        """Lose the connection."""
        self._error = error or _lost()
        self.end()

    def end(self) -> None:
        """Close the session in order."""
        self._over = True
        self._events.close()

    async def run(self) -> None:
        """Perform one response after the other, until one fails."""
        async for response in self._queue:
            try:
                await self._perform(response)
            except PatterConnectionError as error:
                self.fail(error)
                return

    async def _perform(self, response: FakeResponse) -> None:
        if self.mute:
            await response.stopped.wait()
        self.emit(ResponseStarted(response.id, response.cause))
        response.running = True
        if response.request is not None:
            self._request_tool(response, response.request)
        else:
            await speak(response, self._delivery(), self.emit)
            await pause(response, self.settings.ends_ms / 1_000)
        response.running = False
        self._finish(response)

    def _request_tool(self, response: FakeResponse, request: ToolRequest) -> None:
        self._wanted.add(request.id)
        self.rows.append(Message("assistant", tool_calls=(request,)))
        self.emit(ResponseToolCall(response.id, request))

    def _finish(self, response: FakeResponse) -> None:
        if response.spoke:
            response.row = Message("assistant", response.text)
            self.rows.append(response.row)
        stopped, can = response.stopped.is_set(), self.settings.can
        status = ResponseStatus.CANCELLED if stopped else ResponseStatus.COMPLETED
        usage = EngineUsage(input_text_tokens=10, output_audio_tokens=len(response.text))
        self.emit(ResponseDone(response.id, status, usage if can.usage else None))
        self._truncate(response)
        if can.resumption:
            self.emit(SessionHandle(str(self.settings.sessions.index(self))))

    def _delivery(self) -> Delivery:
        settings = self.settings
        return Delivery(
            audio_out=self.setup.audio_out,
            ms_per_letter=settings.ms_per_letter,
            piece_ms=settings.piece_ms,
            first_ms=settings.first_ms,
            fails_at_ms=settings.fails_at_ms,
            stalls_at_ms=settings.stalls_at_ms,
            word_times=settings.can.word_times and not self.setup.text_only,
            silent=self.setup.text_only,
        )

    def _start(
        self,
        cause: ResponseCause,
        reply: str | ToolRequest,
        instructions: str = "",
    ) -> str:
        response_id = f"response-{len(self.responses) + 1}"
        text, request = ("", reply) if isinstance(reply, ToolRequest) else (reply, None)
        response = FakeResponse(response_id, cause, text, instructions, request, self.lingering)
        self.responses.append(response)
        self._queue.put(response)
        return response.id

    def _reply(self) -> str | ToolRequest:
        if self.settings.answer is not None:
            return self.settings.answer(self.rows)
        replies = self.settings.replies
        self._next_reply += 1
        return replies[min(self._next_reply, len(replies)) - 1]

    def _history(self) -> list[Message]:
        if self.setup.resume:
            return list(self.settings.sessions[int(self.setup.resume)].rows)
        if self.settings.can.history is HistoryForm.ROWS:
            return list(self.setup.history)
        earlier = [f"{row.role}: {row.text}" for row in self.setup.history]
        self.instructions = "\n".join([self.instructions, *earlier])
        return []

    def _detection(self) -> TurnDetection:
        return self.setup.turns.detection or self.settings.can.turn_detection[0]

    def _transcribe(self, text: str) -> str:
        item = f"item-{next(self._items)}"
        first, _, _ = text.partition(" ")
        self.emit(CallerTranscript(item, first, final=False))
        self.emit(CallerTranscript(item, text, final=True))
        self.rows.append(Message("user", text))
        return item

    def _answer_caller(self) -> None:
        if self.setup.turns.responds or not self.settings.can.responds_on_request:
            self._start(ResponseCause.CALLER, self._reply())

    def _interrupt_itself(self) -> None:
        if not (self.setup.turns.interrupts or not self.settings.can.interrupts_on_request):
            return
        for response in self.responses:
            if response.running:
                self.emit(VendorInterrupted(response.id))
                response.stopped.set()

    def _truncate(self, response: FakeResponse) -> None:
        """Cut the row of a response to what was heard, once both are there."""
        heard_ms, truncation = response.heard_ms, self.settings.can.truncation
        if response.row is None or heard_ms is None or truncation is Truncation.NONE:
            return
        heard = response.text[: heard_ms // self.settings.ms_per_letter]
        # by identity: two responses may have said the same
        place = next(at for at, row in enumerate(self.rows) if row is response.row)
        self.rows[place] = response.row = Message("assistant", heard)
        if truncation is Truncation.EXACT and not self.setup.text_only:
            self.emit(ResponseTruncated(response.id, heard_ms, response.item_id))
        else:
            self.emit(ResponseTruncated(response.id, text=heard))

    def _check(self, able: bool, what: str) -> None:
        self._check_open()
        if not able:
            raise unsupported("the fake engine", what)

    def _check_open(self) -> None:
        if self._over:
            raise self._error or _lost()


def _worded(text: str, exact: bool) -> str:
    return text if exact else f"Well then. {text}"


def _lost() -> PatterConnectionError:
    return PatterConnectionError("the fake engine is gone", fix="open a session again")


if TYPE_CHECKING:
    _: type[Engine] = FakeEngine
    _s: type[TextOutSession] = FakeEngineSession
