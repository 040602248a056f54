"""Jupyter notebooks."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitviper.look import Outcome
from pitviper.model.gap import Gap, Reason
from pitviper.unpack import notebook
from pitviper.unpack.table import recognise

Opener = Callable[..., tuple[dict[str, bytes], list[Gap]]]


def code(source: list[str] | str, *outputs: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"cell_type": "code", "metadata": {}, "source": source, "outputs": list(outputs), **more}


def book(*cells: dict[str, Any], **metadata: Any) -> bytes:
    content = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(content, indent=1).encode()


def test_cells_hold_their_source_and_all_outputs(opened: Opener) -> None:
    content = book(
        {"cell_type": "markdown", "metadata": {}, "source": ["# A\n", "b"]},
        code(
            ["x = 1\n", "y = 2"],
            {"output_type": "stream", "name": "stdout", "text": ["one\n", "two\n"]},
            {"output_type": "error", "ename": "E", "traceback": ["\x1b[0;31mgh\x1b[0mp_x", "at <b>"]},
            {
                "output_type": "display_data",
                "data": {"text/html": ["<i>\n", "1</i>"], "application/json": {"k": ["v", 1]}},
            },
        ),
        kernelspec={"name": "python3"},
    )
    found, gaps = opened(notebook.FORMAT, content)
    assert not gaps
    assert list(found) == ["x!/cell:1", "x!/cell:2", "x!/(metadata)"]
    assert found["x!/cell:1"].startswith(b"# A\nb\n")
    second = found["x!/cell:2"]
    assert second.startswith(b"x = 1\ny = 2\n")
    for part in (b"one\ntwo", b"ghp_x\nat <b>", b"<i>\n1</i>", b"v"):
        assert part in second
    assert b'"name": "python3"' in found["x!/(metadata)"]


def test_images_and_attachments_are_members(opened: Opener) -> None:
    image = base64.b64encode(b"\x89PNG pixels and a comment").decode()
    cell = {"cell_type": "markdown", "metadata": {}, "source": "s", "attachments": {"a.png": {"image/png": image}}}
    found, _ = opened(notebook.FORMAT, book(cell))
    assert found["x!/1/image.png"] == b"\x89PNG pixels and a comment"
    assert image.encode() not in found["x!/cell:1"]


def test_a_key_that_stands_twice_hides_nothing(opened: Opener) -> None:
    content = b'{"cells": [{"source": "one", "source": "two"}], "nbformat": 4, "nbformat_minor": 5}'
    found, _ = opened(notebook.FORMAT, content)
    assert b"one" in found["x!/cell:1"]
    assert b"two" in found["x!/cell:1"]


def test_worksheets_of_the_older_format(opened: Opener) -> None:
    content = json.dumps({"nbformat": 3, "worksheets": [{"cells": [{"cell_type": "code", "input": ["a = 1"]}]}]})
    found, _ = opened(notebook.FORMAT, content.encode())
    assert found["x!/cell:1"].startswith(b"a = 1")


@pytest.mark.parametrize(
    "content",
    [
        book(code("x")),
        b'{"nbformat":4,"nbformat_minor":0,"metadata":{},"cells":[]}',
        json.dumps(
            {"cells": [code("x" * 5000)], "metadata": {}, "nbformat": 4, "nbformat_minor": 2}, indent=4
        ).encode(),
    ],
)
def test_is_recognised(content: bytes) -> None:
    assert recognise(content[:1024], content[-22:]) is notebook.FORMAT


@pytest.mark.parametrize("content", [b'{"cells": [1, 2, 3], "more": "of it"}', b'{"name": "nbformat"}', b"{}"])
def test_other_json_is_not(content: bytes) -> None:
    assert recognise(content[:1024], content[-22:]) is None


@pytest.mark.parametrize(
    "content",
    [
        b'{"cells": [{"cell_type": "x"}], "no": "notebook", "a": "b"}',
        b'{"cells": ' + b"[" * 200_000,
        b'{"nbformat": 4, "cells": [',
        b'{"cells": "nbformat" \xff',
    ],
)
def test_what_cannot_be_read_is_searched_as_it_is(opened: Opener, content: bytes) -> None:
    found, gaps = opened(notebook.FORMAT, content)
    assert found == {"x": content}
    assert {gap.reason for gap in gaps} <= {Reason.DAMAGED}


@pytest.mark.parametrize("value", ["1", "null", '"x"', "{}", '[[["x"]]]', '{"a": null}'])
@pytest.mark.parametrize("key", ["cells", "worksheets", "metadata"])
def test_strange_shapes(opened: Opener, key: str, value: str) -> None:
    _, gaps = opened(notebook.FORMAT, f'{{"nbformat": 4, "{key}": {value}}}'.encode())
    assert not gaps


def test_half_a_notebook(opened: Opener, cuts: Callable[[bytes], Iterator[bytes]]) -> None:
    for content in cuts(book(code("x" * 400))):
        opened(notebook.FORMAT, content)


@given(
    st.recursive(
        st.none() | st.text() | st.integers(), lambda below: st.lists(below) | st.dictionaries(st.text(), below)
    )
)
def test_any_json(opened: Opener, value: Any) -> None:
    _, gaps = opened(notebook.FORMAT, json.dumps({"nbformat": 4, "cells": value}).encode())
    assert not gaps


def test_three_deep(
    token: Callable[[str], str], buried: Callable[[str, bytes], bytes], scanned: Callable[[str, bytes], Outcome]
) -> None:
    secret = token("notebook")
    traceback = {"output_type": "error", "traceback": ["Traceback\n", f"\x1b[0;32m{secret[:9]}\x1b[0m{secret[9:]}"]}
    outcome = scanned("a.tar.gz", buried("n.ipynb", book(code("1"), code("raise", traceback))))
    (finding,) = outcome.findings
    assert not outcome.gaps
    assert finding.place.path == "a.tar.gz!/a.whl!/n.ipynb!/cell:2"


@pytest.mark.parametrize("value", [b"[]", b'{"a": 0}'])
def test_too_many_values(opened: Opener, value: bytes) -> None:
    content = b'{"nbformat": 4, "metadata": [' + b",".join([value] * 2_000_000) + b'], "nbformat_minor": 4}'
    assert [str(gap.reason) for gap in opened(notebook.FORMAT, content)[1]] == ["over-budget"]
