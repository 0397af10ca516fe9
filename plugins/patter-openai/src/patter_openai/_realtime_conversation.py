"""One conversation at OpenAI, without its socket: what is asked, told and sent next.

It takes the vendor's messages and the call's wishes; `events` are for the call, `outbox` is for
the vendor, both in order. Whoever owns it empties both after every step.
"""

from __future__ import annotations

import binascii
from itertools import count
from typing import Any, TypeAlias

import attrs

from patter.audio.convert import Converter, Same, WholeSamples
from patter.audio.formats import AudioFormat
from patter.errors import PatterError
from patter.providers.engine import EngineUpdate
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
    VendorInterrupted,
)
from patter.providers.response_order import ResponseOrder
from patter.providers.stt import SpeechEnded, SpeechStarted
from patter_openai import _realtime_wire as wire
from patter_openai._errors import ERRORS, reported
from patter_openai._realtime_config import update_of
from patter_openai._realtime_items import SpokenItems, ToolRounds
from patter_openai._realtime_requests import ResponseRequest, ResponseRequests
from patter_openai._realtime_wire import Wire

Heard: TypeAlias = int | str | None
"""Milliseconds of audio, the words of a text, or None where nobody knows and all is kept."""

_CUT = "cut-"
_CANCEL = "cancel-"
_BUSY = "conversation_already_has_active_response"
_LATE = "response_cancel_not_active"
_FATAL = frozenset(
    {
        "beta_api_shape_disabled",
        "billing_hard_limit_reached",
        "insufficient_quota",
        "invalid_api_key",
        "invalid_model",
        "model_not_found",
        "session_expired",
    }
)
"""Errors after which the vendor closes the socket."""


