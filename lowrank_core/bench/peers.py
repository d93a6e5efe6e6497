"""What one would write or install otherwise, frozen: the other side of every comparison.

The data are those of an operator of `lowrank_core`: A as an (m, n²) matrix of full rows, y (m,), X (n, k), and the
loss f(X) = ‖A(XXᵀ) − y‖² / (4m). Nothing here is tuned to lose: the same start and step, no history, no checks.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch

from lowrank_core.sensing import Dense
from lowrank_core.sensing.dense import Packing

Descent = Callable[[], torch.Tensor]


def installed(*modules: str) -> bool:
    """Whether these optional packages are there; says so on standard error where they are not."""
    absent = [module for module in modules if find_spec(module) is None]
    if absent:
        print(f"{', '.join(absent)} not installed: no rows against it", file=sys.stderr)
    return not absent


def full(operator: Dense) -> torch.Tensor:
    """The rows vec(Aᵢ) of symmetric measurements, (m, n²) float64, unpacked entry by entry."""
    n = operator.shape[0]
    rows, columns = np.triu_indices(n)
    place = np.empty((n, n), dtype=np.int64)
    place[rows, columns] = place[columns, rows] = np.arange(len(rows))
    scale = torch.from_numpy(np.where(np.eye(n) == 1, 1.0, np.sqrt(0.5))).flatten()
    flat = torch.from_numpy(place).flatten()
    out = torch.empty(operator.m, n * n, dtype=torch.float64)
    for begin in range(0, operator.m, 256):
        block = slice(begin, begin + 256)
        torch.mul(operator.entries[block].double().index_select(1, flat), scale, out=out[block])
    return out


# --- One gradient --------------------------------------------------------------------------------------


@torch.no_grad()
def matvec(a: torch.Tensor, y: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """The gradient by two products with the full matrix."""
    z = a @ (x @ x.T).flatten() - y
    return (a.T @ z).view(x.shape[0], -1) @ x / len(y)


@torch.no_grad()
def einsum(a: torch.Tensor, y: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """The gradient as the formula is written, by einsum over (m, n, n)."""
    stack = a.view(-1, x.shape[0], x.shape[0])
    z = torch.einsum("mij,ij->m", stack, x @ x.T) - y
    return torch.einsum("m,mij->ij", z, stack) @ x / len(y)


@torch.no_grad()
def columns(entries: torch.Tensor, y: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Gradients (B, n, k) of y (B, m) with packed rows (m, p), a trajectory in every column of the products."""
    packing = Packing(x.shape[1], x.device, x.dtype)
    v = packing.pack(x @ x.mT).T.contiguous()
    z = entries @ v - y.T
    return packing.unpack((entries.T @ z).T) @ x / len(entries)


