"""Where one secret after the other stands: counted from the one before, not from the beginning of the file for each."""

from __future__ import annotations

from pitviper.model.blob import Span


class Positions:
    """Line, column and offset of places in a span of text, or only the offset in a binary."""

    def __init__(self, data: bytearray, span: Span, *, binary: bool) -> None:
        self._data = data
        self._span = span
        self._binary = binary
        self._at = span.start
        self._offset = span.base
        self._lines: int | None = None
        self._column: int | None = None if span.base else 1
        """None in a line that begins before its window."""

    def of(self, start: int) -> tuple[int | None, int | None, int]:
        """Line, column and offset of `start` in the buffer, which must not be less than in the last call."""
        if self._binary:
            return None, None, self._span.offset(self._data, start)
        if self._at == self._span.start:
            self._lines = self._span.lines_before(self._data, self._at)
        self._count(bytes(self._data[self._at : start]))
        self._at = start
        return None if self._lines is None else self._lines + 1, self._column, self._offset

    def _count(self, piece: bytes) -> None:
        """Go on by `piece`."""
        newlines = piece.count(b"\n")
        if newlines:
            self._column = 1
            if self._lines is not None:
                self._lines += newlines
        if self._column is not None:
            text = piece[piece.rfind(b"\n") + 1 :].decode("utf-8", "replace")
            self._column += len(text.lstrip("\ufeff") if self._column == 1 else text)
        codec = self._span.codec
        self._offset += len(piece.decode("utf-8", "replace").encode(codec, "replace")) if codec else len(piece)
