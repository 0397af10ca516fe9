"""What a call's page is shown: the call's events, in order, in a bounded box.

A screen lives as long as somebody holds it: the call's journal, which fills it, or the leg,
which empties it. Only the call's id finds it, and only within this process.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from weakref import WeakValueDictionary

import attrs

from patter.aio import Mailbox
from patter.observe.events import CallEvent, EventType
from patter_softphone import _wire

SIZE = 512
SHOWN = frozenset(EventType) - {EventType.USAGE, EventType.SPAN}
CUES = frozenset({"transcript", "voicestarted", "voicestopped"})


@attrs.define(eq=False)
class Screen:
    """The frames that wait for the page of one call; the oldest go when it does not read."""

    box: Mailbox[str] = attrs.field(factory=lambda: Mailbox(SIZE))
    watched: bool = False
    complete: bool = False

    def listeners(self) -> Mapping[str, Callable[..., object]]:
        """What the call's journal has to tell us, by event type."""
        self.watched = True
        return {kind.value: self.show for kind in SHOWN}

    def show(self, event: CallEvent) -> None:
        """Put *event* before the page, unless it is a step that shows nothing."""
        if event.type is EventType.STEP and not _is_shown(event):
            return
        self.box.put(_wire.note(event.to_json()))
        if event.type is EventType.ENDED:
            self.complete = True
            self.box.close()


_screens: WeakValueDictionary[str, Screen] = WeakValueDictionary()


def screen_of(call_id: str) -> Screen:
    """The screen of a call; made by whoever asks first."""
    screen = _screens.get(call_id)
    if screen is None:
        screen = _screens[call_id] = Screen()
    return screen


def _is_shown(event: CallEvent) -> bool:
    cue = event.data.get("cue")
    name = cue.get("name", "") if isinstance(cue, Mapping) else ""
    return str(name).replace("_", "").lower() in CUES
