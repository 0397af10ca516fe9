"""One SDK in a process: when it is set up, with which licence, and when it is destroyed."""

from __future__ import annotations

import gc
import logging
import subprocess
import sys
import threading
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from patter.audio.formats import PCM16_8K
from patter.errors import (
    AuthenticationError,
    ErrorCode,
    NotInstalled,
    PatterConfigError,
    PatterError,
    ProviderError,
)
from patter_krisp import KrispVivaFilter, sdk
from patter_krisp.sdk import Hold

from .double import LICENCE, KrispAudio

FRAME = bytes(range(160))


def refusal(kind: type[PatterError], made: Any = None) -> PatterError:
    """What a call's start says."""
    with pytest.raises(kind) as caught:
        (made or KrispVivaFilter()).start(PCM16_8K)
    assert caught.value.fix
    return caught.value


def test_making_a_filter_sets_nothing_up(krisp: KrispAudio) -> None:
    KrispVivaFilter()
    assert krisp.log == []


def test_all_calls_share_one_set_up_which_ends_with_the_last_of_them(krisp: KrispAudio) -> None:
    one: Any
    other: Any
    one, other = KrispVivaFilter(), KrispVivaFilter(noise_suppression_level=50)
    calls = [one.start(PCM16_8K), other.start(PCM16_8K), one.start(PCM16_8K)]
    assert krisp.log == ["init", "session", "session", "session"]
    one = other = None
    gc.collect()
    while len(calls) > 1:
        calls.pop()
        gc.collect()
        assert calls[0].process(FRAME)
    assert "destroy" not in krisp.log
    calls.clear()
    gc.collect()
    assert krisp.log[4:] == ["destroy"]


def test_between_calls_it_stays_up_and_the_next_asks_for_no_licence(krisp: KrispAudio) -> None:
    kept = KrispVivaFilter()
    for _ in range(3):
        kept.start(PCM16_8K).process(FRAME)
        gc.collect()
    assert not list(krisp.sessions)
    assert krisp.log.count("init") == 1
    assert "destroy" not in krisp.log


def test_a_process_that_needs_it_again_sets_it_up_again(krisp: KrispAudio) -> None:
    for _ in range(2):
        KrispVivaFilter().start(PCM16_8K)
        gc.collect()
    assert krisp.log == ["init", "session", "destroy"] * 2


def test_a_session_in_a_circle_is_gone_before_the_sdk(krisp: KrispAudio) -> None:
    session: Any = KrispVivaFilter().start(PCM16_8K)
    circle: Any = [session]
    circle.append(circle)
    session = circle = None
    gc.collect()
    assert krisp.log[-1] == "destroy"
    assert not krisp.up


