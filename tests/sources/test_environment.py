from __future__ import annotations

import os
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from pitviper.config import Settings
from pitviper.errors import TargetError
from pitviper.model.finding import Finding
from pitviper.model.gap import Reason
from pitviper.model.place import Link
from pitviper.output import _words as words
from pitviper.scanning import scan
from pitviper.sources import environment
from pitviper.sources.directory import Files
from pitviper.sources.environment import Environment

posix = pytest.mark.skipif(os.name != "posix", reason="links")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def packages() -> Path:
    """The folder of packages of a virtual environment in which `shop` is installed."""
    packages = Path(".venv/lib/python3.12/site-packages")
    packages.mkdir(parents=True)
    Path(".venv/pyvenv.cfg").write_text("home = /nowhere/bin\ninclude-system-site-packages = false\n")
    install(packages, "shop-1.0", "Name: Shop\nVersion: 1.0\n\n", "shop/settings.py,sha256=x,1\nshop/a.zip,,\n")
    (packages / "shop").mkdir()
    return packages


def install(packages: Path, name: str, metadata: str, record: str) -> None:
    info = packages / f"{name}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(metadata)
    (info / "RECORD").write_text(record)


def findings(target: str = "env:.venv", **settings: object) -> list[Finding]:
    found = scan(target, settings=Settings(**settings)).report().findings  # type: ignore[arg-type]  # fields of its own
    return sorted(found, key=lambda finding: finding.place.path)


def folders(target: str) -> list[str]:
    """The folders with files in them, as the target shows them."""
    parts = [part for part in Environment(target).parts() if isinstance(part, Files)]
    return list(dict.fromkeys(os.fsdecode(part.target) for part in parts))


@pytest.mark.parametrize("jobs", [1, 2])
def test_says_whose_a_file_is(packages: Path, token: Callable[[str], str], jobs: int) -> None:
    for name in ("settings", "late"):
        (packages / "shop" / f"{name}.py").write_text(f'TOKEN = "{token(name)}"\n')
    with zipfile.ZipFile(packages / "shop" / "a.zip", "w") as archive:
        archive.writestr("inner.py", f'TOKEN = "{token("inner")}"\n')
    tree, shop = Link("tree", str(packages)), Link("distribution", "Shop", version="1.0", project="Shop")
    places = [finding.place for finding in findings(jobs=jobs)]
    assert [(place.path, place.chain) for place in places] == [
        (f"{packages}/shop/a.zip!/inner.py", (tree, shop, Link("archive", "shop/a.zip"), Link("file", "inner.py"))),
        (f"{packages}/shop/late.py", (tree, Link("file", "shop/late.py", recorded=False))),
        (f"{packages}/shop/settings.py", (tree, shop, Link("file", "shop/settings.py"))),
    ]
    assert [words.steps(place) for place in places] == [
        [f"{packages}/shop/a.zip (of Shop 1.0)", "inner.py:1:10"],
        [f"{packages}/shop/late.py:1:10"],
        [f"{packages}/shop/settings.py:1:10 (of Shop 1.0)"],
    ]
    assert [words.inside(place) for place in places] == [True, False, False]
    told = [[one.text for one in finding.evidence if one.name == "record"] for finding in findings(jobs=jobs)]
    assert told == [[], ["of no distribution"], []]


def test_what_was_accepted_is_named_too(packages: Path, token: Callable[[str], str]) -> None:
    (packages / "shop/settings.py").write_text(f'TOKEN = "{token("")}"  # pitviper: allow[github-pat] a test\n')
    (ignored,) = scan("env:.venv").report().ignored
    assert ignored.finding.place.chain[1].project == "Shop"


@pytest.mark.parametrize("metadata", ["", "Name:\n\n", "no header"])
def test_without_metadata_the_folder_names_it(packages: Path, metadata: str, token: Callable[[str], str]) -> None:
    install(packages, "other-2.0", metadata, "other.py,,\n")
    (packages / "other.py").write_text(f'TOKEN = "{token("")}"\n')
    (finding,) = findings()
    assert finding.place.chain[1] == Link("distribution", "other", version="2.0", project="other")


