"""What all targets share: an archive made of the fuzzer's bytes is opened to its end, and no defect may show."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable

import atheris

with atheris.instrument_imports(include=["pitviper"]):
    from pitviper.engine.data import Memory
    from pitviper.engine.pack import BUFFER
    from pitviper.model import blob
    from pitviper.model.gap import Reason
    from pitviper.unpack.interface import Format, Options
    from pitviper.unpack.walk import Walk

_MOST = 1 << 20
_OPTIONS = Options(max_members=1000, max_expanded=1 << 24, max_depth=4, archive_password=("p",))


def fuzz(formats: Iterable[Format], prepare: Callable[[bytes], bytes] = bytes) -> None:
    """Open what the fuzzer thinks of as each of `formats`, after `prepare` (which may mend checksums)."""
    known = tuple(formats)
    buffer = bytearray(BUFFER)

    def one(data: bytes) -> None:
        content = prepare(data)
        for found in known:
            for pack in Walk(_OPTIONS, len(content), lambda: buffer).open(blob.Memory("x"), found, Memory(content)):
                for gap in pack.gaps:
                    if gap.reason is Reason.FAILED:
                        raise RuntimeError(gap.detail)
                if pack.filled > _MOST * 2:
                    raise RuntimeError("a pack holds more than a buffer")

    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
