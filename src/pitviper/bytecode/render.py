"""`Rendering`: compiled code as text to be searched, with the way back to function and line."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Container
from itertools import accumulate

import msgspec

from pitviper.bytecode.code import Code
from pitviper.bytecode.evaluate import evaluate
from pitviper.bytecode.writer import Line


class Rendering(msgspec.Struct):
    """Lines as UTF-8; `starts` are where they begin."""

    text: bytes
    starts: list[int]
    lines: list[Line]

    def at(self, offset: int) -> tuple[int | None, str]:
        """Line in the source, and function, of the byte at `offset`."""
        index = bisect_right(self.starts, offset) - 1
        if index < 0 or not self.lines:
            return None, ""
        start, line = self.starts[index], self.lines[index]
        place = len(self.text[start:offset].decode("utf-8", "ignore"))
        return line.line_at(place), line.qualname


def render(code: Code, wanted: Container[int] | None = None) -> Rendering:
    """All that `code` says with strings in it; or only what those code objects say whose `id` is `wanted`."""
    lines = evaluate(code, wanted)
    pieces = [line.text.encode("utf-8", "replace") for line in lines]
    starts = list(accumulate((len(piece) + 1 for piece in pieces), initial=0))
    return Rendering(b"".join(piece + b"\n" for piece in pieces), starts[:-1], lines)
