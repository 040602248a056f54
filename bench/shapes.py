"""The ways in which a secret stands in source, a line or two each: the rows of the matrix of `bench/bytecode.py`.

`$T` is the secret, `$A` and `$B` its halves, `$n` and `$N` a name in lower and upper case, and so on (see `forms`).
"""

from __future__ import annotations

import base64
import codecs
import re
import zlib
from collections.abc import Iterator
from string import Template

import msgspec

ALL = (2, 7)
_KEY = 0x17
_CHUNK = 5
_BLOCK = re.compile(r"( *)(?:async )?(?:def|class) ([\w$]+)")
_SECRET = re.compile(r"(?<!\$)\$(?![nN$]\b)[a-zA-Z]")
_PART = re.compile(r"(?<!\$)\$(?![nNT]\b)[a-zA-Z]")


class Shape(msgspec.Struct, frozen=True):
    """A way to write it, with the versions that have such syntax: from `since` on, and before `until`.

    `named`: whether a reader of the source sees a name beside the value. `where` is the function that it stands in, if
    the layout of the source does not show it. `inside`: whether it is kept in a function's code, too. `span`: the first
    and the last of the lines that it may be said to stand in, from 0 on, if that is more than the line with the secret.
    """

    source: str
    since: tuple[int, int] = ALL
    until: tuple[int, int] = (9, 9)
    named: bool = True
    where: str | None = None
    inside: bool = True
    span: tuple[int, int] | None = None

    def lines(self) -> range:
        """The lines, from 0 on, that the secret stands in, up to the one that puts it together or names it."""
        lines = self.source.split("\n")
        found = [number for number, line in enumerate(lines) if _SECRET.search(line)]
        named = [number for number, line in enumerate(lines) if "$n" in line]
        if named and (_PART.search(self.source) or named[0] > found[0]):
            found += named
        first, last = self.span or (min(found), max(found))
        return range(first, last + 1)

    def functions(self) -> list[str]:
        """The function or class that the secret stands in, empty for the module; or, where that may be said, `where`."""
        lines = self.source.split("\n")
        last = [number for number, line in enumerate(lines) if _SECRET.search(line)][-1]
        indent = len(lines[last]) - len(lines[last].lstrip())
        names: list[str] = []
        for line in reversed(lines[:last]):
            block = _BLOCK.match(line)
            if block and len(block[1]) < indent:
                names.append(block[2])
                indent = len(block[1])
        around = ".".join(reversed(names))
        return [around] if self.where is None else [around, self.where]


def forms(secret: str, name: str) -> dict[str, str]:
    """What the placeholders stand for."""
    half = len(secret) // 2
    content = secret.encode()
    chunks = [secret[at : at + _CHUNK] for at in range(0, len(secret), _CHUNK)]
    return {
        "T": secret,
        "n": name,
        "N": name.upper(),
        "A": secret[:half],
        "B": secret[half:],
        "reversed": secret[::-1],
        "chunks": ", ".join(f"'{chunk}'" for chunk in chunks),
        "letters": ", ".join(f"'{letter}'" for letter in secret),
        "numbers": ", ".join(str(byte) for byte in content),
        "shifted": ", ".join(str(byte + 3) for byte in content),
        "xored": ", ".join(str(byte ^ _KEY) for byte in content),
        "number": str(int.from_bytes(content, "big")),
        "length": str(len(content)),
        "base64": base64.b64encode(content).decode(),
        "urlsafe": base64.urlsafe_b64encode(content).decode(),
        "base32": base64.b32encode(content).decode(),
        "base85": base64.b85encode(content).decode().replace("\\", "\\\\"),
        "twice": base64.b64encode(base64.b64encode(content)).decode(),
        "zipped": base64.b64encode(zlib.compress(content)).decode(),
        "hex": content.hex(),
        "escaped": "".join(f"\\x{byte:02x}" for byte in content),
        "rot13": codecs.encode(secret, "rot13"),
    }


def written(shape: Shape, secret: str, name: str) -> str:
    """The source of `shape` with `secret` in it."""
    return Template(shape.source).substitute(forms(secret, name))


def for_version(version: tuple[int, int]) -> Iterator[tuple[str, Shape]]:
    """The shapes that `version` has syntax for, with their names."""
    for name, shape in SHAPES.items():
        if shape.since <= version < shape.until:
            yield name, shape


def _unnamed(
    source: str, since: tuple[int, int] = ALL, until: tuple[int, int] = (9, 9), where: str | None = None
) -> Shape:
    return Shape(source, since, until, named=False, where=where)


_S3, _S36, _S38, _S310, _S311, _S312 = (3, 0), (3, 6), (3, 8), (3, 10), (3, 11), (3, 12)
_F = "def f():\n    "

