"""Takes out emoji, flags and keycaps as they come, and the doubled spaces they would leave.

Joiners go only with an emoji: they shape the letters of Sinhala, Hindi and others.
"""

from __future__ import annotations

import re

import attrs

_EMOJI = (
    "\U0001f1e6-\U0001f1ff"
    "\U0001f300-\U0001faff"
    "\U0001f000-\U0001f2ff"
    "\u2600-\u27bf"
    "\u2b05-\u2b07\u2b1b\u2b1c\u2b50\u2b55\u231a\u231b\u23e9-\u23fa\u3030\u303d\u3297\u3299"
    # Selectors and the keycap: without what they belong to they would be left over.
    "\ufe0e\ufe0f\u20e3"
    "\U000e0020-\U000e007f"
)
_RUN = re.compile(rf"[ \t]*[{_EMOJI}][ \t\u200d{_EMOJI}]*")
_OPEN_END = re.compile(rf"[ \t\u200d{_EMOJI}]+\Z")
_BLANK = re.compile(r"[ \t]")
# So much space and so many emoji in one row are held back; what is longer is cut there.
_LONGEST = 400


@attrs.define(eq=False)
class EmojiStream:
    """A `TextStream` that holds back space and emoji at the end of what it was given."""

    _held: str = attrs.field(default="", init=False)
    _last: str = attrs.field(default="", init=False)

    def push(self, text: str) -> str:
        """See `TextStream.push`."""
        return self._taken(self._held + text, final=False)

    def flush(self) -> str:
        """See `TextStream.flush`."""
        rest = self._taken(self._held, final=True)
        self._held = self._last = ""
        return rest

    def _taken(self, text: str, *, final: bool) -> str:
        end = len(text)
        if not final and (tail := _OPEN_END.search(text, max(0, len(text) - _LONGEST))):
            end = tail.start()
        self._held = text[end:]
        bare = _RUN.sub(lambda run: self._space(run, final), text[:end])
        self._last = bare[-1:] or self._last
        return bare

    def _space(self, run: re.Match[str], final: bool) -> str:
        """What is left of a run of emoji: one space, where it stood between words."""
        before = run.string[run.start() - 1] if run.start() else self._last
        after = run.string[run.end()] if run.end() < len(run.string) else ""
        if not before or before.isspace() or (final and not after) or after == "\n":
            return ""
        return " " if _BLANK.search(run[0]) else ""
