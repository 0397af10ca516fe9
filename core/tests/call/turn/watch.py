"""What holds of every single step, whatever came before it.

`check_step` raises AssertionError when one step breaks a promise of the engine;
`silence_ends` follows a state until the agent does something about it.
"""

from __future__ import annotations

import attrs

from patter.call.turn.effects import (
    Commit,
    Cut,
    Draft,
    Effect,
    Effects,
    EndCall,
    Hold,
    Observe,
    Resume,
    Say,
    StartTimer,
    StopTimer,
    Think,
    TransferCall,
    WriteAgentRow,
)
from patter.call.turn.engine import step
from patter.call.turn.events import (
    Audible,
    BargeInVerdict,
    CallerFinished,
    CallerHungUp,
    CallerWords,
    Digit,
    Heard,
    ReplyFailed,
    TimerFired,
    TransferFailed,
    TransferTaken,
    TurnEvent,
    UtteranceKind,
    VendorAnswers,
    VoiceStarted,
    VoiceStopped,
)
from patter.call.turn.state import AgentStatus, CallerStatus, Phase, TurnState, plain_words

OVERHEARD = (VoiceStarted, CallerWords, BargeInVerdict)


def check_step(before: TurnState, event: TurnEvent, effects: Effects, after: TurnState) -> None:
    """Hold one step against every promise."""
    if before.phase is Phase.OVER:
        assert effects == () and after == before, "after the end nothing happens"
        return
    _old_reports_change_nothing(before, event, effects, after)
    _who_was_handed_over_is_left_alone(before, event, after)
    _timers_are_the_states(before, event, effects, after)
    _one_utterance_at_a_time(before, effects, after)
    _turns_count_up(before, event, effects, after)
    _drafts_answer_their_words(before, effects)
    _words_survive(before, event, effects, after)
    _manners(before, event, effects, after)
    _endings_end(before, event, effects, after)
    _waits_are_bounded(after)


def silence_ends(state: TurnState, now: int, patience: int = 80) -> bool:
    """Does the agent speak, think or leave although nothing but time passes?"""
    for _ in range(patience):
        if not state.timers:
            return state.phase in (Phase.OVER, Phase.RINGING)
        name, at_ms = min(state.timers, key=lambda timer: (timer[1], timer[0]))
        now = max(now, at_ms)
        event = TimerFired(now, name)
        after, effects = step(state, event)
        check_step(state, event, effects, after)
        if any(isinstance(e, Think | Say | EndCall | TransferCall) for e in effects):
            return True
        state = after
    return False


def _old_reports_change_nothing(
    before: TurnState, event: TurnEvent, effects: Effects, after: TurnState
) -> None:
    current = before.reply.epoch if before.reply else None
    drafted = before.draft.epoch if before.draft else None
    reports = Audible | Heard | ReplyFailed
    if isinstance(event, reports) and event.epoch not in (current, drafted):
        assert effects == () and after == before, "what was cut has no more to say"


def _who_was_handed_over_is_left_alone(
    before: TurnState, event: TurnEvent, after: TurnState
) -> None:
    back_or_gone = CallerHungUp | TransferFailed | TransferTaken
    if before.phase is Phase.AWAY and not isinstance(event, back_or_gone):
        quiet = isinstance(event, TimerFired) or after.caller is CallerStatus.QUIET
        assert quiet and not after.open_text, "a caller who was handed over is not ours"


def _timers_are_the_states(
    before: TurnState, event: TurnEvent, effects: Effects, after: TurnState
) -> None:
    timers = dict(before.timers)
    if isinstance(event, TimerFired) and timers.get(event.name, event.at_ms + 1) <= event.at_ms:
        del timers[event.name]
    for effect in effects:
        if isinstance(effect, StartTimer):
            timers[effect.name] = effect.at_ms
        elif isinstance(effect, StopTimer):
            assert timers.pop(effect.name, None) is not None, f"{effect.name} was not running"
    assert timers == dict(after.timers), "whoever performs the effects has the state's timers"


