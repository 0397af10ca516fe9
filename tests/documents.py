"""The documents that this API was asked for by, and the Python that they show.

Their pages lost the marks of their blocks, and the oldest its indentation: where each block is
stands here, and a test holds it against the text.
"""

from __future__ import annotations

import re
from pathlib import Path

import attrs

FOLDER = Path(__file__).parent / "data" / "documents"
REFERENCE, CONFIGURATION, README = "001", "003", "004"
TYPESCRIPT = ("000", "002")
"""The other two documents, in which there is no Python."""

CODE: dict[str, tuple[tuple[int, int], ...]] = {
    REFERENCE: (
        *((132, 133), (152, 153), (173, 174), (179, 180), (185, 186), (191, 191), (200, 200)),
        *((296, 303), (305, 313), (332, 332), (340, 404)),
    ),
    CONFIGURATION: (
        *((15, 17), (62, 70), (74, 81), (85, 93), (100, 102), (123, 134), (138, 142), (154, 155)),
        *((160, 164), (179, 194)),
    ),
    README: (
        *((10, 18), (29, 46), (165, 179), (193, 204), (216, 221), (230, 237), (248, 262)),
        *((284, 284), (288, 293), (301, 310), (348, 352)),
    ),
}
"""First and last line of every block that can be run."""

DECLARED: dict[str, tuple[tuple[int, int], ...]] = {
    REFERENCE: (
        *((19, 25), (37, 58), (85, 98), (103, 112), (117, 122), (127, 127), (137, 140), (144, 148)),
        *((157, 161), (165, 169), (204, 210), (215, 220), (229, 249), (254, 259), (263, 267)),
        (276, 283),
    )
}
"""Those that only say how something is declared."""

CODE_LIKE = re.compile(
    r"(from [\w.]+ import |import \w+$|async def |def |class \w+[:(]|@|try:|\w+ = \w+[.\w]*\((?!\{)"
    r"|await phone\.\w+\((?!\{)|asyncio\.run\()"
)
"""How a line begins that can only be Python."""

GLUE = re.compile(r"(?<=\))(TypeScript|Required environment variables:)$")
"""What the page lost a line's end before."""


@attrs.frozen
class Block:
    """Lines of a document, from 1 on."""

    document: str
    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.document}:{self.first}"

    @property
    def lines(self) -> list[str]:
        """As they are on the page."""
        return lines(self.document)[self.first - 1 : self.last]

    @property
    def code(self) -> str:
        """As they were written."""
        written = [GLUE.sub("", line) for line in self.lines]
        return "\n".join(indented(written) if self.document == README else written)


def lines(document: str) -> list[str]:
    """The lines of *document*."""
    return (FOLDER / f"{document}.txt").read_text(encoding="utf-8").splitlines()


def blocks(table: dict[str, tuple[tuple[int, int], ...]]) -> list[Block]:
    """The blocks of *table*."""
    return [Block(name, *place) for name, places in table.items() for place in places]


def indented(flat: list[str]) -> list[str]:
    """*flat* with its indentation: a function's body ends at the next one, an if has one line.

    >>> indented(["async def f():", "if x:", "return 1", "return 2", "asyncio.run(f())"])
    ['async def f():', '    if x:', '        return 1', '    return 2', 'asyncio.run(f())']
    """
    done, body, inside_if = [], False, False
    for line in flat:
        if line.startswith(("async def ", "asyncio.run(")):
            body = False
        done.append("    " * (body + inside_if) + line)
        inside_if = line.startswith("if ")
        body = body or line.startswith("async def ")
    return done
