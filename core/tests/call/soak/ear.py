"""What the caller heard and when, put so that rules are short."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from patter.call.turn.state import plain_words
from patter.observe.events import Note, Row
from patter.text.listener_words import is_made_of, listener_words

from .model import REASSURANCE
from .notes import Question, Talk
from .recogniser import OPEN_MS, TAIL_MS
from .world import Heard, Outcome

Span = tuple[float, float]
KEYS = re.compile(r"\[(?:DTMF:|keys) ([^\]]*)\]")
VOICE_AHEAD_MS = 300
"""So much sooner than it is heard a voice may make its sound, and fail."""
ONE_ITEM_MS = 4_000
"""What an engine has understood as one item was said in so long."""
LATE_MS = 2_000
"""A final that comes so late may come after those of the next words."""
UNCLAIMED_MS = 560
"""So much may have been heard and not be in the row: the end of a word is an estimate."""


def plain(text: str) -> list[str]:
    """The caller's words in a row, without keys."""
    return KEYS.sub(" ", text).split()


def keys_of(o: Outcome) -> Iterator[str]:
    """The keys that somebody got: in rows and in entries."""
    for row in o.history:
        if row.role == "caller":
            for group in KEYS.findall(row.text):
                yield from group
    for entry in o.notes.entries:
        if entry.digits and not entry.digits.startswith("!"):
            yield from entry.digits


def within(began: float, ended: float, spans: Iterable[Span]) -> float:
    """How much of *spans* lies between two moments."""
    return sum(max(0.0, min(ended, end) - max(began, start)) for start, end in spans)


def is_in(at: float, spans: Iterable[Span]) -> bool:
    """Does a moment lie in one of *spans*?"""
    return any(start <= at <= end for start, end in spans)


def any_in(moments: Iterable[float], began: float, ended: float) -> bool:
    """Does one of *moments* lie between two others?"""
    return any(began <= at <= ended for at in moments)


def never_opens(o: Outcome, who: str) -> bool:
    """Can *who*, the recogniser or the voice, be connected at no time?"""
    who = "stt" if has_engine(o) else who
    return any(each.who == who and each.number("opens") > OPEN_MS for each in o.script)


def never_tells(o: Outcome) -> bool:
    """Is there nobody to write down what was said? An engine may answer without."""
    return never_opens(o, "stt") or has_engine(o)


def untold(o: Outcome, question: Question) -> bool:
    """Does an engine tell the words of *question* neither before it answers nor after?

    What is said without a pause in between is one item, with one final.
    """
    late = any(each.options.get("interim", "0") in {"never", "600"} for each in o.script)
    ended = question.ended_ms or 0
    never = [q.ended_ms or 0 for q in o.notes.questions if q.options.get("final") == "never"]
    return has_engine(o) and late and any(ended <= at < ended + ONE_ITEM_MS for at in never)


def broken_up(o: Outcome, word: str) -> bool:
    """Was the line away while *word* was said, so that it was heard in pieces?"""
    spans = [(began - 100, end + 100) for began, end in absent(o)]
    return any(within(t.began_ms, t.ended_ms, spans) for t in o.notes.talk if word in t.words)


def engine_died(o: Outcome) -> bool:
    """Was an engine lost, and with it what it had not told for good?"""
    return has_engine(o) and any(what == "stt" for _, what in o.notes.faults)


def told_out_of_order(o: Outcome) -> bool:
    """Does an engine write down late what was said, after what was said later?"""
    finals = [q.options.get("final", "0") for q in o.notes.questions]
    return has_engine(o) and any(each.isdigit() and int(each) >= LATE_MS for each in finals)


def starves_ms(o: Outcome) -> int:
    """How long who speaks may hear nothing at all; without a filler for longer, as of an engine."""
    silent_ms = 0 if o.rules.filler_ms else 8_000
    return 45_000 if has_engine(o) else 20_000 + silent_ms


def opens_late_ms(o: Outcome) -> int:
    """How long an engine is connected after the call has begun."""
    lines = {each.who: each for each in o.script if not each.when and not each.words}
    if not has_engine(o) or "stt" not in lines:
        return 0
    return max(0, lines["stt"].number("opens") - lines["given"].number("rings"))


def has_engine(o: Outcome) -> bool:
    """Is recogniser, model and voice one vendor's?"""
    return any("engine" in each.options for each in o.script if each.who == "given")


def overlaps(o: Outcome, began: float, ended: float) -> bool:
    """Is the agent heard at all between two moments?"""
    return within(began, ended, o.sounds) > 0


def absent(o: Outcome, before_ms: int = 0) -> list[Span]:
    """When the caller was with somebody else, or the leg was lost."""
    spans = [*o.notes.away, *o.notes.lost]
    return [(began - before_ms, o.ended_ms if end is None else end + 600) for began, end in spans]