@attrs.define
class _Gate:
    """The utterance in progress as the effects of one step tell it."""

    epoch: int | None
    audible: bool
    held: bool
    silent: bool
    top: int
    records: int = 0

    def take(self, effect: Effect) -> None:
        match effect:
            case Say(UtteranceKind.FILLER, _, epoch):
                assert epoch == self.epoch and self.silent, "a filler is said into a silence"
            case Think(_, epoch, drafted):
                self._begin(epoch, at_least=epoch if drafted else self.top + 1)
            case Say(_, _, epoch):
                self._begin(epoch, at_least=self.top + 1)
            case Draft(_, epoch, _):
                assert self.epoch is None and epoch > self.top
                self.top = epoch
            case Cut(_, epoch, gate):
                assert epoch == self.epoch and gate > self.top, "a cut shuts the gate for good"
                self.epoch, self.top = None, gate
            case WriteAgentRow(_, _, whole):
                assert self.audible and not self.records, "what was audible is recorded once"
                self.records, self.epoch = 1, None if whole else self.epoch
            case Observe("empty_reply" | "tones", _):
                assert not self.audible
                self.epoch = None
            case Hold(epoch):
                assert epoch == self.epoch and not self.held, "hold, resume, hold, resume"
                self.held = True
            case Resume(epoch):
                assert epoch == self.epoch and self.held, "only what is held resumes"
                self.held = False
            case _:
                pass

    def _begin(self, epoch: int, at_least: int) -> None:
        assert self.epoch is None, "one utterance at a time"
        assert epoch >= at_least, "epochs only grow"
        self.epoch, self.audible, self.held, self.silent = epoch, False, False, True
        self.top = max(self.top, epoch)


def _one_utterance_at_a_time(before: TurnState, effects: Effects, after: TurnState) -> None:
    reply = before.reply
    gate = _Gate(
        epoch=reply.epoch if reply else None,
        audible=bool(reply and reply.audible),
        held=bool(reply and reply.held),
        silent=bool(reply and reply.silent),
        top=before.epoch,
    )
    for effect in effects:
        gate.take(effect)
    assert gate.epoch == (after.reply.epoch if after.reply else None)
    assert after.reply is None or gate.held == after.reply.held
    if reply and reply.audible and gate.epoch != reply.epoch:
        assert gate.records == 1, "an audible utterance ends with a record"


def _turns_count_up(
    before: TurnState, event: TurnEvent, effects: Effects, after: TurnState
) -> None:
    turn = before.turn
    for effect in effects:
        match effect:
            case Commit(number, _, amends=True):
                late = isinstance(event, CallerWords) and not _answers(effects)
                last = before.committed_turn if late else turn
                assert number == last, "only the caller's last turn is amended"
                assert late or _may_amend(before), "an answered turn is closed"
            case Commit(number, _, _):
                assert number == turn + 1
                turn = number
            case Think(number, _, _):
                committed = any(isinstance(e, Commit) and e.turn == number for e in effects)
                assert committed or number == before.turn + 1, "each answer has its own turn"
                turn = number
            case _:
                pass
    assert turn == after.turn


def _answers(effects: Effects) -> bool:
    return any(isinstance(effect, Think | Cut) for effect in effects)


def _drafts_answer_their_words(before: TurnState, effects: Effects) -> None:
    drafts = [effect for effect in effects if isinstance(effect, Draft)]
    draft = drafts[-1] if drafts else before.draft
    for effect in effects:
        if isinstance(effect, Think) and effect.drafted:
            said = [plain_words(e.text) for e in effects if isinstance(e, Commit)]
            assert draft, "what is released was prepared"
            assert said == [plain_words(draft.text)], "a draft answers the words it was made for"


def _may_amend(before: TurnState) -> bool:
    reply = before.reply
    unheard = reply is not None and not reply.audible and not reply.spent
    belated = not before.rules.needs_words and not before.committed
    return before.reopened or unheard or belated or before.greeted


def _words_survive(before: TurnState, event: TurnEvent, effects: Effects, after: TurnState) -> None:
    kept = f"{after.words} {after.interim}".split()
    for effect in effects:
        if isinstance(effect, Commit | Observe):
            kept += effect.text.split()
    assert set(before.words.split()) <= set(kept), "final words are answered, noted or kept"


