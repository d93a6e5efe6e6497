"""Step-size rules. A rule is called once per iteration and returns η_t, a number or one value per trajectory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from lowrank_core.errors import require


class StepRule:
    """Base of all rules.

    Attributes:
        needs_value: whether the rule looks at the loss; if not, methods do not evaluate it.
        reduction_refusal: why runs with this rule must not be compared with reduced ones, or None.
    """

    needs_value: ClassVar[bool] = False
    reduction_refusal: ClassVar[str | None] = None

    def __call__(
        self, iteration: int, value: torch.Tensor | None, squared_gradient: torch.Tensor | None
    ) -> float | torch.Tensor:
        """η_t from t, the loss (B,) and the squared gradient norm (B,), where the rule needs them."""
        raise NotImplementedError


@dataclass(frozen=True)
class Constant(StepRule):
    """η_t = η.

    Args:
        eta: one number, or (B,) for one step size per trajectory.

    Raises:
        ArgumentError: a step size that is not positive and finite.
    """

    eta: float | torch.Tensor

    def __post_init__(self) -> None:
        _check_eta(self.eta)
        if isinstance(self.eta, torch.Tensor):
            object.__setattr__(self, "eta", self.eta.reshape(-1, 1, 1))

    def __call__(
        self, iteration: int, value: torch.Tensor | None, squared_gradient: torch.Tensor | None
    ) -> float | torch.Tensor:
        return self.eta


@dataclass(frozen=True)
class Geometric(StepRule):
    """η_t = η ρᵗ.

    Raises:
        ArgumentError: η not positive or ρ outside (0, 1].
    """

    eta: float
    ratio: float

    def __post_init__(self) -> None:
        _check_eta(self.eta)
        require(0 < self.ratio <= 1, "ratio", self.ratio, "the decay ρ lies in (0, 1]", "use e.g. 0.99")

    def __call__(
        self, iteration: int, value: torch.Tensor | None, squared_gradient: torch.Tensor | None
    ) -> float:
        return self.eta * self.ratio**iteration


@dataclass(frozen=True)
class LossProportional(StepRule):
    """η_t = η f(X_t), which vanishes with the loss; with noisy data it never does.

    Raises:
        ArgumentError: η not positive.
    """

    needs_value = True
    eta: float

    def __post_init__(self) -> None:
        _check_eta(self.eta)

    def __call__(
        self, iteration: int, value: torch.Tensor | None, squared_gradient: torch.Tensor | None
    ) -> torch.Tensor:
        assert value is not None
        return self.eta * value[:, None, None]


@dataclass(frozen=True)
class Polyak(StepRule):
    """η_t = (f(X_t) − f*) / ‖∇f(X_t)‖², zero where the gradient vanishes.

    Args:
        minimum: f*, the smallest value of the loss; 0 without noise.
    """

    needs_value = True
    # With k > r these runs are chaotic: two runs that differ by one rounding are apart by 1e-3 after 100 steps.
    reduction_refusal = (
        "Polyak steps amplify rounding chaotically when k > r, so a reduced run is another run"
    )
    minimum: float = 0.0

    def __call__(
        self, iteration: int, value: torch.Tensor | None, squared_gradient: torch.Tensor | None
    ) -> torch.Tensor:
        assert value is not None
        assert squared_gradient is not None
        eta = (value - self.minimum).clamp(min=0.0) / squared_gradient
        return torch.where(squared_gradient > 0, eta, 0.0)[:, None, None]


def as_rule(step_size: float | torch.Tensor | StepRule) -> StepRule:
    """The rule itself, or a constant one from a number or a (B,) tensor."""
    return step_size if isinstance(step_size, StepRule) else Constant(step_size)


def _check_eta(eta: float | torch.Tensor) -> None:
    values = torch.as_tensor(eta)
    require(
        bool((values > 0).all() and torch.isfinite(values).all()) and values.ndim <= 1,
        "eta",
        eta,
        "a step size is positive and finite",
        "use a number, or for a constant step (B,) with one per trajectory",
    )