def silent_tools(o: Outcome) -> list[Span]:
    """When a tool ran of which this agent tells no news."""
    if o.rules.progress_ms:
        return []
    return [
        (use.began_ms, o.ended_ms if use.ended_ms is None else use.ended_ms)
        for use in o.notes.tools
    ]


def any_command(o: Outcome, name: str) -> bool:
    """Did somebody ask for *name*?"""
    return any(what == name for _, what in o.notes.commands)


def instances(o: Outcome) -> dict[int, list[Heard]]:
    """What was heard of each sentence that a voice made, in order."""
    found: dict[int, list[Heard]] = defaultdict(list)
    for each in o.heard:
        found[o.notes.spoken[each.code].instance].append(each)
    return found


def whole_sentences(o: Outcome) -> list[str]:
    """Sentences that were heard to their end, as often as they were."""
    found = []
    for pieces in instances(o).values():
        sentence = o.notes.spoken[pieces[0].code].sentence
        if len({each.code for each in pieces if each.whole}) == len(sentence.split()):
            found.append(sentence)
    return found


def span_of(o: Outcome, sentence: str) -> Span | None:
    """From when to when the first saying of *sentence* was heard, if any of it was."""
    for pieces in instances(o).values():
        if o.notes.spoken[pieces[0].code].sentence == sentence:
            return pieces[0].at_ms, pieces[-1].until_ms
    return None


def audible_requests(o: Outcome) -> set[int]:
    """Requests of whose answer a word was heard."""
    sentences = {o.notes.spoken[each.code].sentence for each in o.heard if each.whole}
    return {o.notes.answers[each] for each in sentences if each in o.notes.answers}


def said_after(o: Outcome, began: float, ended: float) -> set[str]:
    """Sentences of which something was heard between two moments."""
    return {
        o.notes.spoken[each.code].sentence for each in o.heard if began <= each.until_ms <= ended
    }


def talks(o: Outcome) -> list[Talk]:
    """When the caller spoke words without a pause, and which."""
    found: list[Talk] = []
    for each in o.notes.talk:
        if each.words and found and each.began_ms - found[-1].ended_ms < 60:
            last = found[-1]
            found[-1] = Talk(last.began_ms, each.ended_ms, last.words + each.words)
        elif each.words:
            found.append(each)
    return found


def voices(o: Outcome) -> list[Span]:
    """When the caller was heard without a pause, words or mere sound."""
    found: list[Span] = []
    for each in o.notes.talk:
        if found and each.began_ms - found[-1][1] < TAIL_MS:
            found[-1] = found[-1][0], each.ended_ms
        else:
            found.append((each.began_ms, each.ended_ms))
    return found


def words_of_listeners(o: Outcome) -> set[str]:
    """Words that were taken for those of a caller who only listens."""
    return {word for note in o.of(Note) for word in note.text.split()}


def is_told_by_another(o: Outcome, word: str) -> bool:
    """Did a recogniser die that had told *word* as an interim, and the next, after a new voice,
    tell all that was said with it?
    """
    told = [each for each in o.notes.delivered if word in each[1].split()]
    question = o.notes.about(word)
    if not told or told[0][2] or not question or set(question.told) - set(told[-1][1].split()):
        return False
    first, last = told[0][0], told[-1][0]
    died = any(what == "stt" and first <= at <= last for at, what in o.notes.faults)
    return died and any(first < began < last for began, _ in voices(o))


def known_from(o: Outcome, talk: Talk) -> float:
    """From when on the call knows that *talk* is no mere sound: by its length, or by its words."""
    if o.rules.barge_in_mode == "cancel":
        # Of a voice on a line that is away nothing is heard until it is back.
        return max([float(talk.began_ms), *_back(o, talk)]) + o.rules.evidence_ms
    told = {word for q in o.notes.questions for word in q.told_of(talk.words)}
    enough = max(2, o.rules.barge_in_min_words)
    # A line that was away in the middle brought another voice when it was back.
    began = max([talk.began_ms, *_back(o, talk)])
    came = [
        at
        for at, text, _ in o.notes.delivered
        if at > began and len(set(text.split()) & told) >= enough and not _listens(o, text)
    ]
    return min(came, default=float(talk.ended_ms))


def _back(o: Outcome, talk: Talk) -> list[float]:
    """When the line was back that had been away during *talk*."""
    return [end for began, end in absent(o) if began < talk.ended_ms and end > talk.began_ms]


def _listens(o: Outcome, text: str) -> bool:
    """Are these the words of a listener, and of who greets, and no others?"""
    known = listener_words(o.rules.language)
    return is_made_of(plain_words(text), known.backchannels | known.salutations)


