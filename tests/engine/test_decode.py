"""Tokens that stand encoded: every encoding, nested, cut, wrapped, and against whoever wants to waste our time."""

from __future__ import annotations

import base64
import bz2
import gzip
import lzma
import random
import textwrap
import zlib
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pitviper.engine import decode, encodings
from pitviper.engine.decode import Budget
from pitviper.engine.pack import BUFFER
from pitviper.engine.undo import unbase64, unentity, unescape, unhex, unnumber, unpercent
from pitviper.look import Looker, Outcome
from pitviper.model.gap import Reason
from pitviper.rules.loading import load
from pitviper.rules.template import make
from pitviper.sources.directory import Directory, Files

Token = Callable[[str], str]
Encode = Callable[[bytes], bytes]


@pytest.fixture(scope="module")
def looker() -> Looker:
    return Looker(load())


def each(unit: str, between: str = "") -> Encode:
    return lambda data: between.join(unit.format(byte) for byte in data).encode()


def wrapped(width: int, between: bytes) -> Encode:
    def encode(data: bytes) -> bytes:
        return between.join(line.encode() for line in textwrap.wrap(base64.b64encode(data).decode(), width))

    return encode


ENCODINGS: dict[str, Encode] = {
    "base64": base64.b64encode,
    "url-safe": base64.urlsafe_b64encode,
    "unpadded": lambda data: base64.b64encode(data).rstrip(b"="),
    "cut": lambda data: base64.b64encode(data)[:-1],
    "hex": lambda data: data.hex().encode(),
    "HEX": lambda data: data.hex().upper().encode(),
    r"\x": each(r"\x{:02x}"),
    r"\u": each(r"\u{:04x}"),
    "octal": each(r"\{:03o}"),
    "percent": each("%{:02X}"),
    "entities": each("&#{};"),
    "entities-hex": each("&#x{:x};"),
    "numbers": each("{}", ", "),
    "numbers-hex": each("0x{:02X}", ","),
    "bytes": each("{:02x}", " "),
    "utf-16": lambda data: data.decode().encode("utf-16-le"),
    "zlib": zlib.compress,
    "zlib-1": lambda data: zlib.compress(data, 1),
    "zlib-9": lambda data: zlib.compress(data, 9),
    "gzip": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
    "base85": base64.b85encode,
    "ascii85": lambda data: base64.a85encode(data).replace(b"\\", rb"\\").replace(b"'", rb"\'"),
    "base32": base64.b32encode,
}
ALONE = (
    "base64",
    "url-safe",
    "unpadded",
    "cut",
    "hex",
    "HEX",
    r"\x",
    r"\u",
    "octal",
    "percent",
    "entities",
    "entities-hex",
    "numbers",
    "numbers-hex",
    "bytes",
    "utf-16+base64",
    "base64+base64",
    "zlib+base64",
    "zlib-1+base64",
    "zlib-9+base64",
    "gzip+base64",
    "bz2+base64",
    "xz+base64",
    "lzma+base64",
    "zlib+hex",
    "gzip+hex",
    "bz2+hex",
    "zlib+base64+base64",
    "base64+zlib+base64",
    "zlib+base64+zlib+base64",
    r"zlib+\x",
    r"gzip+\x",
)
"""Found without anything else that betrays them."""
WITH_DECODER = {
    "base64+hex": "unhexlify",
    "hex+base64": "b64decode",
    "hex+hex": "fromhex",
    "base64+base64+base64": "b64decode",
    "base64+base64+base64+base64+base64+base64": "b64decode",
    "base85": "b85decode",
    "zlib+base85": "b85decode",
    "ascii85": "a85decode",
    "base32": "b32decode",
}


def encoded(steps: str, data: bytes) -> bytes:
    for step in steps.split("+"):
        data = ENCODINGS[step](data)
    return data


def look(looker: Looker, data: bytes, name: str = "src/helpers.py") -> Outcome:
    return looker.look_at_bytes(data, name)


def rules(outcome: Outcome) -> list[str]:
    assert not [gap for gap in outcome.gaps if gap.reason is Reason.FAILED]
    return [finding.rule for finding in outcome.findings]


