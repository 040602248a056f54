from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitviper.engine.matcher import Confirmer, Match, Matcher, entropy
from pitviper.engine.profile import Profile
from pitviper.formats import FORMATS
from pitviper.formats.interface import Format, Proof, Verdict
from pitviper.model.blob import Memory, Span
from pitviper.model.finding import Evidence
from pitviper.rules.loading import load
from pitviper.rules.schema import Rule, RuleSet

Make = Callable[..., Rule]
MakeSet = Callable[..., RuleSet]


def spans(*blobs: bytes) -> tuple[bytearray, list[Span]]:
    """Blobs in one buffer, as a source packs them."""
    data = bytearray()
    found = []
    for number, blob in enumerate(blobs):
        start = len(data)
        data += blob + b"\n"
        end = start + len(blob)
        found.append(Span(Memory(f"{number}"), start, end, start, end))
    return data, found


def matches(matcher: Matcher, *blobs: bytes) -> list[tuple[str, Match]]:
    """(blob, match) of everything in `blobs`."""
    data, packed = spans(*blobs)
    return [
        (span.blob.path, match)
        for span, hits in matcher.hits(data, len(data), packed)
        for match in matcher.look(data, span, hits).matches
    ]


def secrets(matcher: Matcher, *blobs: bytes) -> list[tuple[str, bytes]]:
    return [(path, match.secret) for path, match in matches(matcher, *blobs)]


One = Callable[..., Matcher]


@pytest.fixture
def one(rule: Make, rule_set: MakeSet) -> One:
    """A function from the pattern and other fields of one rule to a matcher."""
    return lambda pattern, **fields: Matcher(rule_set(rule("a", pattern, **fields)))


class TestEntropy:
    @pytest.mark.parametrize(
        ("secret", "bits"),
        [(b"a", 0), (b"aaaa", 0), (b"ab", 1), (b"abab", 1), (b"aab", 0.9182958), (b"abcd", 2), (bytes(range(256)), 8)],
    )
    def test_bits(self, secret: bytes, bits: float) -> None:
        assert entropy(secret) == pytest.approx(bits)

    @given(st.binary(min_size=1, max_size=100))
    def test_bounds(self, secret: bytes) -> None:
        assert -1e-9 <= entropy(secret) <= 8
        assert entropy(secret) == pytest.approx(entropy(bytes(reversed(secret))))