def test_a_record_that_is_no_good(packages: Path, token: Callable[[str], str]) -> None:
    install(packages, "other-2.0", "", 'other.py,,\n"' + "x" * 200_000)
    (packages / "other.py").write_text(f'TOKEN = "{token("")}"\n')
    (finding,) = findings()
    assert finding.place.chain[1].project == "other"


def test_a_name_that_is_a_secret_is_not_told(packages: Path, token: Callable[[str], str]) -> None:
    install(packages, "other-2.0", f"Name: {token('name')}\nVersion: 1\n\n", "other.py,,\n")
    (packages / "other.py").write_text(f'TOKEN = "{token("other")}"\n')
    assert len(findings()) == 2
    assert all(token("name") not in str(finding) for finding in findings())


class TestWhere:
    @pytest.mark.parametrize("target", [".venv", ".venv/", "./.venv", "{folder}/.venv"])
    def test_by_its_root(self, packages: Path, folder: Path, target: str) -> None:
        target = target.format(folder=folder)
        assert folders(f"env:{target}") == [os.path.join(target, "lib/python3.12/site-packages")]
        assert packages.exists()

    def test_by_a_folder_of_packages(self, packages: Path) -> None:
        assert folders(f"env:{packages}") == [str(packages)]

    @posix
    def test_by_its_python(self, packages: Path) -> None:
        Path(".venv/bin").mkdir()
        Path(".venv/bin/python").symlink_to(sys.executable)
        assert folders("env:.venv/bin/python") == [str(packages)]

    @posix
    def test_by_a_link_to_its_python(self, packages: Path, folder: Path) -> None:
        Path(".venv/bin").mkdir()
        Path(".venv/bin/python").write_text("")
        Path("elsewhere").mkdir()
        Path("elsewhere/python").symlink_to(folder / ".venv/bin/python")
        assert folders("env:elsewhere/python") == [str(folder / packages)]

    @posix
    def test_each_once(self, packages: Path) -> None:
        Path(".venv/lib64").symlink_to("lib")
        assert folders("env:.venv") == [str(packages)]

    @pytest.mark.parametrize("layout", ["Lib/site-packages", "lib/pypy3.11/site-packages", "lib/python3/dist-packages"])
    def test_in_other_layouts(self, layout: str) -> None:
        Path("venv", layout).mkdir(parents=True)
        Path("venv", layout, "a.py").write_text("")
        assert folders("env:venv") == [f"venv/{layout}"]

    def test_with_those_of_the_system(self, packages: Path, folder: Path) -> None:
        system = folder / "usr/lib/python3.12/site-packages"
        system.mkdir(parents=True)
        (system / "a.py").write_text("")
        Path(".venv/pyvenv.cfg").write_text(f"home = {folder}/usr/bin\nInclude-System-Site-Packages = True\n")
        assert folders("env:.venv") == [str(packages), str(system)]

    def test_that_is_activated(self, packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("VIRTUAL_ENV", ".venv")
        assert folders("env:") == [str(packages)]

    def test_of_the_python_that_runs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("VIRTUAL_ENV", raising=False)
        assert any(
            os.path.samefile(path, os.path.dirname(os.path.dirname(pytest.__file__))) for path in folders("env:")
        )

    @pytest.mark.parametrize("target", ["missing", "empty", "file", "nul\0", "\x1b"])
    def test_nowhere(self, target: str) -> None:
        Path("empty").mkdir()
        Path("file").write_text("")
        with pytest.raises(TargetError) as caught:
            Environment(f"env:{target}")
        assert "no folder site-packages is there" in str(caught.value)
        assert str(caught.value).isprintable()
        assert caught.value.hint == environment._HINT


def test_size_and_what_is_left_out(packages: Path) -> None:
    (packages / ".gitignore").write_text("shop\n")
    (packages / "a.py").write_text("12345")
    source = Environment("env:.venv", gitignore=True)
    assert source.size() > 5
    assert source.whole is None
    assert [part.names for part in source.parts() if isinstance(part, Files) and not part.prefix] == [
        [b".gitignore", b"a.py"]
    ]
    assert source.skipped == 1


def owners(packages: Path) -> dict[str, str]:
    """Whose the files are in which something is found."""
    owned = {}
    for finding in findings(f"env:{packages}"):
        link = finding.place.chain[1]
        owned[finding.place.chain[-1].name] = f"{link.project} {link.version}" if link.project else ""
    return owned


class TestWhatOtherInstallersNote:
    @pytest.fixture
    def planted(self, packages: Path, token: Callable[[str], str]) -> Callable[[str], None]:
        def plant(name: str) -> None:
            path = packages / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f'TOKEN = "{token(name)}"\n')

        return plant

    @pytest.mark.parametrize(
        ("notes", "owned"),
        [
            (
                {"old-2.0.egg-info/installed-files.txt": "../old/a.py\nPKG-INFO\n"},
                {"old/a.py": "old 2.0", "old.py": ""},
            ),
            ({"old-2.0.egg-info/top_level.txt": "old\n"}, {"old/a.py": "old 2.0", "old.py": "old 2.0"}),
            ({"old-2.0.dist-info/top_level.txt": "old\n"}, {"old/a.py": "old 2.0", "old.py": "old 2.0"}),
            (
                {"old.egg-info/PKG-INFO": "Name: Old\nVersion: 3\n", "old.egg-info/top_level.txt": "old"},
                {"old/a.py": "Old 3"},
            ),
            ({"old-2.0-py3.12.egg/EGG-INFO/PKG-INFO": ""}, {"old-2.0-py3.12.egg/a.py": "old 2.0", "old.py": ""}),
        ],
    )
    def test_says_whose_a_file_is(
        self, packages: Path, planted: Callable[[str], None], notes: dict[str, str], owned: dict[str, str]
    ) -> None:
        for name, text in notes.items():
            (packages / name).parent.mkdir(parents=True, exist_ok=True)
            (packages / name).write_text(text)
        for name in owned:
            planted(name)
        assert owners(packages) == owned

    def test_what_was_compiled_belongs_to_the_owner_of_its_source(
        self, packages: Path, planted: Callable[[str], None]
    ) -> None:
        planted("shop/__pycache__/settings.cpython-312.pyc")
        planted("shop/__pycache__/other.cpython-312.pyc")
        assert owners(packages) == {
            "shop/__pycache__/settings.cpython-312.pyc": "Shop 1.0",
            "shop/__pycache__/other.cpython-312.pyc": "",
        }


