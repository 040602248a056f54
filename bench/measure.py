"""Run a command, and say what it cost: wall clock, processor time, memory."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import IO

_TICK = 0.01
"""Seconds between two looks at the memory of a process tree: the peaks of a scan last longer."""

_SIZES = re.compile(r"^(VmHWM|VmRSS):\s+(\d+) kB$", re.MULTILINE)
"""The highest resident set so far, and that of now: see proc_pid_status(5)."""

_TAIL = 2000
"""Characters of a failed command's messages that are worth reading."""


class CommandError(Exception):
    """A command ended with an exit code that it should not end with."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one run cost.

    `wall` is in seconds. `cpu` is user and system time in seconds, of all processes of the run that were waited for.
    `memory` is there if it was watched.
    """

    wall: float
    cpu: float
    memory: Memory | None


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident memory in bytes: the most that any one process held, and the largest sum of all alive at one time.

    Pages that processes share count in each.
    """

    largest: int
    together: int


def run(
    *commands: Sequence[str],
    cwd: str,
    env: Mapping[str, str],
    stdout: str = os.devnull,
    codes: Collection[int] = (0,),
    watch: bool = False,
) -> Run:
    """Run `commands` as one pipe, with what the last one prints in the file `stdout`.

    `watch` samples the memory of all processes, on Linux, which disturbs the clock a little. (The kernel's own account,
    `ru_maxrss`, will not do: it begins with the size of the process that starts the command.) Raises `CommandError` if
    one of them ends with a code that is not in `codes`, and OSError if one cannot be started.
    """
    with open(stdout, "wb") as sink, tempfile.TemporaryFile() as messages:
        started = time.perf_counter()
        processes = _start(commands, cwd, env, sink, messages)
        watcher = _Watcher([process.pid for process in processes]) if watch else None
        ends = [os.wait4(process.pid, 0) for process in processes]
        wall = time.perf_counter() - started
        memory = watcher.stop() if watcher else None
        for process, (_, status, _) in zip(processes, ends, strict=True):
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode not in codes:
                raise CommandError(f"{process.args!r} ended with {process.returncode}: {_tail(messages)}")
    return Run(wall, sum(usage.ru_utime + usage.ru_stime for _, _, usage in ends), memory)


def _start(
    commands: Sequence[Sequence[str]], cwd: str, env: Mapping[str, str], sink: IO[bytes], messages: IO[bytes]
) -> list[subprocess.Popen[bytes]]:
    processes: list[subprocess.Popen[bytes]] = []
    source: IO[bytes] | int | None = subprocess.DEVNULL
    for number, command in enumerate(commands, 1):
        target = sink if number == len(commands) else subprocess.PIPE
        process = subprocess.Popen(command, stdin=source, stdout=target, stderr=messages, cwd=cwd, env=env)
        if not isinstance(source, int) and source:
            source.close()  # else the first of two never learns that the second has gone
        source = process.stdout
        processes.append(process)
    return processes


def _tail(messages: IO[bytes]) -> str:
    messages.seek(0)
    return messages.read().decode("utf-8", "replace")[-_TAIL:].strip()


class _Watcher:
    """Samples the memory of processes and their descendants, as Linux tells it under /proc."""

    def __init__(self, roots: Sequence[int]) -> None:
        self._roots = roots
        self._largest = 0
        self._together = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> Memory | None:
        """The peaks; None where the system does not tell."""
        self._ended.set()
        self._thread.join()
        return Memory(self._largest, self._together) if self._largest else None

    def _watch(self) -> None:
        while not self._ended.wait(_TICK):
            self._together = max(self._together, sum(map(self._resident, self._roots)))

    def _resident(self, pid: int) -> int:
        """Bytes of `pid` and its descendants; 0 for what has ended by now."""
        try:
            with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
                sizes = {name: int(size) * 1024 for name, size in _SIZES.findall(file.read())}
            children: list[int] = []
            for task in os.listdir(f"/proc/{pid}/task"):  # a child hangs on the thread that started it
                with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
                    children += map(int, file.read().split())
        except OSError:
            return 0
        self._largest = max(self._largest, sizes.get("VmHWM", 0))
        return sizes.get("VmRSS", 0) + sum(map(self._resident, children))
