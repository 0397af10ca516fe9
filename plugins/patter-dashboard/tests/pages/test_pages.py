"""Every page in a real browser: its looks, by keyboard alone, as events come, without a server."""

from __future__ import annotations

import asyncio
import gzip
import logging
import time
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from patter.aio import task_scope
from patter.observe.events import Ended, ErrorEvent, Row, Started
from patter.observe.log_root import make_private

from .board import Board, board
from .chrome import CHROMIUM, Tab, browser
from .records import DEMO_ID, demo_events, write_calls, write_demo, write_long

pytestmark = [
    pytest.mark.patter_timeout(90),
    pytest.mark.skipif(
        CHROMIUM is None, reason="no chromium on this machine: apt-get install chromium"
    ),
]
AXE = gzip.decompress(Path(__file__).with_name("axe.min.js.gz").read_bytes()).decode()
FOCUS = "document.activeElement"
PAGES = {
    "live?call=ada": ".live-panel .line",
    "calls": ".call-link",
    f"calls/{DEMO_ID}": "body:has(.lanes .wave) #tab-panel :is(select, input, li, pre)",
    "costs": ".chart rect",
    "latency": ".chart path",
    "health": ".checks li",
}
"""Each page, and what is on it when it has loaded."""
SHORTENED = {
    **dict.fromkeys(PAGES, ""),
    "calls": """history.replaceState(null, "", "?outcome=failed");
      dispatchEvent(new PopStateEvent("popstate"))""",
    f"calls/{DEMO_ID}": """const kinds = document.querySelector("#tab-panel select");
      kinds.value = "turn";
      kinds.dispatchEvent(new Event("change", {bubbles: true}))""",
}
"""Each page, and what leaves less of its lists: axe takes its time, and all rows are alike."""
RULES = {
    (1280, "light"): "",
    (1280, "dark"): "color-contrast link-in-text-block",
    (390, "light"): "target-size scrollable-region-focusable",
    (390, "dark"): "target-size",
}
"""The rules of axe, all of them once; then those whose answer may be another one."""
OVERFLOW = """[...document.querySelectorAll("body *")].filter((each) => {
  const box = each.getBoundingClientRect();
  const inside = each.closest(".only-read, svg, .tabs, .scroll");
  return box.width > 0 && box.right > innerWidth + 1 && !inside;
}).map((each) => `${each.tagName}.${each.className}`)"""


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log root with the demo's call, and 130 of the four weeks before."""
    folder = tmp_path_factory.mktemp("records") / "log"
    make_private(folder)
    now = time.time()
    write_calls(folder, 130, now=now)
    write_demo(folder, now - 240)
    return folder


async def wait_for_index(served: Board) -> None:
    """Until all records are in the index."""
    indexer = served.dashboard.indexer
    assert indexer is not None
    while indexer.as_data()["state"] != "ready":
        await asyncio.sleep(0.02)


@pytest.fixture
async def dash(root: Path) -> AsyncIterator[Board]:
    """The dashboard over these records, its index complete, without a call that goes on."""
    async with board(root) as served:
        await wait_for_index(served)
        yield served


@pytest.fixture
async def tab(tmp_path: Path) -> AsyncIterator[Tab]:
    """A browser that saw no error, when the test is over."""
    async with browser(tmp_path / "profile") as opened:
        await opened.size(1280, 860)
        await opened.scheme("light")
        yield opened
        assert opened.problems == []


def ada(dash: Board) -> Any:
    """A call that goes on: the demo's first words, up to the interruption."""
    started = Started(
        caller="+15550100188",
        callee="+15550001234",
        direction="inbound",
        agent="bistro",
        carrier="twilio",
        wall=time.time() - 9,
    )
    call = dash.call("ada", started)
    call.play([event for event in demo_events() if isinstance(event, Row)][:3])
    return call


async def open_page(tab: Tab, dash: Board, path: str) -> None:
    ready = PAGES.get(path) or PAGES[path.partition("?")[0]]
    await tab.open(f"{dash.url}/dashboard/{path}", f"document.querySelector({ready!r})")


async def violations(tab: Tab, rules: str = "") -> list[str]:
    """What axe finds wrong with the page as it is, by all its rules or by *rules* alone."""
    only = f"runOnly: {rules.split()}, " if rules else ""
    found = await tab.js(
        "axe.run({"
        f"{only} resultTypes: ['violations'], preload: false, iframes: false"
        "}).then(({violations}) => violations.map("
        "({id, nodes}) => `${id}: ${nodes.slice(0, 3).map((node) => node.html.slice(0, 160))}`))"
    )
    return list(found)


