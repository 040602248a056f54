from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pitviper.model.blob import Memory, Span
from pitviper.model.place import Link


class Counted:
    """A blob that says how many lines are in front, and counts who asks."""

    path = "a"
    chain = (Link("file", "a"),)

    def __init__(self, lines: int | None) -> None:
        self.lines = lines
        self.asked: list[tuple[int, bytes]] = []

    def lines_before(self, offset: int, newline: bytes = b"\n") -> int | None:
        self.asked.append((offset, newline))
        return self.lines


class TestMemory:
    def test_is_a_file_without_a_tree(self) -> None:
        blob = Memory("a/b.py")
        assert blob.path == "a/b.py"
        assert blob.chain == (Link("file", "a/b.py"),)
        assert blob.lines_before(0) == 0
        assert blob.lines_before(5) is None


class TestLines:
    DATA = bytearray(b"..a\nb\nc\n\nd..")

    def test_within_a_window(self) -> None:
        window = Span(Memory("a"), 2, 10, 2, 10)
        assert [window.lines_before(self.DATA, position) for position in range(2, 10)] == [0, 0, 1, 1, 2, 2, 3, 4]

    def test_the_blob_knows_what_is_in_front(self) -> None:
        blob = Counted(7)
        assert Span(blob, 2, 10, 2, 10, base=99).lines_before(self.DATA, 4) == 8
        assert blob.asked == [(99, b"\n")]

    def test_newlines_of_the_blob_are_those_of_its_codec(self) -> None:
        blob = Counted(7)
        assert Span(blob, 2, 10, 2, 10, base=99, codec="utf-16-be").lines_before(self.DATA, 4) == 8
        assert blob.asked == [(99, b"\0\n")]

    def test_nobody_knows(self) -> None:
        assert Span(Counted(None), 2, 10, 2, 10, base=99).lines_before(self.DATA, 4) is None

    def test_the_span_knows(self) -> None:
        blob = Counted(None)
        assert Span(blob, 2, 10, 2, 10, base=99, lines=7).lines_before(self.DATA, 4) == 8
        assert blob.asked == []


class TestOffset:
    def test_of_bytes(self) -> None:
        window = Span(Memory("a"), 2, 10, 2, 10, base=100)
        assert window.offset(bytearray(10), 2) == 100
        assert window.offset(bytearray(10), 9) == 107

    @given(st.text(), st.text(), st.sampled_from(["utf-16-le", "utf-16-be"]), st.integers(0, 1000))
    def test_of_what_was_decoded(self, before: str, after: str, codec: str, base: int) -> None:
        before, after = (text.encode("utf-8", "replace").decode() for text in (before, after))
        data = bytearray((before + after).encode())
        window = Span(Memory("a"), 0, len(data), 0, len(data), base, codec=codec)
        assert window.offset(data, len(before.encode())) == base + len(before.encode(codec))
