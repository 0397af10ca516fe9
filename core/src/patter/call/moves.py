"""The moves of the turn engine: each changes the state and asks for what belongs to it.

What a move does is decided here, when it is made elsewhere. Every promise about effects is
kept here: one utterance at a time, epochs that only grow, one record of what was audible.
"""

from __future__ import annotations

from attrs import evolve

from patter.call import cues as c
from patter.call.floor import Caller, Ending, Owed, Phase, Reply, plain
from patter.call.ledger import Ledger


def join(*parts: str) -> str:
    """Words after words."""
    return " ".join(filter(None, parts))


class Moves(Ledger):
    """What the agent and the caller can do with the floor."""

    # --- the agent's utterances

    def say(self, kind: c.Kind, detail: str = "") -> None:
        """Begin a scripted utterance."""
        turn, epoch = self.state.turn, self.state.epoch + 1
        self._open(Reply(kind, turn, epoch))
        self.emit(c.Say(kind, turn, epoch, detail))

    def think(self, text: str) -> None:
        """Begin the answer to *text*, with the draft if that answers the same words."""
        draft, epoch = self.state.draft, self.state.epoch + 1
        drafted = draft is not None and bool(text) and plain(draft.text) == plain(text)
        if draft and drafted:
            epoch = draft.epoch
            self.set(draft=None)
        self._open(Reply(c.Kind.ANSWER, self.state.turn, epoch, text))
        self.emit(c.Think(self.state.turn, epoch, drafted))
        if self.state.rules.filler_ms:
            self.arm("filler", self.state.rules.filler_ms)

    def _open(self, reply: Reply) -> None:
        self.drop_draft()
        if reply.kind is c.Kind.ANSWER or self.state.owed is Owed.UNHEARD:
            self.set(owed=Owed.NOTHING)
        self.set(reply=reply, epoch=reply.epoch)
        self.disarm("tool")
        rules = self.state.rules
        self.arm("stall", rules.speech_max_ms if reply.keys else rules.reply_max_ms)

    def hold(self, reply: Reply) -> None:
        """Make *reply* wait; nothing of it is lost."""
        if not reply.held:
            self.set(reply=evolve(reply, held=True))
            self.emit(c.Hold(reply.epoch))

    def resume(self, reply: Reply) -> None:
        """Go on with *reply*; what was said over it was then a mere backchannel."""
        over = self.state.open_text
        self.set(reply=evolve(reply, held=False))
        self.disarm("hold")
        self.emit(c.Resume(reply.epoch))
        if reply.audible and reply.kind is not c.Kind.GREETING and self.state.yields():
            self.emit(c.Note("backchannel" if over else "false_interruption", over))
            self.set(words="", interim="")
            if self.state.caller is not Caller.TALKING:
                self.quiet()

    def cut(self, reply: Reply, *, reopen: bool = False) -> None:
        """Stop *reply* for good; with *reopen*, its turn goes on if nobody heard any of it."""
        self._close()
        self.set(epoch=self.state.epoch + 1)
        self.emit(c.Cut(reply.turn, reply.epoch, self.state.epoch))
        if reply.audible:
            self.emit(c.Record(reply.turn, reply.epoch, whole=False))
        elif reopen and reply.text and not reply.spent:
            self.set(words=join(reply.text, self.state.words), reopened=True)

    def finish(self, reply: Reply) -> None:
        """*reply* was heard to its end."""
        self._close()
        if reply.audible:
            self.emit(c.Record(reply.turn, reply.epoch, whole=True))
        else:
            self.emit(c.Note("tones" if reply.keys else "empty_reply"))

    def _close(self) -> None:
        self.set(reply=None)
        self.disarm("hold", "filler", "stall")

    # --- drafts

    def speculate(self) -> None:
        """Prepare an answer to the words so far, if that could be the next thing to say."""
        text, draft = self.state.open_text, self.state.draft
        if draft and draft.text != text:
            self.drop_draft()
        if text and self.state.draft is None and self._may_speculate():
            turn = self.state.turn + (not self.state.reopened)
            draft = c.Draft(turn, self.state.epoch + 1, text)
            self.set(epoch=draft.epoch, draft=draft)
            self.emit(draft)

    def _may_speculate(self) -> bool:
        s = self.state
        free = s.phase is Phase.LIVE and s.reply is None and not s.tools
        return s.rules.speculate and free and s.caller is Caller.PAUSED

    def drop_draft(self) -> None:
        """Whatever was prepared will not be said."""
        if self.state.draft:
            self.emit(c.Discard(self.state.draft.epoch))
            self.set(draft=None)

    # --- the caller's turn

    def pause(self, ended_ms: int) -> None:
        """The voice ended at *ended_ms*; patience counts from there."""
        self.set(caller=Caller.PAUSED)
        self.disarm("voice")
        self.arm("endpoint", ended_ms - self.now + self.state.rules.patience_ms)
        self.emit(c.Finalize())
        self.await_words()
        self.speculate()

    def done(self) -> None:
        """The caller has finished; words may still be on their way."""
        if self.state.caller is Caller.TALKING or "hold" not in self.timers:
            self.await_words()
        self.set(caller=Caller.DONE)
        self.disarm("voice")
        self.arm("endpoint", self.state.rules.final_wait_ms)

    def await_words(self) -> None:
        """What is held waits so long for words that would justify it."""
        if self.state.reply and self.state.reply.held:
            self.arm("hold", self.state.rules.barge_in_confirm_ms)

    def quiet(self) -> None:
        """The caller wants nothing at the moment."""
        self.set(caller=Caller.QUIET)
        self.disarm("voice", "endpoint")

    def commit(self) -> None:
        """Write down what the caller said; answering it is another move."""
        s, text = self.state, self.state.open_text
        turn = s.turn + (not s.reopened)
        self.emit(c.Commit(turn, text, amends=s.reopened))
        self.set(turn=turn, said=text, said_ms=self.now, words="", interim="", reopened=False)
        self.quiet()

    def answer(self) -> None:
        """Write down what the caller said, and begin to answer it."""
        text = self.state.open_text
        self.commit()
        self.think(text)

    def finish_digits(self, *, complete: bool) -> None:
        """The keys so far belong together: they go to who collects, or become words."""
        digits, collect = self.state.digits, self.state.collect
        self.set(digits="", collect=None)
        self.disarm("digits")
        if collect:
            self.emit(c.Digits(digits.removesuffix(collect.end), complete))
            return
        self.set(words=join(self.state.words, f"[DTMF: {digits}]"))
        if self.state.caller is not Caller.TALKING:
            self.done()

    # --- the end

    def end(self, ending: Ending) -> None:
        """Head for *ending*, unless a firm one is under way."""
        if not (self.state.ending and self.state.ending.firm):
            self.set(phase=Phase.CLOSING, ending=ending)
            self.arm("closing", self.state.rules.closing_max_ms)

    def leave(self, phase: Phase, effect: c.Effect | None = None) -> None:
        """Stop everything; the caller's last words are kept even though none will answer."""
        if self.state.reply:
            self.cut(self.state.reply)
        self.drop_draft()
        if self.state.open_text:
            self.commit()
        if effect:
            self.emit(effect)
        self.set(phase=phase, caller=Caller.QUIET, digits="", collect=None)
        kept = ("limit", "drain") if phase is Phase.AWAY else ()
        self.timers = {name: at_ms for name, at_ms in self.timers.items() if name in kept}
