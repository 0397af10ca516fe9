"""What the caller's words prove: an interruption, a listener's noise, the end of a turn.

Pure, by the words of `TurnRules.language`; without a language every word is as good as another.
"""

from __future__ import annotations

from patter.call.turn.events import UtteranceKind
from patter.call.turn.rules import TurnRules
from patter.call.turn.state import Reply, TurnState, plain_words
from patter.text.listener_words import (
    ListenerWords,
    ends_with_any,
    holds_any,
    is_made_of,
    listener_words,
)

SHORT, LONG = 0.6, 1.6
"""How the pause before an answer changes after a complete answer, and in mid-sentence."""
NUMBER_DONE = 10
"""A number that was asked for is complete with so many digits."""


def interrupts(state: TurnState, reply: Reply) -> bool:
    """Are the words spoken over *reply* enough to cut it?"""
    rules = state.rules
    return 0 < rules.barge_in_min_words <= _counted(state, reply)


def only_listens(state: TurnState, reply: Reply) -> bool:
    """Are there words, and none that mean more than "I am still here"?"""
    return bool(state.open_text) and not state.keyed and not _counted(state, reply)


def contradicts(rules: TurnRules, text: str) -> bool:
    """Do these words take back what was said before?"""
    return holds_any(plain_words(text), listener_words(rules.language).contradictions)


def speak_after_ms(rules: TurnRules, text: str, reply_to: str, *, finished: bool = False) -> int:
    """How long after the voice an answer to *text* may be heard, which replied to *reply_to*.

    Sooner after a complete short answer, or where a turn detector takes the caller to be
    *finished*; later after a sentence that is not over, and while a number, an address or a
    spelling that was asked for still grows.
    """
    words, lexicon = plain_words(text), listener_words(rules.language)
    if _goes_on(words, plain_words(reply_to), lexicon):
        return round(rules.speak_after_ms * LONG)
    short = is_made_of(words, lexicon.answers | lexicon.backchannels)
    if finished or short or text.rstrip().endswith("?"):
        return round(rules.speak_after_ms * SHORT)
    return rules.speak_after_ms


def _counted(state: TurnState, reply: Reply) -> int:
    """How many words speak against *reply*: none, if a listener says as much.

    After a question nothing is only listening: "yes" is the answer.
    """
    words, lexicon = plain_words(state.open_text), listener_words(state.rules.language)
    is_question = state.reply_to.rstrip().endswith("?")
    harmless = frozenset() if is_question else lexicon.backchannels
    if reply.kind is UtteranceKind.GREETING or not reply.audible:
        harmless |= lexicon.salutations
    return 0 if is_made_of(words, harmless) else len(words)


def _goes_on(words: list[str], before: list[str], lexicon: ListenerWords) -> bool:
    """Is more to come: after "and", or of a number that was asked for?"""
    if not words:
        return False
    if holds_any(before, lexicon.spelled) and _spells(words[-1], lexicon):
        digits = sum(len(word) if word.isdigit() else word in lexicon.digits for word in words)
        return digits < NUMBER_DONE
    return ends_with_any(words, lexicon.unfinished)


def _spells(word: str, lexicon: ListenerWords) -> bool:
    return word.isdigit() or len(word) == 1 or word in lexicon.digits
