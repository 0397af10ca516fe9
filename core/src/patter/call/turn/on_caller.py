"""What the caller's voice, words and keys do to the conversation.

Barge-in has two phases: a voice holds the reply at once, evidence (a lasting voice, enough
words, a strategy's verdict, a key) cuts it. Without evidence in time the reply resumes.
"""

from __future__ import annotations

from attrs import evolve

from patter.call.turn.events import (
    BargeInVerdict,
    CallerFinished,
    CallerWords,
    CollectDigits,
    CollectionCancelled,
    Digit,
    EndOfTurnVerdict,
    RecogniserConnected,
    UtteranceKind,
    VendorAnswers,
    VoiceStarted,
    VoiceStopped,
)
from patter.call.turn.evidence import interrupts, only_listens
from patter.call.turn.state import (
    CallerStatus,
    Pending,
    Phase,
    Reply,
    TurnState,
    plain_words,
)
from patter.call.turn.transition import Transition
from patter.call.turn.words import (
    WORD_MS,
    in_place_of,
    joined,
    least_same,
    precede_voice,
    shares,
    sort_words,
    words_end_ms,
)

FINALS = 4
"""Recognisers that tell finals twice do so soon."""
AGAIN_MS = 500
"""How soon somebody is told again what they did not hear for speaking themselves."""


def voice_started(tx: Transition, event: VoiceStarted) -> None:
    """The caller talks, unless this is taken for echo, or they are away."""
    tx.set(voice_on=True, voice_began_ms=event.began_ms)
    reply = tx.state.reply
    if tx.state.ignores_caller or tx.state.phase is Phase.AWAY:
        return
    if reply:
        tx.set(reply=evolve(reply, insists=False))
    tx.set(caller=CallerStatus.TALKING, probing=False, sure=False, finished=False)
    tx.disarm("endpoint")
    await_new_words(tx)
    if not _held_for_nothing(tx):
        hold_for_evidence(tx, event.began_ms)


def await_new_words(tx: Transition) -> None:
    """Bound how long a voice may go on without a new word.

    Who has said something, to a recogniser that tells words as they come, does not need long.
    """
    s = tx.state
    soon = s.interims_seen and bool(s.open_text) and not s.recogniser_away
    tx.arm("voice", s.rules.words_stop_ms if soon else s.rules.talk_max_ms)


def recogniser_connected(tx: Transition, event: RecogniserConnected) -> None:
    """While none is connected, a voice without a new word may say anything."""
    tx.set(recogniser_away=not event.connected, interim_left=bool(tx.state.interim))
    if "voice" in tx.timers:
        await_new_words(tx)


def _held_for_nothing(tx: Transition) -> bool:
    """Has a voice held this utterance for nothing so often that only words do any more?"""
    reply, rules = tx.state.reply, tx.state.rules
    many = reply is not None and reply.audible and reply.false_holds >= rules.barge_in_holds_max
    return many and rules.barge_in_mode == "pause_resume"


def voice_stopped(tx: Transition, event: VoiceStopped) -> None:
    """A pause, which may be the end of the turn."""
    tx.set(voice_on=False, voice_ended_ms=event.ended_ms)
    if tx.state.caller is CallerStatus.TALKING:
        tx.pause(event.ended_ms)


def transcript(tx: Transition, event: CallerWords) -> None:
    """Words, or the news that there were none; of a caller who is away, what was waited for."""
    if tx.state.phase is Phase.AWAY:
        if event.final and shares(tx.state.unconfirmed, event.text):
            tx.set(unconfirmed="")
        return
    if event.reply_to:
        tx.set(reply_to=event.reply_to)
    if event.final and not event.text:
        _no_words(tx)
    elif not tx.state.ignores_caller or _was_said_before(tx.state, event):
        _take_words(tx, event)
    if event.final:
        tx.set(wordless=False)


def _was_said_before(s: TurnState, event: CallerWords) -> bool:
    """Is this the final of what the caller had said when the agent was first heard?"""
    heard_ms = s.reply.audible_ms if s.reply else None
    before = heard_ms is not None and s.voice_began_ms < heard_ms
    return before and event.final and bool(s.interim) and shares(s.interim, event.text)


