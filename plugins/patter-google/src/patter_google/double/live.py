"""A session of the Live API (BidiGenerateContent), as Google holds it over one socket.

Strict where the vendor is: the setup first and once, one thing a message, fields and values that
are its own, rows that have a side, activity by hand only where its own detection is off. Whatever
it does not take ends the session: there are no errors that pass.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from aiohttp import WSMsgType, web

from patter.aio import task_scope
from patter.audio.convert import converter
from patter.audio.fit import chain
from patter.audio.formats import PCM16_16K, AudioFormat
from patter.providers.llm import Message, ToolRequest, ToolSpec
from patter.providers.stt import SpeechEnded, SpeechStarted, STTEvent, Transcript
from patter_google.double.live_calls import LiveCalls
from patter_google.double.live_rules import (
    BAD_ARGUMENT,
    LiveRefusal,
    LiveRules,
    audio_of,
    check_declared,
    check_turns,
    is_latest,
)
from patter_google.double.live_script import LiveScript
from patter_google.double.live_tokens import tokens_read, usage
from patter_google.double.live_turn import ModelTurn
from patter_google.double.rows import tools_of
from patter_testing.doubles.scripted_listener import ScriptedListener
from patter_testing.doubles.scripted_model import Answer
from patter_testing.doubles.vendor_faults import FaultyStream

SILENCE_MS = 500
"""How long a pause ends a turn, where nobody says."""

WRONG_KEY = "API key not valid. Please pass a valid API key."
NO_TURN = "generic::invalid_argument: No turn to complete"


class LiveSocket:
    """One connection; `rows` and `instructions` are what the vendor holds of its session."""

    def __init__(self, double: Any, request: web.Request, rules: LiveRules) -> None:
        self.double = double
        self.script: LiveScript = double.live
        self.rules = rules
        self.request = request
        self.socket = web.WebSocketResponse(max_msg_size=0)
        self.rows: list[Message] = []
        self.instructions = ""
        self.setup: dict[str, Any] = {}
        self.active: ModelTurn | None = None
        self._model = ""
        self._stream: FaultyStream = double.stream(
            self.socket, json.dumps({"goAway": {"timeLeft": "0s"}}).encode()
        )
        self._calls = LiveCalls(self.setup, "", rules.vertexai)
        self._seeding = False
        self._activity = False
        self._spoken_ms = 0.0
        self._queue: asyncio.Queue[tuple[Answer | None, asyncio.Event]] = asyncio.Queue()

    @property
    def tools(self) -> Sequence[ToolSpec]:
        """What it may call."""
        return tools_of({"tools": self.setup.get("tools") or ()})

    async def serve(self, *, key_is_good: bool) -> web.StreamResponse:
        """Take the socket, and hold the session until either side leaves."""
        await self.socket.prepare(self.request)
        try:
            async with task_scope() as tasks:
                watching = [
                    tasks.create_task(each, name="gemini-live-double")
                    for each in (self._expire(), self._respond())
                ]
                try:
                    await self._converse(key_is_good)
                except LiveRefusal as refused:
                    await self._close(refused.code, refused.words)
                finally:
                    for each in watching:
                        each.cancel()
        finally:
            if self in self.double.talking:
                self.double.talking.remove(self)
        return self.socket

    async def _converse(self, key_is_good: bool) -> None:
        async for message in self.socket:
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                continue
            if not key_is_good:
                raise LiveRefusal(WRONG_KEY)
            kind, content = self.rules.message(message.data)
            self.double.log.append((kind, content))
            await self._take(kind, content)

    # --- what the script sees and does

    async def hear(self, text: str) -> None:
        """The caller says *text*; by hand, it counts when the turn is ended."""
        if self._by_hand:
            self.ears.hear(text, final=False)
        else:
            await self._heard(self.ears.hear(text))

    async def want(self, *requests: ToolRequest) -> None:
        """Begin a turn that calls tools."""
        self._next(Answer(tools=requests))

    async def report(self, reason: str) -> None:
        """Complete a turn of which nothing came."""
        await self.send(serverContent={"turnComplete": True, "turnCompleteReason": reason})

    async def send(self, **message: Any) -> None:
        """Send one message, in binary as Google does, or what the faults put in its place."""
        await self._stream.send(json.dumps(message).encode())

    # --- what the client says

    async def _take(self, kind: str, content: dict[str, Any]) -> None:
        if (kind == "setup") == bool(self.setup):
            raise LiveRefusal("setup must be the first message, and is sent once.")
        if self._seeding and kind != "clientContent":
            raise LiveRefusal(BAD_ARGUMENT)
        match kind:
            case "setup":
                await self._begin(content)
            case "clientContent":
                await self._add_turns(content)
            case "realtimeInput":
                await self._stream_in(content)
            case "toolResponse":
                self._take_results(content.get("functionResponses") or [])
            case "contextUpdate":
                self._update(content)

    async def _begin(self, setup: dict[str, Any]) -> None:
        self._model = self.rules.model_of(setup)
        self.rules.check_setup(setup, self._model)
        rows = self.script.remembered(setup.get("sessionResumption") or {})
        if rows is None:
            raise LiveRefusal(BAD_ARGUMENT)
        self.setup, self.rows = setup, rows
        self._calls = LiveCalls(setup, self._model, self.rules.vertexai)
        self.instructions = _text(setup.get("systemInstruction") or {})
        history = setup.get("historyConfig") or {}
        self._seeding = bool(history.get("initialHistoryInClientContent"))
        detection = self._detection
        pause_ms = 0 if self._by_hand else int(detection.get("silenceDurationMs", SILENCE_MS)) or 1
        self.ears = ScriptedListener(
            PCM16_16K, self.double.lines, otherwise=self.double.otherwise, pause_ms=pause_ms
        )
        self._ear = converter(())
        self._rate = 16_000
        self.script.sessions.append(self)
        self.double.talking.append(self)
        await self.send(setupComplete={"sessionId": f"session-{len(self.script.sessions)}"})

    async def _add_turns(self, content: Mapping[str, Any]) -> None:
        turns = content.get("turns") or []
        check_turns(turns)
        complete = bool(content.get("turnComplete"))
        if not self._seeding:
            await self._interrupt()
        added = [row for turn in turns for row in _rows(turn)]
        self.rows += added
        if self._seeding:
            self._seeding = not complete
            return
        if not complete:
            return
        if not self.rows or self.rows[-1].role == "assistant":
            raise LiveRefusal(NO_TURN)
        # Between 2.5 and 3.8, models answered what comes in the stream, and this not.
        if not self._model.startswith("gemini-3.1"):
            self._next()

    async def _stream_in(self, content: Mapping[str, Any]) -> None:
        if len(content) != 1:
            raise LiveRefusal(BAD_ARGUMENT)
        ((kind, value),) = content.items()
        if kind in ("activityStart", "activityEnd") and not self._by_hand:
            raise LiveRefusal(
                "Explicit activity control is not supported when automatic activity detection is "
                "enabled."
            )
        match kind:
            case "audio":
                await self._listen(*audio_of(value))
            case "text":
                if self._interrupts:
                    await self._interrupt()
                self.rows.append(Message("user", value))
                self._next()
            case "activityStart":
                self._activity = True
                if self._interrupts:
                    await self._interrupt()
            case "activityEnd":
                await self._end_activity()
            case "audioStreamEnd":
                if self._by_hand or self.rules.vertexai:
                    raise LiveRefusal(BAD_ARGUMENT)
                await self._heard(self.ears.finalize())

    async def _listen(self, rate: int, sound: bytes) -> None:
        if rate != self._rate:
            source = AudioFormat("pcm16", rate)
            self._ear, self._rate = converter(chain(source, PCM16_16K)), rate
        if self._by_hand and not self._activity:
            return
        await self._heard(self.ears.feed(self._ear.feed(sound)))

    async def _end_activity(self) -> None:
        if not self._activity:
            raise LiveRefusal(BAD_ARGUMENT)
        self._activity = False
        final = self.ears.finalize()[-1]
        if isinstance(final, Transcript):
            await self._understand(final.text)

    async def _heard(self, events: Sequence[STTEvent]) -> None:
        for event in events:
            match event:
                case SpeechStarted(at_ms):
                    await self._tell_voice("ACTIVITY_START", at_ms)
                    if self._interrupts:
                        await self._interrupt()
                case SpeechEnded(at_ms):
                    await self._tell_voice("ACTIVITY_END", at_ms)
                case Transcript(text, True) if text and not self._by_hand:
                    await self._understand(text)
                case Transcript(text, False) if self.script.guesses:
                    await self.send(serverContent={"interimInputTranscription": {"text": text}})

    async def _tell_voice(self, kind: str, at_ms: int | None) -> None:
        if self.setup.get("explicitVadSignal"):
            offset = f"{(at_ms or 0) / 1_000:.3f}s"
            await self.send(voiceActivity={"type": kind, "audioOffset": offset})

    async def _understand(self, text: str) -> None:
        """The caller's turn is over: it is answered, and what was heard is told."""
        self._spoken_ms += 250.0 * len(text.split())
        self.rows.append(Message("user", text))
        if self.script.late_words:
            await self._next().wait()
        await self._tell_words(text)
        if not self.script.late_words:
            self._next()

    async def _tell_words(self, text: str) -> None:
        if "inputAudioTranscription" not in self.setup:
            return
        words = text.replace(" ", "\0 ").split("\0")
        for at, word in enumerate(words, 1):
            transcription: dict[str, Any] = {"text": word}
            if self.script.finishes and at == len(words):
                transcription["finished"] = True
            await self.send(serverContent={"inputTranscription": transcription})

    def _take_results(self, results: Sequence[Mapping[str, Any]]) -> None:
        taken = [each for each in map(self._calls.take, results) if each is not None]
        self.rows += [row for row, _ in taken]
        if any(answers for _, answers in taken) and not self._calls.blocking:
            self._next()

    def _update(self, content: Mapping[str, Any]) -> None:
        if not is_latest(self._model):
            raise LiveRefusal(BAD_ARGUMENT)
        if (tools := content.get("tools")) is not None:
            check_declared(tools, self._model)
            self.setup["tools"] = tools.get("tools") or []
        if (instructions := content.get("systemInstruction")) is not None:
            self.instructions = _text(instructions)

    # --- turns of the model

    async def _interrupt(self) -> None:
        """Stop the turn that goes on, and take back what it waits for."""
        if self.active is not None:
            self.active.stopped.set()
        if cancelled := self._calls.cancel():
            await self.send(toolCallCancellation={"ids": cancelled})

    async def _respond(self) -> None:
        """Take one turn after the other."""
        while True:
            await self._take_turn(*await self._queue.get())

    def _next(self, answer: Answer | None = None) -> asyncio.Event:
        """Have the model take a turn, of its own choice or with *answer*; tells when it began."""
        begun = asyncio.Event()
        self._queue.put_nowait((answer, begun))
        return begun

    async def _take_turn(self, wanted: Answer | None, begun: asyncio.Event) -> None:
        answer = wanted or self.script.answer(self.double.model, self.rows, self.tools)
        reason = self.script.reasons.pop(0) if self.script.reasons else ""
        calls = [self._calls.issue(call, keep=wanted is not None) for call in answer.tools]
        turn = ModelTurn(socket=self, text=answer.text, calls=calls, reason=reason, begun=begun)
        self.active = turn
        await self.double.latency.wait()
        tools = self.setup.get("tools") or []
        read = tokens_read(self.instructions, tools, self.rows, self._spoken_ms)
        await turn.make()
        if calls:
            self.rows.append(Message("assistant", tool_calls=tuple(calls)))
        elif turn.sent_text:
            self.rows.append(Message("assistant", turn.sent_text))
        await self._complete(turn, read)

    async def _complete(self, turn: ModelTurn, read: Mapping[str, int]) -> None:
        waits = any(self._calls.blocks(call) for call in turn.calls)
        if turn.stopped.is_set():
            await self.send(serverContent={"interrupted": True})
        self.active = None
        turn.begun.set()
        if not waits:
            content: dict[str, Any] = {"turnComplete": True}
            if turn.reason:
                content["turnCompleteReason"] = turn.reason
            if is_latest(self._model):
                content["interactionStatus"] = "REQUIRES_ACTION" if self._calls.waiting else "IDLE"
            cost = usage(turn, read, vertexai=self.rules.vertexai)
            await self.send(serverContent=content, usageMetadata=cost)
        self._spoken_ms += turn.sound_ms
        if "sessionResumption" in self.setup:
            update: dict[str, Any] = {"resumable": False}
            if not self._calls.waiting:
                update = {"newHandle": self.script.keep(self.rows), "resumable": True}
            await self.send(sessionResumptionUpdate=update)
        turn.ended.set()

    # --- how it ends

    async def _expire(self) -> None:
        """A connection does not last."""
        left_s = self.script.connection_s
        warning_s = min(self.script.warning_s, left_s)
        await asyncio.sleep(left_s - warning_s)
        await self.send(goAway={"timeLeft": f"{warning_s:g}s"})
        await asyncio.sleep(warning_s)
        await self._close(*self.script.farewell)

    async def _close(self, code: int, words: str) -> None:
        self._stream.ended = True
        await self.socket.close(code=code, message=words.encode()[:123])

    # --- what was set

    @property
    def _detection(self) -> Mapping[str, Any]:
        config = self.setup.get("realtimeInputConfig") or {}
        detection: Mapping[str, Any] = config.get("automaticActivityDetection") or {}
        return detection

    @property
    def _by_hand(self) -> bool:
        return bool(self._detection.get("disabled"))

    @property
    def _interrupts(self) -> bool:
        config = self.setup.get("realtimeInputConfig") or {}
        return bool(config.get("activityHandling") != "NO_INTERRUPTION")


def _text(content: Mapping[str, Any]) -> str:
    return "\n".join(part.get("text", "") for part in content.get("parts") or ())


def _rows(turn: Mapping[str, Any]) -> list[Message]:
    role: Literal["assistant", "user"] = "assistant" if turn.get("role") == "model" else "user"
    return [Message(role, part.get("text", "")) for part in turn["parts"]]
