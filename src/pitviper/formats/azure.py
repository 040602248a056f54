"""Azure keys that Microsoft made identifiable: a signature at a fixed place, and a Marvin32 checksum at the end."""

from __future__ import annotations

import re
from collections.abc import Mapping
from random import Random

import msgspec

from pitviper.formats.crc import BASE62
from pitviper.formats.encoding import base64_bytes, to_base62, to_base64
from pitviper.formats.evidence import fact
from pitviper.formats.interface import Proof, Verdict
from pitviper.formats.marvin import marvin32
from pitviper.model.finding import Evidence, Severity

_MATCHES = Evidence("checksum", "Marvin32 matches")
_CHECKSUM = 4  # bytes
_DEFAULT = b"Default0"

_CASK = re.compile(
    rb"[A-Za-z0-9]{52}JQQJ9(?P<kind>[9DH])(?P<year>[A-Za-z0-9])(?P<month>[A-L])[A-Za-z0-9]{16}"
    rb"(?P<provider>[A-Za-z][A-Za-z0-9]{3})[A-Za-z0-9]{4}(?:[A-Za-z0-9]{2}==)?"
)
_CASK_CHECKED = 60  # bytes before the checksum, which is 3 bytes, or 4 in the long form
_YEARS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_FIRST_YEAR = 2024
_PROVIDERS = {
    b"ACOG": "Azure AI services",
    b"APIM": "Azure API Management",
    b"AZAC": "Azure App Configuration",
    b"AZCS": "Azure Communication Services",
    b"AZDO": "Azure DevOps",
    b"AZEG": "Azure Event Grid",
    b"AZFR": "Azure Fluid Relay",
    b"AZMP": "Azure Maps",
    b"AZMR": "Azure Mixed Reality",
    b"MSQL": "Azure SQL",
    b"NUGT": "NuGet",
}


class _Family(msgspec.Struct, frozen=True):
    """Keys of one signature: their service, the seeds of their checksums, and whether some have another checksum."""

    service: str
    seeds: tuple[bytes, ...]
    others: bool = False


_MESSAGING = (b"Send0000", b"Listen00", b"Manage00", b"System00", b"Unknown0")
_FAMILIES = {
    b"+ABa": _Family("Azure Batch", (b"AbAcct00",)),
    b"+ACR": _Family("Azure Container Registry", (b"ACRDflt0",)),
    b"+AEh": _Family("Azure Event Hubs", _MESSAGING),
    b"+AMC": _Family("Azure Machine Learning", (b"Classic0",)),
    b"+ARm": _Family("Azure Relay", _MESSAGING),
    b"+ASb": _Family("Azure Service Bus", _MESSAGING),
    b"+ASt": _Family("Azure Storage", (_DEFAULT,)),
    b"ACDb": _Family(
        "Azure Cosmos DB",
        (b"MastRO00", b"MastRW00", b"Resour00", b"SystRO00", b"SystRW00", b"SysAll00", b"Encryp00"),
    ),
    b"AIoT": _Family("Azure IoT", (b"IoTHub00", b"DpsKey00", b"Device00")),
    b"APIM": _Family("Azure API Management", (b"Tenant00", b"IoTHub00", b"Gatewy00", b"GitKey00")),
    # The seed changed between versions of Microsoft's library.
    b"AZEG": _Family("Azure Event Grid", (b"SendRecv", _DEFAULT), others=True),
    # Some keys had + and / replaced by letters after the checksum was computed.
    b"AzCa": _Family("Azure Cache for Redis", (b"Access00",), others=True),
    b"AzFu": _Family("Azure Functions", (b"Functi00", b"Master00", b"System00")),
    b"AzSe": _Family("Azure AI Search", (b"Query000", b"PAdmin00")),
}


