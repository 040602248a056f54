"""`-o sarif`: SARIF 2.1.0 (OASIS), within what GitHub code scanning accepts.

GitHub rejects a file with a result that has no physical location or no start line, so every place has both: the
outermost file, and line 1 where there is no line in that file. The way further in is a logical location. Results that
somebody accepted carry `suppressions`. The secret stands here only in its redacted form: these files are uploaded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from pitviper.model.finding import Confidence, Finding, Kind, Severity
from pitviper.model.gap import Gap, Reason
from pitviper.model.place import Place, escape
from pitviper.model.report import Report
from pitviper.output import _words as words
from pitviper.output._json import encode
from pitviper.output._markdown import is_link, link, sentence
from pitviper.output.interface import Style
from pitviper.rules.schema import Rule

SCHEMA_URI = "https://json.schemastore.org/sarif-2.1.0.json"

MAX_RESULTS = 25_000
MAX_PLACES = 1_000
"""Results a run and locations a result, beyond which GitHub rejects the file (docs.github.com, "SARIF results exceed
one or more limits"). It shows 5,000 and 100 of them."""
MAX_GAPS = 10_000
"""Gaps that become notifications: GitHub rejects files of more than 10 MB, compressed."""

_LEVEL = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
_SCORE = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "3.0",
    Severity.INFO: "0.0",
}
"""`security-severity`, within GitHub's classes: critical from 9.0, high from 7.0, medium from 4.0, low above 0."""
_PRECISION = {Confidence.CERTAIN: "very-high", Confidence.FIRM: "high", Confidence.TENTATIVE: "medium"}
_TAGS = {Kind.SECRET: ("security", "secret", "external/cwe/cwe-798")}
"""CWE-798: use of hard-coded credentials. GitHub reads `security-severity` only of rules tagged `security`."""
_SOURCE_ROOT = "%SRCROOT%"
_PLACEHOLDER = re.compile(r"\{(\d+)\}")
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


def render(report: Report, rules: Mapping[str, Rule], style: Style) -> Iterator[str]:
    """The log with one run; each result stands on a line of its own."""
    accepted = [(ignored.finding, _in_source(ignored.reason)) for ignored in report.ignored]
    accepted += [(finding, {"kind": "external"}) for finding in report.suppressed]
    judged = [*((finding, None) for finding in report.findings), *accepted]
    shown = judged[:MAX_RESULTS]
    worst = _worst_by_rule(finding for finding, _ in shown)
    log = {
        "$schema": SCHEMA_URI,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": _driver(report, worst, rules)},
                "invocations": [_invocation(report, judged)],
                "originalUriBaseIds": {_SOURCE_ROOT: {"description": {"text": "The folder that the scan ran in."}}},
                "columnKind": "unicodeCodePoints",
                "results": [],
            }
        ],
    }
    head, results, tail = encode(log, unicode=style.unicode, indent=2).rpartition('"results": [')
    yield head + results
    index = {rule: number for number, rule in enumerate(worst)}
    separator = "\n"
    for finding, suppression in shown:
        result = _result(finding, suppression, index[finding.rule])
        yield f"{separator}        {encode(result, unicode=style.unicode)}"
        separator = ",\n"
    yield f"{tail}\n"


def _worst_by_rule(findings: Iterable[Finding]) -> dict[str, Finding]:
    """A finding of each rule, the one that matters most: it stands for the rule, sorted by id."""
    worst: dict[str, Finding] = {}
    for finding in findings:
        known = worst.get(finding.rule)
        if known is None or _weight(finding) < _weight(known):
            worst[finding.rule] = finding
    return dict(sorted(worst.items()))


def _weight(finding: Finding) -> tuple[int, int]:
    return finding.severity.rank, finding.confidence.rank


def _driver(report: Report, worst: Mapping[str, Finding], rules: Mapping[str, Rule]) -> dict[str, Any]:
    return {
        "name": "Pitviper",
        "version": report.tool.version,
        "rules": [_rule(finding, rules.get(name)) for name, finding in worst.items()],
        "notifications": [_notification_descriptor(reason) for reason in [*Reason, _CUT, _INTERRUPTED]],
        "properties": {"rules": report.tool.rules},
    }


def _rule(finding: Finding, rule: Rule | None) -> dict[str, Any]:
    description = (rule and rule.description) or finding.title
    paragraphs = [description, finding.remedy]
    links = [reference for reference in finding.references if is_link(reference)]
    descriptor = {
        "id": finding.rule,
        "shortDescription": {"text": _message(finding.title)},
        "fullDescription": {"text": _message(description)},
        "help": {
            "text": "\n\n".join(map(_message, filter(None, [*paragraphs, *links]))),
            "markdown": "\n\n".join(filter(None, [*map(sentence, paragraphs), *map(link, links)])),
        },
        "defaultConfiguration": {"level": _LEVEL[finding.severity]},
        "properties": {
            "tags": [*_TAGS.get(finding.kind, ("security", str(finding.kind)))],
            "precision": _PRECISION[finding.confidence],
            "security-severity": _SCORE[finding.severity],
        },
    }
    return {**descriptor, "helpUri": links[0]} if links else descriptor


