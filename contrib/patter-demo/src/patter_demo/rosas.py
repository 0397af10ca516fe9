"""Who answers ``patter phone --offline``: Rosa's, on this machine, without a key.

    patter phone patter_demo.rosas:agent

Every part may be replaced by a flag, such as ``--llm openai/gpt-4o-mini``.
"""

from __future__ import annotations

from patter import Patter, tool
from patter_demo import bistro


@tool(effect="read")
def opening_hours(day: str) -> str:
    """When we are open on a day of the week."""
    return "closed on mondays" if day == "monday" else bistro.opening_hours()


@tool(effect="once")
def book_table(people: int) -> str:
    """Book a table for this evening; returns the reference of the booking.

    Args:
        people: How many will come.
    """
    return bistro.book_table(people)


phone = Patter(carrier="softphone")
agent = phone.agent(
    bistro.PROMPT,
    stt="pocketsphinx/reception",
    llm="rules/reception",
    tts="espeak",
    first_message="Good evening, Rosa's. Would you like to book a table?",
    tools=[opening_hours, book_table],
    try_saying=[
        "What are your opening hours?",
        "Are you open on Sunday?",
        "Book a table for two.",
        "Goodbye.",
    ],
)
