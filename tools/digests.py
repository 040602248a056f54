"""What an interpreter makes of source files: `PYTHON digests.py < LIST`, for each marshalled code, and its digest.

Runs in Python 2.7 and all later versions; bench/marshalled.py compares. It compiles, and executes nothing of that.
"""

from __future__ import print_function

import base64
import dis
import hashlib
import io
import marshal
import struct
import sys
import types

IS_2 = sys.version_info < (3,)
INTEGERS = (int, long) if IS_2 else (int,)  # noqa: F821 - of Python 2
TEXT = type(u"")


def name(value):
    """A name as bytes; Python 2 has bytes of no encoding, which Pitviper reads as UTF-8, else as Latin-1."""
    if isinstance(value, TEXT):
        return value.encode("utf-8") if IS_2 else value.encode("utf-8", "surrogatepass")
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1").encode("utf-8")
    return value


def lines(code):
    """Where lines begin, as (offset, line), without those that go on."""
    if hasattr(code, "co_lines"):
        pairs = [(start, line) for start, end, line in code.co_lines() if start != end]
    else:
        pairs = list(dis.findlinestarts(code))
    return [pair for number, pair in enumerate(pairs) if not number or pairs[number - 1][1] != pair[1]]


def handlers(code):
    if not hasattr(code, "co_exceptiontable"):
        return []
    return [(one.start, one.end, one.target, one.depth, int(one.lasti)) for one in dis._parse_exception_table(code)]


def told(value, put):
    """All of `value`, as bytes that are the same in every version: its type, its length, its content."""
    if value is None or value is True or value is False or value is Ellipsis:
        put(str(value).encode())
    elif isinstance(value, INTEGERS):
        put(b"i" + ("%x" % value).encode())
    elif isinstance(value, float):
        put(b"f" + struct.pack("<d", value))
    elif isinstance(value, complex):
        put(b"c" + struct.pack("<2d", value.real, value.imag))
    elif isinstance(value, (TEXT, bytes)):
        content = name(value) if isinstance(value, TEXT) else value
        put((b"u" if isinstance(value, TEXT) else b"s") + str(len(content)).encode() + b":" + content)
    elif isinstance(value, (tuple, list)):
        put(b"(" + str(len(value)).encode())
        for one in value:
            told(one, put)
    elif isinstance(value, (frozenset, set)):
        parts = []
        for one in value:
            inner = []
            told(one, inner.append)
            parts.append(b"".join(inner))
        put(b"<" + b"".join(sorted(parts)))
    elif isinstance(value, slice):
        put(b"/")
        told((value.start, value.stop, value.step), put)
    elif isinstance(value, types.CodeType):
        put(b"code")
        numbers = (value.co_argcount, getattr(value, "co_posonlyargcount", 0), getattr(value, "co_kwonlyargcount", 0))
        told((numbers, value.co_flags, value.co_firstlineno, value.co_code), put)
        for names in (value.co_names, value.co_varnames, value.co_freevars, value.co_cellvars):
            told([name(one) for one in names], put)
        told((name(value.co_filename), name(value.co_name)), put)
        told(name(getattr(value, "co_qualname", value.co_name)), put)
        told((lines(value), handlers(value)), put)
        told(value.co_consts, put)
    else:
        put(repr(value).encode())


def main():
    for line in sys.stdin:
        path = line.rstrip("\n")
        try:
            with io.open(path, "rb") as file:
                code = compile(file.read(), path, "exec", 0, 1)
        except (SyntaxError, ValueError, UnicodeDecodeError, RecursionError if not IS_2 else RuntimeError):
            print("-")  # tests of the compiler, and files of other versions
            continue
        digest = hashlib.sha256()
        told(code, digest.update)
        print(digest.hexdigest() + base64.b64encode(marshal.dumps(code)).decode())


if __name__ == "__main__":
    main()
