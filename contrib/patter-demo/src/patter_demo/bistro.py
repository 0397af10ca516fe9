"""Rosa's bistro: the prompt, rules and tools of its agent.

Data and plain functions, which work whoever calls and over whatever carrier.
"""

from __future__ import annotations

from patter_demo.record import LINES
from patter_demo.rule import NUMBERS, Rule
from patter_demo.rules import RulesLLM

PROMPT = "You answer the phone at Rosa's, a small restaurant. Be brief and friendly."
GREETING = "Good evening, Rosa's. Our special tonight is mussels with garlic and white wine."

GRAMMAR: tuple[str, ...] = tuple(LINES.values())
"""Everything the recogniser listens for."""

_PEOPLE = "|".join(NUMBERS[1:13])

RULES: tuple[Rule, ...] = (
    Rule(
        r"\b(opening hours|open)\b",
        tool="opening_hours",
        then="We are open from {result}.",
    ),
    Rule(
        rf"\btable for (?P<people>{_PEOPLE}|\d+)\b",
        tool="book_table",
        arguments={"people": "{people}"},
        then="A table for {people:words}, reference {result:words}.",
    ),
    Rule(r"\b(goodbye|bye)\b", say="Goodbye.", tool="end_call"),
    Rule(r"\byes\b", say="Lovely. For how many people?"),
    Rule(r"\bno\b", say="All right. Anything else?"),
)

BRAIN = RulesLLM(rules=RULES, default="I did not understand that. Would you like a table?")


def opening_hours() -> str:
    """When we are open; the same every day."""
    return "five to eleven"


def book_table(people: int) -> str:
    """Book a table for this evening; returns the reference of the booking."""
    return f"R-{15 + people}"
