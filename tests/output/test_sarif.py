# ruff: noqa: E501 - a snapshot shows lines as they are
from __future__ import annotations

import json
import os
from typing import Any

import jsonschema
import pytest
from inline_snapshot import snapshot
from msgspec.structs import replace

from pitviper.model.finding import Confidence, Evidence, Kind, Severity
from pitviper.model.gap import Gap, Reason
from pitviper.model.place import Link, Place
from pitviper.model.report import Report
from pitviper.output import sarif
from pitviper.output.interface import Style
from pitviper.rules.schema import Rule

with open(os.path.join(os.path.dirname(__file__), "sarif-schema-2.1.0.json"), encoding="utf-8") as _file:
    VALIDATOR = jsonschema.Draft4Validator(json.load(_file))


def log(report: Report, rules: dict[str, Rule]) -> dict[str, Any]:
    """The log of `report`, valid by the schema and by what GitHub demands on top."""
    document: dict[str, Any] = json.loads("".join(sarif.render(report, rules, Style())))
    VALIDATOR.validate(document)
    (run,) = document["runs"]
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["message"]["text"]
        for location in result["locations"]:
            physical = location["physicalLocation"]
            assert physical["artifactLocation"]["uri"]
            assert physical["region"]["startLine"] >= 1
    return document


def run(report: Report, rules: dict[str, Rule]) -> dict[str, Any]:
    only: dict[str, Any] = log(report, rules)["runs"][0]
    return only


def notifications(report: Report, rules: dict[str, Rule]) -> list[dict[str, Any]]:
    (invocation,) = run(report, rules)["invocations"]
    told: list[dict[str, Any]] = invocation["toolExecutionNotifications"]
    return told


