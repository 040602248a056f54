"""Files that are written whole or not at all: a reader never sees half of one, and a failure leaves the old one."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterable


def replace(path: str, pieces: Iterable[bytes]) -> None:
    """Write `pieces` into a new file beside `path`, and put it there when it is complete and on the disk.

    The permissions of a file that stands there already are kept; a new one obeys the umask. Raises OSError, also for a
    file that is write-protected: moving another one over it would succeed all the same.
    """
    try:
        mode = permissions(path)
    except FileNotFoundError:
        mode = None
    temporary = os.path.join(os.path.dirname(path), f".pitviper-{os.urandom(8).hex()}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    handle = os.open(temporary, flags, 0o666 if mode is None else 0o600)
    try:
        with open(handle, "wb") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(handle)
        if mode is not None:
            os.chmod(temporary, mode)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def permissions(path: str) -> int:
    """The permissions of the file or folder at `path`. Raises OSError, also if it is write-protected."""
    mode = os.stat(path).st_mode & 0o777
    if not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    return mode
