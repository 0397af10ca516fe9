"""Marks within a line: emphasis, code, links, tags, entities, escapes.

Each rule gives a step, or None while the text that decides has not come. A rule that finds its
mark to be none gives the mark as it is.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping

import attrs

from patter.text.markdown.window import LINK_LIMIT, SPAN_LIMIT, MarkdownStep, Window, is_word

_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
_ENTITY_BEGUN = re.compile(r"&#?[A-Za-z0-9]{0,31}\Z")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
_AUTOLINK = re.compile(r"<([A-Za-z](?:[A-Za-z0-9+.-]{1,31}:[^\s<>]*|[^\s<>@]*@[^\s<>@]+))>")
_TAG = re.compile(r"</?([A-Za-z][\w:-]*)(?=[\s/>])[^<>\n]{0,200}>|<!--[^<>\n]{0,200}-->")
_TAG_BEGUN = re.compile(r"<(?:/?[A-Za-z][^<>\n]*|/|!-{0,2}|!--[^<>\n]*)?\Z")
_BREAKS = frozenset(
    ["br", "p", "div", "li", "tr", "td", "th", "ul", "ol", "hr", "h1", "h2", "h3", "h4", "h5", "h6"]
)
_KEYS = re.compile(r"\*#|\*\*\d{1,4}(?:\*\d|#)|\*\d{1,24}(?:[*#]\d{0,24}){0,4}(?![\w*])")
_KEYS_BEGUN = re.compile(r"\*{1,2}\d[\d*#]{0,60}\Z")
_STAR = re.compile(r"\*([^\s*](?:[^*\n]{0,236}[^\s*])?)\*(?!\*)")
_LOW = re.compile(r"_([^\s_](?:[^\n]{0,236}?[^\s_])?)_(?!\w)")
_INSIDE_WORD = re.compile(r"(\*{2,3})[^\W\d_]{2,40}\1")
_INSIDE_WORD_BEGUN = re.compile(r"\*{2,3}[^\W\d_]{0,40}\*{0,3}\Z")
_TARGET = re.compile(r"\(\s*<?[^\s<>]*>?(?:\s+(?:\"[^\"\n]*\"|'[^'\n]*'))?\s*\)")
_TARGET_CUT = re.compile(r"\([^\s()]*(?:\s+[\"'][^\"'\n]*)?\Z")
_FOOTNOTE = re.compile(r"\[\^[^\]\s]{1,20}\](?::[ \t]?)?")
_CLOSED_BRACKET = frozenset(")]}")


@attrs.define
class Emphasis:
    """Which marks of emphasis are open: their ends are dropped as their beginnings were."""

    strong: bool = False
    low: bool = False

    def reset(self) -> None:
        """A paragraph is over."""
        self.strong = self.low = False


Inline = Callable[[str], str]
"""The words of a short text without line breaks, such as the label of a link."""


def stars(window: Window, emphasis: Emphasis, inline: Inline) -> MarkdownStep | None:
    """``*fish*``, ``**bold**``, but not ``x**2``, ``2 * 3`` or the keys ``*67``."""
    if (keys := window.match(_KEYS, SPAN_LIMIT)) is not None:
        return MarkdownStep(keys.end(), keys[0])
    if _unfinished(window, _KEYS_BEGUN, 64):
        return None
    count = window.run("*")
    if count is None:
        return None
    if count == 1:
        return _paired(window, _STAR, inline)
    if count > 3:
        return MarkdownStep(count, "*" * count)
    if emphasis.strong and _may_close(window, count):
        emphasis.strong = False
        return MarkdownStep(count)
    opens = _may_open_strong(window, count)
    if opens:
        emphasis.strong = True
    return None if opens is None else MarkdownStep(count, "" if opens else "*" * count)


def low_lines(window: Window, emphasis: Emphasis, inline: Inline) -> MarkdownStep | None:
    """``_yes_``, ``__no__``, but not ``snake_case`` or a ``____`` to fill in."""
    count = window.run("_")
    if count is None:
        return None
    after = window.char(count)
    if count > 1 and emphasis.low and _may_close(window, count) and not is_word(after):
        emphasis.low = False
        return MarkdownStep(count)
    word_before = window.before.isalnum() or window.before == "_"
    if count > 3 or word_before or not after or after.isspace():
        return MarkdownStep(count, "_" * count)
    if count == 1:
        return _paired(window, _LOW, inline)
    emphasis.low = True
    return MarkdownStep(count)


def tildes(window: Window) -> MarkdownStep | None:
    """``~~old~~``."""
    count = window.run("~")
    if count is None:
        return None
    apart = _is_space(window.before) and _is_space(window.char(count))
    return MarkdownStep(count, "" if count == 2 and not apart else "~" * count)


def code(window: Window) -> MarkdownStep | None:
    """```` `x` ````: the content as it stands; the quotes alone if they are never closed."""
    count = window.run("`")
    if count is None:
        return None
    text, complete = window.line(SPAN_LIMIT)
    fence = "`" * count
    end = re.compile(rf"(?<!`){fence}(?!`)").search(text, count)
    if end is not None and (end.end() < len(text) or complete):
        return MarkdownStep(end.end(), _trimmed(text[count : end.start()]))
    if not complete:
        return None
    apostrophe = count == 1 and window.before.isalpha() and window.char(1).isalpha()
    return MarkdownStep(count, fence if apostrophe else "")


def link(window: Window, inline: Inline) -> MarkdownStep | None:
    """``[label](target)``, ``![alt](target)``, ``[label][reference]``, ``[^1]``."""
    bang = 1 if window.char() == "!" else 0
    if bang and (window.before.isalnum() or window.char(1) not in ("", "[")):
        return MarkdownStep(1, "!")
    if bang and not window.char(1):
        return MarkdownStep(1, "!") if window.final else None
    text, complete = window.line(LINK_LIMIT)
    if note := _FOOTNOTE.match(text, bang):
        return MarkdownStep(note.end()) if note.end() < len(text) or complete else None
    close = _closing(text[: SPAN_LIMIT + bang], bang)
    if close is None:
        undecided = not complete and len(text) <= SPAN_LIMIT
        return None if undecided else MarkdownStep(bang + 1, text[: bang + 1])
    label = text[bang + 1 : close]
    if close + 1 >= len(text):
        return MarkdownStep(bang + 1, text[: bang + 1]) if complete else None
    return _linked(text, complete, close + 1, bang, lambda: inline(label))


def angle(window: Window) -> MarkdownStep | None:
    """``<b>``, ``<br>``, ``<!-- -->``, ``<https://example.com>``, but not ``a < b``."""
    text = window.text(SPAN_LIMIT)
    if address := _AUTOLINK.match(text):
        return MarkdownStep(address.end(), address[1])
    tag = _TAG.match(text)
    if tag is None:
        return None if _unfinished(window, _TAG_BEGUN, SPAN_LIMIT) else MarkdownStep(1, "<")
    if (tag[1] or "").lower() not in _BREAKS or _is_space(window.before):
        return MarkdownStep(tag.end())
    after = window.char(tag.end())
    if not after and not window.final:
        return None
    return MarkdownStep(tag.end(), "" if _is_space(after) or after == "<" else " ")