NAMES = {
    "name": Shape("$n = '$T'"),
    "constant": Shape("$N = '$T'"),
    "private name": Shape("_$n = '$T'"),
    "name with more": Shape("my_$n = '$T'"),
    "local": Shape("def f():\n    $n = '$T'\n    return g($n)"),
    "global": Shape("def f():\n    global $n\n    $n = '$T'"),
    "nonlocal": Shape(
        "def f():\n    $n = None\n    def g():\n        nonlocal $n\n        $n = '$T'\n    return g, $n", _S3
    ),
    "of a closure": Shape("def f():\n    $n = '$T'\n    def g(): return $n\n    return g"),
    "attribute": Shape("config.$n = '$T'"),
    "attribute of an attribute": Shape("app.config.$n = '$T'"),
    "of self": Shape("class A(object):\n    def __init__(self):\n        self.$n = '$T'"),
    "of self, mangled": Shape("class A(object):\n    def __init__(self):\n        self.__$n = '$T'"),
    "annotated": Shape("$n: str = '$T'", _S36),
    "annotated local": Shape("def f():\n    $n: str = '$T'\n    return g($n)", _S36),
    "annotated attribute": Shape("config.$n: str = '$T'", _S36),
    "annotated before": Shape("$n: str\n$n = '$T'", _S36),
    "Final": Shape("$N: Final[str] = '$T'", _S36),
    "chained": Shape("a = $n = b.c = '$T'"),
    "chained, last": Shape("a = b.c = $n = '$T'"),
    "augmented": Shape("$n += '$T'"),
    "augmented, known": Shape("$n = '$A'\n$n += '$B'"),
    "augmented attribute": Shape("config.$n += '$T'"),
    "augmented item": Shape("config['$n'] += '$T'"),
    "unpacked": Shape("user, $n = 'admin', '$T'"),
    "unpacked, three": Shape("host, user, $n = 'db', 'admin', '$T'"),
    "unpacked, four": Shape("host, port, user, $n = 'db', 1, 'admin', '$T'"),
    "unpacked, partly": Shape("user, $n = who(), '$T'"),
    "unpacked list": Shape("[user, $n] = ['admin', '$T']"),
    "unpacked, one": Shape("$n, = ('$T',)"),
    "unpacked, star": Shape("user, *rest, $n = 'admin', 1, 2, '$T'", _S3),
    "unpacked, nested": Shape("a, (user, $n) = 1, ('admin', '$T')"),
    "unpacked into attributes": Shape("self.user, self.$n = 'admin', '$T'"),
    "walrus": Shape("if ($n := '$T'): connect($n)", _S38),
    "walrus in a call": Shape("connect(user, ($n := '$T'))", _S38),
    "walrus in a comprehension": Shape("a = [$n for i in b if ($n := '$T')]", _S38),
    "conditional": Shape("$n = '$T' if debug else ''"),
    "conditional, otherwise": Shape("$n = load() if debug else '$T'"),
    "conditional, nested": Shape("$n = a if x else '$T' if y else b"),
    "or": Shape("$n = load() or '$T'"),
    "or, with environ": Shape("$n = os.environ.get('X') or '$T'"),
    "or, three": Shape("$n = a or b or '$T'"),
    "or, attribute": Shape("self.$n = $n or '$T'"),
    "and": Shape("$n = debug and '$T'"),
    "in an if": Shape("if debug:\n    $n = '$T'\nelse:\n    $n = None"),
    "in an else": Shape("if debug:\n    $n = None\nelse:\n    $n = '$T'"),
    "if None": Shape("def f($n=None):\n    if $n is None:\n        $n = '$T'\n    return $n"),
    "in try": Shape("try:\n    $n = '$T'\nexcept KeyError:\n    pass"),
    "in except": Shape("try:\n    $n = load()\nexcept (KeyError, ValueError) as error:\n    $n = '$T'"),
    "in try's else": Shape("try:\n    load()\nexcept KeyError:\n    pass\nelse:\n    $n = '$T'"),
    "in finally": Shape("try:\n    load()\nfinally:\n    $n = '$T'"),
    "in except*": Shape("try:\n    load()\nexcept* KeyError as error:\n    $n = '$T'", _S311),
    "in a loop": Shape("for a in b:\n    if a: continue\n    $n = '$T'"),
    "in a loop's else": Shape("for a in b:\n    if a: break\nelse:\n    $n = '$T'"),
    "in while": Shape("while load():\n    $n = '$T'\n    break"),
    "in with": Shape("with open(a) as b:\n    $n = '$T'"),
    "in main": Shape("if __name__ == '__main__':\n    $n = '$T'\n    run($n)"),
    "loop over values": Shape("for $n in ('$T', 'x'): login($n)"),
    "loop over pairs": Shape("for user, $n in (('admin', '$T'), ('b', 'c')): login(user, $n)"),
    "variable handed on": Shape("x = '$T'\n$n = x"),
    "variable handed to an attribute": Shape("x = '$T'\nconfig.$n = x"),
    "variable handed to a keyword": Shape("x = '$T'\nconnect($n=x)"),
    "variable handed to a dict": Shape("x = '$T'\nconfig = {'$n': x}"),
}

