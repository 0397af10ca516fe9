"""Lists of calls, and one call with all that belongs to it, as the page asks for them."""

from __future__ import annotations

import json
import stat
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from patter_dashboard import exporting, peaks

from .records import API, OURS, THEIRS, WALL, CallShelf, Site, conversation, served

HIDDEN = ("***7788", "***1234")
NUMBERS = (THEIRS, OURS, THEIRS[1:], OURS[1:])


async def test_a_page_of_calls_has_fifty_and_where_the_next_begins(shelf: CallShelf) -> None:
    wanted = shelf.several(60)
    async with served(shelf.root) as site:
        first = await site.api("/calls")
        assert (len(first["data"]), first["total"], first["more_than"]) == (50, 60, False)
        assert first["index"] == {"state": "ready", "indexed": 60, "found": 60}
        second = await site.api("/calls", params={"cursor": first["next"]})
        assert second["next"] is None
        assert [each["id"] for each in first["data"] + second["data"]] == wanted


async def test_a_row_says_what_a_list_shows(shelf: CallShelf) -> None:
    shelf.keep("a", conversation(cost_usd=None, error="TIMEOUT"))
    async with served(shelf.root) as site:
        (row,) = (await site.api("/calls", params={"said": "two"}))["data"]
    assert row == {
        "id": "a",
        "started_at": "2026-09-21T14:13:20.000Z",
        "ended_at": "2026-09-21T14:13:21.300Z",
        "duration_ms": 51_200,
        "direction": "inbound",
        "caller": HIDDEN[0],
        "callee": HIDDEN[1],
        "number": HIDDEN[0],
        "agent": "bistro",
        "carrier": "twilio",
        "status": "completed",
        "outcome": "completed",
        "reason": "caller",
        "live": False,
        "erased": False,
        "turns": 1,
        "interruptions": 1,
        "gap_p50_ms": 800,
        "gap_p95_ms": 800,
        "gap_max_ms": 800,
        "cost_usd": None,
        "unpriced": ["acme/x minutes"],
        "tools": ["book_table"],
        "errors": ["TIMEOUT"],
        "recorded": False,
        "first_words": "book a table for two",
        "found": row["found"],
    }
    assert {"text": "two", "hit": True} in row["found"]


async def test_a_wrong_filter_is_said_to_be_one(site: Site) -> None:
    refused = await site.api("/calls?outcome=great", 400)
    assert refused["error"]["code"] == "INPUT_VALIDATION" and "completed" in refused["error"]["fix"]
    assert (await site.api("/calls?limit=many", 400))["error"]["fix"]
    assert (await site.api("/calls?cursor=***", 400))["error"]["fix"]


async def test_a_call_has_words_turns_costs_and_errors(shelf: CallShelf) -> None:
    shelf.keep("a", conversation(error="TIMEOUT"))
    async with served(shelf.root) as site:
        call = await site.api("/calls/a")
    assert [each["role"] for each in call["transcript"]] == ["agent", "tool", "caller", "agent"]
    assert [each["n"] for each in call["transcript"]] == [0, 1, 2, 3]
    said = call["transcript"][2]
    assert said["text"] == "book a table for two"
    booked = call["transcript"][3]
    assert (booked["text"], booked["unheard"], booked["interrupted"]) == (
        "Booked",
        "for two.",
        True,
    )
    ran = call["transcript"][1]
    assert (ran["text"], ran["result"], ran["kind"]) == (
        "book_table(people=2)",
        '"R-17"',
        "once",
    )
    (turn,) = call["turns"]
    assert sum(each["ms"] for each in turn["stages"]) == turn["gap_ms"] == 800
    assert [each["name"] for each in turn["stages"]] == ["stt", "endpointing"]
    assert call["errors"][0]["fix"] == "do it"
    assert call["cost"]["total_usd"] == 0.0214
    assert {each["kind"]: each["usd"] for each in call["cost"]["parts"]} == {
        "llm": 0.0014,
        "carrier": 0.02,
    }
    assert call["audio"] is None and call["model_requests"] == 1


