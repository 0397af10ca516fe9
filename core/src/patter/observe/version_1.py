"""Lines of record version 1 as lines of today. Only their steps of the turn engine differ."""

from __future__ import annotations

from typing import Any

_EVENTS = {
    "Collect": "CollectDigits",
    "Drain": "DrainRequested",
    "EarsLost": "HearingLost",
    "End": "EndRequested",
    "HungUp": "CallerHungUp",
    "Reconfigure": "RulesChanged",
    "Transcript": "CallerWords",
    "Transfer": "TransferRequested",
    "TurnEnded": "CallerFinished",
    "Verdict": "BargeInVerdict",
}
_EFFECTS = {
    "Digits": "DigitsCollected",
    "Discard": "DiscardDraft",
    "Hangup": "EndCall",
    "Note": "Observe",
    "Record": "WriteAgentRow",
}


def upgraded(line: dict[str, Any]) -> dict[str, Any]:
    """*line*, which version 1 wrote, with the field and class names of version 2.

    Raises KeyError, TypeError or AttributeError for a step that version 1 did not write.
    """
    if line["type"] != "step":
        return line
    cue, effects = line.pop("cue"), line["effects"]
    renamed = [_renamed(effect, _EFFECTS) for effect in effects]
    return {**line, "input": _renamed(cue, _EVENTS), "effects": renamed}


def _renamed(value: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {**value, "name": names.get(value["name"], value["name"])}