ITEMS = {
    "item": Shape("os.environ['$N'] = '$T'"),
    "item of an item": Shape("config['a']['$n'] = '$T'"),
    "item of an attribute": Shape("app.config['$n'] = '$T'"),
    "item of globals": Shape("globals()['$n'] = '$T'"),
    "item of __dict__": Shape("config.__dict__['$n'] = '$T'"),
    "two items": Shape("a['x'] = b['$n'] = '$T'"),
    "item by number": _unnamed("a[0] = '$T'"),
    "slice": _unnamed("a[0:1] = ['$T']"),
    "dict of one": Shape("a = {'$n': '$T'}"),
    "dict": Shape("a = {'user': 'admin', '$n': '$T', 'port': port}"),
    "dict of constants": Shape("a = {'user': 'admin', '$n': '$T', 'port': 1, 'x': None}"),
    "dict in a dict": Shape("a = {'b': {'user': c, '$n': '$T'}, 'd': 1}"),
    "dict in a list": Shape("a = [{'user': 'admin', '$n': '$T'}]"),
    "dict with many": Shape("a = {%s, '$n': '$T'}" % ", ".join(f"'k{number}': {number}" for number in range(40))),
    "dict, unpacked": Shape("a = {**b, '$n': '$T'}", _S36),
    "dict, joined": Shape("a = b | {'$n': '$T'}", (3, 9)),
    "dict, updated in place": Shape("os.environ |= {'$N': '$T'}", (3, 9)),
    "dict by call": Shape("a = dict(user='admin', $n='$T')"),
    "dict by call, on another": Shape("env = dict(os.environ, $N='$T')"),
    "dict of pairs": Shape("a = dict([('user', 'admin'), ('$n', '$T')])"),
    "list of pairs": Shape("a = [('user', 'admin'), ('$n', '$T')]"),
    "tuple of pairs": Shape("a = (('user', 'admin'), ('$n', '$T'))"),
    "dict of zip": Shape("a = dict(zip(('user', '$n'), ('admin', '$T')))"),
    "dict.fromkeys": Shape("a = dict.fromkeys(['$n'], '$T')"),
    "dict.update": Shape("a.update({'$n': '$T'})"),
    "dict.update, keyword": Shape("os.environ.update($N='$T')"),
    "dict.setdefault": Shape("os.environ.setdefault('$N', '$T')"),
    "dict.get": Shape("x = a.get('$n', '$T')"),
    "dict.pop": Shape("x = a.pop('$n', '$T')"),
    "dict comprehension": Shape("a = {'$n': '$T' for b in c}"),
    "dict, conditional": Shape("a = {'$n': '$T' if b else 'x', 'd': e}"),
    "dict, returned": Shape("def f(user): return {'user': user, '$n': '$T'}", where="f"),
    "list": _unnamed("a = ['x', '$T', b]"),
    "list, named": Shape("$n = ['$T']"),
    "list, named, of two": Shape("$n = ['first', '$T']"),
    "tuple, named": Shape("$n = ('$T', 1)"),
    "list of many": _unnamed("a = [%s, '$T']" % ", ".join(f"'k{number}'" for number in range(40))),
    "list, starred": _unnamed("a = [*b, '$T']", _S36),
    "tuple": _unnamed("a = ('x', '$T', 1)"),
    "tuple in a tuple": _unnamed("a = (1, ('x', ('$T', 2)))"),
    "set": _unnamed("a = {'x', '$T'}"),
    "frozenset": _unnamed("a = frozenset(['$T'])"),
    "deque": _unnamed("a = deque(['$T'])"),
    "append": _unnamed("a.append('$T')"),
    "append, named": Shape("$n.append('$T')"),
    "add, named": Shape("$n.add('$T')"),
}

