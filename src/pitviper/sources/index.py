"""Releases in a package index: every file of one, looked into as it is downloaded. Nothing is installed, built or run.

The only source that uses the network, and only because the user named it. The index and its files are a stranger's:
names are escaped, sizes bounded, and a file that is not the one which the index promises is not looked into. Sources:
PEP 503 and 691 (the pages of an index), 592 (yanked files), 440 (versions).
"""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

import msgspec

from pitviper.engine.data import Cursor, File, spool
from pitviper.engine.pack import Free, Pack, windows
from pitviper.errors import TargetError
from pitviper.model.gap import Gap, Reason
from pitviper.model.place import Link, escape
from pitviper.sources import pip_config
from pitviper.sources.download import Client, NotFound

if TYPE_CHECKING:
    from packaging.requirements import Requirement
    from packaging.version import Version
    from pypi_simple import DistributionPackage, ProjectPage

PREFIX = "pypi:"
_VARIABLES = ("PITVIPER_INDEX_URL", "PIP_INDEX_URL")
_LONGEST_PAGE = 32 * 1024 * 1024
"""Bytes of a project's page: that of a project with 10,000 files has about 5 MB."""
_ALGORITHMS = ("sha256", "sha384", "sha512", "sha1", "md5")
"""Of the hashes that an index tells, the first of these is checked."""
_HOW = f"Write {PREFIX}NAME, {PREFIX}NAME==1.0, or in quotes '{PREFIX}NAME>=1,<2'."


class Downloaded(msgspec.Struct, frozen=True):
    """A file of a release, in a temporary file without a name."""

    path: str
    chain: tuple[Link, ...]
    data: File

    again: ClassVar = True

    def open(self, head: bytes) -> File:
        """See `Whole`."""
        del head
        return self.data


class Index:
    """The release that `target` (`pypi:NAME`, and which versions) names. Raises `TargetError`, also without network.

    `most` bytes may be downloaded in all. `failures` are the files that could not be had, known once all were read.
    """

    whole = None

    def __init__(self, target: str, index_url: str | None = None, most: int = 1 << 36) -> None:
        self._target = escape(target)
        self._left = most
        self.failures: list[TargetError] = []
        try:
            wanted = _requirement(target.removeprefix(PREFIX))
            self._index = index_url or _default_index()
            with Client(self._index) as client:
                self._version, self._files = _release(_page(client, wanted.name), wanted, client.shown)
        except TargetError as error:
            raise TargetError(f"{self._target}: {error}", hint=error.hint) from None
        self._project = escape(wanted.name)
        self.told = f"{self._target} is {self._project} {self._version} of {client.shown}"
        """Which release it is, and whose: two indexes may have different projects of one name."""

    def parts(self) -> Iterator[Index]:
        """See `Source`."""
        yield self

    def size(self) -> int:
        """See `Source`."""
        return sum(file.size or 0 for file in self._files)

    def read(self, free: Free) -> Iterator[Pack]:
        """The files of the release, one after the other."""
        gaps: list[Gap] = []
        with Client(self._index) as client:
            for file in self._files:
                name = escape(file.filename)
                path = f"{PREFIX}{self._project}=={self._version}/{name}"
                try:
                    data = self._download(client, file)
                except (TargetError, OSError) as error:
                    detail = error.strerror or "" if isinstance(error, OSError) else str(error)
                    gaps.append(Gap(path, Reason.UNREADABLE, detail))
                    hint = error.hint if isinstance(error, TargetError) else "Make room for temporary files."
                    self.failures.append(TargetError(f"{path}: {detail}", hint=hint))
                    continue
                link = Link("distribution", name, version=str(self._version), project=self._project)
                yield from windows(Downloaded(path, (link,), data), Cursor(data).fill, free)
        yield Pack(free(), 0, [], gaps)

    def _download(self, client: Client, file: DistributionPackage) -> File:
        """The content of `file`, if it is what the index promises."""
        known = {name.lower(): digest for name, digest in file.digests.items()}
        algorithm = next((name for name in _ALGORITHMS if name in known), _ALGORITHMS[0])
        digest = hashlib.new(algorithm, usedforsecurity=False)
        if not file.url.startswith(("https://", f"{client.url.scheme}://")):
            raise TargetError("the index leads to something that is not https")
        with client.get(file.url) as answer:
            pieces = answer.pieces(self._left if file.size is None else min(self._left, file.size))

            def read(size: int) -> bytes:
                del size
                piece = next(pieces, b"")
                digest.update(piece)
                return piece

            data = spool(b"", read)
        self._left -= data.size
        if algorithm in known and digest.hexdigest() != known[algorithm].lower():
            detail = f"its {algorithm} is {digest.hexdigest()}, and the index promises {escape(known[algorithm][:128])}"
            raise TargetError(f"{detail}: it was not looked into", hint="Do not use this file, and tell the index.")
        return data


