"""The rule of the caller's words: each is in one row of the history, once."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator

from patter.call.link import LinkRules

from . import ear
from .notes import Question, Talk
from .recogniser import TAIL_MS as VOICE_TAIL_MS
from .world import Outcome

REPLAY_MS = LinkRules().replay_ms
"""So much audio is kept for the next recogniser."""
GIVEN_UP_MS = 3_000
"""A connection is given up so long after a final that does not come."""
SENT_MS, TOLD_MS = 100, 4_000
"""So long it takes to send what was said, and at most to tell it."""
SHORT_WORD_MS, FIRST_WORD_MS = 150, 500
"""So long it takes to say a word, and to say the first and be understood."""


def words(o: Outcome) -> Iterator[str]:
    """Each word of the caller is in one row of the history, once."""
    rows = Counter(
        word for row in o.history if row.role == "caller" for word in ear.plain(row.text)
    )
    noted = ear.words_of_listeners(o)
    for question in o.notes.questions:
        for word in question.told:
            twice = rows[word] > 1 and not ear.told_out_of_order(o)
            if twice and not ear.broken_up(o, word) and not as_if_repeated(o, word):
                yield f"{word!r} is in the history {rows[word]} times"
            elif not rows[word] and word not in noted and _must_be_kept(o, question, word):
                yield f"{word!r} is lost"


def as_if_repeated(o: Outcome, word: str) -> bool:
    """Was it final twice as it is for a caller who says it twice?

    Without positions, and with a voice in between that was long enough to say as much, and of
    which nothing else was told by then, nobody can know that it was said once.
    """
    if _places(o):
        return False
    if ear.is_told_by_another(o, word):
        return True
    finals = [(at, text) for at, text, final in o.notes.delivered if final and word in text.split()]
    for (first, _), (again, text) in itertools.pairwise(finals):
        since = max((began for began, _ in ear.voices(o) if began < again), default=again)
        told = any(text and since < at < again for at, text, _ in o.notes.delivered)
        if first < since < again and not told and _could_be_said(o, text, since, again):
            return True
    return False


def _could_be_said(o: Outcome, text: str, began_ms: float, at_ms: int) -> bool:
    """Was the voice from *began_ms* on one that can have said *text*, understood at *at_ms*?"""
    [ended_ms] = [end for began, end in ear.voices(o) if began == began_ms]
    least_ms = SHORT_WORD_MS * len(text.split())
    # Of who still speaks something was understood first.
    least_ms += FIRST_WORD_MS - SHORT_WORD_MS if ended_ms > at_ms - VOICE_TAIL_MS else 0
    return min(ended_ms, at_ms) - began_ms >= least_ms


def _must_be_kept(o: Outcome, question: Question, word: str) -> bool:
    came = [at for at, text, _ in o.notes.delivered if word in text.split()]
    if not came or ear.engine_died(o):
        lost = ear.broken_up(o, word) or _too_old_to_replay(o, word) or ear.untold(o, question)
        lost = lost or _died_in_between(o, question) or _overheard(o, word)
        return not lost and _should_have_come(o, question)
    if min(came) > o.ended_ms - 300 or ear.any_command(o, "machine") or ear.untold(o, question):
        return False
    if _taken_back(o, word) and not _was_final(o, word):
        return False
    if any(began - 100 <= min(came) <= (ended or o.ended_ms) for began, ended in o.notes.away):
        return False
    if o.rules.barge_in_threshold_ms == 0:
        return not any(ear.overlaps(o, at - 2_500, at + 100) for at in came)
    return True


def _taken_back(o: Outcome, word: str) -> bool:
    """Has the recogniser that told *word* said since, of the same words, that it was not there?

    An interim without it replaces an interim, and so does the final of the words before.
    """
    told = [at for at, text, _ in o.notes.delivered if word in text.split()]
    # Nobody listens to what is told of a caller who is away.
    told = [at for at in told if not ear.is_in(at, ear.absent(o))] or told[:1]
    last = max(at for at in told if at <= max(o.ended_ms, told[0]))
    later = [at for at, text, _ in o.notes.delivered if text and at > last]
    died = [at for at, what in o.notes.faults if what == "stt" and at >= last]
    return bool(later) and later[0] < min(died, default=later[0] + 1)


def _too_old_to_replay(o: Outcome, word: str) -> bool:
    """Did none come, or one die that had told nothing of it for longer than audio is kept?"""
    ended = _said_ms(o, word)
    died = _died(o) + [at + GIVEN_UP_MS for at, what in o.notes.faults if what == "final"]
    return ear.never_tells(o) or any(ended < at - REPLAY_MS for at in died)


def _said_ms(o: Outcome, word: str) -> float:
    """When *word* was said last: those of one voice are as long as each other."""
    return max((_ended_ms(each, word) for each in o.notes.talk if word in each.words), default=0)


def _ended_ms(talk: Talk, word: str) -> float:
    each_ms = (talk.ended_ms - talk.began_ms) / len(talk.words)
    return talk.began_ms + each_ms * (talk.words.index(word) + 1)


def _died(o: Outcome) -> list[int]:
    return [at for at, what in o.notes.faults if what == "stt"]


def _places(o: Outcome) -> bool:
    """Does the recogniser say where its words end?"""
    return any("positions" in each.options for each in o.script if each.who == "stt")


def _died_in_between(o: Outcome, question: Question) -> bool:
    """Did a recogniser die that had told some of *question* for good, without positions?

    The next hears what comes after the words that are final, which is what was sent until then.
    """
    if _places(o):
        return False
    told = set(question.told)
    finals = [at for at, text, final in o.notes.delivered if final and told & set(text.split())]
    first = min(finals, default=o.ended_ms)
    return any(what == "stt" and first <= at <= first + 1_000 for at, what in o.notes.faults)


def _overheard(o: Outcome, word: str) -> bool:
    """Did a recogniser die that owed *word*, and had told something else for good since?

    Without positions, what was sent until then is not sent to the next.
    """
    ended = _said_ms(o, word)
    died = [at for at in _died(o) if at < ended + TOLD_MS]
    finals = [at for at, _, final in o.notes.delivered if final and ended < at + SENT_MS]
    return not _places(o) and any(final <= at for final in finals for at in died)


def _was_final(o: Outcome, word: str) -> bool:
    """Had the recogniser said so for good, in time for anybody to hear it?"""
    finals = [at for at, text, final in o.notes.delivered if final and word in text.split()]
    return bool(finals) and min(finals) <= o.ended_ms - 300


def _should_have_come(o: Outcome, question: Question) -> bool:
    """Was there time for a recogniser, or the next one, to tell words that were said?"""
    ended = question.ended_ms
    if ended is None or ended > o.ended_ms - 15_000 or "cease" in question.options:
        return False
    absent = [(began - 8_000, end + 1_000) for began, end in ear.absent(o)]
    return not ear.is_in(ended, absent) and o.rules.barge_in_threshold_ms > 0
