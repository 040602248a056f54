"""`pitviper scan`: what goes in, what comes out, and what the exit code says."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import Result
from inline_snapshot import snapshot

from pitviper.cli.exit_codes import ExitCode
from pitviper.output import OUTPUTS
from pitviper.rules.template import make

Run = Callable[..., Result]

SCHEMA = Path(__file__).parents[2] / "docs" / "report-1.schema.json"
posix = pytest.mark.skipif(os.name != "posix", reason="POSIX has links and such names")

LOW = "key = AKIA{aws-access-key-id}\n"
"""The id of an AWS key without its secret: severity low."""


def write(path: str, text: str) -> None:
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    Path(path).write_text(text, "utf-8")


def report(result: Result) -> Any:
    return json.loads(result.stdout)


class TestText:
    def test_report(self, project: str, run: Run) -> None:
        result = run("scan", "project")
        lines = result.stdout.splitlines()
        assert (result.exit_code, result.stderr) == (ExitCode.FINDINGS, "")
        assert lines[0] == f"critical  github-pat  {project[:6]}…{project[-2:]} (CRC32 matches)"
        assert "\n".join(lines[1:-1]) == snapshot("""\
  project/src/app.py:2:15
  GitHub personal access token (classic)
  Acts as its owner on GitHub, with every scope it was given, in every organisation the owner
  belongs to.
  next: Revoke it under Settings, Developer settings, Personal access tokens, then look at the audit
        log for its use.

