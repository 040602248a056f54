"""Native programs, with what tools for Python put into them: `python fuzz/fuzz_executable.py -max_total_time=60`."""

from target import fuzz

from pitviper.unpack import executable, nuitka, pyinstaller

_MARKS = b"\0cython_runtime\0.bytecode\0"


def _prepare(data: bytes) -> bytes:
    """As a program that Python's tools made."""
    return data + _MARKS if data[:1] == b"\x7f" else data


fuzz([executable.FORMAT, nuitka.FORMAT, pyinstaller.FORMAT], _prepare)
