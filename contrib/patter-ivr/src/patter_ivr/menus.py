"""An agent in front of a phone menu: hooks notice that the menu repeats, and tell the model."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import attrs

from patter import PipelineHooks, Tool
from patter.providers.llm import Message
from patter_ivr.keys import send_dtmf_events
from patter_ivr.loops import TfidfLoopDetector

ADVICE = (
    "The phone menu repeats itself. Do not answer as before: press another key, 0 for a person, "
    "or end the call."
)
CALLS_MAX = 1_000
"""Of so many calls what was said is remembered; of the oldest it is forgotten."""


@attrs.frozen
class MenuHooks:
    """What an agent that calls menus is made with: its *hooks* and its *tools*."""

    hooks: PipelineHooks
    tools: tuple[Tool, ...]


@attrs.define(eq=False)
class _Calls:
    """The menus of all calls, by the call's id."""

    make: Callable[[], TfidfLoopDetector]
    advice: str
    detectors: OrderedDict[str, TfidfLoopDetector] = attrs.field(factory=OrderedDict)

    def heard(self, text: str, call: Any) -> str:
        self._of(call.call_id).add_chunk(text)
        return text

    def advised(self, messages: Sequence[Message], call: Any) -> list[Message] | None:
        detector = self._of(call.call_id)
        if not detector.check_loop_detection():
            return None
        detector.reset()
        return [*messages, Message("system", self.advice)]

    def _of(self, call_id: str) -> TfidfLoopDetector:
        detector = self.detectors.setdefault(call_id, self.make())
        self.detectors.move_to_end(call_id)
        if len(self.detectors) > CALLS_MAX:
            self.detectors.popitem(last=False)
        return detector


def menu_hooks(
    detector: Callable[[], TfidfLoopDetector] = TfidfLoopDetector, advice: str = ADVICE
) -> MenuHooks:
    """Hooks and tools for an agent that calls phone menus.

    When the menu repeats itself the model is told *advice*, once a loop. *detector* makes what
    finds that, one for each call.

        menus = menu_hooks()
        agent = phone.agent("Cancel the order 1234.", hooks=menus.hooks, tools=[*menus.tools], ...)
    """
    calls = _Calls(detector, advice)
    return MenuHooks(
        PipelineHooks(after_transcribe=calls.heard, before_llm=calls.advised), (send_dtmf_events,)
    )
