"""Equal findings become one with many places, and all stand in an order that does not depend on who came first."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from pitviper.model.finding import Audience, Finding
from pitviper.model.place import Place


def group(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """One finding for each `id`, worst first, then by place; further places in `also_at`."""
    same: dict[str, list[Finding]] = {}
    for finding in findings:
        same.setdefault(finding.id, []).append(finding)
    return tuple(sorted(map(_join, same.values()), key=_order))


def _join(findings: list[Finding]) -> Finding:
    """The one that everyone sees, else the worst, else the first by place, with the places of the others."""
    findings.sort(key=lambda finding: (_for_auditors(finding), _order(finding)))
    first = findings[0]
    places = {_where(finding.place): finding.place for finding in reversed(findings)}
    del places[_where(first.place)]
    return replace(first, also_at=tuple(reversed(places.values())))


def _order(finding: Finding) -> tuple[object, ...]:
    return finding.severity.rank, _for_auditors(finding), finding.confidence.rank, *_where(finding.place), finding.id


def _for_auditors(finding: Finding) -> bool:
    return finding.audience is Audience.AUDITOR


def _where(place: Place) -> tuple[object, ...]:
    """What is there today comes first, then the oldest commit, then what lies among git's own files."""
    date = _date(place)
    return (
        ".git/objects/" in place.path,
        date,
        bool(place.removed_in and not date),
        place.path,
        place.line or 0,
        place.column or 0,
        place.offset or 0,
    )


def _date(place: Place) -> str:
    return next((link.date or "" for link in place.chain if link.kind == "commit"), "")
