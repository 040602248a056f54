"""SQLite databases."""

from __future__ import annotations

import io
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitviper.look import Outcome
from pitviper.model.gap import Gap, Reason
from pitviper.unpack import sqlite

Opener = Callable[..., tuple[dict[str, bytes], list[Gap]]]

USERS = "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, token TEXT, photo BLOB)"


def database(*statements: str | tuple[str, list[tuple[object, ...]]], page: int = 4096) -> bytes:
    with_memory = sqlite3.connect(":memory:", isolation_level=None)
    with_memory.execute(f"PRAGMA page_size = {page}")
    for statement in statements:
        if isinstance(statement, str):
            with_memory.execute(statement)
        else:
            with_memory.executemany(*statement)
    content = with_memory.serialize()
    with_memory.close()
    return content


def filled(count: int = 300, page: int = 512) -> bytes:
    rows: list[tuple[object, ...]] = [(n, f"user {n}", f"token-{n}-" + "x" * (n % 7 * 150), None) for n in range(count)]
    return database(
        USERS, ("INSERT INTO users VALUES (?, ?, ?, ?)", rows), "CREATE INDEX by_name ON users (name)", page=page
    )


@pytest.mark.parametrize("page", [512, 1024, 4096, 65536])
def test_rows_of_a_table_with_pages_of_any_size(opened: Opener, page: int) -> None:
    found, gaps = opened(sqlite.FORMAT, filled(page=page))
    assert not gaps
    lines = found["x!/table:users"].decode().splitlines()
    assert lines == [
        line for n in range(300) for line in (f'name = "user {n}"', f'token = "token-{n}-{"x" * (n % 7 * 150)}"')
    ]
    assert sorted(found["x!/table:users (index by_name)"].decode().splitlines()) == sorted(lines[::2])
    assert USERS.encode() in found["x!/table:sqlite_schema"]


@pytest.mark.parametrize("codec", ["UTF-8", "UTF-16le", "UTF-16be"])
def test_text_in_any_encoding(opened: Opener, codec: str) -> None:
    content = database(f"PRAGMA encoding = '{codec}'", "CREATE TABLE t (a, é)", "INSERT INTO t VALUES ('ü', 'long')")
    found, gaps = opened(sqlite.FORMAT, content)
    assert not gaps
    assert found["x!/table:t"].decode() == 'a = "ü"\né = "long"\n'


def test_a_table_without_row_ids(opened: Opener) -> None:
    content = database(
        "CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID",
        ("INSERT INTO settings VALUES (?, ?)", [(f"key{n}", "v" * n) for n in range(1, 200)]),
        page=512,
    )
    found, gaps = opened(sqlite.FORMAT, content)
    assert not gaps
    table = found["x!/table:settings"]
    assert table.count(b"\n") == 2 * 199
    assert b'key = "key3"\nkey3 = "vvv"\n' in table


def test_names_of_columns(opened: Opener) -> None:
    sql = """CREATE TABLE "a b" ( -- (a comment,
        [one x] TEXT DEFAULT (1 + (2)), "two,y" VARCHAR(10), `three` TEXT, CONSTRAINT c CHECK (three != 'a,b'))"""
    found, _ = opened(sqlite.FORMAT, database(sql, "INSERT INTO \"a b\" VALUES ('1', '2', '3')"))
    assert found["x!/table:a b"] == b'one x = "1"\ntwo,y = "2"\nthree = "3"\n'


def test_blobs_that_are_containers_are_opened(opened: Opener) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("inner.txt", "x" * 20_000)
    rows: list[tuple[object, ...]] = [(7, "a", "b", packed.getvalue()), (8, "c", "d", b"plain bytes")]
    content = database(USERS, ("INSERT INTO users VALUES (?, ?, ?, ?)", rows))
    found, gaps = opened(sqlite.FORMAT, content)
    assert not gaps
    assert found["x!/users/7/photo!/inner.txt"] == b"x" * 20_000
    assert b'photo = "plain bytes"' in found["x!/table:users"]
    assert b"xxx" not in found["x!/table:users"]


def test_views_and_triggers_are_only_read(opened: Opener) -> None:
    content = database(USERS, "CREATE VIEW v AS SELECT * FROM users", "CREATE VIRTUAL TABLE f USING fts5(body)")
    found, gaps = opened(sqlite.FORMAT, content)
    assert not gaps
    assert b"CREATE VIEW v" in found["x!/table:sqlite_schema"]
    assert "x!/table:v" not in found


