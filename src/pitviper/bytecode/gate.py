"""Whether compiled Python is worth rendering though nothing in its bytes is a secret by itself.

Rendering brings names and values together, which lie apart in the file. It takes a hundred times as long as a look at
the bytes; so there must be a word that names of secrets have, and a string that might be one.
"""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from typing import Any

import hyperscan

from pitviper.bytecode.code import Code, Frozen, walk
from pitviper.engine.matcher import Matcher, entropy
from pitviper.engine.prefilter import database
from pitviper.formats import FORMATS
from pitviper.formats.interface import Verdict
from pitviper.model.blob import Blob, Span

NAMES = (
    "passwo?r?d|passwd|passphrase|pwd|secret|api_?key|access_?key|auth_?key|private_?key|signing_?key|encryption_?key"
    "|account_?key|client_?key|token|credentials?"
)
"""Words of names: those of the generic rules."""
_VALUE = r"(?:[zZ\xfa\xda][\x08-\xff]|[stuaA\xf3\xf4\xf5\xe1\xc1].\x00\x00\x00)[\x21-\x7e]{0,120}[0-9]"
"""The head of a marshalled string (see `pitviper.bytecode.marshal`) and its text, up to a digit."""
_LONG_HEAD, _SHORT_HEAD = 5, 2
_SHORT_TYPES = frozenset(b"zZ\xfa\xda")
_LEAST, _MOST = 8, 300
_CHECKS = (("generic-random-secret", 3.3), ("generic-secret", 2.8))
"""The checks of the generic rules, and the bits a byte that each asks for. The second is for auditors alone."""
_MOST_CONSTANTS = 100_000
_BETWEEN = b"\n\n"
"""Between the strings of one code object and the next, so that nothing runs on."""
_WITH_DIGIT = re.compile(rb"^(?=[^\n]{0,120}?[0-9])[\x21-\x7e]{%d,%d}$" % (_LEAST, _MOST), re.MULTILINE)
_NAME = re.compile(NAMES, re.IGNORECASE)
_NAME_IN_BYTES = re.compile(NAMES.encode(), re.IGNORECASE)


class Gate:
    """Looks at compiled Python, for everyone or for an `auditor`. Not for two threads at once."""

    def __init__(self, matcher: Matcher, *, auditor: bool) -> None:
        self._matcher = matcher
        self._checks = _CHECKS[: 1 + auditor]
        once = hyperscan.HS_FLAG_SINGLEMATCH
        self._names = database("names", [NAMES], [once | hyperscan.HS_FLAG_CASELESS])
        self._values = database("values", [_VALUE], [hyperscan.HS_FLAG_SOM_LEFTMOST | hyperscan.HS_FLAG_DOTALL])
        self._starts: set[int] = set()

    def is_worth(self, data: bytearray, span: Span) -> bool:
        """Whether rendering the file in `span` of `data` may show a secret that its bytes do not."""
        with memoryview(data) as view, view[span.start : span.end] as part:
            return self._is_worth(part)

    def wanted(self, code: Code, blob: Blob) -> AbstractSet[int]:
        """The ids of the code objects in `code` that are worth evaluating: with something to find, and those around."""
        found = list(walk(code))
        constants = [_strings(one) for one, _ in found]
        buffer = bytearray(_BETWEEN.join(constants))
        spans = []
        position = 0
        for one in constants:
            end = position + len(one)
            spans.append(Span(blob, position, end, position, end))
            position = end + len(_BETWEEN)
        hit = {span.start for span, _ in self._matcher.hits(buffer, len(buffer), spans)}
        wanted: set[int] = set()
        for number, span in enumerate(spans):
            if (span.start in hit and span.end > span.start) or self._may_join(found[number][0], constants[number]):
                while number >= 0 and id(found[number][0]) not in wanted:
                    wanted.add(id(found[number][0]))
                    number = found[number][1]  # noqa: PLW2901 - upwards
        return wanted

    def _is_worth(self, data: memoryview) -> bool:
        self._starts.clear()
        self._names.scan(data, self._on_match)  # type: ignore[type-var]  # the stub forgets memoryview
        if not self._starts:
            return False
        self._starts.clear()
        self._values.scan(data, self._on_match)  # type: ignore[type-var]
        return any(self._may_be_secret(_string(data, start)) for start in self._starts)

    def _may_join(self, code: Code, constants: bytes) -> bool:
        """Whether a name and a value in `code`, whose `constants` are these, may make a secret together."""
        if not any(self._may_be_secret(line) for line in _WITH_DIGIT.findall(constants)):
            return False
        arguments = [name for one in code.consts if isinstance(one, Code) for name in one.varnames]
        names = "\n".join([*code.names, *code.varnames, *code.cellvars, *arguments])
        return bool(_NAME.search(names) or _NAME_IN_BYTES.search(constants))

    def _may_be_secret(self, value: bytes) -> bool:
        if not _LEAST <= len(value) <= _MOST:
            return False
        random = entropy(value)
        groups = {"name": b"password", "secret": value}
        return any(
            random >= least and FORMATS[name].check(value, groups).verdict is not Verdict.INVALID
            for name, least in self._checks
        )

    def _on_match(self, number: int, start: int, end: int, flags: int, context: object) -> None:
        del number, end, flags, context
        self._starts.add(start)


def _strings(code: Code) -> bytes:
    """The strings among the constants of `code` alone, a line each."""
    found: list[bytes] = []
    pending: list[Any] = list(code.consts)
    for _ in range(_MOST_CONSTANTS):
        if not pending:
            break
        one = pending.pop()
        if isinstance(one, str):
            found.append(one.encode("utf-8", "replace"))
        elif isinstance(one, bytes):
            found.append(one)
        elif isinstance(one, Frozen):
            pending += one.items
        elif isinstance(one, (tuple, list)):
            pending += one
    return b"\n".join(found)


def _string(data: memoryview, start: int) -> bytes:
    """The marshalled string that begins at `start`."""
    if data[start] in _SHORT_TYPES:
        return bytes(data[start + _SHORT_HEAD : start + _SHORT_HEAD + data[start + 1]])
    return bytes(data[start + _LONG_HEAD : start + _LONG_HEAD + data[start + 1]])
