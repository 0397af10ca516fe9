"""What a rule of markdown may look at: the text from a place on, as far as it has come."""

from __future__ import annotations

import re

import attrs

# How far a construct may reach from where it begins. What is longer is no markdown: a text is
# never held back further than that.
SPAN_LIMIT, LINE_LIMIT, LINK_LIMIT = 240, 240, 800


@attrs.frozen
class MarkdownStep:
    """*length* characters of the text have become *text*."""

    length: int
    text: str = ""


@attrs.frozen
class Window:
    """The text from *at* on. *before* is the character before it; *final*: no more will come."""

    source: str
    at: int
    before: str
    final: bool

    def char(self, offset: int = 0) -> str:
        """The character *offset* places on; empty where there is none (yet)."""
        return self.source[self.at + offset : self.at + offset + 1]

    def text(self, limit: int) -> str:
        """At most *limit* characters from here on."""
        return self.source[self.at : self.at + limit]

    def line(self, limit: int) -> tuple[str, bool]:
        """The rest of the line, and whether it is known where it ends, or that it is too long."""
        text = self.text(limit)
        line, newline, _ = text.partition("\n")
        return line, bool(newline) or self.final or len(text) >= limit

    def run(self, char: str) -> int | None:
        """How often *char* stands here; None while that may still change."""
        text = self.text(SPAN_LIMIT)
        count = len(text) - len(text.lstrip(char))
        return None if count == len(text) < SPAN_LIMIT and not self.final else count

    def match(self, pattern: re.Pattern[str], limit: int) -> re.Match[str] | None:
        """Match *pattern*, once a character behind it shows that it will not grow."""
        text = self.text(limit)
        match = pattern.match(text)
        if match and match.end() == len(text) < limit and not self.final:
            return None
        return match


def is_word(char: str) -> bool:
    """Is *char* of a word with case, or a digit? Marks may stand between letters without case."""
    return char.isalnum() and (char.isdigit() or char.lower() != char.upper())
