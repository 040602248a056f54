from __future__ import annotations

import time
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec

import pitviper
from pitviper.look import Outcome
from pitviper.model.finding import Audience, Confidence, Finding, Kind, Severity
from pitviper.model.report import Hidden
from pitviper.rules.schema import Companion, Rule
from pitviper.rules.template import make

MakeRule = Callable[..., Rule]
Look = Callable[..., Outcome]

TOKEN = "acme_" + "k3y0a9f8b7c6d5e4"
OTHER = "acme_" + "q2w9e4r6t8y1u3i5"


def told(outcome: Outcome) -> list[tuple[str, str]]:
    return [(finding.rule, finding.secret.redacted if finding.secret else "") for finding in outcome.findings]


def everything(outcome: Outcome) -> str:
    """All that an outcome says, as a report would."""
    return msgspec.json.encode(outcome).decode()


def evidence(finding: Finding) -> dict[str, str]:
    return {item.name: item.text for item in finding.evidence}


class TestFinding:
    def test_fields(self, look: Look, rule: MakeRule) -> None:
        (finding,) = look(f"first\nkey = '{TOKEN}'\n", rule(references=("https://acme.test/",))).findings
        assert (finding.kind, finding.rule, finding.title) == (Kind.SECRET, "acme-token", "Acme token")
        assert (finding.severity, finding.confidence, finding.audience) == (
            Severity.HIGH,
            Confidence.FIRM,
            Audience.EVERYONE,
        )
        assert (finding.place.path, finding.place.line, finding.place.column, finding.place.offset) == (
            "app.py",
            2,
            8,
            13,
        )
        assert finding.secret
        assert (finding.secret.redacted, finding.secret.length, finding.secret.value) == ("acm…4", 21, None)
        assert (finding.remedy, finding.references) == ("Revoke it.", ("https://acme.test/",))
        assert finding.evidence == ()

    def test_column_counts_characters(self, look: Look, rule: MakeRule) -> None:
        (finding,) = look(f"\ufeffgröße = '{TOKEN}'", rule()).findings
        assert finding.place.column == len("größe = '") + 1
        assert finding.place.offset == len("\ufeffgröße = '".encode())

    def test_no_line_in_a_binary(self, look: Look, rule: MakeRule) -> None:
        (finding,) = look(b"\0\n\0" + TOKEN.encode() + b"\0", rule()).findings
        assert (finding.place.line, finding.place.column, finding.place.offset) == (None, None, 3)

    def test_groups_are_facts(self, look: Look, rule: MakeRule) -> None:
        pattern = "(?P<account_id>[a-z]+):(?P<secret>acme_[0-9a-z]{16})(?P<never>x)?"
        (finding,) = look(f"corp:{TOKEN}", rule(pattern=pattern, lead=20)).findings
        assert evidence(finding) == {"account id": "corp"}

    def test_facts_are_fit_to_print(self, look: Look, rule: MakeRule) -> None:
        pattern = r"(?s:(?P<owner>\[.{1,10}\])(?P<secret>acme_[0-9a-z]{16}))"
        (finding,) = look(f"[\x1b[2J\u202e\n]{TOKEN}", rule(pattern=pattern, lead=20)).findings
        assert evidence(finding) == {"owner": r"[\x1b[2J\u202e\n]"}

    def test_checksum_makes_it_certain(self, scan: Look) -> None:
        (finding,) = scan(make("ghp_{base62:30}{crc32-base62}", "certain")).findings
        assert (finding.confidence, evidence(finding)) == (Confidence.CERTAIN, {"checksum": "CRC32 matches"})

    def test_placeholder_is_none(self, look: Look, rule: MakeRule) -> None:
        outcome = look("acme_xxxxxxxxxxxxxxxx acme_0123456789abcdef acme_yourtokenhere123", rule())
        assert (outcome.findings, outcome.hidden) == ([], Hidden())

    def test_id_is_that_of_rule_and_secret(self, look: Look, rule: MakeRule) -> None:
        here = look(TOKEN, rule()).findings[0].id
        assert look(f"\n\nelsewhere {TOKEN}", rule(), name="other.py").findings[0].id == here
        assert look(OTHER, rule()).findings[0].id != here
        assert look(TOKEN, rule("acme-key")).findings[0].id != here


