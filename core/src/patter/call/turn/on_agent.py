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
    ReplyFailed,
    ToolFinished,
    ToolStarted,
    UtteranceKind,
)
from patter.call.turn.on_ending import close, say_goodbye
from patter.call.turn.state import Pending
from patter.call.turn.transition import Transition

NOTICES_MAX = 4


def audible(tx: Transition, event: Audible) -> None:
    """The reply is audible from now on; words taken for echo are dropped."""
    reply = tx.state.reply
    if reply is None or reply.epoch != event.epoch:
        return
    tx.set(reply=evolve(reply, audible=True))
    tx.disarm("filler")
    tx.arm("stall", tx.state.rules.speech_max_ms)
    if tx.state.ignores_caller:
        tx.set(words="", interim="")
        tx.quiet()


def heard(tx: Transition, event: Heard) -> None:
    """The utterance is complete; an answer that was heard makes up for earlier failures."""
    reply = tx.state.reply
    if reply is None or reply.epoch != event.epoch:
        return
    tx.finish(reply)
    if reply.audible and reply.kind is UtteranceKind.ANSWER:
        tx.set(failures=0)


def reply_failed(tx: Transition, event: ReplyFailed) -> None:
    """A draft that fails was only a draft."""
    reply, draft = tx.state.reply, tx.state.draft
    if draft and draft.epoch == event.epoch:
        tx.set(draft=None)
    elif reply and reply.epoch == event.epoch:
        fail(tx)


def tool_started(tx: Transition, event: ToolStarted) -> None:
    """The reply cannot be undone any more, and may take as long as the tool may."""
    reply = tx.state.reply
    tx.set(tools=tx.state.tools | {(event.tool, event.epoch)})
    if reply and reply.epoch == event.epoch:
        tx.set(reply=evolve(reply, spent=True))
        tx.arm("stall", tx.state.rules.tool_max_ms)


def tool_finished(tx: Transition, event: ToolFinished) -> None:
    """The result goes to its reply; if that is gone, to a turn of its own."""
    reply = tx.state.reply
    finished = {entry for entry in tx.state.tools if entry[0] == event.tool}
    tx.set(tools=tx.state.tools - finished)
    if reply and any(epoch == reply.epoch for _, epoch in finished):
        tx.arm("stall", tx.state.rules.reply_max_ms)
    elif finished:
        tx.set(pending=Pending.RESULT)


def announce(tx: Transition, event: Announce) -> None:
    """Keep it until nobody speaks. Of too many texts the oldest is dropped, keys never."""
    notices = [*tx.state.notices, (event.kind, event.text)]
    texts = [notice for notice in notices if notice[0] is not UtteranceKind.TONES]
    if len(texts) > NOTICES_MAX:
        notices.remove(texts[0])
    tx.set(notices=tuple(notices))


def fail(tx: Transition) -> None:
    """Apologise once, then leave; what is already audible is heard out."""
    reply = tx.state.reply
    if reply is None or reply.audible or reply.keys:
        tx.emit(Observe("reply_failed"))
        return
    tx.set(failures=tx.state.failures + 1)
    tx.cut(reply)
    if tx.state.ending:
        tx.set(ending=evolve(tx.state.ending, goodbye=False))
    elif tx.state.failures >= tx.state.rules.failures_max:
        close(tx, "failure")
    else:
        tx.say(UtteranceKind.APOLOGY)


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
        if tx.state.reply:
            tx.set(reply=evolve(tx.state.reply, turn=tx.state.turn))