def test_log(report: Report, rules: dict[str, Rule]) -> None:
    document = log(report, rules)
    (only,) = document["runs"]
    assert only["tool"]["driver"]["rules"] == snapshot(
        [
            {
                "id": "acme-token",
                "shortDescription": {"text": "Acme token (classic)"},
                "fullDescription": {"text": "Acts as its owner at Acme, with every scope that it was given."},
                "help": {
                    "text": """\
Acts as its owner at Acme, with every scope that it was given.

Revoke it under Settings, Tokens, then exclude **/__pycache__ and *.pyc in .dockerignore.

https://docs.example.com/acme#revoke\
""",
                    "markdown": """\
Acts as its owner at Acme, with every scope that it was given.

Revoke it under Settings, Tokens, then exclude `**/__pycache__` and `*.pyc` in `.dockerignore`.

<https://docs.example.com/acme#revoke>\
""",
                },
                "defaultConfiguration": {"level": "error"},
                "properties": {
                    "tags": ["security", "secret", "external/cwe/cwe-798"],
                    "precision": "very-high",
                    "security-severity": "9.5",
                },
                "helpUri": "https://docs.example.com/acme#revoke",
            },
            {
                "id": "generic-password",
                "shortDescription": {"text": "Password"},
                "fullDescription": {"text": "Opens whatever it belongs to."},
                "help": {
                    "text": """\
Opens whatever it belongs to.

Move it out of the code, and change it.

https://docs.example.com/password\
""",
                    "markdown": """\
Opens whatever it belongs to.

Move it out of the code, and change it.

<https://docs.example.com/password>\
""",
                },
                "defaultConfiguration": {"level": "warning"},
                "properties": {
                    "tags": ["security", "secret", "external/cwe/cwe-798"],
                    "precision": "medium",
                    "security-severity": "5.5",
                },
                "helpUri": "https://docs.example.com/password",
            },
        ]
    )
    assert only["results"][0] == snapshot(
        {
            "ruleId": "acme-token",
            "ruleIndex": 0,
            "level": "error",
            "message": {
                "text": "Acme token (classic): acme_Ab…9Z (CRC32 matches; stale: the source beside it has no such value). It is in app.tar ▸ layer 4 ▸ /app/a.pyc ▸ fetch(), line 57 (removed in layer 6)."
            },
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": "app.tar", "uriBaseId": "%SRCROOT%"},
                        "region": {"startLine": 1},
                    },
                    "logicalLocations": [
                        {
                            "name": "fetch(), line 57 (removed in layer 6)",
                            "fullyQualifiedName": "app.tar!/layer:4!/app/a.pyc",
                            "kind": "function",
                        }
                    ],
                    "properties": {"line": 57, "offset": 1234, "removedIn": "layer 6"},
                }
            ],
            "partialFingerprints": {"pitviperFingerprint/v1": "id-acme-token-acme_Ab9Z"},
            "properties": {"kind": "secret", "severity": "critical", "confidence": "certain", "audience": "everyone"},
        }
    )
    assert only["results"][1]["locations"] == snapshot(
        [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": "src/gr%C3%B6%C3%9Fe.py", "uriBaseId": "%SRCROOT%"},
                    "region": {"startLine": 3, "startColumn": 18},
                }
            }
        ]
    )
    assert only["results"][1]["relatedLocations"][0] == snapshot(
        {
            "id": 1,
            "message": {"text": "It is also here."},
            "physicalLocation": {
                "artifactLocation": {"uri": "tests/copy1.py", "uriBaseId": "%SRCROOT%"},
                "region": {"startLine": 1, "startColumn": 5},
            },
        }
    )
    assert only["results"][2] == snapshot(
        {
            "ruleId": "generic-password",
            "ruleIndex": 1,
            "level": "warning",
            "message": {
                "text": "Password: … (name: \\x1b[2J\\x9b2J\\u202etxt.exe\\u2066 \\x80\\ud800\\r\\n=cmd|' /C calc'!A0 `tick` | <img src=x onerror=alert(1)> [click] (javascript:alert(1)) ![pic] (//x.test/p) @everyone #1 www.x.test http://x.test {{0}} $`x`$ \\| </code>)."
            },
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": "data/key%20store.bin", "uriBaseId": "%SRCROOT%"},
                        "region": {"startLine": 1, "byteOffset": 81234},
                    }
                }
            ],
            "partialFingerprints": {"pitviperFingerprint/v1": "id-generic-password-"},
            "properties": {"kind": "secret", "severity": "medium", "confidence": "tentative", "audience": "everyone"},
        }
    )
    assert [result.get("suppressions") for result in only["results"]] == snapshot(
        [
            None,
            None,
            None,
            [
                {
                    "kind": "inSource",
                    "justification": "\\x1b[2J\\x9b2J\\u202etxt.exe\\u2066 \\x80\\ud800\\r\\n=cmd|' /C calc'!A0 `tick` | <img src=x onerror=alert(1)> [click](javascript:alert(1)) ![pic](//x.test/p) @everyone #1 www.x.test http://x.test {0} $`x`$ \\| </code>",
                }
            ],
            [{"kind": "external"}],
        ]
    )
    assert only["invocations"] == snapshot(
        [
            {
                "executionSuccessful": True,
                "toolExecutionNotifications": [
                    {
                        "descriptor": {"id": "unreadable"},
                        "level": "warning",
                        "message": {
                            "text": "secret/b.zip was not (fully) looked into: unreadable (Permission denied)."
                        },
                        "locations": [
                            {
                                "physicalLocation": {
                                    "artifactLocation": {"uri": "secret/b.zip", "uriBaseId": "%SRCROOT%"}
                                }
                            }
                        ],
                    },
                    {
                        "descriptor": {"id": "unreadable"},
                        "level": "warning",
                        "message": {
                            "text": "secret/a.zip was not (fully) looked into: unreadable (Permission denied)."
                        },
                        "locations": [
                            {
                                "physicalLocation": {
                                    "artifactLocation": {"uri": "secret/a.zip", "uriBaseId": "%SRCROOT%"}
                                }
                            }
                        ],
                    },
                    {
                        "descriptor": {"id": "failed"},
                        "level": "error",
                        "message": {
                            "text": "x.tar!/y was not (fully) looked into: failed (\\x1b[2J\\x9b2J\\u202etxt.exe\\u2066 \\x80\\ud800\\r\\n=cmd|' /C calc'!A0 `tick` | <img src=x onerror=alert(1)> [click] (javascript:alert(1)) ![pic] (//x.test/p) @everyone #1 www.x.test http://x.test {{0}} $`x`$ \\| </code>)."
                        },
                        "locations": [
                            {"physicalLocation": {"artifactLocation": {"uri": "x.tar", "uriBaseId": "%SRCROOT%"}}}
                        ],
                    },
                ],
            }
        ]
    )
    assert only["columnKind"] == "unicodeCodePoints"


def test_each_result_stands_on_its_own_line(report: Report, rules: dict[str, Rule]) -> None:
    lines = [line for line in "".join(sarif.render(report, rules, Style())).splitlines() if '"ruleIndex"' in line]
    assert [json.loads(line.rstrip(",]"))["ruleId"] for line in lines] == [
        *("acme-token", "acme-token", "generic-password", "acme-token", "generic-password")
    ]


def test_empty_report(report: Report) -> None:
    empty = Report(tool=report.tool, targets=(), findings=(), stats=report.stats)
    assert run(empty, {})["results"] == []


@pytest.mark.parametrize(
    ("path", "artifact"),
    [
        ("src/a.py", {"uri": "src/a.py", "uriBaseId": "%SRCROOT%"}),
        ("./a b#c?d%[é].py", {"uri": "a%20b%23c%3Fd%25%5B%C3%A9%5D.py", "uriBaseId": "%SRCROOT%"}),
        ("a:b.py", {"uri": "a%3Ab.py", "uriBaseId": "%SRCROOT%"}),
        ("/etc/x y", {"uri": "file:///etc/x%20y"}),
        ("C:\\src\\a b.py", {"uri": "file:///C:/src/a%20b.py"}),
        ("../a.py", {"uri": "../a.py"}),
        ("a\udc80", {"uri": "a%5Cudc80", "uriBaseId": "%SRCROOT%"}),
    ],
)
def test_uri(path: str, artifact: dict[str, str], report: Report, rules: dict[str, Rule]) -> None:
    place = Place(path, (Link("file", path),), line=1)
    only = run(replace(report, findings=(replace(report.findings[0], place=place),)), rules)
    assert only["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"] == artifact


