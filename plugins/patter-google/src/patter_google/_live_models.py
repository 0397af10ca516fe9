"""What each family of Live models takes and does, by its name (pure).

As ai.google.dev/gemini-api/docs/live-api and the pages of the models told it in November 2026. A
model that is not known here is taken for one like the latest, of which nothing is refused here.
"""

from __future__ import annotations

import attrs


@attrs.frozen(kw_only=True)
class LiveModel:
    """One family.

    *history*: rows of a conversation can be sent before it goes on; otherwise the prompt has
    them. *async_tools*: a tool may run while the model speaks on, and its result may be told in
    silence. *updates*: instructions and tools can change in mid-session. *asks_by_text*: a
    request goes as ``realtimeInput.text``, for ``clientContent`` alone does not make it answer.
    *budget*, *level*: how thinking is set, if it can be. *affective*, *proactive*: it takes these
    options.
    """

    history: bool = True
    async_tools: bool = True
    updates: bool = True
    asks_by_text: bool = False
    budget: bool = True
    level: bool = True
    affective: bool = True
    proactive: bool = True


_FAMILIES = {
    # With its history in clientContent it does not recall it when it is asked by voice.
    "gemini-2": LiveModel(history=False, updates=False, level=False),
    "gemini-live-2": LiveModel(history=False, updates=False, level=False),
    "gemini-3.1": LiveModel(
        async_tools=False,
        updates=False,
        asks_by_text=True,
        budget=False,
        affective=False,
        proactive=False,
    ),
    # It thinks between words as it likes, and is proactive always.
    "gemini-3.8-live": LiveModel(budget=False, level=False, affective=False, proactive=False),
}


def live_model(name: str) -> LiveModel:
    """The family of model *name*, whose path does not matter.

    >>> live_model("models/gemini-3.1-flash-live-preview").async_tools
    False
    >>> live_model("gemini-9-live").async_tools
    True
    """
    plain = name.rpartition("/")[2]
    return next((each for begin, each in _FAMILIES.items() if plain.startswith(begin)), LiveModel())
