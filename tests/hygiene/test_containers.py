"""Bytecode in what is shipped: wheels, sdists, archives in archives, layers of images."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.hygiene.conftest import CLEAN, PAYLOADS, Files, compiled, pair, planted, pyc, tarred, why, zipped

import pitviper
from pitviper import scanning
from pitviper.config import Settings
from pitviper.hygiene import containers, kept
from pitviper.model.finding import Finding
from pitviper.model.report import Report
from pitviper.scanning import Scan

Scanned = Callable[..., Report]
Token = Callable[[str], str]
WHEEL = {
    "app-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: app\nVersion: 1.0\n",
    "app-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\n",
}
LEAK = "def release():\n    key = {}\n    return key\n"


def wheel(files: Files) -> bytes:
    return zipped({**files, **WHEEL})


def sdist(files: Files) -> bytes:
    files = {"app-1.0/PKG-INFO": b"Metadata-Version: 2.1\nName: app\nVersion: 1.0\n", **files}
    return tarred({name if name.startswith("app-1.0/") else f"app-1.0/{name}": files[name] for name in files}, "w:gz")


def image(*layers: Files, mode: str = "w") -> bytes:
    """As `docker save` writes it; layers from the first to the last."""
    blobs = [tarred(layer, mode) for layer in layers]
    names = [hashlib.sha256(layer).hexdigest() for layer in blobs]
    history = [{"created_by": f"COPY {number} ."} for number in range(len(layers))]
    plain = [hashlib.sha256(tarred(layer)).hexdigest() for layer in layers]
    rootfs = {"type": "layers", "diff_ids": [f"sha256:{name}" for name in plain]}
    config = json.dumps({"history": history, "rootfs": rootfs}).encode()
    named = f"{hashlib.sha256(config).hexdigest()}.json"
    listed = [{"Config": named, "RepoTags": ["app:1"], "Layers": [f"{name}/layer.tar" for name in names]}]
    members = {f"{name}/layer.tar": layer for name, layer in zip(names, blobs, strict=True)}
    return tarred({**members, named: config, "manifest.json": json.dumps(listed).encode()})


def rules(report: Report) -> list[str]:
    return [one.rule for one in report.findings]


def backwards(files: Files) -> Files:
    return dict(reversed(list(files.items())))


PACKED: dict[str, Callable[[Files], bytes]] = {
    "a.whl": wheel,
    "app-1.0.tar.gz": sdist,
    "a.zip": zipped,
    "a.tar": tarred,
    "image.tar": image,
    "deep.tar.gz": lambda files: tarred({"x/a.whl": wheel(files)}, "w:gz"),
    "packed.tar": lambda files: image(files, mode="w:gz"),
}


@pytest.mark.parametrize("name", PACKED)
@pytest.mark.parametrize("order", [dict, backwards])
class TestPairs:
    def test_poisoned(self, scanned: Scanned, name: str, order: Callable[[Files], Files]) -> None:
        report = scanned({name: PACKED[name](order(pair(CLEAN, CLEAN + PAYLOADS["process"])))})
        assert [rule for rule in rules(report) if rule != "shipped-bytecode"] == ["poisoned-bytecode"]
        finding = report.findings[0]
        assert finding.place.path.endswith("app/__pycache__/build.cpython-311.pyc")
        assert why(finding, "header") == ["its header names the size of this source"]

    def test_stale(self, scanned: Scanned, token: Token, name: str, order: Callable[[Files], Files]) -> None:
        old, new = LEAK.format(repr(token("left"))), LEAK.format("input()")
        files = {"app/build.py": new.encode(), pyc("app/build.py"): compiled(old)}
        report = scanned({name: PACKED[name](order(files))})
        assert [rule for rule in rules(report) if rule != "shipped-bytecode"] == ["github-pat", "stale-bytecode"]
        assert why(report.findings[0], "stale")
        assert report.findings[1].severity == "high"
        assert token("left") not in str(report)

    def test_honest(self, scanned: Scanned, name: str, order: Callable[[Files], Files]) -> None:
        source = f"import os\n{CLEAN}os.system('true')\n"
        report = scanned({name: PACKED[name](order(pair(source, source, time=1)))}, auditor=True)
        assert [rule for rule in rules(report) if rule != "shipped-bytecode"] == []
        assert report.gaps == ()


class TestCloseness:
    """What is shipped is compared, whatever the header says."""

    HONEST = f"import os\n{CLEAN}os.system('true')\n"
    POISONED = f"{HONEST}os.system('false')\n"

    @pytest.mark.parametrize("name", PACKED)
    def test_a_payload_with_names_that_the_source_has(self, scanned: Scanned, name: str) -> None:
        report = scanned({name: PACKED[name](pair(self.HONEST, self.POISONED))})
        assert [rule for rule in rules(report) if rule != "shipped-bytecode"] == ["stale-bytecode"]

    def test_where_installers_compile(self, scanned: Scanned, monkeypatch: pytest.MonkeyPatch) -> None:
        files = pair(self.HONEST, self.POISONED, "usr/lib/python3.11/site-packages/app/build.py")
        assert rules(scanned({"image.tar": image(files)})) == ["shipped-bytecode"]
        assert "stale-bytecode" in rules(scanned({"image.tar": wheel(files)}))
        monkeypatch.setattr(containers, "_MOST_CLOSELY", 0)
        assert rules(scanned({"image.tar": wheel(files)})) == ["shipped-bytecode"]


class TestShipped:
    @pytest.mark.parametrize("name", ["a.whl", "app-1.0.tar.gz"])
    def test_once_for_each(self, scanned: Scanned, name: str) -> None:
        files = {key: value for number in range(4) for key, value in pair(CLEAN, CLEAN, f"app/m{number}.py").items()}
        report = scanned({name: PACKED[name](files)})
        (finding,) = report.findings
        assert (finding.rule, finding.severity) == ("shipped-bytecode", "low")
        assert why(finding, "count") == ["4 such files"]
        assert finding.place.path.endswith("app/__pycache__/m0.cpython-311.pyc")

    @pytest.mark.parametrize("name", ["a.zip", "a.tar"])
    def test_not_in_any_archive(self, scanned: Scanned, name: str) -> None:
        assert scanned({name: PACKED[name](pair(CLEAN, CLEAN))}).findings == ()

    def test_not_in_trees_and_eggs(self, scanned: Scanned) -> None:
        egg = zipped({**pair(CLEAN, CLEAN), "EGG-INFO/PKG-INFO": b"Name: app\nVersion: 1.0\n"})
        assert scanned({"a.egg": egg, **pair(CLEAN, CLEAN)}).findings == ()

    def test_in_layers(self, scanned: Scanned) -> None:
        python = "usr/local/lib/python3.11/site-packages/pip/x.py"
        layers = (pair(CLEAN, CLEAN, python), pair(CLEAN, CLEAN), {"etc/x": b""})
        report = scanned({"image.tar": image(*layers)})
        assert [(one.rule, one.severity, one.place.chain[-2].name) for one in report.findings] == [
            ("shipped-bytecode", "low", "2"),
            ("shipped-bytecode", "info", "1"),
        ]


class TestLayers:
    def test_the_source_that_is_there_in_the_end_counts(self, scanned: Scanned, token: Token) -> None:
        old, new = LEAK.format(repr(token("left"))), LEAK.format("input()")
        leaking = {"app/build.py": old.encode(), pyc("app/build.py"): compiled(old)}
        report = scanned({"image.tar": image(leaking, {"app/build.py": new.encode()})})
        assert rules(report) == ["github-pat", "stale-bytecode", "shipped-bytecode"]
        (there,) = [one for one in (report.findings[0].place, *report.findings[0].also_at) if not one.removed_in]
        assert there.path == "target/image.tar!/layer:1!/app/__pycache__/build.cpython-311.pyc"
        report = scanned({"image.tar": image(leaking, {"app/other.py": b""})})
        assert rules(report) == ["github-pat", "shipped-bytecode"]

    def test_the_source_in_a_layer_below(self, scanned: Scanned) -> None:
        files = pair(CLEAN, CLEAN + PAYLOADS["process"])
        source = {"app/build.py": files.pop("app/build.py")}
        assert rules(scanned({"image.tar": image(source, files)})) == ["poisoned-bytecode", "shipped-bytecode"]

    def test_what_is_replaced_together_is_no_alarm(self, scanned: Scanned) -> None:
        first, second = pair(CLEAN, CLEAN), pair(f"import os\n{CLEAN}", f"import os\n{CLEAN}")
        assert rules(scanned({"image.tar": image(first, second)})) == ["shipped-bytecode"] * 2

    def test_only_the_source_is_removed(self, scanned: Scanned) -> None:
        report = scanned({"image.tar": image(pair(CLEAN, CLEAN), {"app/.wh.build.py": b""})})
        assert rules(report) == ["orphan-bytecode", "shipped-bytecode"]

    def test_both_are_removed(self, scanned: Scanned) -> None:
        report = scanned({"image.tar": image(pair(CLEAN, CLEAN + PAYLOADS["process"]), {".wh.app": b""})})
        assert rules(report) == ["poisoned-bytecode", "shipped-bytecode"]
        assert report.findings[0].place.removed_in == "2"


class TestOrphans:
    def test_one_for_a_container(self, scanned: Scanned, token: Token) -> None:
        files = {pyc(f"app/m{number}.py"): compiled(f"KEY = {token('x')!r}") for number in range(3)}
        report = scanned({"a.zip": zipped(files)})
        assert rules(report) == ["github-pat", "orphan-bytecode"]
        assert why(report.findings[1], "count") == ["3 such files"]
        assert why(report.findings[0], "orphan")


class TestBounds:
    def test_room(self, scanned: Scanned, monkeypatch: pytest.MonkeyPatch) -> None:
        files = pair(CLEAN, CLEAN + PAYLOADS["process"])
        for memory, room, expected in ((0, 10_000, 0), (0, 0, 1), (300, 10_000, 0)):
            monkeypatch.setattr(kept, "_MEMORY", memory)
            monkeypatch.setattr(kept, "_FILE", room)
            report = scanned({"a.zip": zipped(files)})
            assert rules(report) == ["poisoned-bytecode"] * (not expected)
            assert len(report.gaps) == expected
        monkeypatch.setattr(containers, "_MOST", 1)
        assert len(scanned({"a.zip": zipped(files)}).gaps) == 1

    def test_too_big(self, scanned: Scanned) -> None:
        files = pair(CLEAN, CLEAN + PAYLOADS["process"])
        files[pyc("app/build.py")] += b"\0" * (3 * 1024 * 1024)
        report = scanned({"a.tar": tarred(files)})
        assert [gap.path for gap in report.gaps] == ["target/a.tar!/app/__pycache__/build.cpython-311.pyc"]


def test_several_artefacts_do_not_mix(scanned: Scanned, token: Token) -> None:
    files = {
        "a.zip": zipped({pyc("app/build.py"): compiled(f"KEY = {token('a')!r}\n")}),
        "b.zip": zipped({"app/build.py": b"x = 1\n"}),
        "c.zip": zipped(pair(CLEAN, CLEAN + PAYLOADS["native"])),
    }
    report = scanned(files)
    assert [(one.rule, one.place.path.partition("!")[0]) for one in report.findings] == [
        ("github-pat", "target/a.zip"),
        ("poisoned-bytecode", "target/c.zip"),
        ("orphan-bytecode", "target/a.zip"),
    ]


def test_the_same_for_any_jobs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanning, "_IN_PROCESS_FILES", 1)
    packed = {name: PACKED[name](pair(CLEAN, CLEAN + PAYLOADS["network"], flags=1)) for name in PACKED}
    planted(folder / "target", packed)
    reports = [pitviper.scan("target", settings=Settings(jobs=jobs)).report() for jobs in (1, 2)]
    assert reports[0].findings == reports[1].findings
    assert {"poisoned-bytecode", "unchecked-bytecode"} <= set(rules(reports[0]))


def test_the_command() -> None:
    content = tarred(pair(CLEAN, CLEAN + PAYLOADS["network"]), "w:gz")
    command = [sys.executable, "-m", "pitviper", "scan", "-", "-o", "json", "--only", "behaviour,hygiene"]
    done = subprocess.run(command, input=content, capture_output=True, check=False)
    assert done.returncode == 1, done.stderr
    (finding,) = json.loads(done.stdout)["findings"]
    assert (finding["rule"], finding["kind"], finding["secret"]) == ("poisoned-bytecode", "behaviour", None)
    assert finding["place"]["path"] == "<stdin>!/app/__pycache__/build.cpython-311.pyc"
    command = [sys.executable, "-m", "pitviper", "rules", "show", "poisoned-bytecode"]
    assert b"found by         bytecode" in subprocess.run(command, capture_output=True, check=True).stdout


def test_interrupted(folder: Path, token: Token, monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for its source is told all the same."""
    orphan = zipped({pyc("app/build.py"): compiled(f"KEY = {token('a')!r}\n"), "x.tar": tarred({"late.py": b""})})
    planted(folder, {"a.zip": orphan})

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(containers.Containers, "add_source", interrupt)
    running = Scan(["a.zip"], Settings(jobs=1))
    found: list[Finding] = []
    with pytest.raises(KeyboardInterrupt):
        found.extend(running)
    assert "github-pat" in [one.rule for one in running._kept]
