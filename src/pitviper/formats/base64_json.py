"""Tokens that carry a JSON object in base64: Sentry's, Grafana Cloud's, 1Password's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from random import Random

from pitviper.formats.crc import BASE62
from pitviper.formats.encoding import base64_bytes, json_object, to_base64, to_json
from pitviper.formats.evidence import date, fact
from pitviper.formats.interface import Proof, Verdict
from pitviper.model.finding import Evidence

_PREFIX = re.compile(rb"\A[a-z]{2,8}_")
_RUN = re.compile(rb"[A-Za-z0-9+/]+")
_URL_RUN = re.compile(rb"[\w-]+", re.ASCII)
_SIZE = 204  # bytes of a fake: 272 characters, as many as a pattern for any of the three allows
_NAMES = {
    "org": "organisation",
    "o": "organisation",
    "n": "name",
    "url": "host",
    "region_url": "region",
    "signInAddress": "host",
    "email": "account",
}
"""Members that may be told, and what they are called; keys and passwords are not among them."""


def check(secret: bytes, groups: Mapping[str, bytes]) -> Proof:
    """The longest run of base64, or of base64url, decodes to a JSON object; evidence tells organisation, host and more.

    Source: getsentry/sentry, `orgauthtoken_token.py` (the facts only); CredSweeper (MIT), `value_grafana_check.py`.
    """
    del groups
    text = _PREFIX.sub(b"", secret, count=1)
    for run in (_RUN, _URL_RUN):
        found = json_object(base64_bytes(max(run.findall(text), key=len, default=b"")) or b"")
        if found:
            return Proof(Verdict.VALID, _told(found))
    return Proof(Verdict.INVALID)


def make(rng: Random, before: str) -> str:
    """An object with the members of all three in base64, 272 characters without padding; no host in it exists."""
    del before
    acme = f"acme-{rng.randrange(100, 1000)}"
    claims = {
        "iat": rng.randrange(1_700_000_000, 1_760_000_000),
        "url": f"https://{acme}.internal",
        "region_url": "https://eu.acme.internal",
        "org": acme,
        "o": str(rng.randrange(100_000, 1_000_000)),
        "n": f"stack-{rng.randrange(100, 1000)}",
        "k": "",
        "m": {"r": "eu"},
    }
    claims["k"] = "".join(rng.choices(BASE62, k=_SIZE - len(to_json(claims))))
    return to_base64(to_json(claims))


def _told(found: dict[str, object]) -> tuple[Evidence, ...]:
    facts = [
        fact(name, str(value))
        for key, name in _NAMES.items()
        if isinstance(value := found.get(key), str | int) and value
    ]
    issued = found.get("iat")
    if isinstance(issued, int | float) and date(issued):
        facts.append(Evidence("issued", date(issued)))
    return tuple(facts)
