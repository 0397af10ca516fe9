"""What happens to the agent's utterances: audible, heard, failed, outlived by a tool.

Reports about an utterance that is not in progress change nothing.
"""

from __future__ import annotations

from attrs import evolve

from patter.call.turn.effects import Observe
from patter.call.turn.events import (
    Announce,
    Audible,
    Heard,
    RanDry,
    ReplyFailed,
    ReplyWithdrawn,
    ToolFinished,
    ToolStarted,
    UtteranceKind,
)
from patter.call.turn.on_ending import close, say_goodbye
from patter.call.turn.state import Pending, Reply
from patter.call.turn.transition import Transition

NOTICES_MAX = 4


def audible(tx: Transition, event: Audible) -> None:
    """The reply is audible from now on; where that is not listened over, what was said is kept."""
    reply = tx.state.reply
    if reply is None or reply.epoch != event.epoch:
        return
    first = not reply.audible
    tx.set(reply=evolve(reply, dry=False, audible_ms=tx.now if first else reply.audible_ms))
    tx.disarm("filler")
    tx.arm("stall", tx.state.rules.speech_max_ms)
    if tx.state.ignores_caller:
        if tx.state.open_text:
            tx.set(interim_taken=True)
            tx.done()
        else:
            tx.quiet()


def ran_dry(tx: Transition, event: RanDry) -> None:
    """The caller waits for the rest of the reply."""
    reply = tx.state.reply
    if reply is None or reply.epoch != event.epoch or not reply.audible or reply.dry:
        return
    tx.set(reply=evolve(reply, dry=True))
    tx.expect_sound()


def heard(tx: Transition, event: Heard) -> None:
    """The utterance is complete; an answer that was heard makes up for earlier failures."""
    reply = tx.state.reply
    if reply is None or reply.epoch != event.epoch:
        return
    tx.finish(reply)
    if reply.broken:
        break_off(tx)
    elif reply.audible and reply.kind is UtteranceKind.ANSWER:
        tx.set(failures=0, answers=tx.state.answers + 1)


def reply_failed(tx: Transition, event: ReplyFailed) -> None:
    """A draft that fails was only a draft."""
    reply, draft = tx.state.reply, tx.state.draft
    if draft and draft.epoch == event.epoch:
        tx.set(draft=None)
    elif reply and reply.epoch == event.epoch:
        fail(tx)


def reply_withdrawn(tx: Transition, event: ReplyWithdrawn) -> None:
    """What was to be said is not said; what is said instead goes before anything else."""
    reply = tx.state.reply
    if reply is None or reply.epoch != event.epoch:
        return
    tx.cut(reply)
    if event.replacement:
        tx.set(notices=((UtteranceKind.NOTICE, event.replacement), *tx.state.notices))


def tool_started(tx: Transition, event: ToolStarted) -> None:
    """The reply may take as long as the tool may; after one that runs once it is not undone."""
    reply, entry = tx.state.reply, (event.tool, event.epoch)
    if event.once:
        tx.set(tools=tx.state.tools | {entry})
    else:
        tx.set(reads=tx.state.reads | {entry})
    if reply and reply.epoch == event.epoch:
        tx.set(reply=evolve(reply, spent=reply.spent or event.once))
        tx.expect_end(tx.patience_ms())


def tool_finished(tx: Transition, event: ToolFinished) -> None:
    """The result goes to its reply; that of a tool that ran once, if that is gone, to a turn."""
    reply = tx.state.reply
    once = {entry for entry in tx.state.tools if entry[0] == event.tool}
    reads = {entry for entry in tx.state.reads if entry[0] == event.tool}
    tx.set(tools=tx.state.tools - once, reads=tx.state.reads - reads)
    if reply and any(epoch == reply.epoch for _, epoch in once | reads):
        tx.expect_end(tx.patience_ms())
    elif once:
        tx.set(pending=Pending.RESULT)


def announce(tx: Transition, event: Announce) -> None:
    """Keep it until nobody speaks. Of too many texts the oldest is dropped, keys never."""
    notices = [*tx.state.notices, (event.kind, event.text)]
    texts = [notice for notice in notices if notice[0] is not UtteranceKind.TONES]
    if len(texts) > NOTICES_MAX:
        notices.remove(texts[0])
    tx.set(notices=tuple(notices))


def fail(tx: Transition) -> None:
    """Apologise once, then leave; what is already audible is heard out first."""
    reply: Reply | None = tx.state.reply
    if reply is None or reply.audible or reply.keys:
        tx.emit(Observe("reply_failed"))
        if reply:
            tx.set(reply=evolve(reply, broken=not reply.keys))
        return
    tx.cut(reply)
    break_off(tx, Pending.GREETING if reply.kind is UtteranceKind.GREETING else Pending.APOLOGY)


def break_off(tx: Transition, then: Pending = Pending.APOLOGY) -> None:
    """The caller did not get all of an utterance, and is told so; a greeting is tried again."""
    tx.set(failures=tx.state.failures + 1)
    if tx.state.ending:
        tx.set(ending=evolve(tx.state.ending, goodbye=False))
    elif tx.state.failures >= tx.state.rules.failures_max:
        close(tx, "failure")
    else:
        tx.set(pending=then)


def reprompt(tx: Transition, why: str) -> None:
    """Say the next re-prompt; after the last step say goodbye."""
    waits_ms, step = tx.state.rules.idle_ms, tx.state.idle_step + 1
    if waits_ms and step >= len(waits_ms):
        close(tx, "idle")
        say_goodbye(tx)
    else:
        tx.set(idle_step=step)
        tx.say(UtteranceKind.REPROMPT, why)


def greet_back(tx: Transition) -> None:
    """A greeting is the answer to a mere hello; anything longer is answered after it."""
    if tx.state.reply and tx.state.reply.held:
        tx.resume(tx.state.reply)
    if 0 < len(tx.state.open_text.split()) < tx.state.rules.greeting_words:
        tx.commit()
        tx.set(greeted=True)
        if tx.state.reply:
            tx.set(reply=evolve(tx.state.reply, turn=tx.state.turn))
