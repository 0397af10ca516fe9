"""The seven callbacks around speech: who began to speak, who ended, and the first of each answer.

One `SpeechEvents` is a phone's. What is known of a call is in its `SpeechTracker`, so calls never
share a turn; and of a callback that is not set nothing is made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, TypeAlias, TypeVar, overload

import attrs

from patter.call.conversation_state import ConversationStateSnapshot, conversation_state
from patter.call.turn.state import TurnState
from patter.errors import PatterTypeError
from patter.observe.events import AudioPiece, CallEvent, EngineStep, Row, TextPiece

SpeechEventCallback: TypeAlias = Callable[[dict[str, Any]], Any]
"""Sync or async; called with a dict."""
Tell: TypeAlias = Callable[[str, SpeechEventCallback, dict[str, Any]], None]
Names: TypeAlias = Callable[..., tuple[str, str]]
T = TypeVar("T")
KEPT = 16
"""Utterances of which news may still come."""


class EouTrigger(StrEnum):
    """What ended a turn of the caller: a pause, somebody who understands speech, or a key."""

    VAD_SILENCE = "vad_silence"
    SEMANTIC_TURN_DETECTOR = "semantic_turn_detector"
    MANUAL_COMMIT = "manual_commit"


_TRIGGERS = {
    "EndOfTurnVerdict": EouTrigger.SEMANTIC_TURN_DETECTOR,
    "CallerFinished": EouTrigger.SEMANTIC_TURN_DETECTOR,
    "VendorAnswers": EouTrigger.SEMANTIC_TURN_DETECTOR,
    "Digit": EouTrigger.MANUAL_COMMIT,
}
_TYPES: Mapping[str, tuple[type[CallEvent], ...]] = {
    "on_user_speech_started": (EngineStep,),
    "on_user_speech_ended": (EngineStep,),
    "on_user_speech_eos": (EngineStep,),
    "on_agent_speech_started": (EngineStep,),
    "on_agent_speech_ended": (EngineStep, Row),
    "on_llm_token": (TextPiece,),
    "on_audio_out": (AudioPiece,),
}
"""What of a call each callback is made of."""
SPEECH_CALLBACKS = tuple(_TYPES)


class SpeechSlot:
    """An attribute that holds a callback, or None, of the phone's `SpeechEvents`."""

    name: str

    def __set_name__(self, _: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, owner: None, _: type | None = None) -> SpeechSlot: ...

    @overload
    def __get__(self, owner: SpeechSlots, _: type | None = None) -> SpeechEventCallback | None: ...

    def __get__(
        self, owner: SpeechSlots | None, _: type | None = None
    ) -> SpeechSlot | SpeechEventCallback | None:
        return self if owner is None else owner.speech_events.callbacks.get(self.name)

    def __set__(self, owner: SpeechSlots, callback: SpeechEventCallback | None) -> None:
        owner.speech_events.set(self.name, callback)


class SpeechSlots:
    """The seven callbacks as attributes, of a phone and of its `SpeechEvents` alike.

    Each is None or a function of one dict, sync or async; another value raises
    PatterTypeError. One that is set during a call is called from then on.
    """

    on_user_speech_started = SpeechSlot()
    on_user_speech_ended = SpeechSlot()
    on_user_speech_eos = SpeechSlot()
    on_agent_speech_started = SpeechSlot()
    on_agent_speech_ended = SpeechSlot()
    on_llm_token = SpeechSlot()
    on_audio_out = SpeechSlot()

    @property
    def speech_events(self) -> SpeechEvents:
        """Where the callbacks are kept."""
        raise NotImplementedError

    @property
    def conversation_state(self) -> ConversationStateSnapshot:
        """Who does what in the call that began last, of those that are running."""
        return self.speech_events.state_of(None)


@attrs.define(eq=False)
class SpeechEvents(SpeechSlots):
    """The callbacks of a phone by their name, and its running calls.

    *on_change* functions are called when another callback is set.
    """

    callbacks: dict[str, SpeechEventCallback] = attrs.field(factory=dict, init=False)
    on_change: set[Callable[[], None]] = attrs.field(factory=set, init=False, repr=False)
    calls: dict[str, Callable[[], TurnState]] = attrs.field(factory=dict, init=False, repr=False)

    @property
    def speech_events(self) -> SpeechEvents:
        """Itself."""
        return self

    @property
    def types(self) -> frozenset[type[CallEvent]]:
        """What of a call the callbacks that are set are made of."""
        return frozenset(kind for name in self.callbacks for kind in _TYPES[name])

    def set(self, name: str, callback: SpeechEventCallback | None) -> None:
        """Have *callback* called at *name*; None: nobody. Raises PatterTypeError."""
        if callback is None:
            self.callbacks.pop(name, None)
        elif callable(callback):
            self.callbacks[name] = callback
        else:
            raise PatterTypeError(
                f"{name} is {callback!r}, which cannot be called",
                fix=f"set a function: phone.{name} = print",
            )
        for tell in tuple(self.on_change):
            tell()

    def state_of(self, call_id: str | None) -> ConversationStateSnapshot:
        """Who does what in the call *call_id*; None: in the one that began last."""
        if call_id is None:
            call_id = next(reversed(self.calls), "")
        state = self.calls.get(call_id)
        return conversation_state(None if state is None else state())


