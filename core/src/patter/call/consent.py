"""Whether the caller of one call agrees to be recorded: asked once heard, and noted as an event.

Until there is a yes the recordings are held. A plain yes or no in the first turn after the
question is understood here; what else they may have said is for the model's tool, or the
application. A no, also a later one, holds the recordings again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal

import attrs

from patter.call.call_recording import CONSENT, CallRecording
from patter.call.control import CallControl
from patter.call.plan import CallPlan
from patter.call.turn.events import Announce, TurnEvent
from patter.observe.call_events import CallEvents
from patter.observe.events import CallEvent, Note, Row
from patter.providers.llm import ToolSpec
from patter.text.consent import agrees
from patter.tools.tool import Tool

MOST_ASKS = 2
"""How often the question is asked: once more when the caller talks over it."""
EARLY_MS = 800
"""An answer may begin this long before the end of the question; an earlier voice is no answer."""
RECORDING_CONSENT = ToolSpec(
    "recording_consent",
    "Note whether the caller agrees that this call is recorded. Call it when they have answered "
    "that question, and when they change their mind. Never call it unless they have said so.",
    {
        "type": "object",
        "properties": {"agreed": {"type": "boolean", "description": "Do they agree?"}},
        "required": ["agreed"],
    },
)


def asking(plan: CallPlan) -> CallPlan:
    """*plan* whose greeting ends with the question."""
    phrases = plan.phrases
    greeting = " ".join(filter(None, (phrases.greeting, phrases.consent)))
    return attrs.evolve(
        plan,
        consent=True,
        phrases=attrs.evolve(phrases, greeting=greeting),
        rules=attrs.evolve(plan.rules, greeting=True),
    )


def ask_consent(plan: CallPlan, recording: CallRecording, control: CallControl) -> None:
    """Hold the recordings of *control*'s call until there is an answer to *plan*'s question."""
    words = plan.phrases.consent
    consent = Consent(words, plan.language, recording, control.events, control.post)
    control.on_consent = lambda agreed: consent.decide(agreed, "application")
    control.offers = (consent.tool(),)
    recording.hold_from_start(CONSENT)
    control.events.subscribe(consent, Row)


@attrs.define(eq=False)
class Consent:
    """The answer of one call: a listener of its rows. *post* has the question asked again."""

    event_types = (Row,)

    question: str
    language: str
    recording: CallRecording
    events: CallEvents
    post: Callable[[TurnEvent], None]
    agreed: bool | None = attrs.field(default=None, init=False)
    _ask_count: int = attrs.field(default=1, init=False)
    _heard: bool = attrs.field(default=False, init=False)
    _heard_ms: int = attrs.field(default=0, init=False)
    _turn: int | None = attrs.field(default=None, init=False)

    def decide(self, agreed: bool, by: Literal["words", "tool", "application"]) -> None:
        """The caller agrees, or does not, as *by* found out. Saying so again changes nothing."""
        if agreed is self.agreed:
            return
        self.agreed = agreed
        self.events.emit(Note(what="consent", text=f"{'given' if agreed else 'refused'}: {by}"))
        if agreed:
            self.recording.release(CONSENT)
        else:
            self.recording.hold(CONSENT)
        self.recording.run(self.recording.follow_quietly(), "recording")

    def tool(self) -> Tool:
        """What a model calls when it has understood the answer."""

        async def recording_consent(agreed: bool) -> str:
            self.decide(agreed, "tool")
            return "Noted. The call is recorded." if agreed else "Noted. The call is not recorded."

        return Tool(
            name=RECORDING_CONSENT.name,
            description=RECORDING_CONSENT.description,
            parameters=RECORDING_CONSENT.parameters,
            handler=recording_consent,
            effect="idempotent",
        )

    def __call__(self, event: CallEvent) -> None:
        """Take a row of the call, after all others have: what follows from it comes later."""
        asyncio.get_running_loop().call_soon(self._take, event)

    def _take(self, event: CallEvent) -> None:
        match event:
            case Row(role="agent", kind="greeting" | "notice") if not self._heard:
                self._question_heard(event)
            case Row(role="caller", turn=int(turn)) if self._heard:
                if event.start_ms >= self._heard_ms - EARLY_MS:
                    self._answered(turn, event.text)

    def _question_heard(self, row: Row) -> None:
        if row.kind == "notice" and self.question not in (row.text + row.unheard):
            return
        if not row.interrupted:
            self._heard = True
            self._heard_ms = row.at_ms if row.ended_ms is None else row.ended_ms
            self.events.emit(Note(what="consent", text="asked"))
        elif self._ask_count < MOST_ASKS:
            self._ask_count += 1
            self.post(Announce(self.events.now_ms(), self.question))

    def _answered(self, turn: int, text: str) -> None:
        if self._turn is None:
            self._turn = turn
        if turn != self._turn:
            return
        verdict = agrees(text, self.language)
        if verdict is not None:
            self.decide(verdict, "words")
        elif self.agreed is not None:
            # What they went on to say has made another sentence of it.
            self.decide(False, "words")