def entity(window: Window) -> MarkdownStep | None:
    """``&amp;``."""
    match = _ENTITY.match(window.text(40))
    if match:
        return MarkdownStep(match.end(), html.unescape(match[0]).replace("\xa0", " "))
    return None if _unfinished(window, _ENTITY_BEGUN, 40) else MarkdownStep(1, "&")


def escape(window: Window) -> MarkdownStep | None:
    r"""``\*`` is a star."""
    match = _ESCAPED.match(window.text(2))
    if match:
        return MarkdownStep(2, match[1])
    return MarkdownStep(1, "\\") if window.char(1) or window.final else None


SPANS: Mapping[str, Callable[[Window, Emphasis, Inline], MarkdownStep | None]] = {
    "*": stars,
    "_": low_lines,
    "~": lambda window, *_: tildes(window),
    "`": lambda window, *_: code(window),
    "[": lambda window, _, inline: link(window, inline),
    "!": lambda window, _, inline: link(window, inline),
    "<": lambda window, *_: angle(window),
    "&": lambda window, *_: entity(window),
    "\\": lambda window, *_: escape(window),
}
"""Which rule reads a mark."""


def _paired(window: Window, pattern: re.Pattern[str], inline: Inline) -> MarkdownStep | None:
    """A single mark counts only with its other half, on the same line."""
    mark, after = window.char(), window.char(1)
    if is_word(window.before) or _is_space(after):
        return MarkdownStep(1, mark)
    text, complete = window.line(SPAN_LIMIT)
    match = pattern.match(text)
    if match and (match.end() < len(text) or complete):
        return MarkdownStep(match.end(), inline(match[1]))
    return MarkdownStep(1, mark) if complete else None


def _may_close(window: Window, count: int) -> bool:
    power = is_word(window.before) and window.char(count).isdigit()
    return not _is_space(window.before) and not power


def _may_open_strong(window: Window, count: int) -> bool | None:
    after = window.char(count)
    if _is_space(after):
        return not after
    if not is_word(window.before):
        return window.before not in _CLOSED_BRACKET
    if not window.before.isalpha():
        return False
    if window.match(_INSIDE_WORD, SPAN_LIMIT):
        return True
    return None if _unfinished(window, _INSIDE_WORD_BEGUN, 48) else False


def _linked(
    text: str, complete: bool, at: int, bang: int, label: Callable[[], str]
) -> MarkdownStep | None:
    """What stands behind ``[label]``, at *at*, makes it a link, or leaves it a bracket."""
    bracket = MarkdownStep(bang + 1, text[: bang + 1])
    if text[at] == "[":
        end = text.find("]", at)
        if end >= 0:
            return MarkdownStep(end + 1, label())
    elif text[at] == "(":
        end = _closing(text, at) or -1
        if end >= 0:
            target = _TARGET.fullmatch(text[at : end + 1])
            return MarkdownStep(end + 1, label()) if target else bracket
        if complete and _TARGET_CUT.match(text[at:]):
            return MarkdownStep(len(text), label())
    else:
        return bracket
    return bracket if complete else None


def _closing(text: str, at: int) -> int | None:
    """Where the bracket that opens at *at* closes."""
    opener = text[at]
    closer = {"[": "]", "(": ")"}[opener]
    depth = 0
    for index in range(at, len(text)):
        if text[index] == opener:
            depth += 1
        elif text[index] == closer:
            depth -= 1
            if not depth:
                return index
        if depth > 8:
            return None
    return None


def _unfinished(window: Window, begun: re.Pattern[str], limit: int) -> bool:
    text = window.text(limit)
    return not window.final and len(text) < limit and begun.match(text) is not None


def _trimmed(content: str) -> str:
    """One space on each side belongs to the quotes: it keeps them apart from one's own."""
    if len(content) > 2 and content[0] == content[-1] == " " and content.strip():
        return content[1:-1]
    return content


def _is_space(char: str) -> bool:
    return not char or char.isspace()
