from __future__ import annotations

import random
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pitviper.findings.group import group
from pitviper.model.finding import Audience, Confidence, Finding, Kind, Severity
from pitviper.model.place import Link, Place

Found = Callable[..., Finding]

places = st.builds(
    lambda path, line, column: Place(path, (Link("file", path),), line, column),
    st.sampled_from("abc"),
    st.none() | st.integers(1, 3),
    st.none() | st.integers(1, 3),
)
findings = st.builds(
    Finding,
    id=st.sampled_from("12345"),
    kind=st.just(Kind.SECRET),
    rule=st.just("acme-token"),
    title=st.just("Acme token"),
    severity=st.sampled_from(Severity),
    confidence=st.sampled_from(Confidence),
    audience=st.sampled_from(Audience),
    place=places,
    secret=st.none(),
)


def test_nothing() -> None:
    assert group([]) == ()


def test_equal_ones_become_one(found: Found) -> None:
    one, other = found("secret", "b.py", 3), found("secret", "a.py", 7)
    (joined,) = group([one, other])
    assert joined == replace(other, also_at=(one.place,))


def test_same_place_twice_is_told_once(found: Found) -> None:
    (joined,) = group([found("secret")] * 3)
    assert joined.also_at == ()


def test_further_places_come_in_order(found: Found) -> None:
    (joined,) = group([found("secret", "b.py", 10), found("secret", "b.py", 9), found("secret", "a.py", 20)])
    assert [(place.path, place.line) for place in (joined.place, *joined.also_at)] == [
        ("a.py", 20),
        ("b.py", 9),
        ("b.py", 10),
    ]


def test_worst_first(found: Found) -> None:
    ordered = [
        found("1", "z.py", severity=Severity.CRITICAL),
        found("2", "y.py", severity=Severity.HIGH, confidence=Confidence.CERTAIN),
        found("3", "a.py", severity=Severity.HIGH),
        found("4", "b.py", severity=Severity.HIGH),
        found("5", "a.py", severity=Severity.HIGH, confidence=Confidence.TENTATIVE),
        found("6", "a.py", severity=Severity.HIGH, audience=Audience.AUDITOR, confidence=Confidence.CERTAIN),
        found("7", "a.py", severity=Severity.INFO, confidence=Confidence.CERTAIN),
    ]
    assert list(group(reversed(ordered))) == ordered


def test_what_everyone_sees_stands_for_what_auditors_see(found: Found) -> None:
    """A token in the tests and in the source is one for everyone, at the place that counts."""
    in_tests = found("secret", "a/test_app.py", audience=Audience.AUDITOR, severity=Severity.CRITICAL)
    in_source = found("secret", "src/app.py", severity=Severity.HIGH)
    (joined,) = group([in_tests, in_source])
    assert joined == replace(in_source, also_at=(in_tests.place,))


@given(st.lists(findings, max_size=12), st.randoms(use_true_random=False))
def test_order_of_discovery_does_not_matter(some: list[Finding], chance: random.Random) -> None:
    shuffled = list(some)
    chance.shuffle(shuffled)
    assert group(shuffled) == group(some)


@given(st.lists(findings, max_size=12))
def test_no_place_is_lost(some: list[Finding]) -> None:
    grouped = group(some)
    assert {(finding.id, finding.place) for finding in some} == {
        (finding.id, place) for finding in grouped for place in (finding.place, *finding.also_at)
    }
    assert len({finding.id for finding in grouped}) == len(grouped)
