"""`pitviper rules`: what is looked for, the proof of it, and its cost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from inline_snapshot import snapshot

from pitviper.cli.exit_codes import ExitCode
from pitviper.rules.loading import load

Run = Callable[..., Result]

ACME = """\
provider = "Acme"

[[rules]]
id = "acme-token"
name = "Acme token"
description = "Opens everything at Acme, with every scope that it was given, in every organisation of its owner."
pattern = 'acme_[0-9a-z]{16}'
anchors = ["acme_", "ACME_"]
max_len = 21
severity = "high"
min_entropy = 2.5
validators = ["hex-digest-free"]
remedy = "Revoke it under Settings, Tokens."
references = ["https://docs.acme.test/tokens"]
examples = ["acme_{base36:16}", "key = 'acme_{base36:16}'"]
counter_examples = ["acme_{base36:15}"]

[[rules.companions]]
name = "account"
pattern = 'account=[0-9]{8}'
severity = "critical"
"""


@pytest.fixture
def acme() -> Callable[..., str]:
    """A function that writes the rule file, after a replacement in it, and names it."""

    def write(old: str = "", new: str = "") -> str:
        assert old in ACME
        Path("acme.toml").write_text(ACME.replace(old, new) if old else ACME)
        return "acme.toml"

    return write


class TestList:
    def test_lines_of_a_pipe(self, run: Run) -> None:
        result = run("rules", "list")
        rows = [line.split("\t") for line in result.stdout.splitlines()]
        rules = load().rules
        assert result.exit_code == ExitCode.CLEAN
        assert [row[0] for row in rows] == [rule.id for rule in rules]
        assert {len(row) for row in rows} == {6}
        assert next(row for row in rows if row[0] == "github-pat") == [
            "github-pat",
            "critical",
            "firm",
            "everyone",
            "GitHub",
            "GitHub personal access token (classic)",
        ]
        assert result.stderr == f"{len(rules)} rules for {len({rule.provider for rule in rules})} providers\n"

    def test_with_own_rules(self, run: Run, acme: Callable[..., str]) -> None:
        assert "acme-token\thigh\tfirm\teveryone\tAcme\tAcme token" in run("rules", "list", "--rules", acme()).stdout


class TestShow:
    def test_all_about_a_rule(self, run: Run, acme: Callable[..., str]) -> None:
        result = run("rules", "show", "acme-token", "--rules", acme())
        assert (result.exit_code, result.stderr) == (ExitCode.CLEAN, "")
        assert result.stdout == snapshot("""\
acme-token  Acme token (Acme)
secret, severity high, confidence firm, for everyone

Opens everything at Acme, with every scope that it was given, in every organisation of its owner.

What to do: Revoke it under Settings, Tokens.

pattern          acme_[0-9a-z]{16}
anchors          acme_
                 ACME_
validators       hex-digest-free
boundary         0-9A-Za-z_
longest match    21 bytes
least entropy    2.5 bits a byte
together with    account within 512 bytes
examples         acme_{base36:16}
                 key = 'acme_{base36:16}'
counter-examples acme_{base36:15}
references       https://docs.acme.test/tokens
""")

    @pytest.mark.parametrize("rule", ["github-pat", "aws-access-key-id", "url-credentials"])
    def test_built_in_rule(self, rule: str, run: Run) -> None:
        result = run("rules", "show", rule)
        assert result.stdout.startswith(f"{rule}  ")

    def test_unknown_rule(self, run: Run) -> None:
        result = run("rules", "show", "github-patt")
        assert result.exit_code == ExitCode.USAGE
        assert result.stderr.startswith("error: no rule is named 'github-patt'\nhint: Did you mean github-pat or ")
        assert run("rules", "show", "zzz").stderr == "error: no rule is named 'zzz'\nhint: See `pitviper rules list`.\n"


class TestCheck:
    """All built-in rules are proved in `tests/rules/test_built_in.py`."""

    def test_rules_that_hold_what_they_promise(self, run: Run, acme: Callable[..., str]) -> None:
        result = run("rules", "check", acme())
        assert (result.exit_code, result.stderr) == (ExitCode.CLEAN, "")
        assert result.stdout == (
            "1 rule, 2 examples, 1 counter-example, 5 tokens each, in text and in bytecode: 0 failures\n"
        )

    def test_rule_that_lies(self, run: Run, acme: Callable[..., str]) -> None:
        result = run("rules", "check", acme("acme_{base36:15}", "acme_{base36:16}!"))
        assert result.exit_code == ExitCode.FINDINGS
        assert result.stdout.splitlines()[0] == (
            "acme-token: the counter-example is found (in text): acme_{base36:16}!"
        )
        assert result.stdout.endswith(": 1 failure\n")

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ("max_len = 21", "max_len = 0", "acme.toml:9: rule 'acme-token': max_len: must lie between 1 and "),
            ('"acme-token"', '"github-pat"', "acme.toml:4: the rule id 'github-pat' stands twice"),
            (
                'anchors = ["acme_", "ACME_"]',
                "anchor_pattern = '(?=acme_)acme_'",
                "rule 'acme-token': Vectorscan refuses its anchor '(?=acme_)acme_': ",
            ),
        ],
    )
    def test_wrong_rule(self, old: str, new: str, message: str, run: Run, acme: Callable[..., str]) -> None:
        result = run("rules", "check", acme(old, new))
        assert (result.exit_code, result.stdout) == (ExitCode.USAGE, "")
        assert message in result.stderr

    def test_missing_file(self, run: Run) -> None:
        result = run("rules", "check", "missing.toml")
        assert result.exit_code == ExitCode.USAGE
        assert "missing.toml: cannot be read: No such file or directory\nhint: Check the path, and the" in result.stderr


class TestProfile:
    def test_what_each_rule_cost(self, run: Run, project: str) -> None:
        Path("project/near.py").write_text(f"ghp_ ghp_{'a' * 36}\n")
        result = run("rules", "profile", "project")
        rows = {row[0]: row[1:] for row in (line.split("\t") for line in result.stdout.splitlines())}
        assert result.exit_code == ExitCode.CLEAN
        assert rows["github-pat"][:3] == ["3", "2", "1"]  # hits of the anchor, matches of the pattern, of all checks
        assert float(rows["github-pat"][3]) >= 0
        assert "in 1 rule that fired, the rest in reading and the one pass over all " in result.stderr
        assert project not in result.output

    def test_missing_target(self, run: Run) -> None:
        assert run("rules", "profile", "missing").exit_code == ExitCode.INCOMPLETE
