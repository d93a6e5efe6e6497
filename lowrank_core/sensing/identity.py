"""The identity operator: every entry is observed once, which makes the loss the population loss."""

from __future__ import annotations

import torch

from lowrank_core import inputs, kernels
from lowrank_core.device import resolve_device, resolve_dtype
from lowrank_core.kernels import population_cpu, population_triton
from lowrank_core.loss import Loss
from lowrank_core.recipe import recorded
from lowrank_core.sensing.operator import MeasurementOperator
from lowrank_core.steps import NO_LOOK, Look


class Identity(MeasurementOperator):
    """A(M) = vec(M), so that A*A = I exactly; weight 1, shared by all trajectories.

    Args:
        n1, n2: matrix sides; n2 defaults to n1.

    Raises:
        ArgumentError: a side below one, unknown device or dtype.
    """

    weight = 1.0
    batch = None

    @recorded
    def __init__(
        self,
        n1: int,
        n2: int | None = None,
        device: str | torch.device = "cpu",
        dtype: str | torch.dtype = "float64",
    ) -> None:
        n1 = inputs.whole("n1", n1, 1)
        n2 = n1 if n2 is None else inputs.whole("n2", n2, 1)
        self.shape = (n1, n2)
        self.m = n1 * n2
        self.symmetric = n1 == n2
        self.device, self.dtype = resolve_device(device), resolve_dtype(dtype)

    def __repr__(self) -> str:
        return f"Identity{self.shape}"

    def forward(self, matrix: torch.Tensor) -> torch.Tensor:
        self.check_matrix(matrix)
        return matrix.flatten(1)

    def adjoint(self, z: torch.Tensor) -> torch.Tensor:
        self.check_measurements(z)
        return z.unflatten(1, self.shape)

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
        if look != NO_LOOK or loss != "l2":
            return None
        batch, _, k = left.shape
        on_device = kernels.on_device(left) and population_triton.pays(max(self.shape), k)
        if not on_device and not (kernels.compiled(left, right, y) and population_cpu.pays(batch, k)):
            return None
        target = y.unflatten(1, self.shape)
        spectrum = target.diagonal(dim1=-2, dim2=-1)
        if torch.count_nonzero(target) > torch.count_nonzero(spectrum):
            return None
        return (population_triton if on_device else population_cpu).descend(left, right, spectrum, eta)

    def gradient(
        self,
        left: torch.Tensor,
        right: torch.Tensor | None,
        y: torch.Tensor,
        loss: Loss,
        with_value: bool = True,
    ) -> tuple[torch.Tensor | None, torch.Tensor, torch.Tensor | None]:
        self.check_point(left, right, y, loss, with_value)
        if loss != "l2":
            return super().gradient(left, right, y, loss, with_value)
        # Two batched products and no temporaries: long population runs live in these lines.
        target = y.unflatten(1, self.shape)
        residual = torch.baddbmm(target, left, (left if right is None else right).mT, beta=-1)
        value = 0.5 * residual.square().sum(dim=(-2, -1)) if with_value else None
        if right is None:
            return (None if value is None else 0.5 * value), torch.bmm(residual, left), None
        return value, torch.bmm(residual, right), torch.bmm(residual.mT, left)
