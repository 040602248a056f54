"""The words that the outputs for people share: numbers, places, and the sums at the end."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from pitviper.model.finding import Finding, Severity
from pitviper.model.place import Link, Place, escape
from pitviper.model.report import Report
from pitviper.output.interface import Style

_FILES = frozenset({"tree", "file", "stdin"})
"""Links that do not lead into a file."""
_PLAIN = frozenset(
    {"canary", "checksum", "compiler", "count", "difference", "expiry", "header", "kind", "orphan", "place"}
    | {"protection", "shipped"}
)
"""Names of evidence whose text says all: "CRC32 matches" needs no "checksum" in front, a number needs its "account"."""

_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_COMMIT = 12
_STEP = 48
"""Characters of a step of a Dockerfile that are shown."""
"""Digits of a commit that are shown."""

_THREE_DIGITS = 999.5
"""From here on a number rounds to four digits."""
_MINUTE = 60
_SHORT = 0.1
"""Seconds below which milliseconds say more."""
_WORTH_A_SPEED = 1_000_000
"""Bytes below which a speed would only measure the start-up."""


def inside(place: Place) -> bool:
    """Whether `place` lies in something that had to be opened: an archive, a layer, a commit, a code object."""
    owner = _owner(place)
    return any(link.kind not in _FILES for link in place.chain if link is not owner)


def _owner(place: Place) -> Link | None:
    """The installed distribution that a file on disk belongs to: it stands in the chain, and not in the path."""
    if len(place.chain) < 3 or place.chain[1].kind != "distribution":  # noqa: PLR2004 - tree, distribution, file
        return None
    _, link, file, *_ = place.chain
    return link if link.name == link.project and outermost(place.path).endswith(file.name) else None


def outermost(path: str) -> str:
    """The file on disk of a path that leads into it."""
    return path.partition("!/")[0]


def steps(place: Place, *, removal: bool = True) -> list[str]:
    """The way to `place`, a step for each link; the last has the position, as `line:column` where it has one.

    Without `removal`, it is not said where it was removed.
    """
    owner = _owner(place)
    if inside(place):
        chain = [link for link in place.chain if link is not owner]
        links = chain[2:] if chain[0].kind == "tree" and chain[1].kind != "commit" else chain[1:]
        file = place.chain[len(place.chain) - len(links) - 1]
        way = [escape(outermost(place.path)) + ("" if owner else _of(file)), *map(_step, links)]
    else:
        way = [escape(place.path)]
    way[-1] += _position(place) + (f" ({removed(place)})" if removal and place.removed_in else "")
    if owner:
        way[0] += f" (of {' '.join(filter(None, (escape(owner.name), escape(owner.version or ''))))})"
    return way


def removed(place: Place) -> str:
    """`removed in layer 5`, or in a commit by its short name; "" if it is still there."""
    name = place.removed_in
    if not name:
        return ""
    if name.isdecimal() and _in_layer(place):
        name = f"layer {name}"
    return f"removed in {escape(name[:_COMMIT] if _ID.fullmatch(name) else name)}"


def still_there(place: Place) -> str:
    """Where it was removed, and that this helps nobody who has the image; "" if it is in no image, or not removed."""
    return f"{removed(place)}, still in the image" if place.removed_in and _in_layer(place) else ""


def _in_layer(place: Place) -> bool:
    return any(link.kind == "layer" for link in place.chain)


def _step(link: Link) -> str:
    name = escape(link.name)
    if link.kind == "commit" and link.author:
        return escape(f"commit {link.name} by {link.author}{f', {link.date[:10]}' if link.date else ''}")
    if link.kind in ("layer", "step", "commit"):
        return f"{link.kind} {name}" + (f' "{_short(escape(link.created_by))}"' if link.created_by else "")
    return f"{name}()" if link.kind == "code" and name.isidentifier() else name + _of(link)


def _of(link: Link) -> str:
    """The distribution that `link` is, if its name does not say so: ` (shop 1.0)`."""
    version = link.version or ""
    if link.kind != "distribution" or not link.project or (version and version in link.name):
        return ""
    return f" ({' '.join(filter(None, (escape(link.project), escape(version))))})"


def _short(step: str) -> str:
    """A step of a Dockerfile, which may be a whole script, as far as it is needed to find it."""
    return step if len(step) <= _STEP else f"{step[: _STEP - 3].rstrip()}..."


def _position(place: Place) -> str:
    if place.line is not None and place.chain and place.chain[-1].kind == "code":
        return f", line {place.line}"
    line = "" if place.line is None else f":{place.line}"
    if place.line is not None and place.column is not None:
        return f"{line}:{place.column}"
    return line if place.offset is None else f"{line} at byte {place.offset:,}"


def reasons(finding: Finding) -> list[str]:
    """The evidence as phrases: with its name where the text alone says little, and without the secret itself."""
    redacted = finding.secret.redacted if finding.secret else ""
    phrases = []
    for reason in finding.evidence:
        text = reason.text.strip()
        text = "" if text == redacted else text.removesuffix(f" {redacted}") if redacted else text
        if text:
            phrases.append(text if reason.name in _PLAIN or not reason.name else f"{reason.name}: {text}")
    return phrases


def count(number: int, noun: str) -> str:
    """`1 gap`, `1,234 gaps`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def size(number: float) -> str:
    """A number of bytes in powers of 1000, with three digits: `56.7 MB`."""
    units = iter(("kB", "MB", "GB", "TB", "PB"))
    unit = ""
    while number >= _THREE_DIGITS and (larger := next(units, "")):
        number, unit = number / 1000, larger
    return f"{number:.3g} {unit}" if unit else count(round(number), "byte")