def _no_words(tx: Transition) -> None:
    """The recogniser has nothing more: a voice without words is noise."""
    waiting = tx.state.caller in (CallerStatus.PAUSED, CallerStatus.DONE)
    if waiting and not tx.state.open_text:
        tx.quiet()
        tx.go_on()


def turn_ended(tx: Transition, _event: CallerFinished) -> None:
    """End the caller's turn without waiting any longer."""
    if tx.state.caller in (CallerStatus.TALKING, CallerStatus.PAUSED):
        tx.set(sure=True)
        tx.done()


def vendor_answers(tx: Transition, _event: VendorAnswers) -> None:
    """Its answer is the next one, unless nobody may stop what is being said."""
    if tx.state.reply:
        if not tx.state.yields():
            return
        give_way(tx)
    tx.set(sure=True)
    tx.done()


def end_of_turn_verdict(tx: Transition, event: EndOfTurnVerdict) -> None:
    """A vote on how long this pause may last, measured from the end of the voice.

    Unfinished lengthens the pause to `max_hold_ms`, finished shortens it to `silence_ms`, and the
    wait before the answer is spoken.
    """
    s, due_ms = tx.state, tx.timers.get("endpoint")
    if s.caller is not CallerStatus.PAUSED or due_ms is None:
        return
    if event.finished:
        due_ms = min(due_ms, max(tx.now, s.paused_ms + s.rules.silence_ms))
    else:
        due_ms = max(due_ms, s.paused_ms + s.rules.max_hold_ms)
    tx.set(finished=event.finished)
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

    A key that somebody collects stops a prompt, but not an answer: whoever makes the answer may
    be who collects.
    """
    tx.set(idle_step=0, digits=tx.state.digits + event.digit)
    reply = tx.state.reply
    awaited = tx.state.collect is not None and reply is not None and _awaits_keys(reply)
    if tx.state.yields(to_voice=False) and not tx.state.greeting_unheard and not awaited:
        give_way(tx)
    if not _complete_keys(tx, event.digit):
        tx.arm("digits", tx.state.rules.digit_gap_ms)


def stop_collecting(tx: Transition, _event: CollectionCancelled) -> None:
    """Nobody waits for the keys any more: those that came are the caller's turn."""
    tx.set(collect=None)
    tx.disarm("digits")
    if tx.state.digits:
        tx.arm("digits", tx.state.rules.digit_gap_ms)


def collect(tx: Transition, event: CollectDigits) -> None:
    """From now on keys belong to the application, those that wait included."""
    tx.set(collect=event)
    tx.disarm("digits")
    if tx.state.digits and not _complete_keys(tx, tx.state.digits[-1]):
        tx.arm("digits", tx.state.rules.digit_gap_ms)


def _awaits_keys(reply: Reply) -> bool:
    return reply.kind is UtteranceKind.ANSWER or not reply.audible


def _complete_keys(tx: Transition, last: str) -> bool:
    """Close the entry if *last* completes it."""
    collect = tx.state.collect
    end = collect.end if collect else tx.state.rules.digit_end
    if last != end and not (collect and 0 < collect.count <= len(tx.state.digits)):
        return False
    tx.finish_digits(complete=True)
    return True


def give_way(tx: Transition) -> None:
    """Cut the reply for the caller, and with it an ending that is not firm."""
    reply = tx.state.reply
    if reply is None:
        return
    if tx.state.ending:
        tx.set(phase=Phase.LIVE, ending=None)
        tx.disarm("closing")
    _take_back(tx, reply)
    if not tx.state.open_text and not tx.state.digits:
        tx.set(pending=Pending.UNHEARD)


def _take_back(tx: Transition, reply: Reply) -> None:
    """Cut *reply* for more words of the caller; news of a tool comes when it was due."""
    news_ms = _news_of_tools_ms(tx, reply)
    tx.cut(reply, reopen=True)
    if news_ms is not None:
        tx.arm("progress", max(AGAIN_MS, news_ms))


def _news_of_tools_ms(tx: Transition, reply: Reply) -> int | None:
    """How soon who cuts *reply* is told that a tool still runs, where that was due."""
    if not tx.state.tools:
        return None
    if reply.kind is UtteranceKind.REPROMPT:
        return None if reply.audible else 0
    due_ms = tx.timers.get("filler")
    return None if due_ms is None else due_ms - tx.now


