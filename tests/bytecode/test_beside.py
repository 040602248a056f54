"""Which source a compiled file stands for."""

from __future__ import annotations

import pytest

from pitviper.bytecode.beside import level_of, source_of


@pytest.mark.parametrize(
    ("path", "source", "level"),
    [
        ("app/__pycache__/build.cpython-311.pyc", "app/build.py", 0),
        ("app/__pycache__/build.cpython-311.opt-2.pyc", "app/build.py", 2),
        ("__pycache__/build.pypy39.opt-1.pyc", "build.py", 1),
        ("/app/__pycache__/build.cpython-311.pyc", "/app/build.py", 0),
        ("/__pycache__/build.cpython-311.pyc", "/build.py", 0),
        ("app/__pycache__/a.b.cpython-311.pyc", "app/a.b.py", 0),
        ("app/build.pyc", "app/build.py", 0),
        ("build.pyo", "build.py", 0),
        ("app/__pycache__/test_a.cpython-311-pytest-8.4.1.pyc", None, 0),
        ("app/__pycache__/build.so", None, 0),
        (".pyc", None, 0),
    ],
)
def test_names(path: str, source: str | None, level: int) -> None:
    assert (source_of(path), level_of(path)) == (source, level)
