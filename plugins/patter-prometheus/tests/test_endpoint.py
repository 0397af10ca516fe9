"""Who may read the metrics: this machine, and elsewhere who has the token."""

from __future__ import annotations

import logging

import pytest

from patter.safe_text import safe

from .served import served

TOKEN = "metrics-token-7f3a"


async def test_on_this_machine_it_is_open() -> None:
    async with served() as street:
        assert (await street.get())[0] == 200


@pytest.mark.parametrize("where", [{"host": "0.0.0.0"}, {"webhook_url": "a.example.com"}])
async def test_where_strangers_may_come_it_is_not_there_without_a_token(
    where: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    async with served(**where) as street:
        assert (await street.get())[0] == 404
    (record,) = [each for each in caplog.records if each.name == "patter_prometheus"]
    assert record.levelno == logging.WARNING
    assert "fix: export PATTER_METRICS_TOKEN=" in record.getMessage()


async def test_it_is_there_for_who_has_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATTER_METRICS_TOKEN", TOKEN)
    async with served(host="0.0.0.0") as street:
        answers = [(await street.get(token))[0] for token in ("", "wrong", f"{TOKEN}x", "é", TOKEN)]
    assert answers == [401, 401, 401, 401, 200]
    assert TOKEN not in safe(f"the token is {TOKEN}")


async def test_a_token_that_is_set_is_wanted_here_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATTER_METRICS_TOKEN", TOKEN)
    async with served() as street:
        assert [(await street.get(token))[0] for token in ("", TOKEN)] == [401, 200]


async def test_the_dashboards_token_opens_it_where_strangers_may_come(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from patter.phone import arguments

    monkeypatch.setattr(
        arguments,
        "dashboard",
        lambda *_: {"enabled": True, "token": "dash-7f3a9", "allow_insecure": False},
    )
    async with served(host="0.0.0.0") as street:
        assert [(await street.get(token))[0] for token in ("", "dash-7f3a9")] == [401, 200]
    async with served() as street:
        assert (await street.get())[0] == 200


async def test_it_speaks_openmetrics_to_who_asks_for_it() -> None:
    async with served() as street:
        _, text = await street.get(accept="application/openmetrics-text; version=1.0.0")
    assert text.endswith("# EOF\n")
