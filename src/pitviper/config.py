"""`Settings`: everything a user can choose, from a configuration file and from flags, in one frozen value."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from reprlib import repr as short
from typing import Annotated, Any, get_args

import msgspec

from pitviper.errors import ConfigError, UsageError
from pitviper.model.finding import Kind, Severity

_JOBS = msgspec.Meta(ge=0, le=256)
_PLATFORMS = msgspec.Meta(pattern=r"^(all|[a-z0-9]+/[a-z0-9_]+(/[a-z0-9.]+)?)$")
PLATFORM = "linux/amd64"
"""Of images in a registry; not that of this machine, so that a report depends on the target alone."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """The choices of one scan. In a configuration file the names are written with hyphens (`min-severity`).

    Words stand for what they name: `Settings(min_severity="high")`. Raises `UsageError` for what no field can hold.
    """

    output: tuple[str, ...] = ("text",)
    """`FORMAT` or `FORMAT:FILE`, each."""
    only: tuple[Kind, ...] = tuple(Kind)
    rules: tuple[str, ...] = ()
    """Rule files or folders of them, on top of the built-in rules."""
    disable: tuple[str, ...] = ()
    min_severity: Severity = Severity.INFO
    fail_on: Severity = Severity.MEDIUM
    baseline: str | None = None
    auditor: bool = False
    show_secrets: bool = False
    gitignore: bool = False
    git_history: bool = False
    """Whether a folder's git history is looked into besides the folder, as that of `git:PATH` is anyway."""
    unreachable: bool = False
    """Of a history, also what no branch, tag or stash leads to any more."""
    since: str | None = None
    """Of a history, only commits from this date on, as git reads dates."""
    branch: tuple[str, ...] = ()
    """Of a history, only these branches."""
    staged: bool = False
    """Of a repository, only what is staged for the next commit."""
    allow_comments: bool = True
    """Whether `pitviper: allow[rule-id]` on a line is honoured; turn it off for code that others wrote."""
    archive_password: tuple[str, ...] = ()
    """Tried on encrypted archives."""
    max_depth: Annotated[int, msgspec.Meta(ge=1, le=64)] = 16
    """Containers in containers."""
    max_members: Annotated[int, msgspec.Meta(ge=1)] = 1_000_000
    max_expanded: Annotated[int, msgspec.Meta(ge=1)] = 64 * 1024**3
    """Bytes that may come out of one artefact."""
    index_url: str | None = None
    """Where `pypi:NAME` is looked up; None for what the environment says, else the index that pip uses by default."""
    platform: Annotated[str, _PLATFORMS] = PLATFORM
    """`OS/ARCHITECTURE[/VARIANT]`: which image, of a list of them in a registry; or `all`."""
    strict: bool = False
    quiet: bool = False
    progress: bool = True
    jobs: Annotated[int, _JOBS] = 0
    """Worker processes; 0 means one for each CPU that this process may use."""

    def __post_init__(self) -> None:
        # Python checks no types: a kind that is none would equal no finding's, and the scan come out clean.
        for field in _FIELDS:
            value = _converted(field.name, field.type, getattr(self, field.name))
            msgspec.structs.force_setattr(self, field.name, value)


_FIELDS = msgspec.structs.fields(Settings)

NAMES = ("pitviper.toml", "pyproject.toml")
"""Configuration files that are looked for in the working directory, never in the target: that may be hostile."""


def find() -> str | None:
    """The configuration file of the working directory, if there is one."""
    for name in NAMES:
        try:
            with open(name, "rb") as file:
                if name == "pitviper.toml" or b"[tool.pitviper" in file.read():
                    return name
        except OSError:
            continue
    return None


def load(path: str | None, flags: Mapping[str, Any]) -> Settings:
    """Settings from the file at `path` (None: defaults), overruled by `flags` (field names to values).

    Raises `ConfigError` for a file that cannot be read, is no TOML, or holds unknown or wrong values.
    """
    fields = {field.encode_name: field for field in _FIELDS}
    given: dict[str, Any] = {}
    for key, value in (_read(path) if path else {}).items():
        if key not in fields:
            raise ConfigError(f"{path}: there is no setting {short(key)}", hint=_nearest_name(key, fields))
        try:
            given[fields[key].name] = _converted(key, fields[key].type, value)
        except UsageError as error:
            raise ConfigError(f"{path}: {error}", hint=error.hint) from None
    return Settings(**{**given, **flags})


def _converted(name: str, kind: Any, value: Any) -> Any:
    """`value` as the type `kind` of the field `name` has it; raises `UsageError`."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError:
        words = [str(word) for enum in (kind, *get_args(kind)) if enum in (Severity, Kind) for word in enum]
        if isinstance(value, list | tuple):  # the first word in it that is wrong
            value = next((item for item in value if words and item not in words), value)
        wanted = "no list" if value in words else f"none of {', '.join(words)}" if words else _WANTED[kind]
        raise UsageError(f"{name}: {short(value)} is {wanted}", hint=_nearest_word(value, words)) from None


_WANTED: dict[Any, str] = {
    bool: "neither true nor false",
    tuple[str, ...]: "no list of strings",
    str | None: "no string",
    Annotated[str, _PLATFORMS]: "neither `all` nor a platform such as linux/arm64",
    Annotated[int, _JOBS]: f"no whole number from {_JOBS.ge} to {_JOBS.le}",
}
"""What a value of a field should have been, but for words of a kind."""


def _read(path: str) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            document: dict[str, Any] = msgspec.toml.decode(file.read())
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}", hint="Check the path after --config.") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: no valid TOML: {error}") from None
    for name in ("tool", "pitviper") if "tool" in document or os.path.basename(path) == "pyproject.toml" else ():
        document = document.get(name, {})
        if not isinstance(document, dict):
            raise ConfigError(f"{path}: {name!r} is not a table", hint="Write the settings under [tool.pitviper].")
    return document


def _nearest_name(key: str, known: Iterable[str]) -> str:
    close = get_close_matches(key.replace("_", "-"), known, n=1)
    return f"Did you mean {close[0]!r}?" if close else f"Known settings: {', '.join(known)}."


def _nearest_word(value: object, words: Sequence[str]) -> str:
    if value in words:
        return f"Write a list: [{str(value)!r}]."
    close = get_close_matches(value.lower(), words, n=1) if isinstance(value, str) else []
    return f"Did you mean {close[0]!r}?" if close else ""
