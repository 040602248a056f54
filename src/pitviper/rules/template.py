"""Templates: example tokens that are made when they are needed, so that no token stands in a file.

`ghp_{base62:30}{crc32-base62}` is text with fields. A field is a character set with a length (`{hex:32}`) or a range of
lengths (`{base62:20-40}`), or the name of a format that can make its part (`{crc32-base62}`, `{private-key}`). `{{` and
`}}` stand for braces.
"""

from __future__ import annotations

import re
import string
from random import Random

from pitviper.errors import RuleError
from pitviper.formats import FORMATS

CHARSETS = {
    "base62": string.digits + string.ascii_uppercase + string.ascii_lowercase,
    "base64": string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/",
    "base64url": string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_",
    "base58": "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz",
    "base36": string.digits + string.ascii_lowercase,
    "base32": string.ascii_uppercase + "234567",
    "base32-lower": string.ascii_lowercase + "234567",
    "hex": "0123456789abcdef",
    "hex-upper": "0123456789ABCDEF",
    "digits": string.digits,
    "letters": string.ascii_letters,
    "lower": string.ascii_lowercase,
    "upper": string.ascii_uppercase,
    "upper-digits": string.ascii_uppercase + string.digits,
    "password": string.ascii_letters + string.digits + "!$^*-_=",
}
"""Name of a field → the characters it draws from."""

_FIELD = re.compile(r"\{\{|\}\}|\{([a-z0-9-]+)(?::([0-9]{1,6})(?:-([0-9]{1,6}))?)?\}|[{}]")


def make(template: str, seed: str) -> str:
    """The text of `template`, the same for the same `seed`; raises `RuleError` on a field that nobody makes."""
    rng = Random(seed)  # noqa: S311 - fakes for examples must be the same in every run
    text = ""
    last = 0
    for field in _FIELD.finditer(template):
        text += template[last : field.start()]
        text += _field(field, rng, text, template)
        last = field.end()
    return text + template[last:]


def _field(field: re.Match[str], rng: Random, before: str, template: str) -> str:
    name, low, high = field.groups()
    if name is None:
        if field[0] in ("{{", "}}"):
            return field[0][0]
        raise RuleError(f"a lone {field[0]!r} in the template {template!r}", hint="Write {{ or }} for a brace.")
    if name in CHARSETS and low is not None:
        if int(high or low) < int(low):
            raise RuleError(f"the field {field[0]!r} in the template {template!r} ends before it begins")
        length = rng.randint(int(low), int(high or low))
        return "".join(rng.choices(CHARSETS[name], k=length))
    fmt = FORMATS.get(name)
    if fmt is None or fmt.make is None or low is not None:
        raise RuleError(
            f"unknown field {field[0]!r} in the template {template!r}",
            hint=f"Character sets (with a length, as in {{hex:32}}): {', '.join(CHARSETS)}. "
            f"Formats: {', '.join(key for key, value in FORMATS.items() if value.make)}.",
        )
    return fmt.make(rng, before)
