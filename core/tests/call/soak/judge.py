"""What must hold of every call: pure functions from what came of it to what is wrong.

Each rule is a sentence of docs/testing.md. They look at three things and believe only the first:
what the caller heard, what the record says, what the history will tell the model.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from patter.observe.events import Ended, ErrorEvent, Link, Note, Row, ToolRun, Wire

from . import ear
from .bounds import bound_of, opened_ms, silences
from .notes import Question, Request
from .recogniser import OPEN_MS
from .row_words import as_if_repeated, words
from .world import Outcome

Rule = Callable[[Outcome], Iterable[str]]
CANCELLED = re.compile(r'\{"error": ?"cancelled"\}')
IN_FLIGHT_MS = 120
"""So long it takes a detector and a frame of the line until the call knows what is known."""
CAUGHT_UP_MS = 600
"""A recogniser that takes over in the middle of a voice tells the next word so much later."""
USUAL_GREETING_MS = 2_000
TALKS_ON_MS = 2_000
TAIL_MS = 2_600
"""Keys and words so shortly before the end may be on their way."""


def silence(o: Outcome) -> Iterator[str]:
    """No silence is longer than its bound."""
    for gap in silences(o):
        bound, why = bound_of(o, gap)
        if gap.ms > bound:
            yield f"{gap.ms} ms of silence from {gap.began_ms}, bound {bound} ({why})"


def starved(o: Outcome) -> Iterator[str]:
    """A caller who says something now and then hears something within 20 s.

    But for a tool that an agent lets them wait for in silence, with nothing said meanwhile; and
    without a voice there is nothing to hear. Who talks on does not wait.
    """
    marks = [0.0, *(end for _, end in o.sounds), float(o.ended_ms)]
    starts = [*(start for start, _ in o.sounds), float(o.ended_ms)]
    for began, ended in zip(marks, starts, strict=False):
        owed = min(
            (q.ended_ms or 0 for q in o.notes.questions if (q.ended_ms or 0) > began - 500),
            default=ended,
        )
        since = max(began, owed)
        away = ear.within(since, ended, [*ear.absent(o), *ear.silent_tools(o)])
        talk = [(t.began_ms, t.ended_ms) for t in ear.talks(o)]
        long = [span for span in talk if span[1] - span[0] > TALKS_ON_MS]
        length = ended - since - away - ear.within(since, ended, long)
        talking = ear.within(since, ended, [span for span in talk if span not in long])
        mute = ear.never_opens(o, "voice")
        if length > ear.starves_ms(o) and talking < length / 2 and not mute:
            yield f"nothing heard for {length:.0f} ms from {since:.0f}"


def repeated(o: Outcome) -> Iterator[str]:
    """No sentence is heard twice to its end, but for what is said when nothing else helps."""
    again = {o.phrases.apology, o.phrases.not_understood, *o.phrases.reprompts}
    again |= {
        o.phrases.filler,
        o.phrases.progress,
        o.phrases.transfer_failed,
        "Let me see about that for you.",
    }
    whole = Counter(ear.whole_sentences(o))
    for sentence, count in whole.items():
        if count > 1 and sentence not in again:
            yield f"{sentence!r} is heard {count} times"


def answers(o: Outcome) -> Iterator[str]:
    """The same words are answered once."""
    audible = ear.audible_requests(o)
    heard = [request for request in o.notes.requests if request.number in audible]
    for place, later in enumerate(heard):
        for earlier in heard[:place]:
            if not (later.first and earlier.first) or _result_between(o, earlier, later):
                continue
            words = set(ear.plain(later.text))
            failed = any(earlier.at_ms <= at <= later.at_ms for at, _ in o.notes.faults)
            again = all(as_if_repeated(o, word) for word in words)
            if words and words <= set(ear.plain(earlier.text)) and not (failed or again):
                yield f"answered twice: {later.text!r} (answers {earlier.number}, {later.number})"


def _result_between(o: Outcome, earlier: Request, later: Request) -> bool:
    """Did a tool end in between, whose result is told in a turn of its own?"""
    ends = [use.ended_ms for use in o.notes.tools if use.ended_ms is not None]
    return later.last_role == "tool" or any(earlier.at_ms - 500 <= at <= later.at_ms for at in ends)


def once(o: Outcome) -> Iterator[str]:
    """What must not be done twice is done once for the same words."""
    booked = [use.text for use in o.notes.tools if use.effect == "once"]
    for place, later in enumerate(booked):
        for earlier in booked[:place]:
            both = set(ear.plain(later)) & set(ear.plain(earlier))
            if both and not all(as_if_repeated(o, word) for word in both):
                yield f"booked twice: {earlier!r}, {later!r}"
    for run in o.of(ToolRun):
        if run.effect == "once" and CANCELLED.fullmatch(run.result or ""):
            yield f"{run.name} was cancelled at {run.at_ms}"


def keys(o: Outcome) -> Iterator[str]:
    """Every key is in the record in order, and in a row or in what was collected."""
    pressed = [
        (at, key)
        for at, key in o.notes.keys
        if at < o.ended_ms - 50 and not ear.is_in(at, ear.absent(o, before_ms=100))
    ]
    recorded = [key for event in o.of(Wire) if event.what == "dtmf" for key in event.digits]
    every = [key for _, key in o.notes.keys]
    if not (_in_order([key for _, key in pressed], recorded) and _in_order(recorded, every)):
        yield f"pressed {pressed}, recorded {recorded}"
    found = Counter(ear.keys_of(o))
    # Who hangs up while the application collects leaves it alone with what it has.
    waited = [_key_entry_ms(o, each.began_ms) for each in o.notes.entries if each.digits is None]
    known_ms = min([o.ended_ms - TAIL_MS, *waited])
    old = Counter(key for at, key in pressed if at < known_ms and key != "#")
    if missing := old - found:
        yield f"keys {sorted(missing.elements())} are in no row and were not collected"


def _key_entry_ms(o: Outcome, ended_ms: int) -> int:
    """When the first of the keys was pressed that still waited at *ended_ms*."""
    began_ms = ended_ms
    for at, _ in reversed([each for each in o.notes.keys if each[0] < ended_ms]):
        if at < began_ms - o.rules.digit_gap_ms:
            break
        began_ms = at
    return began_ms


def _in_order(some: Iterable[str], every: Iterable[str]) -> bool:
    """Are *some* among *every*, in the same order?"""
    rest = iter(every)
    return all(each in rest for each in some)


def heard(o: Outcome) -> Iterator[str]:
    """The agent's rows are what the caller heard."""
    yield from ear.compare(o)
    rows = [row.text for row in o.of(Row) if row.role == "agent" and row.text]
    told = [row.text for row in o.history if row.role == "agent" and row.text]
    if rows != told:
        yield f"the record has {rows}, the history {told}"


