"""Who may see the dashboard, and who may change something."""

from __future__ import annotations

import asyncio
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import make_mocked_request
from importlib_metadata import EntryPoint

from patter import Patter, PluginRegistry
from patter.errors import StartRefused
from patter.phone import arguments
from patter.providers.carrier import CarrierCapabilities
from patter_dashboard._attempts import Attempts
from patter_dashboard._routes import routes
from patter_dashboard.access import COOKIE, CSRF, Access, Visitor, address_of
from patter_dashboard.dashboard import Dashboard
from patter_testing import FakeCarrier, FakeLLM, FakeSTT, FakeTTS

from .records import API, TOKEN, CallShelf, Site, conversation, served

BEARER = {"Authorization": f"Bearer {TOKEN}"}
READS = [
    f"{API}/calls",
    f"{API}/facets",
    f"{API}/summary",
    f"{API}/health",
    f"{API}/live",
    f"{API}/events",
    f"{API}/calls/a",
    f"{API}/calls/a/events",
    f"{API}/calls/a/model",
    f"{API}/calls/a/model/0",
    f"{API}/calls/a/audio",
    f"{API}/calls/a/peaks",
    f"{API}/calls/a/picture",
    f"{API}/calls/a/picture.svg",
    f"{API}/calls/a/export",
    f"{API}/calls/a/logs",
    f"{API}/calls/a/listen",
    "/api/dashboard/calls",
    "/api/dashboard/calls/a",
    "/api/dashboard/calls/a/log",
    "/api/dashboard/active",
    "/api/dashboard/aggregates",
    "/api/dashboard/events",
    "/api/dashboard/export/calls",
    "/api/v1/calls",
    "/api/v1/calls/active",
    "/api/v1/calls/a",
    "/api/v1/analytics/overview",
    "/api/v1/analytics/costs",
    "/api/v1/export/csv",
    "/api/v1/export/json",
    "/api/v1/events",
]
CHANGES = [
    ("POST", f"{API}/logout"),
    ("POST", f"{API}/health/doctor"),
    ("POST", f"{API}/calls/a/reveal"),
    ("POST", f"{API}/calls/a/hang-up"),
    ("POST", f"{API}/calls/a/transfer"),
    ("DELETE", "/api/dashboard/calls/a"),
    ("POST", "/api/dashboard/calls/delete"),
    ("POST", "/api/dashboard/ingest"),
]


async def test_a_stranger_gets_nothing_of_any_route(shelf: CallShelf) -> None:
    shelf.keep("a", conversation())
    async with served(shelf.root, token=TOKEN) as site:
        for path in READS:
            await site.get(path, 401)
        for method, path in CHANGES:
            async with site.client.request(method, site.url + path, json={}) as answer:
                assert answer.status == 401, path


async def test_every_route_is_among_those(shelf: CallShelf) -> None:
    dashboard = Dashboard(access=Access(token=TOKEN), root=shelf.root)
    there = {(each.method, each.path) for each in routes(dashboard)}
    asked = {("GET", path) for path in READS} | set(CHANGES)
    open_to_all = {
        ("GET", f"{API}/session"),
        ("POST", f"{API}/login"),
        *(each for each in there if "/api" not in each[1] or "(?!api" in each[1]),
    }
    named = {(method, path.replace("{id}", "a").replace("{n}", "0")) for method, path in there}
    dashboard.work.close()
    assert named - asked - open_to_all == set()


async def test_the_bearer_of_the_token_is_let_in(shelf: CallShelf) -> None:
    async with served(shelf.root, token=TOKEN) as site:
        await site.api("/calls", headers=BEARER)
        await site.api("/calls", 401, headers={"Authorization": "Bearer open sesam"})
        await site.api(f"/calls?token={TOKEN}")
        await site.get(f"/api/v1/calls?token={TOKEN}")


async def test_a_login_is_a_cookie_that_no_script_reads(shelf: CallShelf) -> None:
    shelf.keep("a", conversation())
    async with served(shelf.root, token=TOKEN) as site:
        before = await site.api("/session")
        assert before["authenticated"] is False and before["login"] is True
        assert before["csrf"] == "" and not any(before["can"].values())
        async with site.client.post(f"{site.url}{API}/login", json={"token": TOKEN}) as answer:
            assert answer.status == 200
            cookie = answer.headers["Set-Cookie"]
        assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and TOKEN not in cookie
        assert len((await site.api("/calls"))["data"]) == 1
        session = await site.api("/session")
        assert session["authenticated"] is True and session["can"]["reveal"] is True


