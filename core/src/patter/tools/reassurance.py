"""What a caller is told when a tool takes longer than a moment."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from patter.errors import ToolSchemaError

# Longer than a quick tool takes, shorter than a caller waits without a word.
AFTER_MS = 1_500


@attrs.frozen
class Reassurance:
    """Says *message* once the tool has taken *after_ms*."""

    message: str
    after_ms: float = AFTER_MS

    @classmethod
    def of(cls, tool: str, value: object) -> Reassurance | None:
        """Read a text or ``{"message": ..., "after_ms": ...}``. Raises ToolSchemaError."""
        if not value:
            return None
        if isinstance(value, str):
            return cls(value)
        after_ms = value.get("after_ms", AFTER_MS) if isinstance(value, Mapping) else -1
        message = value.get("message") if isinstance(value, Mapping) else None
        is_time = isinstance(after_ms, (int, float)) and not isinstance(after_ms, bool)
        if not isinstance(message, str) or not message or not is_time or after_ms < 0:
            raise ToolSchemaError(
                f"tool {tool!r}: its reassurance cannot be said",
                fix='write reassurance="One moment.", or {"message": "...", "after_ms": 1500}',
            )
        return cls(message, float(after_ms))
