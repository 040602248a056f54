"""What one artefact may cost."""

from __future__ import annotations

import pytest

from pitviper.unpack.budget import Budget
from pitviper.unpack.interface import Options, Refused

MIB = 1024 * 1024


def test_members_end_it() -> None:
    budget = Budget(Options(max_members=2), 1)
    budget.member()
    budget.member()
    with pytest.raises(Refused, match="more than 2 members"):
        budget.member()
    assert budget.exhausted


def test_depth_does_not_end_it() -> None:
    budget = Budget(Options(max_depth=2), 1)
    budget.open(2)
    with pytest.raises(Refused, match="it lies in 2 containers or more"):
        budget.open(3)
    assert not budget.exhausted


def test_bytes_end_it() -> None:
    budget = Budget(Options(max_expanded=100), 1)
    budget.take(100)
    assert budget.expanded == 100
    with pytest.raises(Refused, match="more than 100 bytes"):
        budget.take(1)
    assert budget.exhausted


def test_the_ratio_counts_beyond_64_mib_and_has_second_chances() -> None:
    budget = Budget(Options(), 1)
    budget.take(60 * MIB)
    for _ in range(16):
        budget.member()
        with pytest.raises(Refused, match="1,000 times its size"):
            budget.take(5 * MIB)
        assert not budget.exhausted
        budget.take(1)
    budget.member()
    with pytest.raises(Refused, match="1,000 times its size"):
        budget.take(5 * MIB)
    assert budget.exhausted


def test_a_big_artefact_may_expand_to_more() -> None:
    Budget(Options(), 1 * MIB).take(1000 * MIB)
    with pytest.raises(Refused, match="1,000 times its size"):
        Budget(Options(), 1 * MIB).take(1000 * MIB + 1)


def test_bytes_of_several_members_end_it() -> None:
    budget = Budget(Options(), 100 * MIB)
    budget.again(100 * MIB)
    with pytest.raises(Refused, match="lie in each other"):
        budget.again(1)
    assert budget.exhausted
