"""Values that stand in standards and documentation, and are copied from there into tests and docstrings everywhere."""

from __future__ import annotations

from hashlib import blake2b

_DIGESTS = frozenset(
    {
        # RFC 6749, OAuth 2.0
        "e6d1b65208cb54f6",
        "9a119b06a213486f",
        "d8c462af6f52aa71",
        "cd5b49fcc80a6e3d",
        "11c38988238e0512",
        "fc9f94683b968d58",
        # RFC 6750, bearer tokens
        "c2945bcd936cf1d3",
        # RFC 5849, OAuth 1.0
        "8c5321fdc8fcf422",
        "5ccf5a9d7a9ab802",
        "bf8bfbf6c62533dc",
        "eb764dd303d29e47",
        "b3b1b085bcd9fd99",
        "81ebb7bf259aa1f9",
        "6eb9aafb1f177f7c",
        "2893bbb23f2ed79f",
        # RFC 7617, HTTP basic authentication
        "a05b8aa8899378c2",
        "0d2a70e5b9fe4604",
        # RFC 7636, PKCE
        "f58ddb4b81ed1ff4",
        "d54b4d9e031be390",
        # rfc3986, the Python package: a doctest
        "f494085e08f1aaa4",
        # GnuTLS, lib/crypto-selftests-pk.c: the keys of its self tests, in every libgnutls
        "1acf1a37ba1fb6cc",
        "1e815149ccae3ba0",
        "435be3f9a2b1828c",
        "441c86836073ac9a",
        "65d5c1a928e62bc1",
        "6f7ef1bb1d9e4b8a",
        "947a641d25c0b82f",
        "9640c827570329f7",
        "a373a2a6d7e244b0",
        "c219ae2b6dd1e529",
        "eab3fc8f3a33508e",
        "f9ac3f17a9f5fed2",
        # Azurite, the emulator of Azure Storage: the account key that everyone has
        "20e88191d76dc156",
    }
)
"""BLAKE2b of each, 8 bytes in hexadecimal digits: nothing that looks like a secret stands in this file."""


def is_published(secret: bytes) -> bool:
    """Whether `secret` is one of the known examples."""
    return blake2b(secret, digest_size=8).hexdigest() in _DIGESTS
