"""The contract of a measurement operator, and the self-test that every operator passes.

An operator maps matrices to measurements, A(M)ᵢ = ⟨Aᵢ, M⟩, *without* any factor 1/m: `forward` and `adjoint`
are each other's exact adjoints. What the theory calls A*A (with E[A*A] = I) is `weight * adjoint(forward(M))`,
and every loss carries the same `weight`: 1/m for Gaussian ensembles with unit-variance entries, 1 for the
identity.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch

from lowrank_core import loss as losses
from lowrank_core.errors import require
from lowrank_core.loss import Loss
from lowrank_core.randomness import normal
from lowrank_core.steps import NO_LOOK, Look


class MeasurementOperator(ABC):
    """A linear map from n1 × n2 matrices to m measurements.

    Attributes:
        shape: (n1, n2).
        m: number of measurements.
        weight: the factor w for which w·A*A is the identity in expectation.
        batch: None if one ensemble serves every trajectory, else B, one ensemble per trajectory.
        symmetric: whether every Aᵢ is symmetric, as the symmetric parametrisation XXᵀ needs.
    """

    shape: tuple[int, int]
    m: int
    weight: float
    batch: int | None
    symmetric: bool
    device: torch.device
    dtype: torch.dtype

    @abstractmethod
    def forward(self, matrix: torch.Tensor) -> torch.Tensor:
        """A(M): (B, n1, n2) -> (B, m)."""

    @abstractmethod
    def adjoint(self, z: torch.Tensor) -> torch.Tensor:
        """A*(z) = Σ zᵢAᵢ: (B, m) -> (B, n1, n2)."""

    def forward_factors(self, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        """A(FGᵀ): (B, n1, k), (B, n2, k) -> (B, m)."""
        return self.forward(left @ right.mT)

    def normal_map(self, matrix: torch.Tensor) -> torch.Tensor:
        """What the theory calls A*A(M), weight included: (B, n1, n2) -> (B, n1, n2)."""
        return self.weight * self.adjoint(self.forward(matrix))

    def slope(
        self,
        left: torch.Tensor,
        right: torch.Tensor | None,
        y: torch.Tensor,
        loss: Loss,
        with_value: bool = True,
    ) -> tuple[torch.Tensor | None, torch.Tensor]:
        """Loss f as in `gradient`, and the slope A*(z), (B, n1, n2): the derivative in the matrix itself."""
        residual = self.forward_factors(left, left if right is None else right) - y
        value = losses.value(residual, self.weight, loss) if with_value else None
        if value is not None and right is None:
            value = 0.5 * value
        return value, self.adjoint(losses.dual(residual, self.weight, loss))

    def gradient(
        self,
        left: torch.Tensor,
        right: torch.Tensor | None,
        y: torch.Tensor,
        loss: Loss,
        with_value: bool = True,
    ) -> tuple[torch.Tensor | None, torch.Tensor, torch.Tensor | None]:
        """Loss and gradient at the factors; an implementation may fuse this into one pass over A.

        Asymmetric (`right` given): f(F, G) = loss(A(FGᵀ) − y), so dF = A*(z)G and dG = A*(z)ᵀF.
        Symmetric (`right` None): f(X) = ½ loss(A(XXᵀ) − y), so dX = A*(z)X.
        z is the derivative of the loss at the residual.

        Args:
            left: F or X, (B, n1, k).
            right: G, (B, n2, k), or None.
            y: observations, (B, m).
            with_value: whether to evaluate f; rules that do not look at it save a pass.

        Returns:
            (f (B,) or None, dF (B, n1, k), dG (B, n2, k) or None).
        """
        value, slope = self.slope(left, right, y, loss, with_value)
        return value, *pull_back(slope, left, right)

    def descend(
        self,
        left: torch.Tensor,
        right: torch.Tensor | None,
        y: torch.Tensor,
        eta: torch.Tensor,
        look: Look = NO_LOOK,
        loss: Loss = "l2",
    ) -> tuple[torch.Tensor, torch.Tensor | None] | None:
        """T iterations of (sub)gradient descent in one compiled loop, None where there is none, which is the rule.

        Args:
            eta: η_t, (T, B), which is multiplied with what the step rule looks at.
        """
        return None

    def conjugate(
        self,
        left: torch.Tensor,
        right: torch.Tensor | None,
        y: torch.Tensor,
        gradient: torch.Tensor,
        direction: torch.Tensor,
        steps: int,
    ) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor, torch.Tensor] | None:
        """`steps` iterations of `methods.ConjugateGradient` in one compiled loop, or None where there is none.

        Args:
            gradient, direction: what the method remembers, (B, n1 + n2, k) or (B, n, k).

        Returns:
            (F or X, G or None, gradient, direction).
        """
        return None

    def along(
        self,
        left: torch.Tensor,
        right: torch.Tensor | None,
        d_left: torch.Tensor,
        d_right: torch.Tensor | None,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """How far measurements go along a line, A((F + αP)(G + αQ)ᵀ) = A(FGᵀ) + αa + α²b.

        Args:
            left, right: F and G, or X and None.
            d_left, d_right: P and Q, or D and None.

        Returns:
            (‖a‖², ⟨a, b⟩, ‖b‖²), each (B,).
        """
        if right is None or d_right is None:
            half = left @ d_left.mT
            tangent, bend = half + half.mT, d_left @ d_left.mT
        else:
            tangent, bend = left @ d_right.mT + d_left @ right.mT, d_left @ d_right.mT
        a, b = self.forward(tangent), self.forward(bend)
        return a.square().sum(dim=-1), (a * b).sum(dim=-1), b.square().sum(dim=-1)

    def check_matrix(self, matrix: torch.Tensor) -> None:
        """Raise unless `matrix` is (B, n1, n2) and its batch fits this operator."""
        require(
            matrix.ndim == 3 and tuple(matrix.shape[1:]) == self.shape,
            "matrix",
            tuple(matrix.shape),
            f"this operator takes (B, {self.shape[0]}, {self.shape[1]})",
            "add the batch axis, or build operator and matrix with the same n",
        )
        self._check_batch("matrix", matrix)

    def check_measurements(self, z: torch.Tensor) -> None:
        """Raise unless `z` is (B, m) and its batch fits this operator."""
        require(
            z.ndim == 2 and z.shape[1] == self.m,
            "z",
            tuple(z.shape),
            f"this operator's adjoint takes (B, {self.m})",
            "add the batch axis, or use measurements of this operator",
        )
        self._check_batch("z", z)

    def _check_batch(self, argument: str, tensor: torch.Tensor) -> None:
        require(
            self.batch is None or tensor.shape[0] == self.batch,
            argument,
            tuple(tensor.shape),
            f"this operator holds one ensemble for each of {self.batch} trajectories",
            f"use a batch of {self.batch}, or an operator shared by all",
        )

    def adjoint_defect(self, seeds: Sequence[int] = (0, 1, 2)) -> float:
        """max |⟨A(M), z⟩ − ⟨M, A*(z)⟩| / (‖A(M)‖‖z‖) over random M and z; 1e-14 is the house limit."""
        seeds = list(seeds) if self.batch is None else list(range(self.batch))
        matrix = normal(seeds, "adjoint test matrix", *self.shape, dtype=self.dtype, device=self.device)
        z = normal(seeds, "adjoint test z", self.m, dtype=self.dtype, device=self.device)
        image = self.forward(matrix)
        gap = (image * z).sum(dim=-1) - (matrix * self.adjoint(z)).sum(dim=(-2, -1))
        return float((gap.abs() / (image.norm(dim=-1) * z.norm(dim=-1))).max())


def pull_back(
    slope: torch.Tensor, left: torch.Tensor, right: torch.Tensor | None
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """The gradient in the factors from the slope A*(z): A*(z)X and None, or A*(z)G and A*(z)ᵀF."""
    if right is None:
        return slope @ left, None
    return slope @ right, slope.mT @ left
