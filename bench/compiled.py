"""Compile every `.py` below a folder to a `.pyc` below another one, with the interpreter that runs this.

    python2.7 bench/compiled.py SOURCES COMPILED

Runs in Python 2.7 and all later versions. It compiles, and executes nothing of what it compiles.
"""

from __future__ import print_function

import os
import py_compile
import sys


def main():
    sources, compiled = sys.argv[1:3]
    for folder, _, names in os.walk(sources):
        target = os.path.join(compiled, os.path.relpath(folder, sources))
        if not os.path.isdir(target):
            os.makedirs(target)
        for name in names:
            path = os.path.join(folder, name)
            py_compile.compile(path, os.path.join(target, name + "c"), name, True)


if __name__ == "__main__":
    main()
