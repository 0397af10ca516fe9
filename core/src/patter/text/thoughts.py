"""Takes out what a model thinks aloud: ``<think>...</think>``, as it comes.

A thought that is never closed lasts to the end of the text. A closing tag alone is dropped.
"""

from __future__ import annotations

import re

import attrs

NAMES = ("think", "thinking", "thought", "thoughts", "reasoning", "reflection")
_TAG = re.compile(rf"<(/?)\s*(?:{'|'.join(NAMES)})(?:\s[^<>]{{0,80}})?\s*>", re.IGNORECASE)
_LONGEST = 120


@attrs.define(eq=False)
class ThoughtStream:
    """A `TextStream`. *unclosed*: the text before the last `flush` ended in a thought."""

    unclosed: bool = attrs.field(default=False, init=False)
    _held: str = attrs.field(default="", init=False)
    _inside: bool = attrs.field(default=False, init=False)

    def push(self, text: str) -> str:
        """See `TextStream.push`."""
        return self._taken(self._held + text, final=False)

    def flush(self) -> str:
        """See `TextStream.flush`."""
        rest = self._taken(self._held, final=True)
        self.unclosed, self._inside, self._held = self._inside, False, ""
        return rest

    def _taken(self, text: str, *, final: bool) -> str:
        said, at = [], 0
        while (tag := text.find("<", at)) >= 0:
            match = _TAG.match(text, tag)
            if match is None and _may_become_tag(text[tag:]):
                # At the end of a text it never will be one, and is still not to be said.
                text = text[:tag] if final and len(text) - tag > 2 else text
                if not final or tag == len(text):
                    break
            end = match.end() if match else tag + 1
            said.append("" if self._inside else text[at : tag if match else end])
            if match:
                self._inside = not match[1]
            at = end
        else:
            tag = len(text)
        said.append("" if self._inside else text[at:tag])
        self._held = text[tag:]
        return "".join(said)


def _may_become_tag(text: str) -> bool:
    """Is *text*, from a ``<`` on, the beginning of a tag?"""
    if len(text) > _LONGEST or ">" in text or "<" in text[1:]:
        return False
    name = re.match(r"</?\s*([A-Za-z]*)", text)
    if name is None:
        return False
    low, rest = name[1].lower(), text[name.end() :]
    if not rest:
        return any(each.startswith(low) for each in NAMES)
    return low in NAMES and rest[0].isspace()