async def test_no_answer_has_a_number_but_that_to_reveal(shelf: CallShelf) -> None:
    words = f"call {THEIRS} or {THEIRS[1:]} back"
    shelf.keep("a", conversation(words=words))
    async with served(shelf.root) as site:
        paths = ("/calls", "/calls?said=call", "/calls/a", "/calls/a/events", "/calls/a/model/0")
        for path in (*paths, "/calls/a/export?format=json", "/summary", "/facets", "/live"):
            async with site.client.get(f"{site.url}{API}{path}") as answer:
                text = await answer.text()
                assert answer.status == 200, text
            assert not any(number in text for number in NUMBERS), path
        assert await site.send(f"{API}/calls/a/reveal") == {"caller": THEIRS, "callee": OURS}


async def test_what_was_revealed_is_in_the_audit_file(shelf: CallShelf) -> None:
    shelf.keep("a", conversation())
    async with served(shelf.root) as site:
        await site.send(f"{API}/calls/a/reveal")
        await site.send(f"{API}/calls/none/reveal", status=404)
    path = shelf.root / "dashboard-audit.jsonl"
    (line,) = map(json.loads, path.read_text().splitlines())
    assert (line["action"], line["call_id"], line["address"]) == ("reveal", "a", "127.0.0.1")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not any(number in path.read_text() for number in NUMBERS)


async def test_without_a_line_nothing_is_revealed(shelf: CallShelf) -> None:
    shelf.keep("a", conversation())
    (shelf.root / "dashboard-audit.jsonl").mkdir()
    async with served(shelf.root) as site:
        refused = await site.send(f"{API}/calls/a/reveal", status=500)
        assert THEIRS not in json.dumps(refused) and refused["error"]["fix"]


async def test_hidden_keys_are_counted_and_nothing_more(shelf: CallShelf) -> None:
    shelf.keep("a", conversation())
    async with served(shelf.root) as site:
        events = await site.api("/calls/a/events?type=wire")
    assert [each["data"] for each in events["data"]] == [{"what": "dtmf", "hidden": 4}]


async def test_events_come_a_page_at_a_time(shelf: CallShelf) -> None:
    shelf.keep("a", conversation())
    async with served(shelf.root) as site:
        everything = await site.api("/calls/a/events?limit=2000")
        seqs = [each["seq"] for each in everything["data"]]
        seen: list[int] = []
        after = 0
        while after is not None:
            page = await site.api(f"/calls/a/events?limit=3&after={after}")
            seen += [each["seq"] for each in page["data"]]
            after = page["next"]
        assert seen == seqs == sorted(seqs)
        only = await site.api("/calls/a/events?type=turn,note")
        assert {each["type"] for each in only["data"]} == {"turn", "note"}


async def test_what_the_model_saw(shelf: CallShelf) -> None:
    shelf.keep("a", conversation())
    async with served(shelf.root) as site:
        index = (await site.api("/calls/a/model"))["data"]
        assert [(each["n"], each["turn"], each["rows"]) for each in index] == [(0, 1, 1)]
        saw = await site.api("/calls/a/model/0")
        assert saw["messages"] == [{"role": "caller", "text": "book a table for two"}]
        for none in ("1", "-1", "x", "9" * 30):
            await site.api(f"/calls/a/model/{none}", 404)


@pytest.mark.parametrize("id", ["none", "..%2F..", "a%00", "a'--"])
async def test_a_call_that_is_not_there_is_404(site: Site, id: str) -> None:
    for path in ("", "/events", "/model", "/audio", "/peaks", "/picture", "/export"):
        await site.api(f"/calls/{id}{path}", 404)


async def test_an_erased_call_has_its_id_and_its_time(shelf: CallShelf) -> None:
    directory = shelf.keep("a", conversation())
    tombstone = {"call_id": "a", "started_at": "2026-09-21T14:13:20.000Z", "erased_at": "later"}
    for path in directory.iterdir():
        path.unlink()
    (directory / "erased.json").write_text(json.dumps(tombstone))
    async with served(shelf.root) as site:
        call = await site.api("/calls/a")
        assert call["call"]["erased"] is True and call["transcript"] == []
        assert call["call"]["started_at"] == tombstone["started_at"]
        await site.api("/calls/a/events", 404)
        await site.send(f"{API}/calls/a/reveal", status=404)


# --- audio


