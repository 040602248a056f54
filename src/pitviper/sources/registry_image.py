"""`image:REGISTRY/REPOSITORY[:TAG|@DIGEST]`: a container image, or all of a list of them, in a registry.

Manifests are read when the target is opened (OCI image spec 1.1, "Image Index" and "Image Manifest", and docker's own
schema 2 of both), so that what is wrong with it is told at once. Configurations and layers are loaded when they are
asked for, one after the other, into temporary files without names: an image need not fit into memory, nor on the disk
in one piece, and a layer that cannot be had costs no more than itself.
"""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Iterator
from typing import Annotated
from weakref import WeakValueDictionary

import msgspec

from pitviper.engine.data import Data, File, Memory
from pitviper.engine.pack import Free, Pack
from pitviper.errors import TargetError
from pitviper.model.blob import Inner
from pitviper.model.place import Link, escape
from pitviper.sources.image_reference import DIGEST, parse
from pitviper.sources.registry import MALFORMED, Refused, Registry

PREFIX = "image:"
"""What targets begin with that are images in a registry."""
ALL = "all"
"""Stands for every platform."""

_OCI_INDEX = "application/vnd.oci.image.index.v1+json"
_OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
_DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_INDEXES = frozenset({_OCI_INDEX, _DOCKER_INDEX})
_MANIFESTS = frozenset({_OCI_MANIFEST, _DOCKER_MANIFEST})
_ACCEPT = f"{_OCI_INDEX}, {_OCI_MANIFEST}, {_DOCKER_INDEX}, {_DOCKER_MANIFEST}"
_SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1+"
_MAX_MANIFEST = 4 << 20
"""Bytes of a manifest that every registry should accept (distribution spec, "Pushing Manifests"), and many no more."""
_MAX_MANIFESTS = 1_000
_MAX_HELD = 64 << 20
"""How many manifests of one image are read, and bytes of them all: they stay in memory."""
_MAX_NESTING = 4
_MAX_SHOWN = 10
_IMPLIED = {"arm64": "v8", "amd64": "v1", "arm": "v7"}
"""The variant of an architecture that is named without one (containerd's `platforms.Normalize`)."""


class Platform(msgspec.Struct, frozen=True):
    """What an image runs on."""

    os: str = ""
    architecture: str = ""
    variant: str = ""

    def __str__(self) -> str:
        return "/".join(filter(None, (self.os, self.architecture, self.variant)))

    def suits(self, wanted: str) -> bool:
        """Whether this is the platform `wanted`, which may leave out the variant."""
        system, _, rest = wanted.partition("/")
        architecture, _, variant = rest.partition("/")
        implied = _IMPLIED.get(architecture, "")
        is_same = (self.os, self.architecture) == (system, architecture)
        return is_same and (not variant or variant == (self.variant or implied))


class Descriptor(msgspec.Struct, frozen=True, rename={"media_type": "mediaType"}):
    """OCI image spec 1.1, "Descriptors"."""

    digest: str
    size: Annotated[int, msgspec.Meta(ge=0)]
    media_type: str = ""
    platform: Platform | None = None

    @property
    def name(self) -> str:
        """Of its blob in an OCI layout."""
        return f"blobs/{self.digest.replace(':', '/')}"

    @property
    def is_named(self) -> bool:
        """Whether the digest is one that we can check."""
        return DIGEST.fullmatch(self.digest) is not None


class _Document(msgspec.Struct, frozen=True, rename="camel"):
    """An index or a manifest."""

    schema_version: int = 0
    media_type: str = ""
    config: Descriptor | None = None
    layers: list[Descriptor] | None = None
    manifests: list[Descriptor] | None = None

    @property
    def blobs(self) -> list[Descriptor]:
        """What a manifest is made of."""
        return [*((self.config,) if self.config else ()), *(self.layers or ())]


class _Read(msgspec.Struct, frozen=True):
    """A document, its bytes, and what it would be called in an index."""

    document: _Document
    content: bytes
    descriptor: Descriptor


