"""`Settings`: everything a user can choose, from a configuration file and from flags, in one frozen value."""

from __future__ import annotations

import os
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, Any

import msgspec

from pitviper.errors import ConfigError
from pitviper.model.finding import Kind, Severity


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """The choices of one scan. In a configuration file the names are written with hyphens (`min-severity`)."""

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
    allow_comments: bool = True
    """Whether `pitviper: allow[rule-id]` on a line is honoured; turn it off for code that others wrote."""
    strict: bool = False
    quiet: bool = False
    progress: bool = True
    jobs: Annotated[int, msgspec.Meta(ge=0, le=256)] = 0
    """Worker processes; 0 means one for each CPU that this process may use."""


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
    values = _read(path) if path else {}
    overrides = msgspec.structs.asdict(Settings())
    renamed = dict(zip(Settings.__struct_encode_fields__, Settings.__struct_fields__, strict=True))
    try:
        from_file = msgspec.convert(values, Settings, strict=True)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {error}", hint=_suggestion(values)) from None
    for key in values:
        overrides[renamed[key]] = getattr(from_file, renamed[key])
    return Settings(**{**overrides, **flags})


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


def _suggestion(values: Mapping[str, Any]) -> str:
    known = Settings.__struct_encode_fields__
    for key in values:
        if key not in known:
            close = get_close_matches(key.replace("_", "-"), known, n=1)
            return f"Did you mean {close[0]!r}?" if close else f"Known settings: {', '.join(known)}."
    return ""
