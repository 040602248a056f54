"""`Uses`: on which line a code object first uses a name or a constant."""

from __future__ import annotations

from pitviper.bytecode.code import Code
from pitviper.bytecode.lines import Lines
from pitviper.bytecode.opcodes import UNKNOWN, table

_MOST = 200_000
_OF_CONSTANTS = frozenset(("LOAD_CONST", "RETURN_CONST", "KW_NAMES", "LOAD_CONST_IMMORTAL"))
_SHIFTS = {("LOAD_GLOBAL", 11): 1, ("LOAD_ATTR", 12): 1, ("LOAD_SUPER_ATTR", 12): 2, ("IMPORT_NAME", 15): 2}
"""By how many bits the number of a name is shifted, and since which version."""


class Uses:
    """Of one code object. What the instructions of a stranger say is bounded, and may be wrong."""

    def __init__(self, code: Code) -> None:
        self._code = code
        self._numbers = {name: number for number, name in reversed(list(enumerate(code.names)))}
        self._names: dict[int, int] = {}
        self._constants: dict[int, int] = {}
        self.executes = False
        """It has the statement `exec` of Python 2."""
        self._read()

    def line_of_name(self, name: str) -> int | None:
        """Where `name` is first used; for variables, and where the instructions do not tell, where the code begins."""
        return self._names.get(self._numbers.get(name, -1), self._code.firstlineno)

    def line_of_constant(self, number: int) -> int | None:
        """Where the constant with this number is first used."""
        return self._constants.get(number, self._code.firstlineno)

    def _read(self) -> None:
        code, version = self._code.code, self._code.version
        found = table(version)
        lines = Lines(self._code)
        wide = (version.major, version.minor) >= (3, 6)
        minor = version.minor if version.implementation == "cpython" and wide else 0
        position = extended = 0
        for _ in range(_MOST):
            if position >= len(code):
                break
            start, number = position, code[position]
            name, caches, _, _ = found.operations.get(number, UNKNOWN)
            if wide:
                argument = (code[position + 1] if position + 1 < len(code) else 0) | extended
                position += 2 + 2 * caches
            else:
                has_argument = number >= found.have_argument
                argument = int.from_bytes(code[position + 1 : position + 3], "little") | extended if has_argument else 0
                position += 3 if has_argument else 1
            extended = (argument << (8 if wide else 16)) & 0xFFFFFFFF if name == "EXTENDED_ARG" else 0
            if name in _OF_CONSTANTS:
                self._constants.setdefault(argument, lines.at(start) or self._code.firstlineno)
            elif name.endswith(("_NAME", "_GLOBAL", "_ATTR", "_METHOD", "IMPORT_FROM")):
                shift = next((bits for (one, since), bits in _SHIFTS.items() if one == name and minor >= since), 0)
                self._names.setdefault(argument >> shift, lines.at(start) or self._code.firstlineno)
            self.executes = self.executes or name == "EXEC_STMT"
