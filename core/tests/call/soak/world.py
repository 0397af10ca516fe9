"""One script, lived through: a real session between ends that do as the script says."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import attrs

from patter.agent import Agent
from patter.aio import task_scope
from patter.audio.formats import MULAW_8K
from patter.call.mind import FunctionMind, Mind, ModelMind
from patter.call.plan import CallPlan, Phrases
from patter.call.prepared import PreparedCall
from patter.call.session import CallSession
from patter.call.turn.events import (
    CallerHungUp,
    DrainRequested,
    MachineDetected,
    TransferFailed,
    TransferTaken,
)
from patter.call.turn.rules import TurnRules
from patter.observe.events import (
    BargeIn,
    CallEvent,
    Ended,
    ErrorEvent,
    Link,
    Note,
    Resumed,
    Row,
    Started,
    ToolRun,
    Turn,
    Wire,
)
from patter.observe.summary import CallSummary
from patter.providers.carrier import CarrierCapabilities, TransferRequest
from patter.providers.context import CallContext
from patter_testing import VirtualClock, run_virtual
from patter_testing.fakes.carrier import ABLE, FakeCarrier, Played

from .caller import PAUSE, Caller, Leg, own_lines
from .engine import SpeechEngine
from .model import Brain, Model, Tools, collect
from .notes import Notes, Question
from .recogniser import Detector, Recogniser
from .script import Line, Script
from .sound import read
from .voice import Voice

GREETING = "Good evening, this is Rosa."
TARGET = "+15550188000"
PATIENCE_S = 60.0
BACK_S = 0.5
AGENT = Agent(system_prompt="You are Rosa.", voicemail_message="Please call Rosa back.")
"""Whose calls these are: what a script does not change is as an agent has it by itself."""


@attrs.frozen
class Heard:
    """A word of the agent in the caller's ear, from *at_ms* to *until_ms*; *whole* to its end."""

    at_ms: float
    until_ms: float
    code: int
    frames: int
    whole: bool


@attrs.frozen
class Outcome:
    """All there is to know of a call that was lived through."""

    script: Script
    rules: TurnRules
    phrases: Phrases
    notes: Notes
    heard: tuple[Heard, ...]
    sounds: tuple[tuple[float, float], ...]
    record: tuple[CallEvent, ...]
    history: tuple[Any, ...]
    summary: CallSummary | None
    ended_ms: int
    left: tuple[str, ...]

    def of(self, kind: type[Any]) -> list[Any]:
        """The events of one type, in order."""
        return [event for event in self.record if isinstance(event, kind)]


def live(script: Script) -> Outcome:
    """Live through *script* in virtual time; RuntimeError when the loop was left by force."""
    logging.disable(logging.CRITICAL)
    try:
        return run_virtual(_World(script).live(), patience_s=PATIENCE_S)
    except SystemExit:
        pass
    finally:
        logging.disable(logging.NOTSET)
    _bury()
    raise RuntimeError("something of the call ended the process")


def _bury() -> None:
    """What was left in the middle is collected here, and not when nobody knows of it any more."""
    hook, sys.unraisablehook = sys.unraisablehook, lambda _: None
    try:
        gc.collect()
    finally:
        sys.unraisablehook = hook


@attrs.frozen(kw_only=True)
class _Carrier(FakeCarrier):
    """Transfers as the script's `carrier` line says."""

    notes: Notes = attrs.field(eq=False)
    transfer_line: Line | None = None
    post: Any = None

    async def transfer(self, carrier_call_id: str, request: TransferRequest) -> None:
        line = self.transfer_line
        if line is not None and line.does == "refuses":
            raise RuntimeError("the carrier refuses")


