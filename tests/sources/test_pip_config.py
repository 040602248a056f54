"""The index that pip's own configuration files name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pitviper.sources import pip_config


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No file of this machine counts."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path / "xdg"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / ".config"))
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / "venv"))
    monkeypatch.delenv("PIP_CONFIG_FILE", raising=False)
    return tmp_path


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_none() -> None:
    assert pip_config.index_url() is None


@pytest.mark.skipif(os.name == "nt", reason="its places are others")
def test_later_files_win(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = ["xdg/pip/pip.conf", ".pip/pip.conf", ".config/pip/pip.conf", "venv/pip.conf", "named"]
    for place in places:
        path = write(home / place, f"[global]\nindex-url = https://{place.replace('/', '-')}.example/simple/\n")
        if place == "named":
            monkeypatch.setenv("PIP_CONFIG_FILE", str(path))
        assert pip_config.index_url() == f"https://{place.replace('/', '-')}.example/simple/"
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    assert pip_config.index_url() is None


def test_the_section_of_a_command_wins_over_all(home: Path) -> None:
    write(home / ".pip/pip.conf", "[install]\nindex-url = https://install.example/\n")
    write(
        home / "venv/pip.conf",
        "[global]\nindex_url = https://global.example/\n[list]\nindex-url = https://list.example\n",
    )
    assert pip_config.index_url() == "https://install.example/"


@pytest.mark.parametrize(
    "text", ["no section\n", "[global]\n[global]\n", "[global]\nindex-url =\n", "[global]\nindex-url = %(x)s"]
)
def test_broken(home: Path, text: str) -> None:
    write(home / "venv/pip.conf", text)
    assert pip_config.index_url() in {None, "%(x)s"}


def test_not_text(home: Path) -> None:
    (home / "venv").mkdir()
    (home / "venv/pip.conf").write_bytes(b"[global]\nindex-url = \xff\xfe\n")
    assert pip_config.index_url() is None
