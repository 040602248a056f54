from __future__ import annotations

import os

import pytest

from pitviper.secrets.surroundings import is_made_up


@pytest.mark.parametrize(
    "path",
    [
        "tests/data.py",
        "test/data.py",
        "src/acme/tests/data.py",
        "test_app.py",
        "src/app_test.py",
        "src/app.test.js",
        "conftest.py",
        "docs/setup.md",
        "Documentation/setup.rst",
        "examples/app.py",
        "example.env",
        ".env.example",
        ".env.sample",
        "settings-example.py",
        "src/__snapshots__/a.snap",
        "spec/app.rb",
        "fixtures/key.pem",
        "acme-1.0.zip!/tests/key.pem",
        "cassettes/login.yaml",
        "mock-server/app.py",
        "benchmarks/run.py",
    ],
)
def test_made_up(path: str) -> None:
    assert is_made_up(path)


@pytest.mark.parametrize(
    "path",
    [
        "src/app.py",
        "latest/app.py",
        "contest/app.py",
        "protest.py",
        "attestation/key.pem",
        "doctor/app.py",
        "specific.py",
        "sampler.py",
        "democracy/app.py",
        ".env",
        "<stdin>",
        "",
    ],
)
def test_meant(path: str) -> None:
    assert not is_made_up(path)


def test_where_the_user_keeps_things_says_nothing() -> None:
    assert not is_made_up(os.path.abspath("/home/me/tests/app.py"))
    assert is_made_up(os.path.abspath("/home/me/project/test_app.py"))
