from __future__ import annotations

import re

import pytest
from inline_snapshot import snapshot
from msgspec.structs import replace

from pitviper.model.finding import Evidence, Finding, Severity
from pitviper.model.gap import Gap, Reason
from pitviper.model.place import Link, Place
from pitviper.model.report import Report, Stats, Tool
from pitviper.output import _words, text
from pitviper.output.interface import Style
from pitviper.rules.schema import Rule


def render(report: Report, rules: dict[str, Rule], style: Style = Style(width=80)) -> str:  # noqa: B008 - frozen
    return "".join(text.render(report, rules, style))


def columns(line: str) -> int:
    return len(re.sub(r"\x1b\[[0-9;]*m", "", line))


def test_report(report: Report, rules: dict[str, Rule]) -> None:
    assert render(report, rules) == snapshot("""\
critical  acme-token  acme_Ab…9Z (CRC32 matches)
  app.tar ▸ layer 4 ▸ /app/a.pyc ▸ fetch(), line 57
  removed in layer 6, still in the image
  Acme token (classic) · stale: the source beside it has no such value
  Acts as its owner at Acme, with every scope that it was given.
  next: Revoke it under Settings, Tokens, then exclude **/__pycache__ and *.pyc
        in .dockerignore.

critical  acme-token  acme_Xy…0q (CRC32 matches)
  src/größe.py:3:18
  Acme token (classic)
  also at tests/copy1.py:1:5
          tests/copy2.py:2:5
          tests/copy3.py:3:5
          tests/copy4.py:4:5
          tests/copy5.py:5:5
          and 2 more
  next: Revoke it under Settings, Tokens, then exclude **/__pycache__ and *.pyc
        in .dockerignore.

medium    generic-password  … (tentative)
  data/key store.bin at byte 81,234
  Password · name: \\x1b[2J\\x9b2J\\u202etxt.exe\\u2066 \\x80\\ud800\\r\\n=cmd|' /C
  calc'!A0 `tick` | <img src=x onerror=alert(1)> [click](javascript:alert(1))
  ![pic](//x.test/p) @everyone #1 www.x.test http://x.test {0} $`x`$ \\| </code>
  Opens whatever it belongs to.
  next: Move it out of the code, and change it.

not looked into
  failed (1): \\x1b[2J\\x9b2J\\u202etxt.exe\\u2066 \\x80\\ud800\\r\\n=cmd|' /C calc'!A0
      `tick` | <img src=x onerror=alert(1)> [click](javascript:alert(1))
      ![pic](//x.test/p) @everyone #1 www.x.test http://x.test {0} $`x`$ \\|
      </code>
    x.tar!/y
  unreadable (2): Permission denied
    secret/b.zip
    secret/a.zip

3 findings (2 critical, 1 medium) · 1 ignored in place · 1 in the baseline
  · 12 more for auditors (--auditor) · 2 below --min-severity
  · 1 of other kinds (--only) · 7 left out by --gitignore · 3 gaps
looked into 1,234 files, 56.7 MB in 0.42 s (135 MB/s)
""")


def test_without_unicode(report: Report, rules: dict[str, Rule]) -> None:
    plain = replace(report, findings=report.findings[:1], gaps=())
    assert render(plain, rules, Style(unicode=False)) == snapshot("""\
critical  acme-token  acme_Ab...9Z (CRC32 matches)
  app.tar > layer 4 > /app/a.pyc > fetch(), line 57
  removed in layer 6, still in the image
  Acme token (classic) - stale: the source beside it has no such value
  Acts as its owner at Acme, with every scope that it was given.
  next: Revoke it under Settings, Tokens, then exclude **/__pycache__ and *.pyc in .dockerignore.

1 finding (1 critical) - 1 ignored in place - 1 in the baseline - 12 more for auditors (--auditor)
  - 2 below --min-severity - 1 of other kinds (--only) - 7 left out by --gitignore
looked into 1,234 files, 56.7 MB in 0.42 s (135 MB/s)
""")


