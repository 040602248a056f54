from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pitviper.engine.matcher import Match
from pitviper.model.blob import Memory, Span
from pitviper.model.finding import Severity
from pitviper.rules.schema import Companion, Rule
from pitviper.secrets.companion import join

ID = "acme_0123456789abcdef"
ONE, TWO = "k3y0a9f8b7c6d5e4", "k3y7q2w9e4r6t8y1"


def companion(**fields: Any) -> Companion:
    return Companion(**{"name": "key", "pattern": "k3y[0-9a-z]{13}", "severity": Severity.CRITICAL, **fields})


@pytest.fixture
def joined(rule: Callable[..., Rule]) -> Callable[..., str | None]:
    """A function from a text that holds ID to the companion that is found for it."""

    def join_in(text: str, *companions: Companion, window: tuple[int, int] | None = None) -> str | None:
        data = bytearray(text.encode())
        start = data.index(ID.encode())
        end = start + len(ID)
        low, high = window or (0, len(data))
        match = Match(rule(companions=companions or (companion(),)), start, end, start, end, ID.encode(), {}, ())
        found = join(data, Span(Memory("app.py"), low, high, low, high), match)
        if found is None:
            return None
        assert data[found.start : found.end] == found.value
        return found.value.decode()

    return join_in


Join = Callable[..., str | None]


def test_behind_and_in_front(joined: Join) -> None:
    assert joined(f"{ID} {ONE}") == ONE
    assert joined(f"{ONE} {ID}") == ONE


def test_none(joined: Join) -> None:
    assert joined(f"{ID} and nothing else") is None


def test_nearest(joined: Join) -> None:
    assert joined(f"{ONE} .... {ID} .. {TWO}") == TWO
    assert joined(f"{ONE} .. {ID} .... {TWO}") == ONE
    assert joined(f"{TWO} {ONE} {ID}") == ONE
    assert joined(f"{ID} {ONE} {TWO}") == ONE


def test_within_the_distance(joined: Join) -> None:
    near = companion(within=50)
    for gap, found in ((34, ONE), (35, None)):
        assert joined(f"{ID}{'.' * gap}{ONE}", near) == found
        assert joined(f"{ONE}{'.' * gap}{ID}", near) == found


def test_a_piece_of_something_longer_is_none(joined: Join) -> None:
    """The end of the distance falls into a long value: what is left of it looks whole, and is not."""
    whole = companion(pattern=r"(?:\A|[^0-9a-z])(?P<secret>[0-9a-z]{16})(?![0-9a-z])", within=17)
    assert joined(f"{ID} {ONE}", companion(pattern=whole.pattern)) == ONE
    assert joined(f"{ID}-{ONE}{TWO}", whole) is None
    assert joined(f"{TWO}{ONE}-{ID}", whole) is None
    assert joined(f"{ONE}-{ID}", whole) == ONE  # where the file begins there is nothing longer


def test_not_a_part_of_the_match_itself(joined: Join) -> None:
    assert joined(ID, companion(pattern="[0-9a-f]{16}")) is None
    assert joined(f"{ID} {ONE}", companion(pattern="[0-9a-z]{16}")) == ONE


def test_only_in_the_same_file(joined: Join) -> None:
    text = f"{ONE}\n{ID}\n{TWO}"
    low = text.index(ID)
    assert joined(text, window=(low, low + len(ID))) is None


def test_group(joined: Join) -> None:
    assert joined(f"{ID} secret={ONE}", companion(pattern="secret=(?P<secret>[0-9a-z]{16})")) == ONE


def test_group_that_takes_no_part(joined: Join) -> None:
    assert joined(f"{ID} no {ONE}", companion(pattern="no|(?P<secret>k3y[0-9a-z]{13})")) == ONE
    assert joined(f"{ID} no", companion(pattern="no|(?P<secret>k3y[0-9a-z]{13})")) is None
    assert joined(f"{ID} no", companion(pattern="x{0,3}")) is None


def test_placeholder(joined: Join) -> None:
    fake = "k3yxxxxxxxxxxxxx"
    assert joined(f"{ID} {fake}") is None
    assert joined(f"{ID} {fake} {ONE}") == ONE


def test_entropy(joined: Join) -> None:
    assert joined(f"{ID} k3y1212121212121") is not None
    assert joined(f"{ID} k3y1212121212121", companion(min_entropy=3.0)) is None
    assert joined(f"{ID} {ONE}", companion(min_entropy=3.0)) == ONE


def test_first_kind_that_is_there(joined: Join) -> None:
    better, worse = companion(pattern="pw-[0-9a-z]{8}"), companion()
    assert joined(f"{ONE} {ID} pw-a1b2c3d4", better, worse) == "pw-a1b2c3d4"
    assert joined(f"{ONE} {ID}", better, worse) == ONE