def interruptible(o: Outcome) -> list[Span]:
    """When something was heard that a caller may interrupt: no farewell, no firm greeting."""
    firm = set(o.phrases.goodbyes.values())
    if not o.rules.greeting_interruptible:
        firm.add(o.phrases.greeting)
    spans: list[Span] = []
    for each in o.heard:
        if o.notes.spoken[each.code].sentence in firm:
            continue
        if spans and each.at_ms - spans[-1][1] < 1:
            spans[-1] = (spans[-1][0], each.until_ms)
        else:
            spans.append((each.at_ms, each.until_ms))
    closing = [at for at, what in o.notes.commands if what in {"hangs", "drains", "transfers"}]
    until = min(closing, default=o.ended_ms)
    return [(began, min(ended, until)) for began, ended in spans if began < until - 1]


def compare(o: Outcome) -> Iterator[str]:
    """Hold the agent's rows against the ear, word by word."""
    fillers = {o.phrases.filler, o.phrases.progress}
    if has_engine(o):
        fillers.add(REASSURANCE)
    stream = [each for each in o.heard if o.notes.spoken[each.code].sentence not in fillers]
    short = _hardly_heard(o)
    at, row_before_ms = 0, -1
    for row in o.of(Row):
        if row.role != "agent":
            continue
        # What was heard before that row was written is not of this one, nor of one without words.
        since_ms, row_before_ms = row_before_ms, row.at_ms
        if not row.text or any(map(row.text.startswith, fillers)):
            continue
        if row.kind == "reprompt" and any(each.startswith(row.text) for each in fillers):
            continue
        while at < len(stream) and o.notes.spoken[stream[at].code].instance in short:
            if stream[at].at_ms >= since_ms and _begins(o, stream[at:], row.text.split()):
                break
            at += 1
        before = at
        at, wrong = _match(o, stream, at, row.text.split())
        whole = {each.code for each in stream[before:at] if each.whole}
        # Its end is estimated where the line stands still for longer than a mark is waited for.
        parts = stream[before : at - _stood_still(o, row)]
        if not row.interrupted and any(each.code not in whole for each in parts):
            wrong = wrong or "not all of it was heard"
        if wrong:
            yield f"row {row.text!r} ({row.kind} at {row.at_ms}): {wrong}"
            return
    rest = [each for each in stream[at:] if o.notes.spoken[each.code].instance not in short]
    if rest:
        yield f"heard and in no row: {' '.join(o.notes.spoken[each.code].word for each in rest)!r}"


def _stood_still(o: Outcome, row: Row) -> bool:
    """Did the line stand still while *row* was being said?"""
    return any(
        what == "leg" and row.began_ms <= at <= row.at_ms
        for at, what in o.notes.faults
        if row.began_ms is not None
    )


def _hardly_heard(o: Outcome) -> set[int]:
    """Sentences of which so little was heard that no row need know."""
    found = set()
    for instance, pieces in instances(o).items():
        words = o.notes.spoken[pieces[0].code].sentence.split()
        whole = len(pieces) == len(words) and all(each.whole for each in pieces)
        # Of a voice that has stalled nobody knows that this was the end of the sentence.
        span = pieces[0].at_ms - VOICE_AHEAD_MS, pieces[-1].until_ms
        whole &= not any(what == "voice" and is_in(at, [span]) for at, what in o.notes.faults)
        if 10 * sum(each.frames for each in pieces) < UNCLAIMED_MS and not whole:
            found.add(instance)
    return found


def _begins(o: Outcome, stream: Sequence[Heard], words: Sequence[str]) -> bool:
    """Are *words* the next ones heard, as far as a row is exact?"""
    ahead = [o.notes.spoken[each.code].word for each in stream[: len(words)]]
    return (
        len(ahead) >= len(words) - 1
        and ahead[: len(words) - 1] == list(words)[: len(ahead)][: len(words) - 1]
    )


def _match(o: Outcome, stream: Sequence[Heard], at: int, words: Sequence[str]) -> tuple[int, str]:
    """Take *words* off the stream of the ear, and the rest of a sentence that a row leaves out."""
    last = code = -1
    for place, word in enumerate(words):
        while o.notes.lost and at < len(stream) and stream[at].code <= code:
            at += 1  # a lost leg may have played a word that the next one says again
        here = stream[at] if at < len(stream) else None
        if here is None or o.notes.spoken[here.code].word != word:
            if place == len(words) - 1:
                break
            found = o.notes.spoken[here.code].word if here else "nothing"
            return at, f"word {place} is {word!r}, heard was {found!r}"
        last, code = o.notes.spoken[here.code].instance, here.code
        at += 1
    skipped = list[float]()
    while at < len(stream) and o.notes.spoken[stream[at].code].instance == last:
        skipped.append(10 * stream[at].frames * stream[at].whole)
        at += 1
    # An estimate may leave out the word that was said last, however long it is.
    if sum(skipped) > max(UNCLAIMED_MS, *skipped, 0):
        return at, f"{sum(skipped):.0f} ms more of it were heard"
    return at, ""