class RegistryShelf:
    """An image as an OCI layout: documents in memory, blobs from the registry. See `Shelf`."""

    def __init__(self, registry: Registry, reference: str, most: int) -> None:
        self._registry = registry
        self._reference = reference
        self._left = most
        self._held: dict[str, bytes] = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}'}
        self._blobs: dict[str, Descriptor] = {}
        self._lost: dict[str, str] = {}
        self._loaded: WeakValueDictionary[str, File] = WeakValueDictionary()

    def hold(self, read: _Read) -> None:
        """Keep a document, and remember what belongs to it."""
        self._held[read.descriptor.name] = read.content
        for blob in read.document.blobs:
            if blob.is_named:
                self._blobs.setdefault(blob.name, blob)

    def lose(self, descriptor: Descriptor, why: str) -> None:
        """Remember that a document cannot be had."""
        self._lost[descriptor.name] = why

    def choose(self, chosen: list[Descriptor]) -> None:
        """Write the index of what was chosen."""
        entries = [_entry(descriptor, self._reference) for descriptor in chosen]
        index = {"schemaVersion": 2, "mediaType": _OCI_INDEX, "manifests": entries}
        self._held["index.json"] = msgspec.json.encode(index)

    @property
    def size(self) -> int:
        """See `Shelf`."""
        return sum(map(len, self._held.values())) + sum(blob.size for blob in self._blobs.values())

    def names(self) -> list[str]:
        """See `Shelf`."""
        return list(dict.fromkeys((*self._held, *self._lost, *self._blobs)))

    def get(self, name: str) -> Data | None:
        """See `Shelf`; what cannot be had once is not asked for again."""
        if (held := self._held.get(name)) is not None:
            return Memory(held)
        if name in self._lost:
            raise OSError(errno.EIO, self._lost[name])
        if (loaded := self._loaded.get(name)) is not None:
            return loaded
        blob = self._blobs.get(name)
        return self._load(blob) if blob else None

    def _load(self, blob: Descriptor) -> File:
        if blob.size > self._left:
            raise OSError(errno.EFBIG, f"it has {blob.size:,} bytes, more than the limit leaves")
        self._left -= blob.size
        try:
            loaded = self._registry.blob(blob)
        except Refused as error:
            self._lost[blob.name] = str(error)
            raise OSError(errno.EIO, str(error)) from None
        self._loaded[blob.name] = loaded
        return loaded


class Image:
    """An image in a registry: a Source with itself as its only part. Raises `TargetError`.

    `platform` chooses from a list of images, and `max_expanded` limits the bytes that are loaded.
    """

    def __init__(self, target: str, platform: str, max_expanded: int) -> None:
        shown = escape(target)
        try:
            reference = parse(target.removeprefix(PREFIX))
        except ValueError as error:
            hint = "Write image:REGISTRY/REPOSITORY:TAG, or @sha256:… in place of the tag."
            raise TargetError(f"{shown}: {error}", hint=hint) from None
        self.path = self.whole = str(reference)
        self._registry = Registry(reference)
        self._shelf = RegistryShelf(self._registry, self.path, max_expanded)
        try:
            top = _Opening(self._registry, self._shelf).open(reference.wanted, reference.digest, platform)
        except Refused as error:
            raise TargetError(f"{shown}: {error}", hint=error.hint) from None
        finally:
            self._registry.close()
        self.chain = (Link("image", self.path, digest=top.digest),)

    def parts(self) -> Iterator[Image]:
        """See `Source`."""
        yield self

    def size(self) -> int:
        """See `Source`: what comes out of an image is not known beforehand."""
        return 0

    def read(self, free: Free) -> Iterator[Pack]:
        """One pack, with the image on its shelf."""
        try:
            yield Pack(free(), 0, [], [], [(Inner(self.path, self.chain), self._shelf)])
        finally:
            self._registry.close()


class _Opening:
    """Reads documents until it is known which images are meant."""

    def __init__(self, registry: Registry, shelf: RegistryShelf) -> None:
        self._registry = registry
        self._shelf = shelf
        self._seen: dict[str, Descriptor] = {}
        self._left = _MAX_HELD

    def open(self, wanted: str, digest: str, platform: str) -> Descriptor:
        """Put on the shelf what `platform` means of the tag or digest `wanted`; what that is. Raises `Refused`."""
        top = self._fetch(wanted, digest)
        self._shelf.hold(top)
        if not _is_index(top):
            self._shelf.choose([top.descriptor])
            return top.descriptor
        chosen = _chosen(self._images(top.document, _MAX_NESTING), platform)
        refused = [error for one in chosen if (error := self._manifest(one))]
        if len(refused) == len(chosen):
            raise refused[0]
        self._shelf.choose(chosen)
        return top.descriptor

    def _images(self, index: _Document, depth: int) -> list[Descriptor]:
        """All images of `index`, and of the indexes in it."""
        found: list[Descriptor] = []
        for one in index.manifests or ():
            if not one.is_named:
                raise Refused("the index names an image by a digest that is neither sha256 nor sha512")
            if one.digest in self._seen:
                continue
            self._seen[one.digest] = one
            if len(self._seen) > _MAX_MANIFESTS or not depth:
                raise Refused("the index has too many images, or indexes in indexes")
            if one.media_type in _INDEXES:
                inner = self._fetch(one.digest, one.digest, one)
                self._shelf.hold(inner)
                found += self._images(inner.document, depth - 1)
            else:
                found.append(one)
        return found

    def _manifest(self, one: Descriptor) -> Refused | None:
        """Put the manifest `one` on the shelf, or tell why it cannot be had."""
        try:
            read = self._fetch(one.digest, one.digest, one)
        except Refused as error:
            self._shelf.lose(one, str(error))
            return error
        self._shelf.hold(read)
        return None

    def _fetch(self, wanted: str, digest: str, told: Descriptor | None = None) -> _Read:
        """The document `wanted`, checked against its `digest` (if there is one) and what the index told of it."""
        if told and told.size > _MAX_MANIFEST:
            raise Refused(f"a manifest of {told.size:,} bytes, more than the limit of {_MAX_MANIFEST:,}")
        longest = min(told.size if told else _MAX_MANIFEST, self._left)
        content, headers = self._registry.document(f"manifests/{wanted}", _ACCEPT, longest)
        self._left -= len(content)
        promised = digest or headers.get("docker-content-digest", "")
        actual = _checked(content, promised)
        media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        document = _decoded(content, media_type)
        if told and told.media_type not in _INDEXES and document.manifests is not None:
            raise Refused(f"{wanted} is an index, where the index around it tells of an image")
        described = Descriptor(actual, len(content), _kind(document, media_type), told.platform if told else None)
        return _Read(document, content, described)


