"""Keys of Fernet, the recipe of `cryptography`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from pitviper.formats.encoding import base64_bytes, to_base64url
from pitviper.formats.interface import Proof, Verdict

_TEXT, _SIZE = 44, 32  # characters, and the bytes behind them
_FEWEST = 8  # different bytes; random ones have about 30


def check(secret: bytes, groups: Mapping[str, bytes]) -> Proof:
    """Forty-four characters of base64url as an encoder writes them, for 32 bytes that vary. All such text is UNKNOWN.

    Source: the Fernet specification (github.com/fernet/spec), "Key format".
    """
    del groups
    data = base64_bytes(secret) or b""
    whole = len(secret) == _TEXT and len(data) == _SIZE and len(set(data)) >= _FEWEST
    written = whole and f"{to_base64url(data)}=" == secret.replace(b"+", b"-").replace(b"/", b"_").decode()
    return Proof(Verdict.UNKNOWN if written else Verdict.INVALID)


def make(rng: Random, before: str) -> str:
    """A whole key."""
    del before
    return f"{to_base64url(rng.randbytes(_SIZE))}="
