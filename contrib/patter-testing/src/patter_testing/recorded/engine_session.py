"""One connection to an engine that answers as it did in a record, in the time that it took."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import attrs

from patter.aio import Mailbox
from patter.errors import PatterConnectionError, ProviderError
from patter.providers.engine import EngineSetup, EngineUpdate, TextOutSession
from patter.providers.engine_events import (
    EngineEvent,
    ResponseAudio,
    ResponseCause,
    ResponseDone,
    ResponseStarted,
    ResponseStatus,
    ResponseText,
    ResponseToolCall,
    VendorInterrupted,
)
from patter.providers.tts import SpokenWord
from patter_testing.recorded.engine_script import (
    Answer,
    Attempt,
    Piece,
    Request,
    Response,
    Words,
)
from patter_testing.recorded.tape import MODEST_MS, NOT_HEARD, Tape

WAITING = 100_000
PIECE_MS = 100
END = Response()
SILENT = Attempt(outages=-1, breaks=True)
"""It was asked and said nothing, until the connection was lost."""
UNHEARD = Answer(turn=0, epoch=0, heard=0, is_whole=False)
"""What the engine began and nobody wanted to hear."""


@attrs.define(eq=False)
class Playing:
    """A response of *session* that plays *response*, of *answer* if it is one."""

    id: str
    cause: ResponseCause
    response: Response
    answer: Answer | None = None
    attempt: Attempt = attrs.field(factory=Attempt)
    number: int = 0
    stopped: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    waits: set[str] = attrs.field(factory=set, init=False)
    over: bool = attrs.field(default=False, init=False)

    @property
    def last(self) -> bool:
        """Is there no more of its answer?"""
        return self.answer is None or self.number >= len(self.attempt.responses) - 1

    @property
    def key(self) -> tuple[int, int]:
        """What is used up once it was heard."""
        return (self.answer.epoch if self.answer else 0, self.attempt.outages)


@attrs.define(eq=False)
class RecordedEngineSession:
    """The connection of one call, as long as it holds: it says what is next on *tape*."""

    tape: Tape
    setup: EngineSetup
    events: Mailbox[EngineEvent] = attrs.field(factory=lambda: Mailbox(WAITING))
    began_s: float = attrs.field(factory=lambda: asyncio.get_running_loop().time())
    _responses: list[Playing] = attrs.field(factory=list, init=False)
    _queue: Mailbox[Playing] = attrs.field(factory=lambda: Mailbox(1_000), init=False)
    _error: PatterConnectionError | None = attrs.field(default=None, init=False)
    _over: bool = attrs.field(default=False, init=False)

    async def send(self, audio: bytes) -> None:  # noqa: ARG002
        self._check()

    async def send_text(self, text: str) -> None:  # noqa: ARG002
        self._check()

    async def send_keys(self, digits: str) -> None:  # noqa: ARG002
        self._check()

    async def commit(self) -> None:
        self._check()

    async def update(self, update: EngineUpdate) -> None:  # noqa: ARG002
        self._check()

    async def respond(self, instructions: str = "") -> str:  # noqa: ARG002
        self._check()
        return self.begin(ResponseCause.REQUEST, self.tape.next_answer()).id

    async def say(self, text: str) -> str:
        self._check()
        phrase = self.tape.phrase(text)
        owed = attrs.evolve(UNHEARD, fails=True, until_ms=phrase.until_ms) if phrase.fails else None
        response = phrase.attempt.responses[0]
        return self._start(ResponseCause.REQUEST, response, owed, phrase.attempt).id

    async def interrupt(self, response_id: str, heard_ms: int) -> None:
        self._check()
        for playing in self._responses:
            if playing.id == response_id:
                self._stop(playing, heard=heard_ms > 0)

    async def interrupt_text(self, response_id: str, heard: str) -> None:
        await self.interrupt(response_id, len(heard))

    async def tool_result(
        self,
        tool_call_id: str,
        result: str,  # noqa: ARG002
        *,
        failed: bool = False,  # noqa: ARG002
        respond: bool = True,
    ) -> None:
        self._check()
        for playing in self._responses:
            if tool_call_id in playing.waits:
                playing.waits.discard(tool_call_id)
                if respond and not playing.waits and playing.over:
                    self._after_tools(playing)

    async def __aiter__(self) -> AsyncIterator[EngineEvent]:
        async for event in self.events:
            yield event
        if self._error is not None:
            raise self._error

    def begin(self, cause: ResponseCause, answer: Answer | None) -> Playing:
        """Begin *answer*: nothing where there is none, or it was asked for in vain then."""
        attempt = None if answer is None else self.tape.attempt_at(answer)
        if answer is None or attempt is None:
            return self._start(cause, END, answer, SILENT if answer else Attempt())
        self.tape.used.add((answer.epoch, attempt.outages))
        return self._start(cause, attempt.responses[0], answer, attempt)

    def interrupt_itself(self) -> None:
        """Stop what was begun last."""
        for playing in self._responses[-1:]:
            self.events.put(VendorInterrupted(playing.id))
            self._stop(playing, heard=True)

    def fail(self) -> None:
        """Lose the connection."""
        self._error = gone()
        self.end()

    def end(self) -> None:
        """Close the session in order."""
        self._over = True
        self.events.close()

    async def run(self) -> None:
        """Play one response after the other."""
        async for playing in self._queue:
            await self._play(playing)

    async def _play(self, playing: Playing) -> None:
        began_s = asyncio.get_running_loop().time()
        self.events.put(ResponseStarted(playing.id, playing.cause))
        for piece, at_ms in _in_order(playing.response):
            if await self._until(playing, began_s + at_ms / 1_000):
                break
            self._tell(playing, piece)
        else:
            await self._hold(playing, began_s)
        playing.over = True
        self.events.put(self._done(playing))
        if playing.response.wants and not playing.waits and not playing.stopped.is_set():
            self._after_tools(playing)

    async def _hold(self, playing: Playing, began_s: float) -> None:
        """A response that had no end, or is not known, goes on until it is stopped."""
        answer, tape = playing.answer, self.tape
        if not playing.last or playing.waits:
            return
        if playing.attempt.breaks or (answer is None and tape.lost_track):
            await playing.stopped.wait()
        elif answer is None:
            return
        elif answer.fails:
            await self._until(playing, began_s + answer.until_ms / 1_000)
        elif not answer.is_whole:
            until_s = began_s + (answer.until_ms + MODEST_MS) / 1_000
            if not await self._until(playing, until_s):
                tape.used.discard(playing.key)
                tape.lose_track(NOT_HEARD)

    def _done(self, playing: Playing) -> ResponseDone:
        if playing.stopped.is_set():
            return ResponseDone(playing.id, ResponseStatus.CANCELLED)
        if playing.answer is not None and playing.answer.fails and playing.last:
            return ResponseDone(playing.id, ResponseStatus.FAILED, error=_failed())
        return ResponseDone(playing.id)

    def _tell(self, playing: Playing, piece: Piece | _Sound) -> None:
        match piece:
            case Words(text=text) if text:
                self.events.put(ResponseText(playing.id, text, self._timed(piece)))
            case Request(request=request):
                playing.waits.add(request.id)
                self.events.put(ResponseToolCall(playing.id, request))
            case _Sound(lasts_ms=lasts_ms) if not self.setup.text_only:
                for ms in _pieces(lasts_ms):
                    audio = self.setup.audio_out
                    samples = audio.bytes_in(ms) // audio.sample_bytes
                    self.events.put(ResponseAudio(playing.id, audio.silence * samples))

    def _timed(self, words: Words) -> tuple[SpokenWord, ...]:
        return () if self.setup.text_only else words.words

    def _after_tools(self, playing: Playing) -> None:
        attempt, number = playing.attempt, playing.number + 1
        more = attempt.responses[number : number + 1]
        response = more[0] if more else END
        self._start(ResponseCause.TOOL, response, playing.answer, attempt, number)

    def _start(
        self,
        cause: ResponseCause,
        response: Response,
        answer: Answer | None = None,
        attempt: Attempt | None = None,
        number: int = 0,
    ) -> Playing:
        response_id = f"response-{len(self._responses) + 1}"
        playing = Playing(response_id, cause, response, answer, attempt or Attempt(), number)
        self._responses.append(playing)
        self._queue.put(playing)
        return playing

    def _stop(self, playing: Playing, *, heard: bool) -> None:
        playing.stopped.set()
        if not heard and playing.answer is not None and playing.number == 0:
            # Nobody heard it, so that it can be asked for again.
            self.tape.used.discard(playing.key)

    async def _until(self, playing: Playing, due_s: float) -> bool:
        """Wait until *due_s* of the loop; True when *playing* is stopped before."""
        try:
            async with asyncio.timeout_at(due_s):
                await playing.stopped.wait()
        except TimeoutError:
            return playing.stopped.is_set()
        return True

    def _check(self) -> None:
        if self._over:
            raise self._error or gone()


@attrs.frozen
class _Sound:
    """The audio of words, told when it was."""

    lasts_ms: int


def _in_order(response: Response) -> list[tuple[Piece | _Sound, int]]:
    """What is told of *response*, and how many milliseconds after its begin."""
    parts: list[tuple[Piece | _Sound, int]] = []
    for piece in response.pieces:
        parts.append((piece, piece.after_ms))
        if isinstance(piece, Words) and piece.lasts_ms:
            parts.append((_Sound(piece.lasts_ms), max(piece.after_ms, piece.sounds_ms)))
    return sorted(parts, key=lambda each: each[1])


def _pieces(ms: int) -> list[int]:
    whole, rest = divmod(ms, PIECE_MS)
    return [PIECE_MS] * whole + ([rest] if rest else [])


def gone() -> PatterConnectionError:
    """The error of a connection that was lost, or refused."""
    return PatterConnectionError("the recorded engine is gone", fix="it was gone then, too")


def _failed() -> ProviderError:
    return ProviderError("the recorded engine failed to answer", fix="it failed then, too")


if TYPE_CHECKING:
    _: type[TextOutSession] = RecordedEngineSession
