"""What the caller's voice, words and keys do to the conversation.

Barge-in has two phases: a voice holds the reply at once, evidence (a lasting voice, enough
words, a strategy's verdict, a key) cuts it. Without evidence in time the reply resumes.
"""

from __future__ import annotations

from attrs import evolve

from patter.call.turn.effects import Commit
from patter.call.turn.events import (
    BargeInVerdict,
    CallerFinished,
    CallerWords,
    CollectDigits,
    Digit,
    EndOfTurnVerdict,
    UtteranceKind,
    VoiceStarted,
    VoiceStopped,
)
from patter.call.turn.state import CallerStatus, Pending, Phase
from patter.call.turn.transition import Transition, join_words


def voice_started(tx: Transition, event: VoiceStarted) -> None:
    """The caller talks, unless this is taken for echo."""
    if tx.state.ignores_caller:
        return
    tx.set(caller=CallerStatus.TALKING)
    tx.disarm("endpoint")
    tx.arm("voice", tx.state.rules.talk_max_ms)
    hold_for_evidence(tx, event.began_ms)


def voice_stopped(tx: Transition, event: VoiceStopped) -> None:
    """A pause, which may be the end of the turn."""
    if tx.state.caller is CallerStatus.TALKING:
        tx.pause(event.ended_ms)


def transcript(tx: Transition, event: CallerWords) -> None:
    """Words, or the news that there were none."""
    waiting = tx.state.caller in (CallerStatus.PAUSED, CallerStatus.DONE)
    if waiting and event.final and not event.text:
        if not tx.state.open_text:
            _resume_after_noise(tx)
    elif not tx.state.ignores_caller:
        _take_words(tx, event)


def turn_ended(tx: Transition, _event: CallerFinished) -> None:
    """End the caller's turn without waiting any longer."""
    if tx.state.caller in (CallerStatus.TALKING, CallerStatus.PAUSED):
        tx.done()


def end_of_turn_verdict(tx: Transition, event: EndOfTurnVerdict) -> None:
    """A vote on how long this pause may last, measured from the end of the voice.

    Unfinished lengthens the pause to `max_hold_ms`, finished shortens it to `silence_ms`.
    """
    s, due_ms = tx.state, tx.timers.get("endpoint")
    if s.caller is not CallerStatus.PAUSED or due_ms is None:
        return
    if event.finished:
        due_ms = min(due_ms, max(tx.now, s.paused_ms + s.rules.silence_ms))
    else:
        due_ms = max(due_ms, s.paused_ms + s.rules.max_hold_ms)
    tx.arm("endpoint", due_ms - tx.now)


def verdict(tx: Transition, event: BargeInVerdict) -> None:
    """A strategy's word counts where the caller may interrupt at all."""
    reply = tx.state.reply
    if event.interrupt:
        if tx.state.yields():
            give_way(tx)
    elif reply and reply.held and tx.state.caller is not CallerStatus.TALKING:
        tx.resume(reply)


def digit(tx: Transition, event: Digit) -> None:
    """A key is a decision: it interrupts without confirmation.

    A key that somebody collects stops a prompt, but not a reply that waits for it in silence.
    """
    tx.set(idle_step=0, digits=tx.state.digits + event.digit)
    collect, reply = tx.state.collect, tx.state.reply
    reply_awaits_key = collect is not None and reply is not None and not reply.audible
    if tx.state.yields(to_voice=False) and not tx.state.greeting_unheard and not reply_awaits_key:
        give_way(tx)
    end = collect.end if collect else tx.state.rules.digit_end
    if event.digit == end or (collect and len(tx.state.digits) == collect.count):
        tx.finish_digits(complete=True)
    else:
        tx.arm("digits", tx.state.rules.digit_gap_ms)


def collect(tx: Transition, event: CollectDigits) -> None:
    """From now on keys belong to the application."""
    tx.set(collect=event)


def give_way(tx: Transition) -> None:
    """Cut the reply for the caller, and with it an ending that is not firm."""
    reply = tx.state.reply
    if reply is None:
        return
    if tx.state.ending:
        tx.set(phase=Phase.LIVE, ending=None)
        tx.disarm("closing")
    tx.cut(reply, reopen=True)
    if not tx.state.open_text and not tx.state.digits:
        tx.set(pending=Pending.NOT_UNDERSTOOD)


def hold_for_evidence(tx: Transition, began_ms: int) -> None:
    """Hold the reply, and start the timer of what would count as evidence."""
    reply, rules = tx.state.reply, tx.state.rules
    if reply is None or not tx.state.yields():
        return
    tx.hold(reply)
    tx.disarm("hold")
    if tx.state.caller is not CallerStatus.TALKING:
        tx.arm("hold", rules.barge_in_confirm_ms)
    elif reply.audible and rules.barge_in_mode == "cancel":
        tx.arm("hold", began_ms - tx.now + rules.evidence_ms)


def _resume_after_noise(tx: Transition) -> None:
    if tx.state.reply and tx.state.reply.held:
        tx.resume(tx.state.reply)
    tx.quiet()


def _take_words(tx: Transition, event: CallerWords) -> None:
    text = tx.state.new_words(event)
    if not text or _fills_past_turn(tx, event, text):
        return
    _store_words(tx, event, text)
    _await_end_of_turn(tx)
    _cut_on_words(tx)
    if event.final or tx.state.rules.vad:
        tx.speculate()


def _store_words(tx: Transition, event: CallerWords, text: str) -> None:
    if event.final:
        tx.set(words=join_words(tx.state.words, text), interim="", idle_step=0)
        if event.end_ms is not None:
            tx.set(consumed_ms=event.end_ms)
    else:
        tx.set(interim=text, idle_step=0)


def _await_end_of_turn(tx: Transition) -> None:
    """After words, wait for the voice to end, for a pause, or for the final."""
    caller, rules = tx.state.caller, tx.state.rules
    if caller is CallerStatus.TALKING:
        tx.arm("voice", rules.talk_max_ms)
    elif caller is CallerStatus.QUIET or not rules.vad:
        tx.set(caller=CallerStatus.PAUSED, paused_ms=tx.now)
        tx.arm("endpoint", rules.patience_ms)
    elif tx.state.interim and "endpoint" not in tx.timers:
        tx.arm("endpoint", rules.final_wait_ms)


def _fills_past_turn(tx: Transition, event: CallerWords, text: str) -> bool:
    """Do these words belong to a turn that an engine answers already? Then fill its row."""
    s = tx.state
    if s.rules.needs_words or not s.turn or s.committed:
        return False
    if event.final:
        tx.set(committed=text, committed_ms=tx.now)
        tx.emit(Commit(s.turn, text, amends=True))
        if s.reply and s.reply.kind is UtteranceKind.ANSWER:
            tx.set(reply=evolve(s.reply, text=text))
    return True


def _cut_on_words(tx: Transition) -> None:
    """Cut the reply if the words so far are enough; else hold it."""
    reply, rules = tx.state.reply, tx.state.rules
    if reply is None or not tx.state.yields():
        return
    enough = 0 < rules.barge_in_min_words <= len(tx.state.open_text.split())
    if not tx.state.greeting_unheard and (enough or not reply.audible):
        give_way(tx)
    elif not reply.held or tx.state.caller is not CallerStatus.TALKING:
        hold_for_evidence(tx, tx.now)
