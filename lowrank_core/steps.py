"""Step-size rules. A rule is called once per iteration and returns η_t, a number or one value per trajectory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch

from lowrank_core import inputs
from lowrank_core.errors import ArgumentError, require


class Seen(NamedTuple):
    """What a rule may look at, each (B,); whatever no rule needs is None.

    Attributes:
        value: the loss.
        squared_gradient: the squared Frobenius norm of the gradient in the factors.
        slope_norm: ‖Q_t‖, the operator norm of the slope Q_t = A*(z_t), the derivative in the matrix itself.
    """

    value: torch.Tensor | None = None
    squared_gradient: torch.Tensor | None = None
    slope_norm: torch.Tensor | None = None


class Look(NamedTuple):
    """What compiled loops multiply a tabulated η_t with, so that no rule is written twice.

    Attributes:
        times_loss: whether by the loss, less `minimum` and not below zero.
        over_gradient: whether by 1/‖∇f‖², and by zero where the gradient vanishes.
        norms: how often by 1/‖Q_t‖, and by zero where the slope vanishes.
        minimum: f*.
    """

    times_loss: bool = False
    over_gradient: bool = False
    norms: int = 0
    minimum: float = 0.0


NO_LOOK = Look()


class StepRule:
    """Base of all rules.

    Attributes:
        needs_value: whether the rule looks at the loss and the gradient norm; if not, methods do not evaluate them.
        needs_slope_norm: the same for the norm of the slope.
        reduction_refusal: why runs with this rule must not be compared with reduced ones, or None.
        noise_warning: why this rule is wrong for noisy observations, or None.
    """

    needs_value: bool = False
    needs_slope_norm: bool = False
    reduction_refusal: str | None = None
    noise_warning: str | None = None

    def __call__(self, iteration: int, seen: Seen) -> float | torch.Tensor:
        """η_t, one number or (B, 1, 1), from t and what the rule needs to see."""
        raise NotImplementedError

    def table(self, times: torch.Tensor, like: torch.Tensor) -> tuple[torch.Tensor, Look] | None:
        """The rule for compiled loops: η_t, (T, B), and what it looks at. None where there is no such form.

        Args:
            times: t, (T,).
            like: whatever has a batch, device and dtype, (B, ...).
        """
        return None


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
        _per_trajectory(self, "eta", self.eta)

    def __call__(self, iteration: int, seen: Seen) -> float | torch.Tensor:
        return self.eta

    def table(self, times: torch.Tensor, like: torch.Tensor) -> tuple[torch.Tensor, Look]:
        return _row(self.eta, like).expand(len(times), -1), NO_LOOK


@dataclass(frozen=True)
class Geometric(StepRule):
    """η_t = η ρᵗ.

    Args:
        eta: η, one number or (B,).
        ratio: ρ in (0, 1], one number or (B,).

    Raises:
        ArgumentError: η not positive, ρ outside (0, 1], or η and ρ of unequal lengths.
    """

    eta: float | torch.Tensor
    ratio: float | torch.Tensor

    def __post_init__(self) -> None:
        _per_trajectory(self, "eta", self.eta)
        _per_trajectory(self, "ratio", self.ratio)
        # A tensor or a Python number: one that torch made of a number would be float32, where 1 + 2e-8 is 1.
        below = self.ratio <= 1
        below = bool(below.all()) if isinstance(below, torch.Tensor) else below
        require(below, "ratio", self.ratio, "the decay ρ lies in (0, 1]", "use e.g. 0.99")
        lengths = {each.shape[0] for each in (self.eta, self.ratio) if isinstance(each, torch.Tensor)} - {1}
        require(
            len(lengths) <= 1,
            "ratio",
            self.ratio.flatten().tolist() if isinstance(self.ratio, torch.Tensor) else self.ratio,
            "there are not as many ρ as there are η",
            "use one number, or one value per trajectory for each",
        )

    def __call__(self, iteration: int, seen: Seen) -> float | torch.Tensor:
        return self.eta * self.ratio**iteration

    def table(self, times: torch.Tensor, like: torch.Tensor) -> tuple[torch.Tensor, Look]:
        return _row(self.eta, like) * _row(self.ratio, like) ** times[:, None], NO_LOOK


@dataclass(frozen=True)
class LossProportional(StepRule):
    """η_t = η f(X_t), which vanishes with the loss; with noisy data it never does.

    Args:
        eta: η, one number or (B,).

    Raises:
        ArgumentError: η not positive.
    """

    needs_value = True
    noise_warning = (
        "steps proportional to the loss never vanish on noisy observations, so the iterates keep moving: "
        "use Normalised(Geometric(eta, ratio)), whose steps decay on their own"
    )
    eta: float | torch.Tensor

    def __post_init__(self) -> None:
        _per_trajectory(self, "eta", self.eta)

    def __call__(self, iteration: int, seen: Seen) -> torch.Tensor:
        assert seen.value is not None
        return matched(self.eta, seen.value) * seen.value[:, None, None]

    def table(self, times: torch.Tensor, like: torch.Tensor) -> tuple[torch.Tensor, Look]:
        return _row(self.eta, like).expand(len(times), -1), Look(times_loss=True)


@dataclass(frozen=True)
class Polyak(StepRule):
    """η_t = (f(X_t) − f*) / ‖∇f(X_t)‖², zero where the gradient vanishes.

    Args:
        minimum: f* ≥ 0, the smallest value of the loss; 0 without noise.

    Raises:
        ArgumentError: f* negative or not finite.
    """

    needs_value = True
    # With k > r these runs are chaotic: two runs that differ by one rounding are apart by 1e-3 after 100 steps.
    reduction_refusal = (
        "Polyak steps amplify rounding chaotically when k > r, so a reduced run is another run"
    )
    minimum: float = 0.0

    def __post_init__(self) -> None:
        require(
            inputs.number("minimum", self.minimum) >= 0,
            "minimum",
            self.minimum,
            "no loss is below zero",
            "use the loss at the truth, which is 0 without noise",
        )

    def __call__(self, iteration: int, seen: Seen) -> torch.Tensor:
        assert seen.value is not None
        assert seen.squared_gradient is not None
        eta = (seen.value - self.minimum).clamp(min=0.0) / seen.squared_gradient
        return torch.where(seen.squared_gradient > 0, eta, 0.0)[:, None, None]

    def table(self, times: torch.Tensor, like: torch.Tensor) -> tuple[torch.Tensor, Look]:
        ones = _row(1.0, like).expand(len(times), -1)
        return ones, Look(times_loss=True, over_gradient=True, minimum=self.minimum)


@dataclass(frozen=True)
class Normalised(StepRule):
    """Another rule's step over ‖Q_t‖, the operator norm of the slope Q_t = A*(z_t); zero where Q_t vanishes.

    `Normalised(Geometric(eta, ratio))` is the step of Ma & Fattahi (2023), eq. (10), for noisy observations, and
    `Normalised(Constant(eta))` the same without decay. Their objective is twice the one here, so their η is 2η.

    Args:
        rule: the step before it is normalised, a rule or a number.
    """

    rule: StepRule
    needs_slope_norm = True
    # On a smooth loss the slope vanishes with the error and the steps do not: two runs that differ by one rounding
    # are soon apart by as much as the error itself.
    reduction_refusal = (
        "normalised steps amplify rounding chaotically near the truth, so a reduced run is another run"
    )

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "rule", as_rule(self.rule))
        except ArgumentError as error:
            raise error.renamed({"step_size": "rule"}) from None
        object.__setattr__(self, "needs_value", self.rule.needs_value)
        object.__setattr__(self, "noise_warning", self.rule.noise_warning)

    def __call__(self, iteration: int, seen: Seen) -> torch.Tensor:
        assert seen.slope_norm is not None
        eta = matched(self.rule(iteration, seen), seen.slope_norm) / seen.slope_norm[:, None, None]
        return torch.where(seen.slope_norm[:, None, None] > 0, eta, 0.0)

    def table(self, times: torch.Tensor, like: torch.Tensor) -> tuple[torch.Tensor, Look] | None:
        found = self.rule.table(times, like)
        return found and (found[0], found[1]._replace(norms=found[1].norms + 1))


def as_rule(step_size: float | torch.Tensor | StepRule) -> StepRule:
    """The rule itself, or a constant one from a number or a (B,) tensor.

    Raises:
        ArgumentError: a step size that is not positive and finite.
    """
    if isinstance(step_size, StepRule):
        return step_size
    try:
        return Constant(step_size)
    except ArgumentError as error:
        raise error.renamed({"eta": "step_size"}) from None


def matched(eta: float | torch.Tensor, values: torch.Tensor) -> float | torch.Tensor:
    """A step size of the device and dtype of `values`, (B, ...).

    Raises:
        ArgumentError: it is a tensor with neither one value nor B.
    """
    if not isinstance(eta, torch.Tensor):
        return eta
    require(
        eta.shape[0] in (1, values.shape[0]),
        "step_size",
        tuple(eta.flatten().tolist()),
        f"it holds {eta.shape[0]} values for {values.shape[0]} trajectories",
        "give one number, or one value per trajectory",
    )
    return eta.to(values)


def _row(eta: float | torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """A step size as a row of a table, (B,)."""
    values = torch.as_tensor(matched(eta, like), dtype=like.dtype, device=like.device)
    return values.flatten().expand(like.shape[0])


def _per_trajectory(rule: StepRule, name: str, values: float | torch.Tensor) -> None:
    """Check a rule's argument, and give one value per trajectory the shape (B, 1, 1) that scales factors."""
    checked = inputs.per_trajectory(
        name,
        values,
        "a step size and its decay are positive and finite",
        "use a number, or (B,) with one per trajectory",
    )
    if isinstance(checked, torch.Tensor):
        checked = checked.reshape(-1, 1, 1)
    object.__setattr__(rule, name, checked)
