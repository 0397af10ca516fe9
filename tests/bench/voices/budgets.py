"""Beyond which figures the run fails. Data; the tables say what each figure means."""

from __future__ import annotations

import attrs


@attrs.frozen
class Budget:
    """*figure* may be at most *limit*, or with *least* must be at least that."""

    figure: str
    limit: float
    unit: str = ""
    least: bool = False

    def holds(self, value: float) -> bool:
        """Is *value* within it?"""
        return value >= self.limit if self.least else value <= self.limit


BUDGETS = (
    Budget("echo at -20 dB: false cuts", 0),
    Budget("echo at -30 dB: false cuts", 0),
    Budget("echo at -40 dB: false cuts", 0),
    Budget("interruptions over echo: cut", 100, "%", least=True),
    Budget("words after speech: heard", 100, "%", least=True),
    Budget("mm-hm: cut", 0),
    Budget("mm-hm: hole p50", 300, "ms"),
    Budget("stop: cut", 95, "%", least=True),
    Budget("stop: silence p50", 450, "ms"),
    Budget("laughs: cut", 0),
    Budget("coughs: cut", 0),
    Budget("second voice: turn taken, latest", 3_000, "ms"),
    Budget("second voice: answer heard, least", 15, "s", least=True),
    Budget("interruptions: cut", 100, "%", least=True),
    Budget("interruptions: silence p50", 450, "ms"),
)