@attrs.define(eq=False)
class SpeechTracker:
    """One call's events, as its phone's callbacks are told of them.

    *tell(name, callback, data)* has a callback called; *names(kind)* are provider and model.
    *began* in seconds since 1970.
    """

    speech: SpeechEvents
    tell: Tell
    names: Names
    began: float
    _turns: dict[int, int] = attrs.field(factory=dict, init=False)
    _started: dict[int, None] = attrs.field(factory=dict, init=False)
    _voice_began_ms: int | None = attrs.field(default=None, init=False)
    _voice_ended_ms: int | None = attrs.field(default=None, init=False)
    _token_turn: int = attrs.field(default=-1, init=False)
    _audio_turn: int = attrs.field(default=-1, init=False)

    def __call__(self, event: CallEvent) -> None:
        """Take *event* of the call."""
        match event:
            case EngineStep():
                self._step(event)
            case Row(role="agent", epoch=int(epoch)) if epoch in self._started:
                del self._started[epoch]
                more = {"turn_idx": event.turn or 0, "speech_duration_ms": event.heard_ms or 0}
                interrupted = bool(event.interrupted)
                self._say("on_agent_speech_ended", event, **more, interrupted=interrupted)
            case TextPiece() if event.turn > self._token_turn:
                self._token_turn = event.turn
                provider, model = self.names("llm", "engine")
                names = {"llm_provider": provider, "model": model}
                self._say("on_llm_token", event, turn_idx=event.turn, **names)
            case AudioPiece() if event.turn > self._audio_turn:
                self._audio_turn = event.turn
                provider, _ = self.names("tts", "engine")
                self._say("on_audio_out", event, turn_idx=event.turn, tts_provider=provider)

    def _step(self, step: EngineStep) -> None:
        name, fields = step.input["name"], step.input["fields"]
        for effect in step.effects:
            if effect["name"] in ("Think", "Say"):
                _keep(self._turns, effect["fields"]["epoch"], effect["fields"]["turn"])
        match name:
            case "VoiceStarted":
                self._voice_began_ms = fields["began_ms"]
                self._say("on_user_speech_started", step, audio_offset_ms=fields["began_ms"])
            case "VoiceStopped":
                self._voice_stopped(step, fields["ended_ms"])
            case "Audible" if fields["epoch"] not in self._started:
                self._audible(step, fields["epoch"])
        for effect in step.effects:
            if effect["name"] == "Commit":
                self._committed(step, name, effect["fields"]["text"])

    def _voice_stopped(self, step: EngineStep, ended_ms: int) -> None:
        began_ms = ended_ms if self._voice_began_ms is None else self._voice_began_ms
        self._voice_ended_ms = ended_ms
        duration_ms = max(0, ended_ms - began_ms)
        more = {"audio_offset_ms": ended_ms, "speech_duration_ms": duration_ms}
        self._say("on_user_speech_ended", step, **more)

    def _audible(self, step: EngineStep, epoch: int) -> None:
        _keep(self._started, epoch, None)
        more: dict[str, Any] = {"turn_idx": self._turns.get(epoch, 0)}
        for key, kind in (("tts_provider", "tts"), ("engine", "engine")):
            if provider := self.names(kind)[0]:
                more[key] = provider
        self._say("on_agent_speech_started", step, **more)

    def _committed(self, step: EngineStep, name: str, text: str) -> None:
        more: dict[str, Any] = {
            "trigger": _TRIGGERS.get(name, EouTrigger.VAD_SILENCE),
            "transcript_so_far": text,
        }
        if self._voice_ended_ms is not None:
            more["trailing_silence_ms"] = max(0, step.at_ms - self._voice_ended_ms)
        self._say("on_user_speech_eos", step, **more)

    def _say(self, name: str, event: CallEvent, **more: Any) -> None:
        if (callback := self.speech.callbacks.get(name)) is not None:
            timestamp_ms = round(self.began * 1_000) + event.at_ms
            data = {"call_id": event.call, "timestamp_ms": timestamp_ms, **more}
            self.tell(name, callback, data)


def _keep(values: dict[int, T], key: int, value: T) -> None:
    values[key] = value
    if len(values) > KEPT:
        del values[next(iter(values))]
