"""What corrupts the observations: dense Gaussian noise, gross outliers of any law, or both.

A noise model is drawn in the units of the measurements <A_i, M*>, from a stream of its own, so adding noise
never changes the measurement operator or the start. A `Corruption` is no noise: it looks at the measurements, which
the theory of robust recovery forbids, and serves as its control.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
import torch

from lowrank_core import inputs
from lowrank_core.errors import require, require_finite
from lowrank_core.randomness import draw

if TYPE_CHECKING:
    from lowrank_core.sensing.operator import MeasurementOperator

LAWS = {
    "gaussian": lambda rng, size: rng.standard_normal(size),
    "rademacher": lambda rng, size: rng.choice([-1.0, 1.0], size),
    "cauchy": lambda rng, size: rng.standard_cauchy(size),
    "constant": lambda rng, size: np.ones(size),
    "student-t": lambda rng, size: rng.standard_t(3.0, size),
}


class Noise(Protocol):
    """Anything that draws (B, m) additive noise from seeds, and from streams whose names begin with `stream`."""

    def sample(self, seeds: Sequence[int], m: int, stream: str = "noise") -> torch.Tensor:
        """Errors of m measurements, a row a seed: (B, m); `stream` names the draws."""
        ...


@runtime_checkable
class Corruption(Protocol):
    """Anything that replaces clean measurements (B, m) by others, and may look at them and at A to do it."""

    def corrupt(
        self, clean: torch.Tensor, operator: MeasurementOperator, seeds: Sequence[int]
    ) -> torch.Tensor:
        """The measurements that are observed, (B, m), in place of the clean ones, (B, m)."""
        ...


@dataclass(frozen=True)
class Gaussian:
    """Independent N(0, scale²) noise on every measurement.

    Raises:
        ArgumentError: scale is negative.
    """

    scale: float

    def __post_init__(self) -> None:
        inputs.number("scale", self.scale)
        require(self.scale >= 0, "scale", self.scale, "a standard deviation is not negative", "use >= 0")

    def sample(self, seeds: Sequence[int], m: int, stream: str = "noise") -> torch.Tensor:
        """Errors of m measurements, a row a seed: (B, m)."""
        m, stream = _sampled(m, stream)
        return self.scale * draw(seeds, f"{stream} gaussian", (m,), LAWS["gaussian"])


@dataclass(frozen=True)
class Outliers:
    """A fraction p of the measurements, chosen at random, gets an error of size `scale` from `law`.

    >>> values = Outliers(0.1, scale=100.0).sample(seeds=[0], m=10_000)
    >>> round(float((values != 0).double().mean()), 1)
    0.1

    Attributes:
        p: corruption probability in [0, 1), independent for each measurement.
        scale: multiplies the law's draws.
        law: one of `LAWS` ("gaussian", "rademacher", "cauchy", "constant", "student-t" with 3 degrees).

    Raises:
        ArgumentError: p outside [0, 1), a scale that is not finite, or an unknown law.
    """

    p: float
    scale: float = 10.0
    law: str = "gaussian"

    def __post_init__(self) -> None:
        _check_probability(self.p)
        inputs.number("scale", self.scale)
        inputs.choice("law", self.law, LAWS, "unknown law")

    def sample(self, seeds: Sequence[int], m: int, stream: str = "noise") -> torch.Tensor:
        """Errors of m measurements, a row a seed: (B, m)."""
        m, stream = _sampled(m, stream)
        hit = _support(seeds, m, self.p, stream)
        return self.scale * hit * draw(seeds, f"{stream} {self.law} outliers", (m,), LAWS[self.law])


@dataclass(frozen=True)
class Mixed:
    """The sum of several noise models, e.g. `Mixed((Gaussian(0.1), Outliers(0.2)))`.

    Raises:
        ArgumentError: no parts, or one that draws no noise.
    """

    parts: tuple[Noise, ...]

    def __post_init__(self) -> None:
        require(
            isinstance(self.parts, tuple | list)
            and len(self.parts) > 0
            and all(
                callable(getattr(part, "sample", None)) and not isinstance(part, type) for part in self.parts
            ),
            "parts",
            self.parts,
            "a mixture is of noise models, one or more",
            "use e.g. (Gaussian(0.1), Outliers(0.2))",
        )

    def sample(self, seeds: Sequence[int], m: int, stream: str = "noise") -> torch.Tensor:
        """Errors of m measurements, a row a seed: (B, m)."""
        m, stream = _sampled(m, stream)
        samples = [part.sample(seeds, m, f"{stream} part {i}") for i, part in enumerate(self.parts)]
        return torch.stack(samples).sum(dim=0)


@dataclass(frozen=True)
class Planted:
    """A fraction p of the measurements is that of another matrix: yᵢ = ⟨Aᵢ, X̃⟩, consistent with each other.

    Attributes:
        p: corruption probability in [0, 1), independent for each measurement.
        matrix: X̃, (B, n1, n2) or (n1, n2).

    Raises:
        ArgumentError: p outside [0, 1), a matrix of another number of axes or not finite; (from `observe`) one that
            does not fit the problem.
    """

    p: float
    matrix: torch.Tensor = field(repr=False)

    def __post_init__(self) -> None:
        _check_probability(self.p)
        matrix = inputs.tensor("matrix", self.matrix)
        require(
            matrix.ndim in (2, 3),
            "matrix",
            tuple(matrix.shape),
            "one matrix is planted, or one for each trajectory",
            "give (n1, n2) or (B, n1, n2)",
        )
        require_finite("matrix", matrix)
        object.__setattr__(self, "matrix", matrix)

    def corrupt(
        self, clean: torch.Tensor, operator: MeasurementOperator, seeds: Sequence[int]
    ) -> torch.Tensor:
        """The measurements that are observed, (B, m), in place of the clean ones, (B, m)."""
        shape = (clean.shape[0], *operator.shape)
        require(
            tuple(self.matrix.shape) in (shape, shape[1:]),
            "matrix",
            tuple(self.matrix.shape),
            f"this problem takes a planted matrix of shape {shape} or {shape[1:]}",
            "make it with the n and the seeds of the truth",
        )
        other = operator.forward(self.matrix.expand(shape).to(clean))
        return torch.where(_support(seeds, operator.m, self.p, "noise").bool().to(clean.device), other, clean)


@dataclass(frozen=True)
class SignFlip:
    """A fraction p of the measurements changes sign: yᵢ = −⟨Aᵢ, M*⟩, so the error depends on Aᵢ.

    Attributes:
        p: corruption probability in [0, 1), independent for each measurement.

    Raises:
        ArgumentError: p outside [0, 1).
    """

    p: float

    def __post_init__(self) -> None:
        _check_probability(self.p)

    def corrupt(
        self, clean: torch.Tensor, operator: MeasurementOperator, seeds: Sequence[int]
    ) -> torch.Tensor:
        """The measurements that are observed, (B, m), in place of the clean ones, (B, m)."""
        return clean * (1 - 2 * _support(seeds, operator.m, self.p, "noise").to(clean))


def _support(seeds: Sequence[int], m: int, p: float, stream: str) -> torch.Tensor:
    """Which measurements are corrupted, 0 or 1: (B, m). The sets grow with p, for the same seed."""
    return draw(seeds, f"{stream} support", (m,), lambda rng, size: rng.random(size) < p)


def _sampled(m: int, stream: str) -> tuple[int, str]:
    """How many numbers are drawn, and from which stream, checked."""
    return inputs.whole("m", m, 1), inputs.text("stream", stream, 'name what is drawn, e.g. "noise"')


def _check_probability(p: float) -> None:
    inputs.number("p", p, "use e.g. p=0.1")
    require(
        0 <= p < 1,
        "p",
        p,
        "the probability of a corruption lies in [0, 1); with p = 1 no measurement is left that tells of the truth",
        "use e.g. p=0.1, or Gaussian(scale) for noise on every measurement",
    )
