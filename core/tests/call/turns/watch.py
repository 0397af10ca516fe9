"""What holds of every single step, whatever came before it.

`check_step` raises AssertionError when one step breaks a promise of the engine;
`silence_ends` follows a state until the agent does something about it.
"""

from __future__ import annotations

import attrs

from patter.call import cues as c
from patter.call.floor import Agent, Caller, Phase, State, plain
from patter.call.turns import step

OVERHEARD = (c.VoiceStarted, c.Transcript, c.Verdict)


def check_step(before: State, event: c.Event, effects: c.Effects, after: State) -> None:
    """Hold one step against every promise."""
    if before.phase is Phase.OVER:
        assert effects == () and after == before, "after the end nothing happens"
        return
    _old_reports_change_nothing(before, event, effects, after)
    _who_was_handed_over_is_left_alone(before, event, after)
    _timers_are_the_states(before, event, effects, after)
    _one_utterance_at_a_time(before, effects, after)
    _turns_count_up(before, effects, after)
    _drafts_answer_their_words(before, effects)
    _words_survive(before, event, effects, after)
    _manners(before, event, effects, after)
    _endings_end(before, event, effects, after)
    _waits_are_bounded(after)


def silence_ends(state: State, now: int, patience: int = 16) -> bool:
    """Does the agent speak, think or leave although nothing but time passes?"""
    for _ in range(patience):
        if not state.timers:
            return state.phase in (Phase.OVER, Phase.RINGING)
        name, at_ms = min(state.timers, key=lambda timer: (timer[1], timer[0]))
        now = max(now, at_ms)
        event = c.TimerFired(now, name)
        after, effects = step(state, event)
        check_step(state, event, effects, after)
        if any(isinstance(e, c.Think | c.Say | c.Hangup | c.TransferCall) for e in effects):
            return True
        state = after
    return False


def _old_reports_change_nothing(
    before: State, event: c.Event, effects: c.Effects, after: State
) -> None:
    current = before.reply.epoch if before.reply else None
    drafted = before.draft.epoch if before.draft else None
    reports = c.Audible | c.Heard | c.ReplyFailed
    if isinstance(event, reports) and event.epoch not in (current, drafted):
        assert effects == () and after == before, "what was cut has no more to say"


def _who_was_handed_over_is_left_alone(before: State, event: c.Event, after: State) -> None:
    back_or_gone = c.HungUp | c.TransferFailed | c.TransferTaken
    if before.phase is Phase.AWAY and not isinstance(event, back_or_gone):
        quiet = isinstance(event, c.TimerFired) or after.caller is Caller.QUIET
        assert quiet and not after.open_text, "a caller who was handed over is not ours"


def _timers_are_the_states(before: State, event: c.Event, effects: c.Effects, after: State) -> None:
    timers = dict(before.timers)
    if isinstance(event, c.TimerFired) and timers.get(event.name, event.at_ms + 1) <= event.at_ms:
        del timers[event.name]
    for effect in effects:
        if isinstance(effect, c.StartTimer):
            timers[effect.name] = effect.at_ms
        elif isinstance(effect, c.StopTimer):
            assert timers.pop(effect.name, None) is not None, f"{effect.name} was not running"
    assert timers == dict(after.timers), "whoever performs the effects has the state's timers"


@attrs.define
class _Gate:
    """The utterance in progress as the effects of one step tell it."""

    epoch: int | None
    audible: bool
    held: bool
    top: int
    records: int = 0

    def take(self, effect: c.Effect) -> None:
        match effect:
            case c.Say(c.Kind.FILLER, _, epoch):
                assert epoch == self.epoch and not self.audible, "a filler precedes its answer"
            case c.Think(_, epoch, drafted):
                self._begin(epoch, at_least=epoch if drafted else self.top + 1)
            case c.Say(_, _, epoch):
                self._begin(epoch, at_least=self.top + 1)
            case c.Draft(_, epoch, _):
                assert self.epoch is None and epoch > self.top
                self.top = epoch
            case c.Cut(_, epoch, gate):
                assert epoch == self.epoch and gate > self.top, "a cut shuts the gate for good"
                self.epoch, self.top = None, gate
            case c.Record(_, _, whole):
                assert self.audible and not self.records, "what was audible is recorded once"
                self.records, self.epoch = 1, None if whole else self.epoch
            case c.Note("empty_reply" | "tones", _):
                assert not self.audible
                self.epoch = None
            case c.Hold(epoch):
                assert epoch == self.epoch and not self.held, "hold, resume, hold, resume"
                self.held = True
            case c.Resume(epoch):
                assert epoch == self.epoch and self.held, "only what is held resumes"
                self.held = False
            case _:
                pass

    def _begin(self, epoch: int, at_least: int) -> None:
        assert self.epoch is None, "one utterance at a time"
        assert epoch >= at_least, "epochs only grow"
        self.epoch, self.audible, self.held = epoch, False, False
        self.top = max(self.top, epoch)


