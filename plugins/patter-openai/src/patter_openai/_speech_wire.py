"""Speech requests as pure functions: texts that are not too long, and samples that are whole."""

from __future__ import annotations

import re
from collections.abc import Iterator

MOST_LETTERS = 4096
"""OpenAI refuses a longer text."""

_BREAK = re.compile(r"\s")


def parts(text: str) -> Iterator[str]:
    """*text* in pieces that OpenAI takes, cut where there is a space.

    >>> [len(each) for each in parts("word " * 1_000)]
    [4094, 904]
    """
    text = text.strip()
    while len(text) > MOST_LETTERS:
        spaces = [space.start() for space in _BREAK.finditer(text, 1, MOST_LETTERS)]
        end = spaces[-1] if spaces else MOST_LETTERS
        yield text[:end]
        text = text[end:].strip()
    if text:
        yield text


def whole(pending: bytes, more: bytes) -> tuple[bytes, bytes]:
    """What has arrived as whole samples, and the byte that waits for its other half.

    >>> whole(b"a", b"bcd"), whole(b"", b"abc")
    ((b'abcd', b''), (b'ab', b'c'))
    """
    arrived = pending + more if pending else more
    end = len(arrived) - len(arrived) % 2
    return arrived[:end], arrived[end:]


def is_audio(content_type: str) -> bool:
    """May a body of *content_type* be audio? A page or JSON is not.

    >>> is_audio("audio/pcm"), is_audio("application/json; charset=utf-8"), is_audio("")
    (True, False, True)
    """
    return not content_type.startswith(("text/", "application/json"))
