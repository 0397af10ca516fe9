"""Takes the marks of markdown out of a text as it comes, and keeps its words.

What may still become a mark is held back, for at most the length of a span; the words of code,
the labels of links and the cells of tables stay.
"""

from __future__ import annotations

import re

import attrs

from patter.text.markdown.lines import NOTHING, Lines
from patter.text.markdown.spans import SPANS, Emphasis
from patter.text.markdown.window import LINE_LIMIT, SPAN_LIMIT, MarkdownStep, Window

_PLAIN = re.compile(r"[^\\`*_~\[!<&#|\n \t]+|[ \t]+(?=[^ \t\n|#])")
_CELL = re.compile(r"[ \t]*\|[ \t|]*")
_HASHES = re.compile(r"[ \t]+#+[ \t]*(?=\n|\Z)")
_SPACE = re.compile(r"[ \t]*")


@attrs.define(eq=False)
class MarkdownStream:
    """A `TextStream`: markdown goes in, words come out."""

    _held: str = attrs.field(default="", init=False)
    _before: str = attrs.field(default="", init=False)
    _at_line_start: bool = attrs.field(default=True, init=False)
    _breaks: int = attrs.field(default=0, init=False)
    _emphasis: Emphasis = attrs.field(factory=Emphasis, init=False)
    _lines: Lines = attrs.field(factory=Lines, init=False)

    def push(self, text: str) -> str:
        """See `TextStream.push`."""
        self._held += text
        return self._run(final=False)

    def flush(self) -> str:
        """See `TextStream.flush`."""
        rest = self._run(final=True)
        self._held, self._before, self._at_line_start, self._breaks = "", "", True, 0
        self._emphasis, self._lines = Emphasis(), Lines()
        return rest

    def _run(self, *, final: bool) -> str:
        words: list[str] = []
        source, at = self._held, 0
        while at < len(source):
            window = Window(source, at, self._before, final)
            step = self._line_start(window) if self._at_line_start else self._next(window)
            if step is None:
                break
            words.append(self._counted(step.text))
            if step.length:
                self._before = source[at + step.length - 1]
            at += step.length
        self._held = source[at:]
        return "".join(words)

    def _line_start(self, window: Window) -> MarkdownStep | None:
        step = self._lines.begin(window)
        if step is None:
            return None
        if step is NOTHING:
            self._at_line_start = False
        elif step.text:
            return self._dropped_line(window, step)
        elif window.source[window.at : window.at + step.length].strip() != ">":
            self._at_line_start = False
        return MarkdownStep(step.length)

    def _dropped_line(self, window: Window, step: MarkdownStep) -> MarkdownStep:
        """A line that is all mark goes with its line break, whose length is not known yet."""
        self._emphasis.reset()
        has_break = window.char(step.length) == "\n"
        self._at_line_start = has_break
        return MarkdownStep(step.length + has_break)

    def _next(self, window: Window) -> MarkdownStep | None:
        char = window.char()
        if self._lines.fence:
            return self._verbatim(window)
        if char == "\n":
            return self._line_break()
        if plain := _PLAIN.match(window.source, window.at):
            return MarkdownStep(plain.end() - window.at, plain[0])
        if char in " \t|#":
            return self._gap(window, char)
        return SPANS[char](window, self._emphasis, _inline)

    def _verbatim(self, window: Window) -> MarkdownStep:
        """Code is said as it stands, line by line."""
        end = window.source.find("\n", window.at)
        if end == window.at:
            return self._line_break()
        end = len(window.source) if end < 0 else end
        return MarkdownStep(end - window.at, window.source[window.at : end])

    def _line_break(self) -> MarkdownStep:
        self._at_line_start = True
        self._lines.end()
        if self._breaks:
            self._emphasis.reset()
        return MarkdownStep(1, "\n" if self._breaks < 2 else "")

    def _gap(self, window: Window, char: str) -> MarkdownStep | None:
        """Space, and what it may belong to: the end of a cell, or of a heading."""
        text = window.text(SPAN_LIMIT)
        open_end = len(text) < SPAN_LIMIT and not window.final
        if self._lines.row and (cell := _CELL.match(text)) and "|" in cell[0]:
            last = cell.end() == len(text) or text[cell.end()] == "\n"
            if open_end and cell.end() == len(text):
                return None
            return MarkdownStep(cell.end(), "" if last else ", ")
        if self._lines.heading and (hashes := _HASHES.match(text)):
            return None if open_end and hashes.end() == len(text) else MarkdownStep(hashes.end())
        space = _SPACE.match(text)
        length = space.end() if space else 0
        if length and length == len(text) and open_end:
            return None
        return MarkdownStep(length, text[:length]) if length else MarkdownStep(1, char)

    def _counted(self, words: str) -> str:
        """Count line breaks: more than an empty line is none of the text's."""
        if words:
            self._breaks = (
                len(words)
                - len(words.rstrip("\n"))
                + (self._breaks if not words.strip("\n") else 0)
            )
        return words


def _inline(text: str) -> str:
    """The words of a label or of emphasized text: no line begins in it."""
    stream = MarkdownStream()
    stream._at_line_start = False
    return stream.push(text) + stream.flush()


__all__ = ["LINE_LIMIT", "MarkdownStream"]