class TestCandidates:
    """Rules over digits, so that a token ends where they do."""

    @pytest.mark.parametrize(
        ("pattern", "fields", "data", "wanted"),
        [
            ("tok_[0-9]{4}", {}, b"tok_1234", [b"tok_1234"]),
            ("tok_[0-9]{4}", {}, b"tok_123", []),
            ("tok_[0-9]{4}", {}, b"tok_12345", []),
            ("tok_[0-9]{4}", {}, b"xtok_1234", []),
            ("tok_[0-9]{4}", {}, b"tok_1234 tok_5678,tok_9012", [b"tok_1234", b"tok_5678", b"tok_9012"]),
            ("tok_[0-9]{4}", {"boundary": ""}, b"xtok_12345", [b"tok_1234"]),
            ("tok_[0-9]{4}", {"boundary": "", "max_len": 7}, b"tok_1234", []),
            # a real one begins inside a false one
            ("tok_[0-9a-z_]{8}", {}, b"tok_tok_12345678", []),
            ("tok_[0-9a-z_]{8}", {"boundary": "0-9"}, b"tok_tok_12345678", [b"tok_12345678"]),
            # an anchor inside a match is no match of its own
            ("tok_[0-9a-z_]{8}", {}, b"tok_tok_abcd", [b"tok_tok_abcd"]),
            ("tok_[0-9a-z_]{8}", {}, b"tok_tok_tok_", [b"tok_tok_tok_"]),
            # the anchor in the middle
            ("[a-z]{1,8}KEY[0-9]{4}", {"anchors": ["KEY"], "lead": 8}, b"abKEY1234", [b"abKEY1234"]),
            ("[a-z]{1,8}KEY[0-9]{4}", {"anchors": ["KEY"], "lead": 8}, b"KEY1234", []),
            ("[a-z]{1,8}KEY[0-9]{4}", {"anchors": ["KEY"], "lead": 8}, b"a KEY1 bKEY1234", [b"bKEY1234"]),
            (
                "[a-z]{1,8}KEY[0-9]{4}",
                {"anchors": ["KEY"], "lead": 8},
                b"aKEY1234-bKEY5678",
                [b"aKEY1234", b"bKEY5678"],
            ),
            ("[a-z]{9}KEY[0-9]{4}", {"anchors": ["KEY"], "lead": 8}, b"abcdefghiKEY1234", []),
            # the secret is a part of the match
            ("key=(?P<secret>[0-9]{4})", {"anchors": ["key="]}, b"monkey=1234", [b"1234"]),
            ("key=(?P<secret>[0-9]{4})", {"anchors": ["key="]}, b"key=12345", []),
            ("key=(?P<secret>[0-9]*)", {"anchors": ["key="]}, b"key=", []),
            (
                "(?i)key=(?P<secret>[0-9]{4})",
                {"anchors": ["key="], "anchors_ignore_case": True},
                b"KEY=1234",
                [b"1234"],
            ),
            # entropy
            ("tok_[0-9]{4}", {"min_entropy": 2.6}, b"tok_1111 tok_1234", [b"tok_1234"]),
            # two anchors on one match
            ("tok_[a-z_]{4}", {"anchors": ["tok_", "key_"]}, b"tok_key_", [b"tok_key_"]),
        ],
    )
    def test_secrets(self, one: One, pattern: str, fields: dict[str, object], data: bytes, wanted: list[bytes]) -> None:
        matcher = one(pattern, **{"anchors": ["tok_"], **fields})
        assert [secret for _, secret in secrets(matcher, data)] == wanted

    def test_a_match_belongs_to_the_window_in_which_it_begins(self, one: One) -> None:
        matcher = one("tok_[0-9]{4}", anchors=["tok_"])
        data = bytearray(b"tok_1111 tok_2222 tok_3333")
        for first, last, wanted in ((0, 26, [0, 9, 18]), (0, 9, [0]), (0, 10, [0, 9]), (9, 18, [9]), (10, 26, [18])):
            window = Span(Memory("a"), 0, 26, first, last)
            ((_, hits),) = matcher.hits(data, len(data), [window])
            seen = matcher.look(data, window, hits)
            assert [match.start for match in filter(seen.owns, seen.matches)] == wanted
            assert [match.start for match in seen.matches] == [0, 9, 18]

    def test_where_nothing_came_near_it_is_not_searched_again(self, one: One) -> None:
        matcher = one("<[^<>]{0,40}tok_[0-9]{4}>", anchors=["tok_"], lead=41, max_len=60)
        data = b"<" + b"tok_ " * 6 + b"tok_1234> <tok_5678>"
        assert [secret for _, secret in secrets(matcher, data)] == [data[:-11], b"<tok_5678>"]

    def test_time_runs_out(self, one: One) -> None:
        matcher = one("tok_[0-9]{4}", anchors=["tok_"])
        data = bytearray(b"tok_1111 tok_2222")
        window = Span(Memory("a"), 0, len(data), 0, len(data))
        ((_, hits),) = matcher.hits(data, len(data), [window])
        seen = matcher.look(data, window, hits, seconds=-1)
        assert (seen.exhausted, seen.matches) == (True, [])
        assert not matcher.look(data, window, hits, seconds=60).exhausted

    def test_all_rules_of_an_anchor(self, rule: Make, rule_set: MakeSet) -> None:
        rules = rule_set(*(rule(f"r{size}", f"tok_[0-9]{{{size}}}", anchors=["tok_"]) for size in (4, 5, 6)))
        found = matches(Matcher(rules), b"tok_1234 tok_12345 tok_12345")
        assert [(match.rule.id, match.start) for _, match in found] == [("r4", 0), ("r5", 9), ("r5", 19)]

    def test_facts_and_the_whole_name(self, one: One) -> None:
        pattern = r"(?P<name>key_?\w{0,9})=(?P<secret>[0-9]{4})(?:@(?P<host>\w+))?(?P<port>:\d+)?"
        matcher = one(pattern, anchors=["key"])
        ((_, match),) = matches(matcher, b"x my.db-key_id=1234@home")
        assert match.groups == {"name": b"my.db-key_id", "secret": b"1234", "host": b"home"}
        ((_, far),) = matches(matcher, b"x" * 200 + b"key_id=1234")
        assert far.groups["name"] == b"x" * 64 + b"key_id"

    def test_the_repr_holds_no_secret(self, one: One) -> None:
        ((_, match),) = matches(one("tok_[0-9]{4}", anchors=["tok_"]), b" tok_1234")
        assert repr(match) == "Match('a', 1:9)"


