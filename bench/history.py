"""Time a scan of a git history against the plain pass of git over the same objects.

    python bench/history.py [--commits 20000] [--runs 3] [FOLDER]

The repository is made by `git fast-import` in FOLDER, or in a temporary one: files of the standard library that grow
and change line by line, in some hundred folders, with merges and tags. Every 2,000th commit plants a fake.
"""

from __future__ import annotations

import argparse
import glob
import os
import random
import re
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator

from pitviper.rules.template import make

FILES = 600
CHANGES = 2
"""Files that one commit changes: with their folders and the commit itself about five objects."""
MERGES = 50
PLANTED = 2_000
LONGEST = 40_000
_TESTS = re.compile("/(?:test|tests|idle_test|site-packages)/")
"""Left out: the tests of the standard library are full of passwords, so that a sixth of all versions would have one."""


def main() -> int:
    """Make the repository, then measure both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", help="where the repository is, or is to be made")
    parser.add_argument("--commits", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pitviper-bench-") as temporary:
        folder = options.folder or os.path.join(temporary, "history.git")
        if not os.path.exists(folder):
            build(folder, options.commits)
        subprocess.run(["git", "-C", folder, "count-objects", "-vH"], check=True)
        plain = ["git", "-C", folder, "cat-file", "--batch-all-objects", "--batch", "--unordered", "--buffer"]
        own = [sys.executable, "-P", "-m", "pitviper", "scan", f"git:{folder}", "-o", "json", "--config", os.devnull]
        times = [(seconds(plain), seconds(own)) for _ in range(options.runs)]
    base, scan = (statistics.median(column) for column in zip(*times, strict=True))
    print(f"git cat-file   {base:6.2f} s\npitviper scan  {scan:6.2f} s   {scan / base:.2f} times")
    return 0


def seconds(command: list[str]) -> float:
    """How long `command` takes."""
    started = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
    return time.perf_counter() - started


def build(folder: str, commits: int) -> None:
    """A bare repository in `folder`, packed as git packs it."""
    subprocess.run(["git", "init", "-q", "--bare", folder], check=True)
    with subprocess.Popen(["git", "-C", folder, "fast-import", "--quiet"], stdin=subprocess.PIPE) as importing:
        assert importing.stdin
        for piece in stream(commits):
            importing.stdin.write(piece)
    subprocess.run(["git", "-C", folder, "gc", "-q"], check=True)


def stream(commits: int) -> Iterator[bytes]:
    """The history as `git fast-import` wants it."""
    rng = random.Random(1)
    files = originals(rng)
    names = sorted(files)
    for number in range(1, commits + 1):
        message = f"Change {number}\n\n{rng.choice(names)}\n".encode()
        yield b"commit refs/heads/main\nmark :%d\n" % number
        yield b"committer A U Thor <a@example.org> %d +0000\n" % (1_500_000_000 + number * 600)
        yield b"data %d\n%s\n" % (len(message), message)
        if number > 1:
            yield b"from :%d\n" % (number - 1)
        if number % MERGES == 0:
            yield b"merge :%d\n" % (number - MERGES // 2)
        for name in names if number == 1 else rng.sample(names, CHANGES):
            content = edited(files[name], rng, number)
            files[name] = content
            data = b"".join(content)
            yield b"M 100644 inline %s\ndata %d\n%s\n" % (name.encode(), len(data), data)
        if number % 1000 == 0:
            yield b"reset refs/tags/v%d\nfrom :%d\n\n" % (number, number)


def originals(rng: random.Random) -> dict[str, list[bytes]]:
    """Name → lines of files to begin with."""
    paths = sorted(glob.glob(f"{sysconfig.get_path('stdlib')}/**/*.py", recursive=True))
    paths = [path for path in paths if not _TESTS.search(path)]
    found: dict[str, list[bytes]] = {}
    for path in rng.sample(paths, min(len(paths), FILES * 2)):
        with open(path, "rb") as file:
            data = file.read(LONGEST)
        if len(found) < FILES:
            name = f"src/part{rng.randrange(40)}/room{rng.randrange(5)}/{len(found)}_{os.path.basename(path)}"
            found[name] = data.splitlines(keepends=True)
    return found


def edited(lines: list[bytes], rng: random.Random, number: int) -> list[bytes]:
    """`lines` as the commit `number` leaves them."""
    lines = list(lines)
    for _ in range(rng.randrange(1, 6)):
        at = rng.randrange(len(lines) + 1)
        lines[at : at + rng.randrange(3)] = [b"value_%d = compute(%d)\n" % (number, rng.randrange(10**6))]
    if number % PLANTED == 0:
        fake = make("ghp_{base62:30}{crc32-base62}", f"bench/{number}").encode()
        lines.insert(rng.randrange(len(lines) + 1), b'token = "%s"\n' % fake)
    return lines


if __name__ == "__main__":
    sys.exit(main())
