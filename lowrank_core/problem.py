"""A recovery problem: truth, measurement operator, observations and loss, checked to fit together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from lowrank_core.errors import ArgumentError, require, require_finite
from lowrank_core.factors import Factors
from lowrank_core.loss import Loss, check_loss
from lowrank_core.noise import Corruption, Noise
from lowrank_core.sensing.operator import MeasurementOperator
from lowrank_core.truth import Truth


@dataclass(frozen=True)
class Problem:
    """What a method is given. Build one with `observe`.

    Attributes:
        truth: the matrix to be recovered; methods never look at it, errors are measured against it.
        operator: A.
        observations: y, (B, m).
        loss: "l2" or "l1".
        noise: what corrupted the observations, None if nothing did.
    """

    truth: Truth
    operator: MeasurementOperator
    observations: torch.Tensor
    loss: Loss
    noise: Noise | Corruption | None = None

    @property
    def batch(self) -> int:
        return self.truth.batch

    def gradient(
        self, factors: Factors, with_value: bool = True
    ) -> tuple[torch.Tensor | None, torch.Tensor, torch.Tensor | None]:
        """Loss and gradient at the factors, as `MeasurementOperator.gradient`."""
        return self.operator.gradient(factors.left, factors.right, self.observations, self.loss, with_value)

    def slope(self, factors: Factors, with_value: bool = True) -> tuple[torch.Tensor | None, torch.Tensor]:
        """Loss and slope A*(z) at the factors, as `MeasurementOperator.slope`."""
        return self.operator.slope(factors.left, factors.right, self.observations, self.loss, with_value)

    def check_start(self, start: Factors) -> None:
        """Raise unless the start fits this problem.

        Raises:
            ArgumentError: wrong shape or batch, search rank above n, NaN or inf, all zero, a symmetric start for a
                rectangular truth or for measurement matrices that are not symmetric.
        """
        n1, n2 = self.truth.shape
        sides = ((start.left, n1, "start.left"),) + (
            () if start.right is None else ((start.right, n2, "start.right"),)
        )
        for factor, n, name in sides:
            require(
                factor.ndim == 3 and factor.shape[:2] == (self.batch, n),
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
            require(
                factor.dtype == self.operator.dtype and factor.device == self.operator.device,
                name,
                (factor.dtype, str(factor.device)),
                f"the operator lives on {self.operator.device} in {self.operator.dtype}",
                "make start and operator with the same device and dtype",
            )
            require_finite(name, factor)
        sides_are_zero = torch.stack([(factor == 0).all(dim=-1).all(dim=-1) for factor, _, _ in sides])
        require(
            not bool(sides_are_zero.all(dim=0).any()),
            "start",
            "a trajectory with all factors zero",
            "zero is a fixed point of every first-order method, so nothing would ever move",
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
    require(
        operator.shape == truth.shape and operator.batch in (None, truth.batch),
        "operator",
        operator,
        f"it does not fit a batch of {truth.batch} truths of shape {truth.shape}",
        "make both with the same n and the same seeds",
    )
    matrix = truth.matrix
    require(
        matrix.dtype == operator.dtype and matrix.device == operator.device,
        "operator",
        operator,
        f"it lives on {operator.device} in {operator.dtype}, the truth on {matrix.device} in {matrix.dtype}",
        "make both with the same device and dtype",
    )
    y = operator.forward(matrix)
    if noise is not None:
        require(
            seeds is not None and len(seeds) == truth.batch,
            "seeds",
            seeds,
            f"noise is drawn per trajectory and needs {truth.batch} seeds",
            "pass the seeds that the truth was made with",
        )
        chosen = list(seeds or ())
        y = (
            noise.corrupt(y, operator, chosen)
            if isinstance(noise, Corruption)
            else y + noise.sample(chosen, operator.m).to(y)
        )
    require_finite("observations", y)
    return Problem(truth, operator, y.contiguous(), loss, noise)
