"""Compiled Python in archives and images: it waits until its source passes by, or the artefact ends.

In an image the file system counts that its container will have: layers are opened from the last to the first, so the
first source with a name is the one that is there in the end. What a later layer removes is held against the source in
its own layer.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from pitviper.bytecode.beside import source_of
from pitviper.hygiene.held import SHIPPED, Beside, Compiled, Holder, Told, counted, orphaned
from pitviper.hygiene.kept import Content, Kept
from pitviper.model.blob import Inner
from pitviper.model.finding import Evidence, Severity
from pitviper.model.gap import Gap, Reason

_MOST = 150_000
"""Files of one artefact that are kept in mind; a big image has 50,000 of them."""
_MOST_CLOSELY = 2_000
"""Compiled files of one artefact that are compared though nothing speaks for it; some 20 seconds."""
_OF_PYTHON = re.compile(r"(?:\A|/)(?:lib(?:64)?/(?:python|pypy)[\d.]*|site-packages|dist-packages)/|(?:\A|/)usr/share/")
"""Folders into which installers compile: those who build an image cannot help it, and it tells nothing new."""
_EGG = ".egg"

Key = tuple[str, str, str]
"""Container, layer if it counts, and the path of a source in it."""


class _Source(msgspec.Struct):
    name: str
    size: int
    content: Content | None


class _Waiting(msgspec.Struct):
    one: Compiled
    content: Content | None
    source: str
    """What the source is called."""


class _Shipped(msgspec.Struct):
    """Compiled files in one container: the first, and how many there are."""

    first: Compiled
    count: int = 0


class Containers:
    """Of one artefact. To be closed, if it is not told the `rest`."""

    def __init__(self, holder: Holder) -> None:
        self._holder = holder
        self._kept = Kept()
        self._sources: dict[Key, _Source] = {}
        self._waiting: dict[Key, list[_Waiting]] = {}
        self._shipped: dict[tuple[str, bool], _Shipped] = {}
        self._left = _MOST
        self._closely = _MOST_CLOSELY

    def add_source(self, blob: Inner, content: bytes | None, told: Told) -> None:
        """A source passes by. `content` is None for one that is too big."""
        self._left -= 1
        if self._left < 0:
            return
        name = blob.chain[-1].name
        kept = None if content is None else self._kept.put(content)
        source = _Source(name.rpartition("/")[2], len(content or b""), kept)
        for key in _keys(blob, name):
            if self._sources.setdefault(key, source) is source:
                for one in self._waiting.pop(key, ()):
                    self._hold(one, source, told)

    def add_compiled(self, one: Compiled, content: bytes | None, told: Told) -> None:
        """A compiled file passes by."""
        assert isinstance(one.blob, Inner)  # noqa: S101 - it lies in a container
        self._count(one, one.blob)
        name = source_of(one.name)
        self._left -= 1
        if name is None or self._left < 0:
            told.findings += one.findings
            return
        key = _keys(one.blob, name)[0]
        kept = None if content is None else self._kept.put(content)
        waiting = _Waiting(one, kept, name.rpartition("/")[2])
        one.closely = self._closely > 0 and not _is_installed(one.blob)
        self._closely -= one.closely
        if source := self._sources.get(key):
            self._hold(waiting, source, told)
        else:
            self._waiting.setdefault(key, []).append(waiting)

    def rest(self, told: Told) -> None:
        """The artefact ends: who still waits has no source."""
        orphans: dict[str, list[_Waiting]] = {}
        for key, some in self._waiting.items():
            for waiting in some:
                blob = waiting.one.blob
                if isinstance(blob, Inner) and blob.removed_in:
                    told.findings += waiting.one.findings
                    continue
                told.findings += orphaned(waiting.one, waiting.source)
                orphans.setdefault(key[0], []).append(waiting)
        for some in orphans.values():
            first = min(some, key=lambda waiting: waiting.one.blob.path)
            self._holder.tell_orphans(first.one, first.source, len(some), told)
        for (_, is_of_python), shipped in self._shipped.items():
            self._tell_shipped(shipped, told, is_of_python=is_of_python)
        if self._left < 0:
            path = next(iter(self._shipped), ("", False))[0]
            detail = f"more than {_MOST:,} files of Python: not all bytecode was held against its source"
            told.gaps.append(Gap(path, Reason.OVER_BUDGET, detail))
        self.close()

    def close(self) -> None:
        """Give back what is kept."""
        self._kept.close()

    def _hold(self, waiting: _Waiting, source: _Source, told: Told) -> None:
        one, content, text = waiting.one, waiting.content, source.content
        if content is None or text is None:
            told.findings += one.findings
            detail = f"it or {source.name} is too big to be held against the other"
            told.gaps.append(Gap(one.blob.path, Reason.OVER_BUDGET, detail))
            return
        beside = Beside(source.name, source.size, None, self._reader(text))
        self._holder.hold(one, self._reader(content), beside, told)
        self._kept.drop(content)

    def _reader(self, content: Content) -> Callable[[], bytes]:
        return lambda: self._kept.get(content)

    def _count(self, one: Compiled, blob: Inner) -> None:
        """Count `one` where nobody ships compiled files on purpose: in sdists, wheels and images."""
        container = blob.chain[-2]
        is_layer = container.kind == "layer"
        is_built = container.kind == "distribution" and not container.name.endswith(_EGG)
        if not (is_layer or is_built):
            return
        key = _container(blob), is_layer and _is_installed(blob)
        shipped = self._shipped.setdefault(key, _Shipped(one))
        shipped.count += 1
        if one.blob.path < shipped.first.blob.path:
            shipped.first = one

    def _tell_shipped(self, shipped: _Shipped, told: Told, *, is_of_python: bool) -> None:
        severity = Severity.INFO if is_of_python else None
        kind = shipped.first.blob.chain[-2].kind
        where = "in a layer of an image" if kind == "layer" else "in a distribution"
        evidence = (Evidence("shipped", where), *counted(shipped.count))
        outer = shipped.first.blob.chain[:-1]
        identity = "\0".join([*(link.name for link in outer[1:] or outer), str(is_of_python)])
        self._holder.tell(SHIPPED, shipped.first.blob, identity, evidence, told, severity=severity)


def _is_installed(blob: Inner) -> bool:
    """Whether `blob` lies in a layer or an archive where installers compile: there are thousands of such files."""
    return blob.chain[-2].kind != "distribution" and _OF_PYTHON.search(blob.chain[-1].name) is not None


def _keys(blob: Inner, name: str) -> list[Key]:
    """Under which names the source `name`, or one that is looked for, beside `blob` is known: the surest first."""
    container = _container(blob)
    name = name.lstrip("/")
    if blob.chain[-2].kind != "layer":
        return [(container, "", name)]
    image = container.rpartition("!/")[0]
    in_layer = image, blob.chain[-2].name, name
    return [in_layer] if blob.removed_in else [(image, "", name), in_layer]


def _container(blob: Inner) -> str:
    """The path of what `blob` lies in."""
    return blob.path[: -len(blob.chain[-1].name.lstrip("/")) - len("!/")]
