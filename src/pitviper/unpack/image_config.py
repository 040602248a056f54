"""The configuration of a container image: what its steps were, and all that it says, as text that can be searched.

JSON escapes `&`, `<`, `>` and quotes; in a rendered line a secret stands as it is. Every string of the configuration is
in one. Source: OCI image spec 1.1, "Image Configuration"; how the classic builder and BuildKit write a step is in
`history` of images that they made.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from pitviper.model.place import escape
from pitviper.unpack.interface import Member

_SECTIONS = ("config", "container_config")
_NO_LAYER = "#(nop)"
"""The classic builder's mark of a step that runs nothing."""
_SHELLS = ("/bin/sh -c ", "cmd /S /C ")
_BUILDKIT = " # buildkit"
_RUN = "RUN "
_ARGUMENTS = re.compile(r"\|\d+ ")
"""In front of a command: how many build arguments it had; they follow."""
_ARGUMENT = re.compile(r" (?=[A-Za-z_]\w{0,99}=)")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_OF_LIST = "-"
_LONGEST_STEP = 4096
"""Characters of a step that are told. It is not cut: the half of a secret would be told, as nobody knew it as one."""


def digests(document: Any) -> list[str | None]:
    """Those of the layers as they are before they are compressed (`diff_ids`), from the lowest."""
    listed = _get(_get(document, "rootfs"), "diff_ids")
    known = listed if isinstance(listed, list) else []
    return [digest if isinstance(digest, str) and _DIGEST.fullmatch(digest) else None for digest in known]


def steps(document: Any) -> list[str | None]:
    """The steps of the Dockerfile that made a layer, from the lowest, as people write them."""
    history = _get(document, "history")
    made = [entry for entry in history if not _get(entry, "empty_layer")] if isinstance(history, list) else []
    return [step(_get(entry, "created_by")) for entry in made]


def step(created_by: Any) -> str | None:
    """A step of the Dockerfile, without its build arguments, which may be secrets, and fit to print."""
    if not isinstance(created_by, str):
        return None
    _, text = _split(created_by)
    text = escape(" ".join(text.split()))
    return (text if len(text) <= _LONGEST_STEP else f"{text[:10].partition(' ')[0]} …") or None


def rendered(document: Any) -> Iterator[Member]:
    """The configuration as lines, under the name of what says them.

    Instructions as they stand in a Dockerfile, the steps of the history one by one, and `key: value` for all else.
    """
    rest = document
    if isinstance(document, dict):
        rest = dict(document)
        for section in _SECTIONS:
            if isinstance(found := document.get(section), dict):
                rest[section] = dict(found)
                for instruction, values in _section(rest[section]):
                    yield _member(f"({instruction})", [f"{instruction} {value}" for value in values])
        if isinstance(found := document.get("history"), list):
            rest["history"] = [_without_step(entry) for entry in found]
            for number, entry in enumerate(found, 1):
                if isinstance(created_by := _get(entry, "created_by"), str):
                    arguments, text = _split(created_by)
                    given = [f"ARG {argument}" for argument in _ARGUMENT.split(arguments) if argument]
                    yield _member(str(number), [*given, text], kind="step", facts={"created_by": step(created_by)})
    yield _member("(configuration)", _all(rest))


def _member(name: str, lines: Iterable[str], **link: Any) -> Member:
    text = "".join(f"{line}\n" for line in lines)
    return Member(name, content=text.encode("utf-8", "backslashreplace"), **link)


def _section(section: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """What has an instruction of its own, with its values; that is taken out of `section`."""
    if _is_texts(section.get("Env")):
        yield "ENV", section.pop("Env")
    labels = section.get("Labels")
    if isinstance(labels, dict) and _is_texts(list(labels.values())):
        yield "LABEL", [f"{key}={value}" for key, value in section.pop("Labels").items()]
    for key in ("Entrypoint", "Cmd"):
        if _is_texts(section.get(key)):
            yield key.upper(), [" ".join(section.pop(key))]


def _without_step(entry: Any) -> Any:
    if not isinstance(_get(entry, "created_by"), str):
        return entry
    return {key: value for key, value in entry.items() if key != "created_by"}


def _split(created_by: str) -> tuple[str, str]:
    """Build arguments and instruction of a step. Where the arguments end is known by the shell that follows them."""
    text = created_by.strip().removesuffix(_BUILDKIT)
    runs = text.startswith(_RUN)
    text = text.removeprefix(_RUN)
    arguments = ""
    if count := _ARGUMENTS.match(text):
        runs = True
        arguments, shell, command = text[count.end() :].partition(_SHELLS[0])
        text = shell + command or "…"
    for shell in _SHELLS:
        if text.startswith(shell):
            text = text.removeprefix(shell).lstrip()
            runs = not text.startswith(_NO_LAYER)
            text = text.removeprefix(_NO_LAYER).strip()
    return arguments.strip(), f"{_RUN}{text}" if runs else text


def _all(document: Any) -> Iterator[str]:
    """A line for each value, however deep, with its key; a key whose value has parts is a line of its own."""
    pending = [_parts(document)]
    while pending:
        key, value = next(pending[-1], (None, None))
        if key is None:
            pending.pop()
        elif isinstance(value, (dict, list)):
            pending.append(_parts(value))
            if key != _OF_LIST:
                yield f"{key}:"
        else:
            yield f"- {value}" if key == _OF_LIST else f"{key}: {value}"


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from value.items()
    else:
        yield from ((_OF_LIST, part) for part in (value if isinstance(value, list) else [value]))


def _get(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, dict) else None


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(part, str) for part in value)