class TestEncodings:
    @pytest.mark.parametrize("steps", ALONE)
    @pytest.mark.parametrize("before", range(4))
    def test_alone(self, looker: Looker, token: Token, steps: str, before: int) -> None:
        plain = b"=" * before + f"'{token(steps)}' # what there is".encode()
        outcome = look(looker, b"import os\n\nDATA = b'" + encoded(steps, plain) + b"'\n")
        assert rules(outcome) == ["github-pat"]
        (finding,) = outcome.findings
        where = finding.place
        assert where.offset is not None
        assert (where.path, where.line, where.column) == ("src/helpers.py", 3, where.offset - 10)
        assert 20 <= where.offset <= 20 + len(encoded(steps, plain[: before + 3]))
        assert where.chain[-1].kind == "decoded"
        assert finding.evidence[-1].name == "encoding"
        assert finding.evidence[-1].text == where.chain[-1].name

    @pytest.mark.parametrize("steps", WITH_DECODER)
    def test_near_a_decoder(self, looker: Looker, token: Token, steps: str) -> None:
        data = encoded(steps, f"token = '{token(steps)}'".encode())
        source = b"def f():\n  return %s(\n    '%s')\n" % (WITH_DECODER[steps].encode(), data)
        assert rules(look(looker, source)) == ["github-pat"]

    @pytest.mark.parametrize(
        ("steps", "name"),
        [
            ("base64", "base64"),
            ("zlib+base64", "base64+zlib"),
            ("gzip+hex", "hex+gzip"),
            ("base64+base64", "base64+base64"),
            ("utf-16+base64", "base64+utf-16-le"),
            ("xz+base64", "base64+lzma"),
            (r"\x", "escapes"),
        ],
    )
    def test_the_chain_says_what_was_undone(self, looker: Looker, token: Token, steps: str, name: str) -> None:
        plain = f"the token is {token('a')}\n".encode()
        (finding,) = look(looker, b"x = '%s'" % encoded(steps, plain)).findings
        assert finding.place.chain[-1].name == name

    def test_a_program_in_layers(self, looker: Looker, token: Token) -> None:
        inner = f"import os\nrequests.get(u, auth='{token('a')}')\n".encode()
        for _ in range(3):
            inner = b"exec(zlib.decompress(base64.b64decode(b'%s')))" % base64.b64encode(zlib.compress(inner))
        (finding,) = look(looker, b"# setup\n" + inner).findings
        assert (finding.rule, finding.place.line) == ("github-pat", 2)
        assert finding.place.chain[-1].name == "+".join(["base64", "zlib"] * 3)

    def test_powershell(self, looker: Looker, token: Token) -> None:
        command = base64.b64encode(f"$t = '{token('a')}'".encode("utf-16-le"))
        assert rules(look(looker, b"powershell -EncodedCommand " + command)) == ["github-pat"]

    def test_quoted_in_a_url(self, looker: Looker) -> None:
        url = make("https://hooks.slack.com/services/T{upper-digits:10}/B{upper-digits:10}/{base62:24}", "a")
        quoted = url.replace(":", "%3A").replace("/", "%2F")
        assert rules(look(looker, f"u = 'https://a.example/?next={quoted}'".encode())) == ["slack-webhook"]

    def test_the_repr_of_compressed_bytes(self, looker: Looker, token: Token) -> None:
        source = f"import zlib\nexec(zlib.decompress({zlib.compress(token('a').encode())!r}))\n"
        assert rules(look(looker, source.encode())) == ["github-pat"]

    def test_in_a_binary(self, looker: Looker, token: Token) -> None:
        run = base64.b64encode(token("a").encode())
        (finding,) = look(looker, bytes(100) + b"z%c" % len(run) + run + b"\0N").findings
        assert finding.place.line is None
        assert finding.place.offset in {100, 101, 102}  # a length and a type may look like base64

    def test_every_rule_with_a_fixed_beginning_has_literals_at_each_distance(self) -> None:
        for rule in load().rules:
            shapes = [] if rule.generic else [one for one in encodings.shapes(rule) if len(one) >= 4]
            for shape in shapes:
                if all(len(one) == 1 for one in shape[:4]):
                    ways = [encodings.base64_of(shape, distance) for distance in range(3)]
                    found = [list(encodings._rarest(one, encodings.Coding.BASE64, 4)) for one in ways]
                    assert all(found), rule.id