def _old_words_cut_nothing(before: TurnState, event: TurnEvent, effects: Effects) -> None:
    reply = before.reply
    if reply is None or reply.audible_ms is None or not isinstance(event, CallerWords):
        return
    if event.end_ms is not None and event.end_ms <= reply.audible_ms:
        assert not any(isinstance(e, Cut) for e in effects), "words from before stop nothing"


def _patience_is_not_failure(before: TurnState, event: TurnEvent, effects: Effects) -> None:
    reply = before.reply
    stalls = isinstance(event, TimerFired) and event.name == "stall"
    if reply and reply.held and reply.silent and stalls:
        assert not any(isinstance(e, Cut | Observe) for e in effects), "held is not failing"


def _manners(before: TurnState, event: TurnEvent, effects: Effects, after: TurnState) -> None:
    _old_words_cut_nothing(before, event, effects)
    _patience_is_not_failure(before, event, effects)
    assert after.agent is not AgentStatus.HELD or after.yields(), "only what may be cut is held"
    if before.ignores_caller and isinstance(event, OVERHEARD):
        assert not any(isinstance(e, Hold | Cut) for e in effects), "0 means never"
    if before.reply and before.reply.spent and not before.reopened:
        assert not after.reopened, "what a tool has done is not taken back"
    if after.phase is Phase.LIVE and after.caller is CallerStatus.TALKING and after.reply:
        reply = after.reply
        begun = reply.audible or reply.held or reply.keys or reply.insists
        assert begun, "nothing begins over the caller"
    keyed = before.reply is not None and before.reply.keys
    if keyed and isinstance(event, (*OVERHEARD, VoiceStopped, CallerFinished, Digit)):
        assert after.reply == before.reply, "nobody stops our keys, or holds them"
    told = isinstance(event, CallerFinished | VendorAnswers)
    if before.caller is CallerStatus.TALKING and not told:
        assert not any(isinstance(e, Think) for e in effects), "no answer in mid-sentence"


def _endings_end(before: TurnState, event: TurnEvent, effects: Effects, after: TurnState) -> None:
    unheard = before.reply is not None and not before.reply.audible
    if before.ending and before.ending.firm and not (unheard and before.ending.reason == "idle"):
        assert after.phase in (Phase.CLOSING, Phase.OVER), "a firm ending is final"
    hangups = [effect for effect in effects if isinstance(effect, EndCall)]
    assert len(hangups) <= 1 and (not hangups or after.phase is Phase.OVER)
    gone = isinstance(event, CallerHungUp | TransferTaken)
    drained = isinstance(event, TimerFired) and event.name == "drain"
    theirs = before.phase is Phase.AWAY and drained
    assert after.phase is not Phase.OVER or hangups or gone or theirs
    if isinstance(event, TransferTaken):
        assert before.phase is Phase.AWAY or after == before, "only who was handed over is taken"


def _waits_are_bounded(s: TurnState) -> None:
    timers = dict(s.timers)
    if s.phase in (Phase.LIVE, Phase.CLOSING):
        _floor_is_bounded(s, timers)
    if s.phase in (Phase.CLOSING, Phase.AWAY):
        assert "closing" in timers, "an ending is bounded"
    if s.phase is Phase.LIVE:
        assert "limit" in timers or "closing" in timers, "a call is bounded"
        alone = s.agent is AgentStatus.IDLE and s.caller is CallerStatus.QUIET
        if alone and s.rules.idle_ms and not (s.digits or s.collect or s.tools):
            assert "idle" in timers, "silence never lasts"
    assert s.phase is not Phase.OVER or not timers


def _floor_is_bounded(s: TurnState, timers: dict[str, int]) -> None:
    assert s.caller is not CallerStatus.TALKING or "voice" in timers
    assert s.caller is not CallerStatus.PAUSED or "endpoint" in timers
    assert s.reply is None or "stall" in timers
    assert s.agent is not AgentStatus.HELD or "hold" in timers or s.caller is CallerStatus.TALKING
    if s.caller is CallerStatus.DONE and s.reply is None and s.phase is Phase.LIVE:
        assert "endpoint" in timers or "tool" in timers
    assert not s.digits or "digits" in timers
    assert not s.collect or s.reply or "digits" in timers