async def test_a_cookie_that_was_logged_out_is_worth_nothing(shelf: CallShelf) -> None:
    async with served(shelf.root, token=TOKEN) as site:
        await site.client.post(f"{site.url}{API}/login", json={"token": TOKEN})
        kept = {cookie.key: cookie.value for cookie in site.client.cookie_jar}
        await site.send(f"{API}/logout")
        await site.api("/calls", 401)
        await site.api("/calls", 401, cookies=kept)


@pytest.mark.parametrize("change", ["", "f", "9999999999"])
async def test_a_cookie_that_was_changed_proves_nothing(change: str) -> None:
    access = Access(token=TOKEN)
    request = make_mocked_request("GET", "/")
    session = access.log_in(request, TOKEN)
    nonce, expires, mac = session.split(".")
    forged = {
        "": session,
        "f": f"{nonce}f.{expires}.{mac}",
        "9999999999": f"{nonce}.9999999999.{mac}",
    }[change]
    assert (access._session(forged) is not None) is (change == "")
    assert Access(token="another")._session(session) is None


async def test_a_token_in_an_address_is_taken_out_at_once(shelf: CallShelf) -> None:
    async with served(shelf.root, token=TOKEN) as site:
        url = f"{site.url}/dashboard/calls?outcome=failed&token={TOKEN}"
        async with site.client.get(url, allow_redirects=False) as answer:
            assert answer.status == 303
            assert answer.headers["Location"] == "/dashboard/calls?outcome=failed"
            assert COOKIE in answer.headers["Set-Cookie"]
        await site.api("/calls")


async def test_a_wrong_one_is_taken_out_too_and_lets_nobody_in(shelf: CallShelf) -> None:
    async with served(shelf.root, token=TOKEN) as site:
        url = f"{site.url}/?token=wrong"
        async with site.client.get(url, allow_redirects=False) as answer:
            assert answer.status == 303 and answer.headers["Location"] == "/"
            assert "Set-Cookie" not in answer.headers
        await site.api("/calls", 401)


async def test_a_redirect_stays_on_this_host(shelf: CallShelf) -> None:
    async with served(shelf.root, token=TOKEN) as site:
        url = f"{site.url}/dashboard//evil?token={TOKEN}"
        async with site.client.get(url, allow_redirects=False) as answer:
            assert answer.headers["Location"].startswith("/dashboard")


async def test_guesses_are_bounded(shelf: CallShelf) -> None:
    async with served(shelf.root, token=TOKEN) as site:
        for at in range(5):
            await site.api("/calls", 401, headers={"Authorization": f"Bearer {at}"})
        refused = await site.api("/calls", 429, headers=BEARER)
        assert refused["error"]["code"] == "RATE_LIMIT"
        async with site.client.post(f"{site.url}{API}/login", json={"token": TOKEN}) as answer:
            assert answer.status == 429 and 1 <= int(answer.headers["Retry-After"]) <= 60


async def test_whoever_is_logged_in_stays_so_while_others_guess(shelf: CallShelf) -> None:
    async with served(shelf.root, token=TOKEN) as site:
        await site.client.post(f"{site.url}{API}/login", json={"token": TOKEN})
        async with aiohttp.ClientSession() as other:
            for _ in range(6):
                await other.get(f"{site.url}/api/v1/calls", headers={"Authorization": "Bearer x"})
        await site.api("/calls")


@pytest.mark.virtual_time
async def test_a_minute_later_one_may_guess_again() -> None:
    attempts = Attempts()
    for _ in range(5):
        attempts.failed("10.0.0.1")
    with pytest.raises(Exception, match="too many"):
        attempts.check("10.0.0.1")
    attempts.check("10.0.0.2")
    await attempts.clock.sleep(61_000)
    attempts.check("10.0.0.1")


@pytest.mark.virtual_time
async def test_a_network_of_ipv6_is_one_guesser_and_all_together_are_bounded() -> None:
    attempts = Attempts()
    for at in range(5):
        attempts.failed(f"2001:db8:0:1::{at}")
    with pytest.raises(Exception, match="too many"):
        attempts.check("2001:db8:0:1::ffff")
    for at in range(100):
        attempts.failed(f"10.1.{at}.1")
    with pytest.raises(Exception, match="too many"):
        attempts.check("192.0.2.1")


@pytest.mark.parametrize(
    "host", ["evil.example.com", "evil.example.com:8000", "127.0.0.1.evil.example.com", "[::2]"]
)
async def test_a_name_that_was_made_to_resolve_here_reads_nothing(site: Site, host: str) -> None:
    refused = await site.api("/calls", 403, headers={"Host": host})
    assert refused["error"]["fix"]


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1", "[::1]:8000"])
async def test_names_of_this_machine_do(site: Site, host: str) -> None:
    await site.api("/calls", headers={"Host": host})


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
async def test_what_a_proxy_brings_is_not_from_this_machine(site: Site, header: str) -> None:
    await site.api("/calls", 403, headers={header: "203.0.113.9"})
    await site.api("/session", 403, headers={header: "203.0.113.9"})