1 finding (1 critical)\
""")
        assert lines[-1].startswith("looked into 2 files, ")

    def test_nothing_found(self, run: Run) -> None:
        write("clean/app.py", "import os\n")
        result = run("scan", "clean")
        assert (result.exit_code, result.stderr) == (ExitCode.CLEAN, "")
        assert result.stdout.splitlines()[0] == "nothing found"

    @pytest.mark.usefixtures("project")
    def test_narrow_terminal(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COLUMNS", "40")
        os.symlink("/nowhere", "project/link")
        long = [line for line in run("scan", "project").stdout.splitlines() if len(line) > 40]
        assert [line for line in long if " " in line.strip()] == []  # a word or a path is never broken

    @posix
    def test_hostile_name(self, run: Run, token: Callable[[str], str]) -> None:
        write("project/a\x1b[2J\n\u202eb.py", token("hostile"))
        os.symlink("nowhere", "project/\x1b]0;owned\x07")
        result = run("scan", "project")
        assert r"project/a\x1b[2J\n\u202eb.py:1:1" in result.stdout
        assert r"project/\x1b]0;owned\x07" in result.stdout
        assert all(line.isprintable() for line in result.stdout.splitlines())


class TestJson:
    @pytest.mark.usefixtures("project")
    def test_report_is_valid_by_the_published_schema(self, run: Run, token: Callable[[str], str]) -> None:
        write("project/allowed.py", f"{token('allowed')}  # pitviper: allow[github-pat] a fake\n")
        os.symlink("nowhere", "project/link")
        result = run("scan", "project", "missing", "-o", "json")
        told = report(result)
        jsonschema.validate(told, json.loads(SCHEMA.read_text("utf-8")))
        assert told["schema"] == "pitviper.report/1"
        assert told["targets"] == ["project", "missing"]
        assert [finding["place"]["path"] for finding in told["findings"]] == ["project/src/app.py"]
        assert [(item["finding"]["rule"], item["reason"]) for item in told["ignored"]] == [("github-pat", "a fake")]
        assert {(gap["path"], gap["reason"]) for gap in told["gaps"]} == {
            ("missing", "unreadable"),
            ("project/link", "broken-symlink"),
        }
        assert told["interrupted"] is False

    def test_same_finding_wherever_it_lies(self, project: str, run: Run) -> None:
        before = report(run("scan", "project", "-o", "json"))
        write("project/src/app.py", f"\n\n# moved\nclient.login('{project}')\n")
        os.rename("project/src", "project/lib")
        after = report(run("scan", "project", "-o", "json"))
        assert [finding["id"] for finding in before["findings"]] == [finding["id"] for finding in after["findings"]]
        assert after["findings"][0]["place"]["line"] == 4

    @pytest.mark.usefixtures("project")
    def test_target_twice(self, run: Run) -> None:
        (finding,) = report(run("scan", "project", "project/src/app.py", "-o", "json"))["findings"]
        assert finding["place"]["path"] == "project/src/app.py"


class TestExitCode:
    @pytest.mark.parametrize(
        ("template", "options", "code"),
        [
            ("nothing\n", [], ExitCode.CLEAN),
            (LOW, [], ExitCode.CLEAN),
            (LOW, ["--fail-on", "low"], ExitCode.FINDINGS),
            (LOW, ["--fail-on", "info"], ExitCode.FINDINGS),
            (LOW, ["--fail-on", "medium"], ExitCode.CLEAN),
            ("ghp_{base62:30}{crc32-base62}\n", [], ExitCode.FINDINGS),
            ("ghp_{base62:30}{crc32-base62}\n", ["--fail-on", "critical"], ExitCode.FINDINGS),
            (LOW, ["--fail-on", "low", "--min-severity", "high"], ExitCode.CLEAN),
            ("nothing\n", ["--fail-on", "info", "--strict"], ExitCode.CLEAN),
        ],
    )
    def test_fail_on(self, template: str, options: list[str], code: ExitCode, run: Run) -> None:
        write("project/app.py", make(template, "exit code"))
        assert run("scan", "project", *options).exit_code == code

    @pytest.mark.usefixtures("project")
    def test_findings_that_are_hidden_do_not_fail(self, run: Run) -> None:
        for option in ("--only=hygiene", "--disable=github-pat"):
            assert run("scan", "project", option).exit_code == ExitCode.CLEAN

    def test_missing_target(self, project: str, run: Run) -> None:
        result = run("scan", "missing", "project")
        assert result.exit_code == ExitCode.INCOMPLETE
        assert result.stderr == (
            "error: missing: No such file or directory\nhint: Check the path, and the rights on it.\n"
        )
        assert f"{project[:6]}…" in result.stdout  # the others are looked into all the same
        assert "1 finding (1 critical) · 1 gap" in result.stdout

    @pytest.mark.parametrize(("options", "code"), [([], ExitCode.CLEAN), (["--strict"], ExitCode.INCOMPLETE)])
    def test_strict(self, options: list[str], code: ExitCode, run: Run) -> None:
        write("project/app.py", "")
        os.symlink("nowhere", "project/link")
        assert run("scan", "project", *options).exit_code == code

    @pytest.mark.usefixtures("project")
    def test_gap_with_strict_wins_over_findings(self, run: Run) -> None:
        os.symlink("nowhere", "project/link")
        assert run("scan", "project").exit_code == ExitCode.FINDINGS
        assert run("scan", "project", "--strict").exit_code == ExitCode.INCOMPLETE

    @pytest.mark.usefixtures("project")
    def test_wrong_rule_file(self, run: Run) -> None:
        write("acme.toml", "provider = 1\n")
        result = run("scan", "project", "--rules", "acme.toml")
        assert (result.exit_code, result.stdout) == (ExitCode.USAGE, "")
        assert "acme.toml: Expected `str`, got `int` - at `$.provider`" in result.stderr


class TestOutput:
    @pytest.mark.usefixtures("project")
    def test_several_at_once(self, run: Run) -> None:
        result = run(
            "scan", "project", "-o", "text", "-o", "json:scan.json", "-o", "sarif:scan.sarif", "-o", "csv:a.csv"
        )
        assert result.exit_code == ExitCode.FINDINGS
        assert result.stdout.startswith("critical  github-pat")
        assert json.loads(Path("scan.json").read_text("utf-8"))["findings"][0]["rule"] == "github-pat"
        assert json.loads(Path("scan.sarif").read_text("utf-8"))["version"] == "2.1.0"
        assert len(Path("a.csv").read_text("utf-8").splitlines()) == 2
        assert sorted(os.listdir()) == ["a.csv", "project", "scan.json", "scan.sarif"]

    @pytest.mark.usefixtures("project")
    def test_files_alone_leave_standard_output_empty(self, run: Run) -> None:
        result = run("scan", "project", "-o", "json:scan.json", "-o", "csv:a.csv")
        assert (result.exit_code, result.stdout) == (ExitCode.FINDINGS, "")
        assert result.stderr == "1 finding (1 critical): json in scan.json, csv in a.csv\n"
        assert run("scan", "project", "-o", "json:scan.json", "--quiet").stderr == ""

    @pytest.mark.usefixtures("project")
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (["-o", "xml"], "error: unknown output format 'xml'\nhint: Known formats: text, json, jsonl, "),
            (["-o", "jsn"], "error: unknown output format 'jsn'\nhint: Did you mean 'json'?"),
            (["-o", "json:"], "error: the output 'json:' names no file"),
            (["-o", "json", "-o", "text"], "error: the outputs json and text both go to standard output"),
            (["-o", "json:missing/scan.json"], "missing/scan.json: No such file or directory\nhint: Create the folder"),
            (["-o", "json:project"], "cannot write the json report to project: it is a folder"),
        ],
    )
    def test_mistake_is_told_before_the_scan(
        self, options: list[str], message: str, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("pitviper.scanning.Scan", None)  # whoever begins a scan fails
        result = run("scan", "project", *options)
        assert (result.exit_code, result.stdout) == (ExitCode.USAGE, "")
        assert message in result.stderr

    @pytest.mark.usefixtures("project")
    def test_quiet(self, run: Run) -> None:
        result = run("scan", "project", "--quiet")
        assert (result.exit_code, result.stdout, result.stderr) == (ExitCode.FINDINGS, "", "")
        assert run("scan", "project", "-q", "-o", "text").stdout.startswith("critical  github-pat")
        assert run("scan", "project", "-q", "-o", "json:scan.json").stdout == ""
        assert os.path.exists("scan.json")


class TestChoice:
    """Options that choose what is looked at, and what counts; nothing of what they leave out vanishes."""

    @pytest.mark.usefixtures("project")
    def test_min_severity(self, run: Run) -> None:
        write("project/low.py", make(LOW, "low"))
        assert [finding["rule"] for finding in report(run("scan", "project", "-o", "json"))["findings"]] == [
            "github-pat",
            "aws-access-key-id",
        ]
        told = report(run("scan", "project", "-o", "json", "--min-severity", "medium"))
        assert [finding["rule"] for finding in told["findings"]] == ["github-pat"]
        assert told["stats"]["hidden"] == {"auditor": 0, "severity": 1, "kind": 0}
        assert "1 below --min-severity" in run("scan", "project", "--min-severity", "medium").stdout

    @pytest.mark.usefixtures("project")
    def test_only(self, run: Run) -> None:
        told = report(run("scan", "project", "-o", "json", "--only", "behaviour, hygiene"))
        assert (told["findings"], told["stats"]["hidden"]["kind"]) == ([], 1)
        assert len(report(run("scan", "project", "-o", "json", "--only", "secret"))["findings"]) == 1

    def test_auditor(self, run: Run) -> None:
        write("project/tests/app.py", make('API_SECRET = "{base62:40}"\n', "auditor"))
        told = report(run("scan", "project", "-o", "json"))
        assert (told["findings"], told["stats"]["hidden"]["auditor"]) == ([], 1)
        assert "1 more for auditors (--auditor)" in run("scan", "project").stdout
        (finding,) = report(run("scan", "project", "-o", "json", "--auditor"))["findings"]
        assert finding["audience"] == "auditor"

    @pytest.mark.usefixtures("project")
    def test_disable(self, run: Run) -> None:
        assert report(run("scan", "project", "-o", "json", "--disable", "github-pat"))["findings"] == []

    def test_own_rules(self, run: Run) -> None:
        write(
            "rules/acme.toml",
            """\