class TestWanted:
    def test_min_severity(self, look: Look, rule: MakeRule) -> None:
        assert told(look(TOKEN, rule(), min_severity=Severity.HIGH)) == [("acme-token", "acm…4")]
        outcome = look(f"{TOKEN} {OTHER}", rule(), min_severity=Severity.CRITICAL)
        assert (outcome.findings, outcome.hidden) == ([], Hidden(severity=2))

    def test_only(self, look: Look, rule: MakeRule) -> None:
        assert told(look(TOKEN, rule(kind=Kind.HYGIENE), only=(Kind.HYGIENE,))) == [("acme-token", "acm…4")]
        outcome = look(TOKEN, rule(), only=(Kind.HYGIENE,))
        assert (outcome.findings, outcome.hidden) == ([], Hidden(kind=1))

    def test_rule_for_auditors(self, look: Look, rule: MakeRule) -> None:
        shy = rule(audience=Audience.AUDITOR)
        outcome = look(TOKEN, shy)
        assert (outcome.findings, outcome.hidden) == ([], Hidden(auditor=1))
        (finding,) = look(TOKEN, shy, auditor=True).findings
        assert (finding.audience, evidence(finding)) == (Audience.AUDITOR, {})

    def test_in_tests_only_for_auditors(self, look: Look, rule: MakeRule) -> None:
        assert look(TOKEN, rule(), name="tests/app.py").hidden == Hidden(auditor=1)
        (finding,) = look(TOKEN, rule(), name="tests/app.py", auditor=True).findings
        assert finding.audience is Audience.AUDITOR
        assert evidence(finding) == {"place": "in tests, examples or documentation"}

    def test_what_is_proved_is_for_everyone_in_tests_too(self, scan: Look) -> None:
        (finding,) = scan(make("ghp_{base62:30}{crc32-base62}", "proved"), "tests/app.py").findings
        assert finding.audience is Audience.EVERYONE

    def test_but_for_what_tests_make_whole(self, scan: Look) -> None:
        key = make("{private-key}", "fixture")
        assert [finding.audience for finding in scan(key, "deploy/key.pem").findings] == [Audience.EVERYONE]
        assert scan(key, "tests/key.pem").hidden == Hidden(auditor=1)

    def test_loose_shape_in_a_binary_only_for_auditors(self, look: Look, rule: MakeRule) -> None:
        loose = rule(confidence=Confidence.TENTATIVE)
        assert look(b"\0" + TOKEN.encode() + b"\0", loose).hidden == Hidden(auditor=1)
        assert len(look(TOKEN, loose).findings) == len(look(b"\0" + TOKEN.encode() + b"\0", rule()).findings) == 1

    def test_show_secrets(self, look: Look, rule: MakeRule) -> None:
        assert TOKEN not in everything(look(TOKEN, rule()))
        (finding,) = look(TOKEN, rule(), show_secrets=True).findings
        assert finding.secret
        assert finding.secret.value == TOKEN


