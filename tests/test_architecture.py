"""What holds between the rooms: tables are complete, names agree, and nothing in the repository is a secret.

The tables of formats and of outputs are held by `tests/formats/test_formats.py` and `tests/output/test_outputs.py`, the
layers by import-linter.
"""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import tomllib
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import click
import pytest
from pypi_simple import PYPI_SIMPLE_ENDPOINT

import pitviper
from pitviper.cli.commands import _COMMANDS, cli
from pitviper.config import Settings
from pitviper.formats import FORMATS
from pitviper.rules.loading import BUILT_IN, own
from pitviper.rules.schema import Rule

ROOT = Path(__file__).parents[1]
SOURCE = Path(pitviper.__file__).parent
FILES = sorted(Path(BUILT_IN).rglob("*"))
RULE_FILES = [path for path in FILES if path.suffix == ".toml"]
BY_STEM = {path.stem: path for path in RULE_FILES}

OTHER_STEMS = {
    "bytecode": tuple(f"{what}-bytecode" for what in ("poisoned", "stale", "unchecked", "orphan", "shipped")),
    "private-key": ("pgp-private-key", "putty-private-key", "ssh2-private-key", "jwk-private-key"),
    "pypi": ("testpypi",),
    "pypirc": ("package-index", "poetry"),
}
"""File → beginnings of ids that people know by a name of their own."""


def rules_of(path: Path) -> list[Rule]:
    return own(str(path))


class TestRuleFiles:
    def test_nothing_else_lies_there(self) -> None:
        """Only what ends in `.toml` is loaded: a file of another name would be forgotten without a word."""
        assert [path.name for path in FILES if path.is_file() and path.suffix != ".toml"] == []
        assert {path.parent.name for path in RULE_FILES} == {"behaviours", "hygiene", "secrets"}

    @pytest.mark.parametrize("path", RULE_FILES, ids=lambda path: path.stem)
    def test_loads_alone(self, path: Path) -> None:
        assert rules_of(path)

    def test_one_file_for_a_provider(self) -> None:
        files = Counter(rules_of(path)[0].provider for path in RULE_FILES)
        assert [provider for provider, count in files.items() if count > 1] == []

    def test_ids_are_unique(self) -> None:
        ids = Counter(rule.id for path in RULE_FILES for rule in rules_of(path))
        assert [name for name, count in ids.items() if count > 1] == []

    def test_ids_are_their_own_anchors(self) -> None:
        """A heading `### github-pat` is linked to as `#github-pat`: one grep finds rule, page and report."""
        ids = [rule.id for path in RULE_FILES for rule in rules_of(path)]
        anchors = [re.sub(r"[^\w\- ]", "", name.lower()).replace(" ", "-") for name in ids]
        assert anchors == ids

    @pytest.mark.parametrize("path", RULE_FILES, ids=lambda path: path.stem)
    def test_ids_begin_with_the_name_of_their_file(self, path: Path) -> None:
        stems = (path.stem, *OTHER_STEMS.get(path.stem, ()))
        ids = [rule.id for rule in rules_of(path)]
        assert [name for name in ids if not any(name == stem or name.startswith(f"{stem}-") for stem in stems)] == []

    def test_every_exception_is_needed(self) -> None:
        needed = {
            (file, stem)
            for file, stems in OTHER_STEMS.items()
            for stem in stems
            if any(rule.id == stem or rule.id.startswith(f"{stem}-") for rule in rules_of(BY_STEM[file]))
        }
        assert needed == {(file, stem) for file, stems in OTHER_STEMS.items() for stem in stems}

    def test_names_are_unique(self) -> None:
        names = Counter(rule.name for path in RULE_FILES for rule in rules_of(path))
        assert [name for name, count in names.items() if count > 1] == []


def test_every_format_is_used_by_a_rule() -> None:
    used = {name for path in RULE_FILES for rule in rules_of(path) for name in _formats(rule)}
    assert set(FORMATS) - used == set()


