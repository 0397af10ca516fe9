"""What a call's page is shown: the call's events, in order, in a bounded box.

A screen lives as long as somebody holds it: the call's events, which fill it, or the leg,
which empties it. Only the call's id finds it, and only within this process.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from weakref import WeakValueDictionary

import attrs

from patter.aio import Mailbox
from patter.observe.codec import encode_line
from patter.observe.events import EVENTS, CallEvent, Ended, EngineStep, Span, TextPiece, Usage
from patter_softphone import _wire

SIZE = 512
SHOWN = frozenset(EVENTS.values()) - {Usage, Span} | {TextPiece}
STEPS = frozenset({"CallerWords", "VoiceStarted", "VoiceStopped"})


@attrs.define(eq=False)
class Screen:
    """The frames that wait for the page of one call; the oldest go when it does not read."""

    box: Mailbox[str] = attrs.field(factory=lambda: Mailbox(SIZE))
    watched: bool = False
    complete: bool = False
    hidden: bool = False

    def hide(self) -> None:
        """Show nothing: the page is somebody else's."""
        self.hidden = True
        self.box.close()

    def listeners(self) -> Mapping[type | str, Callable[..., object]]:
        """What to call with which events of the call."""
        if self.hidden:
            return {}
        self.watched = True
        return dict.fromkeys(SHOWN, self.show)

    def show(self, event: CallEvent) -> None:
        """Put *event* before the page, unless it is a step that shows nothing."""
        if isinstance(event, EngineStep) and not _is_shown(event):
            return
        self.box.put(_wire.note(encode_line(event)))
        if isinstance(event, Ended):
            self.complete = True
            self.box.close()


_screens: WeakValueDictionary[str, Screen] = WeakValueDictionary()


def screen_of(call_id: str) -> Screen:
    """The screen of a call; made by whoever asks first."""
    screen = _screens.get(call_id)
    if screen is None:
        screen = _screens[call_id] = Screen()
    return screen


def _is_shown(step: EngineStep) -> bool:
    return step.input.get("name") in STEPS