class TestOverlap:
    """Of what shares bytes the strongest stands, and nothing is told twice."""

    def test_provider_beats_generic(self, look: Look, rule: MakeRule) -> None:
        generic = rule("any-long-value", "acme_[0-9a-z]{16}[0-9a-z]*", generic=True, confidence=Confidence.FIRM)
        tentative = rule(confidence=Confidence.TENTATIVE)
        assert told(look(TOKEN, generic, tentative)) == [("acme-token", "acm…4")]
        assert told(look(TOKEN, tentative, generic)) == [("acme-token", "acm…4")]

    def test_surer_beats_longer(self, look: Look, rule: MakeRule) -> None:
        longer = rule("acme-line", "acme_[0-9a-z]{16}.*", confidence=Confidence.TENTATIVE)
        assert told(look(f"{TOKEN} and more", longer, rule())) == [("acme-token", "acm…4")]

    def test_longer_beats_shorter(self, look: Look, rule: MakeRule) -> None:
        longer = rule("acme-pair", "acme_[0-9a-z]{16}:[0-9a-z]{4}")
        assert told(look(f"{TOKEN}:a1b2", longer, rule())) == [("acme-pair", "acme…b2")]

    def test_same_bytes_under_two_rules_are_told_once(self, look: Look, rule: MakeRule) -> None:
        assert told(look(TOKEN, rule("acme-b"), rule("acme-a"))) == [("acme-a", "acm…4")]

    def test_side_by_side_both_stand(self, look: Look, rule: MakeRule) -> None:
        outcome = look(f"{TOKEN},{OTHER}\n{TOKEN}", rule())
        assert told(outcome) == [("acme-token", "acm…4"), ("acme-token", "acm…5"), ("acme-token", "acm…4")]
        assert [finding.place.offset for finding in outcome.findings] == [0, 22, 44]

    def test_proved_beats_everything(self, look: Look, rule: MakeRule, token: Callable[[str], str]) -> None:
        fields = {"anchors": ("ghp_",)}
        proved = rule("any-pat", "ghp_[0-9A-Za-z]{36}", generic=True, validators=("crc32-base62",), **fields)
        longer = rule("acme-pat", "ghp_[0-9A-Za-z]{36}:[a-z]{4}", **fields)
        assert [finding.rule for finding in look(f"{token('proved')}:abcd", longer, proved).findings] == ["any-pat"]

    def test_token_in_a_url_and_in_an_assignment_is_a_token(self, scan: Look) -> None:
        token = make("ghp_{base62:30}{crc32-base62}", "overlap")
        outcome = scan(
            f'api_secret_token = "{token}"\nurl = "https://deploy:{token}@git.acme.io/app.git"\n', auditor=True
        )
        assert [finding.rule for finding in outcome.findings] == ["github-pat", "github-pat"]

    def test_what_a_weaker_one_hides_behind_a_stronger_is_no_loss_of_the_third(
        self, look: Look, rule: MakeRule
    ) -> None:
        """A match that gives way takes nothing with it: what would have been its companion stands for itself."""
        pair = Companion(name="key", pattern="acme_q[0-9a-z]{15}", severity=Severity.CRITICAL)
        weak = rule("acme-weak", "acme_k[0-9a-z]{15}", companions=(pair,), confidence=Confidence.TENTATIVE)
        outcome = look(f"{TOKEN} {OTHER}", weak, rule())
        assert told(outcome) == [("acme-token", "acm…4"), ("acme-token", "acm…5")]


class TestPair:
    AWS = "aws_access_key_id = AKIA{aws-access-key-id}\naws_secret_access_key = {base64:40}\n"

    def test_key_id_and_secret_are_one_finding(self, scan: Look) -> None:
        text = make(self.AWS, "pair")
        secret = text.split()[-1]
        (finding,) = scan(text, show_secrets=True).findings
        assert (finding.rule, finding.severity) == ("aws-access-key-id", Severity.CRITICAL)
        assert finding.secret
        assert finding.secret.value == secret
        assert (finding.place.line, finding.place.column) == (1, 21)

    def test_nothing_of_either_is_told(self, scan: Look) -> None:
        text = make(self.AWS, "pair")
        identifier, secret = text.split()[2], text.split()[-1]
        said = everything(scan(text))
        assert identifier not in said
        assert secret not in said
        assert f"secret access key {secret[:6]}…{secret[-2:]}" in said

    def test_id_is_that_of_both(self, scan: Look) -> None:
        text, other = make(self.AWS, "pair"), make(self.AWS, "other")
        swapped = text.splitlines()[0] + "\n" + other.splitlines()[1]
        assert len({scan(text).findings[0].id for text in (text, other, swapped)}) == 3

    def test_key_id_alone(self, scan: Look) -> None:
        (finding,) = scan(make(self.AWS.partition("\n")[0], "alone")).findings
        assert (finding.rule, finding.severity) == ("aws-access-key-id", Severity.LOW)

    def test_secret_alone(self, scan: Look) -> None:
        (finding,) = scan(make(self.AWS.partition("\n")[2], "alone")).findings
        assert (finding.rule, finding.severity) == ("aws-secret-access-key", Severity.CRITICAL)

    def test_two_pairs(self, scan: Look) -> None:
        text = make(f"{self.AWS}{'# far away ' * 60}{self.AWS}", "two")
        assert [finding.severity for finding in scan(text).findings] == [Severity.CRITICAL] * 2


