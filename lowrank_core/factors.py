"""Factors X or (F, G) of the iterate, and the starts from which methods begin.

All starts draw Gaussian matrices with entries of variance 1/n, so that ‖X₀‖ ≈ α(1 + √(k/n)) and `scale` α means
the same thing at every size. A *small* start is one with α ≪ √σ_r, a *large* one has α of order one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch

from lowrank_core import inputs
from lowrank_core.device import resolve_device, resolve_dtype
from lowrank_core.errors import require, require_finite
from lowrank_core.randomness import normal, orthonormal
from lowrank_core.recipe import recorded

if TYPE_CHECKING:
    from lowrank_core.sensing.operator import MeasurementOperator

SMALLEST_SCALE = 1e-150
"""Below it α² nears the smallest normal float64, and XXᵀ would silently lose its digits or become zero."""


class _Sides(NamedTuple):
    left: torch.Tensor
    right: torch.Tensor | None = None


class Factors(_Sides):
    """The iterate: X with M = XXᵀ if `right` is None, else (F, G) with M = FGᵀ.

    A tuple, and a class of its own so that a start can hold its recipe.

    Attributes:
        left: X or F, (B, n1, k).
        right: G, (B, n2, k), or None.
    """

    @property
    def symmetric(self) -> bool:
        """Whether there is one factor, X, and the product is X Xᵀ."""
        return self.right is None

    @property
    def search_rank(self) -> int:
        """k, the number of columns."""
        return self.left.shape[-1]

    @property
    def batch(self) -> int:
        """How many starts or iterates there are."""
        return self.left.shape[0]

    def product(self) -> torch.Tensor:
        """XXᵀ or FGᵀ, (B, n1, n2)."""
        return self.left @ (self.left if self.right is None else self.right).mT

    def stacked(self) -> torch.Tensor:
        """X, or F on top of G, (B, n1 + n2, k)."""
        return self.left if self.right is None else torch.cat([self.left, self.right], dim=1)

    @recorded
    def rescaled(self, norm: float | torch.Tensor) -> Factors:
        """These factors times a number such that ‖X‖, or ‖[F; G]‖ of the stack, is `norm` in operator norm.

        Args:
            norm: one number, or (B,).

        Raises:
            ArgumentError: a trajectory is zero, and stays so under any number; a norm that is not positive.
        """
        wanted = inputs.per_trajectory(
            "norm", norm, "a norm is positive and finite", "use a number, or (B,) with one per trajectory"
        )
        inputs.one_or_each("norm", wanted, self.batch)
        size = torch.linalg.matrix_norm(self.stacked(), ord=2)
        require(
            bool((size > 0).all()),
            "factors",
            "a trajectory of zeros",
            "it cannot be rescaled",
            "use a start ≠ 0",
        )
        # With the dtype said at once: a Python float would pass through float32.
        ratio = (torch.as_tensor(wanted, dtype=size.dtype, device=size.device) / size)[:, None, None]
        return Factors(self.left * ratio, None if self.right is None else self.right * ratio)

    def finite(self) -> torch.Tensor:
        """Which trajectories hold only finite numbers, (B,) bool."""
        checked = torch.isfinite(self.left).all(dim=-1).all(dim=-1)
        if self.right is None:
            return checked
        return checked & torch.isfinite(self.right).all(dim=-1).all(dim=-1)

    def where(self, mask: torch.Tensor, otherwise: Factors | float) -> Factors:
        """These factors where the mask (B,) holds, and `otherwise` elsewhere."""
        pick = mask[:, None, None]
        other = otherwise if isinstance(otherwise, Factors) else Factors(*(torch.as_tensor(otherwise),) * 2)
        left = torch.where(pick, self.left, other.left)
        if self.right is None or other.right is None:
            return Factors(left)
        return Factors(left, torch.where(pick, self.right, other.right))


@recorded
def gaussian_start(
    n: int,
    k: int,
    scale: float,
    seeds: Sequence[int],
    device: str | torch.device = "cpu",
    dtype: str | torch.dtype = "float64",
) -> Factors:
    """Symmetric start X₀ = α X̃, entries of X̃ independent N(0, 1/n).

    The columns of a start with a smaller k are the first columns of one with a larger k.

    Args:
        n: order of the matrix.
        k: search rank, at most n.
        scale: α > 0.

    Raises:
        ArgumentError: k outside 1..n or α not positive.
    """
    n, k, scale = inputs.whole("n", n, 1), inputs.whole("k", k), inputs.number("scale", scale)
    _check_start(n, k, scale)
    return Factors(_columns(seeds, "start", n, k, device, dtype) * scale)


@recorded
def spectral_start(
    operator: MeasurementOperator, observations: torch.Tensor, k: int, scale: float
) -> Factors:
    """Symmetric start X₀ = α Λ_k (D_k)₊^{1/2} from C = w A*(sign y) = ΛDΛᵀ (Ma & Fattahi 2023, Algorithm 2).

    Only the signs of the observations enter, so gross outliers cannot spoil it, and α multiplies a matrix of norm
    below one whatever the size of the truth: X₀X₀ᵀ ≈ α² φ M*/‖M*‖_F, with φ ≈ 0.8 for clean Gaussian measurements.

    Trap: negative eigenvalues are clipped, and only about half of the eigenvalues of C are positive. The columns
    beyond are zero and stay zero, so the search rank is silently at most about n/2; `gaussian_start` has rank k.

    Args:
        operator: symmetric measurement matrices.
        observations: y, (B, m).
        k: search rank, at most n.
        scale: α > 0.

    Raises:
        ArgumentError: k outside 1..n, α not positive, measurement matrices that are not symmetric, observations
            that do not fit them or are not finite.
    """
    k, scale = inputs.whole("k", k), inputs.number("scale", scale)
    _check_operator(operator)
    _check_start(operator.shape[0], k, scale)
    require(
        operator.symmetric,
        "operator",
        operator,
        "the spectral start needs symmetric measurement matrices",
        "use sensing.gaussian_symmetric",
    )
    seen = operator.weight * operator.adjoint(torch.sign(_observed(operator, observations)))
    return Factors(_root_of_top(seen, k, scale))


@recorded
def adjoint_start(
    operator: MeasurementOperator, observations: torch.Tensor, k: int, symmetric: bool = False
) -> Factors:
    """The top k singular triples of w A*(y), shared evenly: F₀ = U√S, G₀ = V√S; or X₀ from the top eigenpairs.

    The spectral start of least squares, e.g. of Tong, Ma & Chi (2021): it estimates M* itself, scale included, and
    is balanced. Negative eigenvalues are clipped for X₀.

    Args:
        operator: A; symmetric measurement matrices for X₀.
        observations: y, (B, m).
        k: search rank, at most the smaller side.
        symmetric: whether to return X₀ instead of a pair.

    Raises:
        ArgumentError: k out of range, measurement matrices that are not symmetric for X₀, observations that do not
            fit them or are not finite.
    """
    k = inputs.whole("k", k)
    inputs.flag("symmetric", symmetric)
    _check_operator(operator)
    _check_start(min(operator.shape), k, 1.0)
    seen = operator.weight * operator.adjoint(_observed(operator, observations))
    if not symmetric:
        left, values, right = torch.linalg.svd(seen, full_matrices=False)
        root = values[:, None, :k].sqrt()
        return Factors(left[:, :, :k] * root, right.mT[:, :, :k] * root)
    require(
        operator.symmetric,
        "operator",
        operator,
        "a symmetric start needs symmetric measurement matrices",
        "use sensing.gaussian_symmetric, or symmetric=False",
    )
    return Factors(_root_of_top(seen, k))


def _check_operator(operator: MeasurementOperator) -> None:
    # Not by its class, whose module needs this one.
    require(
        callable(getattr(operator, "check_measurements", None)) and not isinstance(operator, type),
        "operator",
        operator,
        "it is no measurement operator",
        "use e.g. sensing.gaussian_symmetric(n, m, seeds)",
    )


def _observed(operator: MeasurementOperator, observations: torch.Tensor) -> torch.Tensor:
    """Observations that fit an operator and are finite: the sign of NaN would be taken for zero."""
    y = inputs.tensor("observations", observations)
    require_finite("observations", y)
    operator.check_measurements(y, "observations")
    return y


def _root_of_top(matrix: torch.Tensor, k: int, scale: float = 1.0) -> torch.Tensor:
    """α√λᵢ vᵢ for the k largest eigenvalues of symmetric matrices, zero where these are negative: (B, n, k)."""
    values, vectors = torch.linalg.eigh(matrix)
    roots = values.flip(-1)[:, :k].clamp(min=0.0).sqrt()
    return vectors.flip(-1)[:, :, :k] * (scale * roots[:, None, :])


@recorded
def rank_limited_start(
    n: int,
    k: int,
    rank: int,
    scale: float,
    seeds: Sequence[int],
    device: str | torch.device = "cpu",
    dtype: str | torch.dtype = "float64",
) -> Factors:
    """Symmetric start with k columns but only the given rank: a Gaussian n × rank start times a random rotation.

    Gradient descent acts from the left, so the rank of the start bounds the rank of every iterate.

    Raises:
        ArgumentError: rank outside 1..k, and as for `gaussian_start`.
    """
    n, k, scale = inputs.whole("n", n, 1), inputs.whole("k", k), inputs.number("scale", scale)
    _check_start(n, k, scale)
    rank = inputs.whole("rank", rank)
    require(1 <= rank <= k, "rank", rank, f"a start with k = {k} columns has rank 1 to {k}", "use rank <= k")
    device, dtype = resolve_device(device), resolve_dtype(dtype)
    rows = orthonormal(seeds, "start rows", k, rank, dtype, device)
    return Factors(_columns(seeds, "start", n, rank, device, dtype) @ rows.mT * scale)


@recorded
def imbalanced_start(
    n1: int,
    n2: int,
    k: int,
    scale: float,
    ratio: float,
    seeds: Sequence[int],
    device: str | torch.device = "cpu",
    dtype: str | torch.dtype = "float64",
) -> Factors:
    """Asymmetric start F₀ = α F̃, G₀ = ρα G̃ with independent Gaussian F̃, G̃ (entry variances 1/n1, 1/n2).

    ρ = 1/3 is the start of Xiong, Ding & Du (2024). Equal scales, ρ = 1, are *not* balanced: F̃ᵀF̃ ≠ G̃ᵀG̃.

    Args:
        scale: α > 0.
        ratio: ρ > 0.

    Raises:
        ArgumentError: k above n1 + n2, α or ρ not positive.
    """
    n1, n2, k = inputs.whole("n1", n1, 1), inputs.whole("n2", n2, 1), inputs.whole("k", k)
    scale, ratio = inputs.number("scale", scale), inputs.number("ratio", ratio)
    _check_start(n1 + n2, k, scale)
    require(ratio > 0, "ratio", ratio, "the ratio of scales ρ is positive", "use e.g. ratio=1/3")
    left = _columns(seeds, "start left", n1, k, device, dtype) * scale
    return Factors(left, _columns(seeds, "start right", n2, k, device, dtype) * (scale * ratio))


@recorded
def balanced_start(
    n: int,
    k: int,
    scale: float,
    seeds: Sequence[int],
    device: str | torch.device = "cpu",
    dtype: str | torch.dtype = "float64",
) -> Factors:
    """Asymmetric start with F₀ = G₀ (square case), exactly balanced; arguments as for `gaussian_start`."""
    left = gaussian_start(n, k, scale, seeds, device, dtype).left
    return Factors(left, left.clone())


@recorded
def rotated_start(
    n: int,
    k: int,
    scale: float,
    seeds: Sequence[int],
    device: str | torch.device = "cpu",
    dtype: str | torch.dtype = "float64",
) -> Factors:
    """Asymmetric start G₀ = QF₀ with a Haar rotation Q: balanced, F₀ᵀF₀ = G₀ᵀG₀, but F₀ ≠ G₀.

    Arguments as for `gaussian_start`.
    """
    device, dtype = resolve_device(device), resolve_dtype(dtype)
    left = gaussian_start(n, k, scale, seeds, device, dtype).left
    return Factors(left, orthonormal(seeds, "start rotation", n, n, dtype, device) @ left)


@recorded
def coupled_start(
    n1: int,
    n2: int,
    k: int,
    scale: float,
    seeds: Sequence[int],
    device: str | torch.device = "cpu",
    dtype: str | torch.dtype = "float64",
) -> Factors:
    """Asymmetric start F₀ = Q₁A, G₀ = Q₂A: balanced for any n1, n2, with nothing else in common.

    Q₁ (n1 × q) and Q₂ (n2 × q), q = min(n1, n2), have Haar orthonormal columns, and A is Gaussian with entries of
    variance α²/q. Other arguments as for `gaussian_start`.

    Raises:
        ArgumentError: k above n1 + n2 or α not positive.
    """
    n1, n2, k = inputs.whole("n1", n1, 1), inputs.whole("n2", n2, 1), inputs.whole("k", k)
    scale = inputs.number("scale", scale)
    device, dtype = resolve_device(device), resolve_dtype(dtype)
    inner = min(n1, n2)
    _check_start(n1 + n2, k, scale)
    middle = _columns(seeds, "start middle", inner, k, device, dtype) * scale
    left = orthonormal(seeds, "start left", n1, inner, dtype, device)
    return Factors(left @ middle, orthonormal(seeds, "start right", n2, inner, dtype, device) @ middle)


def pad_columns(factors: torch.Tensor, k: int) -> torch.Tensor:
    """Zero columns appended up to search rank k, so that different ranks share a batch: (B, n, j) -> (B, n, k).

    Zero columns stay zero under gradient descent.

    Raises:
        ArgumentError: there are more than k columns already, or no batch of factors.
    """
    factors = inputs.tensor("factors", factors)
    require(
        factors.ndim == 3,
        "factors",
        tuple(factors.shape),
        "it is no batch of factors",
        "give (B, n, columns)",
    )
    k, have = inputs.whole("k", k), factors.shape[-1]
    require(have <= k, "k", k, f"the factors have {have} columns already", f"use k >= {have}")
    return torch.nn.functional.pad(factors, (0, k - have))


def _check_start(n: int, k: int, scale: float) -> None:
    require(1 <= k <= n, "k", k, f"the search rank lies between 1 and {n}", f"use 1 <= k <= {n}")
    require(scale > 0, "scale", scale, "the start scale α is positive", "use e.g. scale=1e-3")
    require(
        scale >= SMALLEST_SCALE,
        "scale",
        scale,
        "α² underflows in float64, or nearly, and XXᵀ would be zero",
        f"use scale >= {SMALLEST_SCALE:g}; 1e-15 is as good as zero next to a truth of order one",
    )


def _columns(
    seeds: Sequence[int], name: str, n: int, k: int, device: str | torch.device, dtype: str | torch.dtype
) -> torch.Tensor:
    # Drawn column by column, so that a larger search rank extends a start instead of replacing it.
    drawn = normal(seeds, name, k, n, dtype=resolve_dtype(dtype), device=resolve_device(device))
    return drawn.mT.contiguous() / n**0.5
