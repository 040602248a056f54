from __future__ import annotations

from pathlib import Path

import pytest

from pitviper import config
from pitviper.config import Settings
from pitviper.errors import ConfigError
from pitviper.model.finding import Kind, Severity


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


class TestFind:
    @pytest.mark.parametrize(
        ("files", "wanted"),
        [
            ({}, None),
            ({"pitviper.toml": ""}, "pitviper.toml"),
            ({"pyproject.toml": "[project]\nname = 'a'\n"}, None),
            ({"pyproject.toml": "[tool.pitviper]\n"}, "pyproject.toml"),
            ({"pyproject.toml": "[tool.pitviper]\n", "pitviper.toml": ""}, "pitviper.toml"),
            ({"sub/pitviper.toml": ""}, None),
        ],
    )
    def test_in_the_working_directory(self, folder: Path, files: dict[str, str], wanted: str | None) -> None:
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        assert config.find() == wanted

    def test_a_folder_of_that_name_is_none(self, folder: Path) -> None:
        (folder / "pitviper.toml").mkdir()
        assert config.find() is None


class TestLoad:
    def test_nothing_is_the_default(self) -> None:
        assert config.load(None, {}) == Settings()
        assert Settings().fail_on is Severity.MEDIUM
        assert Settings().jobs == 0

    def test_a_file(self, folder: Path) -> None:
        (folder / "pitviper.toml").write_text(
            'output = ["json", "sarif:a.sarif"]\nonly = ["secret"]\nmin-severity = "low"\nfail-on = "critical"\n'
            'rules = ["own"]\ndisable = ["jwt"]\nbaseline = "b"\nauditor = true\ngitignore = true\nstrict = true\n'
            "show-secrets = true\nallow-comments = false\nquiet = true\nprogress = false\njobs = 3\n"
        )
        assert config.load("pitviper.toml", {}) == Settings(
            output=("json", "sarif:a.sarif"),
            only=(Kind.SECRET,),
            min_severity=Severity.LOW,
            fail_on=Severity.CRITICAL,
            rules=("own",),
            disable=("jwt",),
            baseline="b",
            auditor=True,
            gitignore=True,
            strict=True,
            show_secrets=True,
            allow_comments=False,
            quiet=True,
            progress=False,
            jobs=3,
        )

    def test_a_table_of_pyproject(self, folder: Path) -> None:
        (folder / "pyproject.toml").write_text('[project]\nname = "a"\n[tool.pitviper]\njobs = 2\n')
        assert config.load("pyproject.toml", {}) == Settings(jobs=2)
        assert config.load(str(folder / "pyproject.toml"), {}) == Settings(jobs=2)

    @pytest.mark.parametrize("text", ["", "[tool]\n", "[tool.other]\njobs = 'x'\n", "[project]\njobs = 'x'\n"])
    def test_a_pyproject_without_one(self, folder: Path, text: str) -> None:
        (folder / "pyproject.toml").write_text(text)
        assert config.load("pyproject.toml", {}) == Settings()

    def test_flags_overrule_the_file(self, folder: Path) -> None:
        (folder / "pitviper.toml").write_text('jobs = 2\nmin-severity = "low"\n')
        settings = config.load("pitviper.toml", {"jobs": 5, "fail_on": Severity.HIGH})
        assert settings == Settings(jobs=5, min_severity=Severity.LOW, fail_on=Severity.HIGH)

    @pytest.mark.parametrize(
        ("text", "message", "hint"),
        [
            ("min_severity = 'low'", "unknown field `min_severity`", "Did you mean 'min-severity'?"),
            ("job = 1", "unknown field `job`", "Did you mean 'jobs'?"),
            ("zzz = 1", "unknown field `zzz`", "Known settings: output, only, "),
            ("jobs = 'x'", "$.jobs", ""),
            ("jobs = -1", "$.jobs", ""),
            ("jobs = 100000", "$.jobs", ""),
            ("min-severity = 'awful'", "$.min-severity", ""),
            ("output = 'json'", "$.output", ""),
            ("only = ['secrets']", "$.only[0]", ""),
            ("auditor = 1", "$.auditor", ""),
            ("jobs = ", "no valid TOML: ", ""),
            ("a = '\x00'", "no valid TOML: ", ""),
            ("[[jobs]]", "$.jobs", ""),
        ],
    )
    def test_what_is_wrong(self, folder: Path, text: str, message: str, hint: str) -> None:
        (folder / "pitviper.toml").write_text(text)
        with pytest.raises(ConfigError) as caught:
            config.load("pitviper.toml", {})
        assert str(caught.value).startswith("pitviper.toml: ")
        assert message in str(caught.value)
        assert caught.value.hint.startswith(hint)
        assert bool(caught.value.hint) is bool(hint)

    @pytest.mark.parametrize("text", ["tool = 1", "tool = 'pitviper'", "[[tool]]", "[tool]\npitviper = []"])
    def test_a_pyproject_in_which_it_is_no_table(self, folder: Path, text: str) -> None:
        (folder / "pyproject.toml").write_text(text)
        with pytest.raises(ConfigError, match=r"^pyproject.toml: '(tool|pitviper)' is not a table$"):
            config.load("pyproject.toml", {})

    def test_what_is_no_text(self, folder: Path) -> None:
        (folder / "pitviper.toml").write_bytes(b"jobs = '\xff'")
        with pytest.raises(ConfigError, match=r"^pitviper.toml: no valid TOML: "):
            config.load("pitviper.toml", {})

    @pytest.mark.parametrize("name", ["missing.toml", ".", "pitviper.toml/below"])
    def test_what_cannot_be_read(self, folder: Path, name: str) -> None:
        (folder / "pitviper.toml").write_text("")
        with pytest.raises(ConfigError, match="cannot be read: ") as caught:
            config.load(name, {})
        assert caught.value.hint == "Check the path after --config."