async def test_each_page_at_both_widths_in_light_and_dark(dash: Board, tab: Tab) -> None:
    ada(dash)
    wrong = []
    for path, shorten in SHORTENED.items():
        await open_page(tab, dash, path)
        await tab.js(f"{shorten}; {AXE}")
        for width, height in ((1280, 860), (390, 844)):
            await tab.size(width, height)
            for scheme in ("light", "dark"):
                await tab.scheme(scheme)
                await tab.js("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
                found = await tab.js(OVERFLOW)
                found += await violations(tab, RULES[width, scheme])
                wrong += [f"{path} {width} {scheme}: {each}" for each in found]
    assert wrong == []
    assert all(url.startswith((dash.url, "data:")) for url in tab.requests), tab.requests


async def test_calls_are_found_and_opened_by_keyboard_alone(dash: Board, tab: Tab) -> None:
    await open_page(tab, dash, "calls")
    await tab.key("Tab")
    assert await tab.js(f"{FOCUS}.textContent") == "Skip to content"
    await tab.key("Enter")
    assert await tab.js(f"{FOCUS}.id") == "main"
    await tab.key("/")
    assert await tab.js(f"{FOCUS}.id") == "said"
    await tab.write("vegan menu")
    await tab.key("Enter")
    await tab.until("location.search.includes('said=vegan')")
    await tab.until("document.querySelector('.gist mark')")
    await tab.js(f"{FOCUS}.blur()")
    await tab.key("j")
    await tab.key("j")
    await tab.key("k")
    first = "document.querySelector('.call-link')"
    assert await tab.js(f"{FOCUS} === {first}")
    assert await tab.js(f"getComputedStyle({first}, '::after').outlineStyle") == "solid"
    await tab.key("Enter")
    await tab.until("document.querySelector('.transcript .said-row')")
    await tab.key("Escape")
    await tab.until(
        "location.search.includes('said=vegan') && document.querySelector('.call-link')"
    )
    await tab.key("g")
    await tab.key("h")
    await tab.until("document.querySelector('.checks')")
    await tab.key("?", shift=True)
    await tab.until("document.querySelector('dialog[open] kbd')")
    await tab.key("Escape")
    await tab.until("!document.querySelector('dialog')")


async def test_filters_live_in_the_address(dash: Board, tab: Tab) -> None:
    failed = "calls?outcome=failed&from=30d"
    await tab.open(f"{dash.url}/dashboard/{failed}", "document.querySelector('.call-link')")
    rows = "[...document.querySelectorAll('.calls tbody tr:not(.day) .outcome')]"
    assert set(await tab.js(f"{rows}.map((each) => each.textContent)")) == {"failed"}
    assert await tab.js("document.querySelectorAll('.chip').length") == 2
    await tab.click(".chip")
    await tab.until("!location.search.includes('from')")
    await tab.js("document.querySelector('.filter-line > button').click()")
    await tab.click("#gap")
    await tab.write("99999")
    await tab.until("location.search.includes('gap=99999')")
    await tab.until("document.querySelector('.empty')")
    assert "No call fits" in await tab.text()
    await tab.click(".empty button")
    await tab.until(
        "location.search === '' && document.querySelectorAll('.call-link').length >= 50"
    )


async def test_a_call_in_step(dash: Board, tab: Tab, root: Path) -> None:
    await open_page(tab, dash, f"calls/{DEMO_ID}")
    slider = "document.querySelector('.seek')"
    at = f"Number({slider}.getAttribute('aria-valuenow'))"
    assert await tab.js("document.querySelector('.words.unheard').textContent")
    assert "unheard" in await tab.js("document.querySelector('#row-0').textContent")
    sums = await tab.js(
        "[...document.querySelectorAll('.waterfall button')].map((each) => each.title)"
    )
    for text in sums:
        total, _, parts = text.partition(" ms = ")
        assert int(total.replace(",", "")) == sum(
            int(each.split()[-1]) for each in parts.split(" + ")
        )
    await tab.click("#row-1 button")
    await tab.until(f"{at} >= 2725 && document.querySelector('#row-1.now')")
    await tab.until("document.querySelector('.play').getAttribute('aria-label') === 'Pause'")
    await tab.key(" ")
    await tab.until("document.querySelector('.play').getAttribute('aria-label') === 'Play'")
    before = await tab.js(at)
    await tab.js(f"{slider}.focus()")
    await tab.key("ArrowRight")
    assert await tab.js(at) == pytest.approx(before + 1_000, abs=2)
    x, y = await tab.point(".picture-box")
    for kind in ("mousePressed", "mouseReleased"):
        await tab.command(
            "Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1
        )
    assert await tab.js(at) == pytest.approx(16_354 / 2, abs=700)
    await tab.key("k")
    spoken = await tab.js(f"{slider}.getAttribute('aria-valuetext')")
    assert spoken == "0:02.7, caller: what are your opening hours"
    await tab.open(
        f"{dash.url}/dashboard/calls/{DEMO_ID}?turn=2", "document.querySelector('#row-4.now')"
    )
    await tab.click("#tab-model")
    await tab.until("document.querySelector('.messages li')")
    seen = await tab.js("document.querySelector('.messages').textContent")
    assert "opening hours" in seen
    assert "mussels" not in seen, "what was not heard is not what the model is told"


async def test_the_log_lines_of_a_call_are_on_its_page(dash: Board, tab: Tab) -> None:
    log = logging.getLogger("patter.call")
    log.warning("call %s: the voice is late", DEMO_ID)
    try:
        raise ValueError("a table of no legs")
    except ValueError:
        log.exception("call %s: a tool failed", DEMO_ID)
    await open_page(tab, dash, f"calls/{DEMO_ID}")
    await tab.until("document.querySelector('#tab-logs .badge').textContent === '2'")
    await tab.click("#tab-logs")
    await tab.until("document.querySelectorAll('#tab-panel .events li').length === 2")
    shown = await tab.js("document.querySelector('#tab-panel').textContent")
    assert "the voice is late" in shown and "a table of no legs" in shown
    await tab.js(AXE)
    assert await violations(tab) == []
    await tab.click("#tab-panel .check input")
    await tab.until("performance.getEntriesByType('resource').some((e) => e.name.endsWith('info'))")


async def test_an_hour_is_drawn_as_far_as_it_is_looked_at(tab: Tab, tmp_path: Path) -> None:
    root = tmp_path / "log"
    make_private(root)
    write_long(root, time.time() - 4_000, times=220)
    async with board(root) as dash:
        await wait_for_index(dash)
        await tab.open(
            f"{dash.url}/dashboard/calls/long?turn=600",
            "document.querySelector('.said-row.now') && document.querySelector('.state-hold')",
        )
        assert await tab.js("document.querySelectorAll('*').length") < 4_500
        assert await tab.js("document.querySelectorAll('.said-row').length") < 200
        await tab.js("document.querySelector('[aria-label=\"Zoom in\"]').click()")
        await tab.until("document.querySelector('.tick').textContent !== '0:00'")
        await tab.key("j")
        await tab.until("document.querySelector('.said-row.now').getBoundingClientRect().top > 0")


async def test_a_number_is_shown_on_request_and_that_is_kept(dash: Board, tab: Tab) -> None:
    await open_page(tab, dash, f"calls/{DEMO_ID}")
    assert "+15550100188" not in await tab.text()
    await tab.click(".call-head h1 button")
    await tab.until("document.querySelector('.call-head h1').textContent.includes('+15550100188')")
    audit = dash.dashboard.audit
    assert audit is not None
    lines = "".join(path.read_text() for path in audit.path.parent.glob(audit.path.name))
    assert "reveal" in lines
    assert DEMO_ID in lines
    test = await tab.js(
        "fetch(document.querySelector('.call-head a[download]').href)"
        ".then((answer) => answer.text())"
    )
    assert "def test_" in test


async def test_words_come_as_they_are_said(dash: Board, tab: Tab) -> None:
    await tab.open(f"{dash.url}/dashboard/live", "document.querySelector('.empty')")
    assert "Nobody is on the phone" in await tab.text()
    call = ada(dash)
    await tab.until("document.querySelector('.live-row')")
    await tab.key("j")
    await tab.key("Enter")
    log = "document.querySelector('.words-log')"
    await tab.until(f"{log} && {log}.textContent.includes('what are your opening hours')")
    assert "unheard" in await tab.js(f"{log}.textContent")
    call.step("VoiceStarted")
    call.hears("book a tab", 9_000)
    await tab.until(f"{log}.textContent.includes('book a tab…')")
    assert (
        await tab.js("document.querySelector('.live-row .speaking').textContent") == "caller speaks"
    )
    call.emit(Row(role="caller", text="book a table for two", turn=2, began_ms=8_453))
    call.emit(ErrorEvent(code="TIMEOUT", message="elevenlabs is late", fix="another voice"))
    await tab.until(f"{log}.textContent.includes('book a table for two')")
    await tab.until("document.querySelector('.live-panel .notice')")
    assert "book a tab…" not in await tab.js(f"{log}.textContent")
    for words, click in (
        ("transfer", ".panel-tools > button:not(.danger)"),
        ("hang", ".panel-tools .danger"),
    ):
        await tab.click(click)
        await tab.until("document.querySelector('dialog[open]')")
        if words == "transfer":
            await tab.write("+1 555 010 0200")
            await tab.key("Enter")
        else:
            await tab.key("Tab")
            await tab.key("Tab")
            await tab.key("Enter")
        await tab.until("!document.querySelector('dialog[open]')")
    await tab.until("document.querySelector('.toast')")
    assert dash.server.commands == [("transfer", "ada", "+15550100200"), ("hang up", "ada", "")]
    call.emit(Ended(outcome="completed", reason="operator", duration_ms=12_000, turns=2))
    await tab.until(
        "document.querySelector('.panel-foot a') && !document.querySelector('.live-badge')"
    )


async def talk(dash: Board) -> None:
    """Both sides speak to whoever listens, the agent seconds ahead of its time."""
    for number in range(2_000):
        for ear in dash.server.ears:
            ear.caller(20.0 * number, b"\x20\xa0" * 80)
            ear.agent(20.0 * number + 3_000, b"\x30\xb0" * 80)
        await asyncio.sleep(0.02)


async def test_the_second_click_listens_in(root: Path, tab: Tab) -> None:
    async with board(root) as dash, task_scope() as tasks:
        call = ada(dash)
        await open_page(tab, dash, "live?call=ada")
        await tab.js(
            """(() => { window.played = window.stopped = 0;
              const {prototype} = AudioBufferSourceNode;
              const {start, stop} = prototype;
              prototype.start = function (at) { played += 1; start.call(this, at); };
              prototype.stop = function () { stopped += 1; stop.call(this); }; })()"""
        )
        talking = tasks.create_task(talk(dash))
        label = "document.querySelector('.listen button').textContent"
        await tab.click(".listen button")
        await tab.until(f"{label} === 'Start listening'")
        assert "nobody hears you" in await tab.text()
        assert not any(url.endswith("/listen") for url in tab.requests)
        await tab.click(".listen button")
        await tab.until("played > 20")
        assert await tab.js("stopped") == 0
        for ear in dash.server.ears:
            ear.agent_cut(0.0)
        await tab.until("stopped > 10")
        assert await tab.js(label) == "Stop listening"
        await tab.click(".listen button")
        await tab.until(f"{label} === 'Listen in'")
        await tab.click(".listen button")
        await tab.click(".listen button")
        await tab.until(f"{label} === 'Stop listening'")
        call.emit(Ended(outcome="completed", reason="caller", duration_ms=12_000))
        await tab.until(f"{label} === 'Listen in'")
        talking.cancel()


WATCH = """(() => {
  window.seen = [];
  const all = {subtree: true, childList: true, characterData: true, attributes: true};
  new MutationObserver(() => seen.push(performance.now())).observe(document.body, all);
})()"""
POINTED = """(() => {
  const row = document.elementFromPoint(700, 400).closest("tr");
  return [row.textContent, Math.round(row.getBoundingClientRect().top), scrollY];
})()"""


async def test_two_hundred_calls_arrive_while_one_scrolls(dash: Board, tab: Tab) -> None:
    await open_page(tab, dash, "calls")
    row = await tab.js(
        "fetch('/dashboard/api/calls').then((answer) => answer.json()).then(({data}) => data[0])"
    )
    await tab.command("Input.dispatchMouseEvent", type="mouseMoved", x=700, y=400)
    await tab.js(WATCH)
    seen = []
    for number in range(200):
        new = {**row, "id": f"new{number}", "live": False}
        started = {"call_id": f"live{number}", "caller": "***0188", "direction": "inbound"}
        dash.dashboard.hub.publish("call_start", started)
        dash.dashboard.hub.publish("call_indexed", {"call_id": new["id"], "row": new})
        if number % 40 == 20:
            await tab.js("scrollBy(0, 120)")
            seen.append(await tab.js(POINTED))
        elif number % 40 == 35:
            assert await tab.js(POINTED) == seen[-1], "a row has moved under the pointer"
        await asyncio.sleep(0.012)
    await tab.until("document.querySelector('.pill')?.textContent.startsWith('200 new calls')")
    await tab.until("document.querySelector('.live-badge').textContent.endsWith('200')")
    assert await tab.js("document.querySelectorAll('.call-link').length") == 50
    times = await tab.js("seen")
    paints = [times[0]] + [late for early, late in pairwise(times) if late - early > 20]
    assert len(paints) >= 5
    assert all(paints[at + 4] - paints[at] > 960 for at in range(len(paints) - 4)), paints
    await tab.js("document.querySelector('.pill').click()")
    await tab.until("!document.querySelector('.pill') && scrollY === 0")


async def test_a_page_that_lost_its_server_says_so_and_recovers(
    root: Path, tab: Tab, unused_port: int
) -> None:
    async with board(root, port=unused_port) as dash:
        await open_page(tab, dash, "calls")
        await tab.until("document.querySelector('.lamp.live')")
        new = {"call_id": "new", "row": {"id": "new"}}
        dash.dashboard.hub.publish("call_indexed", new)
        await tab.until("document.querySelector('.pill')?.textContent.startsWith('1 new call')")
        dash.cut()
        for _ in range(3):
            dash.dashboard.hub.publish("call_indexed", new)
        await tab.until("document.querySelector('.pill')?.textContent.startsWith('4 new calls')")
    await tab.until("document.querySelector('.lost')", limit_s=3.0)
    assert "The server does not answer" in await tab.text()
    assert await tab.js("document.querySelectorAll('.call-link').length") >= 50
    async with board(root, port=unused_port) as dash:
        await tab.until("!document.querySelector('.lost')", limit_s=6.0)
        ada(dash)
        await tab.until("document.querySelector('.live-badge')")
    tab.problems.clear()  # The browser logs each attempt at a server that is away.


async def test_pages_that_were_left_keep_no_connection(dash: Board, tab: Tab) -> None:
    # A browser has six connections to a server, and keeps a page that was left to come back to.
    for path in ("health", "calls") * 4:
        await open_page(tab, dash, path)
        await tab.until("document.querySelector('.lamp.live')")
    async with asyncio.timeout(20):
        while len(dash.dashboard.hub._clients) > 1:
            await asyncio.sleep(0.05)
    await tab.js("window.left = true")
    await open_page(tab, dash, "health")
    await tab.js("history.back()")
    await tab.until("document.querySelector('.call-link') && document.querySelector('.lamp.live')")
    assert await tab.js("window.left"), "the page is not the one that was left"
    new = {"call_id": "new", "row": {"id": "new"}}

    async def told() -> None:
        while not await tab.js("document.querySelector('.pill')?.textContent"):
            dash.dashboard.hub.publish("call_indexed", new)
            await asyncio.sleep(0.1)

    async with asyncio.timeout(20):
        await told()


async def test_the_token_is_asked_for_and_kept_out_of_the_address(root: Path, tab: Tab) -> None:
    async with board(root, token="correct horse") as dash:
        await tab.open(
            f"{dash.url}/dashboard/calls?outcome=failed", "document.querySelector('.login form')"
        )
        await tab.js(AXE)
        for scheme in ("light", "dark"):
            await tab.scheme(scheme)
            assert await violations(tab) == []
        assert await tab.js(f"{FOCUS}.name") == "token"
        await tab.write("wrong")
        await tab.key("Enter")
        await tab.until("document.querySelector('#login-error')")
        assert "That is not the token." in await tab.text()
        await tab.js("document.querySelector('[name=token]').select()")
        await tab.write("correct horse")
        await tab.key("Enter")
        await tab.until("document.querySelector('.chips')")
        assert await tab.js("document.cookie") == "", "no script reads it"
        await tab.click("[aria-label='Log out']")
        await tab.until("document.querySelector('.login form')")
        await tab.open(
            f"{dash.url}/dashboard/health?token=correct+horse", "document.querySelector('.checks')"
        )
        assert await tab.js("location.search") == ""
    tab.problems[:] = [each for each in tab.problems if "401" not in each]