async def test_audio_comes_in_ranges(shelf: CallShelf) -> None:
    path = shelf.record_audio(shelf.keep("a", conversation()))
    async with served(shelf.root) as site:
        call = await site.api("/calls/a")
        assert call["audio"] == {"duration_ms": 2_000, "rate_hz": 8_000, "bytes": 64_044}
        url = f"{site.url}{API}/calls/a/audio"
        async with site.client.get(url, headers={"Range": "bytes=44-47"}) as part:
            assert part.status == 206
            assert part.headers["Content-Range"] == "bytes 44-47/64044"
            assert await part.read() == path.read_bytes()[44:48]
        async with site.client.get(url, headers={"Range": "bytes=99999999-"}) as beyond:
            assert beyond.status == 416
        async with site.client.get(url) as whole:
            assert whole.content_type == "audio/wav" and await whole.read() == path.read_bytes()


async def test_peaks_are_those_of_the_audio_and_computed_once(
    shelf: CallShelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = shelf.record_audio(shelf.keep("a", conversation()))
    async with served(shelf.root) as site:
        first = await site.api("/calls/a/peaks?n=100")
        assert first["caller"] == [50] * 50 + [0] * 50
        assert first["agent"] == [0] * 50 + [100] * 50
        monkeypatch.setattr(peaks, "_computed", lambda *_: pytest.fail("computed again"))
        assert (await site.api("/calls/a/peaks?n=200"))["n"] == 200
        assert await site.api("/calls/a/peaks?n=100") == first
    assert stat.S_IMODE(path.with_name(peaks.NAME).stat().st_mode) == 0o600


def test_peaks_of_a_recording_that_grew_are_computed_again(shelf: CallShelf) -> None:
    directory = shelf.keep("a", conversation())
    short = peaks.peaks(shelf.record_audio(directory), 100)
    long = peaks.peaks(shelf.record_audio(directory, 4.0), 100)
    assert (short["duration_ms"], long["duration_ms"]) == (2_000, 4_000)


@pytest.mark.parametrize("frames", [0, 1, 7, 4_001])
def test_peaks_of_any_length(tmp_path: Path, frames: int) -> None:
    shelf = CallShelf(tmp_path)
    path = shelf.record_audio(tmp_path, frames / 8_000)
    found = peaks.peaks(path, 4_000)
    assert found["n"] == len(found["caller"]) == len(found["agent"]) >= 1
    assert all(0 <= each <= 100 for each in found["caller"] + found["agent"])


# --- files


@pytest.mark.parametrize("format", ["json", "csv", "srt"])
async def test_exports_are_redacted_unless_told(shelf: CallShelf, format: str) -> None:
    shelf.keep("a", conversation(words="my card is 4111 1111 1111 1111"))
    async with served(shelf.root) as site:
        url = f"{site.url}{API}/calls/a/export?format={format}"
        async with site.client.get(url) as answer:
            assert answer.headers["Content-Disposition"] == f'attachment; filename="a.{format}"'
            text = await answer.text()
            assert answer.status == 200 and "4111" not in text and THEIRS not in text
        async with site.client.get(f"{url}&redact=0") as answer:
            assert "4111 1111" in await answer.text()
    audited = (shelf.root / "dashboard-audit.jsonl").read_text()
    assert f"export {format}" in audited and audited.count("\n") == 1


async def test_a_call_becomes_a_test(shelf: CallShelf) -> None:
    shelf.keep("7f3a91", conversation())
    async with served(shelf.root) as site:
        assert "test" in (await site.api("/calls/7f3a91"))["exports"]
        async with site.client.get(f"{site.url}{API}/calls/7f3a91/export?format=test") as answer:
            code = await answer.text()
            assert answer.status == 200, code
            assert "test_call_7f3a91.py" in answer.headers["Content-Disposition"]
    compile(code, "test_call.py", "exec")
    assert "def test_" in code


async def test_the_picture_of_a_call_says_where_its_time_lies(shelf: CallShelf) -> None:
    shelf.keep("a", conversation())
    async with served(shelf.root) as site:
        async with site.client.get(f"{site.url}{API}/calls/a/picture.svg") as answer:
            svg = await answer.text()
            assert answer.status == 200 and answer.content_type == "image/svg+xml"
            left, right = map(float, answer.headers["X-Patter-Axis"].split())
        assert 0 < left < 0.2 < 0.9 < right <= 1
        assert ET.fromstring(svg).tag.endswith("svg")
        axis = await site.api("/calls/a/picture")
        assert (axis["left"], axis["right"]) == (left, right)


async def test_what_is_not_installed_is_said_with_its_fix(
    shelf: CallShelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.keep("a", conversation())
    monkeypatch.setattr(exporting, "find_spec", lambda name: None)
    async with served(shelf.root) as site:
        session = await site.api("/session")
        assert session["can"]["picture"] is False and session["can"]["test"] is False
        assert (await site.api("/calls/a"))["exports"] == []
        refused = await site.api("/calls/a/picture.svg", 409)
        assert refused["error"]["fix"].startswith("pip install patter-demo")
        assert (await site.api("/calls/a/export?format=pdf", 400))["error"]["fix"]


# --- the rest


async def test_a_summary_counts_unknown_prices_beside_the_total(shelf: CallShelf) -> None:
    for at, cost in enumerate([0.0214, 0.0214, None]):
        events = conversation(wall=WALL - at, cost_usd=cost, gap_ms=600 + 400 * at)
        shelf.keep(f"c{at}", events, WALL - at)
    async with served(shelf.root) as site:
        got = await site.api("/summary", params={"from": "2026-09-01"})
    assert got["calls"] == 3 and got["outcomes"] == {"completed": 3}
    cost = got["cost"]
    assert (cost["priced_calls"], cost["unpriced_calls"]) == (2, 1)
    assert cost["unpriced"] == ["acme/x minutes"]
    assert cost["known_usd"] == pytest.approx(0.0214 * 2 + 0.0214)  # 0.0014 + 0.02 are known
    assert got["latency"]["gap"] == {"p50": 1_000, "p95": 1_360}
    assert got["latency"]["stages"]["stt"] == {"p50": 300, "p95": 300}
    (day,) = got["by_day"]
    assert (day["day"], day["calls"], day["unpriced_calls"]) == ("2026-09-21", 3, 1)
    providers = {each["name"]: each for each in got["by_provider"]}
    assert providers["deepgram/nova-3"]["stage"] == "stt"
    assert providers["twilio"]["p50"] is None
    assert providers["openai/gpt-4o-mini"]["known_usd"] == pytest.approx(0.0042)
    assert [each["gap_ms"] for each in got["slowest"]] == [1_400, 1_000, 600]


async def test_a_summary_of_nothing_has_no_figures(site: Site) -> None:
    got = await site.api("/summary")
    assert got["calls"] == 0 and got["latency"]["gap"] == {"p50": None, "p95": None}


async def test_health_counts_errors_with_their_fixes(shelf: CallShelf) -> None:
    import time

    now = time.time()
    for at in range(3):
        shelf.keep(f"c{at}", conversation(wall=now - at, error="TIMEOUT"), now - at)
    shelf.keep("long-ago", conversation(error="AUTH"))
    async with served(shelf.root) as site:
        got = await site.api("/health")
    (error,) = got["errors"]
    assert (error["code"], error["count"], error["fix"]) == ("TIMEOUT", 3, "do it")
    assert error["calls"] == ["c0", "c1", "c2"]
    assert got["index"]["state"] == "ready" and got["index"]["bytes"] > 0
    assert {each["name"] for each in got["checks"]} >= {"records", "environment"}
    assert any(each["name"] == "dashboard" or each["kind"] for each in got["plugins"])


async def test_without_records_there_is_a_page_that_says_so() -> None:
    async with served(None) as site:
        assert (await site.api("/calls"))["index"]["state"] == "off"
        assert (await site.api("/session"))["records"] is False
        await site.api("/calls/a", 404)
        assert (await site.api("/live"))["calls"] == []
        await site.api("/health")


PAGES = ["/", "/dashboard", "/dashboard/calls", "/dashboard/calls/7f3a", "/dashboard/nothing"]


@pytest.mark.parametrize("path", PAGES)
async def test_the_page_is_at_its_addresses(site: Site, path: str) -> None:
    async with site.client.get(site.url + path) as answer:
        assert answer.status == 200 and answer.content_type == "text/html"
        policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy


@pytest.mark.parametrize("path", ["/dashboard/api", "/dashboard/api/none", "/dashboard/x.js"])
async def test_and_at_no_others(site: Site, path: str) -> None:
    async with site.client.get(site.url + path) as answer:
        assert answer.status == 404


def test_a_path_that_is_taken_is_left_alone() -> None:
    from patter_dashboard._page import page_routes
    from patter_dashboard.access import Access

    paths: set[Any] = {each.path for each in page_routes(Access(), {"/"})}
    assert "/" not in paths and "/dashboard" in paths
