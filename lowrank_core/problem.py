"""A recovery problem: truth, measurement operator, observations and loss, checked to fit together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from lowrank_core import inputs
from lowrank_core.errors import ArgumentError, require, require_finite, require_kind
from lowrank_core.factors import SMALLEST_SCALE, Factors
from lowrank_core.loss import Loss, check_loss
from lowrank_core.noise import Corruption, Noise
from lowrank_core.recipe import recorded
from lowrank_core.sensing.operator import MeasurementOperator
from lowrank_core.truth import Truth

FACTORS = {"left": "factors.left", "right": "factors.right", "y": "problem.observations"}
"""What an operator calls its arguments, and what they are to one who has a problem and factors."""


@dataclass(frozen=True)
class Problem:
    """What a method is given. Build one with `observe`.

    Attributes:
        truth: the matrix to be recovered; methods never look at it, errors are measured against it.
        operator: A.
        observations: y, (B, m), in the dtype and on the device of A; kept contiguous.
        loss: "l2" or "l1".
        noise: what corrupted the observations, None if nothing did.

    Raises:
        ArgumentError: an operator that does not fit the truth, in shape, batch, dtype or device; observations of
            another shape, dtype or device, or not finite; an unknown loss; noise that is none.
    """

    truth: Truth
    operator: MeasurementOperator
    observations: torch.Tensor
    loss: Loss
    noise: Noise | Corruption | None = None

    def __post_init__(self) -> None:
        check_loss(self.loss)
        check_fit(self.truth, self.operator)
        y = inputs.tensor("observations", self.observations)
        self._check_observations(y, "observations")
        _check_noise(self.noise)
        object.__setattr__(self, "observations", y.contiguous())

    def _check_observations(self, y: torch.Tensor, argument: str) -> None:
        self.operator.check_observations(y, self.truth.batch, argument)
        require_finite(argument, y)

    @property
    def batch(self) -> int:
        """How many truths are sought side by side."""
        return self.truth.batch

    def gradient(
        self, factors: Factors, with_value: bool = True
    ) -> tuple[torch.Tensor | None, torch.Tensor, torch.Tensor | None]:
        """Loss and gradient at the factors, as `MeasurementOperator.gradient`."""
        try:
            return self.operator.gradient(*_sides(factors), self.observations, self.loss, with_value)
        except ArgumentError as error:
            raise error.renamed(FACTORS) from None

    def slope(self, factors: Factors, with_value: bool = True) -> tuple[torch.Tensor | None, torch.Tensor]:
        """Loss and slope A*(z) at the factors, as `MeasurementOperator.slope`."""
        try:
            return self.operator.slope(*_sides(factors), self.observations, self.loss, with_value)
        except ArgumentError as error:
            raise error.renamed(FACTORS) from None

    def check_start(self, start: Factors) -> None:
        """Raise unless the start fits this problem.

        Raises:
            ArgumentError: wrong shape or batch, search rank above n, NaN or inf, all zero, a symmetric start for a
                rectangular truth or for measurement matrices that are not symmetric; observations that were
                changed in place so that they do not fit, or are not finite.
        """
        # They were right when the problem was made.
        self._check_observations(self.observations, FACTORS["y"])
        n1, n2 = self.truth.shape
        _sides(start, "start")
        sides = ((start.left, n1, "start.left"),) + (
            () if start.right is None else ((start.right, n2, "start.right"),)
        )
        for factor, n, name in sides:
            require(
                isinstance(factor, torch.Tensor) and factor.layout == torch.strided,
                name,
                factor,
                "it is no tensor, or a sparse one",
                "use torch.as_tensor(array)",
            )
            require(
                factor.ndim == 3 and factor.shape[:2] == (self.batch, n) and factor.shape[2] >= 1,
                name,
                tuple(factor.shape),
                f"this problem takes factors of shape ({self.batch}, {n}, k)",
                "use the seeds and sizes that the truth was made with",
            )
            # Wide factors help alignment, but beyond the rows of X, or of the stack [F; G], columns are dependent.
            rows = n if start.right is None else n1 + n2
            require(
                factor.shape[2] <= rows,
                "search rank k",
                factor.shape[2],
                f"there are more columns than the {rows} rows of X, or of F and G together",
                f"use k <= {rows}",
            )
            fix = "make start and operator with the same device and dtype"
            require_kind(name, factor, self.operator.dtype, self.operator.device, "the operator lives", fix)
            require_finite(name, factor)
        largest = torch.stack([factor.abs().amax(dim=(1, 2)) for factor, _, _ in sides]).amax(dim=0)
        require(
            bool((largest >= SMALLEST_SCALE).all()),
            "start",
            f"a trajectory with all factors zero, or below {SMALLEST_SCALE:g}",
            "zero is a fixed point of every first-order method, and the product of such factors is zero in float64",
            "start from small random factors, e.g. gaussian_start(n, k, 1e-3, seeds)",
        )
        if start.right is not None:
            require(
                start.left.shape[2] == start.right.shape[2],
                "start.right",
                tuple(start.right.shape),
                f"F has {start.left.shape[2]} columns and G has {start.right.shape[2]}",
                "give both factors the same search rank",
            )
        else:
            self._check_symmetry()

    def _check_symmetry(self) -> None:
        if not (self.truth.symmetric and self.operator.symmetric):
            raise ArgumentError(
                "start",
                "symmetric factors X",
                "XXᵀ needs a symmetric truth and symmetric measurement matrices",
                "use an asymmetric start (F, G), or truth.psd with sensing.gaussian_symmetric",
            )
        seen = self.operator.adjoint(self.observations)
        if not torch.allclose(seen, seen.mT, rtol=0.0, atol=1e-12 * float(seen.abs().max())):
            raise ArgumentError(
                "start",
                "symmetric factors X",
                "the noise made the observed matrix asymmetric, and A*(z)X is then not the gradient",
                "use an asymmetric start (F, G), or symmetric measurement matrices",
            )


@recorded
def observe(
    truth: Truth,
    operator: MeasurementOperator,
    loss: Loss = "l2",
    noise: Noise | Corruption | None = None,
    seeds: Sequence[int] | None = None,
) -> Problem:
    """The problem of recovering `truth` from y = A(M*) + noise, with y computed from the stored entries of A.

    >>> from lowrank_core import gaussian_symmetric, psd
    >>> problem = observe(psd(5, [1.0], range(4)), gaussian_symmetric(5, 30, range(4)))
    >>> problem.observations.shape
    torch.Size([4, 30])

    Args:
        noise: what corrupts the observations, independent of A or looking at it; needs `seeds`, one per trajectory.

    Raises:
        ArgumentError: an operator that does not fit the truth, unknown loss, noise without seeds.
    """
    check_loss(loss)
    check_fit(truth, operator)
    y = operator.forward(truth.matrix)
    if noise is not None:
        y = _corrupted(y, operator, noise, seeds)
    return Problem(truth, operator, y, loss, noise)


def check_fit(truth: Truth, operator: MeasurementOperator) -> None:
    """Raise `ArgumentError` unless the operator measures such truths: shape, batch, dtype and device."""
    require(isinstance(truth, Truth), "truth", truth, "it is no truth", "make one with psd or rectangular")
    require(
        isinstance(operator, MeasurementOperator),
        "operator",
        operator,
        "it is no measurement operator",
        "use e.g. Identity(n), or an instance of a subclass of sensing.MeasurementOperator",
    )
    require(
        operator.shape == truth.shape and operator.batch in (None, truth.batch),
        "operator",
        operator,
        f"it does not fit a batch of {truth.batch} truths of shape {truth.shape}",
        "make both with the same n and the same seeds",
    )
    require(
        truth.left.dtype == operator.dtype and truth.left.device == operator.device,
        "operator",
        operator,
        f"it lives on {operator.device} in {operator.dtype}, "
        f"the truth on {truth.left.device} in {truth.left.dtype}",
        "make both with the same device and dtype",
    )


def _corrupted(
    clean: torch.Tensor, operator: MeasurementOperator, noise: Noise | Corruption, seeds: Sequence[int] | None
) -> torch.Tensor:
    """The measurements with noise, one draw for each trajectory: (B, m) -> (B, m)."""
    _check_noise(noise)
    batch = clean.shape[0]
    require(
        seeds is not None,
        "seeds",
        seeds,
        f"noise is drawn per trajectory and needs {batch} seeds",
        "pass the seeds that the truth was made with",
    )
    chosen = inputs.seeds("seeds", seeds, batch)
    if isinstance(noise, Corruption):
        found = inputs.tensor("noise", noise.corrupt(clean, operator, chosen))
    else:
        found = inputs.tensor("noise", noise.sample(chosen, operator.m))
    # Of another shape it would be shared by trajectories, or measured by kernels that trust the shape.
    require(
        found.shape == clean.shape,
        "noise",
        noise,
        f"it gives {tuple(found.shape)} where {batch} trajectories have {operator.m} measurements each",
        f"let it give ({batch}, {operator.m})",
    )
    return found.to(clean) if isinstance(noise, Corruption) else clean + found.to(clean)


def _check_noise(noise: Noise | Corruption | None) -> None:
    makes = callable(getattr(noise, "corrupt", None)) or callable(getattr(noise, "sample", None))
    require(
        noise is None or (makes and not isinstance(noise, type)),
        "noise",
        noise,
        "it is no noise",
        "use e.g. Outliers(0.1), or anything with sample(seeds, m)",
    )


def _sides(factors: Factors, argument: str = "factors") -> tuple[torch.Tensor, torch.Tensor | None]:
    require(
        isinstance(factors, Factors),
        argument,
        type(factors).__name__,
        "it is no pair of factors",
        "use Factors(X), or Factors(F, G)",
    )
    return factors.left, factors.right
