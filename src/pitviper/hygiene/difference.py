"""How what differs between bytecode and source is shown: no secret, no control character, no novel."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from pitviper.bytecode.compare import Comparison, Difference, Kind
from pitviper.findings.fingerprint import fingerprint
from pitviper.findings.redact import mask, redact
from pitviper.formats import FORMATS
from pitviper.formats.interface import Verdict
from pitviper.model.finding import Evidence, Finding
from pitviper.model.place import escape
from pitviper.rules.schema import MAX_MATCH

_SHOWN = 5
_LONGEST = 60
"""Differences, and characters of a value, that are shown."""
_LEAST = 8
"""Characters from which on a value may be a password."""
_MOST_RULES = 20
"""Rules of findings in one file: to try a short value under one takes a millisecond."""

SecretsIn = Callable[[Iterable[str]], list[bytes]]
"""Finds the secrets in some texts."""


class Shown:
    """Shows the differences of one comparison. `findings` are those in the bytecode."""

    def __init__(self, secrets_in: SecretsIn, findings: Sequence[Finding], *, show_secrets: bool) -> None:
        self._secrets_in = secrets_in
        self._findings = findings
        self._ids = {one.id for one in findings}
        self._show_secrets = show_secrets

    def evidence(self, comparison: Comparison) -> Iterator[Evidence]:
        """The first differences, and how many more there are."""
        by_weight = sorted(comparison.differences, key=lambda one: one.kind is Kind.LINE)
        for difference in by_weight[:_SHOWN]:
            yield Evidence("difference", difference.words.format(self._value(difference)))
        more = len(comparison.differences) + comparison.more - _SHOWN
        if more > 0:
            yield Evidence("difference", f"and {more:,} more")

    def _value(self, difference: Difference) -> str:
        value = difference.value
        if isinstance(value, int):
            return str(value) if value.bit_length() < _LONGEST else _cut(hex(value))
        if isinstance(value, (float, complex)):
            return str(value)
        text = value if isinstance(value, str) else value.decode("utf-8", "backslashreplace")
        text = escape(_cut(text if self._show_secrets else self._masked(text, difference, _raw(value))))
        return f"'{text}'" if difference.kind is Kind.STRING else text

    def _masked(self, text: str, difference: Difference, raw: bytes) -> str:
        if not self._ids.isdisjoint(ids([difference], self._findings)) or _may_be_secret(raw):
            return redact(raw)
        for secret in self._secrets_in([text[: MAX_MATCH + _LONGEST]]):
            text = mask(text, secret)
        return text


def ids(differences: Iterable[Difference], findings: Iterable[Finding]) -> set[str]:
    """The ids that differing texts as a whole have as secrets under the rules of `findings`."""
    rules = sorted({one.rule for one in findings})[:_MOST_RULES]
    texts = [text for text in values(differences) if len(text) <= MAX_MATCH] if rules else []
    return {fingerprint(rule, text) for rule in rules for text in texts}


def values(differences: Iterable[Difference]) -> Iterator[bytes]:
    """The texts that differ."""
    return (_raw(one.value) for one in differences if isinstance(one.value, (str, bytes)))


def _raw(value: str | bytes) -> bytes:
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value


def _may_be_secret(value: bytes) -> bool:
    """Whether it is neither words, nor a path, nor code, nor a command: then it is not shown, whatever it is."""
    if not _LEAST <= len(value) <= MAX_MATCH or b" " in value:
        return False
    groups = {"name": b"password", "secret": value}
    return FORMATS["generic-secret"].check(value, groups).verdict is not Verdict.INVALID


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
