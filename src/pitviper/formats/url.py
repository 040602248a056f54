"""Passwords in URLs."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pitviper.formats.interface import Proof, Verdict
from pitviper.formats.placeholder import is_placeholder, is_reference
from pitviper.model.finding import Severity

_NOWHERE = re.compile(
    rb"(?:.|localhost|bucket|sha|127\.[\d.]+|0\.0\.0\.0|host|hostname|server|domain|db|database|proxy|url|site|myhost|myserver"
    rb"|(?:.*\.)?(?:example|test|invalid|localhost|local)"
    rb"|(?:.*[.-])?(?:example|domain|somewhere|foo|bar|host|server|mydomain|website)\.(?:com|org|net|io|de|co|tld|local))\.?",
    re.IGNORECASE,
)
"""Hosts that lead nowhere: reserved names (RFC 2606, RFC 6761), this machine, and the words of documentation."""

_NO_PASSWORD = re.compile(
    rb"pass|passw(?:or)?d?|password\d{0,3}|pwd|pw|secret|token|guest|anonymous|user|username|admin|root|test(?:ing)?\d{0,3}"
    rb"|postgres|mysql|mongo|redis|rabbit(?:mq)?|sa|none|null|empty|foo(?:bar)?|bar|baz|abc\d{0,3}|1234?5?6?|api[_-]?key|key"
    rb"|tiger.*|key[_-]?\d+|(?-i:[A-Z]+(?:_[A-Z]+)+)"
    rb"|my[_-]?(?:pass|secret|token|key|pw).*|(?:user|db|the|your|some|a)[_-]?(?:pass|pwd|pw|secret|token|key).*|hunter2"
    rb"|x-oauth-basic|x-token-auth|oauth2?|port|\d{1,5}",
    re.IGNORECASE,
)
_MARKS = re.compile(rb"[{}<>\[\]]|\$[A-Za-z_(]|%[s(]|\.\.\.|\*\*")
"""Marks of a template, or of code around the URL."""

_LOCAL = re.compile(rb"[\w-]+")


def check(secret: bytes, groups: Mapping[str, bytes]) -> Proof:
    """A password in a URL (RFC 3986, 3.2.1): INVALID where it is a word of documentation, or leads nowhere.

    Nothing proves a password, so the best is UNKNOWN; a host without a dot, as in a compose file, makes it MEDIUM.
    """
    host, user = groups.get("host", b""), groups.get("user", b"")
    if _NO_PASSWORD.fullmatch(secret) or is_placeholder(secret) or is_reference(user) or secret == user:
        return Proof(Verdict.INVALID)
    if _NOWHERE.fullmatch(host) or _MARKS.search(secret) or _MARKS.search(user):
        return Proof(Verdict.INVALID)
    return Proof(Verdict.UNKNOWN, severity=Severity.MEDIUM if _LOCAL.fullmatch(host) else None)