@pytest.mark.parametrize("statement", ["DELETE FROM users WHERE id = 250", "DELETE FROM users", "DROP TABLE users"])
def test_what_was_deleted_is_searched(opened: Opener, statement: str) -> None:
    content = database(
        "PRAGMA secure_delete = off",
        USERS,
        ("INSERT INTO users VALUES (?, ?, ?, ?)", [(n, "a", f"secret-{n}", None) for n in range(300)]),
        statement,
        page=512,
    )
    found, gaps = opened(sqlite.FORMAT, content)
    assert not gaps
    assert b"secret-250" not in found.get("x!/table:users", b"")
    assert b"secret-250" in found["x"]


def test_a_file_on_disk(opened: Opener, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "db") as connection:
        connection.execute(USERS)
        connection.execute("INSERT INTO users VALUES (1, 'n', 't', NULL)")
    connection.close()
    found, gaps = opened(sqlite.FORMAT, (tmp_path / "db").read_bytes())
    assert not gaps
    assert b'token = "t"' in found["x!/table:users"]


def test_every_byte_of_a_row_is_searched_if_a_page_makes_no_sense(opened: Opener) -> None:
    content = filled(2000)
    broken = bytearray(content)
    for start in range(512 * 20, 512 * 40, 512):
        broken[start + 3 : start + 5] = b"\xff\xff"
    found, gaps = opened(sqlite.FORMAT, bytes(broken))
    assert {gap.reason for gap in gaps} == {Reason.DAMAGED}
    everything = b"".join(found.values())
    assert all(f"token-{n}-".encode() in everything for n in range(2000))


def test_a_tree_that_is_its_own_branch_ends(opened: Opener) -> None:
    content = bytearray(filled())
    root = next(start for start in range(512, len(content), 512) if content[start] == 5)
    number = (root // 512 + 1).to_bytes(4, "big")
    content[root + 8 : root + 12] = number
    _, gaps = opened(sqlite.FORMAT, bytes(content))
    assert [gap.reason for gap in gaps] == [Reason.DAMAGED]


def test_patience_ends(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "_PATIENCE", -1.0)
    found, gaps = opened(sqlite.FORMAT, filled())
    assert [gap.reason for gap in gaps] == [Reason.OVER_BUDGET]
    assert b"token-299" in found["x"]


def test_half_a_database(opened: Opener, cuts: Callable[[bytes], Iterator[bytes]]) -> None:
    for content in cuts(filled(60)):
        opened(sqlite.FORMAT, content)


@given(st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, 255)), min_size=1, max_size=20))
def test_flipped_bytes(opened: Opener, changes: list[tuple[int, int]]) -> None:
    content = bytearray(filled(40))
    for place, value in changes:
        content[place % len(content)] = value
    opened(sqlite.FORMAT, bytes(content))


@given(st.lists(st.tuples(st.integers(512, 700), st.integers(0, 255)), min_size=1, max_size=20))
def test_flipped_bytes_of_one_header(opened: Opener, changes: list[tuple[int, int]]) -> None:
    content = bytearray(filled(40))
    for place, value in changes:
        content[place % len(content)] = value
    opened(sqlite.FORMAT, bytes(content))


def test_three_deep(
    token: Callable[[str], str], buried: Callable[[str, bytes], bytes], scanned: Callable[[str, bytes], Outcome]
) -> None:
    secret = token("sqlite")
    rows: list[tuple[object, ...]] = [
        (1, "x" * 3500 + " ", secret, None),
        (2, "y" * 4000, f"{'z' * 300} {secret}", None),
    ]
    outcome = scanned("a.tar.gz", buried("db", database(USERS, ("INSERT INTO users VALUES (?, ?, ?, ?)", rows))))
    assert not outcome.gaps
    assert {finding.place.path for finding in outcome.findings} == {"a.tar.gz!/a.whl!/db!/table:users"}
    assert [finding.place.line for finding in outcome.findings] == [2, 4]


def varint(number: int) -> bytes:
    return bytes((number >> 14 | 0x80, number >> 7 & 0x7F | 0x80, number & 0x7F))


@pytest.mark.parametrize(("count", "detail"), [(10_000, "lie in each other"), (1, "too many columns")])
def test_a_page_that_is_a_bomb(opened: Opener, count: int, detail: str) -> None:
    size = 20_000 if count > 1 else 40_000
    payload = varint(size) + bytes([8]) * (size - 3)
    cell = varint(len(payload)) + b"\1" + payload
    page = bytearray(65536)
    start = len(page) - len(cell)
    page[:24] = b"SQLite format 3\0" + bytes((0, 1, 1, 1, 0, 64, 32, 32))
    page[100:108] = bytes((13, 0, 0)) + count.to_bytes(2, "big") + start.to_bytes(2, "big") + b"\0"
    page[108 : 108 + 2 * count] = start.to_bytes(2, "big") * count
    page[start:] = cell
    _, gaps = opened(sqlite.FORMAT, bytes(page))
    assert [detail in gap.detail for gap in gaps] == [True]
