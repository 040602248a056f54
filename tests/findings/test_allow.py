from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitviper.findings.allow import allowed, nearly
from pitviper.model.blob import Memory, Span

SECRET = "hunter2" * 2


def reason(text: str, rule: str = "acme-token", *, secrets: tuple[str, ...] = ()) -> str | None:
    """What is said for accepting SECRET where it stands in `text`; `secrets` stand there too."""
    data = bytearray(text.encode())
    at = data.index(SECRET.encode())
    starts = sorted([at, *(data.index(secret.encode()) for secret in secrets)])
    span = Span(Memory("app.py"), 0, len(data), 0, len(data))
    return allowed(data, span, (at, at + len(SECRET)), rule, starts)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"key = '{SECRET}'  # pitviper: allow[acme-token] a fake", "a fake"),
        (f"key = '{SECRET}'  # pitviper:allow[acme-token]", ""),
        (f"key = '{SECRET}'  #pitviper:  allow[acme-token]: a fake\r\n", "a fake"),
        (f"key = '{SECRET}'  # noqa: S105  # pitviper: allow[acme-token] - a fake", "a fake"),
        (f"const key = '{SECRET}'; // pitviper: allow[acme-token] a fake", "a fake"),
        (f"/* pitviper: allow[acme-token] a fake */ const key = '{SECRET}';", "a fake"),
        (f"<key>{SECRET}</key> <!-- pitviper: allow[acme-token] a fake --> <other/>", "a fake"),
        (f"key: {SECRET}  # pitviper: allow[acme-token] größer als nötig", "größer als nötig"),
        (f"key = {SECRET} ; pitviper: allow[acme-token] a fake", "a fake"),
        (f"SELECT '{SECRET}' -- pitviper: allow[acme-token] a fake", "a fake"),
        (f"% {SECRET} % pitviper: allow[acme-token] don't worry", "don't worry"),
        (f"key = '{SECRET}'  # pitviper: allow[other-rule, acme-token] a fake", "a fake"),
        (f"key = '{SECRET}'  # pitviper: allow[other-rule,acme-token,third-rule] a fake", "a fake"),
        (f"'{SECRET}'  # pitviper: allow[other-rule] no  # pitviper: allow[acme-token] yes", "yes"),
        (f"first\nkey = '{SECRET}'  # pitviper: allow[acme-token] a fake\nlast", "a fake"),
    ],
)
def test_comment_that_accepts(text: str, said: str) -> None:
    assert reason(text) == said


@pytest.mark.parametrize(
    "comment",
    [
        "# pitviper: allow[other-rule] a fake",
        "# pitviper: allow[acme] a fake",
        "# pitviper: allow[acme-token-2] a fake",
        "# pitviper: allow[acme-*] a fake",
        "# pitviper: allow[*] a fake",
        "# pitviper: allow[] a fake",
        "# pitviper: allow a fake",
        "# pitviper: allow[acme-token",
        "# pitviper: deny[acme-token]",
        "# pitviper: allow [acme-token]",
        "# Pitviper: Allow[acme-token]",
        "# pitviper: allow[Acme-Token]",
        "# allow[acme-token]",
        "\n# pitviper: allow[acme-token] the next line",
    ],
)
def test_comment_that_does_not_accept(comment: str) -> None:
    assert reason(f"key = '{SECRET}'  {comment}") is None
    assert reason(f"{comment}\nkey = '{SECRET}'") is None


def test_line_of_another_finding_does_not_count() -> None:
    assert reason(f"a  # pitviper: allow[acme-token]\n{SECRET}\nb  # pitviper: allow[acme-token]") is None


def test_block_is_accepted_on_its_last_line_or_its_first() -> None:
    span = Span(Memory("key.pem"), 0, 200, 0, 200)
    for text in (b"BEGIN  # pitviper: allow[x] top\nMII\nEND", b"BEGIN\nMII\nEND  # pitviper: allow[x] top"):
        data = bytearray(text.ljust(200))
        assert allowed(data, span, (0, data.index(b"END") + 3), "x") == "top"
    data = bytearray(b"BEGIN\nMII  # pitviper: allow[x] middle\nEND".ljust(200))
    assert allowed(data, span, (0, data.index(b"END") + 3), "x") is None


