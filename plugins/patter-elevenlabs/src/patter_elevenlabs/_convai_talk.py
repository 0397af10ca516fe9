"""What an agent's messages amount to: responses with a begin and an end (pure).

The vendor numbers its messages and has no responses: it speaks, is interrupted, calls tools. So
they begin here with the first sign of one, and end with the first of these: the vendor says so,
it is interrupted, the caller's next turn, or nothing came for *quiet_ms* and a telephone would
have played all of it. Until it has been played the vendor regards itself as speaking, interrupts
itself when the caller speaks, and would for a request.

No sockets, no clock: whoever has them calls `take` with each message and `tick` at `due_ms`, and
sends what `next_request` returns.
"""

from __future__ import annotations

from collections import deque
from itertools import count
from typing import TypeAlias

import attrs

from patter.audio.convert import Converter
from patter.audio.formats import AudioFormat
from patter.providers.engine_events import (
    CallerTranscript,
    CallerTurnEnded,
    EngineEvent,
    EngineProblem,
    ResponseAudio,
    ResponseCause,
    ResponseDone,
    ResponseStarted,
    ResponseStatus,
    ResponseText,
    ResponseToolCall,
    ResponseTruncated,
    ToolCallsCancelled,
    VendorInterrupted,
)
from patter.providers.llm import ToolRequest
from patter.providers.response_order import ResponseOrder
from patter.providers.stt import SpeechEnded, SpeechStarted
from patter_elevenlabs import _convai_wire as wire
from patter_elevenlabs._convai_speech import Speech
from patter_elevenlabs._errors import ERRORS

SPEAKING, SILENT = 0.5, 0.35
"""From which score on the caller speaks, and below which no more."""

Utterance: TypeAlias = wire.Audio | wire.FullText | wire.Part

REMEMBERED = 16
"""How many responses may still be corrected, and how many of our messages repeated to us."""


@attrs.frozen
class Request:
    """A response that was asked for, with the *text* that asks the vendor for it."""

    id: str
    text: str
    cause: ResponseCause = ResponseCause.REQUEST