def hold_for_evidence(tx: Transition, began_ms: int) -> None:
    """Hold the reply, and start the timer of what would count as evidence."""
    reply, rules = tx.state.reply, tx.state.rules
    if reply is None or not tx.state.yields():
        return
    tx.hold(reply)
    tx.disarm("hold")
    if tx.state.caller is not CallerStatus.TALKING:
        tx.arm("hold", rules.barge_in_confirm_ms)
    elif rules.barge_in_mode == "pause_resume":
        _bound_hold(tx, reply)
    elif reply.audible:
        tx.arm("hold", began_ms - tx.now + rules.evidence_ms)


def _bound_hold(tx: Transition, reply: Reply) -> None:
    """A voice that says nothing holds a reply only so long.

    An answer that nobody heard yet waits on if this recogniser tells words only at the end.
    """
    if reply.audible or tx.state.interims_seen:
        tx.arm("hold", tx.state.rules.barge_in_hold_ms)


def _take_words(tx: Transition, event: CallerWords) -> None:
    ended_ms, words = words_end_ms(tx.state, event), sort_words(tx.state, event)
    confirms = words.amended or (not words.new and words.unconfirmed != tx.state.unconfirmed)
    if event.final and confirms:
        # It may be told twice, too.
        tx.set(finals=_with_final(tx.state, event))
    tx.set(unconfirmed=words.unconfirmed, overtaken=words.overtaken)
    tx.set(interims_seen=tx.state.interims_seen or not event.final)
    if words.new:
        tx.set(continues=words.continues)
    if words.amended:
        _amend_turn(tx, event, words.amended)
    elif words.new and not _fills_past_turn(tx, event, words.new):
        before = plain_words(tx.state.open_text)
        _store_words(tx, event, words.new)
        if plain_words(tx.state.open_text) != before:
            tx.set(worded_ms=tx.now)
        _await_end_of_turn(tx, event)
        _cut_on_words(tx, event, ended_ms)
        tx.speculate()
    elif event.final and tx.state.interim:
        _end_repeated_interim(tx, event)


def _end_repeated_interim(tx: Transition, event: CallerWords) -> None:
    """A final that brought nothing new ends its interim, and no other."""
    if plain_words(event.text) != plain_words(tx.state.interim):
        return
    tx.set(interim="", interim_taken=False, interim_end_ms=None)
    if not tx.state.open_text and tx.state.caller is CallerStatus.DONE:
        tx.quiet()


def _amend_turn(tx: Transition, event: CallerWords, text: str) -> None:
    """Late words of the turn before: it is answered anew only while nobody heard the answer.

    An engine answers what it heard, whatever is written of it later.
    """
    reply = tx.state.reply
    if event.end_ms is not None and event.final:
        tx.set(consumed_ms=max(tx.state.consumed_ms, event.end_ms))
    if plain_words(text) == plain_words(tx.state.committed):
        return
    answers_it = reply is not None and reply.text and reply.turn == tx.state.turn
    if _is_more_than_hello(tx.state, text):
        _reopen(tx, text)
        return
    unheard = reply is not None and not (reply.audible or reply.spent)
    anew = tx.state.rules.needs_words and unheard and event.final
    if reply and answers_it and anew and tx.may_take_back(reply):
        words = tx.state.words
        _take_back(tx, reply)
        tx.set(words=words)
        _reopen(tx, text)
        return
    tx.amend(text)
    if reply and answers_it:
        tx.set(reply=evolve(reply, text=text))


def _is_more_than_hello(s: TurnState, text: str) -> bool:
    """Is *text* no mere hello after all, though the greeting was to be its answer?"""
    spent = s.reply is not None and s.reply.spent
    asks = s.greeted and s.rules.needs_words and not spent
    return asks and len(text.split()) >= s.rules.greeting_words


def _reopen(tx: Transition, text: str) -> None:
    """The turn before really was *text*, which is still to be answered."""
    tx.set(words=joined(text, tx.state.words), reopened=True)
    if tx.state.caller is CallerStatus.QUIET:
        tx.set(caller=CallerStatus.DONE)


