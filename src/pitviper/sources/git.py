"""Git, run so that nothing in a repository can make it do more than read.

Whoever made the repository chose its configuration, and that may name programs: for signatures, differences, pagers,
hooks, transports. So git starts with an environment of our own, gets its commands as options, which overrule what the
repository says, and may use no transport: a partial clone fetches nothing.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO

from pitviper.errors import TargetError
from pitviper.model.place import escape

if sys.platform == "linux":
    import fcntl

CHUNK = 1 << 20
"""Bytes that are read from a pipe at once."""

_PATIENCE = 60.0
"""Seconds for a question that git answers in milliseconds; a repository may include a FIFO as its configuration."""

_SETTINGS = (
    "core.fsmonitor=false",
    "core.untrackedCache=false",
    f"core.hooksPath={os.devnull}",
    f"core.attributesFile={os.devnull}",
    "core.bigFileThreshold=32m",  # bigger ones are streamed, not held, where git can
    "core.commitGraph=false",  # a cache that may lie about parents
    "core.multiPackIndex=false",  # one that may keep quiet about objects
    "diff.relative=false",
    f"diff.orderFile={os.devnull}",
    "diff.external=",
    "diff.autoRefreshIndex=false",
    "log.showSignature=false",
    f"gpg.program={os.devnull}",
    "protocol.allow=never",
    "credential.helper=",
)

_LONGEST_POINTER = 4096
"""Bytes of a `.git` that is a file: it holds one path."""


class Git:
    """The repository of the folder `target`, which may be bare, or lie in it or above it. Raises `TargetError`."""

    def __init__(self, target: str) -> None:
        self.shown = escape(target)
        program = shutil.which("git")
        if not program or not os.path.isabs(program):
            raise TargetError(f"{self.shown}: git is not on the PATH", hint="Install git, or scan the folder itself.")
        try:
            self.folder, self.top = _find(os.path.realpath(target, strict=True))
            special = self.folder and (_special(self.folder) or _special(_common(self.folder)))
        except (OSError, ValueError):
            raise TargetError(f"{self.shown}: no such folder", hint="Check the path, and the rights on it.") from None
        if not self.folder:
            raise TargetError(f"{self.shown}: not a git repository", hint="Name a folder with `.git`, or a bare one.")
        if special:
            hint = "Remove it: nothing but files and folders belongs there."
            raise TargetError(f"{self.shown}: for {escape(special)} git would wait for ever", hint=hint)
        options = [word for setting in _SETTINGS for word in ("-c", setting)]
        self._command = [program, "--no-pager", "--literal-pathspecs", f"--git-dir={self.folder}", *options]
        self._environment = _environment(self.folder)
        if (said := self.try_("rev-parse", "--git-dir")[1]) is not None:
            raise TargetError(f"{self.shown}: git cannot read it: {said}", hint="Check it with `git fsck`.")

    def use_index_of_commit(self) -> None:
        """Read the index of the commit that is being made, if this is a hook of it.

        `git commit -a`, and one of single files, write what is to be committed into an index of its own, beside the
        one of the repository, and tell hooks which it is.
        """
        named = os.environ.get("GIT_INDEX_FILE", "")
        path = os.path.realpath(named)
        if named and os.path.dirname(path) == os.path.realpath(
            self.folder
        ):  # else of another repository, or nobody knows whose
            self._environment["GIT_INDEX_FILE"] = path

    @contextmanager
    def start(self, *words: str, takes: bool = False) -> Iterator[Running]:
        """Git with `words`, while it runs; with `takes` it has a standard input."""
        with tempfile.TemporaryFile(prefix="pitviper-") as said:
            process = subprocess.Popen(  # noqa: S603 - the program was found on the PATH, and words are checked
                [*self._command, *words],
                stdin=subprocess.PIPE if takes else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=said,
                bufsize=CHUNK,
                cwd=self.folder,
                env=self._environment,
            )
            running = Running(process, said)
            _widen(running.output)
            try:
                yield running
            finally:
                running.end()

    def ask(self, *words: str, given: bytes = b"") -> bytes:
        """What git answers; nothing if it fails."""
        return self.try_(*words, given=given)[0]

    def try_(self, *words: str, given: bytes = b"") -> tuple[bytes, str | None]:
        """What git answers, and what it says if it fails."""
        try:
            done = subprocess.run(  # noqa: S603 - same
                [*self._command, *words],
                input=given,
                capture_output=True,
                cwd=self.folder,
                env=self._environment,
                timeout=_PATIENCE,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return b"", f"no answer after {_PATIENCE:.0f} s"
        return (b"", _reason(done.stderr)) if done.returncode else (done.stdout, None)

    @property
    def lacks(self) -> str | None:
        """Why not all of the history is here: a shallow or a partial clone."""
        if self.ask("rev-parse", "--is-shallow-repository").strip() == b"true":
            return "a shallow clone: older commits were never fetched (`git fetch --unshallow` does)"
        packs = os.path.join(_common(self.folder), "objects", "pack")
        if os.path.isdir(packs) and any(name.endswith(".promisor") for name in os.listdir(packs)):
            return "a partial clone: objects that were never fetched are not here"
        return None


class Running:
    """A git that runs."""

    def __init__(self, process: subprocess.Popen[bytes], said: IO[bytes]) -> None:
        assert process.stdout is not None  # noqa: S101 - see Git.start
        self._process = process
        self._said = said
        self.output: IO[bytes] = process.stdout

    def give(self, pieces: Iterator[bytes]) -> None:
        """Write `pieces` to its standard input, and close that. Ends early if git does."""
        into = self._process.stdin
        assert into is not None  # noqa: S101 - see Git.start
        try:
            for piece in pieces:
                into.write(piece)
                into.flush()
            into.close()
        except (OSError, ValueError):  # git has ended, or was ended by `end`
            pass

    def failed(self) -> str | None:
        """What it said if it failed; waits for its end."""
        if not self._process.wait():
            return None
        self._said.seek(0)
        return _reason(self._said.read(CHUNK)) or f"git ended with {self._process.returncode}"

    def end(self) -> None:
        """End it, if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream:
                with contextlib.suppress(OSError):  # what was not written yet has nobody to read it
                    stream.close()