class TestUrl:
    HOSTS = ("broker.acme.io", "broker")

    def test_user_and_password_are_one_finding(self, scan: Look) -> None:
        text = make("postgresql://app:{base62:20}@db.acme.io:5432/shop", "url")
        (finding,) = scan(f'DB = "{text}"').findings
        assert finding.rule == "url-credentials"
        assert evidence(finding) == {"scheme": "postgresql", "user": "app", "host": "db.acme.io"}
        assert text.split(":")[2].split("@")[0] not in everything(scan(text))

    def test_host_without_a_dot_tells_another_severity(self, scan: Look) -> None:
        severities = [
            scan(make(f"amqp://app:{{base62:20}}@{host}/", "host")).findings[0].severity for host in self.HOSTS
        ]
        assert severities == [Severity.HIGH, Severity.MEDIUM]

    def test_token_as_the_user_is_not_told_with_the_password(self, scan: Look) -> None:
        token = make("ghp_{base62:30}{crc32-base62}", "user")
        outcome = scan(make(f"https://{token}:{{base62:20}}@git.acme.io/app.git", "url"))
        assert [finding.rule for finding in outcome.findings] == ["github-pat", "url-credentials"]
        assert token not in everything(outcome)
        assert evidence(outcome.findings[1])["user"] == f"{token[:6]}…{token[-2:]}"


class TestDiscretion:
    """Nothing that is told beside a secret holds it, or another."""

    def test_path(self, look: Look, rule: MakeRule) -> None:
        outcome = look(f"{TOKEN} {OTHER}", rule(), name=f"keys/{TOKEN}/{OTHER}.txt")
        assert [finding.place.path for finding in outcome.findings] == ["keys/acm…4/acm…5.txt"] * 2
        assert TOKEN not in everything(outcome)
        assert OTHER not in everything(outcome)

    def test_path_with_the_companion(self, scan: Look) -> None:
        text = make(TestPair.AWS, "path").replace("/", "x")
        identifier, secret = text.split()[2], text.split()[-1]
        outcome = scan(text, f"{identifier}_{secret}.csv")
        assert len(outcome.findings) == 1
        assert identifier not in everything(outcome)
        assert secret not in everything(outcome)

    def test_group_that_holds_most_of_the_secret_is_no_fact(self, look: Look, rule: MakeRule) -> None:
        outcome = look(TOKEN, rule(pattern="acme_(?P<region>[0-9a-z]{4})(?P<payload>[0-9a-z]{12})"))
        assert evidence(outcome.findings[0]) == {"region": "k3y0"}

    def test_name_in_front(self, look: Look, rule: MakeRule) -> None:
        named = rule("any-key", r"(?P<name>key) = (?P<secret>[a-z0-9]{12})", anchors=("key = ",), boundary="")
        outcome = look(f"{TOKEN}.key = a1b2c3d4e5f6", named, rule())
        assert evidence(outcome.findings[1]) == {"name": "acm…4.key"}

    def test_name_that_is_the_end_of_a_long_secret_in_front(self, look: Look, rule: MakeRule) -> None:
        named = rule("any-key", r"(?P<name>key) = (?P<secret>[a-z0-9]{12})", anchors=("key = ",), boundary="")
        long = rule(pattern="acme_[0-9a-z]{200}", max_len=205)
        secret = "acme_" + "k3y0z9x8w7" * 20
        outcome = look(f"{secret}.key = a1b2c3d4e5f6", named, long)
        assert evidence(outcome.findings[1]) == {"name": "….key"}

    def test_reason(self, look: Look, rule: MakeRule) -> None:
        outcome = look(f"# pitviper: allow[acme-token] fakes: {TOKEN} {OTHER}", rule())
        assert [item.reason for item in outcome.ignored] == ["fakes"] * 2
        assert TOKEN not in everything(outcome)

    def test_reason_with_the_companion(self, scan: Look) -> None:
        text = make(f"/* pitviper: allow[aws-access-key-id] fake */ {TestPair.AWS.replace(chr(10), ' ')}", "reason")
        outcome = scan(text)
        assert [item.reason for item in outcome.ignored] == ["fake"]
        assert text.split()[-1] not in everything(outcome)


