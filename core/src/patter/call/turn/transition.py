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
from patter.call.turn.evidence import contradicts, speak_after_ms
from patter.call.turn.rules import FAILS_FIRST_MS
from patter.call.turn.state import (
    CallerStatus,
    Ending,
    Pending,
    Phase,
    Reply,
    TurnState,
    plain_words,
)
from patter.call.turn.words import joined
from patter.text.boundary import FOREIGN
from patter.text.keys import key_text

DRAFTS_MAX = 8
"""Drafts of one turn: whoever goes on and on is not answered at every breath, unheard and paid."""
SENTENCE_ENDS = tuple(".!?…" + FOREIGN)


class Transition:
    """From *state* at *now* (milliseconds of the call's clock) to `result`."""

    def __init__(self, state: TurnState, now: int) -> None:
        self.state, self.now = state, now
        self.timers = dict(state.timers)
        self.effects: list[Effect] = []
        self._before = dict(state.timers)

    def set(self, **changes: Any) -> None:
        """Replace these fields of the state."""
        self.state = self.state.but(**changes)

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
        self.expect_sound()
        if "progress" in self.timers and "filler" in self.timers:
            # Who has waited for a tool hears no later that it still takes long.
            self.timers["filler"] = min(self.timers["filler"], self.timers["progress"])

    def expect_sound(self) -> None:
        """The caller hears nothing of the answer: bound how long, and when to say so."""
        s = self.state
        if s.reply and s.reply.kind is UtteranceKind.ANSWER and s.rules.filler_ms:
            self.arm("filler", s.rules.filler_ms)
        self.arm("stall", self.patience_ms())

    def tell_soon(self) -> None:
        """Who has said one more thing hears no later that the answer takes long."""
        filler_ms = self.state.rules.filler_ms
        if filler_ms and self.timers.get("filler", self.now) > self.now + filler_ms:
            self.arm("filler", filler_ms)

    def patience_ms(self) -> int:
        """How long a silent reply may stay so: as long as its tool may run, if one does.

        A tool that may run as long ends first, and says why. Nobody waits so long for what is said
        last.
        """
        s = self.state
        if s.ending:
            return min(s.rules.tool_wait_ms, s.rules.reply_max_ms)
        if any(epoch == s.epoch for _, epoch in s.tools):
            return s.rules.tool_max_ms + FAILS_FIRST_MS
        reads = any(epoch == s.epoch for _, epoch in s.reads)
        return s.rules.tool_ms + FAILS_FIRST_MS if reads else s.rules.reply_max_ms

    def expect_end(self, within_ms: int) -> None:
        """The reply waits for something that takes *within_ms* at most; what plays, plays on."""
        reply = self.state.reply
        if reply and reply.silent:
            self.arm("stall", within_ms)

    def _open(self, reply: Reply) -> None:
        self.drop_draft()
        if reply.kind is UtteranceKind.ANSWER or self.state.pending is not Pending.RESULT:
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

    def resume(self, reply: Reply, *, insists: bool = False) -> None:
        """Go on with *reply*; words spoken over it that cut nothing are a listener's.

        It *insists* when a voice still goes on that has said nothing.
        """
        self.release(reply, insists=insists)
        if reply.audible and reply.kind is not UtteranceKind.GREETING and self.state.yields():
            self.overheard()

    def release(self, reply: Reply, *, insists: bool) -> None:
        """Send *reply* again, whatever becomes of the words spoken over it."""
        false_holds = reply.false_holds + reply.audible
        self.set(reply=evolve(reply, held=False, insists=insists, false_holds=false_holds))
        self.disarm("hold")
        self.emit(Resume(reply.epoch))
        if reply.silent:
            self.arm("stall", self.patience_ms())

    def go_on(self) -> None:
        """What held the reply was nothing: it goes on, at its time."""
        reply = self.state.reply
        if reply and reply.held and not reply.audible and reply.speak_ms > self.now:
            self.wait_to_speak()
        elif reply and reply.held:
            self.resume(reply)

    def overheard(self) -> None:
        """What the caller did over the agent was no turn: it is noted, and answered by nobody."""
        spoken_over = joined(self.state.words, self.state.interim)
        self.emit(Observe("backchannel" if spoken_over else "false_interruption", spoken_over))
        self.forget_words()
        if self.state.caller is not CallerStatus.TALKING and not self.state.keyed:
            self.quiet()

    def forget_words(self) -> None:
        """The open words are somewhere else by now."""
        self.set(words="", interim="", interim_taken=False, interim_end_ms=None)

    def cut(self, reply: Reply, *, reopen: bool = False) -> None:
        """Stop *reply* for good; with *reopen*, its turn goes on if nobody heard any of it."""
        self._close()
        self.set(epoch=self.state.epoch + 1)
        self.emit(Cut(reply.turn, reply.epoch, self.state.epoch))
        if reply.audible:
            self.emit(WriteAgentRow(reply.turn, reply.epoch, whole=False))
        elif reopen and reply.text and not reply.spent:
            self.set(
                words=joined(reply.text, self.state.words),
                reopened=True,
                restarts=self.state.restarts + (not self._only_paused(reply)),
            )

    def may_take_back(self, reply: Reply) -> bool:
        """May the caller's words still change the turn that *reply*, unheard, answers?

        Only so often and so long: whoever goes on and on is answered in between. A contradiction
        is worth twice as many restarts.
        """
        s, rules = self.state, self.state.rules
        if not reply.text or reply.spent or self._only_paused(reply):
            return True
        most = rules.restarts_max * (2 if contradicts(rules, s.open_text) else 1)
        return s.restarts < most and self._went_on_ms - s.taken_ms <= rules.restart_max_ms

    def _only_paused(self, reply: Reply) -> bool:
        """Did the caller go on before *reply* was even due?"""
        began_ms = self.state.voice_began_ms if self.state.spoke_since else self._went_on_ms
        return began_ms < reply.speak_ms

    @property
    def _went_on_ms(self) -> int:
        """When the caller last said something."""
        finals = self.state.finals
        return max(self.state.voice_began_ms, finals[-1][1] if finals else -1)

    def finish(self, reply: Reply) -> None:
        """*reply* was heard to its end."""
        ignored = self.state.ignores_caller
        self._close()
        if ignored:
            self._listen_again()
        if reply.audible:
            self.emit(WriteAgentRow(reply.turn, reply.epoch, whole=True))
        else:
            self.emit(Observe("tones" if reply.keys else "empty_reply"))

    def _close(self) -> None:
        self.set(reply=None)
        self.disarm("hold", "filler", "stall")

    def _listen_again(self) -> None:
        """What was said over the agent was not heard; whoever talks on is waited for."""
        self.set(consumed_ms=max(self.state.consumed_ms, self.now))
        if self.state.voice_on:
            self.set(caller=CallerStatus.TALKING)
            self.arm("voice", self.state.rules.talk_max_ms)

    # --- drafts

    def speculate(self) -> None:
        """Draft an answer to the words so far, if the caller may have finished; or look later."""
        text, draft = self.state.open_text, self.state.draft
        if draft and plain_words(draft.text) != plain_words(text):
            self.drop_draft()
        if not text or self.state.draft or not self._may_speculate():
            self.disarm("draft")
        elif (wait_ms := self._speculate_after_ms(text)) > 0:
            self.arm("draft", wait_ms)
        else:
            self._draft(text)

    def _draft(self, text: str) -> None:
        self.disarm("draft")
        turn = self.state.turn + (not self.state.reopened)
        draft = Draft(turn, self.state.epoch + 1, text)
        self.set(epoch=draft.epoch, draft=draft, drafts=self.state.drafts + 1)
        self.emit(draft)

    def _may_speculate(self) -> bool:
        s = self.state
        free = s.phase is Phase.LIVE and s.reply is None and not s.tools
        speaks = s.caller in (CallerStatus.TALKING, CallerStatus.PAUSED)
        return s.rules.speculate and free and speaks and s.drafts < DRAFTS_MAX

    def _speculate_after_ms(self, text: str) -> int:
        """How long the words must stay as they are before they are worth an answer."""
        s = self.state
        # Of a recogniser that ends turns itself a pause is its own early word that this one ends.
        complete = s.caller is CallerStatus.PAUSED and (not s.interim or s.rules.wait_for_turn_end)
        if complete or text.endswith(SENTENCE_ENDS):
            return 0
        return s.worded_ms + s.rules.preemptive_min_stable_ms - self.now

    def drop_draft(self) -> None:
        """Discard the draft, if there is one."""
        if self.state.draft:
            self.emit(DiscardDraft(self.state.draft.epoch))
            self.set(draft=None)

    # --- the caller's turn

    def pause(self, ended_ms: int) -> None:
        """The voice ended at *ended_ms*; endpointing counts from there."""
        self.set(caller=CallerStatus.PAUSED, paused_ms=ended_ms, probing=False)
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
        self.set(caller=CallerStatus.QUIET, probing=False, sure=False, finished=False)
        self.disarm("voice", "endpoint")

    def commit(self) -> None:
        """Write the row of the caller's turn, without answering it.

        An interim in it is taken for its final, which is not new when it comes.
        """
        s, text = self.state, self.state.open_text
        turn = s.turn + (not s.reopened)
        self.emit(Commit(turn, text, amends=s.reopened))
        self.set(
            turn=turn,
            committed=text,
            committed_turn=turn,
            committed_ms=self.now,
            turn_end_ms=self._turn_end_ms(),
            wordless=not text,
            # It was spoken, whether or not an engine ever tells its words.
            idle_step=0,
            greeted=False,
            # What a voice says that still goes on is another turn.
            voice_began_ms=self.now + 1 if s.voice_on else s.voice_began_ms,
            unconfirmed=self._unconfirmed(),
            continues=False,
            consumed_ms=max(s.consumed_ms, s.interim_end_ms if s.interim_end_ms else -1),
            reopened=False,
            restarts=s.restarts if s.reopened else 0,
            taken_ms=s.taken_ms if s.reopened else self.now,
            drafts=s.drafts if s.reopened else 0,
        )
        self.disarm("draft")
        self.set(keyed="", waited_for_tool=False)
        self.forget_words()
        self.quiet()

    def _unconfirmed(self) -> str:
        """What of the open words, and of those before, is an interim without its final."""
        s = self.state
        goes_on = s.continues or s.reopened
        return joined(s.unconfirmed, s.interim) if goes_on else s.interim or s.unconfirmed

    def _turn_end_ms(self) -> int:
        """When the voice of the turn ended: now, if that is not known or it goes on."""
        s = self.state
        measured = s.rules.vad and s.voice_ended_ms >= 0 and not s.voice_on
        return s.voice_ended_ms if measured else self.now

    def amend(self, text: str) -> None:
        """The caller's last turn really was *text*; it is answered already."""
        self.set(committed=text)
        self.emit(Commit(self.state.committed_turn, text, amends=True))

    def answer(self) -> None:
        """Write the row of the caller's turn and begin to answer it.

        The answer is thought early and spoken late: whoever only paused goes on unhindered.
        """
        s = self.state
        text, ended_ms = s.open_text, self._turn_end_ms()
        pause_ms = 0
        if not s.sure:
            pause_ms = speak_after_ms(s.rules, text, s.reply_to, finished=s.finished)
        self.commit()
        self.think(text)
        reply = self.state.reply
        if reply and ended_ms + pause_ms > self.now:
            self.set(reply=evolve(reply, speak_ms=ended_ms + pause_ms))
            self.wait_to_speak()

    def wait_to_speak(self) -> None:
        """Hold the answer until it may be spoken."""
        reply = self.state.reply
        if reply and reply.speak_ms > self.now:
            self.hold(reply)
            self.arm("hold", reply.speak_ms - self.now)

    def finish_digits(self, *, complete: bool) -> None:
        """Close the key entry: it goes to `collect_digits`, or becomes words of the caller."""
        digits, collect = self.state.digits, self.state.collect
        self.set(digits="", collect=None)
        self.disarm("digits")
        if collect:
            self.emit(DigitsCollected(digits.removesuffix(collect.end), complete))
            return
        self.set(keyed=joined(self.state.keyed, key_text(digits)))
        if self.state.caller is not CallerStatus.TALKING:
            self.done()

    # --- the end

    def end(self, ending: Ending) -> None:
        """Start *ending*, unless a firm one is in progress; nobody waits for keys any more."""
        if self.state.ending and self.state.ending.firm:
            return
        self.set(phase=Phase.CLOSING, ending=ending)
        self.arm("closing", self.state.rules.closing_max_ms)
        self.expect_end(self.patience_ms())
        if self.state.collect:
            self.finish_digits(complete=False)

    def leave(self, phase: Phase, effect: Effect | None = None) -> None:
        """Stop everything and enter *phase*; the caller's open words and keys get their row."""
        if self.state.reply:
            self.cut(self.state.reply)
        self.drop_draft()
        if self.state.digits:
            self.finish_digits(complete=False)
        if self.state.open_text:
            self.commit()
        if effect:
            self.emit(effect)
        self.set(phase=phase, caller=CallerStatus.QUIET, digits="", collect=None)
        keep = ("limit", "drain") if phase is Phase.AWAY else ()
        self.timers = {name: at_ms for name, at_ms in self.timers.items() if name in keep}
