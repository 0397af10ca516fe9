"""What of a call nobody may keep, and its events without it: the one place where that is decided.

Every record, log of events, metric, trace, page and callback is made of a call's events, so what
is hidden here reaches none of them. While a section is open, what the caller says and presses,
what the agent says, and what tools get and return is hidden; so are the answers to it, and words
that come late. Numbers and sentences of a section stay hidden in all that follows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs
from msgspec.structs import replace

from patter.observe.events import CallEvent, EngineStep, Note, Row, TextPiece, ToolRun, Wire
from patter.observe.secrets import Secrets, hide_all, hide_words, numbers_in
from patter.safe_text import MASK, forget_secret, remember_secret

LATE_MS = 3_000
"""A recogniser's words that come so long after a section may have been said in it."""
KEPT = 256
"""Turns, utterances and tools that are remembered as hidden."""
OWN = frozenset({"recording_paused", "recording_resumed", "sensitive", "consent"})
"""Notes that are about sections, and have no word of the conversation."""
_WORDS = frozenset({"text", "reply_to", "replacement", "status"})
_KEYS = frozenset({"digit", "digits"})


def _nothing() -> None:
    """Nobody has to be told."""


@attrs.define(eq=False)
class Sensitivity:
    """What of one call is hidden. *used* once there was a section or a secret.

    *on_closed* is called when the last section closes.
    """

    on_closed: Callable[[], None] = attrs.field(default=_nothing, init=False)
    used: bool = attrs.field(default=False, init=False)
    secrets: Secrets = attrs.field(factory=Secrets, init=False)
    _sections: set[str] = attrs.field(factory=set, init=False)
    _closed_ms: int | None = attrs.field(default=None, init=False)
    _words: bool = attrs.field(default=False, init=False)
    _interim: bool = attrs.field(default=False, init=False)
    _turns: dict[int, None] = attrs.field(factory=dict, init=False)
    _epochs: dict[int, None] = attrs.field(factory=dict, init=False)
    _tools: dict[str, None] = attrs.field(factory=dict, init=False)
    _announced: dict[str, None] = attrs.field(factory=dict, init=False)
    _logged: list[str] = attrs.field(factory=list, init=False, repr=False)

    @property
    def open(self) -> bool:
        """Is a section open?"""
        return bool(self._sections)

    def hides_audio(self, at_ms: float, late_ms: int = 0) -> bool:
        """May what sounds at *at_ms* be of a section; and what comes up to *late_ms* late?"""
        closed_ms = self._closed_ms
        return self.open or (closed_ms is not None and at_ms < closed_ms + late_ms)

    def begin(self, section: str) -> None:
        """Open *section*; one that is open stays open."""
        self.used = True
        self._sections.add(section)

    def end(self, section: str, at_ms: int) -> None:
        """Close *section*."""
        if section in self._sections:
            self._sections.discard(section)
            if not self._sections:
                self._closed_ms = at_ms
                self.on_closed()

    def remember(self, value: Any) -> None:
        """*value*, text or JSON, is a secret: hide what is in it, in the process's log, too."""
        self.used = True
        self.secrets.remember(value)
        for text in _texts(value):
            for form in (text, *numbers_in(text)):
                if remember_secret(form):
                    self._logged.append(form)

    def forget(self) -> None:
        """The call is over, and nothing of it is written any more."""
        for text in self._logged:
            forget_secret(text)
        self._logged.clear()
        self.secrets = Secrets()

    # --- what happens

    def heard(self, text: str, final: bool, at_ms: int, end_ms: int | None, epoch: int) -> None:
        """The caller's words came, and ended at *end_ms*, if that is known.

        The agent's utterance *epoch* may go on, and say them again.
        """
        if not self._said_inside(at_ms, end_ms):
            return
        self._interim = bool(text) and not final
        if text:
            self._words = True
            _keep(self._epochs, epoch)
            self.remember(text)

    def announced(self, text: str) -> None:
        """The application has *text* for the caller."""
        if self.open:
            _keep(self._announced, text)
            self.remember(text)

    def committed(self, turn: int) -> None:
        """The caller's words so far are those of *turn*."""
        if self._words or self.open:
            _keep(self._turns, turn)
        self._words = False

    def uttered(self, epoch: int, turn: int, text: str = "") -> None:
        """The agent begins *epoch*, which answers *turn* or says *text*."""
        if self.open or text in self._announced or (turn and turn in self._turns):
            _keep(self._epochs, epoch)

    def hides_turn(self, turn: int) -> bool:
        """Are the caller's words in *turn* hidden?"""
        return turn in self._turns

    def hides_epoch(self, epoch: int) -> bool:
        """Are the agent's words in *epoch* hidden?"""
        return epoch in self._epochs

    def for_model(self, turn: int, text: str) -> str:
        """What a model reads for the caller's *turn*: its words as long as a section is open."""
        if self.open:
            return text
        if self._words or turn in self._turns:
            return MASK
        return self.secrets.hide_numbers(text)

    def agent_row(self, epoch: int, text: str) -> str:
        """What a model reads of the agent's own *text*."""
        if self.open:
            return text
        return MASK if text and epoch in self._epochs else self.secrets.hide_numbers(text)

    def _said_inside(self, at_ms: int, end_ms: int | None) -> bool:
        if self.open or self._interim:
            return True
        closed_ms = self._closed_ms
        if closed_ms is None:
            return False
        return at_ms <= closed_ms + LATE_MS if end_ms is None else end_ms <= closed_ms

    # --- what is shown

    def shown(self, event: CallEvent) -> CallEvent:
        """*event* without what is hidden."""
        match event:
            case EngineStep():
                return self._step(event)
            case Row(role="caller", turn=int(turn)) if turn in self._turns:
                return replace(event, text=MASK)
            case Row(epoch=int(epoch)) if epoch in self._epochs:
                unheard = MASK if event.unheard else ""
                return replace(event, text=MASK if event.text else "", unheard=unheard)
            case ToolRun() if self._hides_tool(event):
                result = None if event.result is None else MASK
                return replace(event, arguments=hide_all(event.arguments), result=result)
            case TextPiece(epoch=epoch) if self.open or epoch in self._epochs:
                return replace(event, text=MASK)
            case Wire(what="dtmf", digits=digits) if self.open and digits:
                return replace(event, digits="", hidden=len(digits))
            case Note() if self.open and event.what not in OWN:
                return replace(
                    event,
                    text=MASK if event.text else "",
                    messages=[{**each, "text": MASK} for each in event.messages],
                )
        return self._without_secrets(event)

    def _hides_tool(self, run: ToolRun) -> bool:
        if self.open and run.what == "started":
            _keep(self._tools, run.id)
        return self.hides_tool(run.id) or (run.turn or 0) in self._turns

    def hides_tool(self, request_id: str) -> bool:
        """Are the arguments and the result of the tool of *request_id* hidden?"""
        return self.open or request_id in self._tools

    def hide_tool(self, request_id: str) -> None:
        """What the tool of *request_id* gets and returns is hidden."""
        self.used = True
        _keep(self._tools, request_id)

    def _step(self, step: EngineStep) -> EngineStep:
        data = [step.input, *step.effects]
        hidden = self.open or self._words or self._interim or any(map(self._concerns, data))
        shown = [_hidden(each) if hidden else self.secrets.hide(each) for each in data]
        if self._epochs and step.input["fields"].get("reply_to"):
            # A sentence of the agent's that may be hidden; which one it is was not kept.
            shown[0] = {**shown[0], "fields": {**shown[0]["fields"], "reply_to": MASK}}
        return replace(step, input=shown[0], effects=shown[1:])

    def _concerns(self, data: Mapping[str, Any]) -> bool:
        fields = data["fields"]
        return fields.get("turn") in self._turns or fields.get("epoch") in self._epochs

    def _without_secrets(self, event: CallEvent) -> CallEvent:
        if not self.secrets:
            return event
        fields = {name: getattr(event, name) for name in _shown_fields(type(event))}
        changed = {name: self.secrets.hide(value) for name, value in fields.items()}
        changed = {name: value for name, value in changed.items() if value is not fields[name]}
        return replace(event, **changed) if changed else event


_TEXT_FIELDS = frozenset(
    {"text", "unheard", "arguments", "result", "messages", "message", "fix", "digits", "reason"}
)


def _shown_fields(kind: type[CallEvent]) -> list[str]:
    return [name for name in kind.__struct_fields__ if name in _TEXT_FIELDS]


def _hidden(data: Mapping[str, Any]) -> dict[str, Any]:
    """An event or effect of the turn engine, its words and keys replaced by as many marks."""
    fields = {
        name: hide_words(value)
        if name in _WORDS or (name == "detail" and data["fields"].get("kind") == "notice")
        else "".join("x" if key.isalnum() else key for key in value)
        if name in _KEYS
        else value
        for name, value in data["fields"].items()
    }
    return {**data, "fields": fields}


def _texts(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [text for each in value.values() for text in _texts(each)]
    if isinstance(value, list | tuple):
        return [text for each in value for text in _texts(each)]
    return [] if value is None or isinstance(value, bool) else [str(value)]


def _keep(values: dict[Any, None], key: Any) -> None:
    values[key] = None
    if len(values) > KEPT:
        del values[next(iter(values))]
