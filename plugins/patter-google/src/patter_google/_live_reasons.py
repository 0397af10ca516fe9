"""Why a turn of the vendor's is complete, when it is not because all was said (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from patter.errors import PatterConnectionError, PatterError, ProviderError
from patter.providers.engine_events import ResponseDone, ResponseStatus

_NO_NEWS = frozenset({"", "TURN_COMPLETE_REASON_UNSPECIFIED"})
_MORE = "NEED_MORE_INPUT"
_BROKEN = frozenset({"MALFORMED_FUNCTION_CALL", "MAX_REGENERATION_REACHED", "GENERATED_OTHER"})
"""Reasons for which the next turn may be good; those left are refusals."""


def reason_of(content: Mapping[str, Any]) -> str:
    """The ``turnCompleteReason``, empty when all is well."""
    reason = content.get("turnCompleteReason") or ""
    return "" if reason in _NO_NEWS else str(reason)


def done_of(response_id: str, reason: str, *, cut: bool, spoke: bool) -> ResponseDone:
    """The end of a turn that was *cut*, or ended for *reason*; *spoke*: something came of it."""
    if cut:
        return ResponseDone(response_id, ResponseStatus.CANCELLED, reason=reason)
    if not reason:
        return ResponseDone(response_id)
    if spoke or reason == _MORE:
        return ResponseDone(response_id, ResponseStatus.INCOMPLETE, reason=reason)
    error = _error(reason)
    return ResponseDone(response_id, ResponseStatus.FAILED, error=error, reason=reason)


def _error(reason: str) -> PatterError:
    if reason in _BROKEN:
        return PatterConnectionError(
            f"the model's answer was broken ({reason})",
            fix="nothing to set: it is asked again; fewer tools, or simpler ones, help",
        )
    return ProviderError(
        f"the model refused to answer ({reason})",
        fix="change what the prompt asks for, or set safety",
    )