CALLS = {
    "positional": _unnamed("login('user', 1, '$T')"),
    "positional, alone": _unnamed("login('$T')"),
    "keyword": Shape("connect(host, $n='$T')"),
    "keyword of a method": Shape("a.b.connect(1, $n='$T', z=2)"),
    "keyword, on lines": Shape("connect(\n    host='x',\n    $n='$T',\n    port=1,\n)"),
    "keyword, result kept": Shape("c = a.connect($n='$T')"),
    "keyword, result used": Shape("c = a.connect($n='$T').cursor()[0]"),
    "keyword, conditional": Shape("connect($n='$T' if a else b)"),
    "keyword, or": Shape("connect($n=a or '$T')"),
    "keyword in a call": Shape("run(connect(user, $n='$T'), x=1)"),
    "keyword among stars": Shape("connect(*a, $n='$T', **b)"),
    "keyword by two stars": Shape("connect(1, **{'$n': '$T'})"),
    "keyword of two": Shape("connect($n='$T')($n='x')"),
    "partial": Shape("f = functools.partial(connect, $n='$T')"),
    "many arguments": Shape("f(%s, $n='$T')" % ", ".join(f"a{number}" for number in range(200))),
    "setattr": Shape("setattr(config, '$n', '$T')"),
    "object.__setattr__": Shape("object.__setattr__(config, '$n', '$T')"),
    "setenv": Shape("monkeypatch.setenv('$N', '$T')"),
    "putenv": Shape("os.putenv('$N', '$T')"),
    "config.set": Shape("config.set('section', '$n', '$T')"),
    "add_argument": Shape("parser.add_argument('--$n', default='$T')"),
    "add_argument, two flags": Shape("parser.add_argument('-t', '--$n', type=str, default='$T', help='x')"),
    "click.option": Shape("@click.option('--$n', default='$T')\ndef f(): pass"),
    "environ.get": Shape("x = os.environ.get('$N', '$T')"),
    "getenv": Shape("x = os.getenv('$N', '$T')"),
    "getenv, keyword": Shape("x = os.getenv('$N', default='$T')"),
    "named by what it is for": Shape("$n = os.getenv('X', '$T')"),
    "config with a default": Shape("$n = config('X', default='$T', cast=str)"),
    "Field": Shape("class A(B):\n    $n: str = Field(default='$T')", _S36),
    "Field, positional": Shape("class A(B):\n    $n: str = Field('$T', repr=False)", _S36),
    "CharField": Shape("class A(B):\n    $n = models.CharField(max_length=90, default='$T')"),
    "SecretStr": Shape("$n = SecretStr('$T')"),
    "str": Shape("$n = str('$T')"),
    "cast": Shape("$n = cast(str, '$T')", _S3),
    "auth": _unnamed("requests.get(url, auth=('user', '$T'))"),
    "header": _unnamed("requests.get(url, headers={'Authorization': 'Bearer $T'})"),
    "header, named": Shape("requests.get(url, headers={'X-Key': x, '$n': '$T'})"),
    "json body": Shape("requests.post(url, json={'$n': '$T'})"),
    "environment of a process": Shape("subprocess.run(command, env={'$N': '$T', 'PATH': path})"),
    "command of a process": _unnamed("subprocess.run(['curl', '-u', 'x:$T', url])"),
    "super": Shape("class A(B):\n    def __init__(self):\n        super().__init__($n='$T')", _S3),
    "logging": _unnamed("logging.info('it is %s', '$T')"),
    "logging, named": Shape("log.info('$n', '$T')"),
    "print": _unnamed("print('$T')"),
    "print, Python 2": _unnamed("print '$T'", until=(3, 0)),
    "print to a file, Python 2": _unnamed("print >>f, 'x', '$T'", until=(3, 0)),
    "raise": _unnamed("raise ValueError('x $T')"),
    "raise, keyword": Shape("raise Denied(1, $n='$T')"),
    "assert's message": _unnamed("assert a, 'not $T'"),
    "decorator": Shape("@app.route('/a', $n='$T')\ndef f(): pass"),
    "decorator, positional": _unnamed("@login('$T')\ndef f(): pass"),
    "decorator of a class": Shape("@login($n='$T')\nclass A(object): pass"),
    "with": Shape("with connect($n='$T') as c:\n    c.run()"),
    "with, two": Shape("with open(a) as b, connect($n='$T') as c:\n    c.run()"),
    "with, in brackets": Shape("with (\n    open(a) as b,\n    connect($n='$T') as c,\n):\n    c.run()", _S310),
    "await": Shape("async def f():\n    a = await connect($n='$T')\n    return a", _S36),
    "async with": Shape("async def f():\n    async with connect($n='$T') as c:\n        await c.run()", _S36),
    "async for": Shape("async def f():\n    async for c in connect($n='$T'):\n        await c.run()", _S36),
    "async comprehension": Shape("async def f():\n    return [c async for c in connect($n='$T')]", _S36),
    "comprehension": Shape("a = [connect(c, $n='$T') for c in d]"),
    "comprehension, nested": Shape("a = [[connect(c, $n='$T') for c in e] for e in d]"),
    "generator": Shape("a = sum(connect(c, $n='$T') for c in d)"),
    "iterated": Shape("for a in connect($n='$T'): a.run()"),
    "lambda": Shape("f = lambda: connect($n='$T')"),
    "yield of a call": Shape("def f():\n    yield connect($n='$T')"),
    "condition": Shape("if connect($n='$T').ok: run()"),
    "interpolated": Shape("a = f'{connect($n=\"$T\")}'", _S36),
    "subscripted": Shape("a = b[connect($n='$T')]"),
    "operand": Shape("a = 1 + connect($n='$T') * 2"),
    "negated": Shape("if not connect($n='$T'): run()"),
    "deleted": Shape("del a[connect($n='$T')]"),
}

