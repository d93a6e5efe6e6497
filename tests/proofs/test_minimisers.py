"""Exact minimisers have the ranks and spectra they claim."""

from fractions import Fraction
from random import Random

import pytest

from lowrank_core.proofs.matrices import diagonal, gram, matmul, rank, transpose
from lowrank_core.proofs.minimisers import Shape, draw, rational_orthogonal


@pytest.mark.parametrize("n", [1, 2, 5])
def test_rational_orthogonal(n):
    q = rational_orthogonal(Random(0), n)
    assert gram(q) == diagonal([1] * n)


@pytest.mark.parametrize("shape", [Shape(5, 4, 3, 1, 3, 1), Shape(5, 5, 4, 2, 3, 3), Shape(4, 4, 4, 2, 2, 4)])
def test_draw(shape):
    point = draw(0, shape)
    f, g = point.f.matrix, point.g.matrix
    assert (len(f), len(g), len(f[0]), len(g[0])) == (shape.n1, shape.n2, shape.k, shape.k)
    assert (rank(f), rank(g), rank(point.truth)) == (shape.rank_left, shape.rank_right, shape.r)
    for svd in point:
        assert matmul(gram(transpose(svd.matrix)), svd.right) == matmul(svd.right, diagonal(svd.spectrum))
    left, right = gram(transpose(f)), gram(transpose(g))
    if shape.r < shape.rank_left or shape.r < shape.rank_right:
        assert matmul(left, right) != matmul(right, left)
    assert point.imbalance == [
        [a - b for a, b in zip(p, q, strict=True)] for p, q in zip(left, right, strict=True)
    ]


def test_scaled():
    svd = draw(0, Shape(3, 3, 2, 1, 2, 1)).f
    assert svd.scaled(Fraction(1, 2)).matrix == [[x / 2 for x in row] for row in svd.matrix]
