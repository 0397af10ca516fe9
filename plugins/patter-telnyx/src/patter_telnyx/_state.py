"""``client_state``, which Telnyx carries from a command to the webhooks it leads to (pure).

Webhooks are signed, so it comes back as we wrote it; anything else in it is ignored.
"""

from __future__ import annotations

from base64 import b64encode
from binascii import a2b_base64
from enum import StrEnum
from typing import Any

import attrs
import orjson

MAX_SUMMARY = 1_000


class Stage(StrEnum):
    """How far the call to a human has come."""

    COLD = "cold"
    WARM = "warm"
    BRIDGED = "bridged"


@attrs.frozen(kw_only=True)
class ClientState:
    """*of*: the call whose caller is transferred to this one. *call*: this call itself.

    *again*: its stream was asked for once more already; *unstreamed*: it has yet to be.
    """

    of: str = ""
    stage: Stage = Stage.COLD
    summary: str = attrs.field(default="", repr=False)
    call: str = ""
    again: bool = False
    unstreamed: bool = False

    def __str__(self) -> str:
        fields = attrs.asdict(attrs.evolve(self, summary=self.summary[:MAX_SUMMARY]))
        return b64encode(
            orjson.dumps({name: fields[name] for name in fields if fields[name]})
        ).decode()


def read_state(text: object) -> ClientState:
    """The state in a webhook's client_state; an empty one, when it is not ours."""
    try:
        fields: Any = orjson.loads(a2b_base64(text)) if isinstance(text, str) else None
        stage = Stage(fields.get("stage", Stage.COLD)) if isinstance(fields, dict) else None
    except (ValueError, TypeError):
        return ClientState()
    if stage is None:
        return ClientState()
    words = {name: fields.get(name, "") for name in ("of", "summary", "call")}
    if not all(isinstance(word, str) for word in words.values()):
        return ClientState()
    again, unstreamed = fields.get("again") is True, fields.get("unstreamed") is True
    return ClientState(stage=stage, again=again, unstreamed=unstreamed, **words)