def test_calls_that_begin_in_many_threads_set_it_up_once(
    krisp: KrispAudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, sessions, real = KrispVivaFilter(), list[Any](), krisp.globalInit

    def slowly(*given: Any) -> None:
        time.sleep(0.05)
        real(*given)

    monkeypatch.setattr(krisp, "globalInit", slowly)
    threads = [
        threading.Thread(target=lambda: sessions.append(made.start(PCM16_8K))) for _ in range(8)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join(10)
    assert len(sessions) == 8
    assert krisp.log.count("init") == 1


def test_who_leaves_while_another_comes_is_not_the_last(krisp: KrispAudio) -> None:
    first: list[Any] = [Hold(LICENCE)]
    holders = sdk.SDK._holders

    class Collecting(set[object]):
        """Has the collector take the first hold away in the middle of the second's coming."""

        def add(self, holder: object) -> None:
            super().add(holder)
            first.clear()
            gc.collect()

    sdk.SDK._holders = Collecting(holders)
    second = Hold(LICENCE)
    assert krisp.up
    assert krisp.log == ["init"]
    del second
    gc.collect()
    assert krisp.log == ["init", "destroy"]


@pytest.mark.parametrize("raising", [False, True], ids=["told", "raised"])
def test_a_licence_that_is_refused_is_an_authentication_error(
    krisp: KrispAudio, raising: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    krisp.refuses_by_raising = raising
    monkeypatch.setenv("KRISP_VIVA_SDK_LICENSE_KEY", "hunter2-hunter2-hunter2")
    error = refusal(AuthenticationError)
    assert "the key is not known" in error.message
    assert "KRISP_VIVA_SDK_LICENSE_KEY" in error.fix
    assert "hunter2" not in f"{error}"
    gc.collect()
    assert not krisp.up
    # The next one asks anew: the licence may be put right meanwhile.
    krisp.refuses_by_raising = False
    assert KrispVivaFilter(license_key=LICENCE).start(PCM16_8K).process(FRAME)


def test_a_set_up_that_fails_is_told(krisp: KrispAudio, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*given: Any) -> None:
        raise RuntimeError("no memory")

    monkeypatch.setattr(krisp, "globalInit", fails)
    assert "cannot be set up: no memory" in refusal(ProviderError).message
    assert not sdk.SDK._holders


def test_another_licence_has_to_wait_for_the_end_of_the_first(krisp: KrispAudio) -> None:
    call: Any = KrispVivaFilter().start(PCM16_8K)
    assert (
        "one Krisp licence"
        in refusal(PatterConfigError, KrispVivaFilter(license_key="another")).message
    )
    assert call.process(FRAME)
    call = None
    gc.collect()
    assert krisp.log[-1] == "destroy"


def test_an_sdk_before_licences_is_set_up_without(krisp: KrispAudio) -> None:
    krisp.version = (1, 6, 0)
    assert KrispVivaFilter().start(PCM16_8K).process(FRAME)


def test_an_end_that_fails_is_logged_and_the_next_call_begins(
    krisp: KrispAudio, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails() -> None:
        krisp.up = False
        raise RuntimeError("cannot end")

    monkeypatch.setattr(krisp, "globalDestroy", fails)
    with caplog.at_level(logging.WARNING, "patter.krisp"):
        KrispVivaFilter().start(PCM16_8K)
        gc.collect()
    assert "could not be destroyed" in caplog.text
    assert KrispVivaFilter().start(PCM16_8K).process(FRAME)


def test_a_process_that_ends_in_a_call_ends_the_session_first(model: Path) -> None:
    code = f"""
import atexit, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
import double
sys.modules["krisp_audio"] = krisp = double.KrispAudio()
atexit.register(lambda: print(*krisp.log))
from patter.audio.formats import PCM16_8K
from patter_krisp import KrispVivaFilter
made = KrispVivaFilter(license_key=double.LICENCE)
calls = [made.start(PCM16_8K) for _ in range(2)]
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout.split(), done.stderr) == (["init", "session", "session", "destroy"], "")


async def test_a_phone_that_begins_to_serve_sets_it_up_in_a_thread(
    krisp: KrispAudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads, real = list[threading.Thread](), krisp.globalInit

    def noted(*given: Any) -> None:
        threads.append(threading.current_thread())
        real(*given)

    monkeypatch.setattr(krisp, "globalInit", noted)
    made = KrispVivaFilter()
    await made.warm()
    await made.warm()
    assert krisp.log == ["init", "session"]
    assert threads[0] is not threading.main_thread()
    made.start(PCM16_8K)
    assert krisp.log == ["init", "session", "session"]


async def test_a_check_names_the_version_and_the_model_or_says_what_is_wrong(
    krisp: KrispAudio, model: Path
) -> None:
    report = await KrispVivaFilter().check()
    assert report.text == "Krisp SDK 1.11.0, noise.kef"
    gc.collect()
    with pytest.raises(AuthenticationError):
        await KrispVivaFilter(license_key="another").check()
    model.write_bytes(b"not a model")
    with pytest.raises(ProviderError, match="opens no session: the model cannot be loaded"):
        await KrispVivaFilter().check()


def test_without_the_vendors_package_one_is_told_where_it_is_to_be_had(
    krisp: KrispAudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "krisp_audio")
    with pytest.raises(NotInstalled) as caught:
        KrispVivaFilter()
    assert caught.value.code is ErrorCode.CONFIG
    for word in ("https://sdk.krisp.ai", "krisp_audio-*.whl", "KRISP_VIVA_SDK_LICENSE_KEY"):
        assert word in caught.value.fix


@pytest.mark.parametrize(
    "raised",
    [ImportError("GLIBC_2.99 not found"), ModuleNotFoundError("No module 'zorp'", name="zorp")],
)
def test_a_package_for_another_platform_is_named(
    krisp: KrispAudio, raised: ImportError, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(name: str) -> Any:
        if name == "krisp_audio":
            raise raised
        return import_module(name)

    monkeypatch.setattr(sdk, "import_module", fails)
    with pytest.raises(NotInstalled, match="cannot be imported") as caught:
        KrispVivaFilter()
    assert str(raised) in caught.value.message
