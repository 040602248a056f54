# ruff: noqa: E501 - a snapshot shows lines as they are
from __future__ import annotations

import json
import os

import jsonschema
import msgspec
from inline_snapshot import snapshot
from msgspec.structs import replace

from pitviper.model.finding import Secret
from pitviper.model.report import Report, Stats, Tool
from pitviper.output import OUTPUTS, json_v1
from pitviper.output.interface import Style

PUBLISHED = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "report-1.schema.json")


def render(name: str, report: Report) -> str:
    return "".join(OUTPUTS[name](report, {}, Style()))


def test_json_has_the_shape_of_the_report_type(report: Report) -> None:
    clean = replace(report, targets=(".",), findings=report.findings[:2], ignored=(), gaps=report.gaps[:2])
    assert render("json", clean) == msgspec.json.format(msgspec.json.encode(clean), indent=2).decode() + "\n"


def test_json_keeps_the_order_of_the_published_format(report: Report) -> None:
    document = json.loads(render("json", report))
    assert list(document) == snapshot(
        ["schema", "tool", "targets", "findings", "verdicts", "ignored", "suppressed", "gaps", "stats", "interrupted"]
    )
    assert list(document["tool"]) == snapshot(["name", "version", "rules"])
    assert list(document["findings"][0]) == snapshot(
        [
            "id",
            "kind",
            "rule",
            "title",
            "severity",
            "confidence",
            "audience",
            "place",
            "secret",
            "evidence",
            "remedy",
            "references",
            "also_at",
        ]
    )
    assert document["findings"][0]["place"] == snapshot(
        {
            "path": "app.tar!/layer:4!/app/a.pyc",
            "chain": [
                {"kind": "image", "name": "app.tar"},
                {"kind": "layer", "name": "4"},
                {"kind": "file", "name": "/app/a.pyc"},
                {"kind": "code", "name": "fetch"},
            ],
            "line": 57,
            "column": None,
            "offset": 1234,
            "removed_in": "layer 6",
        }
    )
    assert document["findings"][0]["secret"] == snapshot({"redacted": "acme_Ab…9Z", "length": 40, "value": None})
    assert document["ignored"][0]["finding"]["rule"] == "acme-token"
    assert document["gaps"][0] == snapshot(
        {"path": "secret/b.zip", "reason": "unreadable", "detail": "Permission denied"}
    )


def test_json_survives_hostile_text(report: Report) -> None:
    document = json.loads(render("json", report))
    assert document["targets"] == [".", "\\xff"]
    assert document["findings"][2]["evidence"][0]["text"] == snapshot("""\
\x1b[2J\x9b2J\u202etxt.exe\u2066 \\x80\\ud800\r
=cmd|' /C calc'!A0 `tick` | <img src=x onerror=alert(1)> [click](javascript:alert(1)) ![pic](//x.test/p) @everyone #1 www.x.test http://x.test {0} $`x`$ \\| </code>\
""")


def test_json_reads_back_as_the_same_report(report: Report) -> None:
    clean = replace(report, targets=(".",), findings=report.findings[:2], ignored=(), gaps=())
    assert msgspec.json.decode(render("json", clean), type=Report) == clean


def test_json_of_an_empty_report() -> None:
    empty = Report(tool=Tool(version="1", rules="r"), targets=(), findings=(), stats=Stats())
    assert render("json", empty) == snapshot("""\
{
  "schema": "pitviper.report/1",
  "tool": {
    "name": "pitviper",
    "version": "1",
    "rules": "r"
  },
  "targets": [],
  "findings": [],
  "verdicts": [],
  "ignored": [],
  "suppressed": [],
  "gaps": [],
  "stats": {
    "artifacts": 0,
    "blobs": 0,
    "bytes": 0,
    "expanded_bytes": 0,
    "seconds": 0.0,
    "skipped": 0,
    "hidden": {
      "auditor": 0,
      "severity": 0,
      "kind": 0
    }
  },
  "interrupted": false
}
""")


def test_json_is_valid_by_its_schema(report: Report) -> None:
    validator = jsonschema.Draft202012Validator(json_v1.schema())
    validator.check_schema(json_v1.schema())
    document = json.loads(render("json", report))
    validator.validate(document)
    assert not validator.is_valid({**document, "schema": "pitviper.report/2"})
    del document["findings"][0]["place"]["removed_in"]
    assert not validator.is_valid(document)


def test_published_schema_is_up_to_date() -> None:
    with open(PUBLISHED, encoding="utf-8") as file:
        assert file.read() == json.dumps(json_v1.schema(), indent=2) + "\n", "write it again from json_v1.schema()"


def test_jsonl_has_an_object_on_each_line(report: Report) -> None:
    lines = render("jsonl", report).splitlines()
    objects = [json.loads(line) for line in lines]
    assert all(line.startswith('{"type":"') for line in lines)
    assert [each["type"] for each in objects] == snapshot(
        ["scan", "finding", "finding", "finding", "ignored", "suppressed", "gap", "gap", "gap", "stats"]
    )
    assert objects[0] == snapshot(
        {
            "type": "scan",
            "schema": "pitviper.report/1",
            "tool": {"name": "pitviper", "version": "1.2.3", "rules": "0123456789abcdef"},
            "targets": [".", "\\xff"],
        }
    )
    assert objects[-1] == snapshot(
        {
            "type": "stats",
            "artifacts": 1,
            "blobs": 1234,
            "bytes": 56700000,
            "expanded_bytes": 0,
            "seconds": 0.42,
            "skipped": 7,
            "hidden": {"auditor": 12, "severity": 2, "kind": 1},
            "interrupted": False,
        }
    )
    document = json.loads(render("json", report))
    assert [{**each, "type": "finding"} for each in document["findings"]] == objects[1:4]
    assert {**document["ignored"][0], "type": "ignored"} == objects[4]
    assert {**document["gaps"][0], "type": "gap"} == objects[6]


def test_value_of_a_secret_stands_where_the_user_asked_for_it(report: Report) -> None:
    shown = replace(report.findings[1], secret=Secret("…", 8, "hunter-2"))
    for name in ("json", "jsonl", "csv", "text"):
        assert "hunter-2" in render(name, replace(report, findings=(shown,)))
    for name in ("sarif", "markdown"):  # these are uploaded
        assert "hunter-2" not in render(name, replace(report, findings=(shown,)))
