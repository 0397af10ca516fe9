"""What strangers may write into our log."""

from __future__ import annotations

import asyncio
import logging

import pytest

from patter.limited_log import LimitedLog


@pytest.mark.virtual_time
async def test_a_flood_leaves_a_few_lines_and_its_number(caplog: pytest.LogCaptureFixture) -> None:
    log = LimitedLog(logging.getLogger("patter.test"), lines=3, every_s=10)
    for number in range(1_000):
        log.warning("%d comes", number)
    await asyncio.sleep(11)
    log.warning("later")
    lines = [record.getMessage() for record in caplog.records]
    assert lines == ["0 comes", "1 comes", "2 comes", "997 more of these in 10 s", "later"]
