from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitviper.errors import BaselineError
from pitviper.findings.baseline import Baseline
from pitviper.model.finding import Finding

Found = Callable[..., Finding]
posix = pytest.mark.skipif(os.name != "posix", reason="POSIX has modes")


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "pitviper.baseline")


def write(path: str, text: str | bytes) -> str:
    Path(path).write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def read(path: str) -> list[str]:
    return Path(path).read_text("utf-8").splitlines()


class TestRoundTrip:
    def test_file(self, found: Found, path: str) -> None:
        baseline = Baseline.new()
        assert baseline.accept([found("secret one", "src/app.py"), found("secret two", "größe/b c.py")]) == 2
        baseline.save(path)
        head, salt, *entries = read(path)
        assert head == "# pitviper baseline 1"
        assert re.fullmatch("salt [0-9a-f]{32}", salt)
        assert {entry.partition(" ")[2] for entry in entries} == {
            "acme-token src/app.py",
            "acme-token größe/b c.py",
        }
        assert Baseline.load(path) == baseline

    def test_same_bytes_again(self, found: Found, path: str) -> None:
        baseline = Baseline.new()
        baseline.accept(found(f"secret {number}") for number in range(20))
        baseline.save(path)
        before = read(path)
        assert before[2:] == sorted(before[2:])
        loaded = Baseline.load(path)
        assert loaded.accept(found(f"secret {number}") for number in reversed(range(20))) == 0
        loaded.save(path)
        assert read(path) == before

    def test_empty(self, path: str) -> None:
        Baseline.new().save(path)
        assert Baseline.load(path).entries == {}

    @posix
    def test_mode_obeys_the_umask(self, path: str) -> None:
        before = os.umask(0o027)
        try:
            Baseline.new().save(path)
        finally:
            os.umask(before)
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o640

    def test_windows_line_ends_are_read(self, found: Found, path: str) -> None:
        baseline = Baseline.new()
        baseline.accept([found("secret one")])
        baseline.save(path)
        write(path, Path(path).read_bytes().replace(b"\n", b"\r\n"))
        assert Baseline.load(path) == baseline


class TestHolds:
    def test_what_was_accepted_and_nothing_else(self, found: Found) -> None:
        baseline = Baseline.new()
        assert not baseline.holds(found("secret one"))
        baseline.accept([found("secret one")])
        assert baseline.holds(found("secret one"))
        assert not baseline.holds(found("secret two"))
        assert not baseline.holds(found("secret one", rule="other-rule"))

    def test_survives_moved_lines_and_renamed_files(self, found: Found) -> None:
        baseline = Baseline.new()
        baseline.accept([found("secret one", "src/app.py", 1)])
        assert baseline.holds(found("secret one", "src/app.py", 99))
        assert baseline.holds(found("secret one", "lib/renamed.py", 1))

    def test_accepting_again_adds_nothing(self, found: Found) -> None:
        baseline = Baseline.new()
        assert baseline.accept([found("secret one"), found("secret one", "copy.py")]) == 1
        assert baseline.accept([found("secret one", "elsewhere.py")]) == 0
        assert list(baseline.entries.values()) == ["acme-token src/app.py"]

    def test_prune(self, found: Found) -> None:
        baseline = Baseline.new()
        baseline.accept([found("secret one"), found("secret two")])
        salts = list(baseline.salts)
        assert baseline.prune([found("secret two"), found("secret three")]) == 1
        assert not baseline.holds(found("secret one"))
        assert baseline.holds(found("secret two"))
        assert baseline.salts == salts
        assert baseline.prune([]) == 1
        assert baseline.entries == {}


class TestSecrecy:
    def test_holds_no_secret(self, found: Found, path: str) -> None:
        finding = found("correct horse battery staple")
        baseline = Baseline.new()
        baseline.accept([finding])
        baseline.save(path)
        text = Path(path).read_text("utf-8")
        assert "horse" not in text
        assert finding.id not in text  # what a report says cannot be looked up in it

    def test_every_baseline_has_a_salt_of_its_own(self, found: Found) -> None:
        one, other = Baseline.new(), Baseline.new()
        for baseline in (one, other):
            baseline.accept([found("secret one")])
        assert one.salts != other.salts
        assert not one.entries.keys() & other.entries.keys()

    @posix
    def test_hostile_path_stays_on_its_line(self, found: Found, path: str) -> None:
        baseline = Baseline.new()
        finding = found("secret one", "a\\nsalt 0\\u2028")  # as the scan escapes it
        baseline.accept([finding])
        baseline.save(path)
        assert len(read(path)) == 3
        assert Baseline.load(path).holds(finding)


