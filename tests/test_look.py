"""Looking into files and streams: reading, searching and judging together."""

from __future__ import annotations

import base64
import gzip
import importlib.util
import marshal
import os
import signal
import threading
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitviper import look as module
from pitviper.engine import pack as packs
from pitviper.engine.matcher import Seen
from pitviper.engine.pack import BUFFER, OVERLAP
from pitviper.engine.parallel import Pool
from pitviper.findings.group import group
from pitviper.formats import FORMATS
from pitviper.formats.interface import Format, Proof
from pitviper.look import Looker, Outcome
from pitviper.model.finding import Finding
from pitviper.model.gap import Gap, Reason
from pitviper.model.place import Link
from pitviper.model.report import Hidden, Ignored
from pitviper.rules.loading import load
from pitviper.rules.template import make
from pitviper.secrets.judge import Judge
from pitviper.sources import ahead, directory
from pitviper.sources.directory import Directory, Files
from pitviper.sources.stream import Stream
from pitviper.unpack.interface import Options
from pitviper.work import Config, Work, batches, worker

Token = Callable[[str], str]
Where = tuple[str, int | None, int | None, int | None]

PATIENCE = 60
"""Seconds after which something hangs."""


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def looker() -> Looker:
    return Looker(load())


@pytest.fixture
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows of 512 bytes that share 96 with each neighbour: their edges lie 320 bytes apart, from 416 on."""
    for where in (module, ahead):
        monkeypatch.setattr(where, "BUFFER", 512)
    monkeypatch.setattr(directory, "PACK", 128)
    monkeypatch.setattr(packs, "OVERLAP", 96)


def files(target: str = ".") -> list[Files]:
    return [part for part in Directory(target).parts() if isinstance(part, Files)]


def total(outcomes: Iterable[Outcome]) -> Outcome:
    result = Outcome()
    for outcome in outcomes:
        result.add(outcome)
    return result


def look(looker: Looker, target: str = ".", *, read_ahead: bool = False) -> Outcome:
    return total(looker.look(files(target), read_ahead=read_ahead))


def where(findings: Iterable[Finding]) -> list[Where]:
    places = [finding.place for finding in findings]
    return [(place.path, place.line, place.column, place.offset) for place in places]


def pipe(data: bytes) -> Stream:
    """A stream of `data`, written by a thread."""
    reading, writing = os.pipe()

    def write() -> None:
        with open(writing, "wb") as file:
            file.write(data)

    threading.Thread(target=write, daemon=True).start()
    return Stream(reading)


LookAt = Callable[[bytes, bytes, str], list[Where]]


@pytest.fixture
def look_at(looker: Looker, tree: Path, token: Token) -> LookAt:
    """A function from what stands around a token in `a.py`, and a target, to where something is found."""

    def found(before: bytes, after: bytes, target: str) -> list[Where]:
        (tree / "a.py").write_bytes(before + token("place").encode() + after)
        return where(look(looker, target).findings)

    return found


class TestPlaces:
    @pytest.mark.parametrize(
        ("before", "after", "place"),
        [
            (b"", b"", (1, 1, 0)),
            (b"", b"\n", (1, 1, 0)),
            (b"\n", b"", (2, 1, 1)),
            (b"a = '", b"'\n", (1, 6, 5)),
            (b"x\ny\n  ", b"\nz", (3, 3, 6)),
            (b"x\r\ny = ", b"\r\n", (2, 5, 7)),
            (b"x\ry = ", b"", (1, 7, 6)),  # a lone CR ends no line
            (b"\xef\xbb\xbf", b"\n", (1, 1, 3)),
            (b"\xef\xbb\xbfa = ", b"\n", (1, 5, 7)),
            ("größe = ".encode(), b"\n", (1, 9, 10)),
            ("🐍 = ".encode(), b"\n", (1, 5, 7)),
            (b"\xff\xe9 = ", b"\n", (1, 6, 5)),
            (b"\t", b"\t", (1, 2, 1)),
            (b"x\x0cy\x0b\x1c ", b"", (1, 7, 6)),
            ("\u2028 ".encode(), b"", (1, 3, 4)),
            (b"\0\n\n", b"\0", (None, None, 3)),
            (b"\n" * 1000, b"", (1001, 1, 1000)),
            (b" " * 1_500_000, b" " * 10_000, (1, 1_500_001, 1_500_000)),
        ],
    )
    def test_in_a_file(self, look_at: LookAt, before: bytes, after: bytes, place: tuple[int | None, ...]) -> None:
        for target in (".", "a.py"):
            ((path, *found),) = look_at(before, after, target)
            assert (path, *found) == ("a.py", *place)

    def test_in_a_stream(self, looker: Looker, token: Token) -> None:
        outcome = total(looker.look_at_flow(pipe(f"x\n  {token('stream')}".encode())))
        assert where(outcome.findings) == [("<stdin>", 2, 3, 4)]
        assert [(link.kind, link.name) for link in outcome.findings[0].place.chain] == [("stdin", "<stdin>")]

    def test_in_memory(self, looker: Looker, token: Token) -> None:
        outcome = looker.look_at_bytes(f"x\n  {token('memory')}".encode(), "given.py")
        assert where(outcome.findings) == [("given.py", 2, 3, 4)]

    @pytest.mark.parametrize("data", [b"", b"a", b"\n", b"\0", b"\xff", b"\xff\xfe", b"g", b"ghp_", b"-----BEGIN"])
    def test_in_next_to_nothing(self, looker: Looker, tree: Path, data: bytes) -> None:
        (tree / "a").write_bytes(data)
        outcome = look(looker)
        assert (outcome.findings, outcome.gaps, outcome.blobs, outcome.bytes) == ([], [], 1, len(data))
        outcome = total(looker.look_at_flow(pipe(data)))
        assert (outcome.findings, outcome.gaps, outcome.blobs, outcome.bytes) == ([], [], 1, len(data))

    def test_neighbours_in_the_buffer_are_told_apart(self, looker: Looker, tree: Path, token: Token) -> None:
        whole = token("split")
        for name, text in {"a": whole[:20], "b": whole[20:], "c": whole, "d": "x", "e": f"{whole}\n{whole}"}.items():
            (tree / name).write_text(text)
        assert where(look(looker).findings) == [("c", 1, 1, 0), ("e", 1, 1, 0), ("e", 2, 1, 41)]


def planted(token: str, position: int, filler: str, size: int) -> str:
    """Text of `size` characters with `token` at `position`, in spaces."""
    text = filler * (size // len(filler) + 1)
    before = text[: position - 1] + " " if position else ""
    return before + token + " " + text[: max(0, size - position)]


@pytest.mark.usefixtures("small_windows")
class TestWindows:
    POSITIONS = range(1300)

    @pytest.mark.parametrize("read_ahead", [False, True])
    def test_a_token_at_every_position(self, looker: Looker, tree: Path, token: Token, *, read_ahead: bool) -> None:
        wanted = []
        secret = token("everywhere")
        for position in self.POSITIONS:
            text = planted(secret, position, "x = 1\n", 1500)
            (tree / f"{position:04}.py").write_text(text)
            line_start = text.rfind("\n", 0, position) + 1
            line = 1 + text.count("\n", 0, position)
            wanted.append((f"{position:04}.py", line, 1 + position - line_start, position))
        outcome = look(looker, read_ahead=read_ahead)
        assert where(outcome.findings) == wanted
        assert outcome.gaps == []
        assert outcome.blobs == len(wanted)
        assert outcome.bytes == sum((tree / name).stat().st_size for name, *_ in wanted)

    def test_at_the_end_of_files_of_every_size(self, looker: Looker, tree: Path, token: Token) -> None:
        secret = token("end")
        for size in self.POSITIONS:
            (tree / f"{size:04}.py").write_text(" " * size + secret)
        wanted = [(f"{size:04}.py", 1, size) for size in self.POSITIONS]
        assert [(path, line, offset) for path, line, _, offset in where(look(looker).findings)] == wanted

    @pytest.mark.parametrize("position", [*range(360, 430), *range(680, 750)])
    def test_in_a_stream(self, looker: Looker, token: Token, position: int) -> None:
        text = planted(token("stream"), position, "x = 1\n", 1500)
        outcome = total(looker.look_at_flow(pipe(text.encode())))
        line_start = text.rfind("\n", 0, position) + 1
        line = 1 + text.count("\n", 0, position)
        assert where(outcome.findings) == [("<stdin>", line, 1 + position - line_start, position)]

    @pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
    @pytest.mark.parametrize(
        "text",
        [
            "\ufeffx = 1\n",
            "x = 1\n",
            "\ufeff蛇の毒と蛙\n",  # windows that do not begin like UTF-16 of Western languages
            "\ufeff🐍é\n",
            "\ufeff上海 ਊ\n",  # characters that hold the byte of a newline
        ],
    )
    def test_in_utf_16(self, looker: Looker, tree: Path, token: Token, codec: str, text: str) -> None:
        mark, filler = text[: text.count("\ufeff")], text.lstrip("\ufeff")
        secret = token("wide")
        wanted = []
        for position in range(0, 700, 3):
            text = mark + planted(secret, position, filler, 800)
            start = text.index(secret)
            (tree / f"{position:04}.py").write_bytes(text.encode(codec))
            line = 1 + text.count("\n", 0, start)
            column = 1 + len(text[text.rfind("\n", 0, start) + 1 : start].lstrip("\ufeff"))
            wanted.append((f"{position:04}.py", line, column, len(text[:start].encode(codec))))
        assert where(look(looker).findings) == wanted

    def test_two_tokens_at_an_edge(self, looker: Looker, tree: Path, token: Token) -> None:
        for gap in range(390, 430):
            tree.joinpath(f"{gap}.py").write_text(f"{' ' * (gap - 41)}{token('one')} {token('two')}{' ' * 600}")
        assert [offset for *_, offset in where(look(looker).findings)] == [
            start for gap in range(390, 430) for start in (gap - 41, gap)
        ]

    def test_a_line_that_begins_before_its_window_has_no_column(self, looker: Looker, tree: Path, token: Token) -> None:
        (tree / "a.js").write_text(f"\n{'x ' * 1000}{token('far')} {token('further')}\n {token('last')}")
        assert where(look(looker).findings) == [
            ("a.js", 2, None, 2001),
            ("a.js", 2, None, 2042),
            ("a.js", 3, 2, 2084),
        ]

    def test_a_limit_holds_for_the_whole_file(
        self, looker: Looker, tree: Path, token: Token, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "MAX_FINDINGS", 15)
        for name in ("a", "b"):
            (tree / name).write_text("\n".join(token(f"{name} {number}") for number in range(100)))
        outcome = look(looker)
        assert [path for path, *_ in where(outcome.findings)] == ["a"] * 15 + ["b"] * 15
        assert {(gap.path, gap.reason, gap.detail) for gap in outcome.gaps} == {
            (name, Reason.OVER_BUDGET, "more than 15 findings; the first are reported") for name in "ab"
        }


class TestRealWindows:
    def test_tokens_around_every_edge_of_a_big_file(self, looker: Looker, tree: Path, token: Token) -> None:
        step = BUFFER - 2 * OVERLAP
        size = 2 * step + BUFFER + 100_000
        data = bytearray(b"x = 1;\n" * (size // 7))
        wanted = []
        edges = [edge for number in range(3) for edge in (number * step, number * step + BUFFER - OVERLAP)]
        for edge in [*edges, *(edge + OVERLAP for edge in edges)]:
            for start in range(max(0, edge - 41 * 3 - 7), edge + 41 * 3, 41):
                data[max(0, start - 1) : start] = b"\n" if start else b""
                data[start : start + 41] = token(f"edge {start}").encode() + b"\n"
                wanted.append(start)
        data += token("end").encode()
        wanted.append(len(data) - 40)
        (tree / "big.py").write_bytes(data)
        expected = [
            ("big.py", 1 + data.count(b"\n", 0, start), start - data.rfind(b"\n", 0, start), start)
            for start in sorted(set(wanted))
        ]
        outcome = look(looker)
        assert where(outcome.findings) == expected
        assert (outcome.blobs, outcome.bytes) == (1, len(data))
        stream = total(looker.look_at_flow(pipe(bytes(data))))
        assert [place[1:] for place in where(stream.findings)] == [place[1:] for place in expected]

    def test_the_longest_match_at_every_part_of_an_edge(self, looker: Looker, tree: Path) -> None:
        key = make("{private-key}", "long").replace("\n", "\\n")
        edge = BUFFER - OVERLAP
        starts = range(edge - len(key) - 100, edge + 100, len(key) // 4)
        for start in starts:
            (tree / f"{start}.py").write_bytes((b" " * start + key.encode()).ljust(BUFFER + 100_000))
        found = [(path, offset) for path, _, _, offset in where(look(looker).findings)]
        assert found == [(f"{start}.py", start) for start in starts]

    def test_a_line_of_megabytes(self, looker: Looker, tree: Path, token: Token) -> None:
        starts = [0, 1_000_000, BUFFER - 20, 3_000_000, 5_000_000]
        data = bytearray(b"x" * 5_100_000)
        for start in starts:
            secret = f" {token(str(start))} ".encode()
            data[max(0, start - 1) : start + 41] = secret if start else secret[1:]
        (tree / "min.js").write_bytes(data)
        found = where(look(looker).findings)
        assert [(line, offset) for _, line, _, offset in found] == [(1, start) for start in starts]
        assert [column for _, _, column, _ in found] == [1, 1_000_001, None, None, None]


def test_a_big_archive_counts_as_it_is_read(looker: Looker, tree: Path) -> None:
    with zipfile.ZipFile(tree / "big.zip", "w") as archive:
        for number in range(8):
            archive.writestr(str(number), b"x" * (BUFFER // 2))
    size = (tree / "big.zip").stat().st_size
    counts = [outcome.bytes for outcome in looker.look(files())]
    assert sum(counts) == size
    assert max(counts) < size // 2


def compiled(source: str) -> bytes:
    code = compile(source, "/build/shop.py", "exec", dont_inherit=True)
    return importlib.util.MAGIC_NUMBER + bytes(12) + marshal.dumps(code)


class TestBytecode:
    """Compiled Python is told as the source that it stands for."""

    @pytest.mark.parametrize(
        ("source", "function", "line"),
        [
            ('\n\nTOKEN = "{}"\n', "<module>", 3),
            ('def sign_in():\n    return get("x", token="{}")\n', "sign_in", 2),
            ('class Shop:\n    def __init__(self, token="{}"):\n        pass\n', "Shop", 2),
            ('class Shop:\n    def sell(self):\n        x = 1\n        return {{"token": b"{}"}}\n', "Shop.sell", 4),
            ('def f():\n    def g(x):\n        return x == "{}"\n    return g\n', "f.<locals>.g", 3),
        ],
    )
    def test_function_and_line(self, looker: Looker, token: Token, source: str, function: str, line: int) -> None:
        (finding,) = group(looker.look_at_bytes(compiled(source.format(token("a"))), "shop.pyc").findings)
        place = finding.place
        assert not finding.also_at
        assert (finding.rule, place.path, place.line, place.offset) == ("github-pat", "shop.pyc", line, None)
        assert place.chain[-1] == Link("code", function)

    def test_pieces(self, looker: Looker, token: Token) -> None:
        one = token("a")
        for source in (
            f'HALF = "{one[:15]}"\nheaders = dict(auth=HALF + "{one[15:]}")\n',
            f'x = "".join(["{one[:9]}", "{one[9:]}"])\n',
            f'x = "{one[:9]}%s" % "{one[9:]}"\n',
            f'x = "{one[:9]}{{}}{{x}}".format("{one[9:20]}", x="{one[20:]}")\n',
            f'y = "{one[9:]}"\nx = f"{one[:9]}{{y}}"\n',
        ):
            found = looker.look_at_bytes(compiled(source), "shop.pyc").findings
            assert [finding.rule for finding in found] == ["github-pat"], source

    def test_names_beside_values(self, looker: Looker) -> None:
        value = make("{base62:24}", "names")
        for source in ('password = "{}"', 'connect(password="{}")', 'x = {{"password": "{}"}}', 'self.password = "{}"'):
            found = looker.look_at_bytes(compiled(source.format(value)), "shop.pyc").findings
            assert [finding.rule for finding in found] == ["generic-random-secret"], source
        assert looker.look_at_bytes(compiled(f'colour = "{value}"'), "shop.pyc").findings == []

    def test_what_no_code_shows_stands_in_the_bytes(self, looker: Looker, token: Token) -> None:
        code = compile("x = 1", f"/home/{token('a')}/shop.py", "exec")
        data = importlib.util.MAGIC_NUMBER + bytes(12) + marshal.dumps(code)
        (finding,) = looker.look_at_bytes(data, "shop.pyc").findings
        assert finding.place.offset == data.index(token("a").encode())

    @pytest.mark.parametrize(
        ("head", "told"),
        [
            (bytes(16), "there is no magic number: read as if it were of"),
            (bytes(12), "there is no magic number: read as if it were of"),
            (b"", "there is no magic number: read as if it were of"),
            (b"\x7f\x7f\r\n" + bytes(12), "its magic number is 32639, of no version that is known: read as if"),
        ],
    )
    def test_a_version_that_is_guessed_is_told(self, looker: Looker, head: bytes, told: str) -> None:
        data = head + compiled(f'def f():\n    connect(password="{make("{base62:24}", "guess")}")\n')[16:]
        outcome = looker.look_at_bytes(data, "shop.pyc")
        assert [(one.rule, one.place.line) for one in outcome.findings] == [("generic-random-secret", 2)]
        (gap,) = outcome.gaps
        assert (gap.path, gap.reason) == ("shop.pyc", Reason.UNSUPPORTED)
        assert told in gap.detail

    def test_bigger_than_a_window(self, looker: Looker, tree: Path, token: Token) -> None:
        source = f'def f():\n    return "{token("a")}"\nTEXT = "{"word " * (BUFFER // 5 + 9)}"\n'
        (tree / "big.pyc").write_bytes(compiled(source))
        assert ("big.pyc", 2, None, None) in where(look(looker).findings)

    def test_bigger_than_a_window_in_a_container(self, looker: Looker, tree: Path, token: Token) -> None:
        source = f'def f():\n    return "{token("a")}"\nTEXT = "{"word " * (BUFFER // 5 + 9)}"\n'
        with zipfile.ZipFile(tree / "a.zip", "w") as archive:
            archive.writestr("big.pyc", compiled(source))
        outcome = look(looker)
        assert [finding.rule for finding in outcome.findings] == ["github-pat", "orphan-bytecode"]
        detail = "compiled Python that is too big to be kept: only its bytes were searched"
        assert outcome.gaps == [Gap("a.zip!/big.pyc", Reason.OVER_BUDGET, detail)]

    def test_damaged(self, looker: Looker, token: Token) -> None:
        whole = compiled(f'def f():\n    x = "{token("a")}"\n    return x\ny = "{"text " * 50}"\n')
        for end in range(whole.index(token("a").encode()) + len(token("a")), len(whole), 7):
            found = looker.look_at_bytes(whole[:end], "shop.pyc").findings
            assert [finding.rule for finding in found] == ["github-pat"]


class TestLimits:
    def test_too_many_findings_become_a_gap(
        self, looker: Looker, tree: Path, token: Token, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "MAX_FINDINGS", 3)
        for name, count in (("a", 3), ("b", 5), ("c", 1)):
            (tree / name).write_text(" ".join(token(f"{name} {number}") for number in range(count)))
        outcome = look(looker)
        assert [path for path, *_ in where(outcome.findings)] == ["a"] * 3 + ["b"] * 3 + ["c"]
        assert outcome.gaps == [Gap("b", Reason.OVER_BUDGET, "more than 3 findings; the first are reported")]

    def test_what_is_ignored_counts_too(
        self, looker: Looker, tree: Path, token: Token, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "MAX_FINDINGS", 3)
        (tree / "a").write_text("".join(f"{token(str(n))}  # pitviper: allow[github-pat] fake\n" for n in range(5)))
        outcome = look(looker)
        assert (len(outcome.findings), len(outcome.ignored), len(outcome.gaps)) == (0, 3, 1)
        assert outcome.ignored[0].reason == "fake"

    def test_a_container_is_opened_or_told(self, looker: Looker, tree: Path, token: Token) -> None:
        (tree / "a.gz").write_bytes(gzip.compress(token("packed").encode()))
        (tree / "b.whl").write_bytes(b"PK\x03\x04" + token("stored").encode())
        outcome = look(looker)
        assert where(outcome.findings) == [("a.gz!/a", 1, 1, 0), ("b.whl", 1, 5, 4)]
        assert [(gap.path, gap.reason) for gap in outcome.gaps] == [("b.whl", Reason.DAMAGED)]


class TestDefects:
    def test_in_a_check(self, tree: Path, token: Token, monkeypatch: pytest.MonkeyPatch) -> None:
        def check(secret: bytes, groups: Mapping[str, bytes]) -> Proof:
            raise ZeroDivisionError(secret, groups)

        fine = make("github_pat_{base62:22}_{base62:59}", "fine")
        (tree / "a.py").write_text(f"{token('a')}\n{fine}\n{token('b')}\n")
        (tree / "b.py").write_text(f"{fine}\n")
        monkeypatch.setitem(FORMATS, "crc32-base62", Format(check))
        outcome = look(Looker(load()))
        assert where(outcome.findings) == [("a.py", 2, 1, 41), ("b.py", 1, 1, 0)]
        detail = "a defect in pitviper: ZeroDivisionError in the rule 'github-pat'; please report it"
        assert outcome.gaps == [Gap("a.py", Reason.FAILED, detail)]

    def test_in_judging(self, tree: Path, token: Token) -> None:
        class Failing(Judge, frozen=True):
            def findings(self, data: bytearray, seen: Seen, hidden: Hidden) -> Iterator[Finding | Ignored]:
                for number, finding in enumerate(super().findings(data, seen, hidden)):
                    if number and seen.span.blob.path == "b":
                        raise ZeroDivisionError
                    yield finding

        for name in "abc":
            (tree / name).write_text(f"{token('1')}\n{token('2')}\n")
        outcome = look(Looker(load(), Failing()))
        assert [path for path, *_ in where(outcome.findings)] == ["a", "a", "b", "c", "c"]
        detail = "a defect in pitviper: ZeroDivisionError; please report it"
        assert outcome.gaps == [Gap("b", Reason.FAILED, detail)]


class TestOutcome:
    def test_adds_up(self, looker: Looker, tree: Path, token: Token) -> None:
        (tree / "a").write_text(f"{token('1')}\n{token('2')}  # pitviper: allow[github-pat]\n")
        one = look(looker)
        one.hidden = Hidden(1, 2, 3)
        one.gaps.append(Gap("a", Reason.FAILED))
        two = total([one, one])
        assert (len(two.findings), len(two.ignored), len(two.gaps)) == (2, 2, 2)
        assert (two.blobs, two.bytes) == (2, 2 * one.bytes)
        assert msgspec.structs.astuple(two.hidden) == (2, 4, 6)


PARTS = st.lists(
    st.builds(Files, st.just(b"t"), st.binary(max_size=2), st.just(b"/t"), st.lists(st.binary(), max_size=9))
)


class TestBatches:
    @given(PARTS, st.integers(1, 6))
    def test_hold_all_names_in_order(self, parts: list[Files], size: int) -> None:
        cut = list(batches(parts, size))
        names = [(part.prefix, name) for batch in cut for part in batch for name in part.names]
        assert names == [(part.prefix, name) for part in parts for name in part.names]
        counts = [sum(len(part.names) for part in batch) for batch in cut]
        assert all(0 < count <= size for count in counts)
        assert all(count == size for count in counts[:-1])


class ByThread:
    """All pieces for other threads, none for the one that made it: the children do everything."""

    def __init__(self, pieces: Iterable[list[Files]]) -> None:
        self._pieces = iter(pieces)
        self._owner = threading.current_thread()

    def __iter__(self) -> Iterator[list[Files]]:
        return self

    def __next__(self) -> list[Files]:
        if threading.current_thread() is self._owner:
            raise StopIteration
        return next(self._pieces)


KILLER = """
import os, signal
from pitviper.work import worker