async def test_a_change_needs_our_page(shelf: CallShelf) -> None:
    shelf.keep("a", conversation())
    async with served(shelf.root) as site:
        csrf = (await site.api("/session"))["csrf"]
        url = f"{site.url}{API}/calls/a/reveal"

        async def status(**headers: str) -> int:
            async with site.client.post(url, json={}, headers=headers) as answer:
                return answer.status

        assert await status(Origin="https://evil.example.com") == 403
        assert await status(Origin="https://evil.example.com", **{CSRF: csrf}) == 403
        assert await status(Origin=site.url) == 403
        assert await status(Origin=site.url, **{CSRF: "0" * 64}) == 403
        assert await status(**{"Sec-Fetch-Site": "cross-site"}) == 403
        assert await status(Origin=site.url, **{CSRF: csrf}) == 200
        assert await status() == 200  # a program of this machine: no browser sends none of these


async def test_a_form_of_another_site_changes_nothing(site: Site) -> None:
    async with site.client.post(
        f"{site.url}/api/dashboard/calls/delete", data={"call_ids": "a"}
    ) as answer:
        assert answer.status == 400


async def test_the_csrf_of_one_session_is_not_that_of_another(shelf: CallShelf) -> None:
    access = Access(token=TOKEN)
    request = make_mocked_request("GET", "/")
    one, two = (access.log_in(request, TOKEN).rpartition(".")[0] for _ in range(2))
    assert access.csrf(Visitor(one)) != access.csrf(Visitor(two))


def test_a_proxy_that_is_trusted_says_for_whom_it_asks() -> None:
    asked = make_mocked_request(
        "GET", "/", headers={"X-Forwarded-For": "198.51.100.7, 203.0.113.9"}
    )
    asked = asked.clone(remote="10.0.0.1")
    assert address_of(asked, (ip_network("10.0.0.0/8"),)) == "203.0.113.9"
    assert address_of(asked, ()) == "10.0.0.1"


def phone_of(**fields: Any) -> Patter:
    advertised = [EntryPoint("dashboard", "patter_dashboard.plugin", "patter.extension")]
    registry = PluginRegistry.from_environment({}, source=advertised)
    return Patter(**{"carrier": LOCAL, "registry": registry, "persist": False, **fields})


LOCAL = FakeCarrier(can=CarrierCapabilities(marks=True))
PARTS: dict[str, Any] = {"stt": FakeSTT(), "llm": FakeLLM(), "tts": FakeTTS()}


@pytest.mark.parametrize("how", [{"webhook_url": "a.example.com"}, {"host": "0.0.0.0"}])
async def test_others_could_see_it_and_there_is_no_token(how: dict[str, Any]) -> None:
    how = dict(how)
    host = {"host": how.pop("host")} if "host" in how else {}
    phone = phone_of(**how)
    with pytest.raises(StartRefused) as caught:
        await phone.serve(phone.agent("Be brief.", **PARTS), port=0, **host)
    assert "dashboard_token" in caught.value.fix and "dashboard=False" in caught.value.fix


@pytest.mark.parametrize(
    "serving",
    [{"dashboard_token": TOKEN}, {"allow_insecure_dashboard": True}, {"dashboard": False}],
)
async def test_with_a_token_or_told_so_it_starts(serving: dict[str, Any]) -> None:
    phone = phone_of(webhook_url="a.example.com")
    agent = phone.agent("Be brief.", **PARTS)
    async with asyncio.TaskGroup() as tasks, aiohttp.ClientSession() as client:
        tasks.create_task(phone.serve(agent, port=0, set_webhook=False, **serving))
        await phone.ready
        assert phone.address is not None
        url = phone.address.local_url
        expected = {"dashboard_token": 401, "allow_insecure_dashboard": 200, "dashboard": 404}
        async with client.get(f"{url}/api/v1/calls", headers={"X-Forwarded-For": "1.2.3.4"}) as got:
            assert got.status == expected[next(iter(serving))]
        await phone.disconnect()


def test_the_variable_is_a_token_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATTER_DASHBOARD_TOKEN", TOKEN)
    serve = {"dashboard": True, "dashboard_token": "", "allow_insecure_dashboard": False}
    assert arguments.dashboard(phone_of().registry, serve)["token"] == TOKEN
