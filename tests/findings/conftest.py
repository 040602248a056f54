"""A finding to start from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from pitviper.findings.fingerprint import fingerprint
from pitviper.findings.redact import tell
from pitviper.model.finding import Audience, Confidence, Finding, Kind, Severity
from pitviper.model.place import Link, Place


@pytest.fixture
def found() -> Callable[..., Finding]:
    """A function from a secret to what was found of it."""

    def make(
        secret: str,
        path: str = "src/app.py",
        line: int | None = 1,
        rule: str = "acme-token",
        **fields: Any,
    ) -> Finding:
        finding = Finding(
            id=fingerprint(rule, secret.encode()),
            kind=Kind.SECRET,
            rule=rule,
            title="Acme token",
            severity=Severity.HIGH,
            confidence=Confidence.FIRM,
            audience=Audience.EVERYONE,
            place=Place(path, (Link("tree", "."), Link("file", path)), line, 5, 100),
            secret=tell(secret.encode(), show=False),
        )
        return replace(finding, **fields)

    return make
