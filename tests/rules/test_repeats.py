from __future__ import annotations

import pytest

from pitviper.rules.repeats import slow


@pytest.mark.parametrize(
    "pattern",
    ["a*", "a+", "a{3,}", "(?:ab)*", "(?=a+)b", "x|(?P<secret>y*)", "(?:(?:a)+?){2}", "a++", "(?>a*)b"],
)
def test_without_a_bound(pattern: str) -> None:
    assert slow(pattern).startswith("a repeat without a bound")


@pytest.mark.parametrize("pattern", ["(?:[a-z]{1,9}){1,9}", "(([a-z]{1,9})){2,4}", "x(?:(?:a{0,5})){0,5}?y"])
def test_of_a_repeat(pattern: str) -> None:
    assert slow(pattern).startswith("a repeat of nothing but a repeat")


@pytest.mark.parametrize(
    "pattern",
    [
        "a{2,9}",
        "(?:-[a-z]{1,9}){1,9}",
        "(?:[a-z]{8}){1,9}",
        "(?:[a-z]{1,9}){3}",
        "(?:a{1,9}+){1,9}+",
        "(?:a{0,1}){2,4}",
        "",
    ],
)
def test_bounded(pattern: str) -> None:
    assert slow(pattern) == ""
