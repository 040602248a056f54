"""Compiled Python of every version with some bytes changed: `python fuzz/mutate_bytecode.py --seconds 60 [FILE...]`.

Beside what `fuzz_bytecode.py` comes upon by coverage, this starts from whole files that are nearly right, and watches
seconds and memory. Begins with the fixtures of the tests; more files may be named. Ends with 1 if anything was wrong;
the seed of each such file makes it again: `--seed N --seconds 0`.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import random
import resource
import sys
import time
import traceback
import zlib
from collections.abc import Iterator
from pathlib import Path

from pitviper.bytecode import pyc, render
from pitviper.bytecode.code import walk
from pitviper.bytecode.lines import Lines, handlers

_FIXTURES = Path(__file__).resolve().parent.parent / "tests" / "bytecode" / "fixtures"
_MAGIC = {
    "2.7": 62211,
    "3.6": 3379,
    "3.7": 3394,
    "3.8": 3413,
    "3.9": 3425,
    "3.10": 3439,
    "3.11": 3495,
    "3.12": 3531,
    "3.13": 3571,
    "3.14": 3627,
    "3.15": 3666,
    "pypy3.9": 336,
}
_OTHER_MAGIC = (*_MAGIC.values(), 3131, 3151, 3180, 3230, 3310, 3351, 22138, 62218, 416, 12345)
_TYPES = b"0NFTS.iIlfgxyzZaAstRuc()[{<>:}r"
_NUMBERS = (0, 1, 2, 127, 128, 255, 256, 32767, 65535, 65536, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_MOST_SECONDS = 2.0
_MOST_MEMORY = 200 * 1024
"""KiB, beyond what the process had before the first file."""


def main() -> None:
    """Change, read, evaluate, and tell."""
    wanted = _arguments()
    samples = [*_fixtures(), *(Path(name).read_bytes() for name in wanted.files)]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seed, files, wrong, slowest = wanted.seed, 0, 0, 0.0
    end = time.process_time() + wanted.seconds
    while True:
        data = changed(samples, random.Random(seed))
        started = time.process_time()
        try:
            look(data)
        except Exception:  # noqa: BLE001 - whatever it is, it is to be told
            wrong += 1
            print(f"seed {seed}: {traceback.format_exc()}", flush=True)
        seconds = time.process_time() - started
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        slowest = max(slowest, seconds)
        if seconds > _MOST_SECONDS or memory > _MOST_MEMORY:
            wrong += 1
            print(f"seed {seed}: {seconds:.1f} s, {memory / 1024:.0f} MiB more, {len(data):,} bytes", flush=True)
            before += max(0, memory - _MOST_MEMORY)
        files += 1
        seed += 1
        if time.process_time() >= end:
            break
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{files:,} files, {wrong} wrong, slowest {slowest:.2f} s, peak {memory / 1024:.0f} MiB, next seed {seed}")
    sys.exit(bool(wrong))


def look(data: bytes) -> None:
    """All that a scan does with it."""
    found = pyc.read(data)
    if found.code is None:
        return
    for code, _ in walk(found.code):
        list(Lines(code))
        list(handlers(code))
    render.render(found.code)


def changed(samples: list[bytes], rng: random.Random) -> bytes:
    """One of `samples`, changed in a few places."""
    data = bytearray(rng.choice(samples))
    for _ in range(rng.choice((1, 1, 2, 3, 5, 20))):
        at = rng.randrange(len(data))
        kind = rng.randrange(8)
        if kind == 0:
            data[at] = rng.randrange(256)
        elif kind == 1:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 2:  # noqa: PLR2004
            data[at : at + 4] = rng.choice(_NUMBERS).to_bytes(4, "little")
        elif kind == 3:  # noqa: PLR2004
            data[at] = rng.choice(_TYPES) | rng.choice((0, 0x80))
        elif kind == 4:  # noqa: PLR2004
            del data[at : at + rng.choice((1, 2, 4, 5, 64, 1024))]
        elif kind == 5:  # noqa: PLR2004
            size = rng.choice((1, 4, 5, 64, 1024))
            data[at:at] = data[at : at + size] * rng.choice((1, 2, 100))
        elif kind == 6:  # noqa: PLR2004
            other = rng.choice(samples)
            start = rng.randrange(len(other))
            data[at : at + rng.choice((0, 16, 256))] = other[start : start + rng.choice((16, 256, 4096))]
        else:
            data[:2] = rng.choice(_OTHER_MAGIC).to_bytes(2, "little")
        if not data:
            return b""
    return bytes(data)


def _fixtures() -> Iterator[bytes]:
    for path in sorted(_FIXTURES.glob("*.json")):
        yield _header(path.stem) + base64.b64decode(json.loads(path.read_text(encoding="ascii"))["marshal"])
    for path in sorted(_FIXTURES.glob("shapes/*.txt")):
        packed = json.loads(zlib.decompress(base64.b64decode(path.read_text(encoding="ascii"))))
        yield from (_header(path.stem) + base64.b64decode(data) for data in packed.values())


def _header(version: str) -> bytes:
    magic = _MAGIC[version]
    size = 8 if version == "2.7" else 12 if version == "3.6" else 16
    return magic.to_bytes(2, "little") + b"\r\n" + bytes(size - 4)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", help="more files to begin with")
    parser.add_argument("--seconds", type=float, default=60, help="of the processor [%(default)s]")
    parser.add_argument("--seed", type=int, default=0, help="of the first file [%(default)s]")
    return parser.parse_args()


if __name__ == "__main__":
    os.environ.setdefault("PYTHONHASHSEED", "0")
    main()