class TestWrapped:
    @pytest.mark.parametrize("width", [40, 61, 64, 76])
    @pytest.mark.parametrize(
        "between",
        [b"\n", b"\r\n", b"\n        ", b"\\n", b"\\\n", b"'\n    '", b"' +\n  b'", b"'\r\n\t'", b"\\n'\n    '"],
    )
    def test_lines(self, looker: Looker, token: Token, width: int, between: bytes) -> None:
        plain = f"{'some text ' * 9}{token('a')}{' and more' * 9}".encode()
        source = b"data = b64decode('" + wrapped(width, between)(plain) + b"')\n"
        (finding,) = look(looker, source).findings
        index = 90 * 4 // 3
        offset = 18 + index + index // width * len(between)
        line_start = source.rfind(b"\n", 0, offset) + 1
        place = finding.place
        assert (place.line, place.column, place.offset) == (
            source.count(b"\n", 0, offset) + 1,
            offset - line_start + 1,
            offset,
        )

    def test_mime_without_a_decoder(self, looker: Looker, token: Token) -> None:
        plain = [f"{'x' * before} {token('a')}".encode() for before in range(57)]
        found = [rules(look(looker, b"body:\n\n" + base64.encodebytes(one))) for one in plain]
        assert found.count(["github-pat"]) >= 48  # the literal itself may be torn


class TestMostly:
    """What needs no escape stands as it is, as serialisers write it."""

    @pytest.mark.parametrize(
        "write",
        [
            lambda text: quote(text, safe=""),
            lambda text: text.replace("/", r"\/"),
            lambda text: text.replace("/", r"\u002f"),
            lambda text: text.replace("+", r"\u002B").replace("=", r"\u003D"),
            lambda text: text.replace("&", r"\u0026").replace("=", r"\u003d"),
        ],
    )
    @pytest.mark.parametrize(
        ("template", "rule"),
        [
            ("https://hooks.slack.com/services/T{upper-digits:10}/B{upper-digits:10}/{base62:24}", "slack-webhook"),
            ("DefaultEndpointsProtocol=https;AccountName=acme;AccountKey={base62:84}/+==", "azure-account-key"),
            ("postgres://shop:{base62:20}@db.acme.io/shop?a=b&c=d", "url-credentials"),
        ],
    )
    def test_escaped(self, looker: Looker, write: Callable[[str], str], template: str, rule: str) -> None:
        plain = make(template, rule)
        assert rules(look(looker, plain.encode())) == [rule]
        assert rules(look(looker, f'{{"to": "{write(plain)}"}}'.encode())) == [rule]


class TestWhatIsKnown:
    def test_one_finding_for_one_run(self, looker: Looker, token: Token) -> None:
        run = base64.b64encode(f"{token('a')} {token('a')} {token('b')}".encode())
        assert rules(look(looker, b"b64decode('%s')" % run)) == ["github-pat", "github-pat"]

    def test_what_a_rule_knows_as_it_is_counts_once(self, looker: Looker, token: Token) -> None:
        auth = base64.b64encode(f"user:{token('a')}".encode()).decode()
        docker = look(
            looker, f'{{"auths": {{"https://index.docker.io/v1/": {{"auth": "{auth}"}}}}}}'.encode(), "a.json"
        )
        assert len(docker.findings) == 1

    def test_a_guess_gives_way(self, looker: Looker, token: Token) -> None:
        run = base64.b64encode(token("a").encode()).decode()
        assert rules(look(looker, f"password = '{run}'\n".encode())) == ["github-pat"]

    def test_plain_and_escaped_side_by_side(self, looker: Looker, token: Token) -> None:
        escaped = each(r"\x{:02x}")(token("a").encode()).decode()
        outcome = look(looker, f"x = '{token('b')} {escaped}'\n".encode())
        assert rules(outcome) == ["github-pat", "github-pat"]

    def test_generic_rules_are_silent(self, looker: Looker) -> None:
        plain = b"password = 'Zx81kQ0pLm27vWcR94tB'\nimport os\n"
        assert look(looker, plain).findings
        assert not look(looker, b"b64decode(b'%s')" % base64.b64encode(plain)).findings

    def test_placeholders_are_none(self, looker: Looker) -> None:
        plain = b"AKIAIOSFODNN7" + b"EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
        assert not look(looker, b"b64decode(b'%s')" % base64.b64encode(plain)).findings

    def test_a_comment_accepts(self, looker: Looker, token: Token) -> None:
        run = base64.b64encode(token("a").encode()).decode()
        outcome = look(looker, f"x = '{run}'  # pitviper: allow[github-pat] revoked\n".encode())
        assert not outcome.findings
        assert [one.reason for one in outcome.ignored] == ["revoked"]

    def test_a_comment_in_the_layer_does_not(self, looker: Looker, token: Token) -> None:
        run = base64.b64encode(f"{token('a')} # pitviper: allow[github-pat] no".encode()).decode()
        assert rules(look(looker, f"x = '{run}'\n".encode())) == ["github-pat"]

    @pytest.mark.parametrize("head", [b"\x89PNG\r\n\x1a\n", b"wOF2", b"\xff\xd8\xff\xe0", b"GIF89a"])
    def test_media_is_skipped(self, looker: Looker, token: Token, head: bytes) -> None:
        uri = b"url(data:x;base64,%s)" % base64.b64encode(head + token("a").encode())
        assert not look(looker, b"b64decode " + uri).findings

    def test_nothing_shows_the_secret(self, looker: Looker, token: Token) -> None:
        run = base64.b64encode(token("a").encode()).decode()
        (finding,) = look(looker, f"x = '{run}'\n".encode()).findings
        assert token("a") not in repr(finding)
        assert run not in repr(finding)