def _store_words(tx: Transition, event: CallerWords, text: str) -> None:
    if tx.state.interim_left:
        _keep_left_interim(tx, event, text)
    s = tx.state
    text = in_place_of(s.interim, text, final=event.final, least=least_same(s, event))
    if not event.final:
        same = plain_words(text) == plain_words(s.interim)
        tx.set(
            interim=text,
            interim_end_ms=event.end_ms,
            interim_taken=s.interim_taken and same,
            idle_step=0,
        )
        return
    tx.set(words=joined(s.words, text), finals=_with_final(s, event), idle_step=0)
    tx.set(interim="", interim_taken=False, interim_end_ms=None)
    if event.end_ms is not None:
        tx.set(consumed_ms=max(s.consumed_ms, event.end_ms))


def _keep_left_interim(tx: Transition, event: CallerWords, text: str) -> None:
    """Keep what a recogniser told last before it was lost, if the next did not hear it."""
    s = tx.state
    # A voice may have begun since they were said, but no word is said in less.
    began_ms = min(s.voice_began_ms, s.worded_ms - WORD_MS * len(s.interim.split()))
    unheard = event.heard_from_ms is not None and began_ms < event.heard_from_ms
    if unheard and not shares(s.interim, text):
        tx.set(words=joined(s.words, s.interim), interim="")
    tx.set(interim_left=False)


def _with_final(s: TurnState, event: CallerWords) -> tuple[tuple[str, int], ...]:
    """The last finals, *event* among them."""
    return (*s.finals[-(FINALS - 1) :], (event.text, event.at_ms))


def _await_end_of_turn(tx: Transition, event: CallerWords) -> None:
    """After words, wait for the voice to end, for a pause, or for the final."""
    rules = tx.state.rules
    if tx.state.probing and tx.state.voice_on and not tx.state.interims_seen:
        # So it was somebody who talks on, and this recogniser tells no words meanwhile.
        tx.set(caller=CallerStatus.TALKING, probing=False)
        tx.disarm("endpoint")
    caller = tx.state.caller
    if caller is CallerStatus.TALKING:
        await_new_words(tx)
    elif caller is CallerStatus.QUIET or not rules.vad:
        ended_ms = _late_end_ms(tx, event)
        tx.set(caller=CallerStatus.PAUSED, paused_ms=ended_ms)
        tx.arm("endpoint", max(0, ended_ms - tx.now + rules.patience_ms))
    elif tx.state.interim and "endpoint" not in tx.timers:
        tx.arm("endpoint", rules.final_wait_ms)


def _late_end_ms(tx: Transition, event: CallerWords) -> int:
    """When the pause began that comes after words: with the voice that said them, if it is known.

    A final that comes when nobody waits for it any more is not waited for twice.
    """
    s = tx.state
    measured = event.final and s.rules.vad and s.spoke_since and not s.voice_on
    return s.voice_ended_ms if measured else tx.now


def _fills_past_turn(tx: Transition, event: CallerWords, text: str) -> bool:
    """Do these words belong to a turn that an engine answers already? Then fill its row."""
    s = tx.state
    if s.rules.needs_words or not s.wordless:
        return False
    if event.final:
        tx.set(committed_ms=tx.now)
        tx.amend(text)
        if s.reply and s.reply.kind is UtteranceKind.ANSWER:
            tx.set(reply=evolve(s.reply, text=text))
    return True


def _cut_on_words(tx: Transition, event: CallerWords, ended_ms: int) -> None:
    """Cut the reply if the words so far are enough; else hold it."""
    reply = tx.state.reply
    if reply is None or not tx.state.yields():
        return
    if reply.audible_ms is not None and ended_ms <= reply.audible_ms:
        # They cannot have been meant to stop what nobody heard yet.
        tx.set(reply=evolve(reply, hello=reply.kind is UtteranceKind.GREETING))
    elif not reply.audible and reply.kind is not UtteranceKind.GREETING:
        _change_unheard(tx, reply)
    elif interrupts(tx.state, reply) and not tx.state.greeting_unheard:
        give_way(tx)
    elif reply.audible and tx.state.rules.barge_in_min_words and only_listens(tx.state, reply):
        # Should more follow, it cuts; until then whoever listens wants to hear.
        if reply.held and not precede_voice(tx.state, event):
            tx.release(reply, insists=True)
    elif not reply.held or tx.state.caller is not CallerStatus.TALKING:
        hold_for_evidence(tx, tx.now)


def _change_unheard(tx: Transition, reply: Reply) -> None:
    """Words before an answer is audible change the turn, if they say anything and still may."""
    if not only_listens(tx.state, reply) and tx.may_take_back(reply):
        give_way(tx)
