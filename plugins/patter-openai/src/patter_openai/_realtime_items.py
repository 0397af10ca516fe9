"""What of a response's items the caller heard, and what has to be cut off them (pure).

A response may consist of several messages. How much was heard is told for all of them together;
the vendor wants to be told for each.
"""

from __future__ import annotations

import attrs


@attrs.define(eq=False)
class SpokenItem:
    """A message of a response: its *audio_bytes*, or its *text* where there is no audio."""

    id: str
    audio_bytes: int = 0
    text: str = ""


@attrs.frozen
class Cut:
    """Of *item_id* the caller heard *at_ms*; None: nothing, so that it has to go."""

    item_id: str
    at_ms: int | None


@attrs.define(eq=False)
class SpokenItems:
    """The messages of every response, in order; audio of *bytes_per_ms*."""

    bytes_per_ms: float
    _items: dict[str, list[SpokenItem]] = attrs.field(factory=dict, init=False)

    def add(self, response_id: str, item_id: str) -> SpokenItem:
        """The message *item_id* of a response, new or not."""
        items = self._items.setdefault(response_id, [])
        for item in items:
            if item.id == item_id:
                return item
        items.append(SpokenItem(item_id))
        return items[-1]

    def of(self, response_id: str) -> list[SpokenItem]:
        """The messages of a response."""
        return self._items.get(response_id, [])

    def text(self, response_id: str) -> str:
        """All that a response said."""
        return "".join(item.text for item in self.of(response_id))

    def has_audio(self, response_id: str) -> bool:
        """Was there anything to hear?"""
        return any(item.audio_bytes for item in self.of(response_id))

    def heard(self, response_id: str, heard_ms: int) -> list[Cut]:
        """What to cut so that only *heard_ms* are left; those are what there is from now on.

        The vendor refuses to cut where there is nothing, before the first sample and after the
        last one: the item goes, or stays.
        """
        cuts, left, begin = [], [], 0.0
        for item in self.of(response_id):
            length = item.audio_bytes / self.bytes_per_ms
            here_ms = int(heard_ms - begin)
            begin += length
            if here_ms <= 0:
                cuts.append(Cut(item.id, None))
                continue
            left.append(item)
            if here_ms < int(length):
                cuts.append(Cut(item.id, here_ms))
                item.audio_bytes = int(here_ms * self.bytes_per_ms)
        self._items[response_id] = left
        return cuts

    def replace(self, response_id: str, text: str) -> list[str]:
        """The ids of the messages that *text* takes the place of; none when it is all of it."""
        if _words(text) == _words(self.text(response_id)):
            return []
        return [item.id for item in self._items.pop(response_id, [])]


@attrs.define(eq=False)
class ToolRound:
    """The calls of one response: those not *answered* yet, and whether an answer follows."""

    unanswered: set[str] = attrs.field(factory=set)
    done: bool = False
    follow: bool = True


@attrs.define(eq=False)
class ToolRounds:
    """Which results are waited for, and when a response has all of its own."""

    _rounds: dict[str, ToolRound] = attrs.field(factory=dict, init=False)

    def want(self, response_id: str, call_id: str) -> None:
        """A response calls a tool."""
        self._rounds.setdefault(response_id, ToolRound()).unanswered.add(call_id)

    def waits_for(self, call_id: str) -> bool:
        """Does anybody wait for this result?"""
        return any(call_id in each.unanswered for each in self._rounds.values())

    def answer(self, call_id: str, *, follow: bool) -> bool:
        """A result is there; True when the next response is due."""
        name = next(name for name, each in self._rounds.items() if call_id in each.unanswered)
        self._rounds[name].unanswered.discard(call_id)
        self._rounds[name].follow = follow
        return self._is_due(name)

    def end(self, response_id: str) -> bool:
        """A response is done; True when the next one is due."""
        if response_id not in self._rounds:
            return False
        self._rounds[response_id].done = True
        return self._is_due(response_id)

    def _is_due(self, name: str) -> bool:
        each = self._rounds[name]
        if each.unanswered or not each.done:
            return False
        del self._rounds[name]
        return each.follow


def _words(text: str) -> list[str]:
    return text.split()