def _widen(pipe: IO[bytes]) -> None:
    """Let `pipe` hold as much as the system allows: each change from one process to the other costs microseconds."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, CHUNK)


def lines(stream: IO[bytes], end: bytes = b"\n") -> Iterator[list[bytes]]:
    """The lines of `stream` (without their `end`), many at a time."""
    rest = b""
    read = stream.read1 if hasattr(stream, "read1") else stream.read
    while chunk := read(CHUNK):
        *whole, rest = (rest + chunk).split(end)
        yield whole
    if rest:
        yield [rest]


def shown(name: bytes) -> str:
    """Bytes from a repository, for people."""
    return escape(os.fsdecode(name))


def _find(folder: str) -> tuple[str, str]:
    """The git folder for `folder`, and the top of its working tree ("" if it has none); ("", "") if there is none."""
    while True:
        inner = os.path.join(folder, ".git")
        if _is_repository(inner):
            return inner, folder
        if os.path.isfile(inner) and (elsewhere := _pointed_to(inner)):
            return elsewhere, folder
        if _is_repository(folder):
            return folder, ""
        above = os.path.dirname(folder)
        if above == folder:
            return "", ""
        folder = above


def _pointed_to(file: str) -> str:
    """Where a `.git` that is a file (of a submodule, a further working tree) says that the repository is."""
    with open(file, "rb") as handle:
        word, _, path = handle.read(_LONGEST_POINTER).rstrip(b"\r\n").partition(b": ")
    folder = os.path.realpath(os.path.join(os.path.dirname(file), os.fsdecode(path)))
    return folder if word == b"gitdir" and _is_repository(folder) else ""


def _common(folder: str) -> str:
    """Where objects and refs are: of a further working tree, in the first one."""
    pointer = os.path.join(folder, "commondir")
    if not os.path.isfile(pointer):
        return folder
    with open(pointer, "rb") as handle:
        return os.path.join(folder, os.fsdecode(handle.read(_LONGEST_POINTER).rstrip(b"\r\n")))


def _special(folder: str) -> str | None:
    """A FIFO or a device in `folder`, or to which a link in it leads, if there is one. A socket cannot be opened."""
    pending = [folder]
    while pending:
        try:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
                    elif not entry.is_file() and _blocks(entry.path):
                        return entry.path
        except (OSError, ValueError):  # git will say what is wrong
            continue
    return None


def _blocks(path: str) -> bool:
    try:
        mode = os.stat(path).st_mode
    except OSError:  # a link to nothing
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode) or stat.S_ISBLK(mode)


def _is_repository(folder: str) -> bool:
    """Whether `folder` looks like the inside of a repository, or of a further working tree of one."""
    inside: Sequence[str] = ("objects", "refs")
    if os.path.isfile(os.path.join(folder, "commondir")):
        inside = ()
    head = os.path.join(folder, "HEAD")
    return (os.path.isfile(head) or os.path.islink(head)) and all(
        os.path.isdir(os.path.join(folder, name)) for name in inside
    )


def _environment(folder: str) -> dict[str, str]:
    """Nothing of ours but where programs and temporary files are, and nothing of the user's settings.

    Git starts in the repository, `folder`, and takes that for the whole working tree: if `core.worktree` might name a
    folder around it, git would tell, and take paths, only of what lies below.
    """
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR", "SYSTEMROOT", "TEMP") if name in os.environ}
    return {
        **kept,
        "GIT_WORK_TREE": folder,
        "LC_ALL": "C",
        "HOME": os.devnull,
        "XDG_CONFIG_HOME": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_NO_LAZY_FETCH": "1",  # from git 2.45 on; before that, no transport is allowed
        "GIT_ALLOW_PROTOCOL": "none",  # unlike `protocol.allow`, it overrules `protocol.ext.allow` in the repository
        "GIT_GRAFT_FILE": os.devnull,
        "GIT_ASKPASS": "false",
        "GIT_SSH_COMMAND": "false",
        "GIT_PAGER": "cat",
    }


def _reason(said: bytes) -> str:
    """The first thing that git complained of."""
    complaints = [line for line in said.splitlines() if line.startswith((b"fatal: ", b"error: "))] or said.splitlines()
    return shown(complaints[0].removeprefix(b"fatal: ").removeprefix(b"error: ")) if complaints else ""