FUNCTIONS = {
    "default": Shape("def f(a, $n='$T'): return a"),
    "default of two": Shape("def f(a, user='admin', $n='$T', port=1): return a"),
    "default of keywords only": Shape("def f(a, *, $n='$T', z=1): return a", _S3),
    "default of positions only": Shape("def f($n='$T', /): return $n", _S38),
    "default, annotated": Shape("def f(a: int, $n: str = '$T') -> str: return a", _S3),
    "default, annotated keyword": Shape("def f(*, $n: str = '$T') -> str: return $n", _S3),
    "default, on lines": Shape("def f(\n    a,\n    $n='$T',\n):\n    return a", span=(0, 2), where=""),
    "default of a closure": Shape("def f(a):\n    def g($n='$T'): return a\n    return g"),
    "default of a lambda": Shape("f = lambda $n='$T': $n"),
    "default of a method": Shape("class A(object):\n    def f(self, $n='$T'): return $n"),
    "default of async": Shape("async def f($n='$T'): return $n", _S36),
    "default of a generic": Shape("def f[X](a: X, $n='$T'): return a", _S312),
    "default of a generic, keyword": Shape("def f[X](a: X, *, $n: str = '$T'): return a", _S312),
    "default, decorated": Shape("@a.b\ndef f($n='$T'): return $n"),
    "default, or": Shape("def f($n=a or '$T'): return $n"),
    "returned": Shape("def $n(): return '$T'", where="$n"),
    "returned, get": Shape("def get_$n():\n    x = 1\n    return '$T'"),
    "returned, conditional": Shape("def get_$n(a):\n    return a.b if a else '$T'"),
    "returned, two": Shape("def get_$n(a):\n    if a: return '$T'\n    return 'x'"),
    "returned, property": Shape("class A(object):\n    @property\n    def $n(self): return '$T'", where="A.$n"),
    "returned, async": Shape("async def get_$n(): return '$T'", _S36, where="get_$n"),
    "returned, lambda": Shape("$n = lambda: '$T'"),
    "returned, lambda as keyword": Shape("connect($n=lambda: '$T')"),
    "returned, lambda in a dict": Shape("a = {'$n': lambda: '$T'}"),
    "returned, unnamed": _unnamed("def f(a): return a, '$T'", where="f"),
    "yielded": _unnamed("def f():\n    yield '$T'"),
    "yielded from": _unnamed("def f():\n    yield from ['x', '$T']", _S3),
    "docstring": Shape("def f():\n    '''Use $T.'''", named=False, span=(0, 1)),
    "docstring of a class": Shape(
        "class A(object):\n    '''\n    Use $T.\n    '''\n    a = 1", named=False, span=(1, 4)
    ),
    "annotation": _unnamed("def f(a: '$T') -> int: return a", _S3, where="f"),
    "annotation of a name": Shape("a: Literal['$T'] = b", _S36, named=False, inside=False),
    "type alias": _unnamed("type A = Literal['$T']", _S312, where="A"),
    "type variable": _unnamed("A = TypeVar('A', bound='$T')"),
}

CLASSES = {
    "class": Shape("class A(object):\n    $n = '$T'"),
    "class, constant": Shape("class A(object):\n    x = 1\n    $N = '$T'\n    def f(self): pass"),
    "class, annotated": Shape("class A(object):\n    $n: str = '$T'", _S36),
    "class, generic": Shape("class A[X]:\n    $n = '$T'", _S312),
    "class in a class": Shape("class A(object):\n    class Meta:\n        $n = '$T'"),
    "class in a function": Shape("def f():\n    class A(object):\n        $n = '$T'\n    return A"),
    "class keyword": Shape("class A(B, $n='$T'): pass", _S3),
    "dataclass": Shape("@dataclass\nclass A:\n    $n: str = '$T'", _S36),
    "dataclass, field": Shape("@dataclass(frozen=True)\nclass A:\n    $n: str = field(default='$T')", _S36),
    "dataclass, factory": Shape("@dataclass\nclass A:\n    $n: str = field(default_factory=lambda: '$T')", _S36),
    "enum": Shape("class A(Enum):\n    OTHER = 'b'\n    $N = '$T'"),
    "enum of pairs": Shape("class A(Enum):\n    $N = (1, '$T')"),
    "NamedTuple": Shape("class A(NamedTuple):\n    user: str\n    $n: str = '$T'", _S36),
    "namedtuple": Shape("A = namedtuple('A', 'user $n')\na = A(user='x', $n='$T')"),
    "TypedDict": Shape("class A(TypedDict):\n    $n: str\na: A = {'$n': '$T'}", _S36, where=""),
    "type()": Shape("A = type('A', (B,), {'$n': '$T'})"),
    "replace()": Shape("a = dataclasses.replace(b, $n='$T')"),
}

