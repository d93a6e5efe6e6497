"""Measures of what is left of a symbolic identity."""

from __future__ import annotations

from typing import Any


def term_count(expression: Any) -> int:
    """The number of terms of a sympy expression after expansion, 0 for the expression zero."""
    import sympy

    expanded = sympy.expand(expression)
    return 0 if expanded == 0 else len(sympy.Add.make_args(expanded))


def characteristic(matrix: Any, x: Any) -> Any:
    """`det(xI - matrix)` as an expression in the symbol `x`."""
    return matrix.charpoly(x).as_expr(x)
