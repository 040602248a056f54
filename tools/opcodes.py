"""Write the table of opcodes of the interpreter that runs this, as `pitviper.bytecode.opcodes` reads it.

    python3.13 tools/opcodes.py src/pitviper/bytecode/opcodes/

Runs in Python 2.7 and all later versions, CPython and PyPy. What it knows is in `opcode` and `dis`, and for 3.11 and
later in `_opcode` and `_opcode_metadata`.
"""

from __future__ import print_function

import dis
import io
import json
import opcode
import os
import platform
import sys

ARGUMENTS = range(4)


def caches(name):
    if hasattr(opcode, "_inline_cache_entries"):
        entries = opcode._inline_cache_entries
        return entries.get(name, 0) if isinstance(entries, dict) else entries[opcode.opmap.get(name, 0)]
    return 0


def effects(number):
    """What an instruction adds to the stack, for the first four arguments, where it does not jump."""
    effect = getattr(dis, "stack_effect", None)
    if effect is None:
        return []
    found = []
    for argument in ARGUMENTS:
        try:
            if sys.version_info >= (3, 8):
                found.append(effect(number, argument if number >= opcode.HAVE_ARGUMENT else None, jump=False))
            else:
                found.append(effect(number, argument if number >= opcode.HAVE_ARGUMENT else None))
        except ValueError:
            return []
    return found


def main():
    base = {}
    for name, variants in getattr(opcode, "_specializations", {}).items():
        base.update((variant, name) for variant in variants)
    numbers = dict(opcode.opmap)
    numbers.update(getattr(opcode, "_specialized_opmap", {}))
    operations = {}
    for name, number in numbers.items():
        if number > 255:  # of the compiler alone: no file has them
            continue
        jump = "r" if number in opcode.hasjrel else "a" if number in opcode.hasjabs else ""
        operations[number] = [base.get(name, name), caches(base.get(name, name)), jump, effects(number)]
    table = {
        "have_argument": opcode.HAVE_ARGUMENT,
        "operations": operations,
        "binary": [pair[1] for pair in getattr(opcode, "_nb_ops", [])],
        "compare": list(opcode.cmp_op),
        "common": [getattr(one, "__name__", repr(one)) for one in getattr(opcode, "_common_constants", [])],
    }
    name = "%d.%d" % sys.version_info[:2]
    if platform.python_implementation() == "PyPy":
        name = "pypy" + name
    text = json.dumps(table, sort_keys=True, separators=(",", ":"))
    with io.open(os.path.join(sys.argv[1], name + ".json"), "w", encoding="ascii") as file:
        file.write((text if isinstance(text, type(u"")) else text.decode("ascii")) + u"\n")


if __name__ == "__main__":
    main()
