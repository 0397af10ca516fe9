"""Events of what a call is connected to: its media leg, its providers, and what they used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from patter.observe.events.event import CallEvent

FAULT = frozenset({"loss_percent", "jitter_ms", "echo_db", "seed"})


class Wire(CallEvent, frozen=True, kw_only=True, tag="wire"):
    """Something went to or came from the carrier; which fields it has depends on *what*."""

    what: str
    """`mark`, `played`, `clear`, `dry`, `dtmf`, `dtmf_sent`, `leg_lost`, `leg_back`, `where`,
    `fault`, `error`. `dry`: the caller has waited 200 ms for more of what the agent says."""
    name: str = ""
    """Of `mark` and `played` the mark; of `where` `agent`, `hold`, `human` or `ended`; of
    `leg_lost` why; of `error` the carrier's code."""
    digits: str = ""
    """Of `dtmf`: the key that the caller pressed."""
    hidden: int | None = None
    """Of `dtmf`, instead of the digits: how many secret keys were pressed."""
    count: int | None = None
    """Of `dtmf_sent`: how many keys were sent."""
    text: str = ""
    """Of `fault`: what else there is to say of it; of `error` the carrier's words."""
    loss_percent: float | None = None
    """Of `fault`: how many of 100 audio frames are lost on purpose."""
    jitter_ms: float | None = None
    """Of `fault`: by up to how many milliseconds frames are delayed on purpose."""
    echo_db: float | None = None
    """Of `fault`: how loud the agent's echo is, in dB; left out without one."""
    seed: float | None = None
    """Of `fault`: the seed of its random numbers."""

    @classmethod
    def fault(cls, details: Mapping[str, float | None]) -> Wire:
        """A line that is bad on purpose; what there is no field for becomes text."""
        fields: dict[str, Any] = {name: details[name] for name in details if name in FAULT}
        rest = [f"{name} {value}" for name, value in details.items() if name not in FAULT]
        return cls(what="fault", text=", ".join(rest), **fields)


class Link(CallEvent, frozen=True, kw_only=True, tag="link"):
    """The connection to a provider was lost, or is there again; or another provider is used."""

    provider: str
    """The slug of the provider."""
    kind: str = ""
    """`stt`, `tts`, `engine` or `llm`."""
    what: str
    """`lost`, `back`, or `failed` when it is not tried again; `skipped` when other calls have
    found it dead. Of `llm`: `hedged` when it is asked beside one that is later than usual, and
    `took_over` when it answers in place of the first."""
    gap_ms: int | None = None
    """Of `back`: for how many milliseconds there was none. Of `llm`: how long it had been asked;
    of `hedged`, how long the other had."""
    replayed_ms: int | None = None
    """Of `back`: how many milliseconds of the caller's audio were sent again."""
    text: str = ""
    """Of `lost`, `skipped`, and what an `llm` does: the error that is the reason."""


class Usage(CallEvent, frozen=True, kw_only=True, tag="usage"):
    """An amount of something that a provider charges for was used."""

    kind: str
    """`stt`, `llm`, `tts`, `engine` or `carrier`."""
    provider: str
    """The slug of the provider."""
    model: str = ""
    """The model, if the provider has several."""
    unit: str
    """`minutes`, `characters`, `calls`, `tokens_in`, `tokens_out`, `tokens_cached`,
    `tokens_cache_written`, or another one that the provider reports."""
    amount: int | float
    """How much of the unit."""
    usd: float | None = None
    """The price in dollars, when the vendor itself reports it."""
