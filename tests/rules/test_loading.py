from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from pitviper import cache
from pitviper.errors import RuleError
from pitviper.model.finding import Audience, Confidence, Kind, Severity
from pitviper.rules import loading
from pitviper.rules.loading import load, own, parse
from pitviper.rules.schema import MAX_MATCH

BUILT_IN_RULE = "github-pat"


@pytest.fixture
def rule_file(tmp_path: Path) -> Callable[..., str]:
    def write(text: str, name: str = "acme.toml") -> str:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text, "utf-8")
        return str(path)

    return write


class TestRule:
    def test_fields(self, acme: str) -> None:
        (rule,) = parse("acme.toml", acme.encode())
        assert (rule.id, rule.provider, rule.pattern) == ("acme-token", "Acme", "acme_[0-9a-z]{16}")
        told = rule.severity, rule.confidence, rule.audience
        assert told == (Severity.HIGH, Confidence.FIRM, Audience.EVERYONE)
        assert (rule.kind, rule.generic, rule.in_bytecode) == (Kind.SECRET, False, True)

    def test_companion(self, acme: str) -> None:
        text = f'{acme}\n[[rules.companions]]\nname = "secret"\npattern = "[0-9a-f]{{32}}"\nseverity = "critical"\n'
        (rule,) = parse("acme.toml", text.encode())
        assert [(item.name, item.severity, item.within) for item in rule.companions] == [
            ("secret", Severity.CRITICAL, 512)
        ]

    def test_anchor_pattern_alone_is_enough(self, acme: str) -> None:
        text = acme.replace('anchors = ["acme_"]', "anchor_pattern = 'acme_[0-9]'")
        assert [rule.anchor_pattern for rule in parse("acme.toml", text.encode())] == ["acme_[0-9]"]

    def test_companion_that_is_wrong(self, acme: str) -> None:
        text = f'{acme}\n[[rules.companions]]\nname = "secret"\npattern = "("\nseverity = "critical"\n'
        with pytest.raises(RuleError, match=r"^acme\.toml:3: rule 'acme-token': companions: missing \)"):
            list(parse("acme.toml", text.encode()))


