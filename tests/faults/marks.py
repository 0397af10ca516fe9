"""What tells one call of a bad day from all others: its words, its tone, its agent's letters. Pure.

Whatever is heard, recorded or written down of a call must be its own, so each says a name that no
other says, in a tone that no other of its time has.
"""

from __future__ import annotations

import re

LETTERS = "KLMNOPQRST"
NAME = re.compile(f"[{LETTERS}]{{5,}}")
MS_PER_LETTER = 25
PIECES, LETTERS_A_PIECE = 4, 8
SILENCES = frozenset({0x7F, 0xFF})
TONES = [code for code in range(0x10, 0xF0) if code not in SILENCES]


def name_of(party: str) -> str:
    """The name that *party*, a number, says: no other number has it."""
    return "".join(LETTERS[int(digit)] for digit in party[-7:])


def tone_of(party: str) -> int:
    """The sample that *party* says all it says with, in mu-law."""
    return TONES[int(party[-7:]) % len(TONES)]


def strange_names(text: str, own: str) -> list[str]:
    """The names in *text* that are no part of *own*; one may be cut anywhere.

    >>> strange_names("Yes KLMNOPQ. Yes KLMMNOPQ. Yes KLMNOPP.", "KLMNOPQ")
    ['KLMNOPP']
    """
    return [each for each in NAME.findall(text) if each not in own and not _stutters(each, own)]


def _stutters(name: str, own: str) -> bool:
    """Is *name* longer than any, because a few letters before a cut were played once more?"""
    return len(name) > len(own) and any(
        name[at - count : at] == name[at : at + count] and name[:at] + name[at + count :] in own
        for count in range(1, 4)
        for at in range(count, len(name))
    )


def strange_tones(audio: bytes, own: int) -> frozenset[int]:
    """The samples in mu-law *audio* that are neither silence nor *own*."""
    return frozenset(audio) - SILENCES - {own}


def pieces(text: str, known: str) -> list[str]:
    """*text* as the longest pieces of *known* that make it, a letter that is not in it alone.

    >>> pieces("Good eveniYes.", "Good evening. Yes.")
    ['Good eveni', 'Yes.']
    """
    found, at = [], 0
    while at < len(text):
        end = at + 1
        while end < len(text) and text[at : end + 1] in known:
            end += 1
        found.append(text[at:end])
        at = end
    return found


def is_noise(text: str, known: str) -> bool:
    """Is *text* in more pieces than cuts and lost lines make of *known*?"""
    return len(pieces(text, known)) > PIECES + len(text) / LETTERS_A_PIECE
