"""The benchmark of what is packed: `python bench/archives.py --help`.

The tree of the engine's benchmark as a zip, a tar.gz and an image of several layers, and 200 wheels: Pitviper and
Kingfisher over each, beside what unpacking alone costs. Git histories have `bench/history.py`.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import os
import shutil
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass

import corpus
import fakes
import machine
import page
import peers
import wheels
import workplace
from cases import Bench, Case, Result

_LAYERS = 6
_WHEELS = 200
_MOST_WHEEL = 8 * 1024 * 1024
"""Bytes; larger wheels are native libraries, and one of them would be the benchmark."""
_PLANTED = 20
_PAGE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "docs", "performance-containers.md")
_FLOOR = os.path.join(os.path.dirname(os.path.abspath(__file__)), "floor.py")


@dataclass(frozen=True, slots=True)
class Subject:
    """What is scanned: `name` below the work folder, `size` on disk, and what to call it."""

    name: str
    title: str
    size: int


def main() -> None:
    """Build, run, print, and with `--write` keep."""
    wanted = _arguments()
    with workplace.folder() as work:
        tree = corpus.build(work, wanted.files, wanted.max_megabytes * 1_000_000)
        print(tree, flush=True)
        fakes.plant(tree, _PLANTED)
        bench = Bench(work, wanted.pitviper, peers.install(work))
        parts = []
        for subject in _subjects(work, tree):
            print(subject.title, flush=True)
            parts += [f"## {subject.title}\n", _table(bench.play(_cases(bench, subject), wanted.rounds), subject)]
        text = "\n".join([_HEAD, page.table(("", ""), machine.facts().items()), *parts])
    print(text)
    if wanted.write:
        with open(_PAGE, "w", encoding="utf-8") as file:
            file.write(text.rstrip() + "\n")


_HEAD = """# What containers cost

The tree of [the other benchmark](performance.md), packed, and 200 wheels from the package index's mirror on this
machine. *Unpacking alone* inflates every member, also of archives in archives, with the same library (isal), in one
thread, and looks at nothing; *and searching* runs the same Vectorscan database over what comes out, from memory, and
nothing else. Medians of interleaved rounds; made by `make bench-archives`.
"""


def _subjects(work: str, tree: corpus.Corpus) -> Iterator[Subject]:
    for name, make, title in (
        ("tree.zip", _zip, "The tree as a zip"),
        ("tree.tar.gz", _tar_gz, "The tree as a tar.gz"),
        ("image.tar", _image, f"The tree as an image of {_LAYERS} layers, as `docker save` writes it"),
    ):
        path = os.path.join(work, name)
        if not os.path.exists(path):
            make(tree.folder, f"{path}.part")
            os.rename(f"{path}.part", path)
        yield Subject(name, f"{title}, {os.path.getsize(path) / 1e6:,.0f} MB", os.path.getsize(path))
    folder = os.path.join(work, "wheels-200")
    found = [path for path in wheels.find() if os.path.getsize(path) <= _MOST_WHEEL]
    if not os.path.isdir(folder) and found:
        os.mkdir(folder)
        for path in found[:: max(1, len(found) // _WHEELS)][:_WHEELS]:
            shutil.copy(path, folder)
    if found:
        size = sum(entry.stat().st_size for entry in os.scandir(folder))
        yield Subject("wheels-200", f"{len(os.listdir(folder))} wheels, {size / 1e6:,.0f} MB", size)


def _cases(bench: Bench, subject: Subject) -> list[Case]:
    floors = [
        Case(name, "python", 1, ((sys.executable, _FLOOR, *flags, subject.name),))
        for name, flags in (("unpacking alone", ()), ("unpacking and searching", ("--search",)))
    ]
    pitviper = [bench.scan(subject.name, jobs) for jobs in (1, 2)]
    kingfisher = [bench.kingfisher(subject.name, jobs, "--max-file-size", "0") for jobs in (1, 2)]
    return [*floors, *pitviper, *kingfisher]


def _table(results: list[Result], subject: Subject) -> str:
    floor = {one.case.name: one.wall for one in results}["unpacking and searching"]
    peer = {one.case.jobs: one.wall for one in results if one.case.tool == "kingfisher"}
    head = (
        "",
        "wall, s",
        "CPU, s",
        "MB/s packed",
        "times the floor",
        "times Kingfisher's speed",
        "peak MiB",
        "findings",
    )
    return page.table(head, (_row(one, subject.size, floor, peer) for one in results))


def _row(one: Result, size: int, floor: float, peer: dict[int, float]) -> tuple[str, ...]:
    memory = one.warm.memory
    return (
        one.case.name,
        page.figure(one.wall),
        page.figure(one.cpu),
        page.figure(size / one.wall / 1e6),
        page.figure(one.wall / floor),
        page.figure(peer[one.case.jobs] / one.wall) if one.case.tool == "pitviper" else "",
        f"{memory.largest / 1024**2:.0f}" if memory else "",
        "" if one.found.findings is None else f"{one.found.findings:,}",
    )


def _files(folder: str) -> Iterator[tuple[str, str]]:
    for parent, names, files in os.walk(folder):
        names.sort()
        for name in sorted(files):
            path = os.path.join(parent, name)
            yield path, os.path.relpath(path, folder)


def _zip(folder: str, path: str) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive:
        for source, name in _files(folder):
            archive.write(source, name)


def _tar_gz(folder: str, path: str) -> None:
    with gzip.open(path, "wb", compresslevel=6) as out, tarfile.open(fileobj=out, mode="w|") as archive:
        for source, name in _files(folder):
            archive.add(source, name)


def _image(folder: str, path: str) -> None:
    """Files dealt out to layers by number; the old format of `docker save`, which has plain tars in it."""
    listed = list(_files(folder))
    layers = []
    with tarfile.open(path, "w") as image:
        for number in range(_LAYERS):
            part = f"{path}.layer"
            with tarfile.open(part, "w") as layer:
                for source, name in listed[number::_LAYERS]:
                    layer.add(source, f"app/{name}")
            with open(part, "rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            layers.append(digest)
            image.add(part, f"{digest}/layer.tar")
            os.unlink(part)
        history = [{"created_by": f"COPY part{number} /app"} for number in range(_LAYERS)]
        rootfs = {"type": "layers", "diff_ids": [f"sha256:{digest}" for digest in layers]}
        config = json.dumps({"config": {}, "history": history, "rootfs": rootfs}).encode()
        name = f"{hashlib.sha256(config).hexdigest()}.json"
        manifest = [{"Config": name, "RepoTags": ["tree:1"], "Layers": [f"{digest}/layer.tar" for digest in layers]}]
        for member, content in ((name, config), ("manifest.json", json.dumps(manifest).encode())):
            info = tarfile.TarInfo(member)
            info.size = len(content)
            image.addfile(info, io.BytesIO(content))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare Pitviper with Kingfisher over archives, images and wheels.")
    parser.add_argument("--files", type=int, default=50_000, help="files in the tree [%(default)s]")
    parser.add_argument("--max-megabytes", type=int, default=1000, help="most that the tree may hold [%(default)s]")
    parser.add_argument("--rounds", type=int, default=3, help="timed runs of each case [%(default)s]")
    parser.add_argument("--write", action="store_true", help="write docs/performance-containers.md")
    workplace.add_pitviper(parser)
    return parser.parse_args()


if __name__ == "__main__":
    main()
