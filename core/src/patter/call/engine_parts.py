"""The parts of a call that an engine makes of one: ears, mind and mouth in the same connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

import attrs

from patter.audio.fit import fit
from patter.audio.formats import AudioFormat
from patter.call.engine_answer import EngineAnswer
from patter.call.engine_ears import EngineEars
from patter.call.engine_mind import EngineMind
from patter.call.engine_requests import EngineRequests
from patter.call.engine_setup import answers_in_text, engine_setup
from patter.call.engine_speaker import ATTEMPTS, EngineSpeaker
from patter.call.engine_voice import EngineResponse, EngineVoice
from patter.call.history import History
from patter.call.link import LinkCandidate, LinkRules, as_patter_error
from patter.call.plan import CallPlan
from patter.call.playout.gate import CutShort
from patter.call.playout.sender import PlayoutSender
from patter.call.prepared import PreparedCall
from patter.call.reply import Answer, Speaker
from patter.call.toolbox import Toolbox
from patter.call.turn.events import BargeInVerdict, TurnEvent, VendorAnswers
from patter.call.turn_recorder import TurnRecorder, Utterance
from patter.errors import PatterError
from patter.observe.call_events import CallEvents
from patter.providers.context import CallContext
from patter.providers.engine import DELIVER_S, Engine, EngineSetup, EngineUpdate
from patter.providers.stt import STT

HURRY_MS = 750
"""How long an engine may owe more of a response that another can give; twice that to begin."""


@attrs.define(eq=False, kw_only=True)
class EngineParts:
    """What an engine does on one call whose line speaks *leg*; *own_voice* is the agent's own.

    It is the first of *candidates* that works.
    """

    candidates: tuple[LinkCandidate[Engine], ...]
    plan: CallPlan
    call: CallContext
    events: CallEvents
    turn_recorder: TurnRecorder
    history: History
    sender: PlayoutSender
    toolbox: Toolbox
    post: Callable[[TurnEvent], None]
    tasks: asyncio.TaskGroup
    leg: AudioFormat
    link_rules: LinkRules
    own_voice: Speaker | None
    prepared: PreparedCall | None
    voice: EngineVoice = attrs.field(init=False)
    requests: EngineRequests = attrs.field(init=False)
    speaker: EngineSpeaker = attrs.field(init=False)
    ears: tuple[LinkCandidate[STT], ...] = attrs.field(init=False)
    current: LinkCandidate[Engine] = attrs.field(init=False)
    mind: EngineMind | None = attrs.field(default=None, init=False)
    _answering: int = attrs.field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self.current = self.candidates[0]
        self.voice = EngineVoice(
            name=self.current.name[0],
            events=self.events,
            wait_ms=self.link_rules.outage_ms,
            model_ms=self._model_ms,
            on_answer=self._answers_unasked,
            on_interrupted=self._interrupted,
        )
        self.requests = EngineRequests(self.voice, self.engine.can)
        self.ears = tuple(map(self._hearing, self.candidates))
        self.speaker = EngineSpeaker(
            plan=self.plan,
            call=self.call,
            events=self.events,
            turn_recorder=self.turn_recorder,
            history=self.history,
            sender=self.sender,
            toolbox=self.toolbox,
            requests=self.requests,
            post=self.post,
            fit=fit(self.engine.produces, (self.leg,)),
            own_voice=self.own_voice,
            attempts=max(ATTEMPTS, len(self.candidates)),
        )
        if answers_in_text(self.engine, self.plan) and self.own_voice is not None:
            self.mind = EngineMind(self.requests, self.plan, self.events)
            self.own_voice.plan = attrs.evolve(self.plan, mind=self.mind)

    async def adopt(self, plan: CallPlan) -> None:
        """From now on the vendor goes by *plan*'s instructions and tools.

        A session that does not take them is replaced by one that is opened with them.
        """
        self.plan = self.speaker.plan = plan
        update = EngineUpdate(instructions=plan.system_prompt, tools=self.toolbox.specs)
        try:
            session = await self.voice.session()
            async with asyncio.timeout(DELIVER_S):
                await session.update(update)
        except (PatterError, TimeoutError) as refused:
            where = f"engine {self.voice.name}: another role"
            self.events.error(as_patter_error(refused, self.voice.name), where)
            self.voice.replace()

    @property
    def engine(self) -> Engine:
        """The one that is used."""
        return self.current.provider

    @property
    def _model_ms(self) -> int:
        """How long one may owe a response; not long where another can give it."""
        usual_ms = self.plan.rules.model_ms
        return usual_ms if self.current is self.candidates[-1] else min(usual_ms, HURRY_MS)

    def answer(self, utterance: Utterance, text: str) -> Answer | EngineAnswer:
        """The engine's answer to the caller's turn *text*, to be run."""
        self._answering = utterance.epoch
        self.requests.expect(utterance.epoch)
        if self.mind is not None and self.own_voice is not None:
            return Answer(self.own_voice, utterance, text)
        return EngineAnswer(self.speaker, utterance, text)

    def answered(self, epoch: int) -> None:
        """The answer *epoch* is over; what the vendor answers for it now is not wanted."""
        self.requests.forget(epoch)

    def cut(self, result: CutShort) -> None:
        """The caller heard only a part of an utterance: tell the vendor, too."""
        if self.mind is not None and result.epoch == self._answering:
            for response, heard in self.mind.unheard(result.heard_text):
                self._interrupt(response, heard)
        for response, heard_ms in self.speaker.interrupted(result.epoch, result.heard_ms):
            self._interrupt(response, heard_ms)

    def _interrupt(self, response: EngineResponse, heard: int | str) -> None:
        self.tasks.create_task(
            self.speaker.interrupt(response, heard), name=f"interrupt-{response.id}"
        )

    def _answers_unasked(self) -> None:
        """The vendor has begun an answer of its own: it is the next, or it is dropped."""
        self.post(VendorAnswers(self.events.now_ms()))
        if self.voice.expecting:
            return
        self.requests.dropped = True
        for response in self.voice.drop_unclaimed():
            self._interrupt(response, 0)

    def _interrupted(self, response_id: str) -> None:
        if self.speaker.plays(response_id):
            self.post(BargeInVerdict(self.events.now_ms(), True))

    def _hearing(self, candidate: LinkCandidate[Engine]) -> LinkCandidate[STT]:
        """*candidate* as a recogniser; it becomes the call's engine when it is opened."""
        ready = self.prepared.engine if self.prepared else None
        setup = partial(self._setup, candidate)
        ears = EngineEars(candidate.provider, self.voice, setup, ready)
        return LinkCandidate(ears, candidate.name, candidate.policy)

    def _use(self, candidate: LinkCandidate[Engine]) -> None:
        """Another vendor goes on with the conversation; of the one before it knows nothing."""
        self.current = candidate
        self.plan = attrs.evolve(self.plan, names={**self.plan.names, "engine": candidate.name})
        self.voice.name, self.voice.model_ms = candidate.name[0], self._model_ms
        self.voice.handle = ""
        self.requests.change(self.engine.can)
        self.speaker.plan = self.plan
        self.speaker.fit = fit(self.engine.produces, (self.leg,))
        if self.mind is not None:
            self.mind.plan = self.plan

    def _setup(self, candidate: LinkCandidate[Engine], audio_in: AudioFormat) -> EngineSetup:
        """What a session of *candidate* that opens now must know."""
        if candidate is not self.current:
            self._use(candidate)
        return engine_setup(
            self.engine,
            self.plan,
            tools=self.toolbox.specs,
            history=self.history.messages(""),
            audio_in=audio_in,
            audio_out=self.speaker.fit.source,
            handle=self.voice.handle,
        )
