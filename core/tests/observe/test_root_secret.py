"""Hashes of numbers cannot be guessed, and compare within one log root."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

import pytest

from patter.errors import PatterConfigError
from patter.observe.call_log import CallLog
from patter.observe.events import Started
from patter.observe.root_secret import NAME, root_secret

from .full_disks import with_room_for

NUMBER, WALL = "+12125550188", 1_790_000_000.0


@pytest.fixture
def hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATTER_LOG_REDACT_PHONE", "hash_only")


def caller_in_record(root: Path) -> str:
    """The caller as a record below *root* has it."""
    log = CallLog.of(str(root), keyed=True)
    assert log is not None
    record = log.open(os.urandom(16).hex(), WALL, chance=1)
    record(Started(call="c", seq=1, caller=NUMBER))
    record.join()
    return record.path.read_text().partition('"caller":"')[2].partition('"')[0]


def guessed(shown: str) -> str | None:
    """The number of a known exchange whose hash is *shown*, as somebody with only the record tries.

    The key is not known, so it is left out, or one that everybody has.
    """
    for last in range(10_000):
        number = f"+1212555{last:04}".encode()
        tries = (hashlib.sha256(number), hashlib.sha256(b"\0" * 32 + number))
        if shown.partition(":")[2] in [each.hexdigest()[:16] for each in tries]:
            return number.decode()
    return None


@pytest.mark.usefixtures("hashing")
def test_a_number_in_a_known_area_is_not_found_by_trying_them_all(tmp_path: Path) -> None:
    plain = "sha256:" + hashlib.sha256(NUMBER.encode()).hexdigest()[:16]
    assert guessed(plain) == NUMBER
    assert guessed(caller_in_record(tmp_path / "log")) is None


@pytest.mark.usefixtures("hashing")
def test_hashes_compare_between_starts_of_one_root_and_not_between_roots(tmp_path: Path) -> None:
    first, again = caller_in_record(tmp_path / "one"), caller_in_record(tmp_path / "one")
    assert first == again != caller_in_record(tmp_path / "two")


def test_the_secret_is_the_owners_alone_and_is_never_shown(tmp_path: Path) -> None:
    secret = root_secret(tmp_path / "log")
    assert len(secret) == 32
    assert stat.S_IMODE((tmp_path / "log" / NAME).stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "log").iterdir()] == [NAME]
    assert secret == root_secret(tmp_path / "log")


@pytest.mark.usefixtures("hashing")
def test_looking_at_a_log_makes_no_secret_and_shows_none(tmp_path: Path) -> None:
    log = CallLog.of(str(tmp_path / "log"))
    assert log is not None
    assert not (tmp_path / "log").exists()
    assert log.redactor.key.hex() not in repr(log)
    assert str(log.redactor.key) not in repr(log)


@pytest.mark.parametrize("text", ["", "abc", "ff" * 8])
def test_a_secret_that_is_damaged_is_named_and_not_replaced(tmp_path: Path, text: str) -> None:
    (tmp_path / NAME).write_text(text)
    with pytest.raises(PatterConfigError, match=NAME) as caught:
        root_secret(tmp_path)
    assert "delete it" in caught.value.fix
    assert (tmp_path / NAME).read_text() == text


def test_a_disk_without_room_for_the_secret_costs_no_start(tmp_path: Path) -> None:
    code = f"from pathlib import Path\nprint(root_secret(Path({str(tmp_path)!r})).hex())"
    importing = "from patter.observe.root_secret import root_secret"
    first, again = (with_room_for(0, f"{importing}\n{code}") for _ in range(2))
    assert len(first.stdout) == len(again.stdout) == 65
    assert first.stdout != again.stdout
    assert "hashes change with every start" in first.stderr
    assert list(tmp_path.iterdir()) == []