def asked(o: Outcome) -> Iterator[str]:
    """The last thing a model is shown is never what became of its own cancelled question."""
    for request in o.notes.requests:
        if request.first and request.last_role == "tool" and "cancelled" in request.last_text:
            yield f"request {request.number} ends with a cancelled tool"


def answered(o: Outcome) -> Iterator[str]:
    """Who says something and waits gets an answer, or an apology."""
    for question in o.notes.questions:
        if question.ended_ms is not None and _waits(o, question):
            began = question.ended_ms - 1_000
            replies = ear.said_after(o, began, began + _answer_within(o, question))
            if not any(_is_reply(o, question, sentence) for sentence in replies):
                yield f"no answer to {' '.join(question.words)!r}, only {sorted(replies)}"


def _waits(o: Outcome, question: Question) -> bool:
    """Does the caller say nothing for long after *question*, which was understood?"""
    ended = question.ended_ms or 0
    later = [each.began_ms for each in o.notes.talk] + [at for at, _ in o.notes.keys]
    until = min([at for at in later if at >= ended] + [o.ended_ms])
    told = [at for at, text, _ in o.notes.delivered if set(text.split()) & set(question.told)]
    # An interim whose final never comes is taken back by the final of other words.
    unkept = question.options.get("final") == "never" and any(
        final and at > max(told, default=0) for at, _, final in o.notes.delivered
    )
    backchannel = ear.words_of_listeners(o) & set(question.told)
    ignored = o.rules.barge_in_threshold_ms == 0 and ear.overlaps(o, ended - 2_500, ended + 200)
    absent = ear.is_in(ended, ear.absent(o, before_ms=500))
    busy = any(at < ended + 12_000 for at, _ in o.notes.commands)
    mute = ear.never_opens(o, "voice")
    if backchannel or ignored or absent or busy or unkept or mute or not told:
        return False
    finals = [at for at, _, final in o.notes.delivered if final and at in told]
    if any(ended < start < min(finals or told) for start, _ in o.sounds):
        # Final when the answer to the words before could be heard: they are noted with those.
        return False
    return until - ended > _answer_within(o, question) and max(told) < ended + 4_000


