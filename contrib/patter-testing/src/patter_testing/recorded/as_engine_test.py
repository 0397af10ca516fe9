"""A call that an engine led as the source of a test: what is other than with a model. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from patter.text.keys import ANY_KEYS
from patter_testing.recorded.answers import Answered

NOT_TOLD = "(words that the engine did not tell)"
EVIDENCE_MS = 400
"""How long a voice must last until it stops what an engine says."""
HEAD = '''"""Call {call} of {day}, again.

Made by: patter calls export {call} --format test{target}
"""

{imports}

ANSWERS = {answers}
"""What the engine answered, by what the caller said: a reply for each round of tools."""


def answer(rows: Sequence[Message]) -> str | ToolRequest:
    """The recorded answer to the caller's last words; of words said twice, the second time's."""
    said = [at for at, row in enumerate(rows) if row.role == "user"]
    words = [rows[at].text for at in said]
    alike = [replies for text, replies in ANSWERS if text == words[-1]]
    replies = alike[min(words[:-1].count(words[-1]), len(alike) - 1)]
    rounds = sum(bool(row.tool_calls) for row in rows[said[-1] :])
    return replies[min(rounds, len(replies) - 1)]


ENGINE = FakeEngine(answer=answer, listens=True, words_ms=0)
"""Nobody asks a vendor: an engine cannot be asked the same again."""

'''


def words_of(turn: Answered) -> str:
    """What the caller says in the test: the words of the turn, if they were told."""
    return next(filter(None, reversed(turn.words)), NOT_TOLD)


def with_words(turns: Mapping[int, Answered]) -> dict[int, Answered]:
    """Turns that an engine committed before it told their words, with these; none of noise."""
    return {
        number: Answered(number, [words_of(turn)], turn.rounds, turn.speech, turn.first_ms)
        for number, turn in turns.items()
        if any(turn.words) or turn.speech or turn.runs
    }


def engine_imports(target: str, *, own_voice: bool, tools: bool) -> list[str]:
    """The import lines, in their order."""
    made = "from patter import Agent, Tool" if tools else "from patter import Agent"
    doubles = ["FakeEngine", *(["FakeTTS"] if own_voice else []), "lab", "run_virtual"]
    module, _, name = target.partition(":")
    return [
        "from collections.abc import Sequence",
        "",
        *(["import attrs", ""] if target else []),
        *([] if target else [made]),
        "from patter.providers.llm import Message, ToolRequest",
        f"from patter.testing import {', '.join(doubles)}",
        *([f"from {module} import {name}"] if target else []),
    ]


def with_engine(name: str, *, own_voice: bool) -> str:
    """The source of the agent *name*, led by the double; what it sets of a vendor is left out."""
    voice = "    tts=FakeTTS(),\n" if own_voice else ""
    return (
        f"AGENT = attrs.evolve(\n    {name},\n    engine=ENGINE,\n    provider=None,\n"
        "    voice='',\n    model='',\n    realtime_turn_detection=None,\n"
        f"    openai_realtime_noise_reduction=None,\n    vad=None,\n{voice})\n"
    )


def engine_answers(turns: Mapping[int, Answered]) -> str:
    """The source of `ANSWERS`: tools one after the other, and then the words."""
    lines = ["["]
    for turn in turns.values():
        replies = ", ".join([*_requests(turn), repr(" ".join(turn.speech))])
        lines.append(f"    ({_heard(turn)!r}, [{replies}]),")
    return "\n".join([*lines, "]"])


def _heard(turn: Answered) -> str:
    """The row that the double has of what the caller did: of keys, it is told in words."""
    keys = ANY_KEYS.fullmatch(turn.words[-1])
    return f"(The caller pressed {keys[1]}.)" if keys else turn.words[-1]


def _requests(turn: Answered) -> Iterator[str]:
    for reply in turn.replies:
        for tool in reply.tools:
            yield f"ToolRequest({tool.id!r}, {tool.name!r}, {tool.arguments!r})"