class TestChecks:
    @pytest.fixture
    def matcher(self, rule: Make, rule_set: MakeSet, monkeypatch: pytest.MonkeyPatch) -> Matcher:
        def check(secret: bytes, groups: Mapping[str, bytes]) -> Proof:
            assert groups == {}
            verdicts = {b"tok_0000": Verdict.INVALID, b"tok_1111": Verdict.VALID, b"tok_2222": Verdict.UNKNOWN}
            if secret not in verdicts:
                raise ZeroDivisionError
            return Proof(verdicts[secret], (Evidence("number", secret[-1:].decode()),))

        monkeypatch.setitem(FORMATS, "number", Format(check))
        checked = rule("checked", "tok_[0-9]{4}", anchors=["tok_"], validators=["number"])
        return Matcher(rule_set(checked, rule("plain", "tok_[0-9]{4}", anchors=["tok_"])))

    def test_what_is_invalid_is_no_match(self, matcher: Matcher) -> None:
        found = [
            (match.rule.id, match.secret, match.proved) for _, match in matches(matcher, b"tok_0000 tok_1111 tok_2222")
        ]
        assert found == [
            ("plain", b"tok_0000", False),
            ("checked", b"tok_1111", True),
            ("plain", b"tok_1111", False),
            ("checked", b"tok_2222", False),
            ("plain", b"tok_2222", False),
        ]

    def test_a_defect_in_one_hides_nothing_else(self, matcher: Matcher) -> None:
        data, packed = spans(b"tok_1111 tok_9999 tok_2222")
        ((span, hits),) = matcher.hits(data, len(data), packed)
        seen = matcher.look(data, span, hits)
        assert seen.defects == {"ZeroDivisionError in the rule 'checked'"}
        assert [(match.rule.id, match.secret) for match in seen.matches] == [
            ("checked", b"tok_1111"),
            ("plain", b"tok_1111"),
            ("plain", b"tok_9999"),
            ("checked", b"tok_2222"),
            ("plain", b"tok_2222"),
        ]


class TestManyBlobs:
    @pytest.fixture
    def matcher(self, rule: Make, rule_set: MakeSet) -> Matcher:
        return Matcher(
            rule_set(
                rule("wide", r"foo\s+bar[0-9]{2}", anchor_pattern=r"foo\s{1,9}bar", boundary=""),
                rule("long", r"tok_[0-9\s]{4,40}", anchors=["tok_"], boundary=""),
                rule("lead", r"[a-z\s]{1,20}KEY[0-9]", anchors=["KEY"], lead=20, boundary=""),
            )
        )

    @pytest.mark.parametrize(
        ("blobs", "wanted"),
        [
            ([b"foo", b"bar12"], []),
            ([b"foo ", b" bar12"], []),
            ([b"foo bar12", b"bar12"], [("0", b"foo bar12")]),
            ([b"foo", b"foo bar12"], [("1", b"foo bar12")]),
            ([b"foo", b"", b"bar12"], []),
            ([b"tok_12", b"34"], []),
            ([b"tok_1234", b"5678"], [("0", b"tok_1234")]),
            ([b"to", b"k_1234"], []),
            ([b"abc", b"KEY1"], []),
            ([b"abc", b"dKEY1"], [("1", b"dKEY1")]),
            ([b"dKEY", b"1"], []),
            ([b"", b"tok_1234", b"", b"tok_5678", b""], [("1", b"tok_1234"), ("3", b"tok_5678")]),
            ([b"tok_1234"] * 3, [(f"{number}", b"tok_1234") for number in range(3)]),
        ],
    )
    def test_never_run_into_one_another(
        self, matcher: Matcher, blobs: list[bytes], wanted: list[tuple[str, bytes]]
    ) -> None:
        assert secrets(matcher, *blobs) == wanted

    def test_a_neighbour_does_not_touch(self, one: One) -> None:
        matcher = one("tok_[0-9]{4}", anchors=["tok_"], boundary=r"0-9\n")
        assert secrets(matcher, b"9", b"tok_1234", b"9") == [("1", b"tok_1234")]
        assert secrets(matcher, b"9\ntok_1234\n9") == []

    def test_what_is_not_filled_is_not_searched(self, one: One) -> None:
        matcher = one("tok_[0-9]{4}", anchors=["tok_"])
        data = bytearray(b"tok_1234\ntok_5678")
        assert [hits for _, hits in matcher.hits(data, 9, [Span(Memory("a"), 0, 8, 0, 8)])] == [[(0, 0, 4)]]

    def test_each_is_text_or_binary_by_itself(self, matcher: Matcher) -> None:
        data, packed = spans(b"\0 tok_1234", b"tok_1234")
        seen = [matcher.look(data, span, hits) for span, hits in matcher.hits(data, len(data), packed)]
        assert [(item.span.blob.path, item.binary) for item in seen] == [("0", True), ("1", False)]