def _answer_within(o: Outcome, question: Question) -> int:
    """How long until an answer, or word that there is none; fillers are told apart by `silence`."""
    ended = question.ended_ms or 0
    failed = any(ended - 5_000 < at < ended + 13_000 for at, _ in o.notes.faults)
    until = ended + 13_000
    within = 13_000 + ear.starves_ms(o) // 2 * failed
    # What nobody may interrupt is heard out first.
    spoken_ms = 8_000 * (1 + (o.rules.barge_in_threshold_ms == 0))
    for use in o.notes.tools:
        if use.began_ms < until:
            result_ms = o.ended_ms if use.ended_ms is None else use.ended_ms
            # It may be tried again.
            until, within = (
                max(until, result_ms + 2_000),
                max(within, result_ms + spoken_ms - ended),
            )
    return within


def _is_reply(o: Outcome, question: Question, sentence: str) -> bool:
    number = o.notes.answers.get(sentence)
    if number is not None:
        return o.notes.requests[number].index >= question.index
    greeted = sentence == o.phrases.greeting and len(question.words) < o.rules.greeting_words
    sorry = sentence in {o.phrases.apology, *o.phrases.goodbyes.values()}
    return greeted or sorry or sentence.startswith(("The application", "Let me see"))


def greeting(o: Outcome) -> Iterator[str]:
    """Who calls is greeted, whatever they say into it but a real interruption."""
    text, mute = o.phrases.greeting, ear.never_opens(o, "voice") or bool(o.notes.lost)
    mute |= ear.opens_late_ms(o) > 0
    if not text or o.ended_ms < 8_000 or text in ear.whole_sentences(o) or mute:
        return
    span = ear.span_of(o, text)
    until = span[1] if span else USUAL_GREETING_MS
    if any(what == "leg" for _, what in o.notes.faults):
        # It broke off with the line, and is not over; what has stalled comes after.
        stalls = [each.number("ms") for each in o.script if each.who == "leg"]
        until = max(until, USUAL_GREETING_MS) + sum(stalls)
    for question in o.notes.questions:
        talk = [t for t in o.notes.talk if set(t.words) & set(question.words)]
        if talk and len(question.words) >= 3 and talk[0].began_ms < until + 100:
            return
    over = span and any(t.began_ms < until + 100 and t.ended_ms > span[0] for t in o.notes.talk)
    if any(what == "stt" and at < until for at, what in o.notes.faults):
        # What the next recogniser tells of before may come when the greeting is heard.
        over = over or any(text and at < until + 500 for at, text, _ in o.notes.delivered)
    # It waits for a connection, and for a voice that was there before it.
    until = max([until, *(line.number("opens") for line in o.script if line.who == "voice")])
    until = max([until, *(t.ended_ms for t in o.notes.talk if t.began_ms < until)])
    early = [at for at, _ in [*o.notes.keys, *o.notes.commands] if at < until + 500]
    early += [o.ended_ms] if o.ended_ms < until + 3_000 else []
    if ear.never_opens(o, "stt") and until + USUAL_GREETING_MS > 2 * OPEN_MS:
        return  # the call is given up before there is a moment to greet
    if not over and not early and not ear.any_command(o, "machine"):
        yield "the greeting was not heard"