def _checked(content: bytes, promised: str) -> str:
    """The digest of `content`, which must be the one that was promised; sha256 if none was."""
    if promised and not DIGEST.fullmatch(promised):
        raise Refused("the registry names the manifest by a digest that is neither sha256 nor sha512")
    algorithm = promised.partition(":")[0] or "sha256"
    actual = f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"
    if promised and actual != promised:
        raise Refused(f"the registry sent another manifest than {promised}")
    return actual


def _decoded(content: bytes, media_type: str) -> _Document:
    """The document in `content`. Raises `Refused` for what is no index or manifest of today."""
    if media_type.startswith(_SCHEMA_1):
        raise _outdated()
    if media_type not in _INDEXES | _MANIFESTS | {"application/json"}:
        hint = "Check that the name is that of a registry, and not of a page about it."
        raise Refused(f"the registry sent {escape(media_type) or 'something'}, which is no manifest of an image", hint)
    try:
        document = msgspec.json.decode(content, type=_Document)
    except MALFORMED:
        raise Refused("the registry sent a manifest that is malformed") from None
    if document.schema_version == 1:
        raise _outdated()
    if (document.manifests is None) == (document.layers is None):  # CVE-2021-41190: two readings of one document
        raise Refused("the registry sent a manifest that is malformed: neither an index nor an image, or both")
    return document


def _outdated() -> Refused:
    hint = "Push it again with a docker from after 2017."
    return Refused("a manifest of schema 1, which is not read: it has no digests of configuration and layers", hint)


def _is_index(read: _Read) -> bool:
    return read.document.manifests is not None


def _kind(document: _Document, media_type: str) -> str:
    """The media type of `document`: what the registry said it is, if that can be."""
    fitting = _INDEXES if document.manifests is not None else _MANIFESTS
    if media_type in _INDEXES | _MANIFESTS and media_type not in fitting:
        raise Refused("the registry sent a manifest that is malformed: it is not what its type says")
    named = (media_type, document.media_type, _OCI_INDEX if document.manifests is not None else _OCI_MANIFEST)
    return next(kind for kind in named if kind in fitting)


def _chosen(images: list[Descriptor], platform: str) -> list[Descriptor]:
    """What `platform` means: all images, or one of them."""
    if platform == ALL:
        suiting = images
    else:
        suiting = [one for one in images if one.platform and one.platform.suits(platform)]
        suiting = (suiting or [one for one in images if not one.platform])[:1]
    if not suiting:
        there = ", ".join(dict.fromkeys(escape(str(one.platform)) for one in images[:_MAX_SHOWN]))
        hint = "Choose one with --platform, or all of them with --platform all." if images else ""
        raise Refused(f"the image is not made for {platform}, but for {there or 'nothing'}", hint)
    return suiting


def _entry(descriptor: Descriptor, reference: str) -> dict[str, object]:
    """`descriptor` in an index."""
    entry: dict[str, object] = {
        "mediaType": descriptor.media_type,
        "digest": descriptor.digest,
        "size": descriptor.size,
        "annotations": {"org.opencontainers.image.ref.name": reference},
    }
    if descriptor.platform:
        entry["platform"] = {
            name: value for name, value in msgspec.structs.asdict(descriptor.platform).items() if value
        }
    return entry
