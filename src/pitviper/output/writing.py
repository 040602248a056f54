"""The one door through which a report leaves: to standard output, or whole into a file, or not at all.

A file is written beside its place and then moved there, so that a reader never sees half a report, and a failure leaves
the old one as it was. A FIFO or device is written to directly.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TextIO

import msgspec

from pitviper import atomic
from pitviper.errors import OutputError, UsageError
from pitviper.model.place import escape
from pitviper.model.report import Report
from pitviper.output import OUTPUTS
from pitviper.output import _words as words
from pitviper.output.interface import Style
from pitviper.rules.schema import Rule

_NARROWEST, _WIDEST = 40, 160
"""Columns: less leaves no room for a sentence, more makes lines that an eye loses."""
_WIDTH = 100
"""Columns where there is no terminal to ask."""
_STREAMS = ("/dev/stdout", "/dev/stderr", "/dev/fd/", "/proc/")
"""Names of streams that are open already, whatever kind of file they lead to."""
_HINTS = {
    errno.ENOENT: "Create the folder first.",
    errno.ENOTDIR: "Create the folder first.",
    errno.EISDIR: "Name a file in that folder.",
    errno.EACCES: "Choose a file that you may write.",
    errno.EPERM: "Choose a file that you may write.",
    errno.EROFS: "Choose a file that you may write.",
    errno.EBUSY: "Mount the folder of the report, not the file itself.",
    errno.ENOSPC: "Free some space, or choose another disk.",
    errno.EDQUOT: "Free some space, or choose another disk.",
    errno.EPIPE: "The reader stopped early: write to a file instead, as in `-o {format}:report.{suffix}`.",
}
_SUFFIXES = {"text": "txt", "markdown": "md"}
"""How names of files end, where that is not the name of the format."""


class Spec(msgspec.Struct, frozen=True):
    """A format, and the file that the report goes to; None is standard output."""

    format: str
    file: str | None = None


def parse_spec(text: str) -> Spec:
    """The meaning of `FORMAT[:FILE]`; a FILE of `-` is standard output. Raises `UsageError`."""
    name, colon, file = text.partition(":")
    if name not in OUTPUTS:
        raise UsageError(f"unknown output format {escape(name)!r}", hint=_nearest(name))
    if colon and (not file or "\0" in file):
        raise UsageError(
            f"the output {escape(text)!r} names no file", hint=f"Write `{name}` or `{name}:FILE`, without spaces."
        )
    return Spec(name, None if file in ("", "-") else file)


def parse_specs(texts: Iterable[str]) -> tuple[Spec, ...]:
    """`parse_spec` for each of `texts`; raises `UsageError` also where two reports would go to the same place."""
    specs = tuple(parse_spec(text) for text in texts)
    taken: dict[str | None, Spec] = {}
    for spec in specs:
        place = None if spec.file is None or _is_stdout(spec.file) else os.path.realpath(spec.file)
        if place in taken:
            raise UsageError(
                f"the outputs {taken[place].format} and {spec.format} both go to {_place(spec)}",
                hint="Give one of them a file of its own, as in `-o sarif:scan.sarif`.",
            )
        taken[place] = spec
    return specs


def _is_stdout(path: str) -> bool:
    """Whether `path` is another name of standard output."""
    with contextlib.suppress(OSError, ValueError):
        return os.path.samestat(os.stat(path), os.fstat(1))
    return False


def _nearest(name: str) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - only needed for a mistake

    known = f"Known formats: {', '.join(OUTPUTS)}."
    close = get_close_matches(name.lower(), OUTPUTS, n=1)
    return f"Did you mean {close[0]!r}? {known}" if close else known


def check(specs: Iterable[Spec]) -> None:
    """Raise `OutputError` for a file that no report could be written to: better before a long scan than after it."""
    for spec in specs:
        with _telling(spec):
            if spec.file is not None and not _is_stream(spec.file):
                path = os.path.realpath(spec.file)
                atomic.permissions(os.path.dirname(path))
                with contextlib.suppress(FileNotFoundError):
                    atomic.permissions(path)


def write(report: Report, rules: Mapping[str, Rule], specs: Sequence[Spec], *, stdout: TextIO | None = None) -> None:
    """Write `report` in the form and to the place of each of `specs`; `rules` by id.

    `stdout` stands for standard output. Tries all of `specs`, files first, then raises `OutputError` if any failed.
    """
    failures: list[OutputError] = []
    for spec in sorted(specs, key=lambda spec: spec.file is None):
        try:
            with _telling(spec):
                _write(report, rules, spec, sys.stdout if stdout is None else stdout)
        except OutputError as error:
            failures.append(error)
    if failures:
        raise OutputError("; ".join(map(str, failures)), hint=failures[0].hint) from failures[0]


def told(report: Report, specs: Sequence[Spec], style: Style) -> str:
    """A line for those who see no report, because all went into files; empty if any went to a stream that is open."""
    if not specs or any(spec.file is None or _is_stream(spec.file) for spec in specs):
        return ""
    places = ", ".join(f"{spec.format} in {_place(spec)}" for spec in specs)
    return f"{words.dot(style).join([words.found(report), *words.asides(report)])}: {places}"


@contextlib.contextmanager
def _telling(spec: Spec) -> Iterator[None]:
    """Turn an OSError into an `OutputError` that says what could not be written, where, and why."""
    try:
        yield
    except OSError as error:
        why = error.strerror or type(error).__name__
        hint = _HINTS.get(error.errno or 0, "Choose another place for the report.")
        hint = hint.format(format=spec.format, suffix=_SUFFIXES.get(spec.format, spec.format))
        raise OutputError(f"cannot write the {spec.format} report to {_place(spec)}: {why}", hint=hint) from error


def _write(report: Report, rules: Mapping[str, Rule], spec: Spec, stdout: TextIO | None) -> None:
    render = OUTPUTS[spec.format]
    if spec.file is None:
        if stdout is None:  # the process was started without one
            raise OSError(errno.EBADF, "it is closed")
        _to_stream(render(report, rules, style_of(stdout)), stdout)
        return
    pieces = render(report, rules, Style(width=_WIDTH))
    if _is_stream(spec.file):
        with open(spec.file, "ab") as file:
            file.writelines(map(_utf8, pieces))
    else:
        atomic.replace(os.path.realpath(spec.file), map(_utf8, pieces))


def style_of(stream: TextIO) -> Style:
    """What can be shown on `stream`: colour on a terminal (see NO_COLOR and FORCE_COLOR), its width, its characters."""
    width = shutil.get_terminal_size((_WIDTH, 24)).columns
    return Style(color=_has_color(stream), width=max(_NARROWEST, min(width, _WIDEST)), unicode=_has_unicode(stream))


def _has_color(stream: TextIO) -> bool:
    """By no-color.org, force-color.org and bixense.com/clicolors; a "no" wins, as in Python itself."""
    if os.environ.get("NO_COLOR"):
        return False
    if any(os.environ.get(name, "0") not in ("", "0") for name in ("FORCE_COLOR", "CLICOLOR_FORCE")):
        return True
    understands = os.name != "nt" or "WT_SESSION" in os.environ  # older consoles of Windows print the codes
    return stream.isatty() and os.environ.get("TERM") != "dumb" and understands


def _has_unicode(stream: TextIO) -> bool:
    """Whether the encoding has all of Unicode: judged by an arrow, and by a character of the last plane in use."""
    try:
        "▸\U0001f40d".encode(stream.encoding or "ascii")
    except (UnicodeError, LookupError):
        return False
    return True


def _to_stream(pieces: Iterable[str], stream: TextIO) -> None:
    encoding = stream.encoding or "utf-8"
    try:
        stream.writelines(piece.encode(encoding, "backslashreplace").decode(encoding) for piece in pieces)
        stream.flush()
    except OSError:
        _silence(stream)
        raise


def _silence(stream: TextIO) -> None:
    """Lead a broken stream nowhere: what it still holds is flushed when Python exits, and would fail once more."""
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        with contextlib.suppress(OSError):  # a stream without a descriptor holds nothing back
            os.dup2(null, stream.fileno())
    finally:
        os.close(null)


def _is_stream(path: str) -> bool:
    """Whether `path` leads to something that can be written to but not replaced. Raises OSError."""
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        mode = stat.S_IFREG
    if stat.S_ISDIR(mode) or path.endswith((os.sep, "/")):
        raise IsADirectoryError(errno.EISDIR, "it is a folder")
    return not stat.S_ISREG(mode) or os.path.abspath(path).startswith(_STREAMS)


def _utf8(piece: str) -> bytes:
    return piece.encode("utf-8", "backslashreplace")


def _place(spec: Spec) -> str:
    return "standard output" if spec.file is None else escape(spec.file)