def factory(config):
    work = worker(config)

    def killed(piece):
        for outcome in work(piece):
            yield outcome
            if b"killer" in piece:
                os.kill(os.getpid(), signal.SIGKILL)
    return killed
"""


@pytest.fixture
def killer(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> str:
    """The factory of a worker that dies over a file of that name."""
    folder = tmp_path_factory.mktemp("killer")
    (folder / "pitviper_killer.py").write_text(KILLER)
    monkeypatch.syspath_prepend(folder)
    return "pitviper_killer:factory"


class TestWork:
    @pytest.fixture
    def work(self, looker: Looker, tree: Path, token: Token) -> Work:
        for number in range(6):
            (tree / f"{number}.py").write_text(f"{token(str(number))}\n")
        return Work(looker, Config((), (), Judge(), Options()))

    def test_crosses_as_it_is(self, work: Work, looker: Looker) -> None:
        piece = files()
        answers = list(worker(work.config)(work.encode(piece)))
        assert [work.decode(answer) for answer in answers] == list(looker.look(piece)) == list(work.do(piece))

    def test_settings_cross(self, looker: Looker, tree: Path, token: Token) -> None:
        (tree / "a.py").write_text(token("shown"))
        for config, wanted in (
            (Config((), (), Judge(show_secrets=True), Options()), [token("shown")]),
            (Config((), (), Judge(), Options()), [None]),
            (Config((), ("github-pat",), Judge(), Options()), []),
        ):
            work = Work(looker, config)
            (answer,) = worker(work.config)(work.encode(files()))
            assert [item.secret and item.secret.value for item in work.decode(answer).findings] == wanted

    def test_is_split_into_files(self, work: Work) -> None:
        piece = files()
        parts = work.split(piece)
        assert [part.names for (part,) in parts] == [[name] for name in piece[0].names]
        assert [work.split(part) for part in parts] == [[part] for part in parts]
        assert [gap.path for part in parts for gap in work.lost(part).gaps] == [f"{number}.py" for number in range(6)]

    def test_of_children_is_that_of_the_caller(self, work: Work) -> None:
        there = total(Pool(work, 2).run(ByThread(batches(files(), 2))))
        here = total(work.do(files()))
        assert sorted(where(there.findings)) == where(here.findings)
        assert (there.blobs, there.bytes, there.gaps) == (here.blobs, here.bytes, [])

    @pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="POSIX has SIGKILL")
    def test_a_file_that_kills_loses_nothing_but_itself(
        self, work: Work, killer: str, tree: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(work, "factory", killer, raising=False)
        (tree / "3-killer.py").write_text("x")
        outcome = total(Pool(work, 2).run(ByThread(batches(files()))))
        assert [path for path, *_ in sorted(where(outcome.findings))] == [f"{number}.py" for number in range(6)]
        detail = "the worker process died while it looked into this file"
        assert outcome.gaps == [Gap("3-killer.py", Reason.FAILED, detail)]


def test_a_bomb_of_many_encoded_files_ends(looker: Looker) -> None:
    bomb = b"x = zlib.decompress(b64decode('%b'))" % base64.b64encode(zlib.compress(bytes(60 * 1024 * 1024), 9))
    outcomes = [looker.look_at_bytes(bomb, f"x.zip!/{number}") for number in range(6)]
    told = [[str(gap.reason) for gap in outcome.gaps] for outcome in outcomes]
    assert told == [[]] * 4 + [["over-budget"]] * 2
    assert looker.look_at_bytes(bomb, "y").gaps == []
