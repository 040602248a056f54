"""What one artefact may cost. Every byte that comes out of a container passes here, whatever its format."""

from __future__ import annotations

from pitviper.model.gap import Reason
from pitviper.unpack.interface import Options, Refused

_FREE = 64 * 1024 * 1024
_RATIO = 1000
"""Beyond 64 MiB nothing may expand to more than 1,000 times the artefact's own size (deflate itself reaches 1,032)."""
_SECOND_CHANCES = 16
"""Members that expand too far and are passed over; the next one ends the artefact."""


class Budget:
    """Counts what the artefact of `size` bytes has cost so far; raises `Refused` when a limit is passed."""

    def __init__(self, limits: Options, size: int) -> None:
        self._limits = limits
        self._members = 0
        self._most = max(_FREE, _RATIO * size)
        self._counted = 0
        self._before = 0
        self._again = 0
        self._most_again = max(_FREE, size)
        self._chances = _SECOND_CHANCES
        self.exhausted = False
        """Whether nothing more of the artefact may be read."""
        self.expanded = 0
        """Bytes that came out of containers."""

    def member(self) -> None:
        """Count one more member."""
        self._members += 1
        self._before = self._counted
        if self._members > self._limits.max_members:
            self._end(f"more than {self._limits.max_members:,} members")

    def open(self, depth: int) -> None:
        """Open a container that lies so deep in others: 1 for the artefact itself."""
        if depth > self._limits.max_depth:
            detail = f"it lies in {self._limits.max_depth} containers or more: searched without being opened"
            raise Refused(Reason.OVER_BUDGET, detail)

    def take(self, count: int) -> None:
        """Count bytes that came out of a container.

        Where one member passes the ratio, it is cut there, and the others get what it took.
        """
        self.expanded += count
        self._counted += count
        if self.expanded > self._limits.max_expanded:
            self._end(f"it expands to more than {self._limits.max_expanded:,} bytes")
        if self._counted > self._most:
            detail = f"it expands to more than {self._most:,} bytes, {_RATIO:,} times its size"
            if not self._chances:
                self._end(detail)
            self._chances -= 1
            self._counted = self._before
            raise Refused(Reason.OVER_BUDGET, detail)

    def again(self, count: int) -> None:
        """Count bytes of a container that belong to several of its members: only a bomb has many."""
        self._again += count
        if self._again > self._most_again:
            self._end("its members lie in each other, again and again")

    def _end(self, detail: str) -> None:
        self.exhausted = True
        raise Refused(Reason.OVER_BUDGET, detail)