def test_colour_adds_codes_and_changes_nothing_else(report: Report, rules: dict[str, Rule]) -> None:
    for width in (40, 60, 100, 160):
        colored = render(report, rules, Style(color=True, width=width))
        assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == render(report, rules, Style(width=width))
    head = render(report, rules, Style(color=True)).split("\n", 1)[0]
    assert head == snapshot("\x1b[1;31mcritical\x1b[0m  \x1b[1macme-token\x1b[0m  acme_Ab…9Z (CRC32 matches)")


def test_nothing_found(report: Report) -> None:
    clean = Report(tool=report.tool, targets=(".",), findings=(), stats=Stats(1, 1, 200, 0, 0.004))
    assert render(clean, {}) == snapshot("""\
nothing found
looked into 1 file, 200 bytes in 4 ms
""")


def test_interrupted(report: Report) -> None:
    stopped = Report(tool=report.tool, targets=(".",), findings=(), stats=Stats(), interrupted=True)
    assert render(stopped, {}) == snapshot("""\
interrupted: this is what was found until then
nothing found
looked into 0 files, 0 bytes in 0 ms
""")


@pytest.mark.parametrize("width", [40, 60, 80, 100, 160])
def test_lines_fit_the_width_unless_one_word_is_longer(width: int, report: Report, rules: dict[str, Rule]) -> None:
    for line in render(report, rules, Style(width=width)).splitlines():
        a_head, a_step, a_word = line.startswith(tuple(Severity)), line.startswith("    ▸ "), len(line.split()) <= 3
        assert columns(line) <= width or a_head or a_step or a_word


def test_long_paths_are_never_broken(report: Report, rules: dict[str, Rule]) -> None:
    path = "a folder/" * 20 + "file.py"
    chain = (Link("tree", "."), Link("archive", path), Link("file", path))
    archive = replace(report.findings[0], place=Place(f"{path}!/{path}", chain, line=3))
    lines = render(replace(report, findings=(archive,)), rules, Style(width=40)).splitlines()
    assert lines[1:3] == [f"  {path}", f"    ▸ {path}:3"]


def test_further_places_and_gaps_are_counted(report: Report, rules: dict[str, Rule]) -> None:
    gaps = tuple(Gap(f"{number}.zip", Reason.UNSUPPORTED, f"reason {number}") for number in range(1005))
    shown = render(replace(report, findings=report.findings[1:2], gaps=gaps), rules)
    assert "          and 2 more\n" in shown
    assert "  unsupported (1,005)\n" in shown
    assert "    and 1,000 more: -o json lists all\n" in shown
    assert "· 1,005 gaps\n" in shown


def test_a_rule_is_explained_once(report: Report, rules: dict[str, Rule]) -> None:
    shown = render(report, rules, Style(width=160))
    assert shown.count(rules["acme-token"].description) == 1
    assert shown.count(f"next: {rules['acme-token'].remedy}") == 2


def test_long_text_is_cut(report: Report, rules: dict[str, Rule]) -> None:
    shown = render(replace(report, findings=(with_evidence(report.findings[2], "A" * 10**6),), gaps=()), rules)
    assert len(shown) < 2000
    assert "A" * 394 + "…" in shown  # 400 with the name in front


def test_evidence_has_its_name_where_the_text_says_little(report: Report, rules: dict[str, Rule]) -> None:
    evidence = (
        Evidence("kind", "long-lived key"),
        Evidence("account", "377439856562"),
        Evidence("user", ""),
        Evidence("copy", "acme_Xy…0q"),
        Evidence("together with", "secret access key acme_Xy…0q"),
        Evidence("identifier", "AKIAIO…7Q"),
    )
    pair = replace(report.findings[1], evidence=evidence, also_at=())
    assert render(replace(report, findings=(pair,)), rules, Style()).splitlines()[:3] == snapshot(
        [
            "critical  acme-token  acme_Xy…0q (long-lived key)",
            "  src/größe.py:3:18",
            "  Acme token (classic) · account: 377439856562; together with: secret access key; identifier:",
        ]
    )


