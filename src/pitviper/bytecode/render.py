"""`Rendering`: compiled code as text to be searched, with the way back to function and line."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Container

import msgspec

from pitviper.bytecode.code import Code
from pitviper.bytecode.evaluate import evaluate


class Rendering(msgspec.Struct):
    """Lines as UTF-8.

    `starts` are where lines begin, and strings in them from other lines of the source; `marks` the line in the source,
    and the function, of each of those.
    """

    text: bytes
    starts: list[int]
    marks: list[tuple[int | None, str]]

    def at(self, offset: int) -> tuple[int | None, str]:
        """Line in the source, and function, of the byte at `offset`."""
        index = bisect_right(self.starts, offset) - 1
        return self.marks[index] if index >= 0 else (None, "")


def render(code: Code, wanted: Container[int] | None = None) -> Rendering:
    """All that `code` says with strings in it; or only what those code objects say whose `id` is `wanted`."""
    pieces: list[bytes] = []
    starts: list[int] = []
    marks: list[tuple[int | None, str]] = []
    offset = 0
    for line in evaluate(code, wanted):
        text, qualname = line.text, line.qualname
        piece = text.encode("utf-8", "replace") + b"\n"
        starts.append(offset)
        marks.append((line.line, qualname))
        last = line.line
        for place, number in line.marks:
            if number != last:
                last = number
                starts.append(offset + (place if text.isascii() else len(text[:place].encode("utf-8", "replace"))))
                marks.append((number, qualname))
        pieces.append(piece)
        offset += len(piece)
    return Rendering(b"".join(pieces), starts, marks)
