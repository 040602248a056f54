# ruff: noqa: E501 - a snapshot shows lines as they are
from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inline_snapshot import snapshot
from markdown_it import MarkdownIt
from markdown_it.token import Token
from msgspec.structs import replace

from pitviper.model.gap import Gap, Reason
from pitviper.model.report import Report, Stats
from pitviper.output import _markdown, markdown
from pitviper.output.interface import Style
from pitviper.rules.loading import load
from pitviper.rules.schema import Rule

PARSER = MarkdownIt("commonmark").enable("table")


def render(report: Report, rules: dict[str, Rule]) -> str:
    return "".join(markdown.render(report, rules, Style()))


def tokens(text: str) -> list[Token]:
    blocks = PARSER.parse(text)
    return [*blocks, *(child for block in blocks for child in block.children or ())]


def shown(text: str) -> str:
    """What a reader sees of one line of Markdown."""
    return "".join(token.content for token in tokens(text) if token.type in ("text", "code_inline"))


def test_report(report: Report, rules: dict[str, Rule]) -> None:
    assert render(report, rules) == snapshot("""\
## Pitviper: 3 findings (2 critical, 1 medium)

| Severity | What | Where | Why |
| --- | --- | --- | --- |
| **critical** | `acme-token` `acme_Ab…9Z` | `app.tar ▸ layer 4 ▸ /app/a.pyc ▸ fetch(), line 57 (removed in layer 6)` | CRC32 matches; stale: the source beside it has no such value |
| **critical** | `acme-token` `acme_Xy…0q` | `src/größe.py:3:18`<br>and in 7 more places | CRC32 matches |
| medium | `generic-password` `…` | `data/key store.bin at byte 81,234` | name: <code>&#92;x1b&#91;2J&#92;x9b2J&#92;u202etxt&#46;exe&#92;u2066</code> <code>&#92;x80&#92;ud800&#92;r&#92;n&#61;cmd&#124;</code>' `/C` `calc'!A0` <code>&#96;tick&#96;</code> <code>&#124;</code> `<img` `src=x` `onerror=alert(1)>` `[click](javascript:alert(1`)) `![pic](//x.test/p`) `@everyone` `#1` `www.x.test` `http://x.test` `{0}` <code>&#36;&#96;x&#96;&#36;</code> <code>&#92;&#124;</code> `</code>` |

### What to do

**`acme-token`** Acme token (classic) (2 findings)

Acts as its owner at Acme, with every scope that it was given.

**Next:** Revoke it under Settings, Tokens, then exclude `**/__pycache__` and `*.pyc` in `.dockerignore`.

<https://docs.example.com/acme#revoke>

`javascript:alert(1)`

**`generic-password`** Password (1 finding)

Opens whatever it belongs to.

**Next:** Move it out of the code, and change it.

<https://docs.example.com/password>

### 3 gaps: places that were not (fully) looked into

| Where | Why | Detail |
| --- | --- | --- |
| `secret/b.zip` | unreadable | Permission denied |
| `secret/a.zip` | unreadable | Permission denied |
| `x.tar!/y` | failed | <code>&#92;x1b&#91;2J&#92;x9b2J&#92;u202etxt&#46;exe&#92;u2066</code> <code>&#92;x80&#92;ud800&#92;r&#92;n&#61;cmd&#124;</code>' `/C` `calc'!A0` <code>&#96;tick&#96;</code> <code>&#124;</code> `<img` `src=x` `onerror=alert(1)>` `[click](javascript:alert(1`)) `![pic](//x.test/p`) `@everyone` `#1` `www.x.test` `http://x.test` `{0}` <code>&#36;&#96;x&#96;&#36;</code> <code>&#92;&#124;</code> `</code>` |

---

1 ignored in place · 1 in the baseline · 12 more for auditors (--auditor) · 2 below --min-severity · 1 of other kinds (--only) · 7 left out by --gitignore · 3 gaps · looked into 1,234 files, 56.7 MB in 0.42 s (135 MB/s)
""")


