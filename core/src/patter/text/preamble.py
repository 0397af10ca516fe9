"""The instructions about speaking on the phone that precede the user's own prompt. Pure."""

from __future__ import annotations

PHONE_PREAMBLE = """\
You are speaking with somebody on the phone, right now. Your words are read aloud by a voice.
- Answer briefly: one or two short sentences, unless more is asked for. One question at a time.
- Write only what can be spoken: no markdown, headings, lists, code, emoji or web addresses.
- Write numbers, prices, dates, times and units as words, the way people say them; read phone \
numbers and codes digit by digit.
- What you read of the caller was recognised from speech. If it makes no sense, ask them to \
say it again.
- If you were interrupted, the caller heard only the part that stands in the conversation."""

BEFORE_TOOLS = """\
Before you call a tool that takes a moment, say in one short sentence what you are about to do, \
and call it in the same reply. Say it in other words each time, and no result before you have it."""


def with_preamble(prompt: str, *, disabled: bool = False) -> str:
    """*prompt* after the preamble and an empty line; alone if *disabled*."""
    if disabled:
        return prompt
    return f"{PHONE_PREAMBLE}\n\n{prompt}" if prompt else PHONE_PREAMBLE


def with_words_before_tools(prompt: str, words: bool | str) -> str:
    """*prompt* after what an engine is told to say before it calls a tool: *words*, or ours."""
    preamble = words if isinstance(words, str) else BEFORE_TOOLS if words else ""
    return "\n\n".join(filter(None, (preamble, prompt)))
