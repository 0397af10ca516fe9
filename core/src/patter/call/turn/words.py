"""What of the caller's words is new: recognisers repeat, revise and come late.

Pure. Words that were committed, or taken as an interim, are taken once: their final, however
late, is not said again. What it adds belongs to the turn it was spoken in.
"""

from __future__ import annotations

import attrs

from patter.call.turn.events import CallerWords
from patter.call.turn.state import CallerStatus, TurnState, plain_words

SLACK_MS = 300
"""By how much a recogniser may place the end of its words behind the end of the voice."""
WORD_MS = 500
"""Nobody says a word, and no recogniser understands it, sooner after a voice began."""
LATE_MS = 3_000
"""A final without a position that comes later than this is of another voice."""


@attrs.frozen
class SortedWords:
    """*new* words of the caller's turn; or what the turn before really was, *amended*.

    *unconfirmed* is what of the committed words still waits for its final; the new ones *continue*
    it, if the recogniser still tells both together.
    """

    new: str = ""
    amended: str = ""
    unconfirmed: str = ""
    continues: bool = False


def sort_words(state: TurnState, event: CallerWords) -> SortedWords:
    """Which words of *event* nobody has taken yet."""
    text = event.text.strip()
    if not text:
        return SortedWords(unconfirmed=state.unconfirmed)
    if state.unconfirmed:
        return _confirmed(state, event, text)
    if _is_replay(state, event):
        return SortedWords()
    placed = event.end_ms is not None
    if _is_late(state, event) and (placed or state.caller is CallerStatus.QUIET):
        added = _after(state.committed, text)
        told = not added or _ends_with(state.committed, text)
        return SortedWords(amended="" if told else joined(state.committed, added))
    return SortedWords(new=_unrepeated(state, event, text))


def words_end_ms(state: TurnState, event: CallerWords) -> int:
    """When the words of *event* ended: as it says, else with the voice, else now.

    Interims come while one speaks; and a final too long after a voice is of one nobody detected.
    """
    if event.end_ms is not None:
        return event.end_ms
    since_voice_ms = event.at_ms - state.voice_ended_ms
    unknown = not state.rules.vad or state.voice_on or state.voice_ended_ms < 0
    if unknown or not event.final or since_voice_ms > LATE_MS:
        return event.at_ms
    return state.voice_ended_ms


def joined(*parts: str) -> str:
    """The non-empty *parts* with a space between them."""
    return " ".join(filter(None, parts))


def _confirmed(state: TurnState, event: CallerWords, text: str) -> SortedWords:
    """Words that come while some of the committed ones still wait for their final."""
    old, new = plain_words(state.unconfirmed), plain_words(text)
    late = _is_late(state, event)
    repeats = new == old[: len(new)] and (late or _answers_for_old(state, event))
    if repeats:
        rest = " ".join(state.unconfirmed.split()[len(new) :])
        return SortedWords(unconfirmed=rest if event.final else state.unconfirmed)
    if late:
        return _revised(state, event, text)
    # Finals come in order: what the old words waited for is in this one, or never comes.
    continues = len(new) > len(old) and new[: len(old)] == old
    rest = " ".join(text.split()[len(old) :]) if continues else text
    still = "" if event.final else state.unconfirmed
    return SortedWords(new=rest, unconfirmed=still, continues=continues)


def _revised(state: TurnState, event: CallerWords, text: str) -> SortedWords:
    """Other words than those that wait: what they really were, or if nothing is shared, more."""
    waiting = state.unconfirmed
    if waiting not in state.committed:
        return SortedWords(amended=joined(state.committed, text))
    if not _shares(waiting, text):
        return SortedWords(amended=joined(state.committed, text), unconfirmed=waiting)
    before, _, after = state.committed.rpartition(waiting)
    rest = "" if event.final else text
    return SortedWords(amended=joined(before.strip(), text, after.strip()), unconfirmed=rest)


def _shares(waiting: str, text: str) -> bool:
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
    return bool(state.unconfirmed) and _shares(state.unconfirmed, event.text)


def _is_replay(state: TurnState, event: CallerWords) -> bool:
    """Are these words old, or a final that is told twice?"""
    if event.end_ms is not None:
        return event.end_ms <= state.consumed_ms and _is_known(state, event.text)
    since_ms, words = event.at_ms - state.rules.repeat_ms, plain_words(event.text)
    told = any(at_ms >= since_ms and plain_words(text) == words for text, at_ms in state.finals)
    return event.final and told and not _said_again(state, event)


def _is_known(state: TurnState, text: str) -> bool:
    """Are most of these words among those that were told? Some recognisers tell out of order."""
    known = {*plain_words(state.committed), *plain_words(state.open_text)}
    words = plain_words(text)
    return 2 * sum(word in known for word in words) >= len(words)


def _said_again(state: TurnState, event: CallerWords) -> bool:
    """Has there been a voice since the last final, for long enough to say words?"""
    spoken_ms = event.at_ms - state.voice_began_ms
    fresh = state.voice_began_ms >= state.finals[-1][1]
    return fresh and (spoken_ms >= WORD_MS or bool(state.interim) or not state.voice_on)


def _unrepeated(state: TurnState, event: CallerWords, text: str) -> str:
    """*text* without what it repeats of the committed words, told again soon after."""
    soon = event.at_ms - state.committed_ms <= state.rules.repeat_ms
    if event.end_ms is None and soon and state.caller is CallerStatus.QUIET:
        return _after(state.committed, text)
    return text


def _ends_with(committed: str, text: str) -> bool:
    words = plain_words(text)
    return plain_words(committed)[-len(words) :] == words


def _after(committed: str, text: str) -> str:
    """*text* without *committed* in front; empty if it only begins to repeat it."""
    old, new = plain_words(committed), plain_words(text)
    if new[: len(old)] != old[: len(new)]:
        return text.strip()
    return " ".join(text.split()[len(old) :])
