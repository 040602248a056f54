"""What each instruction does to an evaluation, by its name; where versions differ, that is told beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pitviper.bytecode.operations import (
    _calls,
    _displays,
    _flow,
    _functions,
    _names,
    _operators,
    _stack,
    _subscripts,
    _templates,
)
from pitviper.bytecode.operations._common import MANY, Do, nothing, tell_all
from pitviper.bytecode.values import MOST_ITEMS, NULL, UNKNOWN, Name

if TYPE_CHECKING:
    from pitviper.bytecode.evaluate import _Evaluation as Evaluation


def handler(name: str, effects: tuple[int, ...], version: tuple[int, int], *, jumps: bool, is_pypy: bool) -> Do:
    """What to do for the instruction called `name` in `version`."""
    if is_pypy and name in _IN_PYPY:
        return _IN_PYPY[name]
    found = _DO.get(name)
    if isinstance(found, tuple):
        return [do for since, do in found if since <= version][-1]
    if found is not None:
        return found
    for prefix, make in _BY_PREFIX.items():
        if name.startswith(prefix):
            return make(name.removeprefix(prefix))
    return _other(effects or (_EFFECTS.get(name, 0),) * 2, jumps=jumps)


_EFFECTS = {
    "DELETE_ATTR": -1,
    "DELETE_SUBSCR": -2,
    "IMPORT_STAR": -1,
    "END_FINALLY": -1,
    "STORE_LOCALS": -1,
    "WITH_CLEANUP": -1,
    "YIELD_FROM": -1,
}
"""What is added to the stack where the interpreter does not tell (2.7, 3.0 to 3.4, PyPy: no `dis.stack_effect`)."""


def _other(effects: tuple[int, ...], *, jumps: bool) -> Do:
    """An instruction that is only known by what it adds to the stack."""
    if not any(effects):
        return _flow.jump_if if jumps else nothing

    def do(e: Evaluation, argument: int) -> None:
        effect = effects[min(argument, len(effects) - 1)]
        if argument >= len(effects):
            effect += (effects[-1] - effects[-2]) * min(argument - len(effects) + 1, MANY)
        if effect > 0:
            e.push_all([UNKNOWN] * min(effect, MOST_ITEMS))
        elif effect < 0:
            tell_all(e, e.pops(-effect))
        if jumps:
            e.leave()

    return do


_SINCE_2, _SINCE_3 = (2, 0), (3, 0)


_DO: dict[str, Do | tuple[tuple[tuple[int, int], Do], ...]] = {
    "LOAD_CONST": _names.load_const,
    "LOAD_CONST_IMMORTAL": _names.load_const,
    "LOAD_CONST_MORTAL": _names.load_const,
    "LOAD_SMALL_INT": _names.load_small_int,
    "LOAD_COMMON_CONSTANT": _names.load_common,
    "LOAD_NAME": _names.load_name,
    "LOAD_GLOBAL": (
        (_SINCE_2, _names.load_name),
        ((3, 11), _names.load_global_3_11),
        ((3, 13), _names.load_global_3_13),
    ),
    "LOAD_FAST": _names.load_fast,
    "LOAD_FAST_BORROW": _names.load_fast,
    "LOAD_FAST_CHECK": _names.load_fast,
    "LOAD_FAST_AND_CLEAR": _names.load_fast,
    "LOAD_FAST_LOAD_FAST": _names.load_fast_two,
    "LOAD_FAST_BORROW_LOAD_FAST_BORROW": _names.load_fast_two,
    "STORE_FAST": _names.store_fast,
    "STORE_FAST_MAYBE_NULL": _names.store_fast,
    "STORE_FAST_LOAD_FAST": _names.store_fast_load_fast,
    "STORE_FAST_STORE_FAST": _names.store_fast_two,
    "LOAD_DEREF": _names.load_cell,
    "LOAD_CLOSURE": _names.load_cell,
    "LOAD_CLASSDEREF": _names.load_cell,
    "LOAD_FROM_DICT_OR_DEREF": _names.load_cell_from_dict,
    "LOAD_FROM_DICT_OR_GLOBALS": _names.load_name_from_dict,
    "STORE_DEREF": _names.store_cell,
    "STORE_NAME": _names.store_name,
    "STORE_GLOBAL": _names.store_name,
    "LOAD_LOCALS": _names.push(Name("locals()")),
    "LOAD_BUILD_CLASS": _names.push(_calls.CLASS),
    "LOAD_ASSERTION_ERROR": _names.push(Name("AssertionError")),
    "PUSH_NULL": _names.push(NULL),
    "POP_TOP": _stack.pop_top,
    "POP_ITER": ((_SINCE_2, _stack.pop_top), ((3, 15), _flow.pop_iter_3_15)),
    "END_FOR": _stack.end_for,
    "COPY": _stack.copy,
    "SWAP": _stack.swap,
    "DUP_TOP": _stack.dup(1),
    "DUP_TOP_TWO": _stack.dup(2),
    "DUP_TOPX": _stack.dup(0),
    "ROT_TWO": _stack.rotate(2),
    "ROT_THREE": _stack.rotate(3),
    "ROT_FOUR": _stack.rotate(4),
    "ROT_N": _stack.rotate(0),
    "UNPACK_SEQUENCE": _stack.unpack_sequence,
    "UNPACK_EX": _stack.unpack_ex,
    "LOAD_ATTR": ((_SINCE_2, _subscripts.load_attr), ((3, 12), _subscripts.load_attr_3_12)),
    "LOAD_METHOD": ((_SINCE_2, _subscripts.load_method), ((3, 11), _subscripts.load_method_3_11)),
    "LOOKUP_METHOD": _subscripts.load_method,
    "LOAD_SUPER_ATTR": _subscripts.load_super_attr,
    "STORE_ATTR": _subscripts.store_attr,
    "STORE_SUBSCR": _subscripts.store_subscr,
    "MATCH_KEYS": _subscripts.match_keys,
    "MATCH_CLASS": _subscripts.match_class,
    "BINARY_SUBSCR": _subscripts.binary_subscr,
    "BINARY_SLICE": _subscripts.binary_slice,
    "BUILD_SLICE": _subscripts.build_slice,
    "STORE_SLICE": _subscripts.store_slice,
    "BINARY_OP": _operators.binary_op,
    "UNARY_NEGATIVE": _operators.unary("-"),
    "UNARY_NOT": _operators.unary("not "),
    "UNARY_INVERT": _operators.unary("~"),
    "UNARY_POSITIVE": _operators.unary("+"),
    "TO_BOOL": nothing,
    "COMPARE_OP": (
        (_SINCE_2, _operators.compare(0)),
        ((3, 12), _operators.compare(4)),
        ((3, 13), _operators.compare(5)),
    ),
    "CONTAINS_OP": lambda e, argument: _operators.relate(e, "not in" if argument & 1 else "in"),
    "IS_OP": lambda e, argument: _operators.relate(e, "is not" if argument & 1 else "is"),
    "BUILD_TUPLE": _displays.build("()"),
    "BUILD_LIST": _displays.build("[]"),
    "BUILD_SET": _displays.build("{}"),
    "BUILD_MAP": ((_SINCE_2, _displays.build_map_sized), ((3, 5), _displays.build_map)),
    "STORE_MAP": _displays.store_map,
    "BUILD_CONST_KEY_MAP": _displays.build_const_key_map,
    "LIST_APPEND": ((_SINCE_2, _displays.append), (_SINCE_3, _displays.append_to_top), ((3, 1), _displays.append)),
    "SET_ADD": ((_SINCE_2, _displays.append), (_SINCE_3, _displays.append_to_top), ((3, 1), _displays.append)),
    "MAP_ADD": _displays.map_add,
    "LIST_EXTEND": _displays.extend,
    "SET_UPDATE": _displays.extend,
    "DICT_UPDATE": _displays.update,
    "DICT_MERGE": _displays.update,
    "LIST_TO_TUPLE": lambda e, _: _displays.to_tuple(e),
    "BUILD_TUPLE_UNPACK": _displays.unpack_all("()"),
    "BUILD_TUPLE_UNPACK_WITH_CALL": _displays.unpack_all("()"),
    "BUILD_LIST_UNPACK": _displays.unpack_all("[]"),
    "BUILD_SET_UNPACK": _displays.unpack_all("{}"),
    "BUILD_MAP_UNPACK": _displays.unpack_all("{:}"),
    "BUILD_MAP_UNPACK_WITH_CALL": _displays.unpack_all("{:}"),
    "BUILD_LIST_FROM_ARG": _displays.build_list_from_arg,
    "FORMAT_VALUE": _templates.format_value,
    "FORMAT_SIMPLE": _templates.format_simple,
    "FORMAT_WITH_SPEC": _templates.format_spec,
    "CONVERT_VALUE": _templates.convert,
    "BUILD_STRING": _templates.build_string,
    "BUILD_INTERPOLATION": _templates.build_interpolation,
    "BUILD_TEMPLATE": _templates.build_template,
    "CALL_FUNCTION": ((_SINCE_2, _calls.call_function_with_pairs), ((3, 6), _calls.call_function)),
    "CALL_FUNCTION_VAR": _calls.call_function_var(has_list=True, has_dict=False),
    "CALL_FUNCTION_VAR_KW": _calls.call_function_var(has_list=True, has_dict=True),
    "CALL_FUNCTION_KW": (
        (_SINCE_2, _calls.call_function_var(has_list=False, has_dict=True)),
        ((3, 6), _calls.call_function_kw),
    ),
    "CALL_FUNCTION_EX": _calls.call_function_ex,
    "CALL_METHOD": _calls.call_method,
    "CALL_METHOD_KW": _calls.call_method_kw,
    "KW_NAMES": _calls.kw_names,
    "PRECALL": nothing,
    "CALL": _calls.call_3_11,
    "CALL_KW": _calls.call_kw,
    "CALL_INTRINSIC_1": _calls.intrinsic_1,
    "CALL_INTRINSIC_2": _calls.intrinsic_2,
    "MAKE_FUNCTION": (
        (_SINCE_2, _functions.make_function_counted),
        ((3, 6), _functions.make_function),
        ((3, 13), nothing),
    ),
    "MAKE_CLOSURE": _functions.make_closure,
    "SET_FUNCTION_ATTRIBUTE": _functions.set_function_attribute,
    "BUILD_CLASS": _functions.build_class,
    "STORE_ANNOTATION": _functions.store_annotation,
    "RETURN_VALUE": _flow.return_,
    "RETURN_CONST": _flow.return_const,
    "RAISE_VARARGS": _flow.raise_,
    "YIELD_VALUE": _flow.yield_,
    "JUMP_FORWARD": _flow.jump,
    "JUMP_ABSOLUTE": _flow.jump,
    "JUMP_BACKWARD": _flow.jump_backward,
    "JUMP_BACKWARD_NO_INTERRUPT": _flow.jump_backward,
    "CONTINUE_LOOP": _flow.jump_backward,
    "JUMP_IF_TRUE_OR_POP": _flow.jump_or_pop,
    "JUMP_IF_FALSE_OR_POP": _flow.jump_or_pop,
    "JUMP_IF_TRUE": _flow.jump_if,
    "JUMP_IF_FALSE": _flow.jump_if,
    "SEND": ((_SINCE_2, _flow.send), ((3, 12), _flow.jump_if)),
    "FOR_ITER": ((_SINCE_2, _flow.for_iter), ((3, 12), _flow.for_iter_3_12)),
    "SETUP_FINALLY": _flow.setup,
    "SETUP_EXCEPT": _flow.setup,
    "SETUP_LOOP": nothing,
    "GET_ITER": ((_SINCE_2, _flow.get_iter), ((3, 15), _flow.get_iter_3_15)),
    "GET_AITER": _flow.get_iter,
    "SETUP_WITH": _flow.with_,
    "BEFORE_WITH": _flow.with_,
    "BEFORE_ASYNC_WITH": _flow.with_,
    "LOAD_SPECIAL": _flow.load_special,
    "IMPORT_NAME": _flow.import_name,
    "IMPORT_FROM": _flow.import_from,
    "PRINT_ITEM": _flow.print_item,
    "PRINT_ITEM_TO": _flow.print_item_to,
    "PRINT_EXPR": _stack.pop_top,
    "PRINT_NEWLINE_TO": _flow.pop_silently,
    "EXEC_STMT": _flow.exec_,
}


_BY_PREFIX: dict[str, Callable[[str], Do]] = {
    "BINARY_": lambda name: _operators.binary(_operators.OPERATORS.get(name, "?")),
    "INPLACE_": lambda name: _operators.binary(_operators.OPERATORS.get(name, "?") + "="),
    "POP_JUMP_": lambda _: _flow.pop_jump,
    "SLICE+": _subscripts.slice_2,
    "STORE_SLICE+": _subscripts.store_slice_2,
    "DELETE_SLICE+": _subscripts.delete_slice_2,
}


_IN_PYPY: dict[str, Do] = {"CALL_FUNCTION": _calls.call_function_with_pairs}
