"""What of the caller's words is new: recognisers repeat, revise and come late.

Pure. Words that were committed, or taken as an interim, are taken once: their final, however
late, is not said again. What it adds belongs to the turn it was spoken in.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from patter.call.turn.events import CallerWords
from patter.call.turn.state import CallerStatus, TurnState, plain_words

SLACK_MS = 300
"""By how much a recogniser may place the end of its words behind the end of the voice."""
WORD_MS = 500
"""Nobody says a word, and no recogniser understands it, sooner after a voice began."""
SHORT_WORD_MS = 150
"""Nobody says so many words in less, each."""
REPLAY_MS = 8_000
"""A recogniser that takes over is sent no more than this of a turn that is over."""
LATE_MS, LATE_INTERIM_MS = 3_000, 1_000
"""A final, and an interim, without a position that comes later than this is of another voice."""


@attrs.frozen
class SortedWords:
    """*new* words of the caller's turn; or what the turn before really was, *amended*.

    *unconfirmed* is what of the committed words still waits for its final; the new ones *continue*
    it, if the recogniser still tells both together. *overtaken*: it waited, and the final of later
    words came first.
    """

    new: str = ""
    amended: str = ""
    unconfirmed: str = ""
    continues: bool = False
    overtaken: str = ""


def sort_words(state: TurnState, event: CallerWords) -> SortedWords:
    """Which words of *event* nobody has taken yet."""
    text = event.text.strip()
    if not text:
        return SortedWords(unconfirmed=state.unconfirmed, overtaken=state.overtaken)
    if state.unconfirmed:
        return _confirmed(state, event, text)
    if _is_of_overtaken(state, event):
        return _caught_up(state, text)
    if _is_replay(state, event):
        return SortedWords(overtaken=state.overtaken)
    placed = event.end_ms is not None
    if _is_late(state, event) and (placed or state.caller is CallerStatus.QUIET):
        added = after(state.committed, text)
        if not added or _ends_with(state.committed, text):
            return SortedWords(overtaken=state.overtaken)
        # What comes next may tell an interim again, and more.
        waits, amended = "" if event.final else text, joined(state.committed, added)
        return SortedWords(amended=amended, unconfirmed=waits, overtaken=state.overtaken)
    # Another final may overtake it, too. Without a detector it could be what is said next.
    overtaken = state.overtaken if state.rules.vad else ""
    return SortedWords(new=_unrepeated(state, event, text), overtaken=overtaken)


def words_end_ms(state: TurnState, event: CallerWords) -> int:
    """When the words of *event* ended: as it says, else with the voice, else now.

    Too long after a voice they are of one that nobody detected, which is sooner of an interim after
    others; and while there is one an interim is of that.
    """
    if event.end_ms is not None:
        return event.end_ms
    since_voice_ms = event.at_ms - state.voice_ended_ms
    unknown = not state.rules.vad or state.voice_on or state.voice_ended_ms < 0
    awaited = event.final or _told_ms(state) < state.voice_began_ms
    if unknown or since_voice_ms > (LATE_MS if awaited else LATE_INTERIM_MS):
        return event.at_ms
    return state.voice_ended_ms


def _told_ms(state: TurnState) -> int:
    """When words of the caller were told last."""
    return max([state.worded_ms, *(at_ms for _, at_ms in state.finals)])


def precede_voice(state: TurnState, event: CallerWords) -> bool:
    """Were the words of *event* said before the voice began that goes on now?"""
    if not state.voice_on:
        return False
    if event.end_ms is not None:
        return event.end_ms <= state.voice_began_ms
    another = state.voice_ended_ms > state.turn_end_ms
    return another and event.at_ms - state.voice_began_ms < WORD_MS


def least_same(state: TurnState, event: CallerWords) -> int:
    """How many words show that *event* goes on with the interim: one, if it must begin in it."""
    began_ms = event.heard_from_ms
    return 1 if began_ms is not None and state.voice_began_ms < began_ms else 2


def joined(*parts: str) -> str:
    """The non-empty *parts* with a space between them."""
    return " ".join(filter(None, parts))


def in_place_of(before: str, text: str, *, final: bool = True, least: int = 2) -> str:
    """*text*, which is told instead of *before*, after what it leaves out in front of it.

    A recogniser that took over heard the last seconds alone: of a long sentence it tells the end,
    and until it has caught up, which is no *final*, all of *before* stands. So many words at
    *least* must be the same.

    >>> in_place_of("I should like a table", "a table for two")
    'I should like a table for two'
    """
    old, new = plain_words(before), plain_words(text)
    at = _place(old, new, least)
    if not at:
        return text
    if not final and at + len(new) <= len(old):
        return before
    return joined(*before.split()[:at], text)


def _place(old: Sequence[str], new: Sequence[str], least: int = 2) -> int | None:
    """Where in *old* the words *new* begin to tell the same, to the end of one of them.

    None: nowhere, or in the middle with fewer words than *least*, which is chance.
    """
    for at in range(len(old)):
        size = min(len(new), len(old) - at)
        enough = not at or size >= min(least, len(new))
        if enough and old[at : at + size] == new[:size]:
            return at
    return None


def _confirmed(state: TurnState, event: CallerWords, text: str) -> SortedWords:
    """Words that come while some of the committed ones still wait for their final."""
    old, new = plain_words(state.unconfirmed), plain_words(text)
    heard_ms = _heard_again_ms(state, event)
    # Less than the old words take: it cannot tell them whole.
    retold = heard_ms is not None and heard_ms < WORD_MS * len(old)
    least = 2 if heard_ms is None else 1
    at = _place(old, new, least)
    repeated = len(old) if at is None else len(old) - at
    late = _is_late(state, event) and not _goes_on(state, new[repeated:])
    # A voice is needed to say them once more.
    same = late or retold or _answers_for_old(state, event) or _nobody_spoke(state)
    if at is not None and len(new) <= repeated and same:
        rest = " ".join(state.unconfirmed.split()[at + len(new) :])
        return SortedWords(unconfirmed=rest if event.final else state.unconfirmed)
    if late:
        return _revised(state, event, text, least)
    # Finals come in order: what the old words waited for is in this one, or comes out of order.
    continues = at is not None and len(new) > repeated
    rest = " ".join(text.split()[repeated:]) if continues else text
    if not event.final:
        return SortedWords(new=rest, unconfirmed=state.unconfirmed, continues=continues)
    overtaken = "" if continues else state.unconfirmed
    return SortedWords(new=rest, continues=continues, overtaken=overtaken)


def _revised(state: TurnState, event: CallerWords, text: str, least: int) -> SortedWords:
    """Other words than those that wait: what they really were, or if nothing is shared, more."""
    waiting = state.unconfirmed
    if waiting not in state.committed:
        added = joined(state.committed, _beyond(waiting, text, least))
        return SortedWords(amended=added, unconfirmed="" if event.final else text)
    if not shares(waiting, text):
        if _is_replay(state, event):
            return SortedWords(unconfirmed=waiting)
        return SortedWords(amended=joined(state.committed, text), unconfirmed=waiting)
    return SortedWords(
        amended=_replaced(state.committed, waiting, text, least),
        unconfirmed="" if event.final else text,
    )


def _replaced(committed: str, waiting: str, text: str, least: int = 2) -> str:
    """*committed* with *text* where *waiting* is in it."""
    before, _, after = committed.rpartition(waiting)
    return joined(before.strip(), in_place_of(waiting, text, least=least), after.strip())


def _beyond(row: str, text: str, least: int = 2) -> str:
    """What *text* says beyond the words of *row*, which came before."""
    old, new = plain_words(row), plain_words(text)
    at = _place(old, new, least)
    return text if at is None else " ".join(text.split()[len(old) - at :])


def _goes_on(state: TurnState, beyond: Sequence[str]) -> bool:
    """Do the words *beyond* the committed ones begin with those told of this turn so far?"""
    interim = plain_words(state.interim)
    return state.continues and bool(interim) and list(beyond[: len(interim)]) == interim


def _heard_again_ms(state: TurnState, event: CallerWords) -> int | None:
    """How much of the turn that is over a recogniser was sent that took over; None: not known."""
    if event.heard_from_ms is None:
        return None
    heard_ms = state.turn_end_ms - event.heard_from_ms
    return heard_ms if -SLACK_MS <= heard_ms < REPLAY_MS else None


def _nobody_spoke(state: TurnState) -> bool:
    return state.rules.vad and not state.spoke_since


def _is_of_overtaken(state: TurnState, event: CallerWords) -> bool:
    """Is this the final that later words overtook, and not what a voice has said since?"""
    if not (state.overtaken and event.final and state.finals):
        return False
    if _place(plain_words(state.overtaken), plain_words(event.text)) is None:
        return False
    if event.end_ms is not None:
        return event.end_ms <= state.consumed_ms
    return event.at_ms - state.finals[-1][1] <= LATE_MS and not _has_time_for(state, event)


def _caught_up(state: TurnState, text: str) -> SortedWords:
    """The final of words that are in a row already: what it adds goes where they are, or after."""
    added = _beyond(state.overtaken, text)
    if not added:
        return SortedWords()
    if state.caller is not CallerStatus.QUIET:
        return SortedWords(new=added)
    if state.overtaken in state.committed:
        return SortedWords(amended=_replaced(state.committed, state.overtaken, text))
    return SortedWords(amended=joined(state.committed, added))


def shares(waiting: str, text: str) -> bool:
    """Is *text* another version of the words that wait for it?"""
    return bool(set(plain_words(waiting)) & set(plain_words(text))) or _begins(waiting, text)


def _begins(part: str, text: str) -> bool:
    """Is *part* the first letters of *text*, as an interim cut in mid-word is?"""
    return "".join(plain_words(text)).startswith("".join(plain_words(part)))


def _answers_for_old(state: TurnState, event: CallerWords) -> bool:
    """May a final without a position be that of the old words, though a voice came since?"""
    new = plain_words(event.text)
    of_interim = bool(state.interim) and plain_words(state.interim)[: len(new)] == new
    return event.final and event.end_ms is None and not of_interim


def _is_late(state: TurnState, event: CallerWords) -> bool:
    """Were these words spoken in the turn that is committed already?"""
    if not state.turn or not state.committed or state.reopened:
        return False
    if event.end_ms is not None:
        of_this_voice = state.spoke_since and event.end_ms > state.voice_began_ms
        # Words that end as they are told were written: no recogniser is that quick.
        fresh = of_this_voice or event.end_ms >= event.at_ms
        return event.end_ms <= state.turn_end_ms + SLACK_MS and not fresh
    if _is_rest_of_interim(state, event):
        return True
    soon = bool(state.unconfirmed) or event.at_ms - state.turn_end_ms <= LATE_MS
    return state.rules.vad and not state.spoke_since and soon


def _is_rest_of_interim(state: TurnState, event: CallerWords) -> bool:
    """Do they tell what an engine had understood a part of when it ended the turn?

    It may end one before it says that the voice has ended.
    """
    soon = event.at_ms - state.turn_end_ms <= LATE_MS
    if state.rules.needs_words or state.caller is not CallerStatus.QUIET or not soon:
        return False
    return bool(state.unconfirmed) and shares(state.unconfirmed, event.text)


def _is_replay(state: TurnState, event: CallerWords) -> bool:
    """Are these words old, or a final that is told twice?"""
    if event.end_ms is not None:
        return event.end_ms <= state.consumed_ms and _repeats_words(state, event.text)
    since_ms, words = event.at_ms - state.rules.repeat_ms, plain_words(event.text)
    is_repeated = any(
        at_ms >= since_ms and plain_words(text) == words for text, at_ms in state.finals
    )
    return event.final and is_repeated and not _has_time_for(state, event)


def _repeats_words(state: TurnState, text: str) -> bool:
    """Are most of these words among those that were told? Some recognisers tell out of order."""
    finals = " ".join(final for final, _ in state.finals)
    before = {*plain_words(joined(state.committed, state.open_text, finals))}
    words = plain_words(text)
    return 2 * sum(word in before for word in words) >= len(words)


def _has_time_for(state: TurnState, event: CallerWords) -> bool:
    """Has there been a voice since the last final, for long enough to say words, and these?"""
    if state.voice_began_ms < state.finals[-1][1]:
        return False
    if state.interim:
        return shares(state.interim, event.text)
    until_ms = event.at_ms if state.voice_on else state.voice_ended_ms
    least_ms = SHORT_WORD_MS * len(event.text.split())
    if state.voice_on:
        # It takes as long until a first word is understood.
        least_ms += WORD_MS - SHORT_WORD_MS
    return until_ms - state.voice_began_ms >= least_ms


def _unrepeated(state: TurnState, event: CallerWords, text: str) -> str:
    """*text* without what it repeats of the committed words, told again soon after."""
    soon = event.at_ms - state.committed_ms <= state.rules.repeat_ms
    if event.end_ms is None and soon and state.caller is CallerStatus.QUIET:
        return after(state.committed, text)
    return text


def _ends_with(committed: str, text: str) -> bool:
    words = plain_words(text)
    return plain_words(committed)[-len(words) :] == words


def after(committed: str, text: str) -> str:
    """*text* without *committed* in front; empty if it only begins to repeat it."""
    old, new = plain_words(committed), plain_words(text)
    if new[: len(old)] != old[: len(new)]:
        return text.strip()
    return " ".join(text.split()[len(old) :])