def _formats(rule: Rule) -> set[str]:
    templates = " ".join(rule.examples + rule.counter_examples)
    return {*rule.validators, *re.findall(r"\{([a-z0-9-]+)\}", templates)}


class TestCommands:
    def test_every_module_is_in_the_table(self) -> None:
        modules = {path.stem for path in (SOURCE / "cli").glob("*_command.py")}
        places = [place.partition(":")[0].rpartition(".")[2] for place in _COMMANDS.values()]
        assert sorted(places) == sorted(modules)

    def test_every_entry_is_a_command_of_its_name(self) -> None:
        context = click.Context(cli)
        commands = {name: cli.get_command(context, name) for name in cli.list_commands(context)}
        assert {name: command and command.name for name, command in commands.items()} == {
            name: name for name in _COMMANDS
        }

    def test_every_setting_is_an_option_of_scan(self) -> None:
        scan = cli.get_command(click.Context(cli), "scan")
        assert scan
        options = {parameter.name for parameter in scan.params} - {"targets", "config_file"}
        assert options == set(Settings.__struct_fields__)


class TestRooms:
    def test_every_module_has_a_layer(self) -> None:
        with open(ROOT / "pyproject.toml", "rb") as file:
            (contract,) = tomllib.load(file)["tool"]["importlinter"]["contracts"]
        layers = {name.strip() for layer in contract["layers"] for name in layer.split("|")}
        modules = {path.stem for path in SOURCE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
        assert layers == {f"pitviper.{name}" for name in modules - {"__init__", "__main__"}}

    def test_every_room_has_its_tests(self) -> None:
        rooms = {path.name for path in SOURCE.iterdir() if (path / "__init__.py").exists()}
        assert {room for room in rooms if not list((ROOT / "tests" / room).glob("test_*.py"))} == set()

    def test_every_room_says_what_it_is(self) -> None:
        for path in SOURCE.rglob("*.py"):
            name = ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts)
            if not name.endswith("__main__"):
                assert importlib.import_module(name.removesuffix(".__init__")).__doc__, name

    def test_public_names_exist(self) -> None:
        for name in pitviper.__all__:
            assert getattr(pitviper, name) is not None
        assert set(pitviper.__all__) == {*pitviper._HOMES, "__version__"}
        with pytest.raises(AttributeError, match="module 'pitviper' has no attribute 'scna'"):
            pitviper.scna  # noqa: B018 - it is the access that raises


def test_nothing_in_the_repository_is_a_secret() -> None:
    """Fakes are made when they are needed: no scanner, ours first, shall have to be told to look away."""
    parts = [str(path) for path in (ROOT / name for name in ("src", "tests", "docs", "bench")) if path.exists()]
    files = [str(path) for path in ROOT.iterdir() if path.is_file() and path.suffix in (".md", ".toml", "")]
    # Words such as `password = "…"` stand in tests of their own detectors; what a provider makes stands nowhere.
    generic = tuple(rule.id for rule in rules_of(Path(BUILT_IN)) if rule.generic)
    settings = Settings(auditor=True, allow_comments=False, gitignore=True, disable=generic, jobs=1)
    report = pitviper.scan(*parts, *files, settings=settings).report()
    assert [(finding.rule, finding.place.path, finding.place.line) for finding in report.findings] == []
    assert report.stats.blobs > len(RULE_FILES)


def test_no_host_of_a_package_registry_is_written_anywhere() -> None:
    """Users configure theirs; the default is `pypi-simple`'s."""
    host = (urlsplit(PYPI_SIMPLE_ENDPOINT).hostname or "").encode()
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False).stdout.split(b"\0")
    if not tracked[0]:
        pytest.skip("this is no git checkout")
    assert host
    assert [name for name in tracked if name and host in (ROOT / os.fsdecode(name)).read_bytes()] == []
