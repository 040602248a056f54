"""A rule file of an invented provider, to be broken in all ways."""

from __future__ import annotations

import pytest

ACME = """\
provider = "Acme"

[[rules]]
id = "acme-token"
name = "Acme token"
description = "Opens everything at Acme."
pattern = 'acme_[0-9a-z]{16}'
anchors = ["acme_"]
max_len = 21
severity = "high"
remedy = "Revoke it."
examples = ["acme_{base36:16}"]
counter_examples = ["acme_{base36:15}"]
"""


@pytest.fixture
def acme() -> str:
    return ACME