@attrs.define(eq=False)
class _World:
    script: Script
    notes: Notes = attrs.field(init=False)
    plan: CallPlan = attrs.field(init=False)
    ringing: PreparedCall | None = attrs.field(default=None, init=False)
    session: CallSession = attrs.field(init=False)
    leg: Leg = attrs.field(init=False)
    legs: list[tuple[int, Leg]] = attrs.field(factory=list, init=False)
    recogniser: Recogniser = attrs.field(init=False)
    record: list[CallEvent] = attrs.field(factory=list, init=False)
    left: list[str] = attrs.field(factory=list, init=False)
    tasks: asyncio.TaskGroup = attrs.field(init=False)
    run: asyncio.Task[CallSummary] = attrs.field(init=False)
    caller: Caller = attrs.field(init=False)

    async def live(self) -> Outcome:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: self.left.append(str(context["message"])))
        codes = self._hear()
        async with task_scope() as self.tasks:
            await self._ring()
            self._answer(codes)
            self.run = self.tasks.create_task(self.session.run(), name="call")
            self.tasks.create_task(self.session.attach(self.leg), name="leg")
            doing = [
                self.tasks.create_task(self._at(each), name="line")
                for each in self.script
                if each.at_ms is not None and each.who != "caller"
            ]
            caller = self.tasks.create_task(self.caller.lives(), name="caller")
            summary = await self.run
            ended_ms = self.notes.now()
            for task in (*doing, caller):
                task.cancel()
            if self.ringing is not None:
                self.ringing.abandon()
        await self._look_for_tasks()
        return self._outcome(summary, ended_ms)

    async def _look_for_tasks(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        self.left += sorted(task.get_name() for task in others)

    # --- the parts

    def _hear(self) -> dict[int, tuple[str, Question]]:
        """Make what hears, and what the caller's sounds mean."""
        self.notes = Notes(lambda: self.session.now_ms() if self.legs else 0)
        codes: dict[int, tuple[str, Question]] = {}
        for question in self._questions():
            for word in question.words:
                codes[len(codes) + 1] = (word, question)
        self.recogniser = Recogniser(
            notes=self.notes, settings=self._settings("stt") or Line("", "stt"), words=codes
        )
        return codes

    async def _ring(self) -> None:
        """Let it ring, while recogniser and voice are connected, if the script says so."""
        default = self._settings("model") or self._settings("brain") or Line("", "model")
        self.plan = self._plan(dict(default.options))
        if ring_ms := self._given().number("rings"):
            context = CallContext(call_id="soak")
            self.ringing = PreparedCall(self.plan, context, MULAW_8K, _able(self._given().options))
            self.tasks.create_task(self.ringing.run(), name="ringing")
            await asyncio.sleep(ring_ms / 1_000)

    def _answer(self, codes: dict[int, tuple[str, Question]]) -> None:
        able = _able(self._given().options)
        line = next((each for each in self.script if each.who == "carrier"), None)
        self.session = CallSession(
            plan=self.plan,
            call=CallContext(
                call_id="soak",
                caller="+15550100001",
                callee="+15550100002",
                clock=VirtualClock(),
            ),
            carrier=_Carrier(can=able, notes=self.notes, transfer_line=line),
            listeners=(_Record(self.record, self._saw),),
            prepared=self.ringing,
        )
        self.leg = self._new_leg(able)
        self.caller = Caller(tuple(own_lines(self.script)), self.notes, self.leg, codes, self._do)

    def _new_leg(self, able: CarrierCapabilities) -> Leg:
        leg = Leg(marks=able.marks, on_close=self._closed)
        self.legs.append((self.session.now_ms(), leg))
        return leg

    def _given(self) -> Line:
        return self._settings("given") or Line("", "given")

    def _settings(self, who: str) -> Line | None:
        """The line of *who* that is for the whole call."""
        for place, each in enumerate(self.script):
            if each.who == who and not each.when and not each.words:
                above = any(line.who == "caller" for line in self.script[:place])
                if who not in {"model", "brain"} or not above:
                    return each
        return None

    def _questions(self) -> Iterator[Question]:
        for index, each in enumerate(self.script):
            if each.who == "caller" and each.does == "says":
                words = tuple(word for word in each.word(1).split() if word != PAUSE)
                said = {word for other in self.notes.questions for word in other.words}
                assert len(set(words)) == len(words) and not said & set(words), f"twice in {words}"
                answer = self.script[index + 1] if index + 1 < len(self.script) else None
                plan = dict(answer.options) if answer and _answers(answer) else {}
                question = Question(index, words, dict(each.options), plan)
                self.notes.questions.append(question)
                yield question

    def _plan(self, default: dict[str, str]) -> CallPlan:
        given = self._given().options
        lines = {int(each.does): each for each in self.script if each.who == "voice" and each.words}
        voice = self._settings("voice") or Line("", "voice")
        phrases = attrs.evolve(AGENT.spoken({}), greeting=given.get("greeting", GREETING))
        plan = CallPlan(
            tools=Tools(self.notes).tools(),
            phrases=phrases,
            rules=rules_of(given),
            transfer_allowed=(TARGET,),
        )
        if "engine" in given:
            engine = SpeechEngine(notes=self.notes, ears=self.recogniser, default=default)
            return attrs.evolve(plan, engine=engine)
        mind: Mind = ModelMind(Model(self.notes, default))
        if "brain" in given:
            mind = FunctionMind(Brain(self.notes, default).answer)
        tts = Voice(notes=self.notes, settings=voice, lines=lines)
        return attrs.evolve(plan, stt=self.recogniser, tts=tts, vad=Detector(), mind=mind)

    # --- what happens

    async def _at(self, each: Line) -> None:
        await asyncio.sleep(max(0, (each.at_ms or 0) - self.notes.now()) / 1_000)
        self._do(each)

    def _do(self, each: Line) -> None:
        """Do what a line of another party than the caller says."""
        doing = getattr(self, f"_{each.who}_{each.does}", None)
        assert doing is not None, f"nobody can do {each}"
        result = doing(each)
        if asyncio.iscoroutine(result):
            self.tasks.create_task(result, name="line")

    def _stt_dies(self, each: Line) -> None:
        if self.recogniser.die(each.number("away")):
            self.notes.fault("stt")

    def _leg_raises(self, each: Line) -> None:
        self.notes.fault("leg")
        self.leg.raises = True

    def _leg_stalls(self, each: Line) -> None:
        self.notes.fault("leg")
        self.leg.stalls_ms = each.number("ms", 2_000)

    def _closed(self) -> None:
        """The call gave a leg up: a carrier that can brings another, if the call goes on."""
        if "reconnects" in self._given().options:
            self.tasks.create_task(self._brought_back(), name="line")

    async def _brought_back(self) -> None:
        began = self.notes.now()
        await asyncio.sleep(BACK_S)
        if not self.run.done():
            self.leg = self.caller.leg = self._new_leg(_able(self._given().options))
            self.notes.lost.append((began, self.notes.now()))
            await self._attach()

    async def _leg_lost(self, each: Line) -> None:
        self.notes.fault("leg")
        began, old = self.notes.now(), self.leg
        self.leg = self.caller.leg = self._new_leg(_able(self._given().options))
        self.caller.cut_off = True
        self.notes.lost.append((began, None))
        old.drop()
        await asyncio.sleep(each.number("ms", 1_000) / 1_000)
        self.notes.lost[-1] = (began, self.notes.now())
        self.caller.cut_off = False
        await self._attach()

    async def _attach(self) -> None:
        try:
            await self.session.attach(self.leg)
        except Exception:
            self.leg.drop()

    async def _app_hangs(self, each: Line) -> None:
        self.notes.commands.append((self.notes.now(), "hangs"))
        await self.session.control.hangup("agent", goodbye="goodbye" in each.options)

    async def _app_says(self, each: Line) -> None:
        text = f"The application has news at {self.notes.now()}."
        refused = ""
        try:
            await self.session.control.say(text)
        except Exception as raised:
            refused = type(raised).__name__
        self.notes.announced.append((self.notes.now(), text, refused))

    async def _app_collects(self, each: Line) -> None:
        count, wait_ms = each.number("count"), each.number("ms", 8_000)
        await collect(self.notes, self.session.control, count, wait_ms, answers=False)

    async def _app_transfers(self, each: Line) -> None:
        self.notes.commands.append((self.notes.now(), "transfers"))
        await self.session.control.transfer(TARGET)

    def _app_drains(self, each: Line) -> None:
        now = self.notes.now()
        self.notes.commands.append((now + each.number("ms", 1_000), "drains"))
        self.session.post(DrainRequested(now, now + each.number("ms", 1_000)))

    def _app_machine(self, each: Line) -> None:
        self.notes.commands.append((self.notes.now(), "machine"))
        self.session.post(MachineDetected(self.notes.now(), "beep" in each.options))

    def _saw(self, event: CallEvent) -> None:
        """The transfer begins or ends: the carrier's line says what becomes of it."""
        if not isinstance(event, Wire) or event.what != "where":
            return
        if event.name == "hold":
            self.notes.away.append((event.at_ms, None))
            line = next((each for each in self.script if each.who == "carrier"), None)
            if line is not None and line.does in {"fails", "takes", "loses"}:
                self.tasks.create_task(self._transferred(line), name="line")
        elif self.notes.away and self.notes.away[-1][1] is None:
            self.notes.away[-1] = (self.notes.away[-1][0], event.at_ms)

    async def _transferred(self, line: Line) -> None:
        await asyncio.sleep(line.number("ms", 3_000) / 1_000)
        now = self.notes.now()
        kinds = {"fails": TransferFailed, "takes": TransferTaken, "loses": CallerHungUp}
        self.session.post(kinds[line.does](now))

    # --- what came of it

    def _outcome(self, summary: CallSummary, ended_ms: int) -> Outcome:
        heard, sounds = _heard(self.notes, self.legs)
        ends_ms = (summary.duration_ms, ended_ms, self.notes.gone_ms)
        return Outcome(
            script=self.script,
            rules=self.plan.rules,
            phrases=self.plan.phrases,
            notes=self.notes,
            heard=heard,
            sounds=sounds,
            record=tuple(self.record),
            history=tuple(self.session.history.rows),
            summary=summary,
            ended_ms=min(each for each in ends_ms if each is not None),
            left=tuple(self.left),
        )


@attrs.define(eq=False)
class _Record:
    """A listener that keeps what the judges read."""

    record: list[CallEvent]
    saw: Any
    event_types: tuple[type[CallEvent], ...] = (
        Started,
        Row,
        Turn,
        ToolRun,
        BargeIn,
        Resumed,
        Wire,
        Link,
        Note,
        ErrorEvent,
        Ended,
    )

    def __call__(self, event: CallEvent) -> None:
        self.record.append(event)
        self.saw(event)


def rules_of(given: Any) -> TurnRules:
    """An agent's own turn rules, with what a `given` line changes."""
    changes: dict[str, Any] = {"greeting": given.get("greeting", GREETING) != ""}
    types = attrs.fields_dict(TurnRules)
    if given.get("barge_in_threshold_ms") == "0":
        changes["barge_in_mode"] = "cancel"
    if given.get("filler_ms") == "0":
        changes["progress_ms"] = 0
    for name, value in given.items():
        if name == "idle_ms":
            changes[name] = tuple(int(each) for each in value.split(",") if each)
        elif name in types and name != "greeting":
            changes[name] = _value(types[name].default, value)
    engine = "engine" in given
    return attrs.evolve(AGENT.rules(vad=True, endpoints=engine, engine=engine), **changes)


def _value(default: object, value: str) -> object:
    if isinstance(default, bool):
        return value in {"", "yes"}
    return int(value) if isinstance(default, int) else value


def _able(given: Any) -> CarrierCapabilities:
    return attrs.evolve(
        ABLE,
        transfer_result="tells" in given,
        reconnect="reconnects" in given,
        marks=given.get("marks", "yes") == "yes",
    )


def _answers(line: Line) -> bool:
    return line.who in {"model", "brain"} and not line.when


def _heard(
    notes: Notes, legs: Sequence[tuple[int, Leg]]
) -> tuple[tuple[Heard, ...], tuple[tuple[float, float], ...]]:
    """The words in the caller's ear in order, and when there was sound at all."""
    words: list[Heard] = []
    sounds: list[tuple[float, float]] = []
    for began_ms, leg in legs:
        for piece in leg.played:
            _hear(notes, began_ms + piece.at_ms, piece, words, sounds)
    return tuple(words), tuple(sounds)


def _hear(
    notes: Notes,
    at_ms: float,
    piece: Played,
    words: list[Heard],
    sounds: list[tuple[float, float]],
) -> None:
    end_ms = at_ms + len(piece.audio) / 8
    if sounds and at_ms - sounds[-1][1] < 1:
        sounds[-1] = (sounds[-1][0], end_ms)
    else:
        sounds.append((at_ms, end_ms))
    for offset, each in enumerate(read(piece.audio)):
        if each is None:
            continue
        code, place = each
        total = notes.spoken[code].frames
        here = at_ms + 10 * offset
        last = words[-1] if words else None
        # A leg that is lost in a word plays the rest of it, or a little more, on the next.
        goes_on = last is not None and last.code == code
        began, seen = (last.at_ms, last.frames + 1) if last and goes_on else (here, 1)
        ends = (place + 1) % 64 == total % 64
        whole = (ends or (last is not None and goes_on and last.whole)) and seen >= total - 3
        heard = Heard(began, here + 10, code, seen, whole)
        words[-1 if goes_on else len(words) :] = [heard]