class TestWindows:
    @pytest.mark.parametrize("edge", [BUFFER - 32 * 1024, BUFFER, BUFFER - 64 * 1024, 2 * BUFFER - 96 * 1024])
    @pytest.mark.parametrize("shift", [-100, -30, -7, 0, 7])
    def test_once_at_every_edge(self, looker: Looker, token: Token, tmp_path: Path, edge: int, shift: int) -> None:
        run = base64.b64encode(f"{'x ' * 9}{token('a')}".encode())
        data = bytearray(b".\n" * (3 * BUFFER // 2))
        data[edge + shift : edge + shift + len(run) + 2] = b"'%s'" % run
        (tmp_path / "big.txt").write_bytes(data)
        parts = [part for part in Directory(str(tmp_path)).parts() if isinstance(part, Files)]
        findings = [one for outcome in looker.look(parts) for one in outcome.findings]
        assert [one.place.offset for one in findings] == [edge + shift + 1 + 18 * 4 // 3]

    def test_a_run_of_several_windows(self, looker: Looker, token: Token, tmp_path: Path) -> None:
        noise = random.Random(1).randbytes(3 * BUFFER)
        plain = bytearray(noise)
        tokens = [token(str(number)).encode() for number in range(40)]
        for number, one in enumerate(tokens):
            at = number * (len(plain) // 40)
            plain[at : at + len(one) + 2] = b"\n" + one + b"\n"
        (tmp_path / "big.txt").write_bytes(b"x = '" + base64.b64encode(plain) + b"'")
        parts = [part for part in Directory(str(tmp_path)).parts() if isinstance(part, Files)]
        findings = [one for outcome in looker.look(parts) for one in outcome.findings if one.rule == "github-pat"]
        assert len(findings) == 40


class TestHostile:
    @pytest.mark.parametrize(
        "data",
        [
            b"A" * (4 << 20),
            b"b64decode" + b"A" * (4 << 20),
            b"b64decode'" * 100_000,
            b"b85decode'" * 50_000,
            b"Z2hwX" * 400_000,
            b"Z2hwX " * 300_000,
            b"Z2hwX(" * 300_000,
            b"'Z2hwX\\n" * 300_000,
            b"Z2hwXAAAAAAAAAAAAAAA\n" * 100_000,
            b"6768705f" * 250_000,
            b"\\x67\\x68\\x70\\x5f" * 100_000,
            b"'\\x67\\x68\\x70\\x5f" * 100_000,
            b"%67%68%70%5f" * 150_000,
            b"&#103;&#104;&#112;&#95; " * 60_000,
            b"103, 104, 112, 95" * 100_000,
            b"'x\\x9c" * 300_000,
            b"'eJw" * 400_000,
            b"'H4sIAAAA" * 200_000,
        ],
        ids=lambda data: repr(data[:24]),
    )
    def test_much_of_it(self, looker: Looker, data: bytes) -> None:
        outcome = look(looker, data)
        assert {gap.reason for gap in outcome.gaps} <= {Reason.OVER_BUDGET}

    @pytest.mark.parametrize("compress", [zlib.compress, gzip.compress, bz2.compress, lzma.compress])
    def test_bombs(self, looker: Looker, compress: Encode) -> None:
        bomb = base64.b64encode(compress(bytes(decode.MAX_BYTES + 1000)))
        outcome = look(looker, b"x = '%s'\n" % bomb)
        assert [(gap.path, gap.reason) for gap in outcome.gaps] == [("src/helpers.py", Reason.OVER_BUDGET)]
        assert "64 MiB" in outcome.gaps[0].detail

    def test_many_bombs_are_one_gap(self, looker: Looker, token: Token) -> None:
        bomb = base64.b64encode(zlib.compress(bytes(decode.MAX_BYTES // 4)))
        outcome = look(looker, f"x = '{token('a')}'\n".encode() + b"y = '%s'\n" % bomb * 20)
        assert rules(outcome) == ["github-pat"]
        assert len(outcome.gaps) == 1

    def test_ten_thousand_runs(self, looker: Looker, token: Token) -> None:
        runs = [base64.b64encode(f"{number} {token(str(number % 50))}".encode()) for number in range(10_000)]
        outcome = look(looker, b"".join(b"'%s',\n" % run for run in runs))
        assert len(outcome.findings) == 2_000
        assert [gap.reason for gap in outcome.gaps] == [Reason.OVER_BUDGET]

    def test_more_layers_than_allowed(self, looker: Looker, token: Token, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("pitviper.engine.decode.Budget", lambda: Budget(layers=10))
        runs = [base64.b64encode(f"it is {token(str(number))}".encode()) for number in range(20)]
        outcome = look(looker, b"".join(b"'%s',\n" % run for run in runs))
        assert len(outcome.findings) == 10
        assert [gap.reason for gap in outcome.gaps] == [Reason.OVER_BUDGET]

    @pytest.mark.parametrize(("depth", "found"), [(decode.MAX_DEPTH, True), (decode.MAX_DEPTH + 1, False)])
    def test_depth(self, looker: Looker, token: Token, depth: int, *, found: bool) -> None:
        data = f"it is {token('a')}".encode()
        for _ in range(depth):
            data = base64.b64encode(data)
        outcome = look(looker, b"b64decode('%s')" % data)
        assert bool(outcome.findings) is found
        assert bool(outcome.gaps) is not found

    @pytest.mark.parametrize("cut", [10, 60, 100])
    def test_compressed_and_cut_short(self, looker: Looker, token: Token, cut: int) -> None:
        packed = zlib.compress(token("a").encode() + random.Random(1).randbytes(400))
        assert rules(look(looker, b"x = '%s'" % base64.b64encode(packed[:-cut]))) == ["github-pat"]


class TestProperties:
    @given(
        st.text(st.characters(codec="utf-8", exclude_characters="\0\ufeff"), max_size=80),
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=80),
        st.sampled_from([one for one in ALONE if one != "cut"]),
    )
    def test_whatever_is_around_it(self, looker: Looker, token: Token, before: str, behind: str, steps: str) -> None:
        plain = f"{before}\n{token('a')}\n{behind}".encode()
        if steps.startswith("utf-16"):
            plain = bytes(byte for byte in plain if byte < 0x80)
        assert "github-pat" in rules(look(looker, b"x = '%s'" % encoded(steps, plain)))

    @given(st.binary(max_size=400))
    @example(b"b64decode\\")
    @example(b"'x\\x9c")
    @example(b"'eJw")
    def test_no_bytes_make_it_fail(self, looker: Looker, data: bytes) -> None:
        for piece in (data, b"b64decode '" + base64.b64encode(data), b"a85decode b85decode b32decode '" + data + b"'"):
            rules(look(looker, piece + b" Z2hwX \\x67\\x68\\x70\\x5f" + data))
        for undo in (unbase64, unescape, unpercent, unnumber, unentity):
            undo(data)

    @given(st.binary(max_size=60))
    def test_and_back(self, data: bytes) -> None:
        assert unbase64(base64.b64encode(data)) == data
        assert unbase64(base64.urlsafe_b64encode(data).rstrip(b"=")) == data
        assert unhex(data.hex().encode() + b"f") == data
        assert unescape(each(r"\x{:02x}")(data)) == data
        assert unpercent(each("%{:02X}")(data)) == data
        assert unnumber(each("{}", ", ")(data)) == data if len(data) > 1 else True


def test_what_takes_too_long_is_told(looker: Looker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pitviper.look.PATIENCE", 0.0)
    outcome = looker.look_at_bytes(base64.b64encode(make("ghp_{base62:30}{crc32-base62}", "late").encode()), "x")
    assert any("too long to decode" in gap.detail for gap in outcome.gaps)
