"""Gradients of the ℓ2 loss from A*A, computed once: w A*(A(M) − y) = H vec(M) − c, H = w AᵀA, c = w Aᵀy.

H has q² entries, q = n(n+1)/2 or n1·n2, and a triangle of them is enough, where a gradient through A reads mq of
them: H is cheaper from m > q/2 on, whatever the batch. It is exact up to rounding, and the rounding is of the same
order. The loss is another matter: as a quadratic form in H it is a difference of large numbers and loses half its
digits, so every value that is asked for comes from the operator itself.
"""

from __future__ import annotations

import torch

from lowrank_core import kernels
from lowrank_core.errors import require
from lowrank_core.kernels import gram_cpu
from lowrank_core.loss import Loss
from lowrank_core.sensing.dense import Dense, Packing
from lowrank_core.sensing.operator import MeasurementOperator
from lowrank_core.steps import NO_LOOK, Look

FEWEST_PRODUCT = 64
"""From as many trajectories to an ensemble on, a matrix product is faster than one triangle of H for each."""
COLUMNS = 256
"""Columns of H that are computed in one product; what lies below them is mirrored."""


class Gram(MeasurementOperator):
    """A dense operator with its A*A beside it, for gradients of the ℓ2 loss; it measures as that operator does.

    `slope` and `gradient` look at H where no value is asked for, and at the operator where one is.

    Args:
        operator: whose measurements these are. Its repeated seeds share one H.
        y: the observations that gradients will be asked for, (B, m), not to be changed in place. Others are served
            as well, at the cost of one pass over A each time.

    Raises:
        ArgumentError: y does not fit the operator; (from `slope` and `gradient`) the ℓ1 loss, which needs every
            residual.
    """

    def __init__(self, operator: Dense, y: torch.Tensor) -> None:
        require(
            isinstance(operator, Dense),
            "operator",
            operator,
            "A*A is kept of dense operators only",
            "use one of sensing.gaussian_symmetric, sensing.gaussian or sensing.Dense",
        )
        operator.check_measurements(y, "y")
        self.operator = operator
        self.shape, self.m, self.weight = operator.shape, operator.m, operator.weight
        self.batch, self.symmetric = operator.batch, operator.symmetric
        self.device, self.dtype = operator.device, operator.dtype
        self._packing = Packing(self.shape[0], self.device, self.dtype) if self.symmetric else None
        entries = operator.entries if operator.entries.ndim == 3 else operator.entries[None]
        self._matrix = self.weight * _normal_matrix(entries.to(self.dtype))
        self._y, self._target = y, self._seen(y)

    def __repr__(self) -> str:
        return f"{self.operator!r}, gradients through A*A"

    def forward(self, matrix: torch.Tensor) -> torch.Tensor:
        return self.operator.forward(matrix)

    def adjoint(self, z: torch.Tensor) -> torch.Tensor:
        return self.operator.adjoint(z)

    def normal_map(self, matrix: torch.Tensor) -> torch.Tensor:
        self.check_matrix(matrix)
        return self._unpacked(
            self._product(self._packing.pack(matrix) if self._packing else matrix.flatten(1))
        )

    def slope(
        self,
        left: torch.Tensor,
        right: torch.Tensor | None,
        y: torch.Tensor,
        loss: Loss,
        with_value: bool = True,
    ) -> tuple[torch.Tensor | None, torch.Tensor]:
        self.check_point(left, right, y, loss, with_value)
        self._check_loss(loss)
        if with_value:
            return self.operator.slope(left, right, y, loss)
        return None, self._unpacked(self._slope(left, right, y))

    def gradient(
        self,
        left: torch.Tensor,
        right: torch.Tensor | None,
        y: torch.Tensor,
        loss: Loss,
        with_value: bool = True,
    ) -> tuple[torch.Tensor | None, torch.Tensor, torch.Tensor | None]:
        self.check_point(left, right, y, loss, with_value)
        self._check_loss(loss)
        if with_value:
            return self.operator.gradient(left, right, y, loss)
        return None, *self.operator.pull_back(self._slope(left, right, y), left, right)

    def descend(
        self,
        left: torch.Tensor,
        right: torch.Tensor | None,
        y: torch.Tensor,
        eta: torch.Tensor,
        look: Look = NO_LOOK,
        loss: Loss = "l2",
    ) -> tuple[torch.Tensor, torch.Tensor | None] | None:
        self.check_point(left, right, y, loss)
        self.check_table(left, eta)
        self._check_loss(loss)
        served = kernels.compiled(left, right) and (
            self._matrix.shape[1] <= gram_cpu.NEAREST or self._one_triangle(left)
        )
        if look != NO_LOOK or not served or (right is None and not self.symmetric):
            return None
        return gram_cpu.descend(left, right, self._matrix, self._target_of(y), self.symmetric, eta)

    def _slope(self, left: torch.Tensor, right: torch.Tensor | None, y: torch.Tensor) -> torch.Tensor:
        """The coordinates of the slope, (B, q)."""
        return self._product(self.operator._coordinates(left, right)).sub_(self._target_of(y))

    def _product(self, coordinates: torch.Tensor) -> torch.Tensor:
        """H v: (B, q) -> (B, q)."""
        if self._one_triangle(coordinates):
            return gram_cpu.product(self._matrix, coordinates)
        by_ensemble = coordinates.unflatten(0, (self._matrix.shape[0], -1))
        return torch.bmm(by_ensemble, self._matrix).flatten(0, 1)

    def _one_triangle(self, tensor: torch.Tensor) -> bool:
        """Whether the compiled kernels serve a (B, ...) tensor, and well."""
        return tensor.shape[0] < FEWEST_PRODUCT * self._matrix.shape[0] and kernels.compiled(tensor)

    def _target_of(self, y: torch.Tensor) -> torch.Tensor:
        return self._target if y is self._y else self._seen(y)

    def _unpacked(self, coordinates: torch.Tensor) -> torch.Tensor:
        return self._packing.unpack(coordinates) if self._packing else coordinates.unflatten(1, self.shape)

    def _seen(self, y: torch.Tensor) -> torch.Tensor:
        return self.weight * self.operator.combine(y)

    def _check_loss(self, loss: Loss) -> None:
        require(
            loss == "l2",
            "loss",
            loss,
            "A*A knows no single residuals, and this loss weighs them one by one",
            "use the operator itself",
        )


