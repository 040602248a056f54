"""Text of a report within Markdown, where hostile text could forge headings, links and images, or notify people.

It is shown word by word: what can only be a word as it is, and every other word as code, in which Markdown finds no
syntax, and GitHub no names, numbers or addresses.
"""

from __future__ import annotations

import re
import string

from pitviper.model.place import escape

_CLIP = 300
"""Characters of a text that are shown: a table cell is no place for more."""
_WORD = re.compile(r"[^\W_]+(?:[.,/:'-][^\W_]+)*%?")
_AROUND = re.compile(r"""([("']{0,2})(.*?)([)"'.,;:!?]{0,3})""")
_SYNTAX_IN_CODE = frozenset("`|\\$")
_PUNCTUATION = {ord(char): f"&#{ord(char)};" for char in string.punctuation}
_SPAN = re.compile(r"`([^`]+)`")
_LINK = re.compile(r"https://[A-Za-z0-9./_~%#?&=+:-]+")


def code(text: str) -> str:
    """`text` as a code span, also in a table: whatever it holds, it stays text."""
    text = _clip(text)
    if not text.strip():
        return ""
    if _SYNTAX_IN_CODE.isdisjoint(text):
        return f"`{text}`"
    return f"<code>{text.translate(_PUNCTUATION)}</code>"


def prose(text: str) -> str:
    """`text` with every word as it is that can only be a word, and the others as code."""
    return " ".join(map(_word, _clip(text).split()))


def sentence(text: str) -> str:
    """`text` of a rule, in which backticks mark code: as `prose`, and what stands between two of them as one code span.

    Rules may come from strangers too, so nothing is believed but where a span begins and ends.
    """
    pieces = _SPAN.split(_clip(text))
    return "".join(code(piece) if number % 2 else _around_code(piece) for number, piece in enumerate(pieces))


def _around_code(text: str) -> str:
    """`prose` that keeps a space at either end."""
    before, after = (" " if text[place : place + 1].isspace() else "" for place in (0, len(text) - 1))
    return f"{before}{prose(text)}{after}" if text.strip() else before


def is_link(text: str) -> bool:
    """Whether `text` is an https address and nothing else."""
    return bool(_LINK.fullmatch(text))


def link(address: str) -> str:
    """`address` as a link if it is one, else as code."""
    return f"<{address}>" if is_link(address) else code(address)


def _word(text: str) -> str:
    around = _AROUND.fullmatch(text)
    before, word, after = around.groups() if around else ("", text, "")
    is_word = _WORD.fullmatch(word) and not word.lower().startswith("www.")
    return f"{before}{word if is_word else code(word)}{after}"


def _clip(text: str) -> str:
    text = escape(text)
    return text if len(text) <= _CLIP else f"{text[:_CLIP]}…"