@attrs.define(eq=False, kw_only=True)
class RealtimeConversation:
    """What both sides know of it.

    *responds*: the vendor begins responses by itself. *manual*: the call ends the caller's turns.
    *secret* is taken out of the vendor's words.
    """

    instructions: str
    responds: bool
    manual: bool
    audio_out: AudioFormat
    secret: str = attrs.field(default="", repr=False)
    events: list[EngineEvent] = attrs.field(factory=list, init=False)
    outbox: list[Wire] = attrs.field(factory=list, init=False)
    progress: int = attrs.field(default=0, init=False)
    _order: ResponseOrder = attrs.field(factory=ResponseOrder, init=False)
    _requests: ResponseRequests = attrs.field(factory=ResponseRequests, init=False)
    _items: SpokenItems = attrs.field(init=False)
    _tools: ToolRounds = attrs.field(factory=ToolRounds, init=False)
    _ids: count[int] = attrs.field(factory=lambda: count(1), init=False)
    _samples: Converter = attrs.field(init=False)
    _heard: dict[str, Heard] = attrs.field(factory=dict, init=False)
    """What was heard of responses that are over here, but not yet at the vendor."""
    _truncated: dict[str, list[ResponseTruncated]] = attrs.field(factory=dict, init=False)
    """What to report when the vendor confirms the cuts of an item, in their order."""
    _interims: dict[str, str] = attrs.field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self._items = SpokenItems(self.audio_out.bytes_per_ms)
        self._samples = WholeSamples() if self.audio_out.sample_bytes > 1 else Same()

    # --- what the call wants

    @property
    def pending(self) -> bool:
        """Does the vendor owe a response, or the rest of one?"""
        return self._requests.pending

    def request(self, cause: ResponseCause, response: Wire | None = None) -> str:
        """Request a response, the next one when there is one already; returns our id of it."""
        own_id = f"patter-{next(self._ids)}"
        self._order.request(own_id, cause)
        self._requests.add(ResponseRequest(own_id, response or {}))
        self._advance()
        return own_id

    def respond(self, instructions: str) -> str:
        """Request a response with *instructions* beside the session's."""
        response = wire.in_addition(self.instructions, instructions)
        return self.request(ResponseCause.REQUEST, response)

    def write(self, text: str) -> None:
        """The caller wrote *text*: a turn of its own."""
        self.outbox.append(wire.item_create(wire.user_item(text)))
        self._answer_caller()

    def press(self, digits: str) -> None:
        """The caller pressed *digits*; keys reach the vendor over SIP only, so it is told."""
        item = wire.user_item(f"(The caller pressed {digits} on the keypad.)")
        self.outbox.append(wire.item_create(item))

    def commit(self) -> None:
        """The caller's turn is over."""
        self.outbox.append({"type": "input_audio_buffer.commit"})
        self._answer_caller()

    def update(self, change: EngineUpdate) -> None:
        """Change what is in force from the next response on."""
        if change.instructions is not None:
            self.instructions = change.instructions
        self.outbox.append({"type": "session.update", "session": update_of(change)})

    def result(self, call_id: str, result: str, *, follow: bool) -> None:
        """The result of a tool; one that nobody waits for is dropped."""
        if not self._tools.waits_for(call_id):
            return
        self.outbox.append(wire.item_create(wire.result_item(call_id, result)))
        if self._tools.answer(call_id, follow=follow):
            self.request(ResponseCause.TOOL)

    def interrupt(self, own_id: str, heard: Heard) -> None:
        """End a response and cancel it; *heard* is what history is to keep of it.

        One that the vendor works on ends with the vendor's word, for that tells what it cost, or
        with `insist`.
        """
        self._requests.remove(own_id)
        sent = self._requests.sent
        if name := self._requests.running(own_id):
            if own_id not in self._heard:
                self._cancel(name)
            self._heard[own_id] = heard
            return
        self.events += self._order.interrupt(own_id)
        if sent is not None and sent.id == own_id:
            # It has no name yet by which it could be cancelled; it will have when it begins.
            self._heard[own_id] = heard
        else:
            self._cut(own_id, heard)

    def insist(self, own_id: str) -> None:
        """End an interrupted response here, now that the vendor did not, and go on without it."""
        self.events += self._order.interrupt(own_id)
        if name := self._requests.running(own_id):
            self._requests.end(name)
            self._advance()

    def give_up(self) -> None:
        """The vendor has said nothing for too long of what it owes."""
        late = ERRORS.late()
        if (sent := self._requests.sent) is not None:
            self._requests.sent = None
            self._fail(sent.id, late)
        if name := self._requests.runs:
            self._requests.end(name)
            self._fail(self._requests.own_id(name), late)
            self._cancel(name)
        self._advance()

    # --- what the vendor says

    def take(self, message: Wire) -> None:
        """One message of the vendor's. Raises PatterError for garbage, and for what ends it all."""
        kind = message["type"]
        try:
            if kind.startswith("response."):
                self.progress += 1
                self._take_response(kind, message)
            elif kind.startswith("input_audio_buffer."):
                self._take_speech(kind, message)
            elif kind.startswith("conversation.item."):
                self._take_item(kind.removeprefix("conversation.item."), message)
            elif kind == "error":
                self._take_error(message["error"])
        except PatterError:
            raise  # some of ours are ValueErrors, too
        except (KeyError, TypeError, ValueError, AttributeError):
            raise ERRORS.garbled(message) from None

    def _take_response(self, kind: str, message: Wire) -> None:
        if kind == "response.created":
            self._begin(message["response"])
        elif kind == "response.done":
            self._end(message["response"])
        elif kind in _PIECES:
            own_id = self._requests.own_id(str(message["response_id"]))
            _PIECES[kind](self, own_id, message)

    def _take_speech(self, kind: str, message: Wire) -> None:
        match kind.removeprefix("input_audio_buffer."):
            case "speech_started":
                self.events.append(SpeechStarted(int(message["audio_start_ms"])))
            case "speech_stopped":
                self.events.append(SpeechEnded(int(message["audio_end_ms"])))
            case "committed" if not self.manual:
                self.events.append(CallerTurnEnded(str(message["item_id"])))

    def _take_item(self, kind: str, message: Wire) -> None:
        match kind:
            case "truncated" | "deleted":
                self._confirm(str(message["item_id"]))
            case "input_audio_transcription.delta":
                item = str(message["item_id"])
                text = self._interims.get(item, "") + str(message.get("delta") or "")
                self._interims[item] = text
                self.events.append(CallerTranscript(item, text, final=False))
            case "input_audio_transcription.completed":
                self._finish(str(message["item_id"]), str(message["transcript"]))
            case "input_audio_transcription.failed":
                item = str(message["item_id"])
                problem = reported(ERRORS, message["error"], secret=self.secret)
                self.events.append(EngineProblem(problem))
                # Whoever waits for the final one gets the words there are.
                self._finish(item, self._interims.get(item, ""))

    def _take_error(self, error: Wire) -> None:
        code, about = error.get("code"), str(error.get("event_id") or "")
        problem = reported(ERRORS, error, secret=self.secret)
        sent = self._requests.sent
        if code in _FATAL:
            raise problem
        if code == _LATE:
            return  # it was done before it could be cancelled
        if sent is not None and (about == sent.id or (not about and code == _BUSY)):
            self._refuse(sent.id, code, problem)
        elif about.startswith(_CUT) and "shorter" in str(error.get("message")):
            # Less was spoken than the caller is said to have heard: nothing is to be cut.
            self._confirm(about.removeprefix(_CUT))
        else:
            self.events.append(EngineProblem(problem))

    # --- responses

    def _begin(self, response: Wire) -> None:
        own_id = self._requests.begin(response, vendor_begins=self.responds)
        if own_id in self._heard:
            self._cancel(self._requests.runs)
        self.events += self._order.accept(ResponseStarted(own_id, ResponseCause.CALLER))

    def _add_item(self, own_id: str, message: Wire) -> None:
        if message["item"].get("type") == "message":
            self._items.add(own_id, str(message["item"]["id"]))

    def _hear(self, own_id: str, message: Wire) -> None:
        audio = binascii.a2b_base64(message["delta"], strict_mode=True)
        item = self._items.add(own_id, str(message["item_id"]))
        item.audio_bytes += len(audio)
        whole = self._samples.feed(audio)
        if whole and own_id not in self._heard:
            self.events += self._order.accept(ResponseAudio(own_id, whole, item.id))

    def _say(self, own_id: str, message: Wire) -> None:
        text = str(message["delta"])
        self._items.add(own_id, str(message["item_id"])).text += text
        if own_id not in self._heard:
            self.events += self._order.accept(ResponseText(own_id, text))

    def _finish_item(self, own_id: str, message: Wire) -> None:
        """An item is done; a call in it may run. Its arguments alone are done when cut off, too."""
        if (request := wire.call_of(message["item"])) is None:
            return
        wanted = self._order.accept(ResponseToolCall(own_id, request))
        if wanted:
            self._tools.want(own_id, request.id)
        else:
            self._delete(str(message["item"]["id"]))
        self.events += wanted

    def _end(self, response: Wire) -> None:
        name = str(response["id"])
        own_id = self._requests.own_id(name)
        done = wire.done_of(own_id, response, secret=self.secret)
        if own_id in self._heard:
            # It may have been done before the vendor knew that nobody listens.
            done = attrs.evolve(done, status=ResponseStatus.CANCELLED, error=None)
        elif done.reason == "turn_detected":
            self.events += self._order.accept(VendorInterrupted(own_id))
        self.events += self._order.accept(done)
        self._requests.end(name)
        self._samples.flush()
        if own_id in self._heard:
            self._cut(own_id, self._heard.pop(own_id))
        if self._tools.end(own_id):
            self.request(ResponseCause.TOOL)
        self._advance()

    def _refuse(self, own_id: str, code: Any, problem: PatterError) -> None:
        """The vendor did not take the request *own_id*."""
        unwanted = own_id in self._heard
        if unwanted or code != _BUSY or not self._requests.again():
            self._requests.sent = None
            self._fail(own_id, problem)
        self._advance()

    def _fail(self, own_id: str, error: PatterError) -> None:
        self._heard.pop(own_id, None)
        self.events += self._order.accept(ResponseStarted(own_id))
        self.events += self._order.accept(ResponseDone(own_id, ResponseStatus.FAILED, error=error))

    def _answer_caller(self) -> None:
        # A turn without a voice, and one that the call ended, is never answered unasked.
        if self.responds:
            self.request(ResponseCause.CALLER)

    def _advance(self) -> None:
        if (request := self._requests.due()) is not None:
            self.progress += 1
            self.outbox.append(wire.response_create(request.id, request.response))

    def _cancel(self, name: str) -> None:
        event_id = f"{_CANCEL}{next(self._ids)}"
        self.outbox.append({"type": "response.cancel", "event_id": event_id, "response_id": name})

    # --- what was heard

    def _cut(self, own_id: str, heard: Heard) -> None:
        """Let history have what was *heard* of a response that is done."""
        if isinstance(heard, str):
            self._replace(own_id, heard)
        elif heard is not None:
            self._shorten(own_id, heard)

    def _shorten(self, own_id: str, heard: int) -> None:
        audible, last = self._items.has_audio(own_id), self._items.of(own_id)[-1:]
        cuts = self._items.heard(own_id, heard)
        for cut in cuts:
            if cut.at_ms is None:
                self._delete(cut.item_id)
            else:
                self._truncate(cut.item_id, cut.at_ms)
        if audible:
            item_id = cuts[0].item_id if cuts else last[0].id
            self._report(ResponseTruncated(own_id, heard, item_id), item_id if cuts else "")

    def _replace(self, own_id: str, heard: str) -> None:
        """Texts are not cut at the vendor: another one takes their place."""
        if not self._items.of(own_id):
            return
        items = self._items.replace(own_id, heard)
        if items and heard:
            self.outbox.append(wire.item_create(wire.assistant_item(heard), after=items[0]))
        for item_id in items:
            self._delete(item_id)
        self._report(ResponseTruncated(own_id, text=heard), items[0] if items else "")

    def _delete(self, item_id: str) -> None:
        event_id = f"{_CUT}{item_id}"
        message = {"type": "conversation.item.delete", "event_id": event_id, "item_id": item_id}
        self.outbox.append(message)

    def _truncate(self, item_id: str, at_ms: int) -> None:
        self.outbox.append(
            {
                "type": "conversation.item.truncate",
                "event_id": f"{_CUT}{item_id}",
                "item_id": item_id,
                "content_index": 0,
                "audio_end_ms": at_ms,
            }
        )

    def _report(self, truncated: ResponseTruncated, item_id: str) -> None:
        """Report *truncated* when the vendor has confirmed it of *item_id*; at once without."""
        if item_id:
            self._truncated.setdefault(item_id, []).append(truncated)
        else:
            self.events += self._order.accept(truncated)

    def _confirm(self, item_id: str) -> None:
        if waiting := self._truncated.get(item_id):
            self.events += self._order.accept(waiting.pop(0))

    def _finish(self, item: str, text: str) -> None:
        self._interims.pop(item, None)
        self.events.append(CallerTranscript(item, text, final=True))


_PIECES = {
    "response.output_item.added": RealtimeConversation._add_item,
    "response.output_item.done": RealtimeConversation._finish_item,
    "response.output_audio.delta": RealtimeConversation._hear,
    "response.output_audio_transcript.delta": RealtimeConversation._say,
    "response.output_text.delta": RealtimeConversation._say,
}
