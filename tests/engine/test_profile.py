from __future__ import annotations

from collections.abc import Callable

from pitviper.engine.matcher import Matcher
from pitviper.engine.profile import Profile
from pitviper.model.blob import Memory, Span
from pitviper.rules.schema import Rule, RuleSet


def test_counts_and_changes_nothing(rule: Callable[..., Rule], rule_set: Callable[..., RuleSet]) -> None:
    rules = rule_set(
        rule("exact", "tok_[0-9]{4}", anchors=["tok_"]),
        rule("lead", "[a-z]{1,4}KEY[0-9]", anchors=["KEY"], lead=4),
        rule("never", "never", anchors=["never seen"]),
    )
    data = bytearray(b"tok_1234 tok_123 tok_12345 abKEY1 KEY1")
    span = Span(Memory("a"), 0, len(data), 0, len(data))
    profile = Profile()
    found = []
    for matcher in (Matcher(rules), Matcher(rules, profile.make)):
        ((_, hits),) = matcher.hits(data, len(data), [span])
        found.append([(match.rule.id, match.start) for match in matcher.look(data, span, hits).matches])
    assert found == [[("exact", 0), ("lead", 27)]] * 2
    counted = {cost.rule: (cost.hits, cost.candidates, cost.matches) for cost in profile.costs}
    assert counted == {"exact": (3, 2, 1), "lead": (2, 1, 1)}
    assert all(cost.seconds > 0 for cost in profile.costs)
