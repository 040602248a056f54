"""Names of images as docker reads them (github.com/distribution/reference): `[HOST/]REPOSITORY[:TAG][@DIGEST]`."""

from __future__ import annotations

import ipaddress
import re

import msgspec

from pitviper.sources.docker_config import DEFAULT_API, DEFAULT_HOST

DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
"""Of OCI image spec 1.1, "Descriptors": the registered algorithms."""
_LABEL = r"(?:[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9])"
_HOST = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-fA-F:.]+\])(?::[0-9]{{1,5}})?")
_STEP = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_LONGEST = 255
_OFFICIAL = "library/"
"""Where the default registry keeps what has no namespace: `alpine` is `docker.io/library/alpine`."""


class Reference(msgspec.Struct, frozen=True):
    """Which image: `host` as credentials name it, and the `tag` or the `digest`, of which the digest decides."""

    host: str
    repository: str
    tag: str = ""
    digest: str = ""

    @property
    def wanted(self) -> str:
        """What the registry is asked for."""
        return self.digest or self.tag

    @property
    def api(self) -> str:
        """The host, with port, that answers."""
        return DEFAULT_API if self.host == DEFAULT_HOST else self.host

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.host}/{self.repository}{tag}" + (f"@{self.digest}" if self.digest else "")


def parse(text: str) -> Reference:
    """The reference that `text` is. Raises `ValueError`, which says what is wrong."""
    name, at, digest = text.partition("@")
    if at and not DIGEST.fullmatch(digest):
        raise ValueError("the digest is neither sha256:<64 hex digits> nor sha512:<128>")
    name, tag = _without_tag(name)
    host, repository = _split(name)
    if not _HOST.fullmatch(host):
        raise ValueError("the name of the registry is none")
    if len(name) > _LONGEST or not all(_STEP.fullmatch(step) for step in repository.split("/")):
        raise ValueError("the name of the repository is none: it is made of lower-case letters, digits and `.-_/`")
    return Reference(host, repository, tag or ("" if digest else "latest"), digest)


def _without_tag(name: str) -> tuple[str, str]:
    """`name` without its tag, and the tag: a colon behind the last slash."""
    head, colon, tag = name.rpartition(":")
    if not colon or "/" in tag:
        return name, ""
    if not _TAG.fullmatch(tag):
        raise ValueError("the tag is none: it is made of up to 128 letters, digits and `.-_`")
    return head, tag


def _split(name: str) -> tuple[str, str]:
    """Host and repository: a first step with a dot, a port or an upper-case letter, or `localhost`, is a host."""
    host, slash, repository = name.partition("/")
    if not slash or not (set(".:") & set(host) or host == "localhost" or host != host.lower()):
        host, repository = DEFAULT_HOST, name
    if host == "index.docker.io":
        host = DEFAULT_HOST
    if host == DEFAULT_HOST and "/" not in repository:
        repository = _OFFICIAL + repository
    return host, repository


def is_loopback(host: str) -> bool:
    """Whether `host`, without a port, is this machine: there plain HTTP is as good as HTTPS."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
