from __future__ import annotations

from pitviper.model.finding import Confidence, Secret, Severity
from pitviper.model.gap import Gap, Reason


def test_the_worst_and_surest_come_first() -> None:
    assert [severity.rank for severity in Severity] == [0, 1, 2, 3, 4]
    assert min(Severity, key=lambda severity: severity.rank) is Severity.CRITICAL
    assert [confidence.rank for confidence in Confidence] == [0, 1, 2]
    assert min(Confidence, key=lambda confidence: confidence.rank) is Confidence.CERTAIN


def test_the_repr_of_a_secret_does_not_show_it() -> None:
    secret = Secret("abc…z", 40, value="hunter2" * 5)
    assert repr(secret) == "Secret(redacted='abc…z', length=40)"
    assert "hunter2" not in f"{secret} {secret!r} {[secret]}"


def test_gaps_sort_by_place() -> None:
    gaps = [
        Gap("b", Reason.FAILED),
        Gap("a", Reason.VANISHED, "x"),
        Gap("a", Reason.CHANGED),
        Gap("a", Reason.VANISHED),
    ]
    assert [(gap.path, gap.reason, gap.detail) for gap in sorted(gaps)] == [
        ("a", "changed", ""),
        ("a", "vanished", ""),
        ("a", "vanished", "x"),
        ("b", "failed", ""),
    ]