class TestWhatLiesElsewhere:
    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("shop-1.0.dist-info/direct_url.json", '{{"url": "file://{there}", "dir_info": {{"editable": true}}}}'),
            ("shop.egg-link", "{there}\n../"),
            ("__editable__.shop-1.0.pth", "# a comment\nimport os\n{there}\n/nowhere\n"),
            ("relative.pth", "../../../../there"),
        ],
    )
    def test_is_told(self, packages: Path, folder: Path, name: str, text: str) -> None:
        there = folder / "there"
        there.mkdir()
        (packages / name).write_text(text.format(there=there))
        (gap,) = scan("env:.venv").report().gaps
        assert (gap.path, gap.reason) == (f"{packages}/{name}", Reason.ELSEWHERE)
        assert f"it leads to {there}," in gap.detail

    def test_once(self, packages: Path, folder: Path) -> None:
        for name in ("a.pth", "b.pth"):
            (packages / name).write_text(f"{folder}\n" * 3)
        assert len(scan("env:.venv").report().gaps) == 1

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("shop-1.0.dist-info/direct_url.json", '{"url": "file:///", "dir_info": {}}'),
            ("shop-1.0.dist-info/direct_url.json", '{"url": "https://host/", "dir_info": {"editable": true}}'),
            ("shop-1.0.dist-info/direct_url.json", '{"url": "file://[", "dir_info": {"editable": true}}'),
            ("shop-1.0.dist-info/direct_url.json", '{"url": 1}'),
            ("shop-1.0.dist-info/direct_url.json", "[" * 50_000),
            ("inside.pth", "shop\n."),
            ("code.pth", "import sys; sys.path.append('/')"),
            ("odd.pth", "/\0\n\udcff\n"),
        ],
    )
    def test_but_not_what_does_not(self, packages: Path, name: str, text: str) -> None:
        (packages / name).write_bytes(text.encode("utf-8", "surrogateescape"))
        assert scan("env:.venv").report().gaps == ()
