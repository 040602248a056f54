"""Container images: archives of `docker save` and `podman save`, OCI layouts, and what a registry gives.

The files of all layers, from the last to the first, with the step that made each, and where they were removed; the
configuration; and then, as it is, whatever the manifests do not name. An archive that turns out to be no image is the
plain tar archive that it also is. Sources: see `manifests`, `layers` and `image_config`.
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter, defaultdict
from collections.abc import Generator, Iterator
from functools import partial
from typing import Any

from pitviper.engine.data import Cursor, Data, Memory, Shelf
from pitviper.model.gap import Reason
from pitviper.model.place import escape
from pitviper.unpack import image_config, layers, manifests, tar
from pitviper.unpack.interface import HEAD, Format, Identity, Item, Member, Options, Refused, Rest
from pitviper.unpack.manifests import Image, Store

_FIRST = re.compile(
    r"(?:sha256:)?[0-9a-f]{64}(?:$|[/.])|blobs(?:$|/)"
    r"|(?:oci-layout|index\.json|manifest\.json|repositories|config\.json)$"
)
"""What the first member of an image is called: by docker, podman, skopeo, BuildKit, crane, Jib and kaniko."""
_HEX = re.compile(r"(?:sha256:)?[0-9a-f]{64}(?:$|[/.])")
_MOST_MEMBERS = 50_000
_LONGEST_NAME = 1024
"""Of an archive that is read as an image: it has three members for each layer, and all names are kept."""
_MOST_REPLAYS = 20_000_000
"""Paths that are kept in mind, again for each place where a layer stands: some 10 seconds."""
_ENCRYPTED = "+encrypted"
_CONFIGURATION = "(configuration)"


def begins(head: bytes, tail: bytes) -> bool:
    """A tar archive whose first member, or the first in its first folder `./`, is called as in an image."""
    if not tar.begins(head, tail):
        return False
    try:
        for header in tar.headers(Cursor(Memory(head))):
            if name := layers.as_path(header.name):
                return bool(_FIRST.match(name))
    except (EOFError, ValueError, Refused):
        pass
    return False


def members(data: Data, options: Options) -> Iterator[Item]:
    """What is in an image; in a tar archive that is none, its members."""
    archive = _Archive(data)
    store = Store(archive, archive.links)
    images = manifests.images(store) if archive.may_be_image else []
    if not images and not archive.looks_like_image():
        yield from _plain(data, options)
        return
    yield from _Opened(store, images).members()
    yield from (Member(escape(name), data=part) for name, part in archive.shadowed)
    yield from archive.behind()


def on_shelf(shelf: Shelf, options: Options) -> Iterator[Item]:
    """What is in an image whose blobs are on a shelf."""
    del options
    store = Store(shelf)
    yield from _Opened(store, manifests.images(store)).members()


class _Archive:
    """The members of a tar archive by name: a `Shelf`. Of those with one name the last counts."""

    def __init__(self, data: Data) -> None:
        self.size = data.size
        self.links: dict[str, str] = {}
        self.shadowed: list[tuple[str, Data]] = []
        self.may_be_image = True
        self._parts: dict[str, Data] = {}
        self._cursor = Cursor(data)
        self._error: Exception | None = None
        try:
            self._list()
        except Exception as error:  # noqa: BLE001 - damage of any kind: what stands in front of it is opened, then it is told
            self._error = error

    def _list(self) -> None:
        for header in tar.headers(self._cursor):
            name = layers.as_path(header.name)
            self.may_be_image = len(self._parts) < _MOST_MEMBERS and len(name) <= _LONGEST_NAME
            if not self.may_be_image:
                return
            if not header.size and header.type in tar.LINKS:
                self.links[name] = _target(name, header)
            elif tar.has_content(header) and (part := self._cursor.peek(header.size)) is not None:
                self.links.pop(name, None)
                if name in self._parts:
                    self.shadowed.append((name, self._parts[name]))
                self._parts[name] = part

    def looks_like_image(self) -> bool:
        """Whether it has the names of an image, whatever its manifests say."""
        if not self.may_be_image:
            return False
        if manifests.LAYOUT in self._parts and manifests.INDEX in self._parts:
            return True
        lists = manifests.SAVED in self._parts or manifests.REPOSITORIES in self._parts
        return lists and any(map(_HEX.match, self._parts))

    def names(self) -> list[str]:
        """See `Shelf`."""
        return list(self._parts)

    def get(self, name: str) -> Data | None:
        """See `Shelf`."""
        return self._parts.get(name)

    def behind(self) -> Iterator[Item]:
        """What follows its end; raises what ended it early."""
        if self._error:
            yield Rest(self._cursor.position, self.size - self._cursor.position)
            raise self._error
        yield from tar.behind(self._cursor)


class _Opened:
    """The images on a shelf, from the last to the first.

    A layer that several have is opened once, in the first of them: its files are gone only if they are gone in all, and
    what the others have above it is known by then.
    """

    def __init__(self, store: Store, images: list[Image]) -> None:
        self._store = store
        self._images = images
        self._homes: dict[str, int] = {}
        """The image in which each layer is opened."""
        for at, image in enumerate(images):
            for layer in image.layers:
                self._homes.setdefault(store.real(layer.name), at)
        self._stands: dict[str, list[layers.Stand]] = defaultdict(list)
        """Where each layer stands in images that were opened already."""
        self._memo = layers.Memo()
        self._replays = _MOST_REPLAYS

    def members(self) -> Iterator[Item]:
        """All images, then what belongs to none. An image alone is the shelf itself; else each is a step in it."""
        yield from self._store.problems()
        if len(self._images) == 1:
            yield from self._image(0)
        else:
            for at, title in reversed(list(enumerate(_titles(self._images)))):
                opens = Format("a container image", b"", _always, partial(self._ignoring, at), kind="image")
                yield Member(title, kind="image", opens=opens)
        for name in self._store.left():
            data = self._store.data(name)
            if data is not None:
                yield Member(escape(name), data=data)
                yield from self._checked(escape(name), "file", data, manifests.digest_in(name))
        yield from self._store.problems()

    def _ignoring(self, at: int, content: Any, options: Options) -> Iterator[Item]:
        del content, options
        return self._image(at)

    def _image(self, at: int) -> Iterator[Item]:
        """The configuration, and the layers from the last to the first."""
        image = self._images[at]
        config = self._store.document(image.config) if image.config else None
        if config is not None:
            yield from self._configuration(image.config, config)
        steps, digests = image_config.steps(config), image_config.digests(config)
        count = len(image.layers)
        steps = steps if len(steps) == count else [None] * count  # no wrong step rather than any
        digests = digests if len(digests) == count else [None] * count
        names = [self._store.real(layer.name) for layer in image.layers]
        is_kept = any(self._homes[name] != at for name in names)
        later = layers.Later(self._memo if is_kept else layers.Memo())
        opened: dict[str, layers.Changes] = {}
        for number in range(count, 0, -1):
            name = names[number - 1]
            stand = layers.Stand(later, number)
            if self._homes[name] != at:
                self._stands[name].append(stand)
            elif name in opened:
                self._hide(opened[name], [stand])
            else:
                stands = [*self._stands.pop(name, ()), stand]
                facts = digests[number - 1], steps[number - 1]
                changes = yield from self._layer(image.layers[number - 1], stands, *facts)
                self._hide(changes, stands)
                if name in names[: number - 1]:
                    opened[name] = changes
        if later.memo.left < 0 or self._replays < 0:
            detail = "so many paths that of some files it is not told in which layer they were removed"
            self._store.problem(image.config, Reason.OVER_BUDGET, detail)
        yield from self._store.problems()

    def _hide(self, changes: layers.Changes, stands: list[layers.Stand]) -> None:
        """Let what a layer changed count for what is below it, wherever it stands."""
        for stand in stands:
            self._replays -= len(changes.over) + len(changes.folders)
            if self._replays >= 0:
                stand.later.add(changes, stand.number)

    def _configuration(self, name: str, config: Any) -> Iterator[Item]:
        self._store.use(name)
        yield from image_config.rendered(config)
        data = self._store.data(name)
        if data is not None:
            yield from self._checked(_CONFIGURATION, "file", data, manifests.digest_in(name))

    def _layer(
        self, layer: manifests.Layer, stands: list[layers.Stand], digest: str | None, step: str | None
    ) -> Generator[Item, None, layers.Changes]:
        """A layer, under its number in the last of the images where it stands; and then what it changes."""
        changes = layers.Changes(layers.Memo())
        name = self._store.real(layer.name)
        data = self._store.data(name)
        if data is not None:
            self._store.use(name)
            facts = {"digest": digest or manifests.digest_in(name), "created_by": step}
            opens = layers.layer(stands, changes)
            member = Member(str(stands[-1].number), data=data, kind="layer", facts=facts, opens=opens)
            yield from self._opened(member, data, layer, digest)
        return changes

    def _opened(self, member: Member, data: Data, layer: manifests.Layer, diff_id: str | None) -> Iterator[Item]:
        """What lies in a layer, and what is wrong with it."""
        yield member
        try:
            head = data.read(0, HEAD)
        except OSError:
            return  # told where it was opened
        if not layers.is_layer(head) and ("tar" in layer.media or not layer.media):
            encrypted = layer.media.endswith(_ENCRYPTED)
            reason = Reason.ENCRYPTED if encrypted else Reason.DAMAGED
            detail = "an encrypted layer" if encrypted else "a layer that is no tar archive: it was searched as it is"
            yield Member(member.name, kind="layer", reason=reason, detail=detail)
        digest = manifests.digest_in(self._store.real(layer.name)) or (diff_id if layers.is_plain(head) else None)
        yield from self._checked(member.name, "layer", data, digest)

    def _checked(self, shown: str, kind: str, data: Data, digest: str | None) -> Iterator[Item]:
        """What to tell of `data` if it has not the digest that it should have."""
        try:
            if digest is None or manifests.fits(data, digest):
                return
            reason, detail = Reason.DAMAGED, "its digest does not fit; it was searched as it is"
        except OSError as error:
            reason, detail = Reason.UNREADABLE, error.strerror or str(error)
        yield Member(shown, kind=kind, reason=reason, detail=detail)


def _titles(images: list[Image]) -> Iterator[str]:
    """A name for each image, no two the same."""
    given: Counter[str] = Counter()
    for image in images:
        title = escape(image.title or image.config.removeprefix("blobs/sha256/").removeprefix("sha256:")[:12])
        title = title or "(nameless)"
        given[title] += 1
        yield title if given[title] == 1 else f"{title} ({given[title]})"


def _target(name: str, header: tar.Header) -> str:
    """Where a link leads: a symbolic one from its folder, a hard one from the top. Never out of the archive."""
    if header.type == tar.LINKS[:1]:
        return layers.as_path(header.link)
    return posixpath.normpath(posixpath.join("/", posixpath.dirname(name), header.link)).lstrip("/")


def _plain(data: Data, options: Options) -> Iterator[Item]:
    """The members of a tar archive that is no image; and where it breaks, what is left of it, as it is."""
    cursor = Cursor(data)
    yield Identity("archive")
    try:
        yield from tar.members(cursor, options)
    except Exception:
        yield Rest(cursor.position, data.size - cursor.position)
        raise


def _always(head: bytes, tail: bytes) -> bool:
    del head, tail
    return True


def _never(head: bytes, tail: bytes) -> bool:
    del head, tail
    return False


FORMAT = Format("a container image", b"", begins, members, kind="image")
SHELF_FORMAT = Format("a container image", b"", _never, on_shelf, kind="image")
"""What a `Shelf` with a container image is opened with."""
