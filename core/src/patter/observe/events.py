"""The events of a call: one vocabulary for record, terminal, page, picture and metrics.

An event is a value that is JSON all the way down. (call, seq) names it; `at_ms` counts from
the moment the session of the call began.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import attrs
import orjson

VERSION = 1


class EventType(StrEnum):
    """Types and the fields of their *data*; every field in milliseconds ends in ``_ms``.

    Fields that lie at a moment (``began_ms ended_ms cut_ms voice_ms evidence_ms``) are on the
    call's clock, as ``at_ms`` is; all others are lengths. What is not known is left out.

    ========== =====================================================================
    started    caller callee direction carrier carrier_call_id agent language wall;
               providers {stt llm tts vad: spec-like names}; audio {leg stt tts: formats};
               rules {...}
    step       cue {name, fields}; effects [{name, fields}]: one step of the turn engine
    row        role (caller agent tool) text turn began_ms ended_ms; amends (replaces the
               turn). Agent rows: epoch kind heard_ms unheard_ms interrupted; *text* is
               what was heard, *unheard* the words that were not
    turn       turn epoch gap_ms stages {stt end llm tool text tts play: ms} interrupted;
               noted when the answer is first heard
    span       stage (stt llm tool tts) name began_ms ended_ms turn epoch ok; retries
    tool       what (started finished) name arguments effect id; result ok took_ms
    barge_in   epoch voice_ms (voice began) evidence_ms cut_ms heard_ms error_ms; noted
               before the row of the words that cut in
    resumed    epoch held_ms: a false barge-in, nothing lost
    wire       what (mark played clear dtmf dtmf_sent leg_lost leg_back where fault) and its
               details: name (where: agent hold human ended); digits or hidden (a count);
               count of keys sent; text
    link       provider kind what (lost back failed) gap_ms replayed_ms
    usage      kind provider model unit (minutes characters tokens_in ...) amount; usd when
               the vendor told the price
    note       what text: something observers may want to know
    error      code message fix where
    ended      outcome reason duration_ms turns gap_p50_ms gap_p95_ms heard_ms
               unheard_ms cost_usd (None: unknown) costs {...} unpriced [...] left {tasks}
    ========== =====================================================================
    """

    STARTED = "started"
    STEP = "step"
    ROW = "row"
    TURN = "turn"
    SPAN = "span"
    TOOL = "tool"
    BARGE_IN = "barge_in"
    RESUMED = "resumed"
    WIRE = "wire"
    LINK = "link"
    USAGE = "usage"
    NOTE = "note"
    ERROR = "error"
    ENDED = "ended"


@attrs.frozen
class CallEvent:
    """Something that happened in *call*, the *seq*-th since it began."""

    call: str
    seq: int
    at_ms: int
    type: EventType
    data: Mapping[str, Any]

    def to_json(self) -> bytes:
        """One line of a record, without the line end."""
        return orjson.dumps(
            {
                "v": VERSION,
                "call": self.call,
                "seq": self.seq,
                "at_ms": self.at_ms,
                "type": self.type.value,
                **self.data,
            },
            option=orjson.OPT_NON_STR_KEYS,
        )

    @classmethod
    def from_json(cls, line: bytes | str) -> CallEvent:
        """Read one line of a record."""
        body = orjson.loads(line)
        body.pop("v")
        call, seq, at_ms, kind = (body.pop(name) for name in ("call", "seq", "at_ms", "type"))
        return cls(call, seq, at_ms, EventType(kind), body)
