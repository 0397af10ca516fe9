"""What the beginning of a line says it is: a heading, an item, a fence, a rule, a table's row.

Each rule gives a step, `NOTHING` when the line does not begin with its mark, or None while the
text that decides has not come.
"""

from __future__ import annotations

import re

import attrs

from patter.text.markdown.window import LINE_LIMIT, MarkdownStep, Window

NOTHING = MarkdownStep(0)
_MARKS = frozenset("`~#>-*_+•=|")
_INDENT = " \t"

_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})[^`\n]*\Z")
_FENCE_BEGUN = re.compile(r"[ \t]*(?:`{1,2}|~{1,2}|(?:`{3,}|~{3,})[^`\n]*)?\Z")
_RULE = re.compile(r"[ \t]*(?:([-*_])(?:[ \t]*\1){2,}|={3,})[ \t]*\Z")
_RULE_BEGUN = re.compile(r"[ \t]*(?:([-*_])(?:[ \t]*\1)*|=+)[ \t]*\Z")
_DIVIDER = re.compile(r"[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*\Z")
_DIVIDER_BEGUN = re.compile(r"[ \t]*[|:-][ \t|:-]*\Z")
_HEADING = re.compile(r"[ \t]{0,3}#{1,6}(?:[ \t]+|\Z)")
_QUOTE = re.compile(r"[ \t]*>[ \t]?")
_ITEM = re.compile(r"[ \t]*[-*+•][ \t]+(?:\[[ xX]\][ \t]+)?(?=\S)")
_ITEM_BEGUN = re.compile(r"[ \t]*[-*+•](?:[ \t]+(?:\[(?:[ xX](?:\][ \t]*)?)?)?)?\Z")
_NUMBERED = re.compile(r"[ \t]*(\d{1,3})[.)][ \t]+(?=\S)")
_NUMBERED_BEGUN = re.compile(r"[ \t]*\d{1,3}(?:[.)][ \t]*)?\Z")
_NEXT_LINE = re.compile(r"[^\n]*\n\s*(\d{1,3})[.)][ \t]+\S")
_NEXT_LINE_BEGUN = re.compile(r"[^\n]*(?:\n\s*(?:\d{1,3}(?:[.)][ \t]*)?)?)?\Z")
_ROW = re.compile(r"[ \t]*\|[ \t]*")


@attrs.define
class Lines:
    """Where in a text the line is. *fence*: of the block of code it is in.

    *heading*, *row*: it is one, to its end. *items*: so many items of a list precede it.
    """

    fence: str = ""
    heading: bool = False
    row: bool = False
    items: int = 0

    def end(self) -> None:
        """The line is over."""
        self.heading = self.row = False

    def begin(self, window: Window) -> MarkdownStep | None:
        """Take the mark at the beginning of a line; `NOTHING` if the text begins here."""
        line, complete = window.line(LINE_LIMIT)
        first = line.lstrip(_INDENT)[:1]
        if not first:
            return NOTHING if complete else None
        if self.fence:
            return self._in_fence(line, complete)
        if first.isdigit():
            return self._numbered(window, line, complete)
        if first not in _MARKS:
            self.items = self.items if line[0] in _INDENT else 0
            return NOTHING
        return self._marked(line, complete)

    def _in_fence(self, line: str, complete: bool) -> MarkdownStep | None:
        begins = line.strip(_INDENT)
        if begins.strip(self.fence[0]):
            return NOTHING
        if not complete:
            return None
        if len(begins) < len(self.fence):
            return NOTHING
        self.fence = ""
        return _whole(line)

    def _marked(self, line: str, complete: bool) -> MarkdownStep | None:
        if not complete and (_FENCE_BEGUN.match(line) or _RULE_BEGUN.match(line)):
            return None
        if complete and (fence := _FENCE.match(line)):
            self.fence = fence[1]
            return _whole(line)
        if complete and _RULE.match(line):
            return _whole(line)
        if not complete and (_DIVIDER_BEGUN.match(line) or _ITEM_BEGUN.match(line)):
            return None
        if complete and "|" in line and _DIVIDER.match(line):
            return _whole(line)
        return self._prefixed(line, complete)

    def _prefixed(self, line: str, complete: bool) -> MarkdownStep | None:
        """Marks in front of a line that is read."""
        if item := _ITEM.match(line):
            self.items += 1
            return MarkdownStep(item.end())
        if row := _ROW.match(line):
            self.row = True
            return MarkdownStep(row.end())
        if heading := _HEADING.match(line):
            if heading.end() == len(line) and not complete:
                return None
            self.heading, self.items = True, 0
            return MarkdownStep(heading.end())
        if quote := _QUOTE.match(line):
            return MarkdownStep(quote.end()) if quote.end() < len(line) or complete else None
        return NOTHING

    def _numbered(self, window: Window, line: str, complete: bool) -> MarkdownStep | None:
        """The number of an item goes with its mark; one that stands alone is said."""
        label = _NUMBERED.match(line)
        if label is None:
            begun = not complete and _NUMBERED_BEGUN.match(line)
            self.items = self.items if begun else 0
            return None if begun else NOTHING
        number = int(label[1])
        verdict = number == self.items + 1 if self.items else _is_first(window, number)
        if verdict is None:
            return None
        self.items = number if verdict else 0
        return MarkdownStep(label.end()) if verdict else NOTHING


def _is_first(window: Window, number: int) -> bool | None:
    """Is the item *number* the first of a list, that is, is the next line the next item?"""
    text = window.text(LINE_LIMIT)
    follows = _NEXT_LINE.match(text)
    if follows:
        return int(follows[1]) == number + 1
    if window.final or len(text) >= LINE_LIMIT or not _NEXT_LINE_BEGUN.match(text):
        return False
    return None


def _whole(line: str) -> MarkdownStep:
    """Drop *line*; its line break goes with it, see `MarkdownStream`."""
    return MarkdownStep(len(line), "\n")