def test_comment_of_the_neighbour_in_the_buffer_does_not_count() -> None:
    data = bytearray(f"# pitviper: allow[acme-token] {SECRET}".encode())
    at = data.index(SECRET.encode())
    span = Span(Memory("app.py"), at, len(data), at, len(data))
    assert allowed(data, span, (at, at + len(SECRET)), "acme-token") is None
    data = bytearray(f"{SECRET} # pitviper: allow[acme-token]".encode())
    span = Span(Memory("app.py"), 0, len(SECRET), 0, len(SECRET))
    assert allowed(data, span, (0, len(SECRET)), "acme-token") is None


class TestReason:
    def test_holds_no_secret_behind_the_comment(self) -> None:
        said = reason(f'{{"note": "pitviper: allow[acme-token] a fake", "key": "{SECRET}"}}')
        assert said == 'a fake", "key": "'

    def test_holds_no_other_secret(self) -> None:
        said = reason(f"{SECRET}  # pitviper: allow[acme-token] not swordfish99 either", secrets=("swordfish99",))
        assert said == "not"

    def test_is_short(self) -> None:
        said = reason(f"{SECRET}  # pitviper: allow[acme-token] {'word ' * 100}")
        assert said is not None
        assert len(said) <= 200

    def test_is_text_whatever_the_bytes(self) -> None:
        data = bytearray(b"hunter2  # pitviper: allow[x] \xff\xfe\x00fake")
        span = Span(Memory("app.py"), 0, len(data), 0, len(data))
        assert allowed(data, span, (0, 7), "x") == "\ufffd\ufffd\x00fake"


class TestLongLine:
    def test_comment_nearby_counts(self) -> None:
        line = f"{'x' * 1_000_000};{SECRET};/* pitviper: allow[acme-token] a fake */{'y' * 1_000_000}"
        assert reason(line) == "a fake"

    def test_comment_far_away_does_not(self) -> None:
        assert reason(f"/* pitviper: allow[acme-token] */{'x' * 10_000}{SECRET}") is None
        assert reason(f"{SECRET}{'x' * 10_000}/* pitviper: allow[acme-token] */") is None

    def test_costs_no_more_than_a_short_one(self) -> None:
        data = bytearray(b"x" * 2_000_000 + b"pitviper:" * 400)
        span = Span(Memory("app.js"), 0, len(data), 0, len(data))
        started = time.process_time()
        for _ in range(1000):
            assert allowed(data, span, (2_000_000, 2_000_010), "acme-token") is None
        assert time.process_time() - started < 1


@given(st.binary(max_size=300), st.integers(0, 300), st.integers(0, 300))
def test_any_bytes(data: bytes, one: int, other: int) -> None:
    start, end = sorted((min(one, len(data)), min(other, len(data))))
    span = Span(Memory("app.py"), 0, len(data), 0, len(data))
    said = allowed(bytearray(data), span, (start, end), "acme-token")
    assert said is None or b"allow[" in data


class TestNearly:
    """A comment that was meant, and counts for nothing."""

    @pytest.mark.parametrize(
        "text",
        [
            f"{SECRET}  # pitviper: allow",
            f"{SECRET}  # Pitviper:allow[acme-token]",
            f"{SECRET}  # pitviper: allow[acme-tokne] old",
            f"{SECRET}  # pitviper: allow[*]",
            f"# pitviper: allow[acme-token]\n{SECRET}",
        ],
    )
    def test_is_noticed(self, text: str) -> None:
        assert noticed(text)

    @pytest.mark.parametrize(
        "text",
        [SECRET, f"# pitviper: allow\n\n{SECRET}", f"{SECRET}\n# pitviper: allow", f"{SECRET} # pitviper allows"],
    )
    def test_elsewhere(self, text: str) -> None:
        assert not noticed(text)


def noticed(text: str) -> bool:
    data = bytearray(text.encode())
    start = data.index(SECRET.encode())
    return nearly(data, Span(Memory("a"), 0, len(data), 0, len(data)), (start, start + len(SECRET)))
