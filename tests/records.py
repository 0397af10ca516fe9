"""Write docs/records.md from the classes of events and payloads (``nox -s known``).

Descriptions are the docstrings below the fields, examples are lines of a real record in
tests/data/events.jsonl. ``--check`` only says whether the page is what it should be.
"""

from __future__ import annotations

import ast
import inspect
import json
import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NotRequired, get_args, get_origin, get_type_hints

import attrs
import msgspec

from patter.observe.codec import decode_line
from patter.observe.events import EVENTS, VERSION, CallEvent
from patter.phone import payloads

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "records.md"
EXAMPLES = ROOT / "tests" / "data" / "events.jsonl"
PAYLOADS: tuple[Any, ...] = (
    payloads.CallStartPayload,
    payloads.CallEndPayload,
    payloads.TranscriptPayload,
    payloads.MetricsPayload,
)
PARTS: tuple[Any, ...] = (
    payloads.TranscriptEntry,
    payloads.HistoryEntry,
)
STAMPS = frozenset(CallEvent.__struct_fields__)
INTRODUCTION = f"""# Records

What a call leaves in `call.jsonl`, what listeners are called with, and what callbacks get.
Written by `nox -s known` from `patter.observe.events` and `patter.phone.payloads`.

## call.jsonl

An event a line, in the order in which they happened:
`{{"v": {VERSION}, "call": ..., "seq": ..., "at_ms": ..., "type": ...}}` and the fields of its type.
`patter.observe.call_log.read_record` reads a record, `patter.observe.codec.decode_line` one
line; both give the classes below.

Beside it are `metadata.json`, `transcript.jsonl` and `events.jsonl`, for who does not read every
event; they are made of it, and [operating](operate.md#records) says what they hold.

*v* is {VERSION}. It grows when a reader of today would misread what is new, and then reading it
raises `InputError`. A new field or a new type does not change it: an older Patter ignores the
field, and reads the type as a `Note` with `what` `unknown_event`. Where a table says so, a
field is left out when it has no value: it is None, empty, or has no meaning for this event.

A call that rings has `call.jsonl.ringing`, its first event as far as it is known, before its
carrier is answered. Once it has begun, its events go to `call.jsonl.part`, and at its end that
becomes `call.jsonl`. `read_record` of the directory reads whichever is there, less a last line
that was cut off. What a killed process left is finished by the next start on the same log root,
which logs it, with an `ended` whose `outcome` is `unknown`. Unfinished files are locked by the
process that writes them, and others leave them alone. No file that exists is written over: a
second call of one id and day has a directory of its own, `ID-2`. One of more than 64 MB, twenty
times what an hour of brisk talk has, goes on with `row`, `turn` and `ended` alone, behind a note
`record_full`.

Fields named *at_ms, began_ms, ended_ms, cut_ms, voice_ms, evidence_ms* count milliseconds since
the session of the call began; all others that end in `_ms` are lengths. What happens between
the evidence of a barge-in and the carrier's clear reaches listeners after the clear, in order,
with the time at which it happened.
"""
LISTENERS = """## Listeners

```python
from patter.observe.events import CallEvent, Row, Turn, Usage


class Figures:
    event_types = (Row, Turn, Usage)

    def __call__(self, event: CallEvent) -> None:
        match event:
            case Row(role="agent", text=text, unheard=unheard):
                print(event.at_ms, text, unheard)
            case Turn(gap_ms=int(gap_ms)):
                print(event.at_ms, f"answered after {gap_ms} ms")
            case Usage():
                print(event.provider, event.amount, event.unit)
```

`phone.serve(agent, listeners=[Figures()])` calls it with the events of every call. Without
`event_types` it gets all of them. A plugin's hook is `patter_call_listeners`, in
[hooks](hooks.md). A listener is synchronous and quick; one that raises is logged and dropped.
"""
CALLBACKS = """## Callbacks

Each is called with one dict. Annotate its parameter with the class, and a type checker knows
the keys:

```python
from patter.phone.payloads import CallEndPayload


def on_call_end(payload: CallEndPayload) -> None:
    print(payload["call_id"], payload["outcome"], payload["duration"])
```
"""