class TestMistake:
    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ("'acme_[0-9a-z]{16}'", "'acme_[0-9'", ":7: rule 'acme-token': pattern: unterminated character set"),
            ("{16}'", "{99999999999}'", ":7: rule 'acme-token': pattern: the repetition number is too large"),
            ("'acme_[0-9a-z]{16}'", f"'{'(' * 5000}'", ":7: rule 'acme-token': pattern: "),
            ("max_len = 21", "max_len = 0", f":9: rule 'acme-token': max_len: must lie between 1 and {MAX_MATCH}"),
            ("max_len = 21", f"max_len = {MAX_MATCH + 1}", ":9: rule 'acme-token': max_len: must lie between"),
            ('"acme-token"', '"Acme_Token"', ":4: rule 'Acme_Token': id: 'Acme_Token' is not lower-case words"),
            ('"acme-token"', '"acme--token"', ":4: rule 'acme--token': id: 'acme--token' is not lower-case words"),
            ('"acme-token"', '""', ":4: rule '': id: '' is not lower-case words joined by hyphens"),
            (
                'anchors = ["acme_"]',
                "",
                ":3: rule 'acme-token': anchors: a rule needs `anchors` or an ",
            ),
            ('["acme_"]', '["acme_", "ac"]', ":8: rule 'acme-token': anchors: an anchor needs at least 3 characters"),
            ('["acme_{base36:16}"]', "[]", ":12: rule 'acme-token': examples: a rule needs at least one example"),
            ("max_len", 'validators = ["crc"]\nmax_len', ":9: rule 'acme-token': validators: 'crc' is no format;"),
            ("max_len", 'boundary = "z-a"\nmax_len', ":9: rule 'acme-token': boundary: bad character range z-a"),
            ("max_len", "anchor = []\nmax_len", ":3: Object contains unknown field `anchor` - at `$.rules[0]`"),
            ("max_len = 21", 'max_len = "21"', ":9: Expected `int`, got `str` - at `$.rules[0].max_len`"),
            ('["acme_"]', '"acme_"', ":8: Expected `array`, got `str` - at `$.rules[0].anchors`"),
            ('["acme_"]', "[7]", ":8: Expected `str`, got `int` - at `$.rules[0].anchors[0]`"),
            ('"high"', '"awful"', ":10: Invalid enum value 'awful' - at `$.rules[0].severity`"),
            ('remedy = "Revoke it."', "", ":3: Object missing required field `remedy` - at `$.rules[0]`"),
            ('provider = "Acme"', "", ": Object missing required field `provider`"),
            ('provider = "Acme"', 'provider = "Acme"\nversion = 1', ": Object contains unknown field `version`"),
            ("max_len = 21", "max_len = ", ": no valid TOML: Invalid value (at line 9, column "),
            ("[[rules]]", "[[rules", ": no valid TOML: "),
        ],
    )
    def test_message(self, old: str, new: str, message: str, acme: str) -> None:
        assert old in acme
        with pytest.raises(RuleError, match=f"^acme.toml{re.escape(message)}"):
            list(parse("acme.toml", acme.replace(old, new).encode()))

    def test_not_utf8(self, acme: str) -> None:
        with pytest.raises(RuleError, match=r"^acme\.toml: no valid TOML: .*invalid start byte"):
            list(parse("acme.toml", acme.encode() + b"# \xff"))

    def test_line_is_that_of_the_rule_that_is_wrong(self, acme: str) -> None:
        second = acme.partition("\n\n")[2].replace("acme-token", "acme-key").replace("max_len = 21", "max_len = 0")
        with pytest.raises(RuleError, match=r"^acme\.toml:21: rule 'acme-key': max_len: "):
            list(parse("acme.toml", f"{acme}\n{second}".encode()))

    def test_hint_says_where_to_read(self, acme: str) -> None:
        with pytest.raises(RuleError) as caught:
            list(parse("acme.toml", acme.replace("name", "title").encode()))
        assert caught.value.hint == "docs/rules.md lists all fields."

    def test_id_twice_in_a_file(self, acme: str, rule_file: Callable[..., str]) -> None:
        path = rule_file("\n".join([acme, acme.partition("\n\n")[2]]))
        with pytest.raises(RuleError, match=r"acme\.toml:16: the rule id 'acme-token' stands twice$"):
            load([path])

    def test_id_twice_in_two_files(self, acme: str, rule_file: Callable[..., str]) -> None:
        paths = [rule_file(acme), rule_file(f"# other\n{acme}", "other.toml")]
        with pytest.raises(RuleError, match=r"other\.toml:5: the rule id 'acme-token' stands twice$"):
            load(paths)

    def test_id_of_a_built_in_rule(self, acme: str, rule_file: Callable[..., str]) -> None:
        path = rule_file(acme.replace("acme-token", BUILT_IN_RULE))
        with pytest.raises(RuleError, match=r"acme\.toml:4: the rule id 'github-pat' stands twice$"):
            load([path])

    def test_missing_file(self, tmp_path: Path) -> None:
        with pytest.raises(RuleError, match=r"missing\.toml: cannot be read: No such file or directory$") as caught:
            load([str(tmp_path / "missing.toml")])
        assert caught.value.hint == "Check the path, and the rights on it."

    @pytest.mark.skipif(os.name != "posix", reason="POSIX has modes")
    def test_folder_that_cannot_be_read(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        folder = tmp_path / "rules"
        folder.mkdir()
        folder.chmod(0)
        if os.access(folder, os.R_OK):  # root may read everything

            def refuse(path: str) -> None:
                raise PermissionError(13, "Permission denied", path)

            monkeypatch.setattr(os, "scandir", refuse)
        with pytest.raises(RuleError, match=r"rules: cannot be read: Permission denied$"):
            own(str(folder))

    def test_nothing_is_cached_of_a_wrong_set(self, acme: str, rule_file: Callable[..., str]) -> None:
        path = rule_file(acme.replace("max_len = 21", "max_len = 0"))
        for _ in range(2):
            with pytest.raises(RuleError, match="max_len"):
                load([path])


class TestLoad:
    def test_built_in_rules_come_sorted(self) -> None:
        ids = [rule.id for rule in load().rules]
        assert BUILT_IN_RULE in ids
        assert ids == sorted(ids)

    def test_own_rules_come_on_top(self, acme: str, rule_file: Callable[..., str]) -> None:
        built_in = {rule.id for rule in load().rules}
        assert {rule.id for rule in load([rule_file(acme)]).rules} == built_in | {"acme-token"}

    def test_folder_of_rules(self, acme: str, rule_file: Callable[..., str], tmp_path: Path) -> None:
        rule_file(acme, "rules/acme.toml")
        rule_file(acme.replace("acme-token", "acme-key"), "rules/deeper/key.toml")
        rule_file("no rules", "rules/README.md")
        assert [rule.id for rule in own(str(tmp_path / "rules"))] == ["acme-token", "acme-key"]
        ids = {rule.id for rule in load([str(tmp_path / "rules")]).rules}
        assert {"acme-token", "acme-key", BUILT_IN_RULE} <= ids

    def test_the_same_file_twice_is_one(self, acme: str, rule_file: Callable[..., str], tmp_path: Path) -> None:
        path = rule_file(acme)
        assert load([path, path, str(tmp_path)]) == load([path])

    def test_own_rules_alone(self, acme: str, rule_file: Callable[..., str]) -> None:
        assert [rule.id for rule in own(rule_file(acme))] == ["acme-token"]

    def test_a_built_in_file_may_be_named(self) -> None:
        assert load([os.path.join(loading.BUILT_IN, "secrets", "github.toml")]) == load()

    def test_disable(self) -> None:
        everything, fewer = load(), load(disable=[BUILT_IN_RULE])
        assert [rule for rule in everything.rules if rule.id != BUILT_IN_RULE] == list(fewer.rules)

    def test_disable_what_is_not_there(self) -> None:
        with pytest.raises(RuleError, match=r"^no rule is named 'git-hub', 'nope'$") as caught:
            load(disable=["nope", BUILT_IN_RULE, "git-hub"])
        assert caught.value.hint == "See `pitviper rules list` for the names."


class TestDigest:
    def test_is_the_same_for_the_same_rules(self, acme: str, rule_file: Callable[..., str]) -> None:
        here, there = rule_file(acme), rule_file(acme, "elsewhere/renamed.toml")
        assert re.fullmatch("[0-9a-f]{16}", load([here]).digest)
        assert load([here]).digest == load([there]).digest
        assert load(disable=["github-pat", "npm-token"]).digest == load(disable=["npm-token", "github-pat"] * 2).digest

    def test_changes_with_a_rule(self, acme: str, rule_file: Callable[..., str]) -> None:
        texts = [acme, acme.replace("16", "17"), acme.replace("high", "low"), acme.replace("acme-token", "acme-key")]
        digests = [load().digest, *(load([rule_file(text)]).digest for text in texts)]
        assert len(set(digests)) == len(digests)

    def test_changes_with_what_is_disabled(self) -> None:
        sets = [(), ("github-pat",), ("npm-token",), ("github-pat", "npm-token")]
        assert len({load(disable=disable).digest for disable in sets}) == len(sets)

    def test_two_sets_never_share_one(self, acme: str, rule_file: Callable[..., str]) -> None:
        """The digest names compiled patterns in the cache: those of another set would look for the wrong things."""
        head, _, rule = acme.partition("\n\n")
        names = ("acme", "acme-key", "key-token", "token")
        path = rule_file("\n\n".join([head, *(rule.replace("acme-token", name) for name in names)]))
        assert load([path], ["acme", "key-token"]).digest != load([path], ["acme-key", "token"]).digest


class TestCache:
    @pytest.fixture(autouse=True)
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setenv("PITVIPER_CACHE_DIR", str(tmp_path / "cache"))
        return tmp_path / "cache"

    def test_cached_rules_equal_parsed_ones(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        parsed = load()
        assert list(parsed.rules) == sorted(own(loading.BUILT_IN), key=lambda rule: rule.id)
        assert len(os.listdir(folder)) == 1
        monkeypatch.setattr(loading, "parse", None)  # whoever parses now fails
        assert load() == parsed

    @pytest.mark.parametrize("stored", [b"", b"no messagepack \xc1", b"\x91\x80"])
    def test_what_cannot_be_read_is_parsed_anew(self, stored: bytes, folder: Path) -> None:
        parsed = load()
        (name,) = os.listdir(folder)
        cache.store(name, stored)
        assert load() == parsed

    def test_another_version_keeps_its_own(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """It may have other checks, or other defaults for what a file leaves out."""
        load()
        monkeypatch.setattr(loading, "__version__", "999")
        load()
        assert len(os.listdir(folder)) == 2

    def test_disabled_rules_need_no_cache_of_their_own(self, folder: Path) -> None:
        load()
        load(disable=[BUILT_IN_RULE])
        assert len(os.listdir(folder)) == 1

    def test_works_without(self, monkeypatch: pytest.MonkeyPatch) -> None:
        cached = load()
        monkeypatch.setenv("PITVIPER_CACHE_DIR", "")
        assert load() == cached
