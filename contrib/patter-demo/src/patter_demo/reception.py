"""``rules/reception``: rules for whatever tools an agent has, in place of a model, for tests.

They understand five things: when it is open, a booking, a person to talk to, yes and no, goodbye.
A tool is found by its name, its arguments by theirs; nothing is invented: what was not said, and
has no obvious value, is asked for. Pure: tools in, rules out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import attrs

from patter_demo.rule import NUMBERS, Rule

HOURS = r"\b(hours|open|opening|close|closed)\b"
BOOKING = r"\b(book|booking|reserve|make|table|appointment)\b"
PERSON = r"\b(speak|talk|person|human|somebody|put me through)\b"
GOODBYE = r"\b(good ?bye|bye|good night)\b"
DAY = r"(?P<day>today|tonight|tomorrow|(?:mon|tues|wednes|thurs|fri|satur|sun)day)"
COUNT = rf"(?P<count>{'|'.join(NUMBERS[1:13])}|\d+)"
PHONE_NUMBER = re.compile(r"\+[1-9]\d{6,14}")

_HOURS_TOOL = re.compile(r"hours|open", re.IGNORECASE)
_BOOKING_TOOL = re.compile(r"book|reserv|appointment|table", re.IGNORECASE)
_DAY_NAME = re.compile(r"day|date|when", re.IGNORECASE)
_NUMBERS = frozenset({"integer", "number"})


class ToolLike(Protocol):
    """A tool as a model sees it; an agent's own tools are like it, too."""

    @property
    def name(self) -> str: ...

    @property
    def parameters(self) -> Mapping[str, Any]: ...


@attrs.frozen
class Slots:
    """What *tool* needs of the caller's words: argument to template, and names without one."""

    tool: str
    arguments: Mapping[str, str]
    counts: bool
    unknown: tuple[str, ...]

    @classmethod
    def of(cls, tool: ToolLike) -> Slots:
        """How the required arguments of *tool* are filled."""
        properties: Mapping[str, Any] = tool.parameters.get("properties", {})
        arguments, unknown, counts = {}, [], False
        for name in tool.parameters.get("required", ()):
            if properties.get(name, {}).get("type") in _NUMBERS:
                arguments[name], counts = "{count}", True
            elif _DAY_NAME.search(name):
                arguments[name] = "{day}"
            else:
                unknown.append(name)
        return cls(tool.name, arguments, counts, tuple(unknown))


def reception(tools: Iterable[ToolLike], prompt: str = "") -> tuple[Rule, ...]:
    """The rules for *tools*; *prompt* has the number that a caller is transferred to."""
    offered = list(tools)
    names = {tool.name for tool in offered}
    hours, booking = _first(offered, _HOURS_TOOL), _first(offered, _BOOKING_TOOL)
    return (
        *_using(BOOKING, booking, "It is booked: {result:words}."),
        *_using(HOURS, hours, "Our hours: {result}."),
        _to_a_person(names, prompt),
        Rule(GOODBYE, say="Goodbye.", tool="end_call"),
        Rule(r"\bno\b", say="All right. Anything else?"),
        Rule(r"\b(yes|yeah)\b", say="Gladly. What can I do for you?"),
        Rule(r"\bthank", say="You are welcome."),
        Rule(r"\b(hello|hi|good evening)\b", say=f"Hello. {_offers(offered)}"),
    )


def not_understood(tools: Iterable[ToolLike]) -> str:
    """What is said when no rule fits."""
    return f"Sorry, I did not understand that. {_offers(list(tools))}"


def suggestions(tools: Iterable[ToolLike]) -> tuple[str, ...]:
    """What a caller might say to an agent with *tools*."""
    offered = list(tools)
    booking = _first(offered, _BOOKING_TOOL)
    phrases = ["What are your opening hours?"] if _first(offered, _HOURS_TOOL) else []
    if booking and "appointment" in booking.name:
        phrases.append("Book an appointment on Tuesday.")
    elif booking:
        phrases.append("Book a table for two.")
    return (*phrases, "Goodbye.")


def _first(tools: Iterable[ToolLike], name: re.Pattern[str]) -> ToolLike | None:
    return next((tool for tool in tools if name.search(tool.name)), None)


def _using(subject: str, tool: ToolLike | None, then: str) -> Iterable[Rule]:
    """The rules that call *tool* when *subject* is in the caller's words."""
    if tool is None:
        return [Rule(subject, say="I understood you, but I have no tool for that.")]
    slots = Slots.of(tool)
    if slots.unknown:
        names = " and ".join(slots.unknown)
        return [Rule(subject, say=f"For that I need {names}, which rules cannot ask for.")]
    rules = []
    counted = rf"(?=.*\bfor {COUNT}\b)" if slots.counts else ""
    for day in (rf"(?=.*\b{DAY}\b)", ""):
        phrases = {key: text if day else text.replace("{day}", "today") for key, text in _of(slots)}
        rules.append(
            Rule(f"^{counted}{day}.*{subject}", tool=slots.tool, arguments=phrases, then=then)
        )
    ask = [Rule(subject, say="For how many? Say it all in one: book a table for two.")]
    return [*rules, *(ask if slots.counts else ())]


def _of(slots: Slots) -> Iterable[tuple[str, str]]:
    return slots.arguments.items()


def _to_a_person(names: set[str], prompt: str) -> Rule:
    number = PHONE_NUMBER.search(prompt)
    if number is None or "transfer_call" not in names:
        return Rule(PERSON, say="There is nobody here I could connect you to.")
    target = {"number": number.group()}
    return Rule(PERSON, say="I will put you through.", tool="transfer_call", arguments=target)


def _offers(tools: list[ToolLike]) -> str:
    *first, last = [phrase.rstrip("?.").lower() for phrase in suggestions(tools)]
    return f"You can say: {', '.join([*first, f'or {last}' if first else last])}."