@attrs.frozen
class Field:
    """One field of a class: how its type is written, and what it is."""

    name: str
    type: str
    optional: bool
    description: str

    @property
    def row(self) -> str:
        """Its line of the table."""
        shown = self.type.replace("|", "\\|")
        return f"| `{self.name}` | `{shown}` | {self.description} | {self._when} |"

    @property
    def _when(self) -> str:
        return "has no value" if self.optional else "never"


def main(arguments: list[str]) -> int:
    """Write the page, or with ``--check`` return 1 when it is not what it should be."""
    wanted = generated()
    if "--check" in arguments:
        now = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
        print("records.md is", "up to date" if now == wanted else "stale: run nox -s known")
        return int(now != wanted)
    PAGE.write_text(wanted, encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")
    return 0


def generated() -> str:
    """The whole page as it should be."""
    lines = examples()
    events = [section(kind, each, lines[kind]) for kind, each in EVENTS.items()]
    called = [payload_section(each) for each in (*PAYLOADS, *PARTS)]
    stamps = table(event_fields(CallEvent))
    shared = f"### Every event\n\n{first_sentences(CallEvent)}\n\n{stamps}"
    return "\n".join([INTRODUCTION, shared, *events, LISTENERS, CALLBACKS, *called])


def section(kind: str, event: type[CallEvent], example: str) -> str:
    """An event: what it is, its fields, and a line."""
    head = f"### `{kind}`: {event.__name__}\n\n{first_sentences(event)}\n"
    return f"{head}\n{table(event_fields(event))}\n```json\n{example}\n```\n"


def payload_section(payload: Any) -> str:
    """A payload, or a part of one: what it is, and its keys."""
    head = f"### {payload.__name__}\n\n{first_sentences(payload)}\n"
    return f"{head}\n{table(payload_fields(payload))}"


def table(fields: Iterator[Field]) -> str:
    """The fields, a line each."""
    heads = "| field | type | what it is | left out when it |\n|---|---|---|---|"
    return "\n".join([heads, *(field.row for field in fields)]) + "\n"


def event_fields(event: type[CallEvent]) -> Iterator[Field]:
    """The fields that *event* itself has, without those of every event."""
    described = descriptions(event)
    config = event.__struct_config__
    for each in msgspec.structs.fields(event):
        if each.name in STAMPS and event is not CallEvent:
            continue
        optional = config.omit_defaults and not each.required and event is not CallEvent
        yield Field(each.name, written(each.type), optional, described[each.name])


def payload_fields(payload: Any) -> Iterator[Field]:
    """The keys of *payload*."""
    described = descriptions(payload)
    for name, hint in get_type_hints(payload, include_extras=True).items():
        optional = get_origin(hint) is NotRequired
        inner = get_args(hint)[0] if optional else hint
        yield Field(name, written(inner), optional, described[name])


def descriptions(owner: type) -> Mapping[str, str]:
    """The docstring below each field of *owner*."""
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(owner))).body
    assert isinstance(body, ast.ClassDef)
    texts: dict[str, str] = {}
    for field, doc in zip(body.body, body.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            text = _text(doc)
            if text:
                texts[field.target.id] = text
    return texts


def _text(node: ast.stmt) -> str:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return " ".join(str(node.value.value).split())
    return ""


def first_sentences(owner: type) -> str:
    """The docstring of *owner*, in lines."""
    return inspect.cleandoc(owner.__doc__ or "")


def written(hint: Any) -> str:
    """*hint* as a reader writes it."""
    text = hint.__name__ if isinstance(hint, type) and not hasattr(hint, "__args__") else str(hint)
    for module in (
        "collections.abc.",
        "typing.",
        "patter.phone.payloads.",
        "patter.observe.call_metrics.",
    ):
        text = text.replace(module, "")
    return text


def examples() -> dict[str, str]:
    """A line of a real record by its type."""
    lines = EXAMPLES.read_text(encoding="utf-8").splitlines()
    for line in lines:
        decode_line(line)
    return {json.loads(line)["type"]: line for line in lines}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