@attrs.define(eq=False)
class Talk:
    """One conversation. *voice* turns the agent's audio into *audio_out*."""

    audio_out: AudioFormat
    voice: Converter
    quiet_ms: float
    answer_ms: float
    _order: ResponseOrder = attrs.field(factory=ResponseOrder, init=False)
    _ids: count[int] = attrs.field(factory=lambda: count(1), init=False)
    _speech: Speech | None = attrs.field(default=None, init=False)
    _spoken: deque[Speech] = attrs.field(factory=lambda: deque(maxlen=REMEMBERED), init=False)
    _waiting: deque[Request] = attrs.field(factory=deque, init=False)
    _request: Request | None = attrs.field(default=None, init=False)
    _unwanted: str = attrs.field(default="", init=False)
    _answer_by_ms: float = attrs.field(default=0.0, init=False)
    _tool_due: bool = attrs.field(default=False, init=False)
    _unanswered: dict[str, str] = attrs.field(factory=dict, init=False)
    _dropped_through: int = attrs.field(default=0, init=False)
    _ours: deque[str] = attrs.field(factory=lambda: deque(maxlen=REMEMBERED), init=False)
    _began: bool = attrs.field(default=False, init=False)
    _turns: count[int] = attrs.field(factory=lambda: count(1), init=False)
    _item: str = attrs.field(default="", init=False)
    _caller_speaks: bool = attrs.field(default=False, init=False)
    _scored: bool = attrs.field(default=False, init=False)

    def request(self, text: str) -> str:
        """A response shall be asked for by *text*; returns its id."""
        request = Request(self._new_id(), text)
        self._order.request(request.id)
        self._waiting.append(request)
        return request.id

    def expect_greeting(self, now_ms: float) -> None:
        """The vendor was told what to say first."""
        greeting = Request(self._new_id(), "", ResponseCause.GREETING)
        self._order.request(greeting.id, greeting.cause)
        self._ask(greeting, now_ms)

    def next_request(self, now_ms: float) -> str:
        """The text to send now, for the next response that was requested; empty if not yet."""
        if not self._waiting or self._request or self._order.active or self._tool_due:
            return ""
        request = self._waiting.popleft()
        self._ask(request, now_ms)
        # A server that repeats it as a transcript would put it into the caller's mouth.
        self._ours.append(request.text.strip())
        self.write()
        return request.text

    def write(self) -> None:
        """A message goes to the vendor that it answers."""
        self._began, self._unwanted = True, ""

    def interrupt(self, response_id: str) -> list[EngineEvent]:
        """End a response here. What the vendor goes on to say of it is dropped."""
        self._waiting = deque(each for each in self._waiting if each.id != response_id)
        if self._request is not None and self._request.id == response_id:
            self._request, self._unwanted = None, response_id
        return self._order.interrupt(response_id)

    def waits_for(self, tool_call_id: str) -> bool:
        """Is a result for this tool call still awaited?"""
        return tool_call_id in self._unanswered

    def result(self, tool_call_id: str, now_ms: float) -> list[EngineEvent]:
        """A tool's result goes to the vendor; after the last one it goes on."""
        response_id = self._unanswered.pop(tool_call_id)
        if response_id in self._unanswered.values():
            return []
        self._tool_due, self._answer_by_ms = True, now_ms + self.answer_ms
        if self._speech is not None and self._speech.id == response_id:
            return self._end()
        return []

    @property
    def due_ms(self) -> float | None:
        """When `tick` has something to do, unless a message comes before."""
        dues = [self._answer_by_ms] if self._request or self._tool_due else []
        if self._speech is not None:
            dues.append(self._over_ms(self._speech))
        return min(dues, default=None)

    @property
    def has_request(self) -> bool:
        """May `next_request` have something to send?"""
        return bool(self._waiting)

    def tick(self, now_ms: float) -> list[EngineEvent]:
        """Time has passed."""
        events: list[EngineEvent] = []
        if self._speech is not None and now_ms >= self._over_ms(self._speech):
            events += self._end_quietly(self._speech)
        if now_ms >= self._answer_by_ms:
            events += self._overdue()
        return events

    def take(self, message: wire.ServerMessage, now_ms: float) -> list[EngineEvent]:
        """What *message* of the vendor amounts to."""
        match message:
            case wire.Audio() | wire.FullText() | wire.Part():
                return [] if self._is_dropped(message.event_id) else self._hear(message, now_ms)
            case wire.ToolCall():
                return self._want(message, now_ms)
            case wire.ToolFailed(id):
                was_open = self._unanswered.pop(id, None) is not None
                return [ToolCallsCancelled((id,))] if was_open else []
            case wire.Interruption(event_id):
                return self._interrupted(event_id)
            case wire.Correction():
                return self._truncated(message)
            case wire.Complete(event_id):
                speech = self._speech
                return self._end() if speech and event_id >= speech.first_event else []
            case wire.Heard():
                return self._transcribed(message)
            case wire.Score(value):
                return self._scored_at(value)
            case wire.Problem(error) if error is not None:
                return [EngineProblem(error)]
            case _:
                return []

    def _hear(self, message: Utterance, now_ms: float) -> list[EngineEvent]:
        """The next piece of what the agent says."""
        events = self._end() if self._is_another(message) else []
        speech, begun = self._current(now_ms, ResponseCause.CALLER)
        speech.note(message.event_id, now_ms)
        match message:
            case wire.Audio():
                pieces = [] if self._is_interrupted else self._sounded(speech, message, now_ms)
            case wire.FullText(text):
                pieces = [ResponseText(speech.id, news)] if (news := speech.add_whole(text)) else []
            case wire.Part(text):
                pieces = [ResponseText(speech.id, speech.add_part(text))] if text else []
        return [*events, *begun, *self._accepted(pieces)]

    def _sounded(self, speech: Speech, message: wire.Audio, now_ms: float) -> list[EngineEvent]:
        audio = self.voice.feed(message.audio)
        from_ms, ms = speech.sound_ms, self.audio_out.ms_in(len(audio))
        speech.play(ms, now_ms)
        words = speech.words.feed(message.letters, from_ms, from_ms + ms)
        events: list[EngineEvent] = [ResponseAudio(speech.id, audio)] if audio else []
        return [*events, ResponseText(speech.id, "", words)] if words else events

    def _want(self, call: wire.ToolCall, now_ms: float) -> list[EngineEvent]:
        """A tool call; one that comes in a response that was interrupted is not lost with it."""
        events = self._end() if self._is_interrupted else []
        self._began = True
        speech, begun = self._current(now_ms, ResponseCause.CALLER)
        speech.note(call.event_id, now_ms)
        speech.wants_tools = True
        if call.answered:
            self._unanswered[call.id] = speech.id
        request = ToolRequest(call.id, call.name, call.arguments)
        return [*events, *begun, *self._accepted([ResponseToolCall(speech.id, request)])]

    def _interrupted(self, event_id: int) -> list[EngineEvent]:
        self._dropped_through = max(self._dropped_through, event_id)
        speech = self._speech
        if speech is None or speech.first_event > event_id:
            return []
        self._speech = None
        self.voice.flush()
        done = ResponseDone(speech.id, ResponseStatus.CANCELLED)
        return self._accepted([VendorInterrupted(speech.id), done])

    def _truncated(self, correction: wire.Correction) -> list[EngineEvent]:
        heard = [each for each in reversed(self._spoken) if each.sound_ms]
        same = [each for each in heard if each.text.strip() == correction.original]
        response = next(iter(same or heard), None)
        if response is None:
            return []
        return self._accepted([ResponseTruncated(response.id, text=correction.corrected)])

    def _transcribed(self, heard: wire.Heard) -> list[EngineEvent]:
        if heard.text in self._ours:
            self._ours.remove(heard.text)
            return []
        if not heard.text.strip(". "):
            return []  # the vendor writes "..." for a caller who said nothing
        if heard.tentative:
            begun = [] if self._scored else self._caller(speaks=True)
            return [*begun, CallerTranscript(self._turn(), heard.text, final=False)]
        return self._turn_over(heard)

    def _turn_over(self, heard: wire.Heard) -> list[EngineEvent]:
        speech, item = self._speech, self._turn()
        later = speech is not None and (not heard.event_id or heard.event_id > speech.last_event)
        events = self._end() if later else []
        self._began, self._unwanted, self._item = True, "", ""
        transcript = CallerTranscript(item, heard.text, final=True)
        return [*events, *self._caller(speaks=False), transcript, CallerTurnEnded(item)]

    def _scored_at(self, value: float) -> list[EngineEvent]:
        self._scored = True
        if SILENT <= value < SPEAKING:
            return []
        return self._caller(speaks=value >= SPEAKING)

    def _caller(self, *, speaks: bool) -> list[EngineEvent]:
        if speaks == self._caller_speaks:
            return []
        self._caller_speaks = speaks
        return [SpeechStarted() if speaks else SpeechEnded()]

    def _turn(self) -> str:
        """The name of the caller's turn that is going on."""
        self._item = self._item or f"turn-{next(self._turns)}"
        return self._item

    def _current(self, now_ms: float, cause: ResponseCause) -> tuple[Speech, list[EngineEvent]]:
        """The response that goes on; it begins if none does."""
        if self._speech is not None:
            return self._speech, []
        response_id, cause = self._begin(cause)
        self._speech = Speech(response_id, cause, now_ms)
        self._spoken.append(self._speech)
        return self._speech, self._order.accept(ResponseStarted(response_id, cause))

    def _begin(self, cause: ResponseCause) -> tuple[str, ResponseCause]:
        """Whose response it is that begins."""
        began, self._began = self._began, True
        if self._tool_due:
            self._tool_due = False
            return self._new_id(), ResponseCause.TOOL
        if self._request is not None:
            request, self._request = self._request, None
            return request.id, request.cause
        if self._unwanted:
            unwanted, self._unwanted = self._unwanted, ""
            return unwanted, cause
        return self._new_id(), cause if began else ResponseCause.GREETING

    def _is_another(self, message: Utterance) -> bool:
        """Is it the begin of a response after one that was interrupted here alone?"""
        if self._speech is None or not self._is_interrupted:
            return False
        if isinstance(message, wire.Part):
            return message.begins
        return isinstance(message, wire.FullText) and self._speech.complete_text

    @property
    def _is_interrupted(self) -> bool:
        """Does the vendor go on with a response that is over here?"""
        return self._speech is not None and self._speech.id != self._order.active

    def _is_dropped(self, event_id: int) -> bool:
        return 0 < event_id <= self._dropped_through

    def _over_ms(self, speech: Speech) -> float:
        """When a response is over, if nothing more comes of it."""
        if self._is_interrupted:
            return speech.last_ms + self.quiet_ms
        if not speech.sound_ms and not speech.wants_tools:
            return speech.last_ms + self.answer_ms
        return max(speech.last_ms + self.quiet_ms, speech.plays_until_ms)

    def _end_quietly(self, speech: Speech) -> list[EngineEvent]:
        if speech.sound_ms or speech.wants_tools:
            return self._end()
        return self._end(ResponseStatus.INCOMPLETE, "it had no audio")

    def _end(
        self, status: ResponseStatus = ResponseStatus.COMPLETED, reason: str = ""
    ) -> list[EngineEvent]:
        """End the response that goes on, with what was held back of it."""
        speech, self._speech = self._speech, None
        if speech is None:
            return []
        rest, words = self.voice.flush(), speech.words.flush()
        events: list[EngineEvent] = [ResponseAudio(speech.id, rest)] if rest else []
        if words:
            events.append(ResponseText(speech.id, "", words))
        return self._accepted([*events, ResponseDone(speech.id, status, reason=reason)])

    def _overdue(self) -> list[EngineEvent]:
        """What the vendor owes has not come in time: somebody waits for it, and is told."""
        events: list[EngineEvent] = []
        if self._tool_due and self._speech is not None and not self._is_interrupted:
            self._answer_by_ms = self._over_ms(self._speech)
            return []  # events of two responses are never mixed
        if self._tool_due:
            self._tool_due = False
            events += self._give_up(Request(self._new_id(), "", ResponseCause.TOOL))
        if self._request is not None:
            request, self._request = self._request, None
            events += self._give_up(request)
        return events

    def _give_up(self, request: Request) -> list[EngineEvent]:
        """A response that is owed and never came."""
        done = ResponseDone(request.id, ResponseStatus.FAILED, error=ERRORS.late())
        return self._accepted([ResponseStarted(request.id, request.cause), done])

    def _accepted(self, events: list[EngineEvent]) -> list[EngineEvent]:
        return [each for event in events for each in self._order.accept(event)]

    def _ask(self, request: Request, now_ms: float) -> None:
        self._request, self._answer_by_ms = request, now_ms + self.answer_ms

    def _new_id(self) -> str:
        return f"response-{next(self._ids)}"
