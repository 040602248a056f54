# ruff: noqa: E501 - a snapshot shows lines as they are
from __future__ import annotations

import csv
import io

import pytest
from inline_snapshot import snapshot
from msgspec.structs import replace

from pitviper.model.report import Ignored, Report
from pitviper.output import csv_table
from pitviper.output.interface import Style


def rows(report: Report) -> list[list[str]]:
    return list(csv.reader(io.StringIO("".join(csv_table.render(report, {}, Style())), newline=""), strict=True))


def test_report(report: Report) -> None:
    assert "".join(csv_table.render(report, {}, Style())) == snapshot("""\
"id","kind","rule","title","severity","confidence","audience","path","line","column","offset","secret","status","evidence","remedy"
"id-acme-token-acme_Ab9Z","secret","acme-token","Acme token (classic)","critical","certain","everyone","app.tar!/layer:4!/app/a.pyc","57","","1234","acme_Ab…9Z","reported","checksum: CRC32 matches; stale: the source beside it has no such value","Revoke it under Settings, Tokens, then exclude **/__pycache__ and *.pyc in .dockerignore."
"id-acme-token-acme_Xy0q","secret","acme-token","Acme token (classic)","critical","certain","everyone","src/größe.py","3","18","","acme_Xy…0q","reported","checksum: CRC32 matches","Revoke it under Settings, Tokens, then exclude **/__pycache__ and *.pyc in .dockerignore."
"id-acme-token-acme_Xy0q","secret","acme-token","Acme token (classic)","critical","certain","everyone","tests/copy1.py","1","5","","acme_Xy…0q","reported","checksum: CRC32 matches","Revoke it under Settings, Tokens, then exclude **/__pycache__ and *.pyc in .dockerignore."
"id-acme-token-acme_Xy0q","secret","acme-token","Acme token (classic)","critical","certain","everyone","tests/copy2.py","2","5","","acme_Xy…0q","reported","checksum: CRC32 matches","Revoke it under Settings, Tokens, then exclude **/__pycache__ and *.pyc in .dockerignore."
"id-acme-token-acme_Xy0q","secret","acme-token","Acme token (classic)","critical","certain","everyone","tests/copy3.py","3","5","","acme_Xy…0q","reported","checksum: CRC32 matches","Revoke it under Settings, Tokens, then exclude **/__pycache__ and *.pyc in .dockerignore."
"id-acme-token-acme_Xy0q","secret","acme-token","Acme token (classic)","critical","certain","everyone","tests/copy4.py","4","5","","acme_Xy…0q","reported","checksum: CRC32 matches","Revoke it under Settings, Tokens, then exclude **/__pycache__ and *.pyc in .dockerignore."
"id-acme-token-acme_Xy0q","secret","acme-token","Acme token (classic)","critical","certain","everyone","tests/copy5.py","5","5","","acme_Xy…0q","reported","checksum: CRC32 matches","Revoke it under Settings, Tokens, then exclude **/__pycache__ and *.pyc in .dockerignore."
"id-acme-token-acme_Xy0q","secret","acme-token","Acme token (classic)","critical","certain","everyone","tests/copy6.py","6","5","","acme_Xy…0q","reported","checksum: CRC32 matches","Revoke it under Settings, Tokens, then exclude **/__pycache__ and *.pyc in .dockerignore."
"id-acme-token-acme_Xy0q","secret","acme-token","Acme token (classic)","critical","certain","everyone","tests/copy7.py","7","5","","acme_Xy…0q","reported","checksum: CRC32 matches","Revoke it under Settings, Tokens, then exclude **/__pycache__ and *.pyc in .dockerignore."
"id-generic-password-","secret","generic-password","Password","medium","tentative","everyone","data/key store.bin","","","81234","…","reported","name: \\x1b[2J\\x9b2J\\u202etxt.exe\\u2066 \\x80\\ud800\\r\\n=cmd|' /C calc'!A0 `tick` | <img src=x onerror=alert(1)> [click](javascript:alert(1)) ![pic](//x.test/p) @everyone #1 www.x.test http://x.test {0} $`x`$ \\| </code>","Move it out of the code, and change it."
"id-acme-token-acme_0000","secret","acme-token","Acme token (classic)","critical","certain","everyone","tests/fake.py","1","1","","acme_00…00","ignored","checksum: CRC32 matches; ignored: \\x1b[2J\\x9b2J\\u202etxt.exe\\u2066 \\x80\\ud800\\r\\n=cmd|' /C calc'!A0 `tick` | <img src=x onerror=alert(1)> [click](javascript:alert(1)) ![pic](//x.test/p) @everyone #1 www.x.test http://x.test {0} $`x`$ \\| </code>","Revoke it under Settings, Tokens, then exclude **/__pycache__ and *.pyc in .dockerignore."
"id-generic-password-","secret","generic-password","Password","medium","tentative","everyone","'-old.py","9","9","","…","suppressed","","Move it out of the code, and change it."
""")


def test_every_place_has_a_row(report: Report) -> None:
    table = rows(report)
    assert table[0] == list(csv_table.HEADER)
    assert [(row[7], row[12]) for row in table[1:]] == snapshot(
        [
            ("app.tar!/layer:4!/app/a.pyc", "reported"),
            ("src/größe.py", "reported"),
            ("tests/copy1.py", "reported"),
            ("tests/copy2.py", "reported"),
            ("tests/copy3.py", "reported"),
            ("tests/copy4.py", "reported"),
            ("tests/copy5.py", "reported"),
            ("tests/copy6.py", "reported"),
            ("tests/copy7.py", "reported"),
            ("data/key store.bin", "reported"),
            ("tests/fake.py", "ignored"),
            ("'-old.py", "suppressed"),
        ]
    )


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r=", "\n=", "＝", "－1"])  # noqa: RUF001 - hostile
def test_no_cell_is_a_formula(start: str, report: Report) -> None:
    secret = report.findings[1].secret
    assert secret
    hostile = replace(report.findings[1], title=f"{start}cmd()", secret=replace(secret, value=f"{start}1"))
    for row in rows(replace(report, findings=(hostile,), ignored=(Ignored(hostile, f"{start}1"),))):
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "＝", "－")) for cell in row)  # noqa: RUF001
