"""Directories that the workers of a machine share."""

import os
from pathlib import Path

import pytest

from sfc.tasks import cache


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SFC_CACHE", str(tmp_path))
    return tmp_path


def fill(directory: Path) -> None:
    (directory / "made").touch()


def never(_directory: Path) -> None:
    raise AssertionError("it is there")


def test_a_directory_is_made_once_and_shared() -> None:
    one, two = cache.keep("code", "a", fill), cache.keep("code", "a", never)
    assert one.directory == two.directory
    assert [path.name for path in one.directory.iterdir()] == ["made"]
    for kept in (one, two, two):
        kept.release()


def test_what_could_not_be_made_is_made_anew() -> None:
    def break_off(directory: Path) -> None:
        fill(directory)
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        cache.keep("code", "a", break_off)
    kept = cache.keep("code", "a", lambda directory: (directory / "whole").touch())
    assert [path.name for path in kept.directory.iterdir()] == ["whole"]
    kept.release()


def test_what_is_used_stays_and_the_rest_goes_when_there_is_too_much(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "CACHED_CODE", 1)
    used = cache.keep("code", "used", fill)
    for number, key in enumerate("abc"):
        cache.keep("code", key, fill).release()
        os.utime(place / "code" / f"{key}.lock", ns=(number, number))
    assert used.directory.is_dir()
    assert sorted(path.name for path in (place / "code").iterdir() if path.is_dir()) == ["b", "c", "used"]
    assert not (place / "code" / "a.lock").exists()
    used.release()


def test_without_a_home_it_is_among_temporary_files(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SFC_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(place / "home"))
    assert cache.cache_directory() == place / "home" / "sfc"
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/no-such-place")
    monkeypatch.setattr("tempfile.tempdir", str(place))
    assert cache.cache_directory().parent == place
