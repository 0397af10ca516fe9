"""What was said and heard on a call: the rows a model is shown, and a checkpoint of them.

Only what the caller heard of the agent stands here, and what tools answered. Values in,
values out: writing it down is somebody else's work.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import attrs

from patter.call.note_prompts import SUMMARY_HEAD
from patter.errors import InputError
from patter.observe.secrets import hide_all
from patter.providers.llm import Message, ToolRequest
from patter.safe_text import MASK
from patter.tools.arguments import parse
from patter.tools.refusals import InvalidArgumentsError

CHECKPOINT_VERSION = 1
CUT_MARK = " [interrupted by the caller]"


@attrs.frozen
class HistoryRow:
    """One row. Tool rows carry the *request* they answer; *cut*: the caller interrupted.

    *hidden*: it belongs to a sensitive section, or to a sensitive tool.
    """

    role: Literal["caller", "agent", "tool"]
    turn: int
    text: str
    at_ms: int = 0
    cut: bool = False
    request: ToolRequest | None = None
    hidden: bool = False

    @property
    def shown(self) -> str:
        """Its text for anybody but the model."""
        return MASK if self.hidden and self.text else self.text

    @property
    def safe(self) -> HistoryRow:
        """This row as it may be kept."""
        return attrs.evolve(self.concealed, text=self.shown) if self.hidden else self

    @property
    def concealed(self) -> HistoryRow:
        """This row without what is hidden; what a tool found out stays."""
        if self.request is not None:
            return attrs.evolve(self, request=without_arguments(self.request))
        return attrs.evolve(self, text=self.shown)


@attrs.frozen
class Summary:
    """*text* stands for the rows up to *last*, in what a model reads; None: for rows that went."""

    text: str
    last: HistoryRow | None


@attrs.define
class History:
    """The rows of one call, oldest first, at most *limit* of them.

    A model reads the *summary* instead of the rows that it is of. They are kept all the same.
    """

    limit: int = attrs.field(default=200, validator=attrs.validators.ge(1))
    rows: list[HistoryRow] = attrs.field(factory=list)
    summary: Summary | None = None

    def add(self, row: HistoryRow) -> None:
        """Append *row*; the oldest goes when there are too many."""
        self.rows.append(row)
        del self.rows[: -self.limit]

    def amend(self, row: HistoryRow) -> None:
        """Put *row* in place of what the caller's turn said before."""
        index = self._index(row.turn)
        if index is None:
            self.add(row)
        else:
            self.rows[index] = row

    def bring_last(self, turn: int) -> None:
        """The caller's *turn* is answered now: nothing a model reads comes after it.

        What tools found for the words before stands in front of it.
        """
        index = self._index(turn)
        if index is not None:
            self.rows.append(self.rows.pop(index))

    def wording(self, turn: int) -> str:
        """What the caller's *turn* says by now; empty without one."""
        index = self._index(turn)
        return "" if index is None else self.rows[index].text

    def reword(self, turn: int, text: str) -> None:
        """From now on the model reads *text* where the caller's *turn* stands."""
        index = self._index(turn)
        if index is not None:
            self.rows[index] = attrs.evolve(self.rows[index], text=text)

    def _index(self, turn: int) -> int | None:
        """Where the caller's *turn* stands."""
        for index in reversed(range(len(self.rows))):
            if self.rows[index].role == "caller" and self.rows[index].turn == turn:
                return index
        return None

    def conceal(self) -> None:
        """From now on the model, too, reads nothing of hidden rows."""
        summed = self._summed
        self.rows = [row.concealed if row.hidden else row for row in self.rows]
        if self.summary is not None and summed:
            self.summary = attrs.evolve(self.summary, last=self.rows[summed - 1])

    def with_turn(self, turn: int, text: str) -> History:
        """This history as it will be once the caller's *turn* stands with *text*."""
        coming = History(self.limit, list(self.rows), self.summary)
        coming.amend(HistoryRow("caller", turn, text))
        coming.bring_last(turn)
        return coming

    @property
    def recent(self) -> list[HistoryRow]:
        """The rows that the summary does not stand for."""
        return self.rows[self._summed :]

    @property
    def _summed(self) -> int:
        """How many of the rows the summary stands for; its last one may have gone by now."""
        last = self.summary.last if self.summary else None
        return next((index + 1 for index, row in enumerate(self.rows) if row is last), 0)

    def messages(self, system_prompt: str) -> tuple[Message, ...]:
        """What a model reads; rows nobody heard a word of are left out."""
        messages = [Message("system", system_prompt)] if system_prompt else []
        if self.summary is not None:
            messages.append(Message("system", f"{SUMMARY_HEAD}\n\n{self.summary.text}"))
        return (*messages, *messages_of(self.recent))

    def transcript(self) -> list[dict[str, str]]:
        """Rows as callbacks give them: role (user, assistant, tool) and text."""
        names = {"caller": "user", "agent": "assistant", "tool": "tool"}
        return [{"role": names[row.role], "text": row.shown} for row in self.rows if row.text]

    def checkpoint(self) -> dict[str, Any]:
        """Everything needed to go on elsewhere; JSON all the way down."""
        rows = [attrs.asdict(row.safe) for row in self.rows]
        if self.summary is None:
            return {"v": CHECKPOINT_VERSION, "rows": rows}
        summary = {"text": self.summary.text, "rows": self._summed}
        return {"v": CHECKPOINT_VERSION, "rows": rows, "summary": summary}

    @classmethod
    def restored(cls, checkpoint: Mapping[str, Any], limit: int = 200) -> History:
        """The history a checkpoint was taken of. Raises InputError for another version."""
        if checkpoint.get("v") != CHECKPOINT_VERSION:
            raise InputError(
                f"a checkpoint of version {checkpoint.get('v')!r} cannot be read",
                fix=f"write it with a Patter that writes version {CHECKPOINT_VERSION}",
            )
        rows = [_row(data) for data in checkpoint["rows"]]
        return cls(limit, rows[-limit:], _summary(checkpoint.get("summary"), rows))


def without_arguments(request: ToolRequest) -> ToolRequest:
    """*request* with the names of its arguments alone."""
    try:
        arguments = parse(request.arguments)
    except InvalidArgumentsError:
        arguments = {}
    return attrs.evolve(request, arguments=json.dumps(hide_all(arguments), ensure_ascii=False))


def messages_of(rows: Iterable[HistoryRow]) -> tuple[Message, ...]:
    """*rows* as a model reads them."""
    return tuple(message for row in rows for message in _messages(row))


def _messages(row: HistoryRow) -> list[Message]:
    if row.request is not None:
        request = Message("assistant", tool_calls=(row.request,))
        answer = Message("tool", row.text, tool_call_id=row.request.id, name=row.request.name)
        return [request, answer]
    if not row.text:
        return []
    if row.role == "caller":
        return [Message("user", row.text)]
    return [Message("assistant", row.text + CUT_MARK * row.cut)]


def _summary(data: Mapping[str, Any] | None, rows: Sequence[HistoryRow]) -> Summary | None:
    if data is None:
        return None
    return Summary(data["text"], rows[data["rows"] - 1] if data["rows"] else None)


def _row(data: Mapping[str, Any]) -> HistoryRow:
    request = data.get("request")
    return HistoryRow(**{**data, "request": ToolRequest(**request) if request else None})
