"""Products of matrices whose numbers are vectors, one entry for each trajectory of a group.

Numba has no such numbers, so the two products that the population loop needs are spelled out as instructions. They
are done in tiles of at most 4 × 4 sums that stay in registers until they are complete; sixteen sums at a time hide
the latency of an addition. No instruction mixes the entries of a vector, so trajectories cannot touch each other.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator
from typing import Any

TILES = (4, 2, 1)


def gram_of(gram, x, group, t):  # type: ignore[no-untyped-def]
    """For compiled code: gram ← −XᵀX.

    Arrays are C-contiguous float64 with the entries of the vectors as their last axis: X (groups, 2, n, k, ·) with
    the iterates of even and of odd t, so that no step overwrites what it reads; gram (k, k, ·).
    """


def step_of(gram, x, other, spectrum, eta, group, t):  # type: ignore[no-untyped-def]
    """For compiled code: next X ← X + η_t (Σ·other + X·gram), Σ (groups, n, ·) diagonal, η (groups, T, ·).

    The bracket is complete before it meets X. Near the truth it is a small difference of large terms; added to X
    one by one they would round X at every term, and the run would stop farther from the truth.
    """


@functools.cache
def length() -> int:
    """Entries of a vector: what the widest register of this machine holds, or two of them where they are short."""
    from llvmlite import binding

    return 8 if binding.get_host_cpu_features().get("avx512f") else 4


@functools.cache
def teach() -> None:
    """Tell numba what the two products are."""
    from llvmlite import ir
    from numba.core import types
    from numba.extending import lower_builtin, type_callable

    vector = ir.VectorType(ir.DoubleType(), length())

    @lower_builtin(gram_of, *[types.Array] * 2, *[types.Integer] * 2)
    def emit_gram(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        code = _Code(context, builder, vector, signature, arguments)
        gram, x = code.arrays
        rows, columns = code.sides(x)[2:4]
        for a in code.tiles(code.number(0), columns):
            for b in code.tiles(a[0], columns):
                sums = code.sums(
                    dict.fromkeys(itertools.product(a, b), vector(None)),
                    rows,
                    lambda i, column: code.load(x, code.group, code.now, i, column),
                    lambda i, column: code.load(x, code.group, code.now, i, column),
                )
                for (p, q), total in sums.items():
                    minus = builder.fneg(total)
                    code.store(minus, gram, p, q)
                    code.store(minus, gram, q, p)
        return context.get_dummy_value()

    @lower_builtin(step_of, *[types.Array] * 5, *[types.Integer] * 2)
    def emit_step(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        code = _Code(context, builder, vector, signature, arguments)
        gram, x, other, spectrum, eta = code.arrays
        rows, columns = code.sides(x)[2:4]
        size = code.load(eta, code.group, code.t)
        for i in code.tiles(code.number(0), rows):
            sigma = {p: code.load(spectrum, code.group, p) for p in i}
            for b in code.tiles(code.number(0), columns):
                start = {
                    (p, q): builder.fmul(sigma[p], code.load(other, code.group, code.now, p, q))
                    for p, q in itertools.product(i, b)
                }
                sums = code.sums(
                    start,
                    columns,
                    lambda a, row: code.load(x, code.group, code.now, row, a),
                    lambda a, column: code.load(gram, a, column),
                )
                for (p, q), total in sums.items():
                    moved = code.plus_product(code.load(x, code.group, code.now, p, q), size, total)
                    code.store(moved, x, code.group, code.next, p, q)
        return context.get_dummy_value()

    type_callable(gram_of)(lambda context: lambda gram, x, group, t: types.none)
    type_callable(step_of)(lambda context: lambda gram, x, other, spectrum, eta, group, t: types.none)


class _Code:
    """The instructions of one product, written one after the other."""

    def __init__(self, context: Any, builder: Any, vector: Any, signature: Any, arguments: Any) -> None:
        self.builder, self.vector = builder, vector
        *arrays, self.group, self.t = arguments
        kinds = signature.args[: len(arrays)]
        self.arrays = [context.make_array(t)(context, builder, a) for t, a in zip(kinds, arrays, strict=True)]
        self.now = builder.and_(self.t, self.number(1))
        self.next = builder.xor(self.now, self.number(1))

    def number(self, value: int) -> Any:
        return self.t.type(value)

    def sides(self, array: Any) -> list[Any]:
        return [self.builder.extract_value(array.shape, i) for i in range(array.shape.type.count)]

    def load(self, array: Any, *index: Any) -> Any:
        return self.builder.load(self._place(array, *index), align=8)

    def store(self, value: Any, array: Any, *index: Any) -> None:
        self.builder.store(value, self._place(array, *index), align=8)

    def _place(self, array: Any, *index: Any) -> Any:
        flat = self.number(0)
        for i, side in zip(index, self.sides(array)[:-1], strict=True):
            flat = self.builder.add(self.builder.mul(flat, side), i)
        return self.builder.gep(self.builder.bitcast(array.data, self.vector.as_pointer()), [flat])

    def plus_product(self, total: Any, a: Any, b: Any) -> Any:
        """total + ab, rounded once."""
        return self.builder.fadd(total, self.builder.fmul(a, b, flags=["contract"]), flags=["contract"])

    def tiles(self, begin: Any, end: Any) -> Iterator[list[Any]]:
        """The indices from `begin` to `end`, four at a time while they last, then two, then one."""
        from numba.core.cgutils import for_range_slice

        for size in TILES:
            whole = self.builder.and_(self.builder.sub(end, begin), self.number(-size))
            stop = self.builder.add(begin, whole)
            with for_range_slice(self.builder, begin, stop, self.number(size), self.t.type) as (first, _):
                yield [self.builder.add(first, self.number(i)) for i in range(size)]
            begin = stop

    def sums(
        self,
        start: dict[tuple[Any, Any], Any],
        count: Any,
        left: Callable[..., Any],
        right: Callable[..., Any],
    ) -> dict[tuple[Any, Any], Any]:
        """start(p, q) + Σ_l left(l, p)·right(l, q) for the places (p, q) of a tile."""
        from numba.core.cgutils import alloca_once_value, for_range

        totals = {place: alloca_once_value(self.builder, value) for place, value in start.items()}
        with for_range(self.builder, count) as loop:
            first = {p: left(loop.index, p) for p, _ in totals}
            second = {q: right(loop.index, q) for _, q in totals}
            for (p, q), total in totals.items():
                value = self.plus_product(self.builder.load(total), first[p], second[q])
                self.builder.store(value, total)
        return {place: self.builder.load(total) for place, total in totals.items()}
