"""E-mail messages and mailboxes."""

from __future__ import annotations

import mailbox
import time
import tracemalloc
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitviper.engine.data import Memory
from pitviper.look import Outcome
from pitviper.model.gap import Gap, Reason
from pitviper.unpack import mail
from pitviper.unpack.interface import Options
from pitviper.unpack.table import recognise

Opener = Callable[..., tuple[dict[str, bytes], list[Gap]]]


def message(text: str = "Hello", encoding: str | None = None, html: str = "", **files: bytes) -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "a@example.org", "b@example.org", "A subject"
    made.set_content(text, cte=encoding)
    if html:
        made.add_alternative(html, subtype="html")
    for name, content in files.items():
        made.add_attachment(content, maintype="application", subtype="octet-stream", filename=name.replace("_", "."))
    return made


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable", "7bit"])
def test_a_text_in_any_encoding(opened: Opener, encoding: str) -> None:
    found, gaps = opened(mail.FORMAT, message("a=b " * 40, encoding).as_bytes())
    assert not gaps
    assert found["x!/part 1"].decode().strip() == ("a=b " * 40).strip()
    assert b"Subject: A subject" in found["x"]


def test_parts_and_attachments(opened: Opener) -> None:
    content = message("plain text", html="<b>rich</b>", a_bin=b"\0\1\2" * 500, b_txt=b"more").as_bytes()
    found, gaps = opened(mail.FORMAT, content)
    assert not gaps
    assert found["x!/part 1"].strip() == b"plain text"
    assert b"<b>rich</b>" in found["x!/part 2"]
    assert found["x!/a.bin"] == b"\0\1\2" * 500
    assert found["x!/b.txt"] == b"more"
    assert b"plain text" not in found["x"]
    assert b"AAEC" not in found["x"]


def test_a_message_in_a_message(opened: Opener) -> None:
    outer = message("outer")
    outer.add_attachment(message("inner " * 10, "base64"))
    found, gaps = opened(mail.FORMAT, outer.as_bytes())
    assert not gaps
    assert [path for path, content in found.items() if b"inner inner" in content] == ["x!/part 2!/part 1"]


def test_a_mailbox(opened: Opener, tmp_path: Path) -> None:
    box = mailbox.mbox(tmp_path / "box")
    for number in range(3):
        box.add(message(f"text {number}", "base64"))
    box.close()
    content = (tmp_path / "box").read_bytes()
    assert recognise(content[:1024], content[-22:]) is mail.FORMAT
    found, gaps = opened(mail.FORMAT, content)
    assert not gaps
    assert found["x!/message 3!/part 1"] == b"text 2\n"


def test_names_and_headers_that_are_encoded(opened: Opener) -> None:
    made = message("x", ü_txt=b"content")
    del made["Subject"]
    made["Subject"] = "Schlüssel " * 3
    found, _ = opened(mail.FORMAT, made.as_bytes())
    assert found["x!/ü.txt"] == b"content"
    assert "Subject: Schlüssel" in found["x!/(headers)"].decode()


def test_a_charset_that_hides_ascii(opened: Opener) -> None:
    content = b"MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-16-le\n\n" + "plain".encode("utf-16-le")
    found, _ = opened(mail.FORMAT, content)
    assert found["x!/part 1"] == b"plain"


@pytest.mark.parametrize(
    "content",
    [
        b"Metadata-Version: 2.1\nName: a\nAuthor-email: a@b\n\nMIME-Version is a word\n",
        b"From here on, nothing is mail. It was 1999\n",
        b"Received with thanks",
        b"Copyright: somebody\n\nSome text, and it goes on.",
        b"From: a\nTo: b\n\ntext without anything else",
    ],
)
def test_other_text_is_not_mail(content: bytes) -> None:
    assert recognise(content[:1024], content[-22:]) is None


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Type: multipart/mixed",
        b"Content-Type: multipart/mixed; boundary=",
        b"Content-Type: multipart/mixed; boundary=" + b"x" * 5000,
        b"Content-Type: multipart/mixed; boundary*0*=utf-8''%ff; boundary*2=b",
        b"Content-Type: ; ; =",
        b"Content-Transfer-Encoding: base64",
        b"Content-Transfer-Encoding: \xff\xfe",
        b"Content-Disposition: attachment; filename*=nonsense''%41%ZZ",
        b"Content-Disposition: attachment; filename*0*=a'b; filename*1000000=c",
        b"Content-Type: text/plain; charset=utf-16-nonsense",
        b"Subject: =?nonsense?B?!!!?= =?utf-8?Q?=ZZ?=",
        b"Subject: =?utf-8?B?a?=",
    ],
)
def test_broken_headers(opened: Opener, headers: bytes) -> None:
    found, gaps = opened(mail.FORMAT, b"MIME-Version: 1.0\r\n" + headers + b"\r\n\r\nthe body!")
    assert not gaps
    assert any(b"the body" in content or b"\xb6\x17\x9b" in content for content in found.values())


def test_many_parts_are_cut(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "_MOST_PARTS", 10)
    content = b"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\ntext\n" * 50
    found, gaps = opened(mail.FORMAT, content)
    assert [gap.reason for gap in gaps] == [Reason.OVER_BUDGET]
    assert sum(content.count(b"text") for content in found.values()) == 50


def test_parts_within_parts_end(opened: Opener) -> None:
    content = b"MIME-Version: 1.0\n"
    for number in range(200):
        content += b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (number, number)
    found, _ = opened(mail.FORMAT, content + b"\nthe text")
    assert any(b"the text" in one for one in found.values())


SAMPLE = message("text", "quoted-printable", html="<i>é</i>", ü_txt=b"content" * 30).as_bytes()


def test_half_a_message(opened: Opener, cuts: Callable[[bytes], Iterator[bytes]]) -> None:
    for content in cuts(SAMPLE):
        opened(mail.FORMAT, content)


@given(st.lists(st.tuples(st.integers(0, len(SAMPLE) - 1), st.integers(0, 255)), min_size=1, max_size=30))
def test_flipped_bytes(opened: Opener, changes: list[tuple[int, int]]) -> None:
    content = bytearray(SAMPLE)
    for place, value in changes:
        content[place] = value
    opened(mail.FORMAT, bytes(content))


def test_three_deep(
    token: Callable[[str], str], buried: Callable[[str, bytes], bytes], scanned: Callable[[str, bytes], Outcome]
) -> None:
    content = message("see the attachment", env_txt=f"TOKEN={token('mail')}\n".encode()).as_bytes()
    outcome = scanned("a.tar.gz", buried("sent.eml", content))
    (finding,) = outcome.findings
    assert not outcome.gaps
    assert finding.place.path == "a.tar.gz!/a.whl!/sent.eml!/env.txt"
    assert finding.place.line == 1


def test_a_flood_of_parameters(opened: Opener) -> None:
    part = b'--B\nContent-Type: text/plain; x="' + b";" * 200_000 + b"\n\nstill here\n"
    content = b"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=B\n\n" + part * 5 + b"--B--\n"
    started = time.process_time()
    found, gaps = opened(mail.FORMAT, content)
    assert time.process_time() - started < 5
    assert {str(gap.reason) for gap in gaps} == {"over-budget"}
    assert any(b"still here" in text for text in found.values())


def test_much_padding() -> None:
    head = b"MIME-Version: 1.0\nContent-Transfer-Encoding: base64\n\n"
    tracemalloc.start()
    items = list(mail.members(Memory(head + b"YQ==" * 300_000), Options()))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert items
    assert peak < 8_000_000
