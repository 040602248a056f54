from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitviper.errors import RuleError
from pitviper.formats import FORMATS
from pitviper.rules.template import CHARSETS, make


def test_text_without_fields_stays() -> None:
    assert make("token = 'x'  # 100 % of it, größer", "seed") == "token = 'x'  # 100 % of it, größer"


def test_braces() -> None:
    assert make('{{"a": {{{digits:1}}}}}', "seed") == '{"a": {' + make("{digits:1}", "seed") + "}}"


@pytest.mark.parametrize("name", CHARSETS)
def test_field_draws_from_its_characters(name: str) -> None:
    text = make(f"<{{{name}:300}}>", "seed")
    assert len(text) == 302
    assert set(text[1:-1]) <= set(CHARSETS[name])
    assert len(set(text[1:-1])) > len(CHARSETS[name]) // 2


def test_characters_stand_once_in_their_set() -> None:
    assert {name for name, characters in CHARSETS.items() if len(set(characters)) != len(characters)} == set()


def test_length_in_a_range() -> None:
    lengths = {len(make("{hex:3-6}", str(seed))) for seed in range(200)}
    assert lengths == {3, 4, 5, 6}


def test_empty_field() -> None:
    assert make("AKIA{upper:0}EXAMPLE", "seed") == "AKIA" + "EXAMPLE"


def test_format_is_given_what_stands_before() -> None:
    token = make("TOKEN='ghp_{base62:30}{crc32-base62}'", "seed")
    assert FORMATS["crc32-base62"].check(token[7:-1].encode(), {}).verdict == "valid"


def test_same_seed_same_text() -> None:
    assert make("{base62:40}", "one") == make("{base62:40}", "one")
    assert make("{base62:40}", "one") != make("{base62:40}", "two")


def test_text_does_not_depend_on_the_python() -> None:
    """A rule that fails its proof must fail it everywhere."""
    assert make("{hex:8}-{digits:4}", "seed") == "0f57beb5-7404"


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{hexx:4}", "unknown field '{hexx:4}' in the template '{hexx:4}'"),
        ("{hex}", "unknown field '{hex}'"),
        ("a{uuid:3}", "unknown field '{uuid:3}'"),
        ("{url-credentials}", "unknown field '{url-credentials}'"),  # a format that makes nothing
        ("{hex:5-4}", "the field '{hex:5-4}' in the template '{hex:5-4}' ends before it begins"),
        ("{", "a lone '{' in the template '{'"),
        ("a}b", "a lone '}' in the template 'a}b'"),
        ("{Hex:4}", "a lone '{' in the template"),
        ("{hex:1000000}", "a lone '{' in the template"),  # no field is as long as that
        ("{hex:-3}", "a lone '{' in the template"),
    ],
)
def test_mistake(template: str, message: str) -> None:
    with pytest.raises(RuleError, match=f"^{re.escape(message)}"):
        make(template, "seed")


def test_mistake_comes_with_the_names_that_there_are() -> None:
    with pytest.raises(RuleError) as caught:
        make("{hexx:4}", "seed")
    assert "base62" in caught.value.hint
    assert "crc32-base62" in caught.value.hint
    assert "url-credentials" not in caught.value.hint


@given(st.text())
def test_any_text_can_be_written(text: str) -> None:
    assert make(text.replace("{", "{{").replace("}", "}}"), "seed") == text


@given(st.text("{}:-012hex \n", max_size=20))
def test_any_template_is_well_formed_or_a_rule_error(template: str) -> None:
    try:
        make(template, "seed")
    except RuleError as error:
        told = str(error)
    else:
        assert not set("{}") & set(re.sub(r"\{\{|\}\}|\{hex:\d{1,6}(?:-\d{1,6})?\}", "", template))
        return
    assert repr(template) in told
