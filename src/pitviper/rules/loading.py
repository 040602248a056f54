"""Reading rule files into one `RuleSet`, and refusing what is wrong with file, line, rule and reason."""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from itertools import chain
from typing import NoReturn

import msgspec

from pitviper import __version__, cache
from pitviper.errors import RuleError
from pitviper.formats import FORMATS
from pitviper.rules.repeats import slow
from pitviper.rules.schema import DETECTORS, MAX_MATCH, Rule, RuleFile, RuleSet

BUILT_IN = os.path.join(os.path.dirname(__file__), "data")
_BITS = 8
_SHORTEST_ANCHOR = 3
_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def load(paths: Sequence[str] = (), disable: Iterable[str] = ()) -> RuleSet:
    """The built-in rules and those under `paths` (files or folders), without the ids in `disable`.

    Raises `RuleError` for a file that cannot be read or holds a wrong rule, for an id that stands twice, and for an id
    in `disable` that no rule has.
    """
    files = dict.fromkeys(os.path.realpath(file) for path in (BUILT_IN, *paths) for file in _files(path))
    sources = [(path, _read(path)) for path in files]
    digest = blake2b(digest_size=8)
    for _, text in sources:
        digest.update(blake2b(text).digest())
    rules = _cached(sources, f"rules-{__version__}-{digest.hexdigest()}.msgpack")
    dropped = set(disable)
    if unknown := dropped.difference(rule.id for rule in rules):
        raise RuleError(
            f"no rule is named {', '.join(sorted(map(repr, unknown)))}", hint="See `pitviper rules list` for the names."
        )
    for name in sorted(dropped):
        digest.update(b"\0" + name.encode())  # a byte that no id has: `a-b` and `c` are not `a` and `b-c`
    return RuleSet(tuple(rule for rule in rules if rule.id not in dropped), digest.hexdigest())


def _cached(sources: Sequence[tuple[str, bytes]], name: str) -> tuple[Rule, ...]:
    """Rules of `sources`: checked rules are kept, because parsing TOML costs more than scanning a small file."""
    if stored := cache.load(name):
        try:
            return msgspec.msgpack.decode(zlib.decompress(stored), type=tuple[Rule, ...])
        except (zlib.error, msgspec.MsgspecError):
            pass  # written by a version with another schema
    rules: dict[str, Rule] = {}
    ours = os.path.join(os.path.realpath(BUILT_IN), "")
    for path, text in sources:
        for number, rule in enumerate(parse(path, text, proved=path.startswith(ours))):
            if rule.id in rules:
                where = _line(text, f"$.rules[{number}].id")
                raise RuleError(
                    f"{path}{where}: the rule id {rule.id!r} stands twice", hint="Give each rule its own id."
                )
            rules[rule.id] = rule
    ordered = tuple(rules[key] for key in sorted(rules))
    packed = zlib.compress(msgspec.msgpack.encode(ordered), 1)  # a scan of a home folder would find the examples
    cache.store(name, packed)
    return ordered


def own(path: str) -> list[Rule]:
    """The rules in the file `path`, or in the files of the folder `path`, and no others; raises `RuleError`."""
    return [rule for file in _files(path) for rule in parse(file, _read(file))]


def parse(path: str, text: bytes, *, proved: bool = False) -> Iterator[Rule]:
    """The rules in the TOML `text` of the file `path`, each checked; raises `RuleError`.

    Those that were `proved` are not checked again for patterns that are wrong or slow, which takes most of the time.
    """
    try:
        file = msgspec.toml.decode(text, type=RuleFile)
    except msgspec.ValidationError as error:
        raise RuleError(f"{path}{_line(text, str(error))}: {error}", hint="docs/rules.md lists all fields.") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RuleError(f"{path}: no valid TOML: {error}") from None
    for number, rule in enumerate(file.rules):
        for field, problem in chain(_problems(rule), () if proved else _wrong_patterns(rule)):
            where = _line(text, f"$.rules[{number}].{field}")
            raise RuleError(f"{path}{where}: rule {rule.id!r}: {field}: {problem}")
        yield msgspec.structs.replace(rule, provider=file.provider)