def test_standard_input_is_no_file_of_the_source_tree(report: Report, rules: dict[str, Rule]) -> None:
    place = Place("<stdin>", (Link("stdin", "<stdin>"),), line=1)
    only = run(replace(report, findings=(replace(report.findings[0], place=place),)), rules)
    assert only["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": "%3Cstdin%3E"}


@pytest.mark.parametrize(
    ("severity", "level", "score"),
    [
        (Severity.CRITICAL, "error", "9.5"),
        (Severity.HIGH, "error", "8.0"),
        (Severity.MEDIUM, "warning", "5.5"),
        (Severity.LOW, "note", "3.0"),
        (Severity.INFO, "note", "0.0"),
    ],
)
def test_severity(severity: Severity, level: str, score: str, report: Report, rules: dict[str, Rule]) -> None:
    finding = replace(report.findings[0], severity=severity)
    only = run(replace(report, findings=(finding,), ignored=(), suppressed=()), rules)
    (rule,) = only["tool"]["driver"]["rules"]
    assert (only["results"][0]["level"], rule["properties"]["security-severity"]) == (level, score)


def test_a_rule_is_as_bad_and_as_sure_as_its_worst_finding(report: Report, rules: dict[str, Rule]) -> None:
    low = replace(report.findings[0], severity=Severity.LOW, confidence=Confidence.CERTAIN)
    high = replace(report.findings[0], severity=Severity.HIGH, confidence=Confidence.TENTATIVE)
    only = run(replace(report, findings=(low, high), ignored=(), suppressed=()), rules)
    (rule,) = only["tool"]["driver"]["rules"]
    assert rule["properties"]["security-severity"] == "8.0"
    assert rule["properties"]["precision"] == "medium"
    assert [result["level"] for result in only["results"]] == ["note", "error"]


def test_a_finding_without_a_rule_speaks_for_itself(report: Report) -> None:
    finding = replace(report.findings[0], kind=Kind.HYGIENE, secret=None, references=())
    (rule,) = run(replace(report, findings=(finding,), ignored=(), suppressed=()), {})["tool"]["driver"]["rules"]
    assert rule["fullDescription"] == {"text": "Acme token (classic)"}
    assert rule["properties"]["tags"] == ["security", "hygiene"]
    assert "helpUri" not in rule


def test_messages_hold_no_placeholder_and_no_link(report: Report, rules: dict[str, Rule]) -> None:
    finding = replace(report.findings[0], evidence=(Evidence("name", "{0} {name} [a](b) \n\x1b"),))
    only = run(replace(report, findings=(finding,)), rules)
    assert "(name: {{0}} {name} [a] (b) \\n\\x1b)" in only["results"][0]["message"]["text"]


def test_what_is_cut_is_told(monkeypatch: pytest.MonkeyPatch, report: Report, rules: dict[str, Rule]) -> None:
    monkeypatch.setattr(sarif, "MAX_RESULTS", 4)
    monkeypatch.setattr(sarif, "MAX_PLACES", 3)
    monkeypatch.setattr(sarif, "MAX_GAPS", 1)
    only = run(report, rules)
    assert len(only["results"]) == 4
    assert not any(result["suppressions"] == [{"kind": "external"}] for result in only["results"][3:])
    assert len(only["results"][1]["relatedLocations"]) == 2
    assert [note["message"]["text"] for note in notifications(report, rules)] == snapshot(
        [
            "1 further finding left out: a run may have 4 results. The output format json has them all.",
            "5 further places left out: a result may have 3 locations. The output format json has them all.",
            "2 further gaps left out: only 1 are listed. The output format json has them all.",
            "secret/b.zip was not (fully) looked into: unreadable (Permission denied).",
        ]
    )


def test_limits_are_those_of_github(report: Report, rules: dict[str, Rule]) -> None:
    finding = replace(report.findings[1], also_at=report.findings[1].also_at * 200)
    gaps = tuple(Gap(str(number), Reason.UNSUPPORTED) for number in range(10_001))
    many = replace(report, findings=(finding,) + (replace(finding, also_at=()),) * 25_000, gaps=gaps)
    document = json.loads("".join(sarif.render(many, rules, Style())))
    (only,) = document["runs"]
    assert len(only["results"]) == 25_000
    assert len(only["results"][0]["relatedLocations"]) + 1 == 1_000
    assert len(only["invocations"][0]["toolExecutionNotifications"]) == 10_003


def test_interrupted(report: Report, rules: dict[str, Rule]) -> None:
    (invocation,) = run(replace(report, interrupted=True, gaps=()), rules)["invocations"]
    assert invocation == snapshot(
        {
            "executionSuccessful": False,
            "toolExecutionNotifications": [
                {
                    "descriptor": {"id": "interrupted"},
                    "level": "error",
                    "message": {"text": "Interrupted: this is what was found until then."},
                }
            ],
        }
    )