COMPARED = {
    "equal": Shape("if $n == '$T': f()"),
    "equal, the other way": Shape("if '$T' == $n: f()"),
    "equal, attribute": Shape("if request.$n == '$T': f()"),
    "equal, item": Shape("if request['$n'] == '$T': f()"),
    "equal, get": Shape("if request.get('$n') == '$T': f()"),
    "equal, kept": Shape("ok = $n == '$T'"),
    "equal, and": Shape("if a and $n == '$T' and b: f()"),
    "equal, in while": Shape("while $n == '$T': f()"),
    "equal, returned": Shape("def f($n): return $n == '$T'", where="f"),
    "equal, argument": Shape("f($n == '$T')"),
    "equal, asserted": Shape("assert $n == '$T'"),
    "equal, in a comprehension": Shape("a = [b for b in c if b.$n == '$T']"),
    "equal, in a lambda": Shape("f = lambda $n: $n == '$T'"),
    "not equal": Shape("if $n != '$T': raise a"),
    "one of": Shape("if $n in ('$T', 'x'): f()"),
    "one of a set": Shape("if $n in {'$T', 'x'}: f()"),
    "none of": Shape("if $n not in ['$T']: f()"),
    "part of": _unnamed("if '$T' in a: f()"),
    "compare_digest": Shape("if hmac.compare_digest($n, '$T'): f()"),
    "assertEqual": Shape("self.assertEqual($n, '$T')"),
    "assertEqual, attribute": Shape("self.assertEqual('$T', config.$n)"),
    "startswith": Shape("if $n.startswith('$T'): f()"),
    "match, case": Shape("match $n:\n    case '$T': f()", _S310),
    "match, several cases": Shape("match $n:\n    case 'x' | '$T': f()\n    case _: g()", _S310),
    "match, mapping": Shape("match a:\n    case {'user': u, '$n': '$T'}: f(u)", _S310),
    "match, class": Shape("match a:\n    case A($n='$T'): f()", _S310),
    "match, sequence": _unnamed("match a:\n    case ['x', '$T', *rest]: f(rest)", _S310),
    "match, body": Shape("match a:\n    case 1: $n = '$T'", _S310),
    "match, guard": Shape("match a:\n    case b if b.$n == '$T': f()", _S310),
}