class TestAllow:
    TEXT = f"key = '{TOKEN}'  # pitviper: allow[acme-token] a fake"

    def test_ignored_with_its_reason(self, look: Look, rule: MakeRule) -> None:
        outcome = look(self.TEXT, rule())
        assert outcome.findings == []
        assert [(item.finding.rule, item.reason) for item in outcome.ignored] == [("acme-token", "a fake")]

    def test_not_where_comments_are_not_honoured(self, look: Look, rule: MakeRule) -> None:
        outcome = look(self.TEXT, rule(), allow_comments=False)
        assert (told(outcome), outcome.ignored) == ([("acme-token", "acm…4")], [])

    def test_what_nobody_wants_to_see_is_hidden_not_ignored(self, look: Look, rule: MakeRule) -> None:
        outcome = look(self.TEXT, rule(), min_severity=Severity.CRITICAL)
        assert (outcome.ignored, outcome.hidden) == ([], Hidden(severity=1))


def test_no_column_in_a_line_that_begins_before_its_window(token: Callable[[str], str], tmp_path: Path) -> None:
    minified, wrapped = tmp_path / "app.min.js", tmp_path / "app.js"
    minified.write_text(f"{'x' * 5_000_000};{token('minified')}")
    wrapped.write_text(f"{'x' * 2_500_000}\n{'x' * 2_500_000}\n;{token('wrapped')}")
    where = {finding.place.path: finding.place for finding in pitviper.scan(tmp_path)}
    assert (where[str(minified)].line, where[str(minified)].column) == (1, None)
    assert (where[str(wrapped)].line, where[str(wrapped)].column) == (3, 2)
    assert {place.offset for place in where.values()} == {5_000_001, 5_000_003}


def test_thousands_of_matches_take_no_time(look: Look, rule: MakeRule) -> None:
    """Among thousands each is compared with its neighbours, not with all."""
    pair = Companion(name="key", pattern="nowhere", severity=Severity.LOW)
    tokens = [f"acme_{blake2b(bytes([n % 256, n // 256]), digest_size=16).hexdigest()}" for n in range(1900)]
    text = "".join(f"{'x' * 100} {token}  # pitviper: allow[acme-token] {'fake ' * 20}\n" for token in tokens)
    started = time.process_time()
    outcome = look(text, rule(pattern="acme_[0-9a-f]{32}", companions=(pair,)))
    assert len(outcome.ignored) == 1900
    assert time.process_time() - started < 5


def test_nothing_where_nothing_matches(look: Look, rule: MakeRule) -> None:
    outcome: Any = look("acme_ and nothing more", rule())
    assert (outcome.findings, outcome.ignored, outcome.hidden) == ([], [], Hidden())
