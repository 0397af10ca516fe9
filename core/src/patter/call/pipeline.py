"""STT, mind and TTS of one call, put together: the effects of the turn engine are performed here.

Performing an effect never waits: replies are started as tasks of the call's group, and audio goes
through the sender.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from random import Random
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import attrs
from msgspec.structs import replace

from patter.audio.convert import converter
from patter.audio.dtmf import tones
from patter.audio.echo import EchoGate
from patter.audio.far_end import FarEnd
from patter.call.audio_in import AudioIn
from patter.call.barge_in_votes import BargeInVotes
from patter.call.call_hooks import CallHooks
from patter.call.candidates import candidates_of
from patter.call.compactor import Compactor, compactor_of
from patter.call.conditioning import conditioning_of
from patter.call.context_budget import budget_of
from patter.call.control import CallControl
from patter.call.fits import Fits
from patter.call.history import History
from patter.call.hook_executor import PipelineHookExecutor
from patter.call.link import LinkCandidate, LinkRules, ReconnectPolicy, as_patter_error
from patter.call.plan import CallPlan, Name
from patter.call.playout.sender import PlayoutSender
from patter.call.prepared import PreparedCall
from patter.call.reply import Answer, Speaker
from patter.call.roles import CallRoles
from patter.call.stt_link import STTLink
from patter.call.task_stop import stop_task
from patter.call.toolbox import Toolbox
from patter.call.tts_link import TTSLink
from patter.call.turn.effects import (
    Commit,
    Cut,
    DigitsCollected,
    DiscardDraft,
    Draft,
    Effect,
    Finalize,
    Hold,
    Observe,
    Resume,
    Say,
    Think,
    WriteAgentRow,
)
from patter.call.turn.events import CallerWords, HearingLost, TurnEvent, UtteranceKind
from patter.call.turn.state import TurnState
from patter.call.turn_recorder import TurnRecorder, Utterance
from patter.call.turn_votes import TurnVotes
from patter.clock import Clock
from patter.observe.call_events import CallEvents
from patter.observe.events import Note
from patter.providers.context import CallContext
from patter.providers.stt import STT
from patter.text.hallucinations import asks

if TYPE_CHECKING:
    from patter.audio.background import BackgroundAudioPlayer
    from patter.call.engine_answer import EngineAnswer
    from patter.call.engine_parts import EngineParts
    from patter.call.engine_speaker import EngineSpeaker
    from patter.call.playout.ambience import Ambience

P = TypeVar("P")
F = TypeVar("F", EchoGate, FarEnd)
Candidates: TypeAlias = tuple[LinkCandidate[P], ...]


@attrs.define(eq=False, kw_only=True)
class Pipeline:
    """The performers of a call that listens, thinks and speaks with three providers."""

    plan: CallPlan
    call: CallContext
    fits: Fits
    clock: Clock
    events: CallEvents
    history: History
    turn_recorder: TurnRecorder
    sender: PlayoutSender
    control: CallControl
    post: Callable[[TurnEvent], None]
    tasks: asyncio.TaskGroup
    why: Callable[[], TurnEvent | None]
    state: Callable[[], TurnState]
    on_deaf: Callable[[Exception], None]
    link_rules: LinkRules = attrs.field(factory=LinkRules)
    prepared: PreparedCall | None = None
    on_audio: tuple[Callable[[float, bytes], None], ...] = ()
    audio_in: AudioIn = attrs.field(init=False)
    votes: TurnVotes | None = attrs.field(init=False)
    barge_ins: BargeInVotes | None = attrs.field(init=False)
    compactor: Compactor | None = attrs.field(init=False)
    stt_link: STTLink = attrs.field(init=False)
    tts_link: TTSLink | None = attrs.field(init=False)
    engine: EngineParts | None = attrs.field(init=False)
    toolbox: Toolbox = attrs.field(init=False)
    hooks: CallHooks = attrs.field(init=False)
    speaker: Speaker | EngineSpeaker = attrs.field(init=False)
    _roles: CallRoles = attrs.field(init=False)
    _replies: dict[int, list[asyncio.Task[None]]] = attrs.field(factory=dict, init=False)
    _answers: dict[int, Answer | EngineAnswer] = attrs.field(factory=dict, init=False)
    _texts: dict[int, str] = attrs.field(factory=dict, init=False)
    _unheard: str = attrs.field(default="", init=False)
    _last_said: str = attrs.field(default="", init=False)

    def __attrs_post_init__(self) -> None:
        self._roles = CallRoles(
            plan=self.plan, control=self.control, events=self.events, on_change=self._adopt
        )
        self.toolbox = Toolbox(
            self._roles.tools(),
            self.call,
            self.events,
            self.post,
            self.tasks,
            self._roles.add_result,
        )
        self.hooks = CallHooks(
            PipelineHookExecutor(self.plan.hooks, self._note_hook_off), self.call
        )
        self.tts_link = self._make_tts_link()
        own_voice = self._make_speaker(self.tts_link) if self.tts_link else None
        self.engine = self._make_engine(own_voice)
        in_text = self.engine is not None and self.engine.mind is not None
        speaker = self.engine.speaker if self.engine and not in_text else own_voice
        assert speaker is not None, "Fits.of has refused a plan without a voice"
        self.speaker = speaker
        self.stt_link = STTLink(
            self._stt_candidates(),
            self.call,
            self.fits.filtered,
            lambda event, base_ms: self.audio_in.understood(event, base_ms),
            self._lost_hearing,
            lambda connected: self.audio_in.recogniser_connected(connected),
            self.prepared.stt if self.prepared else None,
            self.hooks.ears(self.fits.filtered),
            lambda: self.engine is not None and self.engine.voice.broke_off,
        )
        self.votes = self._make_votes()
        self.barge_ins = self._make_barge_ins()
        parts = (self.history, self.call, self.events, self.turn_recorder, self.hooks, self.tasks)
        self.compactor = compactor_of(lambda: self.plan, *parts)
        self.audio_in = self._make_audio_in()
        if self.plan.background_audio is not None:
            self.sender.playout.ambience = self._make_ambience(self.plan.background_audio)

    def performers(self) -> Mapping[type[Effect], Callable[[Any], None]]:
        """What to do for each effect that concerns the conversation."""
        return {
            Commit: self._commit,
            Think: self._think,
            Say: self._say,
            Draft: self._draft,
            DiscardDraft: self._discard,
            Finalize: self._finalize,
            Hold: self._hold,
            Resume: self._resume,
            Cut: self._cut,
            WriteAgentRow: self._record,
            DigitsCollected: self.control.collected,
            Observe: self._note,
        }

    def links(self) -> Iterator[tuple[str, Callable[[], Coroutine[Any, Any, None]]]]:
        """The connections to keep for as long as the call lasts, by name."""
        if self.tts_link is not None:
            yield "tts", self.tts_link.run
        yield "stt", self.stt_link.run

    def typed(self, text: str) -> None:
        """The caller wrote *text*."""
        if self.engine is not None:
            self.engine.requests.typed(text)
        self.audio_in.typed(text)

    def stop(self) -> None:
        """Cancel every reply, and what plays behind them; ``once`` tools go on."""
        self.sender.playout.ambience = None
        for tasks in self._replies.values():
            for task in tasks:
                stop_task(task, self.clock, self.tts_link)
        for votes in (self.votes, self.barge_ins):
            if votes and votes.judging:
                stop_task(votes.judging, self.clock)
        if self.compactor and self.compactor.running:
            stop_task(self.compactor.running, self.clock)

    # --- effects

    def _commit(self, effect: Commit) -> None:
        self._texts = {effect.turn: self.turn_recorder.committed(effect)}
        if self.hooks.any:
            self.hooks.begin(self.history)
        if self.votes:
            self.votes.committed()

    def _finalize(self, _: Finalize) -> None:
        if self.engine is None:
            # An engine is not asked: its vendor ends turns, and tells the words when it can.
            self.audio_in.finalize()
        if self.votes:
            self.votes.ask(self.state().open_text)

    def _think(self, effect: Think) -> None:
        self.history.bring_last(effect.turn)
        draft = self._answers.get(effect.epoch) if effect.drafted else None
        if isinstance(draft, Answer):
            self.events.emit(Note(what="draft_used"))
            self.turn_recorder.adopt(draft.utterance)
            draft.release()
        else:
            utterance = self.turn_recorder.opened(effect.epoch, effect.turn, UtteranceKind.ANSWER)
            self._start_answer(self._answer(utterance, self._texts.get(effect.turn, "")), "reply")
        self.sender.open(effect.epoch)

    def _say(self, effect: Say) -> None:
        text = self.plan.phrases.text(effect.kind, effect.detail)
        if effect.kind is UtteranceKind.FILLER:
            self._fill(effect, text)
            return
        if effect.detail == "unheard":
            text = self._unheard or text
        self.sender.open(effect.epoch)
        utterance = self.turn_recorder.opened(effect.epoch, effect.turn, effect.kind)
        if effect.kind is UtteranceKind.TONES:
            self._start(effect.epoch, self._press(utterance, effect.detail), "tones")
        else:
            self._start(effect.epoch, self.speaker.speak_phrase(utterance, text), effect.kind.value)

    def _fill(self, effect: Say, text: str) -> None:
        """Before the first sentence a filler is spoken beside the answer, later within it."""
        answer = self._answers.get(effect.epoch)
        if isinstance(answer, Answer) and answer.begun:
            answer.fill(text)
            return
        utterance = Utterance(effect.epoch, effect.turn, effect.kind)
        self._start(effect.epoch, self.speaker.speak_phrase(utterance, text), effect.kind.value)

    async def _press(self, utterance: Utterance, name: str) -> None:
        """Keys are sound that nobody has to make and that has no words."""
        digits = self.control.to_press(name)
        try:
            audio = tones(digits, self.fits.leg, self.control.key_pause_ms)
            if digits and await self.sender.put(utterance.epoch, audio):
                self.control.pressed(digits)
        except Exception as raised:
            self.speaker.failed(utterance, raised)
        self.sender.finish(utterance.epoch)

    def _draft(self, effect: Draft) -> None:
        utterance = Utterance(effect.epoch, effect.turn, UtteranceKind.ANSWER)
        if isinstance(self.speaker, Speaker):
            text = self.events.sensitivity.for_model(effect.turn, effect.text)
            self._start_answer(Answer(self.speaker, utterance, text, draft=True), "draft")

    def _discard(self, effect: DiscardDraft) -> None:
        if effect.epoch in self._answers:
            self.events.emit(Note(what="draft_discarded"))
        self._cancel(effect.epoch)

    def _hold(self, effect: Hold) -> None:
        self.sender.hold(effect.epoch)
        self.turn_recorder.held(effect.epoch)

    def _resume(self, effect: Resume) -> None:
        self.sender.resume(effect.epoch)
        self.turn_recorder.resumed(effect.epoch)

    def _cut(self, effect: Cut) -> None:
        result, unheard_ms = self.sender.cut(effect.gate)
        answer = self._answers.get(effect.epoch)
        self._unheard = result.unheard_text
        if isinstance(answer, Answer):
            self._unheard = answer.unheard(result.heard_text)
        self._last_said = result.sentence or self._last_said
        self._cancel(effect.epoch)
        if self.engine:
            self.engine.cut(result)
        self.turn_recorder.cut(effect, result, unheard_ms, self.why())

    def _record(self, effect: WriteAgentRow) -> None:
        playout = self.sender.playout
        if effect.whole:
            self._last_said = playout.sentence(self.sender.clock.ms()) or self._last_said
        self.turn_recorder.recorded(effect, playout.text, playout.heard_ms(self.sender.clock.ms()))
        if self.compactor:
            # Now the caller listens or talks, and no answer waits for the model.
            self.compactor.check()

    def _note_hook_off(self, stage: str) -> None:
        self.events.emit(Note(what="hook_off", text=stage))

    def _note(self, effect: Observe) -> None:
        self.events.emit(Note(what=effect.what, text=effect.text))

    async def _adopt(self, plan: CallPlan) -> None:
        """Somebody else answers from now on, or with another skill."""
        self.plan, self.toolbox.tools = plan, self._roles.tools()
        if isinstance(self.speaker, Speaker):
            # Whose mind may be the engine's.
            self.speaker.plan = attrs.evolve(plan, mind=self.speaker.plan.mind)
        if self.engine is not None:
            await self.engine.adopt(plan)

    # --- parts

    def _answer(self, utterance: Utterance, text: str) -> Answer | EngineAnswer:
        if self.engine is not None:
            return self.engine.answer(utterance, text)
        assert isinstance(self.speaker, Speaker), "only an engine speaks without a voice"
        return Answer(self.speaker, utterance, text)

    def _start_answer(self, answer: Answer | EngineAnswer, name: str) -> None:
        epoch = answer.utterance.epoch
        self._answers[epoch] = answer
        self._start(epoch, answer.run(), name)

    def _start(self, epoch: int, scope: Coroutine[Any, Any, None], name: str) -> None:
        task = self.tasks.create_task(scope, name=f"{name}-{epoch}")
        self._replies.setdefault(epoch, []).append(task)
        task.add_done_callback(lambda done: self._forget(epoch, done))

    def _forget(self, epoch: int, task: asyncio.Task[None]) -> None:
        running = self._replies.get(epoch, [])
        if task in running:
            running.remove(task)
        if not running:
            self._replies.pop(epoch, None)
            self._answers.pop(epoch, None)
            if self.engine:
                self.engine.answered(epoch)

    def _cancel(self, epoch: int) -> None:
        for task in list(self._replies.get(epoch, ())):
            stop_task(task, self.clock, self.tts_link)

    def _post_heard(self, event: TurnEvent) -> None:
        """Tell the engine what the caller says, and what of the agent's they say it to."""
        if isinstance(event, CallerWords) and event.text:
            agent_text = self.sender.playout.sentence(self.sender.clock.ms()) or self._last_said
            event = replace(event, reply_to=agent_text)
        self.post(event)
        if self.barge_ins and isinstance(event, CallerWords):
            self.barge_ins.heard(event)

    def _candidates(self, kind: str, providers: Iterable[tuple[P, Name]]) -> Candidates[P]:
        named, rules = tuple(providers), self.link_rules
        if len(named) > 1:
            return candidates_of(kind, named, rules, self._policy)
        return tuple(
            LinkCandidate(each, name, self._policy(kind, name[0], rules)) for each, name in named
        )

    def _policy(self, kind: str, provider: str, rules: LinkRules) -> ReconnectPolicy:
        random = Random(f"{self.call.call_id}/{kind}")
        return ReconnectPolicy(kind, provider, self.clock, self.events, rules, random)

    def _make_tts_link(self) -> TTSLink | None:
        candidates = self._candidates("tts", self.plan.tts_candidates)
        prepared = self.prepared.tts if self.prepared else None
        return TTSLink(candidates, self.call, self.fits.leg, prepared) if candidates else None

    def _make_speaker(self, tts_link: TTSLink) -> Speaker:
        return Speaker(
            self.plan,
            self.call,
            self.events,
            self.turn_recorder,
            self.history,
            self.sender,
            tts_link,
            self.toolbox,
            self.control,
            self.post,
            self.hooks,
            budget_of(self.plan, self.call, self.events),
        )

    def _make_engine(self, own_voice: Speaker | None) -> EngineParts | None:
        if self.plan.engine is None:
            return None
        # A tenth of a server's start, which most agents have no use for.
        from patter.call.engine_parts import EngineParts

        return EngineParts(
            candidates=self._candidates("engine", self.plan.engine_candidates),
            plan=self.plan,
            call=self.call,
            events=self.events,
            turn_recorder=self.turn_recorder,
            history=self.history,
            sender=self.sender,
            toolbox=self.toolbox,
            post=self.post,
            tasks=self.tasks,
            leg=self.fits.leg,
            link_rules=self.link_rules,
            own_voice=own_voice,
            prepared=self.prepared,
        )

    def _stt_candidates(self) -> Candidates[STT]:
        if self.engine is None:
            return self._candidates("stt", self.plan.stt_candidates)
        return self.engine.ears

    def _lost_hearing(self) -> None:
        if self.engine:
            self.engine.voice.give_up()
        self.post(HearingLost(self.events.now_ms()))

    def _make_audio_in(self) -> AudioIn:
        plan, fits = self.plan, self.fits
        return AudioIn(
            audio=fits.leg,
            clock=self.sender.clock,
            post=self._post_heard,
            stt_link=self.stt_link,
            on_failure=self.on_deaf,
            question=lambda: asks(self.sender.playout.text),
            vad=plan.vad.start(fits.vad.sink) if plan.vad and fits.vad else None,
            to_vad=converter(fits.vad.steps) if fits.vad else None,
            conditioning=conditioning_of(plan, fits, self.events, self._far_end),
            echo_gate=self._echo_gate() if plan.vad and plan.echo_gate else None,
            on_audio=self.on_audio,
            trusts_stt_voice=plan.vad is None and plan.rules.vad,
            votes=self.votes,
            endpoints=plan.rules.wait_for_turn_end,
            filter_hallucinations=plan.filter_hallucinations,
        )

    def _make_ambience(self, player: BackgroundAudioPlayer) -> Ambience | None:
        """What plays behind the call; one that cannot be played is no reason not to answer."""
        from patter.call.playout.ambience import ambience_of

        random = Random(f"{self.call.call_id}/background_audio")
        try:
            return ambience_of(player, self.fits.leg, random, lambda: self.control.away())
        except Exception as raised:
            where = "background_audio"
            self.events.error(as_patter_error(raised, where), where)
            return None

    def _make_votes(self) -> TurnVotes | None:
        if self.plan.turn_detector is None:
            return None
        return TurnVotes(
            detector=self.plan.turn_detector,
            audio=self.fits.filtered,
            events=self.events,
            post=self.post,
            tasks=self.tasks,
            wait_ms=self.plan.rules.verdict_wait_ms,
        )

    def _make_barge_ins(self) -> BargeInVotes | None:
        if not self.plan.barge_in_strategies:
            return None
        return BargeInVotes(
            strategies=self.plan.barge_in_strategies,
            call_id=self.call.call_id,
            state=self.state,
            events=self.events,
            post=self.post,
            tasks=self.tasks,
            wait_ms=self.plan.rules.barge_in_confirm_ms,
        )

    def _far_end(self) -> FarEnd:
        """What the caller is played."""
        return self._fed(FarEnd(self.fits.leg))

    def _echo_gate(self) -> EchoGate:
        return self._fed(EchoGate(self.fits.leg, self.fits.filtered))

    def _fed(self, listener: F) -> F:
        """*listener*, which from now on learns what the caller is played."""
        self.sender.on_sent.append(listener.played)
        self.sender.on_cut.append(listener.cut)
        return listener
