"""Text that may be shown: no secret this process has read, no control character. Bounded work.

`PatterError` makes its words so, `patter.safe_logs` those of others. What is remembered is kept
in memory as long as the process lives, as the providers that were given it are.
"""

from __future__ import annotations

import re

SHORTEST = 6
"""Characters of a secret; shorter ones occur in ordinary words and would mangle text."""
LONGEST = 4_096
"""Characters of a secret: more than a key has, less than an error may have."""
MOST = 500
"""Secrets that are remembered, the oldest forgotten first: an application may have many keys."""
LIMIT = 32_000
"""Characters of a text; the rest of a longer one is cut off."""
MASK = "[hidden]"

# Cc, what breaks a line, and what reorders the text around it: a terminal obeys all of them.
_CONTROL = r"\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069"
_ON_A_LINE = re.compile(f"[{_CONTROL}]")
_ON_LINES = re.compile(rf"(?!\n)[{_CONTROL}]")
_forms: dict[str, None] = {}
_longest_first: tuple[str, ...] = ()


def remember_secret(secret: str) -> bool:
    """From now on `without_secrets` hides *secret*, as it is and percent-encoded.

    False for one that is known already, or too short or too long to be hidden.
    """
    global _longest_first
    if not SHORTEST <= len(secret) <= LONGEST or secret in _forms:
        return False
    # Not at the top: few processes that import this ever read a secret.
    from urllib.parse import quote, quote_plus

    for form in (secret, quote(secret, safe=""), quote_plus(secret)):
        _forms[form] = None
    while len(_forms) > 3 * MOST:
        del _forms[next(iter(_forms))]
    _longest_first = tuple(sorted(_forms, key=len, reverse=True))
    return True


def forget_secret(secret: str) -> None:
    """*secret*, of a call that is over, is no longer kept in memory to be hidden."""
    global _longest_first
    from urllib.parse import quote, quote_plus

    for form in (secret, quote(secret, safe=""), quote_plus(secret)):
        _forms.pop(form, None)
    _longest_first = tuple(sorted(_forms, key=len, reverse=True))


def without_secrets(text: str) -> str:
    """*text*, at most `LIMIT` characters of it, with every secret hidden."""
    cut = len(text) > LIMIT
    shown = text[: LIMIT + LONGEST] if cut else text
    for secret in _longest_first:
        shown = shown.replace(secret, MASK)
    # A secret that the cut divides is not recognised: all that it can have left goes.
    return f"{shown[:-LONGEST][:LIMIT]}…" if cut else shown


def one_line(text: str) -> str:
    r"""*text* with each control character, line breaks included, written as its escape.

    >>> one_line("a\nb \x1b[2J")
    'a\\nb \\x1b[2J'
    """
    return _ON_A_LINE.sub(_escape, text) if not text.isprintable() else text


def some_lines(text: str) -> str:
    """*text* with each control character but line breaks written as its escape."""
    return _ON_LINES.sub(_escape, text)


def safe(text: str) -> str:
    """*text* on one line, without secrets and control characters: for a message of an error."""
    return one_line(without_secrets(text))


def safe_lines(text: str) -> str:
    """*text* without secrets and control characters, its lines kept: for a traceback."""
    return some_lines(without_secrets(text))


def _escape(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")
