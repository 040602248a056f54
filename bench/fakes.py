"""Tokens that look real and are not, planted where a scan must find them."""

from __future__ import annotations

import os

import corpus

from pitviper.model.finding import Kind
from pitviper.rules.loading import load
from pitviper.rules.schema import Rule
from pitviper.rules.template import make

_NAME = "planted_{:02}.py"


def token() -> str:
    """One line with a fake GitHub token, whose checksum is right: every scanner knows that form."""
    return make('GITHUB_TOKEN = "ghp_{base62:30}{crc32-base62}"', "bench")


def plant(target: corpus.Corpus, count: int) -> list[str]:
    """Write `count` files with fakes of different rules, far apart in the corpus; their paths within it.

    The files are new ones: those of the corpus are hard links to the installations, and must not be written to.
    """
    rules = _rules(count)
    paths = []
    for number, (folder, rule) in enumerate(zip(corpus.folders(target, count), rules, strict=True)):
        path = os.path.join(folder, _NAME.format(number))
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"# a fake, planted by the benchmark\n{make(rule.examples[0], f'bench/{number}')}\n")
        paths.append(os.path.relpath(path, target.folder))
    return paths


def _rules(count: int) -> list[Rule]:
    """`count` rules, evenly spread over all that know the form of a provider's token."""
    rules = [rule for rule in load().rules if rule.kind is Kind.SECRET and not rule.generic]
    return [rules[number * len(rules) // count] for number in range(count)]
