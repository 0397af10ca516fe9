"""What the caller's voice, words and keys mean for the floor.

Two phases: a voice makes the agent wait at once, evidence takes the floor from it. What is
no evidence by the time it should be was none, and the agent goes on.
"""

from __future__ import annotations

from attrs import evolve

from patter.call import cues as c
from patter.call.floor import Caller, Owed, Phase
from patter.call.moves import Moves, join


def voice_started(do: Moves, event: c.VoiceStarted) -> None:
    """The caller talks, unless this can only be echo."""
    if do.state.deaf:
        return
    do.set(caller=Caller.TALKING)
    do.disarm("endpoint")
    do.arm("voice", do.state.rules.talk_max_ms)
    suspect(do, event.began_ms)


def voice_stopped(do: Moves, event: c.VoiceStopped) -> None:
    """A pause, which may be the end of the turn."""
    if do.state.caller is Caller.TALKING:
        do.pause(event.ended_ms)


def transcript(do: Moves, event: c.Transcript) -> None:
    """Words, or the news that there were none."""
    waiting = do.state.caller in (Caller.PAUSED, Caller.DONE)
    if waiting and event.final and not event.text:
        if not do.state.open_text:
            _it_was_noise(do)
    elif not do.state.deaf:
        _listen(do, event)


def turn_ended(do: Moves, _event: c.TurnEnded) -> None:
    """No more patience is needed."""
    if do.state.caller in (Caller.TALKING, Caller.PAUSED):
        do.done()


def verdict(do: Moves, event: c.Verdict) -> None:
    """A strategy's word counts where the caller may interrupt at all."""
    reply = do.state.reply
    if event.interrupt:
        if do.state.yields():
            give_way(do)
    elif reply and reply.held and do.state.caller is not Caller.TALKING:
        do.resume(reply)


def digit(do: Moves, event: c.Digit) -> None:
    """A key is a decision: it interrupts without confirmation.

    A key that somebody collects stops a prompt, but not a reply that waits for it in silence.
    """
    do.set(rung=0, digits=do.state.digits + event.digit)
    collect, reply = do.state.collect, do.state.reply
    waits_for_it = collect is not None and reply is not None and not reply.audible
    if do.state.yields(to_voice=False) and not do.state.greets and not waits_for_it:
        give_way(do)
    end = collect.end if collect else do.state.rules.digit_end
    if event.digit == end or (collect and len(do.state.digits) == collect.count):
        do.finish_digits(complete=True)
    else:
        do.arm("digits", do.state.rules.digit_gap_ms)


def collect(do: Moves, event: c.Collect) -> None:
    """From now on keys belong to the application."""
    do.set(collect=event)


def give_way(do: Moves) -> None:
    """The caller takes the floor, and takes back an ending that is not firm."""
    reply = do.state.reply
    if reply is None:
        return
    if do.state.ending:
        do.set(phase=Phase.LIVE, ending=None)
        do.disarm("closing")
    do.cut(reply, reopen=True)
    if not do.state.open_text and not do.state.digits:
        do.set(owed=Owed.UNHEARD)


def suspect(do: Moves, began_ms: int) -> None:
    """Wait at once; until when depends on what will count as evidence."""
    reply, rules = do.state.reply, do.state.rules
    if reply is None or not do.state.yields():
        return
    do.hold(reply)
    do.disarm("hold")
    if do.state.caller is not Caller.TALKING:
        do.arm("hold", rules.barge_in_confirm_ms)
    elif reply.audible and rules.barge_in_mode == "cancel":
        do.arm("hold", began_ms - do.now + rules.evidence_ms)


def _it_was_noise(do: Moves) -> None:
    if do.state.reply and do.state.reply.held:
        do.resume(do.state.reply)
    do.quiet()


def _listen(do: Moves, event: c.Transcript) -> None:
    text = do.state.new_words(event)
    if not text or _belated(do, event, text):
        return
    _take_down(do, event, text)
    _expect_more(do)
    _weigh(do)
    if event.final or do.state.rules.vad:
        do.speculate()


def _take_down(do: Moves, event: c.Transcript, text: str) -> None:
    if event.final:
        do.set(words=join(do.state.words, text), interim="", rung=0)
        if event.end_ms is not None:
            do.set(consumed_ms=event.end_ms)
    else:
        do.set(interim=text, rung=0)


def _expect_more(do: Moves) -> None:
    """After words, wait for the voice to end, for a pause, or for the final."""
    caller, rules = do.state.caller, do.state.rules
    if caller is Caller.TALKING:
        do.arm("voice", rules.talk_max_ms)
    elif caller is Caller.QUIET or not rules.vad:
        do.set(caller=Caller.PAUSED)
        do.arm("endpoint", rules.patience_ms)
    elif do.state.interim and "endpoint" not in do.timers:
        do.arm("endpoint", rules.final_wait_ms)


def _belated(do: Moves, event: c.Transcript, text: str) -> bool:
    """Are these the words of a turn an engine answers already? Then they fill its row."""
    s = do.state
    if s.rules.needs_words or not s.turn or s.said:
        return False
    if event.final:
        do.set(said=text, said_ms=do.now)
        do.emit(c.Commit(s.turn, text, amends=True))
        if s.reply and s.reply.kind is c.Kind.ANSWER:
            do.set(reply=evolve(s.reply, text=text))
    return True


def _weigh(do: Moves) -> None:
    """Are the words so far enough to take the floor?"""
    reply, rules = do.state.reply, do.state.rules
    if reply is None or not do.state.yields():
        return
    enough = 0 < rules.barge_in_min_words <= len(do.state.open_text.split())
    if not do.state.greets and (enough or not reply.audible):
        give_way(do)
    elif not reply.held or do.state.caller is not Caller.TALKING:
        suspect(do, do.now)
