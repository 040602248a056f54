"""Write what source says: names and the strings beside them, as `ast` sees them, and the marshalled code.

    python2.7 bench/pairs.py FOLDER ... > truth.jsonl

Runs in Python 2.7 and all later versions. It parses and compiles, and executes nothing of that. A line of output for
each file: its path, how long its source is, its marshalled code, and [kind, name, value, line] for each pair.
"""

from __future__ import print_function

import ast
import base64
import json
import marshal
import os
import sys

TEXT = type(u"")
FUNCTIONS = ("FunctionDef", "AsyncFunctionDef", "Lambda")


def kind(node):
    return type(node).__name__


def strings(node):
    """The strings that `node` may be: one, or those of a conditional expression."""
    name = kind(node)
    if name == "IfExp":
        return strings(node.body) + strings(node.orelse)
    value = node.value if name == "Constant" else node.s if name in ("Str", "Bytes") else None
    return [value] if value and isinstance(value, (TEXT, bytes)) else []


def never(test):
    """Whether the compiler leaves out what stands under this condition."""
    value = getattr(test, "value", getattr(test, "n", None))
    return kind(test) in ("Constant", "Num", "NameConstant") and not value and value is not Ellipsis


def prune(tree):
    """Take out what no compiler makes code of: behind a jump, and under conditions that never hold."""
    for node in ast.walk(tree):
        if kind(node) in ("If", "While") and never(node.test):
            node.body = []
        elif kind(node) in ("If", "IfExp") and getattr(node.test, "id", "") == "__debug__":
            node.orelse = [] if kind(node) == "If" else node.body
        for field in ("body", "orelse", "finalbody"):
            body = getattr(node, field, None)
            if isinstance(body, list):
                for index, one in enumerate(body):
                    if kind(one) in ("Return", "Raise", "Continue", "Break"):
                        del body[index + 1 :]
                        break


class Pairs(ast.NodeVisitor):
    """Collects (kind, name, value, line), with names as the compiler mangles them."""

    def __init__(self):
        self.found = []
        self.classes = []

    def mangled(self, name):
        if not self.classes or not name.startswith("__") or name.endswith("__") or "." in name:
            return name
        owner = self.classes[-1].lstrip("_")
        return "_" + owner + name if owner else name

    def add(self, how, name, node):
        for value in strings(node):
            self.found.append((how, name, value, node.lineno))

    def assign(self, target, value):
        name = kind(target)
        if name in ("Tuple", "List") and kind(value) in ("Tuple", "List"):
            if len(target.elts) == len(value.elts) and "Starred" not in map(kind, target.elts + value.elts):
                for one, other in zip(target.elts, value.elts):
                    self.assign(one, other)
        elif name == "Name":
            self.add("name", self.mangled(target.id), value)
        elif name == "Attribute":
            self.add("name", self.mangled(target.attr), value)
        elif name == "Subscript":
            index = target.slice.value if kind(target.slice) == "Index" else target.slice
            for key in strings(index):
                if kind(index) != "IfExp":
                    self.add("subscript", key, value)

    def visit_Assign(self, node):
        for target in node.targets:
            self.assign(target, node.value)
        self.generic_visit(node)

    def visit_AnnAssign(self, node):
        if node.value is not None:
            self.assign(node.target, node.value)
        self.generic_visit(node)

    def visit_NamedExpr(self, node):
        self.assign(node.target, node.value)
        self.generic_visit(node)

    def visit_Call(self, node):
        for keyword in node.keywords:
            if keyword.arg:
                # Python 2 does not mangle keywords' names
                self.add("keyword", keyword.arg, keyword.value)
        self.generic_visit(node)

    def visit_Dict(self, node):
        for key, value in zip(node.keys, node.values):
            for name in strings(key) if key is not None and kind(key) != "IfExp" else ():
                self.add("item", name, value)
        self.generic_visit(node)

    def visit_Compare(self, node):
        if len(node.ops) == 1 and kind(node.ops[0]) == "Eq":
            name = kind(node.left)
            if name in ("Name", "Attribute"):
                self.add("equal", self.mangled(node.left.id if name == "Name" else node.left.attr), node.comparators[0])
        self.generic_visit(node)

    def visit_ClassDef(self, node):
        for keyword in getattr(node, "keywords", ()):
            if keyword.arg:
                self.add("keyword", keyword.arg, keyword.value)
        for one in node.decorator_list + node.bases:
            self.visit(one)
        self.classes.append(node.name)
        for one in node.body:
            self.visit(one)
        self.classes.pop()

    def function(self, node):
        arguments = node.args
        names = [getattr(one, "arg", getattr(one, "id", "")) for one in getattr(arguments, "posonlyargs", [])]
        names += [getattr(one, "arg", getattr(one, "id", "")) for one in arguments.args]
        defaults = arguments.defaults
        for name, value in zip(names[len(names) - len(defaults) :], defaults):
            self.add("default", self.mangled(name), value)
        for one, value in zip(getattr(arguments, "kwonlyargs", ()), getattr(arguments, "kw_defaults", ())):
            if value is not None:
                self.add("default", self.mangled(one.arg), value)
        self.generic_visit(node)

    visit_FunctionDef = visit_AsyncFunctionDef = visit_Lambda = function


def told(value):
    """The type, and the bytes (UTF-8, with lone surrogates) as characters, which JSON leaves as they are."""
    if isinstance(value, bytes):
        return ["b", value.decode("latin-1")]
    how = "surrogatepass" if sys.version_info >= (3, 0) else "strict"
    return ["t", value.encode("utf-8", how).decode("latin-1")]


def files(folders):
    for folder in folders:
        for path, names, members in os.walk(folder):
            names[:] = sorted(name for name in names if name not in ("site-packages", "__pycache__"))
            for member in sorted(members):
                if member.endswith(".py"):
                    yield os.path.join(path, member)


def main():
    sys.setrecursionlimit(20000)
    for path in files(sys.argv[1:]):
        with open(path, "rb") as file:
            source = file.read()
        try:
            tree = ast.parse(source, path)
            code = compile(source, path, "exec", 0, True)
        except (SyntaxError, ValueError, TypeError, UnicodeError, MemoryError, RuntimeError):
            continue
        prune(tree)
        pairs = Pairs()
        pairs.visit(tree)
        print(
            json.dumps(
                {
                    "path": path,
                    "size": len(source),
                    "code": base64.b64encode(marshal.dumps(code)).decode("ascii"),
                    "pairs": [(how, told(name)[1], told(value), line) for how, name, value, line in pairs.found],
                }
            )
        )


if __name__ == "__main__":
    main()
