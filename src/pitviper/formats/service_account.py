"""Keys of Google Cloud service accounts: a JSON object around a private key."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from pitviper.formats import pem
from pitviper.formats.encoding import json_object
from pitviper.formats.evidence import fact
from pitviper.formats.interface import Proof, Verdict

_BEGIN = b"-----BEGIN"
_FACTS = {"project_id": "project", "client_email": "account", "private_key_id": "key id"}


def check(secret: bytes, groups: Mapping[str, bytes]) -> Proof:
    """A JSON object of type `service_account`, also with its quotes escaped; evidence tells project, account and key.

    The verdict is that on its private key. Text that is no JSON (cut, or Python) is UNKNOWN where a private key parses
    in it or was cut, and INVALID otherwise.

    Source: Google Cloud, "Create and delete service account keys".
    """
    found = json_object(secret) or json_object(secret.replace(rb"\"", b'"').replace(rb"\\n", rb"\n"))
    if found is None:
        start = secret.find(_BEGIN)
        proof = pem.check(secret[start:], groups) if start >= 0 else Proof(Verdict.INVALID)
        return proof if proof.verdict is Verdict.INVALID else Proof(Verdict.UNKNOWN, proof.evidence)
    key = found.get("private_key")
    if found.get("type") != "service_account" or not isinstance(key, str):
        return Proof(Verdict.INVALID)
    proof = pem.check(key.strip().encode(), groups)
    if proof.verdict is Verdict.INVALID:
        return proof
    facts = tuple(fact(name, value) for key, name in _FACTS.items() if isinstance(value := found.get(key), str))
    return Proof(proof.verdict, (*facts, *proof.evidence))


def make(rng: Random, before: str) -> str:
    """A whole object as Google writes it, with a fake key."""
    project = f"acme-{rng.randrange(100, 1000)}"
    account = f"deploy@{project}.iam.gserviceaccount.com"
    key = pem.make(rng, before).replace("\n", "\\n")
    members = {
        "type": "service_account",
        "project_id": project,
        "private_key_id": rng.randbytes(20).hex(),
        "private_key": f"{key}\\n",
        "client_email": account,
        "client_id": str(rng.randrange(10**20, 10**21)),
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": "https://oauth2.googleapis.com/token",
        "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
        "client_x509_cert_url": f"https://www.googleapis.com/robot/v1/metadata/x509/{account.replace('@', '%40')}",
        "universe_domain": "googleapis.com",
    }
    return "{\n" + ",\n".join(f'  "{name}": "{value}"' for name, value in members.items()) + "\n}"
