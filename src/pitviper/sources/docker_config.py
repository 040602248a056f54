"""Credentials for a registry, from where `docker login` and `podman login` keep them.

Docker's `config.json` (docs.docker.com, "docker login": `auths`, `credsStore`, `credHelpers`) and podman's `auth.json`
(containers-auth.json(5)). Credential helpers speak the protocol of github.com/docker/docker-credential-helpers: the
command `get` is given the server on standard input and answers with JSON. What a helper or a file says is a secret, so
it is never told; what went wrong is, in words of our own.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import shutil
import subprocess
from collections.abc import Iterator

import msgspec

DEFAULT_HOST = "docker.io"
"""The registry of names without a host. It is known under more names than one:"""
DEFAULT_API = "registry-1.docker.io"
"""where its HTTP API answers,"""
DEFAULT_SERVER = "https://index.docker.io/v1/"
"""and what its credentials are filed under."""

HELPER_SECONDS = 10.0
_LONGEST = 4 << 20
_HELPER = re.compile(r"[a-z0-9-]+")
_TOKEN_USER = "<token>"  # noqa: S105 - the user name that marks an identity token, in the protocol of helpers
_TRIMMED = re.compile(r"^https?://|(?:/v[12])?/*$")


class Credential(msgspec.Struct, frozen=True):
    """A user name and a password; or an identity token (OAuth 2.0 refresh token), which has no user."""

    user: str
    secret: str
    is_identity: bool = False

    def __repr__(self) -> str:
        """Without the secret: a `repr` may get into a log."""
        return f"{type(self).__name__}({'identity token' if self.is_identity else 'password'})"


class _Entry(msgspec.Struct, frozen=True):
    auth: str = ""
    username: str = ""
    password: str = ""
    identitytoken: str = ""


class _Config(msgspec.Struct, frozen=True):
    auths: dict[str, _Entry] | None = None
    creds_store: str = msgspec.field(name="credsStore", default="")
    cred_helpers: dict[str, str] | None = msgspec.field(name="credHelpers", default=None)


class _Answer(msgspec.Struct, frozen=True, rename="pascal"):
    username: str
    secret: str


class _Unusable(Exception):  # noqa: N818 - what goes wrong here ends nothing
    """Something that should hold credentials cannot be used, and why."""


def find(host: str, repository: str) -> tuple[Credential | None, list[str]]:
    """The credential for `repository` on `host`, if there is one; and what went wrong on the way to it."""
    problems: list[str] = []
    for path in _files():
        try:
            if credential := _look_up(_read(path), host, repository, problems):
                return credential, problems
        except _Unusable as error:
            problems.append(f"{path} {error}")
    return None, problems


def _files() -> Iterator[str]:
    """Where credentials may be: what the user named first, then docker's file, then podman's."""
    environment = os.environ
    if named := environment.get("REGISTRY_AUTH_FILE"):
        yield named
    yield os.path.join(environment.get("DOCKER_CONFIG") or os.path.expanduser("~/.docker"), "config.json")
    if runtime := environment.get("XDG_RUNTIME_DIR"):
        yield os.path.join(runtime, "containers", "auth.json")
    settings = environment.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")  # podman's, where there is no such
    yield os.path.join(settings, "containers", "auth.json")


def _read(path: str) -> _Config:
    try:
        with open(path, "rb") as file:
            return msgspec.json.decode(file.read(_LONGEST), type=_Config)
    except (FileNotFoundError, NotADirectoryError):
        return _Config()
    except OSError as error:
        raise _Unusable(f"cannot be read: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _Unusable("is no configuration of docker or podman") from None


def _look_up(config: _Config, host: str, repository: str, problems: list[str]) -> Credential | None:
    keys = _keys(host, repository)
    helpers = {_trimmed(key): name for key, name in (config.cred_helpers or {}).items()}
    named = [helpers[key] for key in keys if key in helpers]
    for name in dict.fromkeys([*named[:1], *filter(None, [config.creds_store])]):
        try:
            if credential := _ask(name, DEFAULT_SERVER if host == DEFAULT_HOST else host):
                return credential
        except _Unusable as error:
            problems.append(f"the credential helper {error}")
    entries = {_trimmed(key): entry for key, entry in (config.auths or {}).items()}
    return next((found for key in keys if key in entries and (found := _opened(entries[key]))), None)


def _keys(host: str, repository: str) -> list[str]:
    """What credentials may be filed under, the closest first: podman's may be those of a part of a registry."""
    steps = repository.split("/")
    parts = [f"{host}/{'/'.join(steps[:count])}" for count in range(len(steps), 0, -1)]
    return [*parts, host, *(("index.docker.io", DEFAULT_API) if host == DEFAULT_HOST else ())]


def _trimmed(key: str) -> str:
    """`key` without the scheme, and the version of the API, that docker writes around a host."""
    return _TRIMMED.sub("", key)


def _opened(entry: _Entry) -> Credential | None:
    """What `entry` holds; None for an empty one, as docker writes it where a helper keeps the credential."""
    if entry.identitytoken:
        return Credential("", entry.identitytoken, is_identity=True)
    if not entry.auth:
        return Credential(entry.username, entry.password) if entry.username else None
    try:
        user, colon, password = base64.b64decode(entry.auth).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return Credential(user, password.rstrip("\0")) if colon else None


def _ask(name: str, server: str) -> Credential | None:
    """What the helper `name` keeps for `server`; None if nothing."""
    if not _HELPER.fullmatch(name):
        raise _Unusable("has a name that is none")
    command = f"docker-credential-{name}"
    path = shutil.which(command)
    if not path or not os.path.isabs(path):  # never one in the working directory
        raise _Unusable(f"{command} is not in PATH")
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command of the user's own, from an absolute path
            [path, "get"], input=server.encode(), capture_output=True, timeout=HELPER_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise _Unusable(f"{command} did not answer in {HELPER_SECONDS:g} s") from None
    except OSError as error:
        raise _Unusable(f"{command} cannot be run: {error.strerror}") from None
    return _answered(command, done)


def _answered(command: str, done: subprocess.CompletedProcess[bytes]) -> Credential | None:
    if done.returncode:
        if b"not found" in done.stdout:  # "credentials not found in native keychain"
            return None
        raise _Unusable(f"{command} failed with status {done.returncode}")
    try:
        answer = msgspec.json.decode(done.stdout, type=_Answer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _Unusable(f"{command} gave no credential") from None
    is_identity = answer.username == _TOKEN_USER
    return Credential("" if is_identity else answer.username, answer.secret, is_identity=is_identity)
