from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pitviper import output
from pitviper.model.finding import Finding
from pitviper.model.gap import Gap
from pitviper.model.place import Place
from pitviper.model.report import Ignored, Report, Stats, Tool
from pitviper.output import OUTPUTS
from pitviper.output.interface import Style
from pitviper.rules.schema import Rule

MODULES = {
    "text": "text",
    "json": "json_v1",
    "jsonl": "jsonl",
    "sarif": "sarif",
    "csv": "csv_table",
    "markdown": "markdown",
}

strings = st.text(st.characters(exclude_categories=()), max_size=30)  # lone surrogates too
places = st.builds(Place, path=strings)
findings = st.builds(Finding, place=places, also_at=st.lists(places, max_size=2).map(tuple))
reports = st.builds(
    Report,
    tool=st.builds(Tool, version=strings, rules=strings),
    targets=st.lists(strings, max_size=2).map(tuple),
    findings=st.lists(findings, max_size=2).map(tuple),
    ignored=st.lists(st.builds(Ignored, finding=findings, reason=strings), max_size=2).map(tuple),
    suppressed=st.lists(findings, max_size=1).map(tuple),
    gaps=st.lists(st.builds(Gap, path=strings, detail=strings), max_size=2).map(tuple),
    stats=st.builds(Stats, blobs=st.integers(0, 10**9), bytes=st.integers(0, 10**15), seconds=st.floats(0, 10**6)),
    interrupted=st.booleans(),
)


def test_every_module_of_the_room_is_in_the_table() -> None:
    names = {name.removesuffix(".py") for name in os.listdir(os.path.dirname(output.__file__)) if name.endswith(".py")}
    outputs = {name for name in names if not name.startswith("_") and name not in ("interface", "writing")}
    assert outputs == set(MODULES.values())
    assert set(OUTPUTS) == set(MODULES)


@pytest.mark.parametrize(("name", "module"), MODULES.items())
def test_an_output_imports_only_its_own_module(name: str, module: str) -> None:
    script = f"""
import sys
from pitviper.model.report import Report, Stats, Tool
from pitviper.output import OUTPUTS
from pitviper.output.interface import Style
report = Report(tool=Tool(version="1", rules="r"), targets=(), findings=(), stats=Stats())
assert list(OUTPUTS[{name!r}](report, {{}}, Style()))
rooms = [module.removeprefix("pitviper.output.") for module in sys.modules if module.startswith("pitviper.output.")]
print(*[room for room in rooms if room != "interface" and not room.startswith("_")], "rich" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [module, "False"]


@pytest.mark.parametrize("name", OUTPUTS)
@given(reports, st.booleans())
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.differing_executors])
def test_nothing_in_a_report_can_steer_a_terminal(name: str, report: Report, unicode: bool) -> None:  # noqa: FBT001 - Hypothesis gives it
    text = "".join(OUTPUTS[name](report, {}, Style(unicode=unicode)))
    assert text.encode()
    assert all(line.isprintable() for line in text.split("\n"))
    assert text.endswith("\n")


@pytest.mark.parametrize("name", OUTPUTS)
def test_the_same_report_gives_the_same_text(name: str, report: Report, rules: dict[str, Rule]) -> None:
    assert "".join(OUTPUTS[name](report, rules, Style())) == "".join(OUTPUTS[name](report, rules, Style()))


@pytest.mark.parametrize("name", ["json", "jsonl", "sarif"])
def test_json_needs_no_more_than_ascii_where_there_is_no_more(name: str, report: Report) -> None:
    plain = "".join(OUTPUTS[name](report, {}, Style(unicode=False)))
    assert plain.isascii()
    assert list(map(json.loads, plain.splitlines() if name == "jsonl" else [plain]))
