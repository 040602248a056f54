"""What is recognised, and told as a gap."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pitviper.model.gap import Gap, Reason
from pitviper.unpack import unsupported

Opener = Callable[..., tuple[dict[str, bytes], list[Gap]]]


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"Rar!\x1a\x07\x01\x00", "a RAR archive"),
        (b"\x1f\x9d\x90", "a file of compress (.Z)"),
        (b"LZIP\x01\x0c", "an lzip file"),
        (b"\x02\x21\x4c\x18", "an LZ4 file in the legacy format"),
        (b"hsqs\x05\0\0\0", "a squashfs file system"),
        (b"xar!\0\x1c\0\x01", "a xar archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a compound file (.msi, .doc, .xls)"),
        (b"PACK\0\0\0\x02", "a pack of git objects"),
    ],
)
def test_is_told(opened: Opener, head: bytes, name: str) -> None:
    content = head + b" behind" * 10
    (found,) = [known for known in unsupported.FORMATS if known.begins(content, b"")]
    contents, (gap,) = opened(found, content)
    assert contents == {"x": content}
    assert (gap.reason, gap.detail.partition(":")[0]) == (Reason.UNSUPPORTED, name)
