from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from pitviper import config
from pitviper.config import Settings
from pitviper.errors import ConfigError, UsageError
from pitviper.model.finding import Kind, Severity


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


class TestSettings:
    def test_words_become_what_they_name(self) -> None:
        settings = Settings(min_severity="low", fail_on="high", only=["secret"])  # type: ignore[arg-type]
        assert (settings.min_severity, settings.fail_on, settings.only) == (Severity.LOW, Severity.HIGH, (Kind.SECRET,))
        assert settings.fail_on.rank == 1
        assert settings == replace(settings, min_severity="low")

    @pytest.mark.parametrize(
        ("field", "value", "message"),
        [
            ("min_severity", "awful", "min_severity: 'awful' is none of critical, high, medium, low, info"),
            ("fail_on", None, "fail_on: None is none of critical, high, medium, low, info"),
            ("only", "secret", "only: 'secret' is no list"),
            ("only", ("x",), "only: 'x' is none of secret, behaviour, hygiene"),
            ("jobs", -1, "jobs: -1 is no whole number from 0 to 256"),
            ("jobs", 2.0, "jobs: 2.0 is no whole number from 0 to 256"),
            ("disable", "github-pat", "disable: 'github-pat' is no list of strings"),
            ("baseline", b"x", "baseline: b'x' is no string"),
            ("strict", "no", "strict: 'no' is neither true nor false"),
        ],
    )
    def test_nonsense_is_refused(self, field: str, value: object, message: str) -> None:
        """Or a scan would come out clean, because no finding is as severe as what is no severity."""
        with pytest.raises(UsageError) as caught:
            Settings(**{field: value})  # type: ignore[arg-type]
        assert str(caught.value) == message

    def test_huge_values_are_not_repeated(self) -> None:
        with pytest.raises(UsageError) as caught:
            Settings(fail_on="x" * 10**6)  # type: ignore[arg-type]
        assert len(str(caught.value)) < 200


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
            ("min_severity = 'low'", "there is no setting 'min_severity'", "Did you mean 'min-severity'?"),
            ("job = 1", "there is no setting 'job'", "Did you mean 'jobs'?"),
            ("zzz = 1", "there is no setting 'zzz'", "Known settings: output, only, "),
            ("jobs = 'x'", "jobs: 'x' is no whole number from 0 to 256", ""),
            ("jobs = -1", "jobs: -1 is no whole number from 0 to 256", ""),
            ("jobs = 100000", "jobs: 100000 is no whole number from 0 to 256", ""),
            ("jobs = true", "jobs: True is no whole number from 0 to 256", ""),
            (
                "fail-on = 'hihg'",
                "fail-on: 'hihg' is none of critical, high, medium, low, info",
                "Did you mean 'high'?",
            ),
            ("min-severity = 'x'", "min-severity: 'x' is none of critical, high, medium, low, info", ""),
            ("min-severity = 2024-01-01", "is none of critical, high, medium, low, info", ""),
            ("output = 'json'", "output: 'json' is no list of strings", ""),
            ("rules = ['a', 1]", "rules: ['a', 1] is no list of strings", ""),
            ("baseline = 1", "baseline: 1 is no string", ""),
            ("only = ['secrets']", "only: 'secrets' is none of secret, behaviour, hygiene", "Did you mean 'secret'?"),
            ("only = 'secret'", "only: 'secret' is no list", "Write a list: ['secret']."),
            ("auditor = 1", "auditor: 1 is neither true nor false", ""),
            ("jobs = ", "no valid TOML: ", ""),
            ("a = '\x00'", "no valid TOML: ", ""),
            ("[[jobs]]", "jobs: [{}] is no whole number from 0 to 256", ""),
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
