r"""The best counterexample at a given point, by semidefinite programming, with a certificate from either side.

Given a candidate and a truth, which operator makes the candidate a second-order point with the smallest RIP
constant? In coordinates where the inner product is Euclidean let `e` be the error matrix, `J` the Jacobian of
the parametrisation and `C` the linear map for which the Hessian is `C(He) + JᵀHJ + R`. The program is

    minimise δ  over  H   subject to   (1 − δ)I ⪯ H ⪯ (1 + δ)I,   JᵀHe = 0,   C(He) + JᵀHJ + R ⪰ 0,

after Zhang, Sojoudi & Lavaei (2019), Theorem 8, there for a symmetric factor and in the space of `[X, Z]`, on
which it loses nothing. By duality (derived here) *any* vector `y` and any `V ⪰ 0` give a lower bound,

    δ ≥ −(tr S + ⟨V, R⟩)/‖S‖_*,    S = sym((Jy + C*(V)) eᵀ) + JVJᵀ,

with `‖·‖_*` the nuclear norm: multiply the constraints, and take the least of the Lagrangian over `H`. So the
solver is trusted for nothing: its `H` is measured again, and its multipliers are put into this formula. A first
look at `S` shows what they mean: `V` is a family of escape directions, one of which `H` must fail to bend.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch

from lowrank_core.errors import ArgumentError, require
from lowrank_core.sensing.dense import Packing

LARGEST_PROGRAM = 60
SETTINGS: dict[str, dict[str, float]] = {"CLARABEL": {}, "SCS": {"eps": 1e-9, "max_iters": 50_000}}
"""Solvers in the order of trial: the second one is asked where the first one fails or is inaccurate."""


class SolverFailed(RuntimeError):
    """Neither solver returned a point; the message says what each of them said."""


@dataclass(frozen=True)
class Counterexample:
    """What the program found, measured again.

    Attributes:
        delta: max |λ(H) − 1|, the constant that this H has on the space of the program: an upper end.
        lower: the bound that the multipliers prove: a lower end, up to rounding, whatever the solver did.
        gradient: ‖JᵀHe‖, what is left of stationarity.
        curvature: smallest eigenvalue of the Hessian, at most rounding below zero.
        normal_matrix: H in the coordinates of `sensing.Dense`, (q, q), on the whole space.
        shape: (n1, n2) of the matrices that H acts on.
        symmetric: whether it acts on symmetric matrices only.
        solver: who solved it.
        note: what went before: why the first solver was not enough, or empty.
    """

    delta: float
    lower: float
    gradient: float
    curvature: float
    normal_matrix: torch.Tensor = field(repr=False)
    shape: tuple[int, int]
    symmetric: bool
    solver: str
    note: str = ""

    @property
    def gap(self) -> float:
        """Upper end minus lower end."""
        return self.delta - self.lower


class _Program(NamedTuple):
    error: torch.Tensor  # e, (q,)
    jacobian: torch.Tensor  # J, (q, N)
    coupling: torch.Tensor  # C, (N, N, q)
    constant: torch.Tensor  # R, (N, N)


def best_counterexample(x: torch.Tensor, z: torch.Tensor) -> Counterexample:
    """The smallest δ of an operator for which X is a second-order point of ½‖A(XXᵀ − ZZᵀ)‖².

    Args:
        x: X, (n, r), in float64.
        z: Z, (n, r*).

    Raises:
        ArgumentError: X and Z with different n, XXᵀ = ZZᵀ, a span of X and Z that is too large for the solvers.
        SolverFailed: no solver returned a point.
    """
    require(
        x.ndim == 2 and z.ndim == 2 and x.shape[0] == z.shape[0],
        "x, z",
        (tuple(x.shape), tuple(z.shape)),
        "X is n × r and Z is n × r*",
        "give one pair, without a batch axis",
    )
    span = _span(torch.cat([x, z], dim=1))
    inner, truth = span.mT @ x, span.mT @ z
    packing = Packing(inner.shape[0], x.device, x.dtype)
    _check_size(packing.p)
    error = inner @ inner.mT - truth @ truth.mT
    _check_error(error)
    units = torch.eye(inner.numel(), dtype=x.dtype).reshape(-1, *inner.shape)
    jacobian = packing.pack(inner @ units.mT + units @ inner.mT).mT
    # 2⟨mat(g), VWᵀ⟩ for a pair of unit directions V, W, as a vector that multiplies g.
    products = torch.einsum("aik,bjk->abij", units, units)
    coupling = 2 * packing.pack(0.5 * (products + products.mT).flatten(0, 1)).unflatten(
        0, (-1, inner.numel())
    )
    program = _Program(
        packing.pack(error[None])[0], jacobian, coupling, torch.zeros(inner.numel(), inner.numel())
    )
    lift = Packing(x.shape[0], x.device, x.dtype)
    basis = packing.unpack(torch.eye(packing.p, dtype=x.dtype))
    embedding = lift.pack(span @ basis @ span.mT).mT
    return _solved(program, embedding, (x.shape[0], x.shape[0]), symmetric=True)


def best_counterexample_pair(
    left: torch.Tensor, right: torch.Tensor, matrix: torch.Tensor, balance: float = 0.5
) -> Counterexample:
    """The same for (U, V) and ½‖A(UVᵀ − M*)‖² + (μ/4)‖UᵀU − VᵀV‖², over operators on all n1 × n2 matrices.

    Args:
        left, right: U, (n1, r), and V, (n2, r), balanced if μ > 0: other points are not critical for any operator.
        matrix: M*, (n1, n2).
        balance: μ ≥ 0.

    Raises:
        ArgumentError: shapes that do not fit, factors that are not balanced, UVᵀ = M*, a program that is too large.
        SolverFailed: no solver returned a point.
    """
    n1, n2 = matrix.shape
    require(
        left.ndim == 2 and left.shape[0] == n1 and tuple(right.shape) == (n2, left.shape[1]),
        "left, right, matrix",
        (tuple(left.shape), tuple(right.shape), tuple(matrix.shape)),
        "U is n1 × r, V is n2 × r and M* is n1 × n2",
        "give one triple, without a batch axis",
    )
    require(balance >= 0, "balance", balance, "the weight μ is not negative", "use >= 0")
    gap = left.mT @ left - right.mT @ right
    require(
        balance == 0 or bool(gap.abs().amax() <= 1e-9 * left.square().sum()),
        "left, right",
        f"imbalance {float(gap.abs().amax()):.2g}",
        "critical points of the regularised objective are balanced, so no operator makes this one critical",
        "balance the factors, or use balance=0",
    )
    _check_size(n1 * n2)
    error = left @ right.mT - matrix
    _check_error(error)
    k = left.shape[1]
    size = (n1 + n2) * k
    d_left = torch.eye(size, dtype=left.dtype)[:, : n1 * k].reshape(size, n1, k)
    d_right = torch.eye(size, dtype=left.dtype)[:, n1 * k :].reshape(size, n2, k)
    jacobian = (d_left @ right.mT + left @ d_right.mT).flatten(1).mT
    products = torch.einsum("aik,bjk->abij", d_left, d_right)
    coupling = (products + products.transpose(0, 1)).flatten(2)
    half = left.mT @ d_left - right.mT @ d_right
    turned = (half + half.mT).flatten(1)
    program = _Program(error.flatten(), jacobian, coupling, 0.5 * balance * turned @ turned.mT)
    return _solved(program, torch.eye(n1 * n2, dtype=left.dtype), (n1, n2), symmetric=False)


def dual_bound(program: _Program, direction: torch.Tensor, weights: torch.Tensor) -> float:
    """The lower bound on δ that `y` and `V` prove; `V` is first made positive semidefinite."""
    values, vectors = torch.linalg.eigh(0.5 * (weights + weights.mT))
    weights = (vectors * values.clamp(min=0.0)) @ vectors.mT
    pulled = program.jacobian @ direction + torch.einsum("abq,ab->q", program.coupling, weights)
    outer = torch.outer(pulled, program.error)
    s = 0.5 * (outer + outer.mT) + program.jacobian @ weights @ program.jacobian.mT
    size = torch.linalg.matrix_norm(s, ord="nuc")
    if float(size) == 0:
        return 0.0
    return float(-(s.trace() + (weights * program.constant).sum()) / size)


def _solved(
    program: _Program, embedding: torch.Tensor, shape: tuple[int, int], symmetric: bool
) -> Counterexample:
    import cvxpy

    q, size = program.jacobian.shape
    error, jacobian = program.error.numpy(), program.jacobian.numpy()
    h = cvxpy.Variable((q, q), symmetric=True)
    delta = cvxpy.Variable()
    seen = h @ error
    coupled = cvxpy.reshape(program.coupling.reshape(size * size, q).numpy() @ seen, (size, size), order="C")
    identity = torch.eye(q, dtype=torch.float64).numpy()
    hessian = coupled + jacobian.T @ h @ jacobian + program.constant.numpy()
    stationary = jacobian.T @ seen == 0
    curved = 0.5 * (hessian + hessian.T) >> 0
    constraints = [h >> (1 - delta) * identity, h << (1 + delta) * identity, stationary, curved]
    problem = cvxpy.Problem(cvxpy.Minimize(delta), constraints)
    found: list[Counterexample] = []
    said: list[str] = []
    for solver in SETTINGS:
        try:
            with warnings.catch_warnings():
                # An inaccurate solution is noted below, with what it is worth.
                warnings.simplefilter("ignore", UserWarning)
                problem.solve(solver=solver, **SETTINGS[solver])
        except cvxpy.error.SolverError as failure:
            said.append(f"{solver}: {failure}")
            continue
        if h.value is None:
            said.append(f"{solver}: {problem.status}")
            continue
        duals = stationary.dual_value, curved.dual_value
        found.append(
            _measured(program, h.value, *duals, embedding, shape, symmetric, solver, "; ".join(said))
        )
        if problem.status == "optimal":
            break
        said.append(f"{solver}: {problem.status}")
    if not found:
        raise SolverFailed("; ".join(said))
    return min(found, key=lambda each: each.gap)


def _measured(
    program: _Program,
    normal_matrix: Any,
    direction: Any,
    weights: Any,
    embedding: torch.Tensor,
    shape: tuple[int, int],
    symmetric: bool,
    solver: str,
    note: str,
) -> Counterexample:
    """What a solver returned, measured: both ends of the constant and how well the constraints hold."""
    normal, y, v = (torch.as_tensor(a, dtype=torch.float64) for a in (normal_matrix, direction, weights))
    normal = 0.5 * (normal + normal.mT)
    image = normal @ program.error
    bent = program.coupling @ image + program.jacobian.mT @ normal @ program.jacobian + program.constant
    # The sign of a multiplier is a convention of the modelling library, and any sign gives a valid bound.
    lower = max(dual_bound(program, s * y.flatten(), t * v) for s in (1, -1) for t in (1, -1))
    outside = torch.eye(embedding.shape[0], dtype=torch.float64) - embedding @ embedding.mT
    return Counterexample(
        delta=float((torch.linalg.eigvalsh(normal) - 1).abs().amax()),
        lower=lower,
        gradient=float((program.jacobian.mT @ image).norm()),
        curvature=float(torch.linalg.eigvalsh(0.5 * (bent + bent.mT))[0]),
        normal_matrix=embedding @ normal @ embedding.mT + outside,
        shape=shape,
        symmetric=symmetric,
        solver=solver,
        note=note,
    )


def _span(columns: torch.Tensor) -> torch.Tensor:
    left, sizes, _ = torch.linalg.svd(columns, full_matrices=False)
    return left[:, sizes > 1e-10 * sizes[0]]


def _check_size(coordinates: int) -> None:
    require(
        coordinates <= LARGEST_PROGRAM,
        "x, z",
        f"a program with {coordinates} coordinates",
        f"the solvers take at most {LARGEST_PROGRAM}: their work grows like the sixth power",
        "use smaller ranks; matrices outside the span of X and Z cost nothing",
    )


def _check_error(error: torch.Tensor) -> None:
    if not bool((error != 0).any()):
        raise ArgumentError("x, z", "the truth itself", "there is no error to hide", "use another point")
