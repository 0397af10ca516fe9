"""What becomes of the agent's utterances: heard, failed, outlived by a tool.

Reports about another utterance than the one in progress change nothing.
"""

from __future__ import annotations

from attrs import evolve

from patter.call import cues as c
from patter.call.ending import close, say_goodbye
from patter.call.floor import Owed
from patter.call.moves import Moves

NOTICES_MAX = 4


def audible(do: Moves, event: c.Audible) -> None:
    """From here on the reply has been heard, and a deaf agent forgets what it overheard."""
    reply = do.state.reply
    if reply is None or reply.epoch != event.epoch:
        return
    do.set(reply=evolve(reply, audible=True))
    do.disarm("filler")
    do.arm("stall", do.state.rules.speech_max_ms)
    if do.state.deaf:
        do.set(words="", interim="")
        do.quiet()


def heard(do: Moves, event: c.Heard) -> None:
    """The utterance is complete; an answer that was heard makes up for earlier failures."""
    reply = do.state.reply
    if reply is None or reply.epoch != event.epoch:
        return
    do.finish(reply)
    if reply.audible and reply.kind is c.Kind.ANSWER:
        do.set(failures=0)


def reply_failed(do: Moves, event: c.ReplyFailed) -> None:
    """A draft that fails was only a draft."""
    reply, draft = do.state.reply, do.state.draft
    if draft and draft.epoch == event.epoch:
        do.set(draft=None)
    elif reply and reply.epoch == event.epoch:
        fail(do)


def tool_started(do: Moves, event: c.ToolStarted) -> None:
    """The reply has done something for good, and may take as long as the tool does."""
    reply = do.state.reply
    do.set(tools=do.state.tools | {(event.tool, event.epoch)})
    if reply and reply.epoch == event.epoch:
        do.set(reply=evolve(reply, spent=True))
        do.arm("stall", do.state.rules.tool_max_ms)


def tool_finished(do: Moves, event: c.ToolFinished) -> None:
    """A result belongs to its reply, or, if that is gone, is owed to the caller."""
    reply = do.state.reply
    ended = {entry for entry in do.state.tools if entry[0] == event.tool}
    do.set(tools=do.state.tools - ended)
    if reply and any(epoch == reply.epoch for _, epoch in ended):
        do.arm("stall", do.state.rules.reply_max_ms)
    elif ended:
        do.set(owed=Owed.RESULT)


def announce(do: Moves, event: c.Announce) -> None:
    """Keep it until nobody speaks; of too many texts, the newest, and of keys all."""
    notices = [*do.state.notices, (event.kind, event.text)]
    texts = [notice for notice in notices if notice[0] is not c.Kind.TONES]
    if len(texts) > NOTICES_MAX:
        notices.remove(texts[0])
    do.set(notices=tuple(notices))


def fail(do: Moves) -> None:
    """Apologise once, then leave; what is already audible is heard out."""
    reply = do.state.reply
    if reply is None or reply.audible or reply.keys:
        do.emit(c.Note("reply_failed"))
        return
    do.set(failures=do.state.failures + 1)
    do.cut(reply)
    if do.state.ending:
        do.set(ending=evolve(do.state.ending, goodbye=False))
    elif do.state.failures >= do.state.rules.failures_max:
        close(do, "failure")
    else:
        do.say(c.Kind.APOLOGY)


def reprompt(do: Moves, why: str) -> None:
    """Climb one rung of the idle ladder; its last is goodbye."""
    ladder, rung = do.state.rules.idle_ms, do.state.rung + 1
    if ladder and rung >= len(ladder):
        close(do, "idle")
        say_goodbye(do)
    else:
        do.set(rung=rung)
        do.say(c.Kind.REPROMPT, why)


def greet_back(do: Moves) -> None:
    """A greeting is the answer to a mere hello; anything longer is answered after it."""
    if do.state.reply and do.state.reply.held:
        do.resume(do.state.reply)
    if 0 < len(do.state.open_text.split()) < do.state.rules.greeting_words:
        do.commit()
        if do.state.reply:
            do.set(reply=evolve(do.state.reply, turn=do.state.turn))
