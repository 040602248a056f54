from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pitviper.model.blob import Memory, Span
from pitviper.model.place import Link


class TestMemory:
    def test_is_a_file_without_a_tree(self) -> None:
        blob = Memory("a/b.py")
        assert blob.path == "a/b.py"
        assert blob.chain == (Link("file", "a/b.py"),)


class TestLines:
    DATA = bytearray(b"..a\nb\nc\n\nd..")

    def test_within_a_window(self) -> None:
        window = Span(Memory("a"), 2, 10, 2, 10)
        assert [window.lines_before(self.DATA, position) for position in range(2, 10)] == [0, 0, 1, 1, 2, 2, 3, 4]

    def test_of_a_later_window(self) -> None:
        assert Span(Memory("a"), 2, 10, 2, 10, base=99, lines=7).lines_before(self.DATA, 4) == 8

    def test_of_binary_data(self) -> None:
        assert Span(Memory("a"), 2, 10, 2, 10, base=99, lines=None).lines_before(self.DATA, 4) is None


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