def _files(path: str) -> Iterator[str]:
    if not os.path.isdir(path):
        yield path
        return
    for folder, folders, names in os.walk(path, onerror=_refuse):
        folders.sort()
        yield from (os.path.join(folder, name) for name in sorted(names) if name.endswith(".toml"))


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        _refuse(error)


def _refuse(error: OSError) -> NoReturn:
    raise RuleError(
        f"{error.filename}: cannot be read: {error.strerror}", hint="Check the path, and the rights on it."
    ) from None


def _problems(rule: Rule) -> Iterator[tuple[str, str]]:
    """(field, what is wrong) for what the types cannot say."""
    if not _ID.fullmatch(rule.id):
        yield "id", f"{rule.id!r} is not lower-case words joined by hyphens"
    if rule.detector:
        yield from _wrong_detector(rule)
        return
    if not rule.pattern:
        yield "pattern", "a rule needs a pattern"
    if not rule.examples:
        yield "examples", "a rule needs at least one example"
    for name in rule.validators:
        if name not in FORMATS:
            yield "validators", f"{name!r} is no format; there are {', '.join(FORMATS)}"
    yield from _wrong_figures(rule)
    yield from _wrong_anchors(rule)


def _wrong_detector(rule: Rule) -> Iterator[tuple[str, str]]:
    if rule.detector not in DETECTORS:
        yield "detector", f"{rule.detector!r} is none; there are {', '.join(DETECTORS)}"
    for field in ("pattern", "anchors", "anchor_pattern", "examples", "counter_examples"):
        if getattr(rule, field):
            yield field, "what a detector finds has none"


def _wrong_figures(rule: Rule) -> Iterator[tuple[str, str]]:
    if not 0 < rule.max_len <= MAX_MATCH:
        yield "max_len", f"must lie between 1 and {MAX_MATCH}"
    if not 0 <= rule.lead <= MAX_MATCH:
        yield "lead", f"must lie between 0 and {MAX_MATCH}"
    if not 0 <= rule.min_entropy <= _BITS:
        yield "min_entropy", f"must lie between 0 and {_BITS} bits a byte"


def _wrong_anchors(rule: Rule) -> Iterator[tuple[str, str]]:
    if not rule.anchors and not rule.anchor_pattern:
        yield "anchors", "a rule needs `anchors` or an `anchor_pattern`"
    if any(len(anchor) < _SHORTEST_ANCHOR for anchor in rule.anchors):
        yield "anchors", f"an anchor needs at least {_SHORTEST_ANCHOR} characters, or it fires everywhere"
    for field, texts in (("anchors", rule.anchors), ("anchor_pattern", (rule.anchor_pattern,))):
        if any("\0" in text for text in texts):
            yield field, "Vectorscan takes no NUL; leave it to `pattern`"


def _wrong_patterns(rule: Rule) -> Iterator[tuple[str, str]]:
    for field, pattern in (
        ("pattern", rule.pattern),
        *([("boundary", f"[{rule.boundary}]")] if rule.boundary else []),
        *(("companions", companion.pattern) for companion in rule.companions),
    ):
        try:
            problem = slow(pattern)
        except (re.error, OverflowError, RecursionError) as error:
            problem = str(error)
        if problem:
            yield field, f"{problem} in {pattern!r}"


def _line(text: bytes, where: str) -> str:
    """`:LINE` of what msgspec calls `$.rules[3].severity`, as near as plain search can tell, or nothing."""
    found = re.search(r"\$\.rules\[(\d+)\](?:\.(\w+))?", where)
    if not found:
        return ""
    lines = text.decode("utf-8", "replace").split("\n")
    starts = [number for number, line in enumerate(lines) if line.strip() == "[[rules]]"]
    if int(found[1]) >= len(starts):
        return ""
    start = starts[int(found[1])]
    if found[2]:
        for number in range(start + 1, len(lines)):
            if lines[number].strip().startswith("[[rules]]"):
                break
            if re.match(rf"\s*{found[2]}\s*=", lines[number]):
                return f":{number + 1}"
    return f":{start + 1}"
