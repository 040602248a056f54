"""The text of a PDF page: strings shown one behind the other joined into lines, codes of fonts turned into characters.

Where pieces of a line were placed one by one, nobody can tell without the widths of the glyphs whether there is a gap
between them: such a line is told twice, without and with spaces. Source: ISO 32000-1, 9.4 and 9.10.3.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from pitviper.unpack.pdf_objects import Allowance, Mark, Name, Text, Token, Word, tokens

_GAP = -180.0
"""Thousandths of the font's size by which a piece moves to the right where a space is meant; kerning is less."""
_MOST_CODES = 65_536
"""Characters of a font; codes have two bytes."""
_MOST_OPERANDS = 100_000
_SHOWS = (b"Tj", b"TJ", b"'", b'"')
_LINES = (b"T*", b"'", b'"')


class Codes(msgspec.Struct):
    """What the codes of a font mean; each has `width` bytes."""

    width: int = 1
    characters: dict[int, str] = {}

    def text(self, raw: bytes) -> str:
        """`raw` as characters; codes that stand nowhere count as Latin-1."""
        if not self.characters:
            return raw.decode("utf-16-be", "replace") if _is_wide(raw) else raw.decode("latin-1")
        codes = (int.from_bytes(raw[start : start + self.width], "big") for start in range(0, len(raw), self.width))
        return "".join(self.characters.get(code) or chr(code & 0xFF) for code in codes)


def codes(cmap: bytes) -> Codes:
    """What a `ToUnicode` map says: its `bfchar` and `bfrange` entries."""
    found = Codes(characters={})
    operands: list[Token] = []
    left = _MOST_CODES
    for token, _ in tokens(cmap):
        if not isinstance(token, Word):
            operands.append(token)
            continue
        if token in (b"endbfchar", b"endbfrange"):
            left = _map(found, operands, left, is_range=token == b"endbfrange")
        operands = []
        if left <= 0:
            break
    return found


def _map(found: Codes, operands: list[Token], left: int, *, is_range: bool) -> int:
    """Enter the entries among `operands`, `left` characters at most; how many are left then."""
    entries = iter(operands)
    for first in entries:
        last = next(entries, None) if is_range else first
        target = next(entries, None)
        if not isinstance(first, Text) or not isinstance(last, Text) or not first:
            break
        found.width = len(first)
        start, end = int.from_bytes(first, "big"), int.from_bytes(last, "big")
        count = max(0, min(end - start + 1, left))
        left -= count
        if isinstance(target, Mark):  # a list, a character for each
            targets = list(_until_closed(entries))[:count]
            found.characters.update((start + number, _utf16(one)) for number, one in enumerate(targets))
        elif isinstance(target, Text) and target:
            base = int.from_bytes(target, "big")
            size = len(target)
            for number in range(count):
                found.characters[start + number] = _utf16(((base + number) % 256**size).to_bytes(size, "big"))
    return left


def _until_closed(entries: Iterator[Token]) -> Iterator[bytes]:
    for one in entries:
        if isinstance(one, Mark):
            return
        if isinstance(one, Text):
            yield one


def lines(content: bytes, fonts: Mapping[str, Codes], allowance: Allowance | None = None) -> Iterator[str]:
    """The lines of text that `content`, a stream of operators, shows with `fonts`, as far as `allowance` goes."""
    page = _Page(fonts)
    operands: list[Token] = []
    for token, _ in tokens(content, allowance=allowance):
        if not isinstance(token, Word) or _is_number(token):
            if len(operands) < _MOST_OPERANDS:
                operands.append(token)
            continue
        yield from page.does(token, operands)
        operands = []
    yield from page.does(b"T*", operands)


class _Page:
    """What was shown so far on the current line."""

    def __init__(self, fonts: Mapping[str, Codes]) -> None:
        self._fonts = fonts
        self._codes = Codes()
        self._pieces: list[str] = []
        self._is_moved = False
        self._height = ""
        self._begins = False
        """Whether nothing was placed or shown since the text object began: its first move starts at the page's edge."""

    def does(self, operator: bytes, operands: list[Token]) -> Iterator[str]:
        """Follow an operator; a line that it ends."""
        if operator == b"Tf" and operands and isinstance(operands[0], Name):
            self._codes = self._fonts.get(operands[0], Codes())
        elif operator in (b"Td", b"TD", b"Tm"):
            yield from self._move(operator, operands)
        elif operator in _LINES:
            yield from self._line()
        elif operator == b"BT":
            self._begins = True
        if operator in _SHOWS:
            if self._begins:
                yield from self._line()
            self._begins = False
            self._show(operands)
        else:
            stray = [one for one in operands if isinstance(one, Text) and one]
            yield from (self._codes.text(one) for one in stray)

    def _move(self, operator: bytes, operands: list[Token]) -> Iterator[str]:
        height = operands[-1].decode("latin-1") if operands and isinstance(operands[-1], Word) else "?"
        if operator == b"Tm" or self._begins:
            is_same, self._height = height == self._height, height
        else:
            is_same = height != "?" and float(height) == 0
            self._height = self._height if is_same else ""
        self._begins = False
        if is_same:
            self._is_moved = True
        else:
            yield from self._line()

    def _show(self, operands: list[Token]) -> None:
        shown = []
        for one in operands:
            if isinstance(one, Text):
                shown.append(self._codes.text(one))
            elif isinstance(one, Word) and float(one) < _GAP:
                shown.append(" ")
        self._pieces.append("".join(shown))

    def _line(self) -> Iterator[str]:
        joined = "".join(self._pieces)
        if joined:
            yield joined
            if self._is_moved and len(list(filter(None, self._pieces))) > 1:
                yield " ".join(filter(None, self._pieces))
        self._pieces, self._is_moved = [], False


def _is_number(word: bytes) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return word[-1:] in b"0123456789."


def _is_wide(raw: bytes) -> bool:
    return len(raw) % 2 == 0 and len(raw) > 1 and not any(raw[::2])


def _utf16(raw: bytes) -> str:
    return raw.decode("utf-16-be" if len(raw) > 1 else "latin-1", "replace")