def autograd(a: torch.Tensor, y: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """The gradient by backpropagation."""
    x = x.detach().requires_grad_()
    loss = (a @ (x @ x.T).flatten() - y).square().sum() / (4 * len(y))
    loss.backward()
    assert x.grad is not None
    return x.grad


def numpy_gradient(a: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The gradient by two products with the full matrix."""
    z = a @ (x @ x.T).ravel() - y
    return (z @ a).reshape(x.shape[0], -1) @ x / len(y)


def jax_gradient(a: torch.Tensor, y: torch.Tensor) -> Callable[[Any], Any]:
    """The compiled derivative of the loss as a function of X."""
    jax = _jax()
    matrix, target = jax.numpy.asarray(a.numpy()), jax.numpy.asarray(y.numpy())

    def loss(x: Any) -> Any:
        return ((matrix @ (x @ x.T).ravel() - target) ** 2).sum() / (4 * len(target))

    return jax.jit(jax.grad(loss))


# --- Whole runs of gradient descent --------------------------------------------------------------------


def torch_sgd(a: torch.Tensor, y: torch.Tensor, x: torch.Tensor, eta: float, steps: int) -> torch.Tensor:
    """Backpropagation and torch's optimiser."""
    x = x.clone().requires_grad_()
    optimiser = torch.optim.SGD([x], lr=eta)
    for _ in range(steps):
        optimiser.zero_grad()
        loss = (a @ (x @ x.T).flatten() - y).square().sum() / (4 * len(y))
        loss.backward()
        optimiser.step()
    return x.detach()


def torch_explicit(a: torch.Tensor, y: torch.Tensor, x: torch.Tensor, eta: float, steps: int) -> torch.Tensor:
    for _ in range(steps):
        x = x - eta * matvec(a, y, x)
    return x


def numpy_descent(a: torch.Tensor, y: torch.Tensor, x: torch.Tensor, eta: float, steps: int) -> torch.Tensor:
    matrix, target, iterate = a.numpy(), y.numpy(), x.numpy()
    for _ in range(steps):
        iterate = iterate - eta * numpy_gradient(matrix, target, iterate)
    return torch.from_numpy(iterate)


def jax_descent(a: torch.Tensor, y: torch.Tensor, x: torch.Tensor, eta: float, steps: int) -> Descent:
    """The whole loop compiled by jax; the compilation falls into the first call."""
    jax = _jax()
    gradient, start = jax_gradient(a, y), jax.numpy.asarray(x.numpy())
    loop = jax.jit(lambda x: jax.lax.fori_loop(0, steps, lambda _, x: x - eta * gradient(x), x))
    return lambda: torch.from_numpy(np.array(loop(start)))


def pymanopt_run(
    a: torch.Tensor, y: torch.Tensor, x: torch.Tensor, manifold: str, optimiser: str, below: float
) -> Descent:
    """A run of pymanopt until the loss falls below `below`, or 10 s are over.

    Args:
        manifold: "Euclidean" or "PSDFixedRank".
        optimiser: "ConjugateGradient" or "TrustRegions".
    """
    import pymanopt
    import pymanopt.manifolds

    matrix, target, start = a.numpy(), y.numpy(), x.numpy()
    space = getattr(pymanopt.manifolds, manifold)(*start.shape)

    def residual(x: np.ndarray) -> np.ndarray:
        return matrix @ (x @ x.T).ravel() - target

    def back(z: np.ndarray) -> np.ndarray:
        return (z @ matrix).reshape(len(start), -1) / len(target)

    @pymanopt.function.numpy(space)
    def cost(x: np.ndarray) -> float:
        z = residual(x)
        value = float(z @ z) / (4 * len(target))
        if value < below:
            raise _Reached(x)
        return value

    @pymanopt.function.numpy(space)
    def gradient(x: np.ndarray) -> np.ndarray:
        return back(residual(x)) @ x

    @pymanopt.function.numpy(space)
    def hessian(x: np.ndarray, d: np.ndarray) -> np.ndarray:
        half = x @ d.T
        return back(residual(x)) @ d + back(matrix @ (half + half.T).ravel()) @ x

    problem = pymanopt.Problem(space, cost, euclidean_gradient=gradient, euclidean_hessian=hessian)
    solver = getattr(pymanopt.optimizers, optimiser)(
        verbosity=0, max_iterations=100_000, max_time=10, min_gradient_norm=1e-300, min_step_size=1e-300
    )

    def run() -> torch.Tensor:
        try:
            return torch.from_numpy(solver.run(problem, initial_point=start.copy()).point)
        except _Reached as reached:
            return torch.from_numpy(reached.args[0])

    return run


class _Reached(Exception):
    """The loss has fallen as far as was asked."""


def cvxpy_program(a: torch.Tensor, y: torch.Tensor, solver: str, **options: float) -> Descent:
    """The least trace of a positive semidefinite matrix with these measurements."""
    import cvxpy

    n = int(a.shape[1] ** 0.5)

    def run() -> torch.Tensor:
        matrix = cvxpy.Variable((n, n), PSD=True)
        seen = a.numpy() @ cvxpy.vec(matrix, order="C") == y.numpy()
        with warnings.catch_warnings():
            # "May be inaccurate": how far it is off is in the name of the row.
            warnings.simplefilter("ignore", UserWarning)
            cvxpy.Problem(cvxpy.Minimize(cvxpy.trace(matrix)), [seen]).solve(solver=solver, **options)
        return torch.from_numpy(np.asarray(matrix.value))

    return run


# --- Population loss -----------------------------------------------------------------------------------


@torch.no_grad()
def eager_population(x: torch.Tensor, truth: torch.Tensor, eta: float, steps: int) -> torch.Tensor:
    """X ← X − η(XXᵀ − M*)X as one writes it, one trajectory at full size."""
    for _ in range(steps):
        x = x - eta * (x @ x.T - truth) @ x
    return x


def _jax() -> Any:
    # One thread, as for all others, and float64, which is not jax's default; both are read when it starts.
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    import jax

    jax.config.update("jax_enable_x64", True)
    return jax
