"""Keys among words: how what was pressed is written, and how it is found again."""

from __future__ import annotations

import re

ANY_KEYS = re.compile(r"\[DTMF: ([^\]]+)\]")
"""Keys in a text, shown or hidden."""
SHOWN_KEYS = re.compile(r"\[DTMF: ([0-9*#A-D]+)\]")
"""Keys in a text that tells which."""


def key_text(keys: str, hidden: int | None = None) -> str:
    """*keys* as a text has them; of so many *hidden* ones it tells only the number.

    >>> key_text("12#"), key_text("", 4)
    ('[DTMF: 12#]', '[DTMF: 4 hidden]')
    """
    return f"[DTMF: {keys if hidden is None else f'{hidden} hidden'}]"
