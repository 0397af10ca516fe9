"""What a model reports that it used, in the record: the bill is made of it."""

from __future__ import annotations

from patter.call.plan import Name
from patter.observe.call_events import CallEvents
from patter.observe.events import Usage
from patter.providers.llm import UsageChunk


def note_usage(events: CallEvents, name: Name, used: UsageChunk) -> None:
    """Write down what the model *name* has *used*, unit by unit."""
    provider, model = name
    amounts = {
        "tokens_in": used.input_tokens,
        "tokens_out": used.output_tokens,
        "tokens_cached": used.cache_read_tokens,
        "tokens_cache_written": used.cache_write_tokens,
    }
    for unit, amount in amounts.items():
        if amount:
            events.emit(
                Usage(kind="llm", provider=provider, model=model, unit=unit, amount=amount)
            )
