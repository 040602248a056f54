"""Azure shared access signatures: the query of a URL that opens one resource for a while."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from random import Random

from pitviper.formats.encoding import base64_bytes, to_base64
from pitviper.formats.evidence import expiry, fact
from pitviper.formats.interface import Proof, Verdict
from pitviper.model.finding import Evidence, Severity

_PARAMETER = re.compile(rb"(?:^|[?&;\s])(?P<name>sig|se|sp|sr|skn|si)=(?P<value>[^&;\s\"'<>]{1,400})")
_ESCAPED = re.compile(rb"%(?P<hex>[0-9A-Fa-f]{2})")
_DAY = re.compile(rb"\d{4}-\d\d-\d\d")
_EPOCH = re.compile(rb"\d{9,11}")
_SIGNATURE_SIZE = 32  # bytes of HMAC-SHA256
_RIGHTS = {b"sp": "permissions", b"skn": "key", b"si": "policy"}


def check(secret: bytes, groups: Mapping[str, bytes]) -> Proof:
    """The query holds a signature of 32 bytes (`sig`); evidence tells permissions, policy and expiry (`se`).

    `se` is a date for storage, seconds since 1970 for Service Bus, Event Hubs and IoT. Expired is worth LOW.

    Source: Microsoft Learn, "Create a service SAS" and "Shared access signature for Service Bus".
    """
    del groups
    text = secret.replace(b"&amp;", b"&")
    values = {match["name"]: _unescaped(match["value"]) for match in _PARAMETER.finditer(text)}
    if len(base64_bytes(values.get(b"sig", b"")) or b"") != _SIGNATURE_SIZE:
        return Proof(Verdict.INVALID)
    rights = tuple(fact(name, values[key].decode("ascii", "replace")) for key, name in _RIGHTS.items() if key in values)
    expires, severity = _expiry(values.get(b"se", b""))
    return Proof(Verdict.VALID, (*rights, *expires), severity)


def make(rng: Random, before: str) -> str:
    """A query as the portal writes it, for a storage account."""
    del before
    signature = to_base64(rng.randbytes(_SIGNATURE_SIZE)).replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
    dates = f"se={rng.randrange(2090, 2100)}-01-31T09:30:00Z&st=2024-02-01T09:30:00Z"
    return f"sv=2022-11-02&ss=bfqt&srt=sco&sp=rwdlacup&{dates}&spr=https&sig={signature}"


def _expiry(text: bytes) -> tuple[tuple[Evidence, ...], Severity | None]:
    if _EPOCH.fullmatch(text):
        return expiry(int(text))
    day = _DAY.match(text)
    if day is None:
        return (), None
    if day[0].decode() < time.strftime("%Y-%m-%d", time.gmtime()):
        return (Evidence("expiry", f"expired {day[0].decode()}"),), Severity.LOW
    return (Evidence("expiry", f"expires {day[0].decode()}"),), None


def _unescaped(value: bytes) -> bytes:
    return _ESCAPED.sub(lambda match: bytes.fromhex(match["hex"].decode()), value)