def _default_index() -> str:
    from pypi_simple import PYPI_SIMPLE_ENDPOINT  # noqa: PLC0415 - 300 ms that only who uses an index pays

    return next(filter(None, map(os.environ.get, _VARIABLES)), None) or pip_config.index_url() or PYPI_SIMPLE_ENDPOINT


def _requirement(text: str) -> Requirement:
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415 - see above

    try:
        wanted = Requirement(text)
    except InvalidRequirement:
        raise TargetError("no name of a project, or no versions", hint=_HOW) from None
    if wanted.extras or wanted.marker or wanted.url:
        raise TargetError("only a name and versions can be asked for", hint=_HOW)
    return wanted


def _page(client: Client, name: str) -> ProjectPage:
    """What the index says of the project `name`."""
    import pypi_simple  # noqa: PLC0415 - see above
    from packaging.utils import canonicalize_name  # noqa: PLC0415

    base = str(client.url.copy_with(username=None, password=None)).rstrip("/")
    try:
        with client.get(f"{base}/{canonicalize_name(name)}/", pypi_simple.ACCEPT_JSON_PREFERRED) as answer:
            content = b"".join(answer.pieces(_LONGEST_PAGE, decoded=True))
    except NotFound:
        hint = "Check the spelling, and --index-url."
        raise TargetError(f"the index {client.shown} has no project of this name", hint=hint) from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of parsers, about what strangers wrote
            if "json" in answer.type.partition(";")[0]:
                return pypi_simple.ProjectPage.from_json_data(msgspec.json.decode(content), answer.url)
            return pypi_simple.ProjectPage.from_html(name, content, answer.url)
    except Exception as error:  # noqa: BLE001 - parsers of three packages raise what they like
        problem = f"what {answer.shown} sends is no page of an index ({type(error).__name__})"
        raise TargetError(problem, hint="Check --index-url: it often ends in /simple/.") from None


def _release(page: ProjectPage, wanted: Requirement, index: str) -> tuple[Version, list[DistributionPackage]]:
    """The newest version that is wanted, with all its files; a yanked one only if exactly that one is."""
    releases = _releases(page.packages)
    if not releases:
        hint = "Check --index-url: it often ends in /simple/."
        raise TargetError(f"the index {index} has no files of this project", hint=hint)
    pinned = any(spec.operator in ("==", "===") and not spec.version.endswith(".*") for spec in wanted.specifier)
    standing = [version for version, files in releases.items() if pinned or not all(file.is_yanked for file in files)]
    matching = list(wanted.specifier.filter(standing))
    if matching:
        newest = max(matching)
        return newest, releases[newest]
    if any(wanted.specifier.filter(releases)):
        raise TargetError("all versions that match are yanked", hint=f"Name one: {PREFIX}NAME=={max(releases)}.")
    raise TargetError(f"no version matches {wanted.specifier}", hint=f"The newest version there is {max(releases)}.")


def _releases(files: Sequence[DistributionPackage]) -> dict[Version, list[DistributionPackage]]:
    """The files by version, without those whose names tell none."""
    from packaging.version import InvalidVersion, Version  # noqa: PLC0415 - see above

    releases: dict[Version, list[DistributionPackage]] = {}
    for file in files:
        try:
            releases.setdefault(Version(file.version or ""), []).append(file)
        except InvalidVersion:
            continue
    return releases
