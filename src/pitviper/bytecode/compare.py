"""`Comparison`: what compiled Python says that the source beside it does not. Nothing is executed or imported.

The interpreter runs a `.pyc` without looking at what the source says: time and size in its header must fit, or
(PEP 552) not even they. So code may lie there that no review of the source shows: what was left behind when the source
was cleaned up (*stale*), or what somebody put there (*poisoned*). Every name, string and number of each function is
held against the same function of the source, with all that compilers of 2.7 to 3.15 make up on their own. Changed logic
that uses the same names and values is not seen here: see `pitviper.bytecode.recompile`.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import msgspec

from pitviper.bytecode import capabilities, literals
from pitviper.bytecode.code import Code, Frozen, Pairs, Slice, Version, walk
from pitviper.bytecode.magic import Header
from pitviper.bytecode.pyc import Pyc
from pitviper.bytecode.siphash import source_hash
from pitviper.bytecode.source import MAX_SIZE, Scope, Source, squeezed
from pitviper.bytecode.uses import Uses

MOST_DIFFERENCES = 100
_MOST_VALUES = 500_000
"""Constants of one file that are looked at; shared ones count each time."""


class Match(enum.Enum):
    """What the header of a `.pyc` tells of a source: whether the interpreter would run the one for the other."""

    SAME = "it was compiled from this source, as its header says"
    SIZE_FITS = "its header names the size of this source"
    OTHER_HASH = "its header names the hash of another source"
    OTHER_SIZE = "its header names another size of the source"
    OTHER_TIME = "its header names another time of the source"
    UNCHECKED = "its header forbids the interpreter to look at the source"
    UNKNOWN = "its header does not tell"


class Kind(enum.Enum):
    """What differs."""

    FUNCTION = "function"
    NAME = "name"
    STRING = "string"
    NUMBER = "number"
    LINE = "line"
    LOGIC = "logic"


class Verdict(enum.Enum):
    """What the differences come to."""

    CLEAN = "clean"
    STALE = "stale"
    POISONED = "poisoned"


class Difference(msgspec.Struct, frozen=True):
    """Something in the bytecode that the source cannot have led to, in this function, on this line of its source.

    `value` is raw, and may be a secret: `words` does not have it.
    """

    kind: Kind
    value: str | bytes | float | complex
    qualname: str
    line: int | None

    @property
    def words(self) -> str:
        """A sentence with a place for the value: `the string {} in release(), line 4, is not in the source`."""
        where = "the module" if self.qualname == "<module>" else f"{self.qualname}()"
        line = f", line {self.line}," if self.line else ""
        if self.kind is Kind.LOGIC:
            return f"{where}{line} does something else than the source, with the same names and values{{}}"
        if self.kind is Kind.LINE:
            return f"{where} begins on line {{}}, in the source it does not"
        if self.kind is Kind.FUNCTION:
            return f"the function or class {{}}{line} is not in the source"
        return f"the {self.kind.value} {{}} in {where}{line} is not in the source"


class Comparison(msgspec.Struct, frozen=True):
    """What came of it. `capabilities` are what code can do by names that the source does not have.

    `more` differences than are listed were found. `problem` says why not everything could be compared, or "".
    """

    verdict: Verdict
    match: Match
    differences: tuple[Difference, ...] = ()
    capabilities: tuple[str, ...] = ()
    more: int = 0
    problem: str = ""


def compare(pyc: Pyc, source: bytes, mtime: int | None = None) -> Comparison:
    """Hold `pyc` against the source that it should be compiled from, whose time is `mtime`. Never raises."""
    match = header_match(pyc.header, pyc.version, len(source), mtime, lambda: source)
    if pyc.code is None or pyc.version is None:
        return Comparison(Verdict.CLEAN, match, problem=pyc.problem or "it holds no code")
    if len(source) > MAX_SIZE:
        return Comparison(Verdict.CLEAN, match, problem=f"the source has more than {MAX_SIZE:,} bytes")
    comparing = _Comparing(pyc.version, _source(source, pyc.version))
    comparing.run(pyc.code)
    found = comparing.found
    abilities = tuple(sorted(comparing.abilities))
    verdict = Verdict.POISONED if abilities else Verdict.STALE if found else Verdict.CLEAN
    problem = comparing.problem or pyc.problem
    return Comparison(verdict, match, tuple(found), abilities, comparing.more, problem)


_source = lru_cache(maxsize=1)(Source)
"""The last one: `a.opt-1.pyc`, `a.opt-2.pyc` and `a.pyc` lie in a row."""


def header_match(
    header: Header | None, version: Version | None, size: int, mtime: int | None, read: Callable[[], bytes]
) -> Match:
    """What `header` tells of a source with this size and, if it is known, this time.

    The source is read only where the header names its hash, and has the interpreter check it.
    """
    if header is None or version is None:
        return Match.UNKNOWN
    if header.source_hash is not None:
        if not header.check_source:
            return Match.UNCHECKED
        is_same = size <= MAX_SIZE and header.source_hash == source_hash(read(), header.magic, version)
        return Match.SAME if is_same else Match.OTHER_HASH
    if header.source_size is not None and header.source_size != size & 0xFFFFFFFF:
        return Match.OTHER_SIZE
    if mtime is None:
        return Match.SIZE_FITS if header.source_size is not None else Match.UNKNOWN
    return Match.SAME if header.mtime == mtime & 0xFFFFFFFF else Match.OTHER_TIME


_MADE_UP = frozenset(
    (
        *(
            "__annotate__",
            "__annotate_func__",
            "__annotations__",
            "__annotations_cache__",
            "__class__",
            "__classcell__",
        ),
        *("__classdict__", "__classdictcell__", "__conditional_annotations__", "__doc__", "__firstlineno__"),
        *("__locals__", "__module__", "__name__", "__qualname__", "__static_attributes__", "__type_params__"),
        *(
            "AssertionError",
            "StopAsyncIteration",
            "None",
            "__build_class__",
            "__debug__",
            "format",
            "_[1]",
            "",
            "*",
            "return",
        ),
    )
)
"""Names that compilers use without any in the source."""
_WITHIN = frozenset(("__annotate__",))
"""Code objects that compilers make up, beside those whose names begin with `<`."""
_SMALL = frozenset((-1, 0, 1, 2))
_FEW = range(10)
"""Levels of relative imports, numbers of conditional annotations."""
_LONGEST_NAME = 1000
_FORMAT = re.compile(r"[<>=^]?[-+ #0]*\d*(?:\.\d*)?[a-zA-Z]?")
"""What `%-10s` becomes."""
_PART = re.compile(r"[.\s\[\],|]+|<\w+>")
_NO_WORD = re.compile(r"\W+")
_TEMPLATES = (3, 10)
_TYPE_ALIASES = (3, 12)


class _Comparing:
    """Of one file."""

    def __init__(self, version: Version, source: Source) -> None:
        self.source = source
        self.version = (version.major, version.minor)
        self.found: list[Difference] = []
        self.seen: set[tuple[object, ...]] = set()
        self.abilities: set[str] = set()
        self.more = 0
        self.problem = ""
        self._left = _MOST_VALUES
        self._has_future = "__future__" in source.words and "annotations" in source.words

    def run(self, code: Code) -> None:
        scopes: list[Scope] = []
        names: list[str] = []
        for one, owner in walk(code):
            if owner < 0:
                scopes.append(self.source.root)
                names.append("<module>")
                self._code(one, self.source.root, "<module>")
                continue
            outer = scopes[owner]
            qualname = one.name if names[owner] == "<module>" else f"{names[owner]}.{one.name}"
            inner = self._scope(one, outer)
            scopes.append(inner or outer)
            names.append(qualname)
            if inner is None:
                self._tell(Kind.FUNCTION, one.name, qualname, one.firstlineno)
            elif (
                inner is not outer and not any(one.firstlineno in lines for lines in inner.lines)
            ) or one.firstlineno > self.source.last_line:
                self._tell(Kind.LINE, one.firstlineno, qualname, one.firstlineno)
            self._code(one, inner or outer, qualname, is_strange=inner is None)

    def _scope(self, code: Code, outer: Scope) -> Scope | None:
        """Where `code` stands in the source; None if nowhere."""
        name = code.name
        if name.startswith("<") or name in _WITHIN:
            return outer
        if name in outer.children:
            return outer.children[name]
        is_alias = self.version >= _TYPE_ALIASES and name in outer.words
        return outer if is_alias else None

    def _code(self, code: Code, scope: Scope, qualname: str, *, is_strange: bool = False) -> None:
        strange = [name for name in (*code.names, *code.varnames, *code.cellvars) if not self._is_named(name, scope)]
        strange += [name for name in code.freevars if name not in self.source.words and not self._is_named(name, scope)]
        values = [value for value in self._values(code) if not self._is_said(value, scope)]
        if not strange and not values and not is_strange:
            return
        uses = Uses(code)
        for name in strange:
            self._tell(Kind.NAME, name, qualname, uses.line_of_name(name))
        for value, top in self._places(code, values):
            kind = Kind.STRING if isinstance(value, (str, bytes)) else Kind.NUMBER
            self._tell(kind, value, qualname, uses.line_of_constant(top))
        if uses.executes and "exec" not in scope.words:
            strange.append("exec")
        self.abilities |= capabilities.of(strange)

    def _tell(self, kind: Kind, value: Any, qualname: str, line: int | None) -> None:
        if (key := (kind, value, qualname)) in self.seen:
            return
        if len(self.found) >= MOST_DIFFERENCES:
            self.more += 1
            return
        self.seen.add(key)
        self.found.append(Difference(kind, value, qualname, line))

    # Names

    def _is_named(self, name: str, scope: Scope) -> bool:
        words = scope.words
        if name in words or name in _MADE_UP or name.startswith("."):
            return True
        if "." in name:
            return all(part in words or not part for part in name.split("."))
        if name.startswith("_") and (at := name.find("__", 1)) > 0:  # _Class__name
            return name[at:] in words and name[1:at] in self.source.words_bare
        return False

    # Constants

    def _values(self, code: Code) -> Iterator[Any]:
        """The strings and numbers among the constants of `code`."""
        for value, _ in self._tops(code):
            yield value

    def _tops(self, code: Code) -> Iterator[tuple[Any, int]]:
        """The same, each with the number of the constant that it is a part of."""
        for number, constant in enumerate(code.consts):
            pending: list[Any] = [constant]
            while pending:
                value = pending.pop()
                self._left -= 1
                if self._left < 0:
                    self.problem = f"it has more than {_MOST_VALUES:,} constants"
                    return
                if isinstance(value, (str, bytes, float, complex)) or (isinstance(value, int) and value not in _SMALL):
                    yield value, number
                elif isinstance(value, (tuple, list)):
                    pending += value
                elif isinstance(value, Frozen):
                    pending += value.items
                elif isinstance(value, Pairs):
                    pending += [part for pair in value.items for part in pair]
                elif isinstance(value, Slice):
                    pending += (value.start, value.stop, value.step)

    def _places(self, code: Code, values: list[Any]) -> Iterator[tuple[Any, int]]:
        if not values:
            return
        wanted = {one if isinstance(one, (str, bytes)) else literals.key(one) for one in values}
        for value, top in self._tops(code):
            if (value if isinstance(value, (str, bytes)) else literals.key(value)) in wanted:
                yield value, top

    def _is_said(self, value: Any, scope: Scope) -> bool:
        if not isinstance(value, (str, bytes)):
            return self._is_counted(value, scope)
        if not value or value in scope.strings:
            return True
        text = value
        if isinstance(text, bytes):
            if not self.source.is_python_2:
                return value in self.source.folded
            text = text.decode("utf-8", "surrogateescape")
        return (
            self._is_word(text, scope)
            or squeezed(text) in self.source.documented
            or self._is_annotation(text)
            or (bool(_FORMAT.fullmatch(text)) and "%" in scope.code)
            or value in self.source.folded
            or text in self.source.folded
            or (self.version >= _TEMPLATES and text in self.source.templates)
        )

    def _is_annotation(self, text: str) -> bool:
        """Whether `text` may be an annotation that was not evaluated, as the compiler writes it (PEP 563)."""
        squashed = _NO_WORD.sub("", text) if self._has_future else ""
        return bool(squashed) and squashed in self.source.squashed

    def _is_word(self, text: str, scope: Scope) -> bool:
        """Whether `text` is a name, or a qualified one: of an argument, an attribute, a class."""
        if text in self.source.words or text in _MADE_UP:
            return True
        if len(text) > _LONGEST_NAME or not text.replace(".", "a").replace("<", "a").replace(">", "a").isidentifier():
            return False
        return all(part in self.source.words or self._is_named(part, scope) for part in _PART.split(text) if part)

    def _is_counted(self, value: Any, scope: Scope) -> bool:
        key = literals.key(value)
        if key in scope.numbers or literals.key(-value) in scope.numbers:
            return True
        if isinstance(value, int) and (any(value in lines for lines in scope.lines) or value in _FEW):
            return True
        return key in self.source.folded
