"""Which calls a query means, and pages of them that neither repeat nor skip one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.errors import InputError
from patter_dashboard import listing
from patter_dashboard.filters import after, cursor_of, read_filters, searched
from patter_dashboard.index_file import IndexFile
from patter_dashboard.sweep import Sweep

from .records import DAY, WALL, CallShelf, conversation

CALLS = {
    "plain": conversation(),
    "failed": conversation(outcome="failed", wall=WALL - DAY, error="TIMEOUT"),
    "slow": conversation(gap_ms=2_400, wall=WALL - 2 * DAY, agent="desk"),
    "other": conversation(caller="+441632960123", wall=WALL - 3 * DAY, words="é già Pronto?"),
    "dear": conversation(cost_usd=1.5, wall=WALL - 4 * DAY, direction="outbound"),
    "unpriced": conversation(cost_usd=None, wall=WALL - 5 * DAY, llm="acme/x"),
}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IndexFile]:
    root = tmp_path_factory.mktemp("filters") / "log"
    root.mkdir(mode=0o700)
    shelf = CallShelf(root)
    for at, (id, events) in enumerate(CALLS.items()):
        shelf.keep(id, events, WALL - at * DAY)
    made = IndexFile(root)
    made.prepare()
    Sweep(made).run()
    yield made
    made.close()


def ids(index: IndexFile, **filters: str) -> set[str]:
    filters = {name.removeprefix("_"): value for name, value in filters.items()}
    return {call["id"] for call in listing.page(index, read_filters(filters, WALL), "", 100).data}


EVERYBODY = set(CALLS)


@pytest.mark.parametrize(
    "filters, expected",
    [
        ({}, EVERYBODY),
        ({"outcome": "failed"}, {"failed"}),
        ({"outcome": "failed,completed"}, EVERYBODY),
        ({"agent": "desk"}, {"slow"}),
        ({"direction": "outbound"}, {"dear"}),
        ({"number": "0188"}, set()),
        ({"number": "441632"}, {"other"}),
        ({"number": "+44 (1632) 960-123"}, {"other"}),
        ({"number": "0001234"}, EVERYBODY),
        ({"gap": "1500"}, {"slow"}),
        ({"gap": "2400"}, set()),
        ({"tool": "book_table"}, EVERYBODY),
        ({"tool": "book"}, set()),
        ({"said": "pronto"}, {"other"}),
        ({"said": "E GIA"}, {"other"}),
        ({"said": "tab"}, EVERYBODY - {"other"}),
        ({"said": "tab for"}, set()),
        ({"said": '"a table for two"'}, EVERYBODY - {"other"}),
        ({"said": '"table a"'}, set()),
        ({"said": "for two."}, EVERYBODY),  # unheard, and said all the same
        ({"cost_over": "1"}, {"dear"}),
        ({"cost_under": "1"}, EVERYBODY - {"dear", "unpriced"}),
        ({"price": "unknown"}, {"unpriced"}),
        ({"price": "known"}, EVERYBODY - {"unpriced"}),
        ({"provider": "acme"}, {"unpriced"}),
        ({"provider": "openai/gpt-4o-mini"}, EVERYBODY - {"unpriced"}),
        ({"provider": "open"}, set()),
        ({"provider": "twilio"}, EVERYBODY),
        ({"error": "TIMEOUT"}, {"failed"}),
        ({"interrupted": "true"}, EVERYBODY),
        ({"interrupted": "false"}, set()),
        ({"recorded": "true"}, set()),
        ({"_from": "36h"}, {"plain", "failed"}),
        ({"_from": "2026-09-20"}, {"plain", "failed"}),
        ({"to": "2026-09-18"}, {"other", "dear", "unpriced"}),
        ({"to": "2026-09-18T00:00:00Z"}, {"dear", "unpriced"}),
        ({"_from": "2026-09-18", "to": "2026-09-19"}, {"slow", "other"}),
        ({"outcome": "completed", "agent": "bistro", "said": "table", "cost_over": "1"}, {"dear"}),
    ],
)
def test_all_that_is_asked_for_has_to_hold(
    index: IndexFile, filters: dict[str, str], expected: set[str]
) -> None:
    assert ids(index, **filters) == expected


@pytest.mark.parametrize(
    "wrong",
    [
        {"colour": "red"},
        {"outcome": "great"},
        {"outcome": "completed,great"},
        {"number": "12"},
        {"number": "one"},
        {"gap": "-1"},
        {"gap": "nan"},
        {"gap": "inf"},
        {"cost_over": "cheap"},
        {"price": "low"},
        {"said": "?!"},
        {"said": "x" * 201},
        {"from": "yesterday"},
        {"from": "2026-13-01"},
        {"interrupted": "yes"},
        {"direction": "in"},
    ],
)
def test_what_cannot_be_meant_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(InputError) as caught:
        read_filters(wrong, WALL)
    assert caught.value.fix


@given(st.text(max_size=60))
def test_whatever_is_searched_is_a_query_and_never_an_error(words: str) -> None:
    import sqlite3

    try:
        query = searched(words)
    except InputError:
        return
    memory = sqlite3.connect(":memory:")
    memory.execute("CREATE VIRTUAL TABLE words USING fts5(text)")
    memory.execute("SELECT * FROM words WHERE words MATCH ?", (query,)).fetchall()
    memory.close()


@given(st.integers(-(10**14), 10**14), st.integers(0, 10**12))
def test_a_cursor_is_read_as_it_was_written(started: int, key: int) -> None:
    assert after(cursor_of(started, key)) == (started, key)


@given(st.text(max_size=40))
def test_any_other_cursor_is_refused_or_read(cursor: str) -> None:
    try:
        found = after(cursor)
    except InputError as refused:
        assert refused.fix
    else:
        assert found is None or len(found) == 2


def test_pages_neither_repeat_nor_skip_while_calls_come(shelf: CallShelf) -> None:
    wanted = shelf.several(25, every_s=0)  # all began in the same moment
    index = IndexFile(shelf.root)
    index.prepare()
    Sweep(index).run()
    seen: list[str] = []
    cursor = ""
    for at in range(10):
        page = listing.page(index, read_filters({}, WALL), cursor, 10)
        seen += [call["id"] for call in page.data]
        shelf.keep(f"new{at}", conversation(wall=WALL + 1 + at), WALL + 1 + at)
        shelf.keep(f"old{at}", conversation(outcome="busy"), WALL)
        Sweep(index).run()
        if page.next is None:
            break
        cursor = page.next
    assert len(seen) == len(set(seen))
    assert set(wanted) <= set(seen) and not any(each.startswith("new") for each in seen)
    index.close()


def test_what_was_found_is_shown_with_a_few_words_around_it(index: IndexFile) -> None:
    (call,) = listing.page(index, read_filters({"said": "pronto"}, WALL), "", 10).data
    assert {"text": "Pronto", "hit": True} in call["found"]
    assert "".join(each["text"] for each in call["found"]).count("Pronto") == 1


def test_counting_ends_somewhere(index: IndexFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "COUNTED", 4)
    page = listing.page(index, read_filters({}, WALL), "", 2)
    assert (page.total, page.more_than, len(page.data)) == (4, True, 2)
