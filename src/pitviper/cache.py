"""A folder of things that are costly to make and cheap to make again: parsed rules, compiled patterns.

Nothing here is needed for a right answer: whatever cannot be read, written or trusted is made anew, without a word. A
file counts only if its own digest stands in front of it, and the folder only if no other user can write to it, because
compiled patterns are data that native code believes.
"""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from hashlib import blake2b

from pitviper import atomic

_DIGEST_SIZE = 32


def load(name: str) -> bytes | None:
    """The bytes stored under `name`, or None if there are none that can be trusted."""
    folder = _folder()
    if folder is None:
        return None
    try:
        with open(os.path.join(folder, name), "rb") as file:
            data = file.read()
    except OSError:
        return None
    payload = data[_DIGEST_SIZE:]
    return payload if payload and _digest(payload) == data[:_DIGEST_SIZE] else None


def store(name: str, payload: bytes) -> None:
    """Keep `payload` under `name`; atomic, so that runs at the same time never see half of it."""
    folder = _folder()
    if folder is None:
        return
    with contextlib.suppress(OSError):
        atomic.replace(os.path.join(folder, name), (_digest(payload), payload))


def _digest(payload: bytes) -> bytes:
    return blake2b(payload, digest_size=_DIGEST_SIZE).digest()


def _folder() -> str | None:
    """The cache folder, made if need be: `PITVIPER_CACHE_DIR` (empty: no cache) or the platform's place for caches."""
    folder = os.environ.get("PITVIPER_CACHE_DIR")
    if folder is None:
        from platformdirs import user_cache_dir  # noqa: PLC0415 - 5 ms, not needed where the variable is set

        folder = user_cache_dir("pitviper", appauthor=False)
    if not folder:
        return None
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        status = os.stat(folder)
    except OSError:
        return None
    if sys.platform != "win32" and (status.st_uid != os.geteuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)):
        return None
    return folder
