from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pitviper.findings.redact import mask, redact, tell

plain = st.characters(min_codepoint=0x20, max_codepoint=0x7E)
pem = st.builds(
    "-----BEGIN {}-----{}".format, st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ", max_size=80), st.text(plain)
)


@pytest.mark.parametrize(
    ("secret", "shown"),
    [
        ("ghp_" + "Ab" + "x" * 32 + "9Z", "ghp_Ab…9Z"),
        ("a" * 24, "aaaa…aa"),
        ("abcdefghijkl", "ab…l"),
        ("abcdefghijk", "…"),
        ("a", "…"),
        ("", "…"),
        ("größe" * 6, "größe…ße"),
        ("\x1b[2J" + "a" * 32 + "\u202e\n", "\\x1b[2Jaa…\\u202e\\n"),
        ("-----BEGIN " + "RSA PRIVATE KEY-----\n" + "MII" * 100, "BEGIN RSA PRIVATE KEY …"),
        ("-----BEGIN " + "PGP PRIVATE KEY BLOCK-----\\n" + "xsB" * 100, "BEGIN PGP PRIVATE KEY BLOCK …"),
        ("-----BEGIN" + "MyPassword", "---…d"),
        ("-----BEGIN " + "MYPASSWORD-----", "----…--"),
    ],
)
def test_redacted(secret: str, shown: str) -> None:
    assert redact(secret.encode()) == shown


@given(st.text(plain, max_size=200) | pem)
def test_never_shows_more_than_a_quarter(secret: str) -> None:
    shown = redact(secret.encode())
    assert shown.count("…") == 1
    assert (len(shown) - len("…")) * 4 <= len(secret) + 4 * shown.endswith(" …")
    assert all(part.strip() in secret for part in shown.split("…"))


@given(st.binary(max_size=11))
def test_short_secrets_show_nothing(secret: bytes) -> None:
    assert redact(secret) == "…"


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_steers_no_terminal(secret: bytes) -> None:
    assert redact(secret).isprintable()


def test_tell() -> None:
    told = tell(b"correct horse battery staple", show=False)
    assert (told.redacted, told.length, told.value) == ("corr…le", 28, None)
    assert tell(b"correct horse battery staple", show=True).value == "correct horse battery staple"
    assert tell(b"\xff\x00key", show=True).value == "\\xff\x00key"
    assert tell("größe".encode(), show=False).length == 7


def test_repr_never_shows_the_value() -> None:
    assert "horse" not in repr(tell(b"correct horse battery staple", show=True))


class TestMask:
    def test_secret_in_a_path(self) -> None:
        assert mask("keys/correct horse battery staple.txt", b"correct horse battery staple") == "keys/corr…le.txt"

    def test_every_place_of_it(self) -> None:
        assert mask("hunter2/hunter2", b"hunter2") == "…/…"

    def test_text_without_it_stays(self) -> None:
        assert mask("src/app.py", b"hunter2") == "src/app.py"

    def test_what_is_too_short_to_be_meant_stays(self) -> None:
        assert mask("src/app.py", b"app") == "src/app.py"

    @given(st.text(max_size=20), st.text(min_size=4, max_size=50), st.text(max_size=20))
    def test_nothing_else_is_touched(self, before: str, secret: str, after: str) -> None:
        text = f"{before}/{secret}/{after}"
        assume(text.count(secret) == 1)
        assert mask(text, secret.encode()) == f"{before}/{redact(secret.encode())}/{after}"
