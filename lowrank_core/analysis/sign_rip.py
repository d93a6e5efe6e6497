"""Sign-RIP: how far the sub-gradient of the ℓ1 loss is from its expectation.

For y = A(M*) + s the sub-gradient at X = UUᵀ − M* is Q(X) = (1/m) Σ sign(⟨Aᵢ, X⟩ − sᵢ) Aᵢ. For Gaussian Aᵢ and
s independent of A its expectation is φ(X) X/‖X‖_F, and Sign-RIP of rank k with constant δ (Ma & Fattahi 2023,
Definitions 6 and 7, JMLR p. 12) says that ⟨Q(X) − φ(X) X/‖X‖_F, Y⟩ ≤ φ(X) δ for all X ≠ 0 and all unit Y of rank
at most k. (The paper also admits X and Y that are only near rank k; what is computed here is then a lower bound.)

For one X the supremum over Y is exact, `largest_pairing`; the supremum over X can only be searched, `search`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, get_args

import torch

from lowrank_core.errors import ArgumentError, require
from lowrank_core.noise import Gaussian, Mixed, Noise, Outliers
from lowrank_core.randomness import normal
from lowrank_core.sensing.operator import MeasurementOperator

Pairing = Literal["all Y", "symmetric Y"]
"""Over which unit matrices Y of rank at most k the supremum is taken."""
PAIRINGS: tuple[Pairing, ...] = get_args(Pairing)

CLEAN = math.sqrt(2 / math.pi)
"""φ without noise: the mean of |N(0, 1)|."""


def _student_t(ratio: torch.Tensor) -> torch.Tensor:
    b = math.sqrt(1.5) * ratio
    return (1 - 2 * b.square()) * torch.special.erfcx(b) + 2 / math.sqrt(math.pi) * b


ATTENUATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "gaussian": lambda ratio: (1 + ratio.square()).rsqrt(),
    "rademacher": lambda ratio: (-ratio.square() / 2).exp(),
    "constant": lambda ratio: (-ratio.square() / 2).exp(),
    "cauchy": lambda ratio: torch.special.erfcx(ratio / math.sqrt(2)),
    "student-t": _student_t,
}
"""Law -> E exp(−(ratio·z)²/2) for z of that law, in closed form; ratio is outlier scale over ‖X‖_F."""


class _Part(NamedTuple):
    """With probability p, an error of this scale and law."""

    p: float
    scale: float
    law: str


def scaling(norm: torch.Tensor, noise: Noise | None) -> torch.Tensor:
    """φ as a function of ‖X‖_F: √(2/π) E exp(−s²/(2‖X‖_F²)), for Gaussian measurements and s independent of A.

    Source: JMLR p. 13 and Lemma 46 (p. 43) for outliers and for Gaussian noise. That s may have any mean, and
    the closed forms for the laws of `noise.LAWS` and for mixtures, are derived here.

    Args:
        norm: ‖X‖_F > 0, any shape.
        noise: the law of s; of several parts at most one may be outliers of a law that is not Gaussian.

    Returns:
        φ in (0, √(2/π)], the shape of `norm`.

    Raises:
        ArgumentError: norms that are not positive; noise that depends on A, or of which no closed form is known.
    """
    require(
        bool((norm > 0).all()),
        "norm",
        float(norm.min()),
        "φ is defined for X ≠ 0 only",
        "leave out matrices of norm zero",
    )
    parts = sorted(_parts(noise), key=lambda part: part.law == "gaussian", reverse=True)
    return CLEAN * _attenuation(norm, parts)


def _parts(noise: Noise | None) -> list[_Part]:
    if noise is None:
        return []
    if isinstance(noise, Mixed):
        return [one for part in noise.parts for one in _parts(part)]
    if isinstance(noise, Gaussian):
        return [_Part(1.0, noise.scale, "gaussian")]
    if isinstance(noise, Outliers):
        return [_Part(noise.p, noise.scale, noise.law)]
    raise ArgumentError(
        "noise",
        noise,
        "φ is known for noise that is independent of A: Gaussian, Outliers and Mixed of these",
        "use one of them, or None",
    )


def _attenuation(norm: torch.Tensor, parts: Sequence[_Part]) -> torch.Tensor:
    """E exp(−s²/(2 norm²)) for the sum s of the parts, Gaussian ones first."""
    if not parts:
        return torch.ones_like(norm)
    (p, scale, law), rest = parts[0], parts[1:]
    if law == "gaussian":
        # Adding N(0, scale²) to s is going from norm to √(norm² + scale²), up to the ratio of the two.
        wider = (norm.square() + scale**2).sqrt()
        hit = norm / wider * _attenuation(wider, rest)
    else:
        require(
            not rest,
            "noise",
            [part.law for part in parts],
            "no closed form of φ is known for several parts that are not Gaussian",
            "put all outliers into one part",
        )
        hit = ATTENUATIONS[law](scale / norm)
    return (1 - p) * _attenuation(norm, rest) + p * hit


def subgradient(
    operator: MeasurementOperator, matrix: torch.Tensor, errors: torch.Tensor | None = None
) -> torch.Tensor:
    """Q(X) = w A*(sign(A(X) − s)) with sign(0) = 0 (JMLR p. 12, eq. 7): (B, n1, n2).

    Args:
        matrix: X, (B, n1, n2).
        errors: s, (B, m); None if there are none.

    Raises:
        ArgumentError: a matrix or errors that do not fit the operator.
    """
    operator.check_matrix(matrix)
    # The slope at the factors X and I, which an operator may find in one pass over its entries.
    identity = torch.eye(matrix.shape[-1], dtype=matrix.dtype, device=matrix.device).expand(
        len(matrix), -1, -1
    )
    errors = matrix.new_zeros(len(matrix), operator.m) if errors is None else errors
    try:
        return operator.slope(matrix, identity, errors, "l1", with_value=False)[1]
    except ArgumentError as error:
        raise error.renamed({"y": "errors"}) from None


def deviation(
    operator: MeasurementOperator, matrix: torch.Tensor, errors: torch.Tensor | None, noise: Noise | None
) -> torch.Tensor:
    """Q(X)/φ(X) − X/‖X‖_F, (B, n1, n2): what Sign-RIP bounds, in its own units.

    Args:
        matrix: X ≠ 0, (B, n1, n2).
        errors: s, (B, m), or None.
        noise: the law of s, for φ.
    """
    norm = matrix.norm(dim=(-2, -1), keepdim=True)
    return subgradient(operator, matrix, errors) / scaling(norm, noise) - matrix / norm


def largest_pairing(matrix: torch.Tensor, rank: int, over: Pairing) -> torch.Tensor:
    """max ⟨D, Y⟩ over unit Y of rank at most k, exactly: (B, n1, n2) -> (B,).

    Over all Y it is the Ky Fan 2-k norm (Σ_{i≤k} ς_i²)^(1/2) of the singular values, over symmetric Y the same of
    the eigenvalues of (D + Dᵀ)/2, largest in modulus first. Derived here (Eckart & Young).

    Raises:
        ArgumentError: unknown `over`, rank outside 1..min(n1, n2).
    """
    require(over in ("all Y", "symmetric Y"), "over", over, "unknown set", 'use "all Y" or "symmetric Y"')
    require(
        1 <= rank <= min(matrix.shape[-2:]),
        "rank",
        rank,
        f"unit matrices of shape {tuple(matrix.shape[-2:])} have rank 1 to {min(matrix.shape[-2:])}",
        "use a rank in this range",
    )
    if over == "all Y":
        values = torch.linalg.svdvals(matrix)
    else:
        values = torch.linalg.eigvalsh((matrix + matrix.mT) / 2).abs()
    return values.sort(dim=-1, descending=True).values[..., :rank].norm(dim=-1)


class Search(NamedTuple):
    """What a search for the supremum over X found.

    Attributes:
        first: the deviation at the start, (B,).
        found: the largest deviation met, (B,): a lower bound of the supremum.
        matrix: the X at which it was met, (B, n, n).
    """

    first: torch.Tensor
    found: torch.Tensor
    matrix: torch.Tensor


def search(
    operator: MeasurementOperator,
    start: torch.Tensor,
    errors: torch.Tensor | None,
    noise: Noise | None,
    rank: int,
    over: Pairing,
    rounds: int,
    seeds: Sequence[int],
) -> Search:
    """Climb from a symmetric X of rank at most k to others of the same norm with a larger deviation.

    Q is piecewise constant in X, so each round steps along the gradient of a smoothed deviation, disturbed a little
    at random, and keeps the step if the true deviation grows. Different `seeds` make restarts of the same
    measurements, and their spread tells how far the search can be trusted.

    Args:
        start: symmetric X ≠ 0 of rank at most k, (B, n, n).
        errors, noise: s, (B, m), and its law, or None.
        rounds: number of steps tried.
        seeds: one per trajectory, for the disturbances.
    """
    norm = start.norm(dim=(-2, -1), keepdim=True)
    phi = scaling(norm, noise)
    matrix, gap = start, deviation(operator, start, errors, noise)
    first = best = largest_pairing(gap, rank, over)
    length = torch.full_like(norm, 0.5)
    for tried in range(rounds):
        step = _ascent(operator, matrix, errors, _partner(gap, rank, over), phi)
        random = normal(seeds, f"sign-rip search {tried}", *start.shape[1:], device=start.device)
        step = _unit(step + step.mT) + DISTURBANCE * _unit(random + random.mT)
        proposal = norm * _unit(truncated(matrix + length * norm * step, rank))
        proposed_gap = deviation(operator, proposal, errors, noise)
        value = largest_pairing(proposed_gap, rank, over)
        better = (value > best)[:, None, None]
        best = torch.maximum(best, value)
        matrix, gap = torch.where(better, proposal, matrix), torch.where(better, proposed_gap, gap)
        # Longer after a success, shorter after a failure: in balance at one success in five.
        length = length * torch.where(better, 1.5, 1.5**-0.25)
    return Search(first, best, matrix)


SMOOTHING = 0.3
"""Width of the smoothed sign in `search`, in units of ‖X‖_F: enough measurements must lie within it."""
DISTURBANCE = 0.3
"""Size of the random part of a step of `search`."""


def _ascent(
    operator: MeasurementOperator,
    matrix: torch.Tensor,
    errors: torch.Tensor | None,
    partner: torch.Tensor,
    phi: torch.Tensor,
) -> torch.Tensor:
    """The gradient in X of ⟨Q(X)/φ − X/‖X‖_F, Y⟩ at fixed norm, with sign(u) smoothed to erf(u/(√2 width))."""
    norm = matrix.norm(dim=(-2, -1), keepdim=True)
    width = SMOOTHING * norm[:, :, 0]
    residual = operator.forward(matrix)
    residual = residual if errors is None else residual - errors
    slope = CLEAN / width * (-(residual / width).square() / 2).exp()
    gained = operator.weight * operator.adjoint(slope * operator.forward(partner))
    return gained / phi - partner / norm


def _partner(gap: torch.Tensor, rank: int, over: Pairing) -> torch.Tensor:
    """The unit Y at which `largest_pairing` is attained."""
    if over == "symmetric Y":
        return _unit(truncated((gap + gap.mT) / 2, rank))
    left, values, right = torch.linalg.svd(gap, full_matrices=False)
    return _unit((left * values[:, None, :])[:, :, :rank] @ right[:, :rank])


def truncated(matrix: torch.Tensor, rank: int) -> torch.Tensor:
    """The symmetric matrix with all but the k eigenvalues of largest modulus dropped."""
    values, vectors = torch.linalg.eigh(matrix)
    threshold = values.abs().sort(dim=-1, descending=True).values[:, rank - 1 : rank]
    return (vectors * torch.where(values.abs() >= threshold, values, 0.0)[:, None, :]) @ vectors.mT


def _unit(matrix: torch.Tensor) -> torch.Tensor:
    return matrix / matrix.norm(dim=(-2, -1), keepdim=True)
