"""One report for all outputs, in which every string that may be hostile is."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from pitviper.model.finding import Audience, Confidence, Evidence, Finding, Secret, Severity
from pitviper.model.gap import Gap, Reason
from pitviper.model.place import Link, Place
from pitviper.model.report import Hidden, Ignored, Report, Stats, Tool
from pitviper.rules.schema import Rule

HOSTILE = (
    "\x1b[2J\x9b2J\u202etxt.exe\u2066 \udc80\ud800\r\n=cmd|' /C calc'!A0 `tick` | <img src=x onerror=alert(1)> "
    "[click](javascript:alert(1)) ![pic](//x.test/p) @everyone #1 www.x.test http://x.test {0} $`x`$ \\| </code>"
)


def in_tree(path: str, line: int | None = None, column: int | None = None, offset: int | None = None) -> Place:
    return Place(path, (Link("tree", "."), Link("file", path)), line, column, offset)


def finding(rule: Rule, place: Place, redacted: str, *evidence: Evidence, also_at: tuple[Place, ...] = ()) -> Finding:
    return Finding(
        id=f"id-{rule.id}-{redacted.encode('ascii', 'ignore').decode()}",
        kind=rule.kind,
        rule=rule.id,
        title=rule.name,
        severity=rule.severity,
        confidence=rule.confidence,
        audience=Audience.EVERYONE,
        place=place,
        secret=Secret(redacted, 40),
        evidence=evidence,
        remedy=rule.remedy,
        references=rule.references,
        also_at=also_at,
    )


@pytest.fixture
def rules() -> dict[str, Rule]:
    acme = Rule(
        id="acme-token",
        name="Acme token (classic)",
        pattern="x",
        max_len=1,
        severity=Severity.CRITICAL,
        confidence=Confidence.CERTAIN,
        description="Acts as its owner at Acme, with every scope that it was given.",
        remedy="Revoke it under Settings, Tokens, then exclude **/__pycache__ and *.pyc in .dockerignore.",
        examples=(),
        counter_examples=(),
        references=("https://docs.example.com/acme#revoke", "javascript:alert(1)"),
    )
    password = replace(
        acme,
        id="generic-password",
        name="Password",
        severity=Severity.MEDIUM,
        confidence=Confidence.TENTATIVE,
        description="Opens whatever it belongs to.",
        remedy="Move it out of the code, and change it.",
        references=("https://docs.example.com/password",),
    )
    return {acme.id: acme, password.id: password}


@pytest.fixture
def report(rules: dict[str, Rule]) -> Report:
    acme, password = rules.values()
    checksum = Evidence("checksum", "CRC32 matches")
    inner = (Link("image", "app.tar"), Link("layer", "4"), Link("file", "/app/a.pyc"), Link("code", "fetch"))
    image = Place("app.tar!/layer:4!/app/a.pyc", inner, line=57, offset=1234, removed_in="layer 6")
    copies = tuple(in_tree(f"tests/copy{number}.py", number, 5) for number in range(1, 8))
    binary = in_tree("data/key store.bin", offset=81234)
    return Report(
        tool=Tool(version="1.2.3", rules="0123456789abcdef"),
        targets=(".", "\udcff"),
        findings=(
            finding(acme, image, "acme_Ab…9Z", checksum, Evidence("stale", "the source beside it has no such value")),
            finding(acme, in_tree("src/größe.py", 3, 18), "acme_Xy…0q", checksum, also_at=copies),
            finding(password, binary, "…", Evidence("name", HOSTILE)),
        ),
        ignored=(Ignored(finding(acme, in_tree("tests/fake.py", 1, 1), "acme_00…00", checksum), HOSTILE),),
        suppressed=(finding(password, in_tree("-old.py", 9, 9), "…"),),
        gaps=(
            Gap("secret/b.zip", Reason.UNREADABLE, "Permission denied"),
            Gap("secret/a.zip", Reason.UNREADABLE, "Permission denied"),
            Gap("x.tar!/y", Reason.FAILED, HOSTILE),
        ),
        stats=Stats(1, 1234, 56_700_000, 0, 0.42, 7, Hidden(auditor=12, severity=2, kind=1)),
    )