STRINGS = {
    "unicode": Shape("$n = u'$T'"),
    "bytes": Shape("$n = b'$T'"),
    "raw": Shape("$n = r'$T'"),
    "three quotes": Shape("$n = '''$T'''"),
    "encoded": Shape("$n = '$T'.encode()"),
    "encoded, named": Shape("$n = '$T'.encode('utf-8')"),
    "decoded": Shape("$n = b'$T'.decode()"),
    "bytearray": Shape("$n = bytearray(b'$T')"),
    "bytes()": Shape("$n = bytes('$T', 'ascii')", _S3),
    "memoryview": _unnamed("a = memoryview(b'$T')"),
    "stripped": Shape("$n = ' $T\\n'.strip()"),
    "intern": Shape("$n = sys.intern('$T')", _S3),
    "implicit": Shape("$n = '$A' '$B'"),
    "implicit, on lines": Shape("$n = (\n    '$A'\n    '$B'\n)"),
    "backslash": Shape("$n = '$A\\\n$B'"),
    "plus": Shape("$n = '$A' + '$B'"),
    "plus, on lines": Shape("$n = ('$A' +\n      '$B')"),
    "plus variables": Shape("a = '$A'\nb = '$B'\n$n = a + b"),
    "plus variables of the module": Shape("A = '$A'\nB = '$B'\ndef f():\n    $n = A + B\n    return $n", where="f"),
    "plus in a call": Shape("a = '$A'\nconnect($n=a + '$B')"),
    "escapes": Shape("$n = '$escaped'"),
    "f-string": Shape("$n = f'$A{\"$B\"}'", _S36),
    "f-string of variables": Shape("a = '$A'\nb = '$B'\n$n = f'{a}{b}'", _S36),
    "f-string, converted": Shape("a = '$A'\n$n = f'{a!s}$B'", _S36),
    "f-string of a constant": _unnamed("KEY = '$T'\ndef f():\n    return g(f'Bearer {KEY}')", _S36, where=""),
    "f-string, head": _unnamed("a = f'$T {x}'", _S36),
    "f-string, tail": _unnamed("a = f'{x} $T'", _S36),
    "f-string, middle": _unnamed("a = f'{x} $T {y:>{z}} !'", _S36),
    "f-string, URL": _unnamed("url = f'https://{user}:$T@{host}/'", _S36),
    "f-string, nested": _unnamed("a = f'a{b(f\"{c} $T\")}d'", _S36),
    "t-string": _unnamed("a = t'{x} $T {y!r}'", (3, 14)),
    "percent": Shape("$n = '%s%s' % ('$A', '$B')"),
    "percent, one": Shape("a = '$B'\n$n = '$A%s' % a"),
    "percent with a dict": Shape("$n = '%(a)s%(b)s' % {'a': '$A', 'b': '$B'}"),
    "percent, unknown": _unnamed("a = 'x $T %s' % b"),
    "format": Shape("$n = '{}{}'.format('$A', '$B')"),
    "format, numbered": Shape("$n = '{1}{0}'.format('$B', '$A')"),
    "format, named": Shape("$n = '{a}{b}'.format(a='$A', b='$B')"),
    "format, by two stars": Shape("$n = '{a}{b}'.format(**{'a': '$A', 'b': '$B'})"),
    "format_map": Shape("$n = '{a}{b}'.format_map({'a': '$A', 'b': '$B'})", _S3),
    "format, unknown": _unnamed("a = 'x $T {}'.format(b)"),
    "Template": Shape("$n = Template('$$a$$b').substitute(a='$A', b='$B')"),
    "join": Shape("$n = ''.join(['$A', '$B'])"),
    "join of a tuple": Shape("$n = ''.join(('$A', '$B'))"),
    "join of a variable": Shape("parts = ['$A', '$B']\n$n = ''.join(parts)"),
    "join of names": Shape("a = '$A'\nb = '$B'\n$n = ''.join([a, b])"),
    "join of many": Shape("$n = ''.join([$chunks])"),
    "join, encoded": Shape("$n = ''.join(['$A', '$B']).encode()"),
    "join of a split": Shape("$n = ''.join('$A $B'.split())"),
    "dedent": Shape("a = textwrap.dedent('''\\\n    [x]\n    $n = \"$T\"\n    ''')", span=(0, 3)),
    "JSON text": Shape('a = json.loads(\'{"$n": "$T"}\')'),
    "text of code": Shape("exec(\"$n = '$T'\")"),
    "text written": Shape("f.write('$n = \"$T\"\\n')"),
    "lines of environment": Shape("a = '''\nexport X=1\nexport $N=$T\n'''", named=False, span=(0, 3)),
    "INI text": _unnamed("a = '[x]\\n$n = $T\\n'"),
    "header text": _unnamed("a = 'Authorization: Bearer $T'"),
    "URL": _unnamed("url = 'https://user:$T@example.com/a.git'"),
    "query": _unnamed("url = 'https://example.com/?x=1&key=$T&y=2'"),
    "shell text": _unnamed("os.system('curl -H \"Authorization: token $T\" https://example.com')"),
    "behind a newline": _unnamed("a = 'x\\n$T\\n'"),
    "behind a tab": _unnamed("a = '\\t$T'"),
    "not ASCII before": _unnamed("a = u'cl\\u00e9 $T'"),
    "not ASCII behind": _unnamed("a = u'$T \\u20ac'"),
    "emoji before": _unnamed("a = u'\\U0001f511 $T'"),
    "quotes around": _unnamed("a = 'say \"$T\" to it'"),
    "long text": _unnamed("a = '%s $T %s'" % ("word " * 60, "word " * 60)),
    "between NULs": _unnamed("a = b'\\0\\1\\0$T\\0\\2'"),
    "among bytes": _unnamed("a = b'\\xff\\xfe\\x80 $T \\xff'"),
    "behind many constants": Shape("a = [%s]\n$n = '$T'" % ", ".join(f"('k{number}', x)" for number in range(300))),
    "behind many names": Shape("%s\n$n = '$T'" % "; ".join(f"n{number} = x.m{number}" for number in range(300))),
    "behind a long jump": Shape("if a:\n%s\nconnect($n='$T' if a else 'x')" % "\n".join(["    b(c)"] * 300)),
}

