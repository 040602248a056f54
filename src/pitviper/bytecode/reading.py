"""`Reader`: compiled Python as the lines of source that it stands for, and word of what could not be read."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pitviper.bytecode import pyc
from pitviper.bytecode.gate import Gate
from pitviper.bytecode.render import Rendering, render
from pitviper.engine.matcher import Matcher
from pitviper.engine.prefilter import Hit
from pitviper.model.blob import Blob, Span
from pitviper.model.gap import Gap, Reason

_NAMES = (".pyc", ".pyo")


class Reader:
    """For everyone or for an `auditor`. Not for two threads at once."""

    def __init__(self, matcher: Matcher, *, auditor: bool) -> None:
        self._gate = Gate(matcher, auditor=auditor)

    def is_worth(self, data: bytearray, span: Span, hits: Sequence[Hit]) -> bool:
        """Whether it is worth reading, with `hits` in its bytes: see `Gate`."""
        return self._gate.is_worth(data, span, hits)

    def read(
        self, blob: Blob, head: bytes, whole: Callable[[], bytes] | None = None
    ) -> tuple[Rendering | None, list[Gap]]:
        """The lines of what begins with `head`, if any say more than its bytes do.

        `whole` gives all of it where `head` does not: nothing if that cannot be had.
        """
        if not pyc.begins(head):
            return None, []
        content = whole() if whole else head
        if not content:
            detail = "compiled Python that is too big to be kept: only its bytes were searched"
            return None, [Gap(blob.path, Reason.OVER_BUDGET, detail)]
        found = pyc.read(content)
        gaps = []
        is_named = blob.path.endswith(_NAMES)  # programs hold code of frozen modules that nobody misses
        if found.problem and (is_named or not found.guessed or pyc.has_magic(content)):
            reason = Reason.UNSUPPORTED if found.guessed else Reason.DAMAGED
            gaps.append(Gap(blob.path, reason, f"compiled Python: {found.problem}"))
        wanted = self._gate.wanted(found.code, blob) if found.code else frozenset()
        return (render(found.code, wanted) if found.code and wanted else None), gaps
