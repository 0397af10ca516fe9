"""What became of the models of a list, in the record: so that an operator can explain an answer."""

from __future__ import annotations

from patter.llm.race import ModelReport
from patter.observe.call_events import CallEvents
from patter.observe.events import Link


def note_model(events: CallEvents, report: ModelReport) -> None:
    """Write *report* down, and the error of a model that failed."""
    error = report.error
    events.emit(
        Link(
            provider=report.name[0],
            kind="llm",
            what=report.what,
            gap_ms=report.gap_ms,
            text="" if error is None else error.message,
        )
    )
    if error is not None and report.what == "failed":
        events.error(error, f"llm {report.name[0]}")
