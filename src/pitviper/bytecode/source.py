"""`Source`: what the text of a module says, scope by scope: words, strings and numbers.

Not by `ast`: that knows one version only, and can be made to exhaust memory and the C stack. This reads the text from
left to right, once, whatever it is: strings, comments, brackets, and lines with their indentation, which is enough to
know where functions and classes begin and end. Text that no version of Python takes makes odd scopes, and no harm.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from functools import cached_property

from pitviper.bytecode import expressions, literals
from pitviper.bytecode.code import Version
from pitviper.bytecode.literals import Text

MAX_SIZE = 8 * 1024 * 1024
"""Bytes of a source that is read; the largest of the standard libraries has 0.8 MB."""
_DEEPEST_FORMAT = 5
"""f-strings in the fields of f-strings."""
_MOST_SCOPES = 50_000
_DEEPEST_SCOPE = 200
_TAB = 8

_SPACE = r"(?:[ \t\f]|\\\n)"
_QUOTE = r"(?P<quote>'''|\"\"\"|'|\")"
_FLAT = r"(?P<flat>[(\[{][^\"'\#(\[{)\]}\\\n]*+[)\]}])"
"""Brackets with nothing in them that matters."""
_SKELETON = re.compile(
    rf"[^\"'\#(\[{{)\]}}\\\n]*+(?:{_QUOTE}|(?P<comment>\#[^\n]*)|{_FLAT}|(?P<open>[(\[{{])|(?P<close>[)\]}}])|\\\n?"
    rf"|(?P<line>\n(?P<indent>[ \t\f]*)(?P<blank>(?=[\n\#]|\Z))?"
    rf"(?:(?:async{_SPACE}+)?(?P<kind>def|class){_SPACE}+(?P<name>\w+)|(?P<decorator>@))?))"
)
_PREFIX = re.compile(r"(?<!\w)[rbuftRBUFT]{1,2}\Z")
_IN_FIELD = re.compile(rf"{_QUOTE}|(?P<comment>\#[^\n]*)|(?P<open>[(\[{{])|(?P<close>[)\]}}])|(?P<spec>:)")
_IN_SPEC = re.compile(r"(?P<quote>(?!))|(?P<open>\{)|(?P<close>\})|(?P<spec>(?!))")
_ENDS = {
    "'": re.compile(r"(?:[^'\\\n]+|\\.)*+'?", re.DOTALL),
    '"': re.compile(r'(?:[^"\\\n]+|\\.)*+"?', re.DOTALL),
    "'''": re.compile(r"(?:[^'\\]+|\\.|'(?!''))*+(?:''')?", re.DOTALL),
    '"""': re.compile(r'(?:[^"\\]+|\\.|"(?!""))*+(?:""")?', re.DOTALL),
}
_IN_FORMAT = {
    quote: re.compile(rf"\\N\{{[^{{}}]*\}}|\\[^{{}}]|\{{\{{|\}}\}}|[{{}}]{ending}", re.DOTALL)
    for quote, ending in (("'", r"|'|\n"), ('"', r'|"|\n'), ("'''", r"|'''"), ('"""', r'|"""'), ("", ""))
}
_WORD = re.compile(r"[^\W\d]\w*")
_WIDE_WORD = re.compile(r"(?:[^\W\d]|[^\x00-\x7f])(?:\w|[^\x00-\x7f])*")
"""With combining marks, which are no `\\w`."""
_NUMBER = re.compile(
    r"(?<![\w.])(?:0[xX][\da-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][-+]?\d[\d_]*)?)[lLjJ]?"
)
_BETWEEN = re.compile(r"(?:\s|\\\n|\#[^\n]*\n)*+\Z")
_COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_SLOW = frozenset(("idna", "punycode"))
"""Encodings whose decoders take quadratic time."""
_DEBUG = re.compile(r"[^=!<>]=\s*(?:![rsa])?$")
_PERCENT = re.compile(r"%(?:[-#0 +]*\d*(?:\.\d*)?[sra]|(%))")


class Scope:
    """The module, or a function or class. What stands in the heads of those inside it belongs to both."""

    def __init__(self, name: str, indent: int, lines: range, parent: Scope | None) -> None:
        self.name = name
        self.indent = indent
        self.lines = [lines]
        """From the first decorator to the `def`, of each definition with this name."""
        self.parent = parent
        self.children: dict[str, Scope] = {}
        self.strings: set[Text] = set()
        self.parts: list[str] = []
        """Text that is neither string nor comment."""
        self.head: int | None = 0
        """Which part its head begins with, while that is being read."""

    @cached_property
    def code(self) -> str:
        """All of `parts`."""
        return " ".join(self.parts)

    @cached_property
    def words(self) -> set[str]:
        """The names in it, with those of arguments."""
        return words(self.code)

    @cached_property
    def numbers(self) -> set[str]:
        """The numbers in it, by their `literals.key`."""
        found = (literals.number(text) for text in set(_NUMBER.findall(self.code)))
        return {literals.key(one) for one in found if one is not None}


def words(code: str) -> set[str]:
    """The names in `code`, as the compiler sees them."""
    if code.isascii():
        return set(_WORD.findall(code))
    found = {*_WORD.findall(code), *_WIDE_WORD.findall(code)}
    return found | {unicodedata.normalize("NFKC", word) for word in found}


class Source:
    """A module's text as the compiler of `version` reads it."""

    def __init__(self, data: bytes, version: Version) -> None:
        self.is_python_2 = version.major == 2  # noqa: PLR2004
        self.nests = (version.major, version.minor) >= (3, 12)
        """f-strings may hold their own quotes (PEP 701)."""
        self.text, self.encoding = _decoded(data, is_python_2=self.is_python_2)
        self.last_line = self.text.count("\n") + 1
        self.root = Scope("<module>", -1, range(2), None)
        self.scopes = [self.root]
        self._fields: list[str] = []
        """The expressions in f-strings."""
        self._scope = self.root
        self._group: list[list[Text | None]] = []
        self._group_end = -1
        self._read()

    @cached_property
    def words(self) -> set[str]:
        """Of all scopes."""
        return set().union(*(scope.words for scope in self.scopes))

    @cached_property
    def words_bare(self) -> set[str]:
        """The names of all classes, as they stand in mangled names."""
        return {scope.name.lstrip("_") for scope in self.scopes}

    @cached_property
    def strings(self) -> set[Text]:
        """Of all scopes."""
        return set().union(*(scope.strings for scope in self.scopes))

    @cached_property
    def folded(self) -> set[object]:
        """What the compiler may make of constant expressions, anywhere."""
        text = "\n".join([self.text, *self._fields])
        return expressions.folded(text, self.encoding, is_python_2=self.is_python_2)

    @cached_property
    def templates(self) -> set[str]:
        """What stands between the places that `template % …` fills: 3.11 makes an f-string of it."""
        templates = [one for one in self.strings | self.folded if isinstance(one, str) and "%" in one]
        return {piece for one in templates for piece in _pieces(one)}

    @cached_property
    def documented(self) -> set[str]:
        """All strings with blanks at an end or a start of a line, without what 3.13 takes from docstrings."""
        return {squeezed(one) for one in self.strings if isinstance(one, str) and ("\n" in one or one != one.strip())}

    @cached_property
    def squashed(self) -> str:
        """The text without all that may be written differently."""
        return re.sub(r"\W+", "", self.text)

    def _read(self) -> None:  # noqa: C901 - the one loop
        text = "\n" + self.text
        at = start = counted = 0
        line = depth = 0
        decorated = 0
        while match := _SKELETON.match(text, at):
            kind = match.lastgroup
            at = match.end()
            if kind == "quote":
                self._scope.parts.append(text[start : match.start("quote")])
                at = start = self._string(text, match.start("quote"), match["quote"])
            elif kind == "comment":
                self._scope.parts.append(text[start : match.start("comment")])
                start = at
            elif kind == "open":
                depth += 1
            elif kind == "close":
                depth = max(0, depth - 1)
            elif kind != "line":
                continue
            elif depth or match["blank"] is not None:
                at = match.end("indent")
            else:
                begins = match.start("line")
                self._scope.parts.append(text[start:begins])
                start = begins
                indent = len(match["indent"].expandtabs(_TAB))
                self._leave(indent)
                if match["decorator"] or match["kind"]:
                    line += text.count("\n", counted, begins + 1)
                    counted = begins + 1
                if match["decorator"]:
                    decorated = decorated or line
                    continue
                if match["kind"]:
                    self._enter(match["name"], indent, range(decorated or line, line + 1))
                decorated = 0
        self._scope.parts.append(text[start:])
        self._flush()
        self._leave(0)

    def _enter(self, name: str, indent: int, lines: range) -> None:
        if len(self.scopes) >= _MOST_SCOPES or indent > _DEEPEST_SCOPE * _TAB:
            return
        known = self._scope.children.get(name)
        if known is not None:  # defined twice: as one
            known.lines.append(lines)
            known.indent, known.head = indent, len(known.parts)
            self._scope = known
            return
        scope = Scope(name, indent, lines, self._scope)
        self._scope.children[name] = scope
        self.scopes.append(scope)
        self._scope = scope

    def _leave(self, indent: int) -> None:
        """A line begins, with this indentation."""
        self._flush()
        scope = self._scope
        if scope.head is not None and scope.parent:
            scope.parent.parts += scope.parts[scope.head :]
            scope.head = None
        while self._scope.parent is not None and self._scope.indent >= indent:
            self._scope = self._scope.parent

    # Strings

    def _string(self, text: str, start: int, quote: str) -> int:
        """Take the string whose opening `quote` is at `start`; where it ends."""
        prefix = _prefix(text, start)
        if self._group and not _BETWEEN.match(text, self._group_end, start - len(prefix)):
            self._flush()
        end, values = self._literal(text, start + len(quote), len(text), quote, prefix, 0)
        self._group.append(values)
        self._group_end = end
        return end

    def _say(self, strings: list[Text]) -> None:
        self._scope.strings.update(strings)
        if self._scope.head is not None and self._scope.parent:
            self._scope.parent.strings.update(strings)

    def _flush(self) -> None:
        """The adjacent strings are one."""
        if not self._group:
            return
        if len(self._group) == 1 and len(self._group[0]) == 1:
            self._say([one for one in self._group.pop() if one is not None])
            return
        joined: list[Text] = []
        pending: list[Text] = []
        for values in self._group:
            for one in values:
                if one is None:
                    joined += self._join(pending)
                    pending = []
                else:
                    pending.append(one)
        self._say(joined + self._join(pending))
        self._group = []

    def _join(self, pieces: list[Text]) -> list[Text]:
        """Adjacent strings as one; in Python 2 both as bytes and as text."""
        texts = [one if isinstance(one, str) else one.decode("utf-8", "surrogateescape") for one in pieces]
        if not self.is_python_2:
            is_bytes = bool(pieces) and all(isinstance(one, bytes) for one in pieces)
            return [b"".join(pieces)] if is_bytes else ["".join(texts)]  # type: ignore[arg-type]  # they are
        return ["".join(texts), "".join(texts).encode("utf-8", "replace"), *pieces]

    def _literal(  # noqa: PLR0913, PLR0917 - as below
        self, text: str, start: int, stop: int, quote: str, prefix: str, depth: int
    ) -> tuple[int, list[Text | None]]:
        """Where the string whose text begins at `start` ends, and its pieces; None for a field of an f-string."""
        is_format = "f" in prefix or "t" in prefix
        if is_format and self.nests:
            return self._format(text, start, stop, quote, prefix, depth)
        ending = _ENDS[quote].match(text, start, stop)
        end = ending.end() if ending else start
        close = end - len(quote) if text.endswith(quote, start, end) and end - start >= len(quote) else end
        if is_format:
            return end, self._format(text, start, close, "", prefix, depth)[1]
        found = literals.value(text[start:close], prefix, self.encoding, is_python_2=self.is_python_2)
        self._say(found)
        return end, [found[0]]

    def _format(  # noqa: PLR0913, PLR0917 - a place in a text, and how to read it
        self, text: str, start: int, stop: int, quote: str, prefix: str, depth: int
    ) -> tuple[int, list[Text | None]]:
        """An f-string: what stands between its fields, and in them."""
        pieces: list[Text | None] = []
        plain: list[str] = []
        at = begun = start
        while match := _IN_FORMAT[quote].search(text, at, stop):
            mark = match[0]
            at = match.end()
            if mark in ("{{", "}}"):
                plain.append(text[begun : match.start()] + mark[0])
                begun = at
            elif mark == "{":
                plain.append(text[begun : match.start()])
                at = begun = self._field(text, at, stop, depth, plain, pieces, prefix)
            elif mark in (quote, "\n"):
                pieces.append(self._piece("".join([*plain, text[begun : match.start()]]), prefix))
                return at, pieces
        pieces.append(self._piece("".join([*plain, text[begun:stop]]), prefix))
        return stop, pieces

    def _piece(self, text: str, prefix: str) -> Text:
        return literals.value(text, prefix.replace("b", ""), self.encoding, is_python_2=False)[0]

    def _field(  # noqa: C901, PLR0913, PLR0917 - as above
        self, text: str, start: int, stop: int, depth: int, plain: list[str], pieces: list[Text | None], prefix: str
    ) -> int:
        """A field of an f-string, behind its bracket; where it ends. `plain` is the text in front of it."""
        at, level, code, spec = start, 0, start, -1
        scope = self._scope
        while match := (_IN_FIELD if spec < 0 or level else _IN_SPEC).search(text, at, stop):
            at = match.end()
            if match["quote"]:
                if depth >= _DEEPEST_FORMAT:
                    continue
                scope.parts.append(text[code : match.start()])
                inner = _prefix(text, match.start())
                end, values = self._literal(text, at, stop, match["quote"], inner, depth + 1)
                self._say([one for one in values if one is not None])
                at = code = max(end, at)
            elif match["open"]:
                level += 1
                if spec >= 0 and level == 1:
                    self._say([text[spec : match.start()]])
            elif match["close"]:
                if not level:
                    break
                level -= 1
                spec = at if spec >= 0 and not level else spec
            elif match["spec"] and not level and spec < 0:
                spec = at
        end = at if match else stop
        scope.parts.append(text[code : end - 1])
        if spec >= 0:
            self._say([text[spec : end - 1]])
        expression = text[start : spec - 1 if spec >= 0 else end - 1]
        self._fields.append(expression)
        if debug := _DEBUG.search(expression):
            plain.append(expression[: debug.end()].partition("!")[0] if "!=" not in expression else expression)
        pieces += [self._piece("".join(plain), prefix), None]
        plain.clear()
        return end


def squeezed(text: str) -> str:
    """`text` without indentation and blanks at either end (`inspect.cleandoc`, which 3.13 does to docstrings)."""
    return "\n".join(line.strip() for line in text.strip().split("\n"))


def _prefix(text: str, quote: int) -> str:
    """The letters in front of the quote at `quote`, in lower case."""
    match = _PREFIX.search(text, max(0, quote - 2), quote)
    return match[0].lower() if match else ""


def _pieces(template: str) -> list[str]:
    pieces, begun, pending = [], 0, ""
    for match in _PERCENT.finditer(template):
        pending += template[begun : match.start()] + (match[1] or "")
        begun = match.end()
        if not match[1]:
            pieces.append(pending)
            pending = ""
    return [*pieces, pending + template[begun:]]


def _decoded(data: bytes, *, is_python_2: bool) -> tuple[str, str]:
    """The text, with its encoding (PEP 263)."""
    encoding = "latin-1" if is_python_2 else "utf-8"
    if data.startswith(codecs.BOM_UTF8):
        data, encoding = data[len(codecs.BOM_UTF8) :], "utf-8"
    for line in data.split(b"\n", 2)[:2]:
        if cookie := _COOKIE.match(line):
            encoding = cookie[1].decode("ascii", "replace").lower()
            break
    try:
        text = data.decode("utf-8" if encoding in _SLOW else encoding)
    except (LookupError, UnicodeError, ValueError):
        encoding = "utf-8"
        text = data.decode(encoding, "surrogateescape")
    return text.replace("\r\n", "\n").replace("\r", "\n"), encoding