class Fields:
    """Bytes that the patterns of a matcher were given to search."""

    def __init__(self) -> None:
        self.bytes = 0

    def make(self, rule: Rule) -> Confirmer:
        fields = self

        class Measuring(Confirmer):
            def candidates(
                self, data: bytearray, anchor: int, end: int, low: int, high: int
            ) -> Iterator[re.Match[bytes]]:
                fields.bytes += min(high, anchor + rule.max_len) - max(low, anchor - rule.lead)
                return super().candidates(data, anchor, end, low, high)

        return Measuring(rule)


class TestNearMisses:
    RULES = (
        ("tok_[0-9a-z]{20}", {"anchors": ["tok_"]}, b"tok_" + b"a" * 19 + b" "),
        ("tok_[0-9a-z_]{20}", {"anchors": ["tok_"]}, b"tok_"),
        ("tok_(?:[0-9a-z]{1,8}_){1,3}!", {"anchors": ["tok_"]}, b"tok_a_b_c_d_"),
        ("[a-z]{1,30}KEY[0-9]{4}", {"anchors": ["KEY"], "lead": 30}, b"abcdefKEY123 "),
        ("[A-Z]{1,9}KEY[0-9]{4}", {"anchors": ["KEY"], "lead": 9}, b"KEY"),
        ("[0-9a-z]{8}KEY[0-9a-z]{8}", {"anchors": ["KEY"], "lead": 8}, b"01234567KEY01234567_"),
        ("(?i)key[a-z]{0,9}=[0-9]{8}", {"anchors": ["key"], "anchors_ignore_case": True}, b"keykey=1234567 "),
        ("re_[0-9]{8}", {"anchor_pattern": "re_[0-9]{2}"}, b"re_1234567 "),
    )

    @pytest.mark.parametrize(("pattern", "fields", "miss"), RULES)
    def test_10_000_cost_ten_times_as_much_as_1_000(
        self, rule: Make, rule_set: MakeSet, pattern: str, fields: dict[str, object], miss: bytes
    ) -> None:
        rules = rule_set(rule("a", pattern, **fields))
        work = []
        for count in (1_000, 10_000):
            profile, measured = Profile(), Fields()
            assert secrets(Matcher(rules, profile.make), miss * count) == []
            assert secrets(Matcher(rules, measured.make), miss * count) == []
            (cost,) = profile.costs
            assert cost.matches == 0
            work.append((cost.hits, cost.candidates, measured.bytes))
        small, large = work
        assert small[0] >= 1_000
        assert all(after <= 11 * before for before, after in zip(small, large, strict=True))

    def test_of_every_built_in_rule(self) -> None:
        rules = load()
        anchors = sorted({anchor for rule in rules.rules for anchor in rule.anchors})
        work = []
        for count in (10, 50):
            profile = Profile()
            secrets(Matcher(rules, profile.make), *(f"{anchor}a1B2 ".encode() * count for anchor in anchors))
            work.append((sum(cost.hits for cost in profile.costs), sum(cost.candidates for cost in profile.costs)))
        small, large = work
        assert small[0] >= 10 * len(anchors)
        assert all(after <= 6 * before for before, after in zip(small, large, strict=True))
