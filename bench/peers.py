"""The scanners to compare with, in a virtual environment of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import venv

import msgspec

PACKAGES = ("kingfisher-bin", "detect-secrets")
"""By name, from the package index that pip is configured for; the newest."""

_FACTS = """
import json, kingfisher
from importlib.metadata import version
print(json.dumps({"kingfisher": kingfisher.get_binary_path(), "versions": [version(name) for name in %r]}))
"""
"""Run by the peers' own Python. The binary is asked for, because the `kingfisher` script is a Python that starts it."""


class Peers(msgspec.Struct, frozen=True):
    """Paths of the programs, and their versions in the order of `PACKAGES`."""

    kingfisher: str
    detect_secrets: str
    versions: tuple[str, ...]


class _Facts(msgspec.Struct):
    kingfisher: str
    versions: tuple[str, ...]


def install(work: str) -> Peers:
    """The peers under `work`, installed if they are not there yet. Raises `subprocess.CalledProcessError`."""
    folder = os.path.join(work, "peers")
    python = os.path.join(folder, "bin", "python")
    if not os.path.exists(os.path.join(folder, "bin", "detect-secrets")):
        venv.create(folder, clear=True, with_pip=True)
        pip = [python, "-m", "pip", "install", "-qq", "--disable-pip-version-check", *PACKAGES]
        subprocess.run(pip, check=True, stdout=sys.stderr)
    told = subprocess.run([python, "-c", _FACTS % (PACKAGES,)], check=True, capture_output=True)
    facts = msgspec.json.decode(told.stdout, type=_Facts)
    return Peers(facts.kingfisher, os.path.join(folder, "bin", "detect-secrets"), facts.versions)
