"""Takes out of a text what a voice should not read: markdown marks, emoji.

Pure functions from one string to another, for `text_transforms` or for anything else.
"""

from __future__ import annotations

import re

# The order matters: a fence holds the marks of inline code, and a rule such as "* * *" begins
# like an item of a list.
_MARKDOWN: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.MULTILINE), to)
    for pattern, to in (
        (r"^[ \t]*(?:```|~~~)[^\n`]*$\n?", ""),
        (r"```", ""),
        (r"`([^`\n]+)`", r"\1"),
        (r"!?\[([^\[\]\n]*)\]\([^()\s]*(?:[ \t]+\"[^\"\n]*\")?\)", r"\1"),
        (r"</?[A-Za-z][^<>\n]{0,200}>", ""),
        (r"^[ \t]{0,3}#{1,6}[ \t]+", ""),
        (r"^[ \t]*(?:-(?:[ \t]*-){2,}|\*(?:[ \t]*\*){2,}|_(?:[ \t]*_){2,})[ \t]*$\n?", ""),
        (r"^[ \t]*(?:>[ \t]?)+", ""),
        (r"^[ \t]*[-*+•][ \t]+", ""),
        (r"^[ \t]*\d{1,3}[.)][ \t]+(?=\S)", ""),
        (r"~~(?=\S)([^~\n]+)~~", r"\1"),
        (r"\*{1,3}(?=[^\s*])([^*\n]*[^\s*])\*{1,3}", r"\1"),
        (r"(?<!\w)_{1,3}(?=[^\s_])([^\n_]*(?:_+[^\W_]+)*[^\s_])_{1,3}(?!\w)", r"\1"),
        (r"\n{3,}", "\n\n"),
    )
)
_EMOJI = re.compile(
    "["
    "\U0001f1e6-\U0001f1ff"
    "\U0001f300-\U0001faff"
    "\U0001f000-\U0001f2ff"
    "\u2600-\u27bf"
    "\u2b05-\u2b07\u2b1b\u2b1c\u2b50\u2b55\u231a\u231b\u23e9-\u23fa\u3030\u303d\u3297\u3299"
    # Selectors and joiners: without the emoji they belong to they would be left over.
    "\ufe0e\ufe0f\u200d\u20e3"
    "\U000e0020-\U000e007f"
    "]+"
)
_SPACES = re.compile(r"[ \t]{2,}")


def filter_markdown(text: str) -> str:
    """Keep the words of a markdown text: labels of links, contents of code, no marks."""
    for pattern, to in _MARKDOWN:
        text = pattern.sub(to, text)
    return text


def filter_emoji(text: str) -> str:
    """Drop emoji, flags and keycaps, and the doubled spaces they leave."""
    bare = _EMOJI.sub("", text)
    return text if bare == text else _SPACES.sub(" ", bare).strip()


def filter_for_tts(text: str) -> str:
    """Both: what is left is what can be read aloud."""
    return filter_emoji(filter_markdown(text))
