"""What all tests share: fakes that are made when they are needed, a cache folder of their own, and no chance."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from hypothesis import settings

from pitviper.rules.template import make

settings.register_profile("same every time", derandomize=True, deadline=None)
settings.load_profile("same every time")


@pytest.fixture(scope="session", autouse=True)
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The folder where this run keeps compiled patterns: never that of whoever runs the tests."""
    folder = str(tmp_path_factory.mktemp("cache"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PITVIPER_CACHE_DIR", folder)
        yield folder


@pytest.fixture(scope="session")
def token() -> Callable[[str], str]:
    """A function from a seed to a fake GitHub token whose checksum is right: the rule `github-pat` finds it."""

    def github_pat(seed: str) -> str:
        return make("ghp_{base62:30}{crc32-base62}", seed)

    return github_pat
