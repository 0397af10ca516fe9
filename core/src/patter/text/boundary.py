"""Does a sentence end at this mark? Decided by the words on both sides of it. Pure.

No sentence ends before a word in lower case. What cannot be told yet is None: the answer for a
text and for any longer text that begins with it is the same, or it is None for the first.
"""

from __future__ import annotations

import re

import attrs

from patter.text.languages.rules import LanguageRules

TERMINATORS = ".!?…;"
FOREIGN = "。！？；．｡।॥؟۔؛։።፧፨។៕།။"
CLOSERS = "\"'”’»›)]}*_」』】）"
FOREIGN_ENDS = FOREIGN.replace("．", "").replace("；", "").replace("؛", "")
"""Those that stand for a full stop, a question or an exclamation."""
PAIRS = ("()", "[]", "{}", "“”", "«»", "「」", "『』", "（）")
OPENERS = "\"'“‘«‹„([{*_¿¡"

# A run of this many characters without a letter or a digit will not turn into a word any more.
SYMBOLS_LIMIT, WORD_LIMIT = 40, 24
_SHORT = 3

_BLANK_LINE = re.compile(r"[^\S\n]*\n[^\S\n]*\n")
_LETTERS = re.compile(r"[^\W\d_]+")
_DOTTED = re.compile(r"(?:[^\W\d_]{1,2}\.)+[^\W\d_]{1,2}")
_SPACED = re.compile(r"(?:(?<=\s)|^)((?:[^\W\d_]{1,2}\.\s)+[^\W\d_]{1,2})$")
_LABELS = re.compile(r"(?:^|(?<=[\s(]))(\d{1,3})\.(?=\s|$)")
_NUMBER = re.compile(r"\d{1,3}")
_ADDRESS = re.compile(
    r"[@\\_]|\w[./]\w|\b(?:www|https?|e-?mail|mail|web|(?:web)?sites?|url|link|domain|files?)\b",
    re.IGNORECASE,
)
_VOWEL = re.compile(r"[aeiouy]", re.IGNORECASE)
_ROMAN = re.compile(r"[IVXLC]+")
_QUOTED_SPEECH = ("と", "って")


@attrs.frozen
class SentenceMark:
    """*mark*, its closing quotes included, between what stands *before* and *after* it.

    *before* begins with the piece that would be cut; *final*: nothing comes behind *after*.
    """

    before: str
    mark: str
    after: str
    final: bool = False


def ends(at: SentenceMark, rules: LanguageRules) -> bool | None:
    """Does a sentence end at *at*? None: the text that decides has not come yet."""
    if not at.after:
        return False if at.final else None
    if at.mark[0] in FOREIGN:
        return _ends_without_space(at)
    if not at.after[0].isspace():
        return False
    if _is_label(at):
        return False
    if _BLANK_LINE.match(at.after):
        return True
    word = _next_word(at)
    if word is None or isinstance(word, bool):
        return word
    if word[0].islower():
        return False
    return _ends_before(at, word, rules)


def ends_whatever_follows(at: SentenceMark, rules: LanguageRules) -> bool:
    """Is the text before *at* a sentence already, with nothing behind it?

    After ``?``, ``!`` and their like in other scripts it is, and after a period behind a word that
    is no abbreviation, initial, number or part of an address. Inside a bracket or a quote it may
    go on, as it may behind several marks.
    """
    if len(at.mark) > 1 or not is_balanced(at.before):
        return False
    word = last_word(at.before)
    if at.mark == ".":
        return (
            _is_plain(word)
            and not _is_listed(at.before, word, rules)
            and not _tells_address(at.before)
        )
    if at.mark in "?!":
        return word.lower() not in rules.names and not _tells_address(word)
    return at.mark in FOREIGN_ENDS


def may_go_on_unspaced(before: str) -> bool:
    """Does *before* end in what a mark can be inside of: a number, an address?"""
    return before[-1:].isdigit() or _tells_address(before)


def is_balanced(text: str) -> bool:
    """Is every bracket and quote of *text* closed?"""
    pairs = all(text.count(pair[0]) == text.count(pair[1]) for pair in PAIRS)
    return pairs and text.count('"') % 2 == 0


def is_abbreviated(before: str) -> bool:
    """Is the last word of *before* one whose period does not show that it is over?"""
    word = last_word(before)
    return _is_initial(word) or _DOTTED.fullmatch(word) is not None


def last_word(before: str) -> str:
    """The word at the end of *before*, without quotes and brackets in front of it."""
    if not before or before[-1].isspace():
        return ""
    return before.rsplit(maxsplit=1)[-1].lstrip(OPENERS)


def _is_plain(word: str) -> bool:
    """Is it a word and nothing else, and too long for an initial?"""
    letters = word.replace("'", "").replace("’", "").replace("-", "")
    if len(letters) < 2 or not letters.isalpha() or _is_shouted(letters):
        return False
    return not letters.isascii() or _VOWEL.search(letters) is not None


def _tells_address(before: str) -> bool:
    """Is an address or the name of a file spoken of? Its dots do not end sentences."""
    return _ADDRESS.search(before) is not None


def _is_shouted(letters: str) -> bool:
    """Letters that are read one by one, such as "US", may get more periods."""
    return letters.isupper() and len(letters) <= _SHORT