def ends(o: Outcome) -> Iterator[str]:
    """The call ends, with one record, for a true reason, and nothing of it is left."""
    if o.left:
        yield f"left: {', '.join(o.left)}"
    if o.summary is None or len(o.of(Ended)) != 1:
        yield f"{len(o.of(Ended))} ends in the record"
        return
    if not isinstance(o.record[-1], Ended):
        yield f"the record goes on after its end: {o.record[-1]}"
    if o.summary.outcome == "failed" and len(o.notes.faults) < 2:
        yield f"failed ({o.summary.reason}) with {len(o.notes.faults)} faults"
    if o.summary.reason == "idle":
        yield from _hung_up_on(o)


def _hung_up_on(o: Outcome) -> Iterator[str]:
    farewell = ear.span_of(o, o.phrases.goodbyes["idle"])
    until = farewell[0] if farewell else o.ended_ms
    before = [t for t in o.notes.talk if t.words and t.began_ms < until - 300]
    if o.rules.barge_in_threshold_ms == 0:
        # Of who speaks only while the agent does, this agent hears nothing.
        before = [t for t in before if not ear.is_in(t.ended_ms, o.sounds)]
    heard = [t.ended_ms for t in before if not ear.is_in(t.ended_ms, ear.absent(o))]
    last = max(heard, default=-99_999)
    if o.ended_ms - last < sum(o.rules.idle_ms):
        yield f"hung up on as silent {o.ended_ms - last} ms after speaking"
    for use in o.notes.tools:
        if use.ended_ms is None or use.ended_ms > o.ended_ms - 3_000:
            yield f"hung up on as silent while {use.name} runs"


def errors(o: Outcome) -> Iterator[str]:
    """What failed is in the record, and what did not fail is not apologised for."""
    said = set(ear.whole_sentences(o))
    sorry = {o.phrases.apology, o.phrases.goodbyes["failure"]} & said
    noted = [*o.of(ErrorEvent), *o.of(Link)]
    lost = [event for event in o.of(Wire) if event.what == "leg_lost"]
    if sorry and not noted:
        yield f"{sorted(sorry)} without an error in the record"
    stuck = any((use.ended_ms or o.ended_ms) - use.began_ms > 50_000 for use in o.notes.tools)
    if sorry and not o.notes.faults and not stuck:
        yield f"{sorted(sorry)} though nothing failed"
    acts = [*(t.began_ms for t in o.notes.talk), *(at for at, _ in o.notes.keys)]
    finals = [at for at, text, final in o.notes.delivered if text and final]
    hangs = any("hangs" in each.options for each in o.script)
    for at, what in o.notes.faults:
        # Who acts may have cut what failed before that was known.
        known_ms = o.rules.reply_max_ms if hangs and what == "model" else 6_000
        alone = not any(at - 500 < act < at + known_ms for act in acts)
        alone = alone and not any(at < late < at + known_ms for late in finals)
        kept = any(at - 100 <= event.at_ms for event in (*noted, *lost, *o.of(Note)))
        felt = what != "voice" or not any(at < start < at + 4_500 for start, _ in o.sounds)
        felt = felt and (what != "stt" or at >= opened_ms(o))
        known = kept or not felt or at > o.ended_ms - 20_000
        if what in {"model", "voice", "stt"} and alone and not known:
            yield f"{what} failed at {at} and the record does not know"