def test_a_column_that_is_too_far_away_is_a_byte(report: Report, rules: dict[str, Rule]) -> None:
    place = replace(report.findings[1].place, line=1, column=None, offset=300_000)
    far = replace(report.findings[1], place=place)
    assert render(replace(report, findings=(far,)), rules).splitlines()[1] == "  src/größe.py:1 at byte 300,000"


def test_wide_characters_take_two_columns(report: Report, rules: dict[str, Rule]) -> None:
    wide = with_evidence(report.findings[2], " ".join(["鍵鍵鍵鍵"] * 20))
    lines = render(replace(report, findings=(wide,)), rules, Style(width=40)).splitlines()
    assert max(line.count("鍵") for line in lines) == 16  # four words of eight columns, and the margin


def test_every_severity_has_its_colour(report: Report, rules: dict[str, Rule]) -> None:
    findings = tuple(replace(report.findings[1], severity=severity) for severity in Severity)
    shown = render(replace(report, findings=findings), rules, Style(color=True))
    heads = [line.split("acme-token")[0] for line in shown.splitlines() if "acme_Xy" in line]
    assert heads == snapshot(
        [
            "\x1b[1;31mcritical\x1b[0m  \x1b[1m",
            "\x1b[31mhigh    \x1b[0m  \x1b[1m",
            "\x1b[33mmedium  \x1b[0m  \x1b[1m",
            "\x1b[36mlow     \x1b[0m  \x1b[1m",
            "\x1b[2minfo    \x1b[0m  \x1b[1m",
        ]
    )


@pytest.mark.parametrize(
    ("stats", "line"),
    [
        (Stats(blobs=0), "looked into 0 files, 0 bytes in 0 ms"),
        (Stats(blobs=1, bytes=1, seconds=0.0004), "looked into 1 file, 1 byte in 0 ms"),
        (Stats(blobs=2, bytes=999, seconds=0.0995), "looked into 2 files, 999 bytes in 100 ms"),
        (Stats(blobs=2, bytes=999_499, seconds=9.994), "looked into 2 files, 999 kB in 9.99 s"),
        (Stats(blobs=2, bytes=999_500, seconds=59.94), "looked into 2 files, 1 MB in 59.9 s"),
        (Stats(blobs=2, bytes=10**6, seconds=59.96), "looked into 2 files, 1 MB in 1 min 0 s (16.7 kB/s)"),
        (Stats(blobs=2, bytes=10**6, seconds=0.0), "looked into 2 files, 1 MB in 0 ms"),
        (Stats(blobs=2, bytes=5 * 10**15, seconds=7384), "looked into 2 files, 5 PB in 123 min 4 s (677 GB/s)"),
        (Stats(blobs=2, bytes=9, expanded_bytes=900_000), "looked into 2 files, 9 bytes (900 kB expanded) in 0 ms"),
    ],
)
def test_numbers(stats: Stats, line: str) -> None:
    report = Report(tool=Tool(version="1", rules="r"), targets=(), findings=(), stats=stats)
    assert render(report, {}).splitlines()[-1] == line


def with_evidence(finding: Finding, words: str) -> Finding:
    return replace(finding, evidence=(Evidence("name", words),))


def test_a_distribution_whose_name_does_not_say_so() -> None:
    place = Place(
        "<stdin>!/a.py", (Link("distribution", "<stdin>", project="shop", version="1.0"), Link("file", "a.py")), 1, 2, 3
    )
    assert _words.steps(place) == ["<stdin> (shop 1.0)", "a.py:1:2"]
    named = replace(
        place, path="shop-1.0.whl!/a.py", chain=(replace(place.chain[0], name="shop-1.0.whl"), place.chain[1])
    )
    assert _words.steps(named) == ["shop-1.0.whl", "a.py:1:2"]
