"""Text that waits to be spoken: what is spoken next, and when, by ``segment``. Pure.

Source: docs.rime.ai, "Segmentation and behavior settings".
"""

from __future__ import annotations

import re

import attrs

_BOUNDARY = re.compile(r".*[.?!](?=\s|\Z)", re.DOTALL)


@attrs.define
class TextBuffer:
    """*context* is that of the latest text; what is *queued* was flushed while Rime spoke."""

    segment: str
    text: str = attrs.field(default="", init=False)
    queued: str = attrs.field(default="", init=False)
    context: str | None = attrs.field(default=None, init=False)

    def add(self, text: str, context: str | None) -> None:
        """Take *text* as it is."""
        self.text += text
        self.context = context

    def flush(self) -> None:
        """Have all that waits be spoken next; several flushes become one utterance."""
        self.queued += self.text
        self.text = ""

    def clear(self) -> None:
        """Forget what was not flushed."""
        self.text = ""

    def take(self) -> str:
        """What is spoken now that nothing else is; "" when nothing is."""
        if self.queued.strip():
            ready, self.queued = self.queued, ""
            return ready
        self.queued = ""
        if self.segment == "immediate":
            ready, self.text = self.text, ""
            return ready if ready.strip() else ""
        if self.segment == "bySentence" and (match := _BOUNDARY.match(self.text)):
            ready, self.text = match[0], self.text[match.end() :]
            return ready
        return ""

    @property
    def is_done(self) -> bool:
        """Is an utterance that ends now the last of its run? With ``never`` each of them is."""
        return self.segment == "never" or not (self.text + self.queued).strip()
