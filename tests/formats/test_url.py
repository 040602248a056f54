"""Passwords in URLs: those that open something, and those of documentation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitviper.formats.interface import Proof, Verdict
from pitviper.formats.url import check
from pitviper.model.finding import Severity


def checked(user: str, password: str, host: str) -> Proof:
    return check(password.encode(), {"user": user.encode(), "host": host.encode()})


@pytest.mark.parametrize(
    ("user", "password", "host"),
    [
        ("app", "kQ7vB2zLp9", "db.acme.io"),
        ("", "kQ7vB2zLp9", "cache.acme.io"),
        ("root", "hunter2!x", "10.2.3.4"),
        ("admin", "correct-horse", "mongo-1.prod.acme.net"),
        ("deploy", "password-of-acme", "git.acme.de"),
        ("token", "glx-a1b2c3d4e5", "packages.acme.dev"),
        ("app", "pa%24%24w0rd", "db.acme.io"),
    ],
)
def test_password(user: str, password: str, host: str) -> None:
    assert checked(user, password, host) == Proof(Verdict.UNKNOWN)


@pytest.mark.parametrize("host", ["postgres", "rabbitmq", "my-db_1", "backend"])
def test_host_without_a_dot_matters_less(host: str) -> None:
    assert checked("app", "kQ7vB2zLp9", host) == Proof(Verdict.UNKNOWN, severity=Severity.MEDIUM)


@pytest.mark.parametrize(
    "password",
    [
        "password", "passwd", "pass", "password123", "secret", "token", "guest", "admin", "root", "postgres", "mysql",
        "123456", "12345", "test", "foobar", "my-password", "mysecretpw", "your_token", "db_password", "api_key",
        "x-oauth-basic", "8080", "changeme", "xxxxxxxx", "***", "...", "PASSWORD", "hunter2",
        "${DB_PASSWORD}", "$PASSWORD", "{password}", "<password>", "%s", "%(password)s", "[password]", "a{b}c1",
    ],
)  # fmt: skip
def test_password_of_documentation(password: str) -> None:
    assert checked("app", password, "db.acme.io").verdict is Verdict.INVALID


@pytest.mark.parametrize(
    "host",
    [
        "localhost", "127.0.0.1", "127.1.2.3", "0.0.0.0", "example.com", "db.example.org", "example", "host", "HOST",
        "hostname", "server", "acme.test", "db.invalid", "printer.local", "my.domain.com", "www.foo.com",
        "example.com.", "proxy", "my-server.com",
    ],
)  # fmt: skip
def test_host_that_leads_nowhere(host: str) -> None:
    assert checked("app", "kQ7vB2zLp9", host).verdict is Verdict.INVALID


@pytest.mark.parametrize(
    "host", ["example.acme.io", "testing.acme.io", "localhost.acme.io", "127acme.io", "hosting.io"]
)
def test_host_that_leads_somewhere(host: str) -> None:
    assert checked("app", "kQ7vB2zLp9", host).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("user", ["${USER}", "{user}", "<user>", "$USER", "%s", "%(user)s", "kQ7vB2zLp9"])
def test_user_that_says_so(user: str) -> None:
    assert checked(user, "kQ7vB2zLp9", "db.acme.io").verdict is Verdict.INVALID


@given(st.binary(max_size=128), st.binary(max_size=64), st.binary(max_size=128))
def test_any_bytes(password: bytes, user: bytes, host: bytes) -> None:
    assert check(password, {"user": user, "host": host}).verdict in (Verdict.UNKNOWN, Verdict.INVALID)


@pytest.mark.parametrize("host", [b"a." * 64, b"a-" * 64, b"foo." * 32, b"." * 128])
def test_long_hosts_take_no_time(host: bytes) -> None:
    assert check(b"kQ7vB2zLp9", {"host": host}).verdict is Verdict.UNKNOWN
