"""The one door through which a secret may be shown."""

from __future__ import annotations

import re

from pitviper.model.finding import Secret
from pitviper.model.place import escape

_LABEL = re.compile(r"-----(BEGIN [A-Z0-9 ]{1,60})-----")
"""What a block of PEM says about itself (RFC 7468)."""


def redact(secret: bytes) -> str:
    """Enough of `secret` to recognise it by, and too little to use it: `ghp_Ab…9Z`.

    A quarter of it at most, six characters in front and two at the end: nothing at all of fewer than 12 bytes. A block
    of PEM shows its label.
    """
    text = secret.decode("utf-8", "replace")
    label = _LABEL.match(text)
    if label and len(label[1]) * 4 <= len(text):
        return f"{label[1]} …"
    head = min(6, len(text) // 6)
    tail = min(2, len(text) // 12)
    if not tail:
        return "…"
    return f"{escape(text[:head])}…{escape(text[-tail:])}"


def tell(secret: bytes, *, show: bool) -> Secret:
    """What a report may hold of `secret`; its value only if the user asked to see it (`show`)."""
    value = secret.decode("utf-8", "backslashreplace") if show else None
    return Secret(redact(secret), len(secret), value)


def mask(text: str, secret: bytes) -> str:
    """`text` (a path, a piece of evidence) without `secret` in it."""
    plain = secret.decode("utf-8", "replace")
    return text.replace(plain, redact(secret)) if len(plain) > 3 and plain in text else text  # noqa: PLR2004