def cheapest(operator: MeasurementOperator, y: torch.Tensor, steps: int) -> MeasurementOperator:
    """The operator itself, or its `Gram` where that makes `steps` ℓ2 gradients cheaper, its making included.

    H costs mq² operations for each ensemble, a gradient 2q² with it and 4mq without. Counting operations is on the
    safe side: those that make H run at full speed, and those of a pass over A wait for memory. Entries stored in a
    narrow type were chosen to save memory, and keep it.
    """
    if not isinstance(operator, Dense) or operator.entries.dtype != operator.dtype:
        return operator
    q, ensembles = operator.entries.shape[-1], operator.entries.shape[0] if operator.entries.ndim == 3 else 1
    saved = steps * (y.shape[0] // ensembles) * (4 * operator.m - 2 * q)
    return Gram(operator, y) if saved > operator.m * q else operator


def _normal_matrix(entries: torch.Tensor) -> torch.Tensor:
    """AᵀA: (E, m, q) -> (E, q, q)."""
    matrix = entries.new_empty(entries.shape[0], entries.shape[2], entries.shape[2])
    for begin in range(0, entries.shape[2], COLUMNS):
        columns, rest = slice(begin, begin + COLUMNS), slice(begin, None)
        block = entries[:, :, columns].mT @ entries[:, :, rest]
        matrix[:, columns, rest] = block
        matrix[:, rest, columns] = block.mT
    return matrix
