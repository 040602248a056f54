from __future__ import annotations

import re
import timeit
from hashlib import blake2b

from hypothesis import given
from hypothesis import strategies as st

from pitviper.findings.fingerprint import fingerprint


def test_is_stable() -> None:
    """Baselines hold it: another value would bring back all that was accepted."""
    assert fingerprint("acme-token", b"correct horse battery staple") == "d5d0b01c2ef1494414d0fa7ed4770a57"
    assert fingerprint("acme-token", b"hunter2") == "8cd097a1205eedbcc2818719bfda5da7"


def test_differs_by_rule() -> None:
    for secret in (b"short", b"a secret of more than 24 bytes"):
        assert fingerprint("acme-token", secret) != fingerprint("acme-key", secret)


@given(st.binary(max_size=64), st.binary(max_size=64))
def test_differs_by_secret(one: bytes, other: bytes) -> None:
    assert (fingerprint("acme-token", one) == fingerprint("acme-token", other)) == (one == other)


@given(st.binary(min_size=1, max_size=64))
def test_is_a_number_and_nothing_else(secret: bytes) -> None:
    assert re.fullmatch("[0-9a-f]{32}", fingerprint("acme-token", secret))


def test_length_of_a_rule_id_is_no_limit() -> None:
    assert re.fullmatch("[0-9a-f]{32}", fingerprint("a-" * 100 + "b", b"secret"))


def test_short_secrets_are_costly_to_guess() -> None:
    """A dictionary of passwords must not be tried in a moment: scrypt, with its cost in time and memory."""
    short = timeit.timeit(lambda: fingerprint.__wrapped__("acme-token", b"hunter2"), number=5)
    plain = timeit.timeit(lambda: blake2b(b"hunter2").hexdigest(), number=5)
    assert short > plain * 20