HIDDEN = {
    "replaced": Shape("$n = '$A-----$B'.replace('-----', '')"),
    "sliced": Shape("a = 'xx$A$B'\n$n = a[2:]"),
    "prefix removed": Shape("$n = 'xx$T'.removeprefix('xx')", (3, 9)),
    "reversed": Shape("$n = '$reversed'[::-1]"),
    "reversed and joined": Shape("$n = ''.join(reversed('$reversed'))"),
    "base64": Shape("$n = base64.b64decode('$base64').decode()"),
    "base64 of bytes": Shape("$n = base64.b64decode(b'$base64')"),
    "base64, imported": Shape("from base64 import b64decode\n$n = b64decode('$base64').decode('ascii')"),
    "base64, renamed": Shape("from base64 import b64decode as d\n$n = d('$base64')"),
    "base64, __import__": Shape("$n = __import__('base64').b64decode('$base64').decode()"),
    "base64, getattr": Shape("$n = getattr(base64, 'b64decode')('$base64').decode()"),
    "base64 of a variable": Shape("x = '$base64'\n$n = base64.b64decode(x).decode()"),
    "base64 of a constant": Shape("X = '$base64'\ndef f():\n    $n = base64.b64decode(X).decode()\n    return $n", where="f"),
    "base64 as keyword": Shape("connect($n=base64.b64decode('$base64').decode())"),
    "base64, urlsafe": Shape("$n = base64.urlsafe_b64decode('$urlsafe').decode()"),
    "base64 twice": Shape("$n = base64.b64decode(base64.b64decode('$twice')).decode()"),
    "base64 by codecs": Shape("$n = codecs.decode(b'$base64', 'base64').decode()"),
    "base32": Shape("$n = base64.b32decode('$base32').decode()"),
    "base85": Shape("$n = base64.b85decode('''$base85''').decode()", _S36),
    "zlib": Shape("$n = zlib.decompress(base64.b64decode('$zipped')).decode()"),
    "hex": Shape("$n = bytes.fromhex('$hex').decode()", _S3),
    "unhexlify": Shape("$n = binascii.unhexlify('$hex').decode()"),
    "hex by codecs": Shape("$n = codecs.decode('$hex', 'hex').decode()"),
    "hex, Python 2": Shape("$n = '$hex'.decode('hex')", until=(3, 0)),
    "rot13": Shape("$n = codecs.decode('$rot13', 'rot13')"),
    "rot13, encoded": Shape("$n = codecs.encode('$rot13', 'rot_13')"),
    "numbers": Shape("$n = bytes([$numbers]).decode()", _S3),
    "numbers of a tuple": Shape("$n = bytes(($numbers)).decode()", _S3),
    "numbers of a bytearray": Shape("$n = bytearray([$numbers]).decode()"),
    "numbers, listed": Shape("$n = ''.join([chr(c) for c in [$numbers]])"),
    "numbers, generated": Shape("$n = ''.join(chr(c) for c in [$numbers])"),
    "numbers, mapped": Shape("$n = ''.join(map(chr, [$numbers]))"),
    "numbers of a variable": Shape("x = [$numbers]\n$n = ''.join(map(chr, x))"),
    "numbers, shifted": Shape("$n = ''.join(chr(c - 3) for c in [$shifted])"),
    "numbers, xored": Shape("$n = ''.join([chr(c ^ 23) for c in [$xored]])"),
    "numbers, xored, of a constant": Shape("K = 23\n$n = ''.join(chr(c ^ K) for c in [$xored])"),
    "numbers, xored as bytes": Shape("$n = bytes(c ^ 23 for c in [$xored]).decode()", _S3),
    "one number": Shape("$n = ($number).to_bytes($length, 'big').decode()", _S3),
    "characters": Shape("$n = ''.join([$letters])"),
    "characters, added": Shape("$n = '$A' + chr(45)\n$n = $n[:-1] + '$B'"),
    "items of a list": Shape("x = ['$B', '$A']\n$n = x[1] + x[0]"),
    "items of a dict": Shape("x = {'a': '$A', 'b': '$B'}\n$n = x['a'] + x['b']"),
    "appended": Shape("x = []\nx.append('$A')\nx.append('$B')\n$n = ''.join(x)"),
    "attributes": Shape("class P(object):\n    a = '$A'\n    b = '$B'\n$n = P.a + P.b", where=""),
    "functions": Shape("def p(): return '$A'\n$n = p() + '$B'", where=""),
    "added in a loop": Shape("$n = ''\nfor x in ['$A', '$B']: $n += x"),
    "added by operator": Shape("$n = operator.add('$A', '$B')"),
    "reduced": Shape("$n = functools.reduce(operator.add, ['$A', '$B'])"),
    "translated": Shape("$n = '$rot13'.translate(str.maketrans('%s', '%s'))" % (
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", "NOPQRSTUVWXYZABCDEFGHIJKLMnopqrstuvwxyzabcdefghijklm"), _S3),
    "percent of characters": Shape("$n = '%c%c%s' % (ord('$T'[0]), ord('$T'[1]), '$T'[2:])"),
}  # fmt: skip

SHAPES: dict[str, Shape] = {
    f"{room}: {name}": shape
    for room, shapes in (
        ("names", NAMES),
        ("items", ITEMS),
        ("calls", CALLS),
        ("functions", FUNCTIONS),
        ("classes", CLASSES),
        ("compared", COMPARED),
        ("strings", STRINGS),
        ("hidden", HIDDEN),
    )
    for name, shape in shapes.items()
}
"""All of them by room and name."""
