"""One conversation with an agent, from the vendor's side."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from itertools import count
from typing import Any

import attrs
from aiohttp import WSMsgType, web

from patter.aio import task_scope
from patter.audio.formats import AudioFormat
from patter.providers.llm import Message, ToolRequest
from patter.providers.stt import SpeechEnded, SpeechStarted, STTEvent, Transcript
from patter_elevenlabs._convai_wire import audio_format
from patter_elevenlabs.double import convai_events as events
from patter_elevenlabs.double.convai_rules import Refusal, audio_in, check_overrides, checked
from patter_elevenlabs.double.convai_settings import AgentSettings
from patter_testing.doubles.scripted_listener import ScriptedListener
from patter_testing.doubles.scripted_model import Answer
from patter_testing.doubles.vendor_double import VendorDouble
from patter_testing.doubles.vendor_faults import FaultyStream
from patter_testing.doubles.vendor_sound import sounded

REQUEST_CLOSE = 3000
LINGER_S = 0.005


@attrs.define(eq=False)
class Utterance:
    """What the agent says now, and what of it the caller can have heard."""

    text: str
    row: int
    began_s: float
    sent_ms: float = 0.0
    last_id: int = 0
    stopped: asyncio.Event = attrs.field(factory=asyncio.Event)

    def heard(self, now_s: float, ms_per_letter: int) -> str:
        """The text up to the letter that is being played."""
        played_ms = min((now_s - self.began_s) * 1_000, self.sent_ms)
        return self.text[: int(played_ms / ms_per_letter)]


@attrs.define(eq=False)
class HostedConversation:
    """A conversation of *agent*, told to *announce* once it has begun.

    *got* are the messages of the client, *sent* those it was sent, *rows* what was said.
    """

    agent: AgentSettings
    double: VendorDouble
    announce: Callable[[HostedConversation], None]
    prompt: str = attrs.field(init=False)
    overrides: dict[str, Any] = attrs.field(factory=dict, init=False)
    variables: dict[str, Any] = attrs.field(factory=dict, init=False)
    got: list[dict[str, Any]] = attrs.field(factory=list, init=False)
    sent: list[dict[str, Any]] = attrs.field(factory=list, init=False)
    rows: list[Message] = attrs.field(factory=list, init=False)
    heard_bytes: int = attrs.field(default=0, init=False)
    over: bool = attrs.field(default=False, init=False)
    lingers: bool = attrs.field(default=False, init=False)
    _stream: FaultyStream = attrs.field(init=False)
    _ear: ScriptedListener = attrs.field(init=False)
    _mouth: AudioFormat = attrs.field(init=False)
    _ids: count[int] = attrs.field(factory=lambda: count(1), init=False)
    _pings: count[int] = attrs.field(factory=lambda: count(1), init=False)
    _unanswered: set[int] = attrs.field(factory=set, init=False)
    _wanted: set[str] = attrs.field(factory=set, init=False)
    _answers: asyncio.Queue[Answer | None] = attrs.field(factory=asyncio.Queue, init=False)
    _utterance: Utterance | None = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self.prompt = self.agent.prompt
        self._mouth = audio_format(self.agent.speaks)
        self._ear = self.double.listener(
            audio_format(self.agent.hears), pause_ms=self.agent.pause_ms
        )

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Converse over the socket of *request* until one side leaves."""
        socket = web.WebSocketResponse(max_msg_size=16 << 20)
        await socket.prepare(request)
        ended = events.error(1000, "max_duration_exceeded", "Max call duration exceeded")
        self._stream = self.double.stream(socket, json.dumps(ended))
        try:
            self._check_address(request)
            await self._converse(socket)
        except Refusal as refused:
            await self._refuse(socket, refused)
        except TimeoutError:
            await self._stream.send(json.dumps(ended))
        finally:
            self.over = True
        await self._stream.end()
        return socket

    async def hear(self, text: str) -> None:
        """The caller says *text*."""
        await self._understand(self._ear.hear(text))

    def want(self, request: ToolRequest) -> None:
        """Call a tool."""
        self._answers.put_nowait(Answer(tools=(request,)))

    async def warn(self) -> None:
        """Report an error that leaves the conversation open."""
        await self._send(events.client_error(1002, "llm_timeout", "The model was late."))

    async def give_up(self, tool_call_id: str) -> None:
        """Wait no longer for the result of a tool, and go on without."""
        self._wanted.discard(tool_call_id)
        await self._send(events.tool_failed(tool_call_id, next(self._ids)))
        self._answers.put_nowait(None)

    async def send(self, message: dict[str, Any]) -> None:
        """Send any message, switched on or not."""
        self.sent.append(message)
        await self._stream.send(json.dumps(message))

    def _check_address(self, request: web.Request) -> None:
        branch = request.query.get("branch_id", "")
        is_branch = not branch or branch in self.agent.branches
        if not self.agent.is_called(request.query.get("agent_id", "")) or not is_branch:
            raise Refusal(REQUEST_CLOSE, "", "Request error")

    async def _refuse(self, socket: web.WebSocketResponse, refused: Refusal) -> None:
        if refused.kind:
            await self._stream.send(json.dumps(events.error(*attrs.astuple(refused))))
        self._stream.ended = True
        await socket.close(code=refused.code, message=refused.words.encode())

    async def _converse(self, socket: web.WebSocketResponse) -> None:
        self._begin(await self._first(socket))
        self.announce(self)
        formats = self.agent.speaks, self.agent.hears
        if self.agent.pings_first:
            await self._ask()
        await self._send(events.metadata(f"conv_{id(self):x}", *formats))
        if greeting := self.overrides.get("agent.first_message", self.agent.first_message):
            self._answers.put_nowait(Answer(greeting))
        async with task_scope() as tasks:
            work = [tasks.create_task(self._speak()), tasks.create_task(self._ping())]
            try:
                async with asyncio.timeout(self.agent.max_duration_s):
                    await self._listen(socket)
            finally:
                for task in work:
                    task.cancel()

    async def _first(self, socket: web.WebSocketResponse) -> dict[str, Any]:
        """The message that a conversation begins with."""
        late = Refusal(1008, "missing_fields", "conversation_initiation_client_data was expected")
        try:
            async with asyncio.timeout(self.agent.first_s):
                body = await self._receive(socket)
        except TimeoutError:
            raise late from None
        if body is None or body.get("type") != "conversation_initiation_client_data":
            raise late
        return body

    def _begin(self, first: dict[str, Any]) -> None:
        self.overrides = check_overrides(
            first.get("conversation_config_override", {}), self.agent.allowed
        )
        self.variables = first.get("dynamic_variables", {})
        if missing := sorted(self.agent.required - set(self.variables)):
            words = f"Missing required dynamic variables: {', '.join(missing)}"
            raise Refusal(1008, "missing_dynamic_variable", words)
        self.prompt = self.overrides.get("agent.prompt.prompt", self.agent.prompt)

    async def _listen(self, socket: web.WebSocketResponse) -> None:
        while (body := await self._receive(socket)) is not None:
            await self._take(body)

    async def _receive(self, socket: web.WebSocketResponse) -> dict[str, Any] | None:
        """The client's next message, if it keeps the rules; None when it has left."""
        message = await socket.receive()
        if message.type is not WSMsgType.TEXT:
            return None
        try:
            body = json.loads(message.data)
        except ValueError:
            raise Refusal(1008, "invalid_message", "a message is JSON") from None
        checked(body)
        self.got.append(body)
        return dict(body)

    async def _take(self, body: dict[str, Any]) -> None:
        match body.get("type", "audio"):
            case "audio":
                audio = audio_in(body)
                self.heard_bytes += len(audio)
                await self._understand(self._ear.feed(audio))
            case "pong":
                self._ponged(body["event_id"])
            case "user_message":
                await self._interrupt()
                self.rows.append(Message("user", body.get("text", "")))
                self._answers.put_nowait(None)
            case "contextual_update":
                self.rows.append(Message("user", body["text"]))
            case "client_tool_result":
                self._resulted(body)
            case "conversation_initiation_client_data":
                raise Refusal(1008, "invalid_message", "the conversation has begun already")

    def _ponged(self, event_id: int) -> None:
        if event_id not in self._unanswered:
            raise Refusal(1008, "value_error", f"pong {event_id} answers no ping")
        self._unanswered.discard(event_id)

    def _resulted(self, body: dict[str, Any]) -> None:
        if body["tool_call_id"] not in self._wanted:
            raise Refusal(1008, "value_error", "a result for a tool that was not called")
        self._wanted.discard(body["tool_call_id"])
        row = Message("tool", body["result"], tool_call_id=body["tool_call_id"])
        self.rows.append(row)
        if not self._wanted:
            self._answers.put_nowait(None)

    async def _understand(self, heard: Iterable[STTEvent]) -> None:
        """What the vendor makes of the caller's audio."""
        for event in heard:
            match event:
                case SpeechStarted():
                    await self._send(events.vad_score(0.9))
                    await self._interrupt()
                case SpeechEnded():
                    await self._send(events.vad_score(0.1))
                case Transcript(text, final=False):
                    await self._send(events.tentative(text, next(self._ids)))
                case Transcript(text):
                    self.rows.append(Message("user", text))
                    await self._send(events.transcript(text, next(self._ids)))
                    self._answers.put_nowait(None)

    async def _interrupt(self) -> None:
        """The caller broke in: stop, and keep what can have been heard."""
        utterance, self._utterance = self._utterance, None
        if utterance is None:
            return
        utterance.stopped.set()
        now_s = asyncio.get_running_loop().time()
        heard = utterance.heard(now_s, self.agent.ms_per_letter)
        self.rows[utterance.row] = Message("assistant", heard)
        await self._send(events.interruption(utterance.last_id))
        for _ in range(self.agent.late_pieces):
            piece = sounded(".", self._mouth, self.agent.ms_per_letter)
            await self._send(events.audio(piece, utterance.last_id, ".", self.agent.ms_per_letter))
        await self._send(events.correction(utterance.text, heard, next(self._ids)))

    async def _ping(self) -> None:
        """Ask whether the client is there; one that does not answer is not."""
        while True:
            await self._ask()
            await asyncio.sleep(self.agent.ping_s)
            if self._unanswered:
                raise Refusal(1002, "transport_receive_timeout", "a ping was not answered")

    async def _ask(self) -> None:
        event_id = next(self._pings)
        self._unanswered.add(event_id)
        await self._send(events.ping(event_id))

    async def _speak(self) -> None:
        """Answer one turn after another."""
        while True:
            answer = await self._answers.get()
            await self.double.latency.wait()
            if answer is None:
                answer = self.double.model.answer(self.rows, self.agent.hosted_tools)
            utterance = await self._say(answer)
            for request in answer.tools:
                await self._call(request)
            if utterance is not None:
                await self._play(utterance, goes_on=bool(answer.tools))

    async def _call(self, request: ToolRequest) -> None:
        self.rows.append(Message("assistant", tool_calls=(request,)))
        answered = request.name not in self.agent.forgotten
        if answered:
            self._wanted.add(request.id)
        parameters = json.loads(request.arguments)
        call = events.tool_call(request.id, request.name, parameters, next(self._ids), answered)
        await self._send(call)

    async def _say(self, answer: Answer) -> Utterance | None:
        """Send the text of *answer* and its audio."""
        if not answer.text:
            return None
        loop = asyncio.get_running_loop()
        utterance = self._utterance = Utterance(answer.text, len(self.rows), loop.time())
        self.rows.append(Message("assistant", answer.text))
        await self._send(events.response(answer.text, next(self._ids)))
        await self._sound(utterance)
        while self.lingers and not utterance.stopped.is_set():
            await asyncio.sleep(LINGER_S)
            await self._sound(utterance)
        return utterance

    async def _play(self, utterance: Utterance, *, goes_on: bool) -> None:
        """Wait until *utterance* has been played: so long it can be interrupted."""
        now_s = asyncio.get_running_loop().time()
        left_s = utterance.began_s + utterance.sent_ms / 1_000 - now_s
        if await _is_set(utterance.stopped, left_s):
            return
        self._utterance = None
        if not goes_on:
            await self._send(events.complete(next(self._ids)))

    async def _sound(self, utterance: Utterance) -> None:
        """Send the audio of *utterance*, in pieces of whole letters, until it is stopped."""
        letters = max(1, self.agent.piece_ms // self.agent.ms_per_letter)
        for at in range(0, len(utterance.text), letters):
            if utterance.stopped.is_set():
                return
            text = utterance.text[at : at + letters]
            piece = sounded(text, self._mouth, self.agent.ms_per_letter)
            utterance.last_id, ms = next(self._ids), self._mouth.ms_in(len(piece))
            utterance.sent_ms += ms
            await self._send(events.audio(piece, utterance.last_id, text, self.agent.ms_per_letter))
            await _is_set(utterance.stopped, ms * self.agent.pace / 1_000)

    async def _send(self, message: dict[str, Any]) -> None:
        """Send a message, if the agent has such messages switched on."""
        if message["type"] in self.agent.events:
            await self.send(message)


async def _is_set(event: asyncio.Event, within_s: float) -> bool:
    """Is *event* set within so many seconds?"""
    try:
        async with asyncio.timeout(max(0.0, within_s)):
            await event.wait()
    except TimeoutError:
        return False
    return True
