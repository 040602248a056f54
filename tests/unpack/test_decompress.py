"""Decompressors behind one face."""

from __future__ import annotations

import gzip
import random
import zlib

import pytest

from pitviper.engine.data import Cursor, Memory
from pitviper.unpack import decompress
from pitviper.unpack.interface import Refused

TEXT = b"".join(b"%d lines of text\n" % number for number in range(50_000))


def everything(stream: decompress.Stream, size: int = 1 << 20) -> tuple[bytes, Exception | None]:
    """What comes out, and what ends it."""
    pieces = []
    try:
        while piece := stream(size):
            assert len(piece) <= size
            pieces.append(piece)
    except Exception as error:  # noqa: BLE001 - whatever it is
        return b"".join(pieces), error
    return b"".join(pieces), None


def stream(packed: bytes) -> decompress.Stream:
    return decompress.Stream(Cursor(Memory(packed)).read, decompress.gzip, (b"\x1f\x8b\x08",))


@pytest.mark.parametrize("size", [1, 1000, 1 << 20])
def test_pieces_of_any_size(size: int) -> None:
    assert everything(stream(gzip.compress(TEXT[:20_000])), size) == (TEXT[:20_000], None)


def test_what_is_behind_is_kept() -> None:
    one = stream(gzip.compress(TEXT) * 2 + b"behind")
    assert everything(one) == (TEXT * 2, None)
    assert one.rest == b"behind"
    assert one(10) == b""


@pytest.mark.parametrize("place", [0.1, 0.5, 0.9, 0.999])
def test_what_came_out_before_damage_is_given(place: float) -> None:
    packed = bytearray(gzip.compress(TEXT))
    at = int(len(packed) * place)
    packed[at : at + 20] = random.Random(1).randbytes(20)
    out, error = everything(stream(bytes(packed)))
    assert error is not None
    good = zlib.decompressobj(31).decompress(bytes(packed[:at]))
    assert len(good) - 64 * 1024 <= len(out)
    assert out[: len(good) - 64 * 1024] == good[: max(0, len(good) - 64 * 1024)] or out.startswith(good)


def test_what_came_out_before_damage_is_given_to_the_byte_at_the_beginning() -> None:
    text = random.Random(1).randbytes(1000).hex().encode()
    packed = bytearray(gzip.compress(text))
    packed[-8] ^= 1  # the checksum
    assert everything(stream(bytes(packed)))[0] == text
    out, error = everything(stream(bytes(packed[:600])))
    assert isinstance(error, EOFError)
    assert text.startswith(out)
    assert len(out) > 900


class Endless:
    """Says that it has more, and never gives it."""

    eof = needs_input = False
    unused_data = b""

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        del data, max_length
        return b""


def test_one_that_does_not_end_is_ended() -> None:
    with pytest.raises(Refused, match="does not end"):
        decompress.Stream(Cursor(Memory(b"x")).read, Endless)(10)