def duration(seconds: float) -> str:
    """`4 ms`, `0.42 s`, `12.3 s`, `3 min 20 s`."""
    if round(seconds, 1) >= _MINUTE:
        minutes, rest = divmod(round(seconds), _MINUTE)
        return f"{minutes:,} min {rest} s"
    return f"{seconds:.3g} s" if seconds >= _SHORT else f"{seconds * 1000:.0f} ms"


def by_severity(findings: Iterable[Finding]) -> list[tuple[Severity, int]]:
    """How many there are of each severity, worst first, without the zeros."""
    counts = Counter(finding.severity for finding in findings)
    return [(severity, counts[severity]) for severity in Severity if counts[severity]]


def found(report: Report) -> str:
    """`3 findings (2 critical, 1 medium)`, or that there are none."""
    if not report.findings:
        return "nothing found"
    counts = ", ".join(f"{number:,} {severity}" for severity, number in by_severity(report.findings))
    return f"{count(len(report.findings), 'finding')} ({counts})"


def asides(report: Report) -> list[str]:
    """What the scan did not put before the reader, in a few words each; nothing of it may vanish."""
    hidden = report.stats.hidden
    numbers = [
        (len(report.ignored), "{} ignored in place"),
        (len(report.suppressed), "{} in the baseline"),
        (hidden.auditor, "{} more for auditors (--auditor)"),
        (hidden.severity, "{} below --min-severity"),
        (hidden.kind, "{} of other kinds (--only)"),
        (report.stats.skipped, "{} left out by --gitignore"),
    ]
    said = [text.format(f"{number:,}") for number, text in numbers if number]
    return [*said, count(len(report.gaps), "gap")] if report.gaps else said


def looked(report: Report) -> str:
    """How much was looked into, how long it took, and how fast that was."""
    stats = report.stats
    text = f"looked into {count(stats.blobs, 'file')}, {size(stats.bytes)}"
    if stats.expanded_bytes:
        text += f" ({size(stats.expanded_bytes)} expanded)"
    text += f" in {duration(stats.seconds)}"
    if stats.bytes >= _WORTH_A_SPEED and stats.seconds > 0:
        text += f" ({size(stats.bytes / stats.seconds)}/s)"
    return text


def dot(style: Style) -> str:
    """What stands between two remarks."""
    return " · " if style.unicode else " - "


def arrow(style: Style) -> str:
    """What stands between two steps of a way."""
    return " ▸ " if style.unicode else " > "