class TestMerge:
    def test_union_of_two_branches(self, found: Found, path: str) -> None:
        """`merge=union` keeps the lines of both: of one baseline that grew on both sides, or of two."""
        base = Baseline.new()
        base.accept([found("old")])
        texts = []
        for secret in ("ours", "theirs"):
            branch = Baseline(list(base.salts), dict(base.entries))
            branch.accept([found(secret)])
            branch.save(path)
            texts.append(Path(path).read_text("utf-8"))
        write(path, "".join(dict.fromkeys("".join(texts).splitlines(keepends=True))))
        merged = Baseline.load(path)
        assert all(merged.holds(found(secret)) for secret in ("old", "ours", "theirs"))
        assert not merged.holds(found("new"))

    def test_two_salts(self, found: Found, path: str) -> None:
        texts = []
        for secret in ("ours", "theirs"):
            baseline = Baseline.new()
            baseline.accept([found(secret), found("both")])
            baseline.save(path)
            texts.append(Path(path).read_text("utf-8"))
        write(path, "".join(texts))
        merged = Baseline.load(path)
        assert len(merged.salts) == 2
        assert all(merged.holds(found(secret)) for secret in ("ours", "theirs", "both"))
        assert merged.accept([found("theirs"), found("new")]) == 1
        assert merged.prune([found(secret) for secret in ("ours", "theirs", "both", "new")]) == 0
        merged.save(path)
        assert Baseline.load(path) == merged
        assert Path(path).read_text("utf-8").count("# pitviper baseline 1") == 1

    def test_comments_and_empty_lines_are_read_over(self, path: str) -> None:
        write(path, f"# pitviper baseline 1\nsalt {'0' * 32}\n\n# why\n{'1' * 32} acme-token\n")
        assert Baseline.load(path).entries == {"1" * 32: "acme-token"}


SALT = f"salt {'0' * 32}"
ENTRY = f"{'1' * 32} acme-token src/app.py"


class TestMistake:
    @pytest.mark.parametrize(
        ("text", "message", "hint"),
        [
            ("", ":1: no baseline: the first line is not '# pitviper baseline 1'", ""),
            ("\n", ":1: no baseline: the first line is not", ""),
            ('{"version": "1.5.0"}', ":1: no baseline: the first line is not", ""),
            (f"# pitviper baseline 2\n{SALT}\n", ":1: no baseline: the first line is not", ""),
            ("# pitviper baseline 1\n", ": no salt: the file is cut short", ""),
            (f"# pitviper baseline 1\n{ENTRY}\n", ": no salt: the file is cut short", ""),
            ("# pitviper baseline 1\nsalt 0123", ":2: neither a salt nor an entry", ""),
            (f"# pitviper baseline 1\n{SALT}\n{ENTRY[:30]}", ":3: neither a salt nor an entry", ""),
            (f"# pitviper baseline 1\n{SALT}\n{ENTRY[:32]}", ":3: neither a salt nor an entry", ""),
            (f"# pitviper baseline 1\n{SALT}\n {ENTRY}", ":3: neither a salt nor an entry", ""),
            (
                f"# pitviper baseline 1\n{SALT}\n<<<<<<< HEAD\n{ENTRY}\n=======\n>>>>>>> other\n",
                ":3: neither a salt nor an entry",
                "Resolve the merge: keep the lines of both sides.",
            ),
            (
                f"# pitviper baseline 1\n{SALT}\n{ENTRY}\n=======\n",
                ":4: neither a salt nor an entry",
                "Resolve the merge: keep the lines of both sides.",
            ),
        ],
    )
    def test_text(self, text: str, message: str, hint: str, path: str) -> None:
        with pytest.raises(BaselineError, match=f"^{re.escape(path + message)}") as caught:
            Baseline.load(write(path, text))
        assert caught.value.hint == hint

    def test_not_utf8(self, path: str) -> None:
        write(path, f"# pitviper baseline 1\n{SALT}\n{ENTRY}".encode() + b"\xff\n")
        with pytest.raises(BaselineError, match=r"baseline:3: no baseline: no UTF-8 \(invalid start byte\)$"):
            Baseline.load(path)

    def test_missing_file(self, path: str) -> None:
        with pytest.raises(BaselineError, match=r"baseline: cannot be read: No such file or directory$") as caught:
            Baseline.load(path)
        assert caught.value.hint == f"Make one with `pitviper baseline {path}`."

    def test_missing_folder(self, tmp_path: Path) -> None:
        with pytest.raises(BaselineError, match=r"missing/file: cannot be written: No such file or directory$"):
            Baseline.new().save(str(tmp_path / "missing" / "file"))

    def test_failure_leaves_the_old_file(self, found: Found, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
        Baseline.new().save(path)
        before = read(path)

        def fail(*_: object) -> None:
            raise OSError(28, "No space left on device")

        baseline = Baseline.load(path)
        baseline.accept([found("secret one")])
        monkeypatch.setattr(os, "replace", fail)
        with pytest.raises(BaselineError, match=r"baseline: cannot be written: No space left on device$"):
            baseline.save(path)
        assert read(path) == before
        assert os.listdir(os.path.dirname(path)) == [os.path.basename(path)]

    @given(text=st.text(max_size=200))
    def test_any_text_is_a_baseline_or_a_mistake(self, text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
        path = write(str(tmp_path_factory.mktemp("any") / "file"), f"# pitviper baseline 1\n{SALT}\n{text}".encode())
        try:
            baseline = Baseline.load(path)
        except BaselineError as error:
            told = str(error)
        else:
            assert baseline.salts
            return
        assert re.search(r"file:\d+: ", told)
