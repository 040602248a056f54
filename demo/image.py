"""A container image as `docker save` writes it, made with Python's own modules: the story of a leak.

An early layer holds a token in a source file, in a configuration file and in a wheel. A later layer deletes them: they
are gone from the container that runs, and not from the image that is shipped. And it holds what leaked in July 2024: a
source whose token was taken out, and the bytecode beside it, which was compiled before.
"""

from __future__ import annotations

import hashlib
import io
import json
import marshal
import struct
import sys
import tarfile
import zipfile
from collections.abc import Collection
from importlib.util import MAGIC_NUMBER
from pathlib import Path

from pitviper.rules.template import make

STEPS = (
    "FROM python:3.13-slim",
    "COPY . /app",
    "RUN pip install --no-cache-dir /app/vendor/*.whl",
    "RUN rm -rf /app/release.py /app/deploy.ini /app/vendor",
)
"""The Dockerfile, step by step; each made a layer."""

_SOURCE = 'import os\n\n\ndef publish():\n    push(token="ghp_{base62:30}{crc32-base62}")\n'
_LEAK = 'def fetch_dockerfile():\n    return get(FILES, token="ghp_{base62:30}{crc32-base62}")\n'
_CLEANED = 'import os\n\n\ndef fetch_dockerfile():\n    return get(FILES, token=os.environ["GITHUB_TOKEN"])\n'
_CONFIG = "[index]\nusername = __token__\npassword = pypi-{pypi-macaroon}\n"
_WHEEL = 'KEY = "sk-proj-{base64url:74}T3BlbkFJ{base64url:74}"\n'

EXPECTED = {
    "app.tar!/layer:2!/app/release.py": "github-pat",
    "app.tar!/layer:2!/app/deploy.ini": "pypi-token",
    "app.tar!/layer:2!/app/vendor/assistant-1.0-py3-none-any.whl!/assistant/client.py": "openai-project-key",
}
"""Path below the demo's folder → rule. All are removed in layer 4."""
BYTECODE = f"app/__pycache__/build.{sys.implementation.cache_tag}.pyc"
LEFT = {(f"app.tar!/layer:2!/{BYTECODE}", rule) for rule in ("github-pat", "stale-bytecode", "shipped-bytecode")}
"""The same for what nobody removes."""


def save(path: Path, without: Collection[str] = ()) -> None:
    """Write the image to `path`, without some of the files that the second layer copies."""
    copied = {
        "app/main.py": b"print('hello')\n",
        "app/release.py": make(_SOURCE, "demo/release").encode(),
        "app/build.py": _CLEANED.encode(),
        BYTECODE: _pyc(make(_LEAK, "demo/leak")),
        "app/deploy.ini": make(_CONFIG, "demo/deploy").encode(),
        "app/vendor/assistant-1.0-py3-none-any.whl": _wheel(),
    }
    layers = [
        _tar({"etc/os-release": b"ID=debian\n", "usr/bin/python3": b"\x7fELF"}),
        _tar({name: content for name, content in copied.items() if name not in without}),
        _tar({"usr/lib/python3.13/site-packages/assistant/__init__.py": b""}),
        _tar({"app/.wh.release.py": b"", "app/.wh.deploy.ini": b"", "app/.wh.vendor": b""}),
    ]
    names = [hashlib.sha256(layer).hexdigest() for layer in layers]
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Env": ["PATH=/usr/local/bin:/usr/bin"], "Cmd": ["python3", "/app/main.py"]},
            "history": [{"created_by": step} for step in STEPS],
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{name}" for name in names]},
        }
    ).encode()
    config_name = f"{hashlib.sha256(config).hexdigest()}.json"
    manifest = [{"Config": config_name, "RepoTags": ["app:1"], "Layers": [f"{name}/layer.tar" for name in names]}]
    members = {f"{name}/layer.tar": layer for name, layer in zip(names, layers, strict=True)}
    path.write_bytes(_tar({**members, config_name: config, "manifest.json": json.dumps(manifest).encode()}))


def _pyc(source: str) -> bytes:
    """`source`, as this Python compiles it. Nothing of it is run."""
    code = compile(source, "/app/build.py", "exec", dont_inherit=True)
    return MAGIC_NUMBER + struct.pack("<3I", 0, 0, len(source)) + marshal.dumps(code)


def _tar(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def _wheel() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("assistant/client.py", make(_WHEEL, "demo/client"))
        archive.writestr("assistant-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: assistant\nVersion: 1.0\n")
        archive.writestr(
            "assistant-1.0.dist-info/RECORD", "assistant/client.py,,\nassistant-1.0.dist-info/METADATA,,\n"
        )
    return out.getvalue()
