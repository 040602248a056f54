"""`Work`: how batches of files, and what came of them, cross between processes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import msgspec

from pitviper.look import Looker, Outcome
from pitviper.model.gap import Gap, Reason
from pitviper.rules.loading import load
from pitviper.secrets.judge import Judge
from pitviper.sources.directory import Files
from pitviper.unpack.interface import Options

_BATCH = 128


class Config(msgspec.Struct, frozen=True):
    """What a worker in another process needs to know."""

    rules: tuple[str, ...]
    disable: tuple[str, ...]
    judge: Judge
    options: Options


class Work:
    """See `pitviper.engine.parallel.Work`."""

    factory = "pitviper.work:worker"

    def __init__(self, looker: Looker, config: Config) -> None:
        self._looker = looker
        self.config = msgspec.msgpack.encode(config)

    def encode(self, piece: list[Files]) -> bytes:
        """A batch as bytes."""
        return msgspec.msgpack.encode(piece)

    def decode(self, data: bytes) -> Outcome:
        """An outcome from bytes."""
        return msgspec.msgpack.decode(data, type=Outcome)

    def split(self, piece: list[Files]) -> list[list[Files]]:
        """One batch for each file."""
        return [[msgspec.structs.replace(files, names=[name])] for files in piece for name in files.names]

    def lost(self, piece: list[Files]) -> Outcome:
        """A Gap for the one file that ends every process that reads it."""
        detail = "the worker process died while it looked into this file"
        return Outcome(gaps=[Gap(files.path(name), Reason.FAILED, detail) for files in piece for name in files.names])

    def do(self, piece: list[Files]) -> Iterator[Outcome]:
        """Look into a batch here."""
        return self._looker.look(piece)


def worker(config: bytes) -> Callable[[bytes], Iterator[bytes]]:
    """In a child process: a function from an encoded batch to encoded outcomes."""
    settings = msgspec.msgpack.decode(config, type=Config)
    looker = Looker(load(settings.rules, settings.disable), settings.judge, settings.options)

    def work(piece: bytes) -> Iterator[bytes]:
        for outcome in looker.look(msgspec.msgpack.decode(piece, type=list[Files])):
            yield msgspec.msgpack.encode(outcome)

    return work


def batches(parts: Iterable[Files], size: int = _BATCH) -> Iterator[list[Files]]:
    """`parts` in batches of `size` files; the default is a few milliseconds of work, and a message that fits a pipe."""
    batch: list[Files] = []
    room = size
    for part in parts:
        names = part.names
        while names:
            batch.append(msgspec.structs.replace(part, names=names[:room]))
            names, room = names[room:], room - len(names)
            if room <= 0:
                yield batch
                batch, room = [], size
    if batch:
        yield batch