def test_nothing_found(report: Report) -> None:
    clean = Report(tool=report.tool, targets=(".",), findings=(), stats=Stats(1, 10, 200, 0, 0.2), interrupted=True)
    assert render(clean, {}) == snapshot("""\
## Pitviper: nothing found

**Interrupted:** this is what was found until then.

---

looked into 10 files, 200 bytes in 0.2 s
""")


def test_hostile_text_has_no_effect(report: Report, rules: dict[str, Rule]) -> None:
    found = tokens(render(report, rules))
    assert {token.content for token in found if token.type == "html_inline"} <= {"<br>", "<code>", "</code>"}
    assert [token.attrGet("href") for token in found if token.type == "link_open"] == [
        "https://docs.example.com/acme#revoke",
        "https://docs.example.com/password",
    ]
    kinds = Counter(token.type for token in found)
    assert kinds["heading_open"] == 3
    assert kinds["html_block"] == kinds["image"] == kinds["fence"] == 0
    assert kinds["table_open"] == 2
    assert kinds["tr_open"] == 1 + len(report.findings) + 1 + len(report.gaps)


@pytest.mark.parametrize("make", [_markdown.code, _markdown.prose, _markdown.sentence])
@given(text=st.text(st.sampled_from("aZ9`|\\$<>&;[]()!@#:/.*_~-+ \n\t\x1b\u202e\udc80é…")).map(str.strip))
@settings(deadline=None, max_examples=300)
def test_any_text_stays_text_in_a_cell(make: Callable[[str], str], text: str) -> None:
    found = tokens(f"| a | b |\n| --- | --- |\n| {make(text)} | end |\n")
    cells = [token for token in found if token.type == "td_open"]
    assert len(cells) == 2
    assert not {token.type for token in found} & {"link_open", "image", "em_open", "strong_open", "html_block"}
    assert {token.content for token in found if token.type == "html_inline"} <= {"<code>", "</code>"}


def test_what_github_would_turn_into_something_is_code() -> None:
    for word in ("@org/team", "#12", "http://x.test", "www.x.test", "a@b.test", ":tada:", "snake_case", "$x$", "GH_1"):
        assert shown(f"a {_markdown.prose(word)} b") == f"a {word} b" or "<code>" in _markdown.prose(word)
        assert _markdown.prose(word) != word
        assert _markdown.prose(f"({word}),") == f"({_markdown.prose(word)}),"


def test_plain_words_stay_plain() -> None:
    sentence = 'Revoke it (under Settings), then look: 99% of "keys" don\'t expire, and/or co-exist. Größe!'
    assert _markdown.prose(sentence) == sentence


def test_backticks_of_a_rule_mark_code() -> None:
    text = "Rotate it (`docker swarm unlock-key --rotate`, `$HOME`), or `x|y`. See #1, `a` `` and `."
    assert _markdown.sentence(text) == snapshot(
        "Rotate it (`docker swarm unlock-key --rotate`, <code>&#36;HOME</code>), or <code>x&#124;y</code>. See `#1`, `a` <code>&#96;</code>` and `."
    )
    assert _markdown.sentence("`a``b` `") == snapshot("`a``b` <code>&#96;</code>")
    for word in ("`a`", "say `a b`", "`a b`: this", "(`a b`)"):
        assert _markdown.sentence(word) == word
        assert "&#96;" in _markdown.prose(word)  # the text of a scanned file stays as it is


def test_rule_texts_have_no_literal_backticks() -> None:
    for rule in load().rules:
        for text in (rule.name, rule.description, rule.remedy):
            assert "&#96;" not in _markdown.sentence(text), rule.id


def test_long_reports_are_cut_and_say_so(report: Report, rules: dict[str, Rule]) -> None:
    gaps = tuple(Gap("a" * 5000, Reason.UNREADABLE, "b" * 5000) for _ in range(1234))
    text = render(replace(report, findings=report.findings[1:2] * 2000, gaps=gaps), rules)
    assert "\nand 1,900 more\n" in text
    assert "\nand 1,184 more\n" in text
    assert len(text) < 65_536