provider = "Acme"
[[rules]]
id = "acme-token"
name = "Acme token"
description = "Opens everything at Acme."
pattern = 'acme_[0-9a-z]{16}'
anchors = ["acme_"]
max_len = 21
severity = "high"
remedy = "Revoke it."
examples = ["acme_{base36:16}"]
counter_examples = []
""",
        )
        write("project/app.py", make("acme_{base36:16}", "own rules"))
        told = report(run("scan", "project", "-o", "json", "--rules", "rules"))
        assert [finding["rule"] for finding in told["findings"]] == ["acme-token"]
        assert told["tool"]["rules"] != report(run("scan", "project", "-o", "json"))["tool"]["rules"]

    @pytest.mark.usefixtures("project")
    def test_gitignore(self, run: Run) -> None:
        os.mkdir("project/.git")
        write("project/.gitignore", "src/\n")
        assert len(report(run("scan", "project", "-o", "json"))["findings"]) == 1
        told = report(run("scan", "project", "-o", "json", "--gitignore"))
        assert (told["findings"], told["stats"]["skipped"]) == ([], 2)

    def test_allow_comments(self, run: Run, token: Callable[[str], str]) -> None:
        write("project/app.py", f"{token('allowed')}  # pitviper: allow[github-pat] a fake\n")
        result = run("scan", "project")
        assert result.exit_code == ExitCode.CLEAN
        assert "nothing found · 1 ignored in place" in result.stdout
        assert run("scan", "project", "--no-allow-comments").exit_code == ExitCode.FINDINGS
        write("pitviper.toml", "allow-comments = false\n")
        assert run("scan", "project").exit_code == ExitCode.FINDINGS
        assert run("scan", "project", "--allow-comments").exit_code == ExitCode.CLEAN


class TestSecrecy:
    """By default no report, and nothing else that is written, holds a secret."""

    @pytest.fixture
    def secrets(self, run: Run, token: Callable[[str], str]) -> list[str]:
        """All that is secret in the folder `leaks`."""
        texts = {
            "leaks/app.py": f"TOKEN = '{token('one')}'\n",
            f"leaks/{token('two')}.txt": f"{token('two')}\n",
            "leaks/allowed.js": f"/* pitviper: allow[github-pat] fake */ const key = '{token('three')}'\n",
            "leaks/both.py": f"# pitviper: allow[github-pat] {token('four')} {token('five')}\n",
            "leaks/aws": make(
                "aws_access_key_id = AKIA{aws-access-key-id}\naws_secret_access_key={base64:40}\n", "aws"
            ),
            "leaks/url": make("postgresql://app:{base62:20}@db.acme.io:5432/shop\n", "url"),
            "leaks/user": f"https://{token('six')}:{token('url')}@git.acme.io/app.git\n",
            "leaks/key.pem": make("{private-key}\n", "pem"),
            "leaks/env": make('API_SECRET = "{base62:40}"\nDB_PASSWORD = "{base62:7}!{base62:6}"\n', "env"),
        }
        for path, text in texts.items():
            write(path, text)
        run("baseline", "old.baseline", "leaks/env")
        found = report(run("scan", "leaks", "-o", "json", "--show-secrets", "--auditor", "--no-allow-comments"))
        values = [finding["secret"]["value"] for finding in found["findings"]]
        assert len(values) >= 12
        assert {token(seed) for seed in ("one", "two", "three", "four", "five", "six")} <= set(values)
        return [*values, texts["leaks/aws"].split()[2]]

    def test_default(self, secrets: list[str], run: Run) -> None:
        outputs = [f"--output={name}:report.{name}" for name in OUTPUTS if name != "text"]
        result = run("scan", "leaks", "--auditor", "-o", "text", *outputs, "--baseline", "old.baseline")
        assert result.exit_code == ExitCode.FINDINGS
        written = {name: Path(f"report.{name}").read_text("utf-8") for name in OUTPUTS if name != "text"}
        written |= {"text": result.stdout, "errors": result.stderr, "baseline": Path("old.baseline").read_text("utf-8")}
        for name, text in written.items():
            for secret in secrets:
                for line in secret.splitlines():
                    assert line.startswith("-----") or line not in text, name

    @pytest.mark.parametrize("name", OUTPUTS)
    def test_show_secrets(self, name: str, project: str, run: Run) -> None:
        assert project not in run("scan", "project", "-o", name).stdout
        shown = run("scan", "project", "-o", name, "--show-secrets").stdout
        assert (project in shown) == (name not in ("sarif", "markdown"))  # those go to servers, where they stay


class TestConfiguration:
    @pytest.mark.usefixtures("project")
    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("pitviper.toml", 'disable = ["github-pat"]\n'),
            ("pyproject.toml", '[project]\nname = "x"\n[tool.pitviper]\ndisable = ["github-pat"]\n'),
        ],
    )
    def test_of_the_working_directory(self, name: str, text: str, run: Run) -> None:
        write(name, text)
        assert run("scan", "project").exit_code == ExitCode.CLEAN

    @pytest.mark.usefixtures("project")
    def test_own_file_comes_first(self, run: Run) -> None:
        write("pitviper.toml", "")
        write("pyproject.toml", '[tool.pitviper]\ndisable = ["github-pat"]\n')
        assert run("scan", "project").exit_code == ExitCode.FINDINGS

    @pytest.mark.usefixtures("project")
    def test_pyproject_of_others_is_none(self, run: Run) -> None:
        write("pyproject.toml", '[tool.other]\ndisable = ["github-pat"]\n')
        assert run("scan", "project").exit_code == ExitCode.FINDINGS

    @pytest.mark.usefixtures("project")
    @pytest.mark.parametrize("name", ["pitviper.toml", "pyproject.toml"])
    def test_of_the_target_is_not_believed(self, name: str, run: Run) -> None:
        write(f"project/{name}", '[tool.pitviper]\ndisable = ["github-pat"]\n')
        assert run("scan", "project").exit_code == ExitCode.FINDINGS

    @pytest.mark.usefixtures("project")
    def test_file_that_is_named(self, run: Run) -> None:
        write("pitviper.toml", "min-severity = 'critical'\n")
        write("settings/strict.toml", 'disable = ["github-pat"]\n')
        assert run("scan", "project", "--config", "settings/strict.toml").exit_code == ExitCode.CLEAN

    @pytest.mark.usefixtures("project")
    def test_flags_overrule_it(self, run: Run) -> None:
        write("pitviper.toml", 'fail-on = "info"\nmin-severity = "info"\noutput = ["json:scan.json"]\n')
        write("project/low.py", make(LOW, "low"))
        result = run("scan", "project", "--min-severity", "high", "-o", "text")
        assert "1 below --min-severity" in result.stdout
        assert not os.path.exists("scan.json")

    @pytest.mark.usefixtures("project")
    def test_outputs(self, run: Run) -> None:
        write("pitviper.toml", 'output = ["text", "json:scan.json"]\n')
        assert run("scan", "project").stdout.startswith("critical")
        assert os.path.exists("scan.json")
        assert run("scan", "project", "-q").stdout == ""

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            (
                "min_severity = 'low'\n",
                "there is no setting 'min_severity'\nhint: Did you mean 'min-severity'?",
            ),
            ("zzz = 1\n", "there is no setting 'zzz'\nhint: Known settings: output, only,"),
            ("fail-on = 'awful'\n", "fail-on: 'awful' is none of critical, high, medium, low, info\n"),
            ("output = 'json'\n", "output: 'json' is no list of strings\n"),
            ("strict = \n", "no valid TOML: Invalid value (at line 1, column "),
        ],
    )
    def test_mistake(self, text: str, message: str, run: Run) -> None:
        write("pitviper.toml", text)
        result = run("scan", ".")
        assert (result.exit_code, result.stdout) == (ExitCode.USAGE, "")
        assert result.stderr.startswith(f"error: pitviper.toml: {message}")

    @pytest.mark.parametrize(
        ("setting", "option", "message"),
        [
            ("disable = ['github-pta']", "--disable=github-pta", "no rule is named 'github-pta'\nhint: Did you mean"),
            ("rules = ['no.toml']", "--rules=no.toml", "no.toml: cannot be read: No such file"),
            ("output = ['jsn']", "--output=jsn", "unknown output format 'jsn'\nhint: Did you mean 'json'"),
            ("baseline = 'no'", "--baseline=no", "no: cannot be read: No such file"),
        ],
    )
    def test_mistake_is_told_with_the_file_it_is_in(self, setting: str, option: str, message: str, run: Run) -> None:
        in_options = run("scan", ".", option)
        assert (in_options.exit_code, in_options.stdout) == (ExitCode.USAGE, "")
        assert message in in_options.stderr
        write("pitviper.toml", f"{setting}\n")
        assert run("scan", ".", option).stderr == in_options.stderr
        in_file = run("scan", ".")
        assert in_file.exit_code == ExitCode.USAGE
        assert in_file.stderr == in_options.stderr.replace(
            "error: ", f"error: pitviper.toml: {setting.split(maxsplit=1)[0]}: "
        )

    def test_missing_file(self, run: Run) -> None:
        result = run("scan", ".", "--config", "missing.toml")
        assert result.exit_code == ExitCode.USAGE
        assert result.stderr == (
            "error: missing.toml: cannot be read: No such file or directory\nhint: Check the path after --config.\n"
        )


class TestBaseline:
    @pytest.mark.usefixtures("project")
    def test_only_new_findings_are_reported(self, run: Run, token: Callable[[str], str]) -> None:
        assert run("baseline", "old.baseline", "project").exit_code == ExitCode.CLEAN
        result = run("scan", "project", "--baseline", "old.baseline")
        assert result.exit_code == ExitCode.CLEAN
        assert "nothing found · 1 in the baseline" in result.stdout
        write("project/new.py", token("new"))
        told = report(run("scan", "project", "--baseline", "old.baseline", "-o", "json"))
        assert [finding["place"]["path"] for finding in told["findings"]] == ["project/new.py"]
        assert [finding["place"]["path"] for finding in told["suppressed"]] == ["project/src/app.py"]

    @pytest.mark.usefixtures("project")
    def test_missing_file(self, run: Run) -> None:
        result = run("scan", "project", "--baseline", "old.baseline")
        assert (result.exit_code, result.stdout) == (ExitCode.USAGE, "")
        assert result.stderr == (
            "error: old.baseline: cannot be read: No such file or directory\n"
            "hint: Make one with `pitviper baseline old.baseline`.\n"
        )


class TestFlagsThatNoTargetHasAUseFor:
    @pytest.mark.parametrize(
        ("words", "why"),
        [
            (["--staged", "app.py"], "--staged: no target is a folder"),
            (["--git-history", "app.py"], "--git-history: no target is a folder"),
            (["--unreachable", "."], "--unreachable: no history is looked into"),
            (["--since", "2026-01-31", "."], "--since: no history is looked into"),
            (["--branch", "main", "app.py"], "--branch: no history is looked into"),
            (["--branch", "main", "--staged", "."], "--branch: no history is looked into"),
            (["--platform", "linux/arm64", "."], "--platform: no target is an image in a registry"),
            (["--index-url", "http://127.0.0.1/", "env:"], "--index-url: no target is in a package index"),
        ],
    )
    def test_are_wrong_usage(self, run: Run, words: list[str], why: str) -> None:
        write("app.py", "1\n")
        result = run("scan", *words)
        assert result.exit_code == ExitCode.USAGE
        assert why in result.stderr

    def test_in_a_configuration_file_they_may_wait_for_another_target(self, run: Run) -> None:
        write("app.py", "1\n")
        write("pitviper.toml", 'since = "2026-01-31"\nplatform = "linux/arm64"\nstaged = true\n')
        assert run("scan", "app.py").exit_code == ExitCode.CLEAN
