"""What images there are on a shelf, by its manifests: those of `docker save`, in both forms, and OCI layouts.

A manifest is somebody's claim. What it names and is not there, and what is not of the type that it should be, becomes a
Gap; what it does not name is left for whoever asks. Sources: OCI image spec 1.1, "Image Layout", "Image Index" and
"Image Manifest"; moby, image/spec/v1.md to v1.3.md (`manifest.json`, and before it `repositories`); distribution,
"Image Manifest V2, Schema 1".
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from pitviper.engine.data import Data, Shelf
from pitviper.model.gap import Reason
from pitviper.model.place import escape
from pitviper.unpack.interface import Member
from pitviper.unpack.layers import as_path

INDEX, LAYOUT, SAVED, REPOSITORIES = "index.json", "oci-layout", "manifest.json", "repositories"
_LONGEST = 16 * 1024 * 1024
"""Bytes of a manifest or configuration; real ones have kilobytes, and registries refuse manifests of more than 4 MiB.
In memory it takes up to 25 times as much."""
_MOST_MANIFESTS = 1000
_MOST_LAYERS = 1000
"""Of an image; no storage driver of docker mounts more than 128."""
_LONGEST_NAME = 1024
"""Characters of a name that a manifest gives."""
_DIGEST = re.compile(r"(sha256):([0-9a-f]{64})|(sha512):([0-9a-f]{128})")
_BLOB = re.compile(r"blobs/(sha256/[0-9a-f]{64}|sha512/[0-9a-f]{128})")
_NAMED_BY_DIGEST = re.compile(r"(?:sha256:)?([0-9a-f]{64})(?:\.json)?")
_TITLES = ("io.containerd.image.name", "org.opencontainers.image.ref.name")
_PIECE = 1 << 20


class Layer(msgspec.Struct, frozen=True):
    """A layer by the name of its blob; `media` is its media type, where one is told."""

    name: str
    media: str = ""


class Image(msgspec.Struct, frozen=True):
    """An image by the names of its blobs, layers from the lowest. `title` is what its maker calls it."""

    config: str
    layers: tuple[Layer, ...]
    title: str = ""


class Store:
    """What lies on a shelf, what of it was used, and what is wrong with it. `links` are further names of things."""

    def __init__(self, shelf: Shelf, links: dict[str, str] | None = None) -> None:
        self._shelf = shelf
        self._links = links or {}
        self._names = dict.fromkeys(shelf.names())
        self._used: set[str] = set()
        self._problems: dict[tuple[str, str], Member] = {}
        self._told = 0

    def has(self, name: str) -> bool:
        """Whether the shelf is known to have `name`."""
        return name in self._names

    def real(self, name: str) -> str:
        """The name of the thing that is also called `name`."""
        for _ in range(8):  # docker's own lead there in one step
            if name not in self._links:
                break
            name = self._links[name]
        return name

    def data(self, name: str) -> Data | None:
        """What is called `name`; None, and a problem, where that cannot be had."""
        try:
            data = self._shelf.get(self.real(name))
        except OSError as error:
            self.problem(name, Reason.UNREADABLE, error.strerror or str(error))
            return None
        if data is None:
            self.problem(name, Reason.DAMAGED, "a manifest names it, and it is not there")
        return data

    def document(self, name: str) -> Any:
        """The JSON called `name`; None, and a problem, where it is none."""
        self.mention(name)
        data = self.data(name)
        if data is None:
            return None
        if data.size > _LONGEST:
            self.problem(name, Reason.OVER_BUDGET, f"a manifest or configuration of {data.size:,} bytes")
            return None
        try:
            return json.loads(data.read(0, data.size), object_pairs_hook=_unique)
        except (OSError, RecursionError, ValueError) as error:
            self.problem(name, Reason.DAMAGED, f"it is not the JSON that it should be: {error}")
            return None

    def mention(self, name: str) -> None:
        """`name` is known, and to be searched as it is unless it gets used."""
        self._names[self.real(name)] = None

    def use(self, name: str) -> None:
        """`name` need not be searched as it is."""
        self._used.add(self.real(name))

    def left(self) -> Iterator[str]:
        """What was not used."""
        return (name for name in self._names if name not in self._used and name not in self._links)

    def problem(self, name: str, reason: Reason, detail: str) -> None:
        """Tell, once, what is wrong with `name`."""
        shown = escape(name[:_LONGEST_NAME]) or "(nameless)"
        self._problems.setdefault((shown, detail), Member(shown, reason=reason, detail=detail))

    def problems(self) -> list[Member]:
        """Those that were not told yet."""
        new = list(self._problems.values())[self._told :]
        self._told += len(new)
        return new


def images(store: Store) -> list[Image]:
    """All images, each once, with the title of whoever names it first."""
    found = list(_saved(store)) if store.has(SAVED) else []
    if store.has(INDEX):
        found += _indexed(store)
    if not found and store.has(REPOSITORIES):
        found += _of_repositories(store)
    distinct: dict[tuple[str, tuple[str, ...]], Image] = {}
    for image in found:
        key = store.real(image.config), tuple(store.real(layer.name) for layer in image.layers)
        distinct.setdefault(key, image)
    return list(distinct.values())


def digest_in(name: str) -> str | None:
    """The digest that a blob has by its name."""
    if blob := _BLOB.fullmatch(name):
        return blob[1].replace("/", ":")
    named = _NAMED_BY_DIGEST.fullmatch(name)
    return f"sha256:{named[1]}" if named else None


def fits(data: Data, digest: str) -> bool:
    """Whether `data` has this digest. Raises OSError."""
    algorithm, _, wanted = digest.partition(":")
    digester = hashlib.new(algorithm, usedforsecurity=False)
    position = 0
    while piece := data.read(position, _PIECE):
        digester.update(piece)
        position += len(piece)
    return digester.hexdigest() == wanted


def _saved(store: Store) -> Iterator[Image]:
    """`manifest.json` of `docker save` and those that write the same: a list of images."""
    entries = store.document(SAVED)
    if not isinstance(entries, list):
        _wrong(store, SAVED, entries, "a list of images")
        return
    for entry in entries[:_MOST_MANIFESTS]:
        layers = entry.get("Layers") if isinstance(entry, dict) else None
        if not isinstance(entry, dict) or not isinstance(layers, (list, type(None))):
            store.problem(SAVED, Reason.DAMAGED, "an entry is not what it should be")
            continue
        tags = entry.get("RepoTags")
        title = next((tag for tag in tags if isinstance(tag, str)), "") if isinstance(tags, list) else ""
        names = [as_path(name) for name in layers or () if isinstance(name, str)]
        if len(names) < len(layers or ()):
            store.problem(SAVED, Reason.DAMAGED, "the name of a layer is no text")
        config = entry.get("Config")
        yield _image(store, as_path(config) if isinstance(config, str) else "", map(Layer, names), title)
    _tell_too_many(store, SAVED, len(entries), _MOST_MANIFESTS, "images")


def _indexed(store: Store) -> Iterator[Image]:
    """The images of an OCI layout: those that the index names, and those that indexes in it name."""
    pending = [(INDEX, "")]
    seen = set()
    while pending:
        name, title = pending.pop()
        if name in seen:
            continue
        seen.add(name)
        if len(seen) > _MOST_MANIFESTS:
            store.problem(INDEX, Reason.OVER_BUDGET, f"more than {_MOST_MANIFESTS:,} manifests")
            return
        document = store.document(name)
        if not isinstance(document, dict):
            _wrong(store, name, document, "a manifest")
            continue
        listed = document.get("manifests")
        if name == INDEX or isinstance(listed, list):
            pending += reversed(list(_listed(store, name, listed, title)))
        else:
            yield from _manifest(store, name, document, title)


def _listed(store: Store, name: str, listed: Any, title: str) -> Iterator[tuple[str, str]]:
    """Names and titles of the manifests that the index `name` lists. An attestation is about an image, and none."""
    for descriptor in _list(store, name, listed, "manifests"):
        blob = _blob(store, name, descriptor)
        if not blob:
            continue
        notes = descriptor.get("annotations")
        notes = notes if isinstance(notes, dict) else {}
        own = next((notes[key] for key in _TITLES if isinstance(notes.get(key), str)), title)
        yield blob, " ".join(filter(None, (own, _platform(descriptor))))


def _manifest(store: Store, name: str, document: dict[str, Any], title: str) -> Iterator[Image]:
    """The image of a manifest. Where no layer is an archive, it holds something else, to be searched as it is."""
    if isinstance(document.get("fsLayers"), list):
        yield _image(store, "", _of_schema1(store, name, document["fsLayers"]), title)
        return
    layers = [
        Layer(blob, media if isinstance(media := descriptor.get("mediaType"), str) else "")
        for descriptor in _list(store, name, document.get("layers"), "layers")
        if (blob := _blob(store, name, descriptor))
    ]
    config = document.get("config")
    config_blob = _blob(store, name, config) if config is not None else ""
    if layers and not any("tar" in layer.media or not layer.media for layer in layers):
        for blob in (config_blob, *(layer.name for layer in layers)):
            if blob and store.data(blob) is not None:
                store.mention(blob)
        return
    yield _image(store, config_blob, layers, title)


def _of_schema1(store: Store, name: str, listed: list[Any]) -> Iterator[Layer]:
    """Layers from the lowest; there they stand from the highest."""
    for layer in reversed(listed):
        digest = layer.get("blobSum") if isinstance(layer, dict) else None
        if blob := _blob(store, name, {"digest": digest}):
            yield Layer(blob)


def _of_repositories(store: Store) -> Iterator[Image]:
    """Images as docker saved them before 1.10: each layer names its parent."""
    document = store.document(REPOSITORIES)
    if not isinstance(document, dict):
        _wrong(store, REPOSITORIES, document, "a table of repositories")
        return
    tagged = [
        (f"{repository}:{tag}", top)
        for repository, tags in document.items()
        if isinstance(tags, dict)
        for tag, top in tags.items()
        if isinstance(top, str)
    ]
    for title, top in tagged[:_MOST_MANIFESTS]:
        layers = [Layer(f"{name}/layer.tar") for name in _lineage(store, top)]
        yield _image(store, f"{as_path(top)}/json", reversed(layers), title)


def _lineage(store: Store, name: Any) -> Iterator[str]:
    """The layer `name`, the one it lies on, and so on."""
    seen: set[str] = set()
    while isinstance(name, str) and name and name not in seen and len(seen) <= _MOST_LAYERS:
        seen.add(name)
        yield as_path(name)
        document = store.document(f"{as_path(name)}/json")
        name = document.get("parent") if isinstance(document, dict) else None


def _image(store: Store, config: str, layers: Any, title: str) -> Image:
    known = tuple(layers)
    _tell_too_many(store, config, len(known), _MOST_LAYERS, "layers")
    for layer in known[_MOST_LAYERS:]:
        store.mention(layer.name)
    return Image(config, known[:_MOST_LAYERS], title[:_LONGEST_NAME])


def _blob(store: Store, name: str, descriptor: Any) -> str:
    """The blob that a descriptor in the manifest `name` names; "" and a problem where it names none."""
    digest = descriptor.get("digest") if isinstance(descriptor, dict) else None
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        store.problem(name, Reason.DAMAGED, "what it names has no digest that is one")
        return ""
    return f"blobs/{digest.replace(':', '/')}"


def _list(store: Store, name: str, value: Any, key: str) -> list[Any]:
    if value is not None and not isinstance(value, list):
        store.problem(name, Reason.DAMAGED, f"its {key} are no list")
    return value if isinstance(value, list) else []


def _platform(descriptor: dict[str, Any]) -> str:
    platform = descriptor.get("platform")
    steps = [platform.get(key) for key in ("os", "architecture", "variant")] if isinstance(platform, dict) else []
    return "/".join(step for step in steps if isinstance(step, str) and step)


def _wrong(store: Store, name: str, document: Any, wanted: str) -> None:
    """A problem, unless `document` could not be read, which was told."""
    if document is not None:
        store.problem(name, Reason.DAMAGED, f"it is not {wanted}")


def _tell_too_many(store: Store, name: str, count: int, most: int, what: str) -> None:
    if count > most:
        store.problem(name, Reason.OVER_BUDGET, f"{count:,} {what}, of which {most:,} are opened as such")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON. Of two members with one name, each reader may see another: then nobody knows what it says."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice in it")
    return found
