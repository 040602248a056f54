"""Which files may be one half of a pair: compiled Python, or its source. Asked of every file that is looked into."""

from __future__ import annotations

import os

from pitviper.bytecode.beside import SOURCE, SUFFIXES
from pitviper.model.blob import Inner, Span
from pitviper.sources.directory import FileBlob

COMPILED = tuple(map(os.fsencode, SUFFIXES))
_OF_CONTAINERS = (*SUFFIXES, SOURCE)


def half_of_a_pair(span: Span) -> bool:
    """Whether `span` begins compiled Python, or in a container a source, which nobody can read again later.

    Not in a git history, where a name stands for many files.
    """
    blob = span.blob
    if isinstance(blob, FileBlob):
        return not span.base and blob.name.endswith(COMPILED) and blob.files.tree
    if span.base or not isinstance(blob, Inner) or not blob.chain[-1].name.endswith(_OF_CONTAINERS):
        return False
    return len(blob.chain) > 1 and blob.chain[1].kind != "commit"
