"""The events of a call: one frozen class each, for record, terminal, page, picture and metrics.

An event is a value that is JSON all the way down. Fields that lie at a moment (``at_ms
began_ms ended_ms cut_ms voice_ms evidence_ms``) count milliseconds since the session of the
call began; every other field that ends in ``_ms`` is a length in milliseconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from patter.errors import InputError
from patter.observe.events.connections import Link, Usage, Wire
from patter.observe.events.conversation import BargeIn, Resumed, Row, Span, ToolRun, Turn
from patter.observe.events.event import CallEvent
from patter.observe.events.lifecycle import Ended, EngineStep, ErrorEvent, Note, Started
from patter.observe.events.pieces import AudioPiece, TextPiece

__all__ = [
    "EVENTS",
    "PIECES",
    "VERSION",
    "AudioPiece",
    "BargeIn",
    "CallEvent",
    "Ended",
    "EngineStep",
    "ErrorEvent",
    "Link",
    "Note",
    "Resumed",
    "Row",
    "Span",
    "Started",
    "TextPiece",
    "ToolRun",
    "Turn",
    "Usage",
    "Wire",
    "event_class",
]

VERSION = 2
"""Of the JSON. It grows when a reader of the old one would misread the new one."""

_CLASSES: tuple[type[CallEvent], ...] = (
    Started,
    EngineStep,
    Row,
    Turn,
    Span,
    ToolRun,
    BargeIn,
    Resumed,
    Wire,
    Link,
    Usage,
    Note,
    ErrorEvent,
    Ended,
)
EVENTS: Mapping[str, type[CallEvent]] = MappingProxyType(
    {str(each.__struct_config__.tag): each for each in _CLASSES}
)
"""Every event class of a record by the ``type`` of its JSON."""
PIECES: tuple[type[CallEvent], ...] = (TextPiece, AudioPiece)
"""Those that exist only while somebody listens to them by name, and are in no record."""
_ALL: tuple[type[CallEvent], ...] = (*_CLASSES, *PIECES)


def event_class(kind: type | str) -> type[CallEvent]:
    """The class that *kind* is, or whose ``type`` it names. Raises InputError for no event."""
    if isinstance(kind, str) and kind in EVENTS:
        return EVENTS[kind]
    if isinstance(kind, type) and issubclass(kind, _ALL):
        return kind
    raise InputError(
        f"{kind!r} is not a type of event",
        fix=f"use a class of patter.observe.events, or one of {', '.join(EVENTS)}",
    )
