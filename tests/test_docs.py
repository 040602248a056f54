"""The documentation says what the program does.

Help texts and the example report are made by the program: `python tests/test_docs.py` writes them anew. The tables are
compared with the types that they describe, and every command that is shown has options that exist.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import sys
import tempfile
import unicodedata
from collections.abc import Iterator

import click
import jsonschema
import msgspec
import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from pitviper import config
from pitviper.cli.commands import cli
from pitviper.cli.exit_codes import ExitCode
from pitviper.config import Settings
from pitviper.formats import FORMATS
from pitviper.model.finding import Audience, Confidence, Evidence, Finding, Secret, Severity
from pitviper.model.gap import Gap, Reason
from pitviper.model.place import Link, Place
from pitviper.model.report import Hidden, Ignored, Report, Stats, Tool
from pitviper.output import OUTPUTS
from pitviper.output.csv_table import HEADER
from pitviper.output.interface import Style
from pitviper.rules.schema import Companion, Rule, RuleFile
from pitviper.rules.template import CHARSETS, make

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PAGES = sorted(
    ["README.md", "CHANGELOG.md", *(f"docs/{name}" for name in os.listdir(f"{ROOT}/docs") if name.endswith(".md"))]
)
WIDTH = 100
"""Columns of the help texts."""

_MADE = re.compile(
    r"(?P<head><!-- (?P<name>help:[a-z ]*|report) -->\n)(?P<body>.*?)(?P<tail><!-- /(?:help|report) -->)", re.DOTALL
)
_CODE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def read(page: str) -> str:
    with open(f"{ROOT}/{page}", encoding="utf-8") as file:
        return file.read()


def table(page: str, heading: str) -> list[list[str]]:
    """The cells of the first table below `heading`, without its head; a word that is all code without its marks."""
    _, found, below = f"\n{read(page)}".partition(f"\n{heading}\n")
    assert found, f"{page} has no heading {heading!r}"
    lines = re.search(r"(?:^\|.*\n)+", below, re.MULTILINE)
    assert lines, f"{page} has no table under {heading!r}"
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in lines[0].splitlines()[2:]]
    return [[re.sub(r"\A`([^`]*)`\Z", r"\1", cell.strip()) for cell in row] for row in rows]


def first_column(page: str, heading: str) -> list[str]:
    return [row[0] for row in table(page, heading)]


# What the program itself writes


def help_of(words: list[str]) -> str:
    done = CliRunner().invoke(cli, [*words, "--help"], prog_name="pitviper", terminal_width=WIDTH)
    assert done.exit_code == ExitCode.CLEAN, done.output
    return f"```text\n{done.output}```\n"


def example_report() -> str:
    token = make("ghp_{base62:30}{crc32-base62}", "docs/report.md")
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for name in ("shop/deploy.py", "shop/old/deploy.py"):
            os.makedirs(os.path.dirname(name), exist_ok=True)
            with open(name, "w", encoding="utf-8") as file:
                file.write(f'def fetch():\n    return clone("https://github.com/acme/shop", token="{token}")\n')
        with open("shop/vendor.zip", "wb") as file:
            file.write(b"PK\x03\x04" + bytes(26))
        done = CliRunner().invoke(cli, ["scan", "shop", "-o", "json", "--config", os.devnull])
    assert done.exit_code == ExitCode.FINDINGS, done.output
    assert token not in done.stdout
    return f"```json\n{done.stdout}```\n"


def made(name: str) -> str:
    return example_report() if name == "report" else help_of(name.removeprefix("help:").split())


def blocks() -> Iterator[tuple[str, str, str]]:
    """Page, name and text of all that the program writes."""
    for page in PAGES:
        for found in _MADE.finditer(read(page)):
            yield page, found["name"], found["body"]


def shown_report() -> str:
    (body,) = [body for _, name, body in blocks() if name == "report"]
    return body


def document(block: str) -> str:
    return block.removeprefix("```json\n").removesuffix("```\n")


def report_in(block: str) -> Report:
    return msgspec.json.decode(document(block), type=Report)


def same(shown: str, now: str) -> bool:
    """Whether two reports differ in no more than the time they took, and the tool."""
    one, other = report_in(shown), report_in(now)
    return one == replace(other, tool=one.tool, stats=replace(other.stats, seconds=one.stats.seconds))


@pytest.mark.parametrize(
    ("page", "name", "body"),
    [block for block in blocks() if block[1] != "report"],
)
def test_help_texts_are_those_of_the_program(page: str, name: str, body: str) -> None:
    assert body == made(name), f"run `python tests/test_docs.py` to write {page} anew"


def test_every_command_is_shown() -> None:
    shown = {name.removeprefix("help:").strip() for page, name, _ in blocks() if page == "docs/command-line.md"}
    assert shown == {"", *commands(cli)}


def commands(group: click.Group, *way: str) -> Iterator[str]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command
        yield " ".join((*way, name))
        if isinstance(command, click.Group):
            yield from commands(command, *way, name)


def test_example_report_is_what_a_scan_writes() -> None:
    assert same(shown_report(), example_report()), "run `python tests/test_docs.py` to write it anew"


def test_example_report_is_valid_by_the_published_schema() -> None:
    schema = json.loads(read("docs/report-1.schema.json"))
    jsonschema.Draft202012Validator(schema).validate(json.loads(document(shown_report())))


# Tables


def default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "required"
    assert field.default is not msgspec.NODEFAULT
    return "none" if field.default is None else json.dumps(msgspec.to_builtins(field.default))


def test_every_setting_is_documented() -> None:
    documented = {row[0]: row[1] for row in table("docs/command-line.md", "## Configuration files")}
    assert documented == {field.encode_name: default(field) for field in msgspec.structs.fields(Settings)}


@pytest.mark.parametrize("name", ["scan", "baseline"])
def test_every_option_is_explained(name: str) -> None:
    explained = _MADE.sub("", read("docs/command-line.md"))
    command = cli.get_command(click.Context(cli), name)
    assert command
    names = [option for parameter in command.params for option in parameter.opts if option.startswith("--")]
    assert names
    assert [option for option in names if f"`{option}" not in explained and option != "--output"] == []


def test_every_exit_code_is_documented() -> None:
    assert first_column("docs/exit-codes.md", "# Exit codes") == [str(int(code)) for code in ExitCode]


def test_every_field_of_a_rule_is_documented() -> None:
    rows = table("docs/rules.md", "## Every field")
    fields = [field for field in msgspec.structs.fields(Rule) if field.name != "provider"]  # of the file, see below
    assert {row[0]: row[1] for row in rows} == {field.name: default(field) for field in fields}
    rows = table("docs/rules.md", "### Companions")
    assert {row[0]: row[1] for row in rows} == {
        field.name: default(field) for field in msgspec.structs.fields(Companion)
    }
    assert RuleFile.__struct_fields__ == ("provider", "rules")
    assert "A file has a `provider` and one or more `[[rules]]`" in read("docs/rules.md")


def test_every_format_and_character_set_is_documented() -> None:
    rows = {row[0]: row for row in table("docs/rules.md", "## Formats")}
    assert list(rows) == list(FORMATS)
    assert {name for name, row in rows.items() if row[3] == "nothing"} == {
        name for name in FORMATS if not FORMATS[name].make
    }
    assert first_column("docs/rules.md", "## Templates") == list(CHARSETS)


@pytest.mark.parametrize("kind", [Report, Tool, Finding, Place, Link, Secret, Evidence, Ignored, Gap, Stats, Hidden])
def test_every_field_of_a_report_is_documented(kind: type[msgspec.Struct]) -> None:
    assert first_column("docs/report.md", f"### {kind.__name__}") == list(kind.__struct_fields__)


def test_every_word_of_a_report_is_documented() -> None:
    assert first_column("docs/report.md", "## Gaps") == list(Reason)
    words = re.findall(
        r"^\| `(\w+)` \|", read("docs/report.md").partition("\n## Severity")[2].partition("\n## ")[0], re.MULTILINE
    )
    assert words == [*Severity, *Confidence, *Audience]


def test_every_output_is_documented() -> None:
    assert first_column("docs/command-line.md", "### Outputs") == list(OUTPUTS)
    assert first_column("docs/report.md", "## CSV") == list(HEADER)


def test_every_line_type_is_documented() -> None:
    report = report_in(shown_report())
    full = replace(report, ignored=(Ignored(report.findings[0]),), suppressed=report.findings)
    lines = "".join(OUTPUTS["jsonl"](full, {}, Style())).splitlines()
    assert first_column("docs/report.md", "## JSON Lines") == [json.loads(line)["type"] for line in lines]


def test_every_variable_of_ours_is_documented() -> None:
    used: set[str] = set()
    for folder, _, names in os.walk(f"{ROOT}/src"):
        for name in names:
            if name.endswith(".py"):
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    used |= set(re.findall(r"PITVIPER_[A-Z_]+", file.read()))
    documented = " ".join(first_column("docs/command-line.md", "## Environment variables"))
    assert used == set(re.findall(r"PITVIPER_[A-Z_]+", documented))


# Links and commands


def anchors(page: str) -> set[str]:
    """The anchors that GitHub gives the headings of `page`."""
    text = _CODE.sub("", read(page))
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {"".join(filter(_in_anchor, heading.lower())).replace(" ", "-") for heading in headings}


def _in_anchor(char: str) -> bool:
    return char in " -_" or unicodedata.category(char)[0] in "LN"


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    lost = []
    for link in _LINK.findall(_CODE.sub("", read(page))):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = os.path.normpath(os.path.join(os.path.dirname(page), path)) if path else page
        if not os.path.exists(f"{ROOT}/{target}") or (anchor and anchor not in anchors(target)):
            lost.append(link)
    assert lost == []


def commands_shown() -> Iterator[tuple[str, str]]:
    """Page and text of each `pitviper …` in a block of code: from the name to the end of the line, or of the pipe."""
    for page in PAGES:
        for language, code in _CODE.findall(read(page)):
            if language in ("console", "sh", "yaml"):
                for line in code.splitlines():
                    for found in re.finditer(r"(?:^(?:\$ )?|\| |run: |entry: )pitviper ([^|]*)", line.strip()):
                        yield page, found[1].split(" || ")[0]


@pytest.mark.parametrize(("page", "text"), list(commands_shown()))
def test_commands_that_are_shown_can_be_given(page: str, text: str) -> None:
    words = shlex.split(text, comments=True)
    command: click.Command = cli
    while isinstance(command, click.Group):
        found = command.get_command(click.Context(command), words[0])
        assert found, f"{page}: {text}"
        command, words = found, words[1:]
    if words:  # a hook gets its files from its caller
        command.make_context(command.name, words)


def test_commands_are_shown() -> None:
    assert {page for page, _ in commands_shown()} >= {"README.md", "docs/command-line.md", "docs/exit-codes.md"}


# What readers copy


def test_rule_that_is_shown_holds_what_it_promises(tmp_path: os.PathLike[str]) -> None:
    page = read("docs/rules.md")
    rule = re.search(r"<!-- rule -->\n```toml\n(.*?)```\n<!-- /rule -->", page, re.DOTALL)
    assert rule
    path = os.path.join(tmp_path, "lanternfish.toml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(rule[1])
    done = CliRunner().invoke(cli, ["rules", "check", path])
    assert (done.exit_code, done.output) == (ExitCode.CLEAN, done.output)
    assert f"$ pitviper rules check lanternfish.toml\n{done.output}" in page

    with open(path, "w", encoding="utf-8") as file:
        file.write(rule[1].replace("max_len = 48", "max_len = 47"))
    done = CliRunner().invoke(cli, ["rules", "check", path])
    assert done.exit_code == ExitCode.FINDINGS
    assert f"```text\n{done.output.splitlines()[0]}\n```" in page


def test_configuration_that_is_shown_can_be_loaded(tmp_path: os.PathLike[str]) -> None:
    (text,) = [code for _, code in _CODE.findall(read("docs/command-line.md")) if "[tool.pitviper]" in code]
    path = os.path.join(tmp_path, "pyproject.toml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    assert config.load(path, {}) != Settings()


def _write() -> None:
    """Write all that the program says into the pages, between its markers."""
    for page in PAGES:
        before = read(page)
        after = _MADE.sub(_anew, before)
        if after != before:
            with open(f"{ROOT}/{page}", "w", encoding="utf-8") as file:
                file.write(after)
            sys.stdout.write(f"{page}\n")


def _anew(found: re.Match[str]) -> str:
    now = made(found["name"])
    keep = found["name"] == "report" and found["body"] and same(found["body"], now)
    return found[0] if keep else found["head"] + now + found["tail"]


if __name__ == "__main__":
    _write()
