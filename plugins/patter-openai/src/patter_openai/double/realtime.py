"""A conversation on ``/v1/realtime``, as OpenAI holds it since its general availability.

Strict where the vendor is: the order of things, names and values, one response at a time, what
can be cut and committed. An ``error`` ends nothing, save the shape of the beta, a model that does
not exist, and the end of a session's time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

import attrs
import orjson
from aiohttp import WSMsgType, web

from patter.aio import task_scope
from patter.clock import LoopClock
from patter.providers.llm import Message, ToolRequest, ToolSpec
from patter.providers.stt import SpeechEnded, SpeechStarted, STTEvent, Transcript
from patter_openai.double.realtime_ears import VendorEars, voice_of
from patter_openai.double.realtime_response import VendorResponse
from patter_openai.double.realtime_rules import (
    ClientError,
    SessionRules,
    audio_in,
    check_event,
    check_item,
)
from patter_openai.double.realtime_script import RealtimeScript
from patter_openai.double.realtime_state import (
    Conversation,
    default_session,
    format_of,
    text_tokens,
    updated,
)
from patter_testing.doubles.scripted_model import Answer
from patter_testing.doubles.vendor_faults import FaultyStream

VOICE_MS = 300
INVALID = "invalid_request_error"
BETA = (
    "beta_api_shape_disabled",
    "The Realtime Beta API is no longer supported. Please use /v1/realtime for the GA API.",
)
FATAL = 4000
"""How the vendor closes a session that cannot be."""


class RealtimeSocket:
    """One session; `rows` and `session` are what the vendor holds of it."""

    def __init__(self, double: Any, request: web.Request) -> None:
        self.double = double
        self.script: RealtimeScript = double.realtime
        self.request = request
        self.socket = web.WebSocketResponse(max_msg_size=0)
        self.conversation = Conversation()
        self.active: VendorResponse | None = None
        self.rules = SessionRules(request.query.get("model", ""))
        self._event_ids = count(1)
        self._response_ids = count(1)
        self._counted = {"text_tokens": 0, "audio_tokens": 0}
        self._turn: str = ""
        farewell = self._error_event("session_expired", "Your session hit its maximum duration.")
        self._stream: FaultyStream = double.stream(self.socket, farewell)

    async def serve(self) -> web.StreamResponse:
        """Take the socket, and hold the conversation until either side leaves."""
        await self.socket.prepare(self.request)
        if (refusal := self._refusal()) is not None:
            await self._end(*refusal)
            return self.socket
        expires_at = int(LoopClock().wall()) + int(self.script.session_s)
        self.session = default_session("sess_0001", self.rules.model, expires_at)
        self.ears = self._new_ears()
        self.script.sessions.append(self)
        self.double.listening.append(self)
        try:
            await self._converse()
        finally:
            self.double.listening.remove(self)
        return self.socket

    async def _converse(self) -> None:
        async with task_scope() as self.tasks:
            expiry = self.tasks.create_task(self._expire(), name="realtime-expiry")
            await self.send("session.created", session=self.session)
            async for message in self.socket:
                if message.type is WSMsgType.TEXT:
                    await self._take(message.data)
            expiry.cancel()
            if self.active is not None:
                self.active.stop("client_cancelled")

    # --- what the script sees and does

    def rows(self) -> Sequence[Message]:
        """The conversation as the model has it."""
        return self.conversation.rows()

    async def hear(self, text: str) -> None:
        """The caller says *text*: voice comes in, and then a pause that ends a turn."""
        self.double.lines.put(text)
        turns = self.session["audio"]["input"]["turn_detection"]
        pause_ms = 0 if turns is None else turns.get("silence_duration_ms", 300) + 50
        await self._listen(voice_of(format_of(self.session, "input"), VOICE_MS, pause_ms))

    async def want(self, *requests: ToolRequest) -> None:
        """Begin a response that calls tools."""
        if self.active is not None:
            await self.active.ended.wait()
        await self._begin({}, calls=requests)

    async def report(self, code: str, message: str) -> None:
        """Send an error that ends nothing."""
        error = {"type": "server_error", "code": code, "message": message}
        await self.send("error", error={**error, "param": None, "event_id": None})

    async def send(self, kind: str, **fields: Any) -> None:
        """Send one event, or what the faults put in its place."""
        body = {"type": kind, "event_id": f"event_{next(self._event_ids):05}", **fields}
        await self._stream.send(orjson.dumps(body).decode())

    # --- what the client says

    async def _take(self, text: str) -> None:
        event: Any = None
        try:
            event = orjson.loads(text)
            self.double.log.append((self.request.path, event))
            check_event(event)
            await self._obey(event["type"], event)
        except ClientError as error:
            about = event.get("event_id") if isinstance(event, dict) else None
            await self._complain(error, about)
        except (ValueError, AttributeError, TypeError):
            await self._complain(ClientError("invalid_json", "The event is not valid JSON."), None)

    async def _obey(self, kind: str, event: Mapping[str, Any]) -> None:
        match kind:
            case "session.update":
                await self._update(event["session"])
            case "input_audio_buffer.append":
                await self._listen(audio_in(event))
            case "input_audio_buffer.commit":
                await self._commit()
            case "input_audio_buffer.clear":
                self.ears = self._new_ears()
                await self.send("input_audio_buffer.cleared")
            case "response.create":
                await self._create(event.get("response") or {})
            case "response.cancel":
                self._cancel(event.get("response_id"))
            case "output_audio_buffer.clear":
                raise ClientError("invalid_value", "There is no output buffer here.", "type")
            case _:
                await self._item(kind.rpartition(".")[2], event)

    async def _item(self, verb: str, event: Mapping[str, Any]) -> None:
        match verb:
            case "create":
                check_item(event["item"])
                await self._add_item(event["item"], event.get("previous_item_id"))
            case "retrieve":
                item = self.conversation.get(event["item_id"])
                await self.send("conversation.item.retrieved", item=item)
            case "delete":
                self.conversation.delete(event["item_id"])
                await self.send("conversation.item.deleted", item_id=event["item_id"])
            case "truncate":
                cut = {name: event[name] for name in ("item_id", "content_index", "audio_end_ms")}
                self.conversation.truncate(*cut.values())
                await self.send("conversation.item.truncated", **cut)

    async def _update(self, change: Mapping[str, Any]) -> None:
        spoke = bool(self.conversation.audio)
        attrs.evolve(self.rules, spoke=spoke).check(change, self.session)
        before = self.session["audio"]["input"]
        self.session = updated(self.session, change)
        if self.script.keeps_pcm:
            for way in ("input", "output"):
                self.session["audio"][way]["format"] = {"type": "audio/pcm", "rate": 24_000}
        after = self.session["audio"]["input"]
        if any(before[name] != after[name] for name in ("format", "turn_detection")):
            self.ears = self._new_ears(self.ears.now_ms)
        await self.send("session.updated", session=self.session)

    async def _commit(self) -> None:
        words = self.ears.commit()
        if words is None:
            raise ClientError(
                "input_audio_buffer_commit_empty",
                "Error committing input audio buffer: buffer too small. Expected at least 100ms "
                f"of audio, but buffer only has {self.ears.buffer_ms:.2f}ms of audio.",
            )
        item_id, self._turn = self._turn or self.conversation.new_id(), ""
        await self._commit_turn(item_id, words)

    async def _create(self, wanted: Mapping[str, Any]) -> None:
        self.rules.check_response(wanted, "response")
        if self.active is not None:
            raise ClientError(
                "conversation_already_has_active_response",
                f"Conversation already has an active response in progress: {self.active.id}. "
                "Wait until the response is finished before creating a new one.",
            )
        await self._begin(wanted)

    def _cancel(self, response_id: str | None) -> None:
        if self.active is None or response_id not in (None, self.active.id):
            raise ClientError(
                "response_cancel_not_active", "Cancellation failed: no active response found"
            )
        self.active.stop("client_cancelled")

    # --- the caller's turns

    def _new_ears(self, began_ms: float = 0.0) -> VendorEars:
        turns = self.session["audio"]["input"]["turn_detection"]
        return VendorEars(format_of(self.session, "input"), turns, self.double.lines, began_ms)

    async def _listen(self, audio: bytes) -> None:
        turns = self.session["audio"]["input"]["turn_detection"]
        for event in self.ears.feed(audio):
            if turns is not None:
                await self._hear(event, turns)

    async def _hear(self, event: STTEvent, turns: Mapping[str, Any]) -> None:
        match event:
            case SpeechStarted(at_ms):
                self._turn = self.conversation.new_id()
                start_ms = self.ears.began_ms + (at_ms or 0) - turns.get("prefix_padding_ms", 300)
                place = {"audio_start_ms": max(0, int(start_ms)), "item_id": self._turn}
                await self.send("input_audio_buffer.speech_started", **place)
                if self.active is not None and turns.get("interrupt_response", True):
                    self.active.stop("turn_detected")
            case SpeechEnded():
                place = {"audio_end_ms": int(self.ears.now_ms), "item_id": self._turn}
                await self.send("input_audio_buffer.speech_stopped", **place)
            case Transcript(text, True) if self._turn:
                item_id, self._turn = self._turn, ""
                await self._commit_turn(item_id, text)
                if turns.get("create_response", True) and await self._is_free():
                    await self._begin({})

    async def _is_free(self) -> bool:
        """Is there no response, once one that was interrupted is done?"""
        if self.active is not None and self.active.stopped.is_set():
            await self.active.ended.wait()
        return self.active is None

    async def _commit_turn(self, item_id: str, words: str) -> None:
        self.conversation.voices[item_id] = self.ears.buffer_ms or VOICE_MS
        self.ears.buffer_ms = 0.0
        before = self.conversation.last_id
        place = {"item_id": item_id, "previous_item_id": before}
        await self.send("input_audio_buffer.committed", **place)
        content = [{"type": "input_audio", "transcript": None}]
        item = {"id": item_id, "type": "message", "role": "user", "content": content}
        await self._add_item(item, None)
        # What the model heard is in the conversation at once, the transcript comes when it comes.
        content[0]["transcript"] = words
        if (place := self.session["audio"]["input"]["transcription"]) is not None:
            transcribing = self._transcribe(item_id, words, str(place["model"]))
            self.tasks.create_task(transcribing, name="realtime-transcribe")

    async def _transcribe(self, item_id: str, words: str, model: str) -> None:
        """Tell the words; a response that begins by itself begins before that."""
        await asyncio.sleep(0)
        if self.active is not None:
            await self.active.begun.wait()
        about = {"item_id": item_id, "content_index": 0}
        kind = "conversation.item.input_audio_transcription"
        whole = model == "whisper-1"
        deltas = [words] if whole else words.replace(" ", "\0 ").split("\0")
        for delta in filter(None, deltas):
            await self.send(f"{kind}.delta", delta=delta, **about)
        seconds = self.conversation.voices[item_id] / 1_000
        tokens = {"input_tokens": int(seconds * 10), "output_tokens": text_tokens(words)}
        counted = {"type": "tokens", **tokens, "total_tokens": sum(tokens.values())}
        usage = {"type": "duration", "seconds": seconds} if whole else counted
        await self.send(f"{kind}.completed", transcript=words, usage=usage, **about)

    async def _add_item(self, item: Mapping[str, Any], after: str | None) -> None:
        whole, before = self.conversation.add(item, after)
        for kind in ("added", "done"):
            place = {"previous_item_id": before, "item": whole}
            await self.send(f"conversation.item.{kind}", **place)

    # --- responses

    async def _begin(self, wanted: Mapping[str, Any], calls: Sequence[ToolRequest] = ()) -> None:
        options = updated({**self.session, "metadata": None}, wanted)
        tools = [
            ToolSpec(tool["name"], tool.get("description") or "", tool.get("parameters") or {})
            for tool in options["tools"]
        ]
        instructions = wanted.get("instructions") or ""
        if calls:
            answer = Answer(tools=tuple(calls))
        else:
            answer = self.script.answer(self.double.model, instructions, tools)
        self.active = VendorResponse(
            id=f"resp_{next(self._response_ids):04}",
            socket=self,
            options=options,
            text=answer.text,
            calls=answer.tools,
        )
        self.tasks.create_task(self._respond(self.active), name="realtime-response")

    async def _respond(self, response: VendorResponse) -> None:
        await self.send("response.created", response=response.shown("in_progress"))
        limits = [
            {"name": name, "limit": 10_000, "remaining": 9_000, "reset_seconds": 0.1}
            for name in ("requests", "tokens")
        ]
        await self.send("rate_limits.updated", rate_limits=limits)
        await self.double.latency.wait()
        before = self._input_tokens(response)
        status = await response.make()
        response.begun.set()
        usage = None if status == "failed" else self._usage(before, response.tokens)
        await self.send("response.done", response=response.shown(status, usage))
        self.active = None
        response.ended.set()

    def _input_tokens(self, response: VendorResponse) -> dict[str, int]:
        """What the model reads: all there is of the conversation."""
        talk = self.conversation
        spoken = sum(audio.ms / 50 for audio in talk.audio.values())
        heard = sum(ms / 100 for ms in talk.voices.values())
        written = str(response.options["instructions"]) + str(response.options["tools"])
        rows = [row.text for row in talk.rows() if row.role != "assistant"]
        return {
            "text_tokens": text_tokens(written) + sum(map(text_tokens, rows)),
            "audio_tokens": int(spoken + heard),
        }

    def _usage(self, read: Mapping[str, int], made: Mapping[str, int]) -> dict[str, Any]:
        cached = {name: min(read[name], self._counted[name]) for name in read}
        self._counted = dict(read)
        images = {"image_tokens": 0}
        return {
            "total_tokens": sum(read.values()) + sum(made.values()),
            "input_tokens": sum(read.values()),
            "output_tokens": sum(made.values()),
            "input_token_details": {
                **read,
                **images,
                "cached_tokens": sum(cached.values()),
                "cached_tokens_details": {**cached, **images},
            },
            "output_token_details": dict(made),
        }

    # --- the end

    def _refusal(self) -> tuple[str, str] | None:
        """Why there can be no session, told over the socket."""
        if "realtime=v1" in self.request.headers.get("OpenAI-Beta", ""):
            return BETA
        if not self.rules.model:
            return "missing_model", "You must provide a model parameter."
        if self.rules.model not in self.double.models:
            return "model_not_found", f"The model '{self.rules.model}' does not exist."
        return None

    async def _end(self, code: str, message: str) -> None:
        await self._stream.send(self._error_event(code, message))
        await self.socket.close(code=FATAL, message=f"{INVALID}.{code}".encode())

    async def _expire(self) -> None:
        await asyncio.sleep(self.script.session_s)
        minutes = self.script.session_s / 60
        text = f"Your session hit the maximum duration of {minutes:g} minutes."
        await self._stream.send(self._error_event("session_expired", text))
        await self._stream.end(1001)

    async def _complain(self, error: ClientError, about: object) -> None:
        details = {"type": INVALID, "code": error.code, "message": error.message}
        await self.send("error", error={**details, "param": error.param, "event_id": about})

    def _error_event(self, code: str, message: str) -> str:
        error = {"type": INVALID, "code": code, "message": message, "param": None}
        event = {"type": "error", "event_id": f"event_{next(self._event_ids):05}"}
        return orjson.dumps({**event, "error": {**error, "event_id": None}}).decode()