def check_cask(secret: bytes, groups: Mapping[str, bytes]) -> Proof:
    """Common annotated security keys (84 or 88 characters, `JQQJ9` at 52): month of creation, service, checksum.

    The checksum is Marvin32 over the first 60 bytes, in base64 or in base 62. VALID where it matches. UNKNOWN where it
    does not: Microsoft's own early test keys carry another one, so a mismatch proves nothing. `JQQJ9H` marks a hash
    made with a key, which opens nothing: INFO.

    Source: microsoft/security-utilities (MIT), `LegacyCommonAnnotatedSecurityKey.cs` and `IdentifiableSecrets.cs`;
    NuGet/NuGetGallery (Apache-2.0), `ApiKeyV5.cs`.
    """
    del groups
    shape = _CASK.fullmatch(secret)
    data = base64_bytes(secret) if shape else None
    if shape is None or data is None:
        return Proof(Verdict.INVALID)
    year = _FIRST_YEAR + _YEARS.index(shape["year"].decode())
    provider = shape["provider"].upper()
    evidence = (
        fact("service", f"{_PROVIDERS.get(provider, 'an Azure service')} ({provider.decode()})"),
        Evidence("created", f"{year}-{shape['month'][0] - ord('A') + 1:02}"),
    )
    severity = Severity.INFO if shape["kind"] == b"H" else None
    if data[_CASK_CHECKED:] in _cask_checksums(data):
        return Proof(Verdict.VALID, (_MATCHES, *evidence), severity)
    return Proof(Verdict.UNKNOWN, evidence, severity)


def make_cask(rng: Random, before: str) -> str:
    """A whole key of 84 characters."""
    del before
    provider = rng.choice(("ACOG", "AZDO", "AZMP", "APIM"))
    text = "".join(
        (*rng.choices(BASE62, k=52), "JQQJ99", "B", rng.choice("ABCDEFGHIJKL"), *rng.choices(BASE62, k=16), provider)
    )
    return text + to_base64(_cask_checksums(base64_bytes(text.encode()) or b"")[1][:3])


def check_identifiable(secret: bytes, groups: Mapping[str, bytes]) -> Proof:
    """Identifiable keys (44, 52, 56 or 88 characters): the signature before the last 6 names the service and the seed.

    The last 4 bytes are Marvin32 over the rest. INVALID where they do not match, as for Microsoft's own scanner;
    UNKNOWN for a signature that nobody published, and on a mismatch in Azure Cache for Redis and Event Grid, where
    genuine keys may have another checksum.

    Source: microsoft/security-utilities (MIT), `IdentifiableMetadata.cs`, `IdentifiableSecrets.cs` and
    `IdentifiableKey.cs`.
    """
    del groups
    text = secret.rstrip(b"=")
    data = base64_bytes(text)
    if data is None or len(data) <= _CHECKSUM:
        return Proof(Verdict.INVALID)
    family = _FAMILIES.get(text[-10:-6].replace(b"-", b"+"))
    if family is None:
        return Proof(Verdict.UNKNOWN)
    service = Evidence("service", family.service)
    if any(marvin32(data[:-_CHECKSUM], _seed(name)) == data[-_CHECKSUM:] for name in family.seeds):
        return Proof(Verdict.VALID, (_MATCHES, service))
    return Proof(Verdict.UNKNOWN, (service,)) if family.others else Proof(Verdict.INVALID)


def make_identifiable(rng: Random, before: str) -> str:
    """A whole key of a storage account: 88 characters."""
    del before
    return _made(rng, 76, "+ASt")


def make_identifiable_32(rng: Random, before: str) -> str:
    """A whole key of a Redis cache: 44 characters."""
    del before
    return _made(rng, 33, "AzCa")


def _made(rng: Random, size: int, signature: str) -> str:
    # The As hold the place of the checksum: base64 aligns by itself, with zeros between signature and checksum.
    head = (base64_bytes("".join((*rng.choices(BASE62, k=size), signature, "AAAAAA")).encode()) or b"")[:-_CHECKSUM]
    return to_base64(head + marvin32(head, _seed(_FAMILIES[signature.encode()].seeds[0])))


def _seed(name: bytes) -> int:
    """The seed that Microsoft derives from a name of eight characters."""
    return int.from_bytes(name, "big")


def _cask_checksums(data: bytes) -> tuple[bytes, bytes]:
    """The checksum of `data` as 3 or 4 bytes: as it is, and as the bytes behind its text in base 62."""
    plain = marvin32(data[:_CASK_CHECKED], _seed(_DEFAULT))
    zeros = "0" * min(len(plain) - len(plain.lstrip(b"\0")), len(plain) - 1)
    text = f"{zeros}{to_base62(int.from_bytes(plain, 'big'))}".ljust(6, "0")
    size = max(len(data) - _CASK_CHECKED, 3)
    return plain[:size], (base64_bytes(text.encode()) or b"")[:size]
