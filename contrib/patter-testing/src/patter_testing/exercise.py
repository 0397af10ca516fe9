"""What a test did not touch: tools that were never called, guardrails never hit, words never said.

A pure look at plans and events. A suite whose calls all pass may still have left out half of what
the agent can do; this names it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import attrs

from patter.call.plan import CallPlan
from patter.observe.events import CallEvent, Note, Row, Started, ToolRun


@attrs.frozen(kw_only=True)
class Unexercised:
    """The names of what no call has used; empty where everything was."""

    tools: tuple[str, ...] = ()
    guardrails: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return any(attrs.astuple(self))

    def __str__(self) -> str:
        parts = attrs.asdict(self).items()
        return "\n".join(
            f"not exercised: {kind} {', '.join(names)}" for kind, names in parts if names
        )


def unexercised(
    plan: CallPlan, calls: Iterable[Sequence[CallEvent]], languages: Iterable[str] = ()
) -> Unexercised:
    """What of *plan* none of *calls* has used, each a call's events.

    *languages* are those that should have been spoken; without any, the plan's own is not asked
    for.
    """
    events = [event for call in calls for event in call]
    ran = {event.name for event in events if isinstance(event, ToolRun)}
    notes = (event for event in events if isinstance(event, Note) and event.what == "guardrail")
    hits = {event.text for event in notes}
    held = {event.language for event in events if isinstance(event, Started)}
    heard = " | ".join(_heard(events))
    return Unexercised(
        tools=_missing((tool.name for tool in plan.tools), ran),
        guardrails=_missing(map(_name, plan.guardrails), hits),
        phrases=tuple(
            kind for kind, texts in _phrases(plan) if not any(text in heard for text in texts)
        ),
        languages=_missing(languages, held),
    )


def _missing(names: Iterable[str], used: set[str]) -> tuple[str, ...]:
    return tuple(name for name in names if name not in used)


def _heard(events: Iterable[CallEvent]) -> Iterator[str]:
    return (event.text for event in events if isinstance(event, Row) and event.role == "agent")


def _phrases(plan: CallPlan) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What this agent may say without a model, by its kind; fillers only if it uses them."""
    phrases, rules = plan.phrases, plan.rules
    texts: dict[str, tuple[str, ...]] = {
        "greeting": (phrases.greeting,),
        "filler": (phrases.filler,) if rules.filler_ms else (),
        "reprompt": phrases.reprompts if rules.idle_ms else (),
        "apology": (phrases.apology,),
        "goodbye": tuple(phrases.goodbyes.values()),
        "voicemail": (phrases.voicemail,),
    }
    for kind, each in texts.items():
        if used := tuple(filter(None, each)):
            yield kind, used


def _name(guardrail: object) -> str:
    return str(getattr(guardrail, "name", "") or type(guardrail).__name__)