def manners(o: Outcome) -> Iterator[str]:
    """The agent falls silent for who speaks, and does not begin over them."""
    if o.rules.barge_in_threshold_ms == 0 or ear.any_command(o, "machine") or ear.engine_died(o):
        return
    deaf = [link.at_ms for link in o.of(Link) if link.kind == "stt" and link.what == "failed"]
    for talk in ear.talks(o):
        if any(at < talk.ended_ms for at in deaf):
            continue  # who hears nothing any more says so and leaves
        known = max(ear.known_from(o, talk), talk.began_ms) + IN_FLIGHT_MS
        if any(talk.began_ms < at < talk.ended_ms for at, what in o.notes.faults if what == "stt"):
            known += CAUGHT_UP_MS
        # A word that a hold has broken in two is silent in between.
        over = sum(
            ear.within(max(known, began), min(talk.ended_ms, ended), o.sounds)
            for began, ended in ear.interruptible(o)
        )
        spoke = f"the caller who spoke from {talk.began_ms} to {talk.ended_ms}"
        if over > 100 and len(talk.words) > 1:
            yield f"{over:.0f} ms said over {spoke}"
        for start, _ in ear.interruptible(o):
            begins = not ear.overlaps(o, start - 250, start - 50)
            if begins and known < start < talk.ended_ms - 300 and len(talk.words) > 1:
                yield f"began at {start:.0f}, over {spoke}"


def person(o: Outcome) -> Iterator[str]:
    """Who has been answered is no machine."""
    machine = [at for at, what in o.notes.commands if what == "machine"]
    rows = [row for row in o.of(Row) if row.kind == "answer" and not row.interrupted]
    turns = [row.at_ms for row in rows]
    ended = o.summary is not None and o.summary.reason == "machine"
    if machine and ended and len(turns) >= 2 and turns[1] < machine[0]:
        yield "a person who was answered twice is treated as a machine"


def commands(o: Outcome) -> Iterator[str]:
    """What the application asks for is done, or refused at once."""
    for entry in o.notes.entries:
        waited = o.ended_ms - entry.began_ms
        # One that was cancelled with the answer that collected has returned, without digits.
        if entry.ended_ms is None and waited > entry.wait_ms + 15_000:
            yield f"collect_digits of {entry.began_ms} does not return"
    for place, (at, what) in enumerate(o.notes.commands, 1):
        # Of two orders the last counts: who is transferred after all is not hung up on.
        moved = any(later == "transfers" for _, later in o.notes.commands[place:])
        if moved and what == "hangs":
            continue
        # Nor is who speaks before an end that may be interrupted is heard.
        told = [came for came, text, _ in o.notes.delivered if text]
        told += [came for came, _ in o.notes.keys]
        if what == "hangs" and o.rules.goodbye_interruptible and ear.any_in(told, at, at + 15_000):
            continue
        if what in {"hangs", "drains"} and o.ended_ms - at > 15_000:
            yield f"{what} at {at}, and the call went on for {o.ended_ms - at} ms"
    refuses = any(each.who == "carrier" and each.does == "refuses" for each in o.script)
    for began, ended in o.notes.away:
        if refuses and (o.ended_ms if ended is None else ended) - began > 10_000:
            yield f"a transfer that was refused at {began} is waited for"
    said = set(ear.whole_sentences(o))
    for at, text, refused in o.notes.announced:
        quiet = not any(t.ended_ms > at - 500 for t in o.notes.talk) and not o.notes.lost
        # Late words take back the answer whose function says it.
        quiet = quiet and not any(came > at for came, words, _ in o.notes.delivered if words)
        leaves = {"hangs", "drains", "machine", "transfers"}
        ending = any(what in leaves for _, what in o.notes.commands)
        # An answer that waits for its tool goes first.
        tools = [use.ended_ms or o.ended_ms for use in o.notes.tools if use.began_ms < at]
        late = o.ended_ms - max([at, *tools]) > 20_000
        if not refused and text not in said and quiet and not ending and late:
            yield f"{text!r} was never said"


RULES: dict[str, Rule] = {
    rule.__name__: rule
    for rule in (
        silence,
        starved,
        repeated,
        answers,
        words,
        once,
        keys,
        heard,
        asked,
        answered,
        greeting,
        ends,
        errors,
        manners,
        person,
        commands,
    )
}


def problems(o: Outcome) -> dict[str, list[str]]:
    """What is wrong, by the rule that says so."""
    found = {name: list(rule(o)) for name, rule in RULES.items()}
    return {name: said for name, said in found.items() if said}
