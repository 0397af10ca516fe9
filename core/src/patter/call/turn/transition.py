"""One step of the turn engine in progress: the state so far, its timers and its effects.

The only place where a state is replaced and an effect is asked for. Handlers decide when; what
an operation changes, and which effects belong to it, is decided here. So every promise about
effects is kept here: one utterance at a time, epochs that only grow, one row for each utterance
the caller heard any of.
"""

from __future__ import annotations

from typing import Any

from attrs import evolve

from patter.call.turn.effects import (
    Commit,
    Cut,
    DigitsCollected,
    DiscardDraft,
    Draft,
    Effect,
    Effects,
    Finalize,
    Hold,
    Observe,
    Resume,
    Say,
    StartTimer,
    StopTimer,
    Think,
    WriteAgentRow,
)
from patter.call.turn.events import UtteranceKind
from patter.call.turn.state import (
    CallerStatus,
    Ending,
    Pending,
    Phase,
    Reply,
    TurnState,
    plain_words,
)


def join_words(*parts: str) -> str:
    """The non-empty *parts* with a space between them."""
    return " ".join(filter(None, parts))


class Transition:
    """From *state* at *now* (milliseconds of the call's clock) to `result`."""

    def __init__(self, state: TurnState, now: int) -> None:
        self.state, self.now = state, now
        self.timers = dict(state.timers)
        self.effects: list[Effect] = []
        self._before = dict(state.timers)

    def set(self, **changes: Any) -> None:
        """Replace these fields of the state."""
        self.state = evolve(self.state, **changes)

    def emit(self, effect: Effect) -> None:
        """Ask for *effect*, after what was asked for before."""
        self.effects.append(effect)

    def arm(self, name: str, after_ms: int) -> None:
        """Let timer *name* fire *after_ms* from now, whatever it was set to."""
        self.timers[name] = self.now + after_ms

    def disarm(self, *names: str) -> None:
        """Stop these timers."""
        for name in names:
            self.timers.pop(name, None)

    def take_due(self, name: str) -> bool:
        """Was timer *name* running and is it due? Then it is used up."""
        if self.timers.get(name, self.now + 1) > self.now:
            return False
        del self.timers[name], self._before[name]
        return True

    def result(self) -> tuple[TurnState, Effects]:
        """The next state, and all effects; those on timers are the difference to before."""
        before, timers = self._before, self.timers
        if timers != before:
            stopped = [StopTimer(name) for name in sorted(before.keys() - timers.keys())]
            changed = sorted(timers.items() - before.items())
            self.effects += [*stopped, *(StartTimer(name, at_ms) for name, at_ms in changed)]
        running = frozenset(timers.items())
        if running != self.state.timers:
            self.set(timers=running)
        return self.state, tuple(self.effects)

    # --- the agent's utterances

    def say(self, kind: UtteranceKind, detail: str = "") -> None:
        """Begin a scripted utterance."""
        turn, epoch = self.state.turn, self.state.epoch + 1
        self._open(Reply(kind, turn, epoch))
        self.emit(Say(kind, turn, epoch, detail))

    def think(self, text: str) -> None:
        """Begin the answer to *text*, with the draft if that answers the same words."""
        draft, epoch = self.state.draft, self.state.epoch + 1
        drafted = draft is not None and bool(text) and plain_words(draft.text) == plain_words(text)
        if draft and drafted:
            epoch = draft.epoch
            self.set(draft=None)
        self._open(Reply(UtteranceKind.ANSWER, self.state.turn, epoch, text))
        self.emit(Think(self.state.turn, epoch, drafted))
        if self.state.rules.filler_ms:
            self.arm("filler", self.state.rules.filler_ms)

    def _open(self, reply: Reply) -> None:
        self.drop_draft()
        if reply.kind is UtteranceKind.ANSWER or self.state.pending is Pending.NOT_UNDERSTOOD:
            self.set(pending=Pending.NOTHING)
        self.set(reply=reply, epoch=reply.epoch)
        self.disarm("tool")
        rules = self.state.rules
        self.arm("stall", rules.speech_max_ms if reply.keys else rules.reply_max_ms)

    def hold(self, reply: Reply) -> None:
        """Make *reply* wait; nothing of it is lost."""
        if not reply.held:
            self.set(reply=evolve(reply, held=True))
            self.emit(Hold(reply.epoch))

    def resume(self, reply: Reply) -> None:
        """Go on with *reply*; words spoken over it count as a backchannel."""
        spoken_over = self.state.open_text
        self.set(reply=evolve(reply, held=False))
        self.disarm("hold")
        self.emit(Resume(reply.epoch))
        if reply.audible and reply.kind is not UtteranceKind.GREETING and self.state.yields():
            self.emit(Observe("backchannel" if spoken_over else "false_interruption", spoken_over))
            self.set(words="", interim="")
            if self.state.caller is not CallerStatus.TALKING:
                self.quiet()

    def cut(self, reply: Reply, *, reopen: bool = False) -> None:
        """Stop *reply* for good; with *reopen*, its turn goes on if nobody heard any of it."""
        self._close()
        self.set(epoch=self.state.epoch + 1)
        self.emit(Cut(reply.turn, reply.epoch, self.state.epoch))
        if reply.audible:
            self.emit(WriteAgentRow(reply.turn, reply.epoch, whole=False))
        elif reopen and reply.text and not reply.spent:
            self.set(words=join_words(reply.text, self.state.words), reopened=True)

    def finish(self, reply: Reply) -> None:
        """*reply* was heard to its end."""
        self._close()
        if reply.audible:
            self.emit(WriteAgentRow(reply.turn, reply.epoch, whole=True))
        else:
            self.emit(Observe("tones" if reply.keys else "empty_reply"))

    def _close(self) -> None:
        self.set(reply=None)
        self.disarm("hold", "filler", "stall")

    # --- drafts

    def speculate(self) -> None:
        """Draft an answer to the words so far, if the caller may have finished."""
        text, draft = self.state.open_text, self.state.draft
        if draft and draft.text != text:
            self.drop_draft()
        if text and self.state.draft is None and self._may_speculate():
            turn = self.state.turn + (not self.state.reopened)
            draft = Draft(turn, self.state.epoch + 1, text)
            self.set(epoch=draft.epoch, draft=draft)
            self.emit(draft)

    def _may_speculate(self) -> bool:
        s = self.state
        free = s.phase is Phase.LIVE and s.reply is None and not s.tools
        return s.rules.speculate and free and s.caller is CallerStatus.PAUSED

    def drop_draft(self) -> None:
        """Discard the draft, if there is one."""
        if self.state.draft:
            self.emit(DiscardDraft(self.state.draft.epoch))
            self.set(draft=None)

    # --- the caller's turn

    def pause(self, ended_ms: int) -> None:
        """The voice ended at *ended_ms*; endpointing counts from there."""
        self.set(caller=CallerStatus.PAUSED, paused_ms=ended_ms)
        self.disarm("voice")
        self.arm("endpoint", ended_ms - self.now + self.state.rules.patience_ms)
        self.emit(Finalize())
        self.await_words()
        self.speculate()

    def done(self) -> None:
        """The caller has finished; words may still be on their way."""
        if self.state.caller is CallerStatus.TALKING or "hold" not in self.timers:
            self.await_words()
        self.set(caller=CallerStatus.DONE)
        self.disarm("voice")
        self.arm("endpoint", self.state.rules.final_wait_ms)

    def await_words(self) -> None:
        """Bound how long a held reply waits for words."""
        if self.state.reply and self.state.reply.held:
            self.arm("hold", self.state.rules.barge_in_confirm_ms)

    def quiet(self) -> None:
        """The caller is quiet and no turn of theirs is open."""
        self.set(caller=CallerStatus.QUIET)
        self.disarm("voice", "endpoint")

    def commit(self) -> None:
        """Write the row of the caller's turn, without answering it."""
        s, text = self.state, self.state.open_text
        turn = s.turn + (not s.reopened)
        self.emit(Commit(turn, text, amends=s.reopened))
        self.set(
            turn=turn, committed=text, committed_ms=self.now, words="", interim="", reopened=False
        )
        self.quiet()

    def answer(self) -> None:
        """Write the row of the caller's turn and begin to answer it."""
        text = self.state.open_text
        self.commit()
        self.think(text)

    def finish_digits(self, *, complete: bool) -> None:
        """Close the key entry: it goes to `collect_digits`, or becomes words of the caller."""
        digits, collect = self.state.digits, self.state.collect
        self.set(digits="", collect=None)
        self.disarm("digits")
        if collect:
            self.emit(DigitsCollected(digits.removesuffix(collect.end), complete))
            return
        self.set(words=join_words(self.state.words, f"[DTMF: {digits}]"))
        if self.state.caller is not CallerStatus.TALKING:
            self.done()

    # --- the end

    def end(self, ending: Ending) -> None:
        """Start *ending*, unless a firm one is in progress."""
        if not (self.state.ending and self.state.ending.firm):
            self.set(phase=Phase.CLOSING, ending=ending)
            self.arm("closing", self.state.rules.closing_max_ms)

    def leave(self, phase: Phase, effect: Effect | None = None) -> None:
        """Stop everything and enter *phase*; the caller's open words still get their row."""
        if self.state.reply:
            self.cut(self.state.reply)
        self.drop_draft()
        if self.state.open_text:
            self.commit()
        if effect:
            self.emit(effect)
        self.set(phase=phase, caller=CallerStatus.QUIET, digits="", collect=None)
        keep = ("limit", "drain") if phase is Phase.AWAY else ()
        self.timers = {name: at_ms for name, at_ms in self.timers.items() if name in keep}
