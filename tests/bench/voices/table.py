"""A table of figures as Markdown, and those of its figures that may have a budget."""

from __future__ import annotations

from collections.abc import Iterator

import attrs


@attrs.define
class Table:
    """Rows beneath *columns*; *figures* are by name, of the settings that are judged."""

    title: str
    source: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]] = attrs.field(factory=list)
    figures: dict[str, float] = attrs.field(factory=dict)

    def add(self, *cells: object) -> None:
        """One more row."""
        self.rows.append(tuple(map(_cell, cells)))

    def lines(self) -> Iterator[str]:
        """The table, for people and for pages."""
        yield f"### {self.title} ({self.source})"
        yield ""
        yield _line(self.columns)
        yield "|" + "---|" * len(self.columns)
        yield from map(_line, self.rows)


def of(part: int, whole: int) -> str:
    """*part* of *whole*."""
    return f"{part} of {whole}"


def _line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if isinstance(value, float) else str(value)
