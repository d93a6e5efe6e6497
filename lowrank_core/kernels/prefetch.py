"""Asking for memory before it is read, which compiled Python has no word for."""

from __future__ import annotations

import functools


def fetch(array, j):  # type: ignore[no-untyped-def]
    """For compiled code: have entry j of a contiguous array on its way to the second cache, without waiting for it.

    An entry past the end is no error: at worst nothing is fetched.
    """


@functools.cache
def teach() -> None:
    """Tell numba what `fetch` is."""
    from llvmlite import ir
    from numba.core import types
    from numba.extending import lower_builtin, type_callable

    number, pointer = ir.IntType(32), ir.IntType(8).as_pointer()
    reading, second_cache, data = number(0), number(2), number(1)

    @lower_builtin(fetch, types.Array, types.Integer)
    def emit(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        place = builder.bitcast(builder.gep(array.data, [arguments[1]]), pointer)
        kind = ir.FunctionType(ir.VoidType(), [pointer, number, number, number])
        instruction = builder.module.declare_intrinsic("llvm.prefetch", [pointer], kind)
        builder.call(instruction, [place, reading, second_cache, data])
        return context.get_dummy_value()

    type_callable(fetch)(lambda context: lambda array, j: types.none)