def _result(finding: Finding, suppression: dict[str, str] | None, rule_index: int) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": rule_index,
        "level": _LEVEL[finding.severity],
        "message": {"text": _explain(finding)},
        "locations": [_location(finding.place)],
        "partialFingerprints": {"pitviperFingerprint/v1": finding.id},
        "properties": {
            "kind": finding.kind,
            "severity": finding.severity,
            "confidence": finding.confidence,
            "audience": finding.audience,
        },
    }
    if finding.also_at:
        result["relatedLocations"] = [
            {"id": number, "message": {"text": "It is also here."}, **_location(place)}
            for number, place in enumerate(finding.also_at[: MAX_PLACES - 1], start=1)
        ]
    if suppression:
        result["suppressions"] = [suppression]
    return result


def _in_source(reason: str) -> dict[str, str]:
    suppression = {"kind": "inSource"}
    return {**suppression, "justification": escape(reason)} if reason else suppression


def _explain(finding: Finding) -> str:
    """What and why; the first sentence is all that GitHub shows in lists."""
    what = f"{finding.title}: {finding.secret.redacted}" if finding.secret else finding.title
    reasons = words.reasons(finding)
    why = f" ({'; '.join(reasons)})" if reasons else ""
    where = f" It is in {' ▸ '.join(words.steps(finding.place))}." if words.inside(finding.place) else ""
    return _message(f"{what}{why}.{where}")


def _message(text: str) -> str:
    """`text` as a SARIF message: nothing in it is a placeholder (`{0}`) or a link (`[text](target)`)."""
    return _PLACEHOLDER.sub(r"{{\1}}", escape(text)).replace("](", "] (")


def _location(place: Place) -> dict[str, Any]:
    artifact = _artifact(place.path, stream=bool(place.chain) and place.chain[0].kind == "stdin")
    if not words.inside(place):
        return {"physicalLocation": {"artifactLocation": artifact, "region": _region(place)}}
    artifact = _artifact(words.outermost(place.path))
    properties = {"line": place.line, "column": place.column, "offset": place.offset, "removedIn": place.removed_in}
    logical = {
        "name": words.steps(place)[-1],
        "fullyQualifiedName": place.path,
        "kind": "function" if place.chain[-1].kind == "code" else "resource",
    }
    return {
        "physicalLocation": {"artifactLocation": artifact, "region": {"startLine": 1}},
        "logicalLocations": [logical],
        "properties": {key: value for key, value in properties.items() if value is not None},
    }


def _region(place: Place) -> dict[str, int]:
    """The region in a file that needs no opening; a binary one has a byte offset besides the line that GitHub wants."""
    if place.line is None:
        return {"startLine": 1} if place.offset is None else {"startLine": 1, "byteOffset": place.offset}
    return {"startLine": place.line} if place.column is None else {"startLine": place.line, "startColumn": place.column}


def _artifact(path: str, *, stream: bool = False) -> dict[str, str]:
    """The URI of a file: relative to the folder that the scan ran in, if `path` is."""
    path = path.encode("utf-8", "backslashreplace").decode()
    if _DRIVE.match(path):
        return {"uri": "file:///" + quote(path.replace("\\", "/"), safe="/:")}
    if path.startswith("/"):
        return {"uri": "file://" + quote(path)}
    uri = quote(path.removeprefix("./"))
    return {"uri": uri} if stream or uri.startswith("../") else {"uri": uri, "uriBaseId": _SOURCE_ROOT}


_CUT = "cut"
_INTERRUPTED = "interrupted"
_NOTIFICATIONS = {_CUT: "The report is longer than what is shown here.", _INTERRUPTED: "The scan was interrupted."}


def _notification_descriptor(name: str) -> dict[str, Any]:
    text = _NOTIFICATIONS.get(name, f"A place was not (fully) looked into: {name}.")
    return {"id": name, "shortDescription": {"text": text}}


def _invocation(report: Report, judged: list[tuple[Finding, Any]]) -> dict[str, Any]:
    notifications = [_notification(_INTERRUPTED, "error", "Interrupted: this is what was found until then.")]
    notifications = notifications if report.interrupted else []
    notifications += [_notification(_CUT, "warning", text) for text in _cuts(report, judged)]
    notifications += [_gap(gap) for gap in report.gaps[:MAX_GAPS]]
    return {"executionSuccessful": not report.interrupted, "toolExecutionNotifications": notifications}


def _cuts(report: Report, judged: list[tuple[Finding, Any]]) -> Iterator[str]:
    """What had to be left out, in sentences."""
    hint = "The output format json has them all."
    if (more := len(judged) - MAX_RESULTS) > 0:
        yield f"{words.count(more, 'further finding')} left out: a run may have {MAX_RESULTS:,} results. {hint}"
    places = [len(finding.also_at) + 1 - MAX_PLACES for finding, _ in judged[:MAX_RESULTS]]
    if (more := sum(number for number in places if number > 0)) > 0:
        yield f"{words.count(more, 'further place')} left out: a result may have {MAX_PLACES:,} locations. {hint}"
    if (more := len(report.gaps) - MAX_GAPS) > 0:
        yield f"{words.count(more, 'further gap')} left out: only {MAX_GAPS:,} are listed. {hint}"


def _gap(gap: Gap) -> dict[str, Any]:
    text = f"{gap.path} was not (fully) looked into: {gap.reason}{f' ({gap.detail})' if gap.detail else ''}."
    level = "error" if gap.reason is Reason.FAILED else "warning"
    location = {"physicalLocation": {"artifactLocation": _artifact(words.outermost(gap.path))}}
    return {**_notification(gap.reason, level, text), "locations": [location]}


def _notification(name: str, level: str, text: str) -> dict[str, Any]:
    return {"descriptor": {"id": name}, "level": level, "message": {"text": _message(text)}}