def _one_utterance_at_a_time(before: State, effects: c.Effects, after: State) -> None:
    reply = before.reply
    gate = _Gate(
        epoch=reply.epoch if reply else None,
        audible=bool(reply and reply.audible),
        held=bool(reply and reply.held),
        top=before.epoch,
    )
    for effect in effects:
        gate.take(effect)
    assert gate.epoch == (after.reply.epoch if after.reply else None)
    assert after.reply is None or gate.held == after.reply.held
    if reply and reply.audible and gate.epoch != reply.epoch:
        assert gate.records == 1, "an audible utterance ends with a record"


def _turns_count_up(before: State, effects: c.Effects, after: State) -> None:
    turn = before.turn
    for effect in effects:
        match effect:
            case c.Commit(number, _, amends=True):
                assert number == turn and _may_amend(before), "an answered turn is closed"
            case c.Commit(number, _, _):
                assert number == turn + 1
                turn = number
            case c.Think(number, _, _):
                committed = any(isinstance(e, c.Commit) and e.turn == number for e in effects)
                assert committed or number == before.turn + 1, "each answer has its own turn"
                turn = number
            case _:
                pass
    assert turn == after.turn


def _drafts_answer_their_words(before: State, effects: c.Effects) -> None:
    drafts = [effect for effect in effects if isinstance(effect, c.Draft)]
    draft = drafts[-1] if drafts else before.draft
    for effect in effects:
        if isinstance(effect, c.Think) and effect.drafted:
            said = [plain(e.text) for e in effects if isinstance(e, c.Commit)]
            assert draft, "what is released was prepared"
            assert said == [plain(draft.text)], "a draft answers the words it was made for"


def _may_amend(before: State) -> bool:
    reply = before.reply
    unheard = reply is not None and not reply.audible and not reply.spent
    belated = not before.rules.needs_words and not before.said
    return before.reopened or unheard or belated


def _words_survive(before: State, event: c.Event, effects: c.Effects, after: State) -> None:
    if isinstance(event, c.Audible) and after.deaf:
        return
    kept = f"{after.words} {after.interim}".split()
    for effect in effects:
        if isinstance(effect, c.Commit | c.Note):
            kept += effect.text.split()
    assert set(before.words.split()) <= set(kept), "final words are answered, noted or kept"


def _manners(before: State, event: c.Event, effects: c.Effects, after: State) -> None:
    assert after.agent is not Agent.HELD or after.yields(), "only what may be cut is held"
    if before.deaf and isinstance(event, OVERHEARD):
        assert not any(isinstance(e, c.Hold | c.Cut) for e in effects), "0 means never"
    if before.reply and before.reply.spent and not before.reopened:
        assert not after.reopened, "what a tool has done is not taken back"
    if after.phase is Phase.LIVE and after.caller is Caller.TALKING and after.reply:
        begun = after.reply.audible or after.reply.held or after.reply.keys
        assert begun, "nothing begins over the caller"
    keyed = before.reply is not None and before.reply.keys
    if keyed and isinstance(event, (*OVERHEARD, c.VoiceStopped, c.TurnEnded, c.Digit)):
        assert after.reply == before.reply, "nobody stops our keys, or holds them"
    if before.caller is Caller.TALKING and not isinstance(event, c.TurnEnded):
        assert not any(isinstance(e, c.Think) for e in effects), "no answer in mid-sentence"


def _endings_end(before: State, event: c.Event, effects: c.Effects, after: State) -> None:
    if before.ending and before.ending.firm:
        assert after.phase in (Phase.CLOSING, Phase.OVER), "a firm ending is final"
    hangups = [effect for effect in effects if isinstance(effect, c.Hangup)]
    assert len(hangups) <= 1 and (not hangups or after.phase is Phase.OVER)
    gone = isinstance(event, c.HungUp | c.TransferTaken)
    assert after.phase is not Phase.OVER or hangups or gone
    if isinstance(event, c.TransferTaken):
        assert before.phase is Phase.AWAY or after == before, "only who was handed over is taken"


def _waits_are_bounded(s: State) -> None:
    timers = dict(s.timers)
    if s.phase in (Phase.LIVE, Phase.CLOSING):
        _floor_is_bounded(s, timers)
    if s.phase in (Phase.CLOSING, Phase.AWAY):
        assert "closing" in timers, "an ending is bounded"
    if s.phase is Phase.LIVE:
        assert "limit" in timers or "closing" in timers, "a call is bounded"
        alone = s.agent is Agent.IDLE and s.caller is Caller.QUIET
        if alone and s.rules.idle_ms and not s.digits and not s.collect:
            assert "idle" in timers, "silence never lasts"
    assert s.phase is not Phase.OVER or not timers


def _floor_is_bounded(s: State, timers: dict[str, int]) -> None:
    assert s.caller is not Caller.TALKING or "voice" in timers
    assert s.caller is not Caller.PAUSED or "endpoint" in timers
    assert s.reply is None or "stall" in timers
    assert s.agent is not Agent.HELD or "hold" in timers or s.caller is Caller.TALKING
    if s.caller is Caller.DONE and s.reply is None and s.phase is Phase.LIVE:
        assert "endpoint" in timers or "tool" in timers
    assert not s.digits or "digits" in timers
    assert not s.collect or s.reply or "digits" in timers
