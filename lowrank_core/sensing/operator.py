"""The contract of a measurement operator, and the self-test that every operator passes.

An operator maps matrices to measurements, A(M)ᵢ = ⟨Aᵢ, M⟩, *without* any factor 1/m: `forward` and `adjoint`
are each other's exact adjoints. What the theory calls A*A (with E[A*A] = I) is `weight * adjoint(forward(M))`,
and every loss carries the same `weight`: 1/m for Gaussian ensembles with unit-variance entries, 1 for the
identity.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

import torch

from lowrank_core import inputs
from lowrank_core import loss as losses
from lowrank_core.errors import ArgumentError, require, require_kind
from lowrank_core.loss import Loss, check_loss
from lowrank_core.randomness import normal
from lowrank_core.steps import NO_LOOK, Look


class MeasurementOperator(ABC):
    """A linear map from n1 × n2 matrices to m measurements.

    Every call checks what it is given before it computes, with or without compiled kernels, which trust the sizes:
    `check_matrix`, `check_measurements` and `check_point` stand first in each of them, and should in your own.

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
    _stored: Mapping[str, object] = MappingProxyType({})

    @abstractmethod
    def forward(self, matrix: torch.Tensor) -> torch.Tensor:
        """A(M): (B, n1, n2) -> (B, m)."""

    @abstractmethod
    def adjoint(self, z: torch.Tensor) -> torch.Tensor:
        """A*(z) = Σ zᵢAᵢ: (B, m) -> (B, n1, n2)."""

    def forward_factors(self, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        """A(FGᵀ): (B, n1, k), (B, n2, k) -> (B, m)."""
        self.check_factors(left, right)
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
        self.check_point(left, right, y, loss, with_value)
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

        Raises:
            ArgumentError: factors or observations of another shape, batch, dtype or device, an unknown loss.
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
        self.check_point(left, right, y, loss)
        self.check_table(left, eta)
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
        self.check_point(left, right, y)
        self.check_remembered(left, right, gradient=gradient, direction=direction)
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
        self.check_line(left, right, d_left, d_right)
        if right is None or d_right is None:
            half = left @ d_left.mT
            tangent, bend = half + half.mT, d_left @ d_left.mT
        else:
            tangent, bend = left @ d_right.mT + d_left @ right.mT, d_left @ d_right.mT
        a, b = self.forward(tangent), self.forward(bend)
        return a.square().sum(dim=-1), (a * b).sum(dim=-1), b.square().sum(dim=-1)

    def check_matrix(self, matrix: torch.Tensor) -> None:
        """Raise unless `matrix` is (B, n1, n2), and its batch, dtype and device fit this operator."""
        self._check_kind("matrix", matrix)
        if matrix.ndim != 3 or tuple(matrix.shape[1:]) != self.shape:
            raise ArgumentError(
                "matrix",
                tuple(matrix.shape),
                f"this operator takes (B, {self.shape[0]}, {self.shape[1]})",
                "add the batch axis, or build operator and matrix with the same n",
            )
        self._check_batch("matrix", matrix)

    def check_measurements(self, z: torch.Tensor, argument: str = "z") -> None:
        """Raise unless `z` is (B, m), and its batch, dtype and device fit this operator; by the caller's name."""
        self._check_kind(argument, z)
        if z.ndim != 2 or z.shape[1] != self.m:
            raise ArgumentError(
                argument,
                tuple(z.shape),
                f"this operator's adjoint takes (B, {self.m})",
                "add the batch axis, or use measurements of this operator",
            )
        self._check_batch(argument, z)

    def check_factors(self, left: torch.Tensor, right: torch.Tensor | None) -> None:
        """Raise unless these are factors X or (F, G) of matrices that this operator measures.

        Raises:
            ArgumentError: another shape, batch, dtype or device, k < 1, or a single factor of a rectangular matrix.
        """
        n1, n2 = self.shape
        self._check_stored()
        self._check_kind("left", left)
        if left.ndim != 3 or left.shape[1] != n1 or left.shape[2] < 1 or left.shape[0] < 1:
            raise ArgumentError(
                "left",
                tuple(left.shape),
                f"this operator takes factors (B, {n1}, k), k >= 1",
                "add the batch axis, or build operator and factors with the same n",
            )
        self._check_batch("left", left)
        if right is None:
            require(
                n1 == n2, "right", None, f"XXᵀ is square, and this operator takes {n1} × {n2}", "give F and G"
            )
            return
        self._check_kind("right", right)
        if right.ndim != 3 or right.shape[1] != n2 or right.shape[::2] != left.shape[::2]:
            raise ArgumentError(
                "right",
                tuple(right.shape),
                f"beside a left factor of shape {tuple(left.shape)} it is "
                f"({left.shape[0]}, {n2}, {left.shape[2]})",
                "make both factors with the same seeds and the same k",
            )

    def check_observations(self, y: torch.Tensor, batch: int, argument: str = "y") -> None:
        """Raise unless `y` holds what this operator measures of so many trajectories; by the caller's name."""
        self._check_kind(argument, y)
        if y.shape != (batch, self.m):
            raise ArgumentError(
                argument,
                tuple(y.shape),
                f"{batch} trajectories and {self.m} measurements make observations ({batch}, {self.m})",
                "use observations of this operator, one row for each trajectory",
            )

    def check_point(
        self,
        left: torch.Tensor,
        right: torch.Tensor | None,
        y: torch.Tensor,
        loss: Loss = "l2",
        with_value: bool = True,
    ) -> None:
        """Raise unless a loss can be measured here: factors as for `check_factors`, y (B, m), a known loss."""
        self.check_factors(left, right)
        self.check_observations(y, left.shape[0])
        check_loss(loss)
        inputs.flag("with_value", with_value)

    def check_line(
        self,
        left: torch.Tensor,
        right: torch.Tensor | None,
        d_left: torch.Tensor,
        d_right: torch.Tensor | None,
    ) -> None:
        """Raise unless these are factors and a direction of their shape."""
        self.check_factors(left, right)
        for name, direction, factor in (("d_left", d_left, left), ("d_right", d_right, right)):
            if direction is None and factor is None:
                continue
            self._check_kind(name, direction)
            if factor is None or direction is None or direction.shape != factor.shape:
                raise ArgumentError(
                    name,
                    None if direction is None else tuple(direction.shape),
                    "a direction has the shape of its factor",
                    f"use {None if factor is None else tuple(factor.shape)}",
                )

    def check_table(self, left: torch.Tensor, eta: torch.Tensor) -> None:
        """Raise unless the step sizes are (T, B), for the trajectories of `left`."""
        self._check_kind("eta", eta)
        require(
            eta.ndim == 2 and eta.shape[1] == left.shape[0],
            "eta",
            tuple(eta.shape),
            f"step sizes are tabulated by iteration and trajectory, (T, {left.shape[0]})",
            "give one row for each iteration",
        )

    def check_remembered(
        self, left: torch.Tensor, right: torch.Tensor | None, **memory: torch.Tensor
    ) -> None:
        """Raise unless what a method remembers by name has the shape of X, or of F over G."""
        rows = left.shape[1] + (0 if right is None else right.shape[1])
        for name, remembered in memory.items():
            self._check_kind(name, remembered)
            if remembered.shape != (left.shape[0], rows, left.shape[2]):
                raise ArgumentError(
                    name,
                    tuple(remembered.shape),
                    f"what belongs to these factors has shape {(left.shape[0], rows, left.shape[2])}",
                    "begin with zeros of this shape",
                )

    def _check_kind(self, argument: str, tensor: object) -> None:
        if not isinstance(tensor, torch.Tensor) or tensor.layout != torch.strided:
            raise ArgumentError(
                argument,
                tensor,
                "it is no tensor, or a sparse one",
                "give one of the operator's dtype, e.g. torch.as_tensor(array)",
            )
        require_kind(
            argument,
            tensor,
            self.dtype,
            self.device,
            "the operator lives",
            "make it with the same device and dtype",
        )

    def _store(self, **tensors: torch.Tensor) -> None:
        """Keep what A is made of under these names, once its sizes are known; compiled kernels trust all of it."""
        vars(self).update(tensors)
        self._stored = dict(self._trusted(("shape", "m", "batch", *tensors)))

    def _trusted(self, names: Iterable[str]) -> Iterator[tuple[str, object]]:
        """Sizes, shapes, and how often integers, by which kernels find their places, were written to."""
        for name in names:
            value = getattr(self, name)
            if isinstance(value, torch.Tensor):
                counted = not (value.is_floating_point() or value.is_inference())
                value = (tuple(value.shape), value._version) if counted else tuple(value.shape)
            yield name, value

    def _check_stored(self) -> None:
        for name, found in self._trusted(self._stored):
            if found != self._stored[name]:
                raise ArgumentError(
                    f"operator.{name}",
                    found,
                    f"it was {self._stored[name]} when the operator was made, and must stay so",
                    "make another operator",
                )

    def __getstate__(self) -> dict[str, object]:
        self._check_stored()
        return vars(self)

    def __setstate__(self, state: Mapping[str, object]) -> None:
        vars(self).update(state)
        # The tensors of a copy begin to count anew.
        self._stored = dict(self._trusted(self._stored))

    def _check_batch(self, argument: str, tensor: torch.Tensor) -> None:
        if self.batch is not None and tensor.shape[0] != self.batch:
            raise ArgumentError(
                argument,
                tuple(tensor.shape),
                f"this operator holds one ensemble for each of {self.batch} trajectories",
                f"use a batch of {self.batch}, or an operator shared by all",
            )

    def adjoint_defect(self, seeds: Sequence[int] = (0, 1, 2)) -> float:
        """max |⟨A(M), z⟩ − ⟨M, A*(z)⟩| / (‖A(M)‖‖z‖) over random M and z; 1e-14 is the house limit."""
        seeds = inputs.seeds("seeds", seeds) if self.batch is None else list(range(self.batch))
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
