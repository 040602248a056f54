from __future__ import annotations

import os
from collections.abc import Callable
from hashlib import blake2b

import hyperscan
import pytest

from pitviper import cache
from pitviper.engine import prefilter
from pitviper.engine.prefilter import Hit, Prefilter, anchors
from pitviper.errors import RuleError
from pitviper.rules.schema import Rule, RuleSet

Make = Callable[..., Rule]
MakeSet = Callable[..., RuleSet]


def hits(rules: RuleSet, data: bytes) -> list[Hit]:
    with memoryview(data) as view:
        return list(Prefilter(rules).scan(view))


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many anchors each compilation had, as they come."""
    sizes: list[int] = []
    compile_anchors = prefilter._compile

    def counting(wanted: tuple[prefilter.Anchor, ...], rules: tuple[Rule, ...]) -> hyperscan.Database:
        sizes.append(len(wanted))
        return compile_anchors(wanted, rules)

    monkeypatch.setattr(prefilter, "_compile", counting)
    return sizes


class TestAnchors:
    def test_equal_ones_of_several_rules_are_one(self, rule: Make) -> None:
        rules = [
            rule("a", "tok_a", anchors=["tok_", "key_"]),
            rule("b", "tok_b", anchors=["tok_"]),
            rule("c", "tok_c", anchors=["tok_"], anchors_ignore_case=True),
            rule("d", "tok_d", anchor_pattern="tok_[0-9]"),
            rule("e", "tok_e", anchor_pattern="tok_[0-9]"),
        ]
        found = [(anchor.expression, anchor.length, anchor.ignore_case, anchor.rules) for anchor in anchors(rules)]
        assert found == [
            ("tok_", 4, False, [0, 1]),
            ("key_", 4, False, [0]),
            ("tok_", 4, True, [2]),
            ("tok_[0-9]", 0, False, [3, 4]),
        ]

    def test_one_hit_for_all_rules_that_share_an_anchor(self, rule: Make, rule_set: MakeSet) -> None:
        rules = rule_set(*(rule(name, "tok_.", anchors=["tok_"]) for name in "abc"))
        assert hits(rules, b"x tok_1") == [(0, 2, 6)]

    @pytest.mark.parametrize(
        ("fields", "data", "wanted"),
        [
            ({"anchors": ["a.c("]}, b"abc( a.c(", [(0, 5, 9)]),
            ({"anchors": ["a{2}"]}, b"aa a{2}", [(0, 3, 7)]),
            ({"anchors": ["Tok"]}, b"tok TOK Tok", [(0, 8, 11)]),
            ({"anchors": ["Tok"], "anchors_ignore_case": True}, b"tok TOK", [(0, 0, 3), (0, 4, 7)]),
            ({"anchors": ["größe"]}, "die größe".encode(), [(0, 4, 11)]),
            ({"anchors": ["a b#c"]}, b"a b#c", [(0, 0, 5)]),
            ({"anchor_pattern": "re_[0-9]{2}"}, b"re_1 re_123", [(0, 5, 10)]),
            ({"anchor_pattern": "a.b"}, b"a\nb", [(0, 0, 3)]),
            ({"anchors": ["tok_"]}, b"", []),
            ({"anchors": ["tok_"]}, b"tok", []),
            ({"anchors": ["tok_"]}, b"tok_tok_", [(0, 0, 4), (0, 4, 8)]),
            ({"anchors": ["\\x00"]}, b"\x00 \\x00", [(0, 2, 6)]),
        ],
    )
    def test_hits(
        self, rule: Make, rule_set: MakeSet, fields: dict[str, object], data: bytes, wanted: list[Hit]
    ) -> None:
        assert hits(rule_set(rule("a", "x", **fields)), data) == wanted

    def test_the_bytes_behind_what_is_filled_are_not_searched(self, rule: Make, rule_set: MakeSet) -> None:
        found = Prefilter(rule_set(rule("a", "x", anchors=["tok_"])))
        with memoryview(bytearray(b"tok_tok_")) as view:
            assert found.scan(view[:7]) == [(0, 0, 4)]

    def test_hits_of_the_pass_before_are_gone(self, rule: Make, rule_set: MakeSet) -> None:
        found = Prefilter(rule_set(rule("a", "x", anchors=["tok_"])))
        assert found.scan(memoryview(b"tok_")) == [(0, 0, 4)]
        assert found.scan(memoryview(b"none")) == []

    def test_no_rules_find_nothing(self) -> None:
        assert hits(RuleSet((), "none"), b"tok_") == []


class TestRefused:
    @pytest.mark.parametrize("pattern", ["(?<=a)b", "(a)\\1", "a(", "a{1,99999}", "a*"])
    def test_the_rule_is_named(self, rule: Make, rule_set: MakeSet, pattern: str) -> None:
        rules = rule_set(
            rule("fine", "x", anchors=["tok_"]),
            rule("bad-one", "x", anchor_pattern=pattern),
            rule("also-fine", "x", anchor_pattern="abc[0-9]"),
        )
        with pytest.raises(RuleError) as caught:
            Prefilter(rules)
        assert str(caught.value).startswith(f"rule 'bad-one': Vectorscan refuses its anchor {pattern!r}: ")
        assert "look-around" in caught.value.hint

    def test_nothing_is_cached(self, rule: Make, rule_set: MakeSet, cache_folder: str) -> None:
        rules = rule_set(rule("bad", "x", anchor_pattern="a(b"))
        with pytest.raises(RuleError):
            Prefilter(rules)
        assert not [name for name in os.listdir(cache_folder) if rules.digest in name]


class TestCache:
    @pytest.fixture
    def folder(self, tmp_path: os.PathLike[str], monkeypatch: pytest.MonkeyPatch) -> str:
        monkeypatch.setenv("PITVIPER_CACHE_DIR", os.fspath(tmp_path))
        return os.fspath(tmp_path)

    @pytest.fixture
    def rules(self, rule: Make, rule_set: MakeSet) -> RuleSet:
        return rule_set(rule("a", "x", anchors=["tok_"]))

    def stored(self, folder: str) -> str:
        (name,) = os.listdir(folder)
        return os.path.join(folder, name)

    def test_compiled_once(self, folder: str, rules: RuleSet, compiled: list[int]) -> None:
        assert hits(rules, b"tok_") == [(0, 0, 4)]
        assert compiled == [1]
        assert rules.digest in self.stored(folder)
        assert hits(rules, b" tok_") == [(0, 1, 5)]
        assert compiled == [1]

    def test_other_rules_have_their_own(
        self, folder: str, rules: RuleSet, rule: Make, rule_set: MakeSet, compiled: list[int]
    ) -> None:
        assert hits(rules, b"tok_ key_") == [(0, 0, 4)]
        assert hits(rule_set(rule("a", "x", anchors=["key_"])), b"tok_ key_") == [(0, 5, 9)]
        assert compiled == [1, 1]
        assert len(os.listdir(folder)) == 2

    @pytest.mark.parametrize(
        "damage",
        [
            lambda _: b"",
            lambda data: data[:20],
            lambda data: data[:-1],
            lambda data: data + b"\0",
            lambda data: data[:40] + b"\xff\xff" + data[42:],
            lambda _: b"no database at all" * 10,
        ],
        ids=["empty", "half a digest", "truncated", "longer", "flipped", "foreign"],
    )
    def test_what_is_damaged_is_replaced(
        self, folder: str, rules: RuleSet, compiled: list[int], damage: Callable[[bytes], bytes]
    ) -> None:
        Prefilter(rules)
        path = self.stored(folder)
        with open(path, "rb") as file:
            whole = file.read()
        with open(path, "wb") as file:
            file.write(damage(whole))
        assert hits(rules, b"tok_") == [(0, 0, 4)]
        assert compiled == [1, 1]
        with open(path, "rb") as file:
            assert file.read() == whole

    @pytest.mark.parametrize("payload", [b"x", b"garbage" * 100, bytes(4096)])
    def test_what_is_signed_and_yet_no_database_is_replaced(
        self, folder: str, rules: RuleSet, compiled: list[int], payload: bytes
    ) -> None:
        Prefilter(rules)
        path = self.stored(folder)
        cache.store(os.path.basename(path), payload)
        with open(path, "rb") as file:
            assert file.read() == blake2b(payload, digest_size=32).digest() + payload
        assert hits(rules, b"tok_") == [(0, 0, 4)]
        assert compiled == [1, 1]
        Prefilter(rules)
        assert compiled == [1, 1]

    def test_a_database_cut_short_is_replaced(self, folder: str, rules: RuleSet, compiled: list[int]) -> None:
        Prefilter(rules)
        name = os.path.basename(self.stored(folder))
        whole = cache.load(name)
        assert whole
        cache.store(name, whole[: len(whole) // 2])
        assert hits(rules, b"tok_") == [(0, 0, 4)]
        assert compiled == [1, 1]
