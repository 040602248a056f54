"""Compiled Python, with magic numbers that are known: `python fuzz/fuzz_bytecode.py -max_total_time=60 [CORPUS]`."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["pitviper"]):
    from pitviper.bytecode import pyc, render
    from pitviper.bytecode.code import walk
    from pitviper.bytecode.lines import Lines, handlers

_MAGIC = (62211, 3131, 3230, 3351, 3379, 3394, 3413, 3425, 3439, 3495, 3531, 3571, 3627, 3666, 336, 22138)
"""A version of each kind: the fuzzer's first byte chooses, or chooses none."""


def one(data: bytes) -> None:
    """Read it, and all its tables; then evaluate it."""
    if data[:1] and data[0] < len(_MAGIC):
        data = _MAGIC[data[0]].to_bytes(2, "little") + b"\r\n" + data[1:]
    found = pyc.read(data)
    pyc.begins(data[: pyc.HEAD])
    if found.code is None:
        if not found.problem:
            raise RuntimeError("there is nothing, and nobody says why")
        return
    for code, _ in walk(found.code):
        list(Lines(code))
        list(handlers(code))
    render.render(found.code)


atheris.Setup(sys.argv, one)
atheris.Fuzz()
