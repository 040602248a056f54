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
        # digests of nothing, and of the words `password`, `123456`, `admin`, `test`, `hello`, `secret`
        "0e8cef8f7e3f79f1",
        "16ba242b5281d5d7",
        "1824d7f364336ff9",
        "23aa79284d849467",
        "3e573b7ebddeb43b",
        "457e5086b0e198ab",
        "49afdb94cab9e326",
        "595eb577ef33023b",
        "5aec36b1a2ecf809",
        "5c13cbe35b066f15",
        "617f5f63b8e676ad",
        "62dbd4bcc9027eec",
        "636c5bf9c7606a03",
        "6cb829fbc1d1b4f5",
        "6cd4ddd6c06cafa1",
        "7ee0a11ef2115f59",
        "92bea8d6aa343c06",
        "9b2215c6b7c47171",
        "ae7721daff8b1721",
        "af6b5734ed866a85",
        "bae8313677eb8754",
        "bc1a391a3d1e4af6",
        "bc4695412dcf09cc",
        "bfaa8ee27c41083a",
        "c50b7e0a3ef2ba45",
        "db73c83cbe63d9a9",
        "ebacd0ca6cfecb0c",
        "fd79b7c9cc5ccbfe",
        # NIST SP 800-38A and FIPS 197: keys of the AES test vectors
        "ace7f6e9f499b94d",
        "831680a71f959faf",
        "90921d1ed8140901",
        # RFC 6238, TOTP: the seeds of its test vectors, in hexadecimal digits and in base 32
        "3705bf720ae94f4e",
        "97ce4ce6b9406644",
        "567ae70c861c6fbf",
        "fc39d7270b36402b",
        "49c287286ce93c53",
        "e25117dd920c049e",
        # the Fernet specification
        "7c65bcd8f47ce178",
        # Google, reCAPTCHA FAQ: keys for automated tests
        "c006eb4284f1825b",
        "42a99a297bc46687",
        # Stripe, API reference: the test key of its examples
        "826e0fd9a88ef5e1",
        # Discord, developer documentation: the token of its examples
        "a168a3b201be2c58",
    }
)
"""BLAKE2b of each, 8 bytes in hexadecimal digits: nothing that looks like a secret stands in this file."""


def is_published(secret: bytes) -> bool:
    """Whether `secret` is one of the known examples."""
    return blake2b(secret, digest_size=8).hexdigest() in _DIGESTS or (
        secret.isupper() and blake2b(secret.lower(), digest_size=8).hexdigest() in _DIGESTS  # digests in capitals
    )