def _is_listed(before: str, word: str, rules: LanguageRules) -> bool:
    """Does a table of *rules* say that its period need not be an end?"""
    low = word.lower()
    if _keys(before, word) & rules.listed or any(low.endswith(each) for each in rules.endings):
        return True
    return rules.ordinals and _ROMAN.fullmatch(word) is not None


def _ends_without_space(at: SentenceMark) -> bool:
    if at.mark[0] == "．" and at.before[-1:].isdigit() and at.after[0].isdigit():
        return False
    # Japanese puts the verb of saying behind the quote.
    quotes = any(char in CLOSERS for char in at.mark)
    return not (quotes and at.after.startswith(_QUOTED_SPEECH))


def _next_word(at: SentenceMark) -> str | bool | None:
    """The text from the next letter or digit on; a verdict if there is none."""
    for index, char in enumerate(at.after[:SYMBOLS_LIMIT]):
        if char.isalnum():
            return at.after[index:]
    if len(at.after) >= SYMBOLS_LIMIT:
        return True
    return False if at.final else None


def _ends_before(at: SentenceMark, follows: str, rules: LanguageRules) -> bool | None:
    """Does it, with *follows* in capitals, in letters without case, or a digit?"""
    mark, word = at.mark, last_word(at.before)
    low = word.lower()
    if mark[0] == "." and not mark.startswith(".."):
        return _period_ends(at, word, follows, rules)
    if mark[0] == "!" and low in rules.names:
        return _begins(at, follows, rules)
    return True


def _period_ends(at: SentenceMark, word: str, follows: str, rules: LanguageRules) -> bool | None:
    """The same for a single period behind *word*."""
    keys = _keys(at.before, word)
    digit = follows[0].isdigit()
    if _NUMBER.fullmatch(word) or (rules.ordinals and _ROMAN.fullmatch(word)):
        return _number_ends(at, digit, follows, rules)
    if keys & rules.never:
        return False
    if keys & (rules.months | rules.weekdays):
        return False if digit else _tail_ends(at, follows, rules)
    if keys & rules.numbers:
        return _numbered_ends(at, keys, digit, follows, rules)
    if keys & rules.tail:
        return _tail_ends(at, follows, rules)
    if keys & rules.names or _is_name(word, rules):
        return _begins(at, follows, rules)
    return True


def _keys(before: str, word: str) -> set[str]:
    """The word as it stands in the tables: "p. m" is there as "p.m", "Dr" as "dr"."""
    spaced = _SPACED.search(before)
    keys = {word.lower(), word.lower().rstrip(".")}
    return keys | {re.sub(r"\s", "", spaced[1]).lower()} if spaced else keys


def _is_name(word: str, rules: LanguageRules) -> bool:
    low = word.lower()
    if any(low.endswith(ending) and low != ending for ending in rules.endings):
        return True
    return _is_initial(word) or _DOTTED.fullmatch(word) is not None


def _number_ends(at: SentenceMark, digit: bool, follows: str, rules: LanguageRules) -> bool | None:
    if not rules.ordinals:
        return True
    return False if digit else _begins(at, follows, rules)


def _numbered_ends(
    at: SentenceMark, keys: set[str], digit: bool, follows: str, rules: LanguageRules
) -> bool | None:
    """ "No. 5" and "Apt. B", but "No. I am afraid not"."""
    if digit:
        return False
    word = _whole_word(at, follows)
    if word is None:
        return None
    if len(word) == 1 and word.isupper() and word not in ("I", "A", "Y", "O", "E"):
        return False
    if keys & (rules.names | {"p", "s"}):
        return _begins(at, follows, rules)
    return True


def _tail_ends(at: SentenceMark, follows: str, rules: LanguageRules) -> bool | None:
    word = _whole_word(at, follows)
    if word is None:
        return None
    low = word.lower()
    return not (low in rules.times or low in rules.weekdays or low in rules.months)


def _begins(at: SentenceMark, follows: str, rules: LanguageRules) -> bool | None:
    """Is the next word one that begins sentences, rather than a name?"""
    word = _whole_word(at, follows)
    if word is None:
        return None
    return word.lower() in rules.starters


def _whole_word(at: SentenceMark, follows: str) -> str | None:
    """The word that *follows* begins with, once it is whole."""
    match = _LETTERS.match(follows)
    word = match[0] if match else follows[:1]
    if len(word) == len(follows) and not at.final and len(word) < WORD_LIMIT:
        return None
    return word[:WORD_LIMIT]


def _is_initial(word: str) -> bool:
    """The J of "J. Smith"; scripts without case have none, and I is a word."""
    return len(word) == 1 and word.isalpha() and word.lower() != word.upper() and word != "I"


def _is_label(at: SentenceMark) -> bool:
    """Is the period that of an item of a list: "1. Soup", "in three steps: 1. Open it 2. Go"?"""
    if (
        at.mark != "."
        or not at.before[-1:].isdigit()
        or not _NUMBER.fullmatch(last_word(at.before))
    ):
        return False
    expected, label = 0, False
    for match in _LABELS.finditer(at.before + "."):
        number, head = int(match[1]), at.before[: match.start()].rstrip(" \t(")
        label = number == expected or not head or head[-1] in ":：\n"
        expected = number + 1 if label else expected
    return label
