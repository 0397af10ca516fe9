"""What the vendor keeps of prompts: prefixes, up to the marks, found again while they are alike."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import attrs

LOOKS_BACK = 20
"""How many blocks before a mark a kept prefix may end."""


@attrs.define(eq=False)
class PromptCache:
    """Keeps what has at least *least* tokens, for ever. A token has four bytes of JSON here."""

    least: int
    _kept: set[bytes] = attrs.field(factory=set, init=False)

    def count(self, body: Mapping[str, Any]) -> dict[str, int]:
        """The tokens of *body*: read from what is kept, written to it, and neither."""
        hashed, tokens, marks = sha256(str(body["model"]).encode()), [0], []
        names: list[bytes] = []
        for at, block in enumerate(_blocks(body)):
            plain = {name: value for name, value in block.items() if name != "cache_control"}
            text = json.dumps(plain).encode()
            hashed.update(text)
            names.append(hashed.digest())
            tokens.append(tokens[-1] + len(text) // 4)
            if "cache_control" in block:
                marks.append(at)
        read = max((self._cached_tokens(names, mark, tokens) for mark in marks), default=0)
        written = max([tokens[mark + 1] for mark in marks] or [0])
        written = max(0, written - read) if written >= self.least else 0
        self._kept.update(names[mark] for mark in marks if tokens[mark + 1] >= self.least)
        return {
            "input_tokens": max(1, tokens[-1] - read - written),
            "cache_creation_input_tokens": written,
            "cache_read_input_tokens": read,
        }

    def _cached_tokens(self, names: list[bytes], mark: int, tokens: list[int]) -> int:
        """The tokens of the longest kept prefix that ends at *mark*, or not long before."""
        for at in range(mark, max(-1, mark - LOOKS_BACK), -1):
            if names[at] in self._kept:
                return tokens[at + 1]
        return 0


def _blocks(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """All of a prompt, in the order in which it is kept."""
    system = body.get("system") or []
    blocks = [*(body.get("tools") or ())]
    blocks += [{"type": "text", "text": system}] if isinstance(system, str) else system
    for row in body["messages"]:
        content = row["content"]
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
        blocks += [{"role": row["role"], **part} for part in parts]
    return blocks
