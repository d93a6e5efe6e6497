"""What corrupts the observations: dense Gaussian noise, gross outliers of any law, or both.

A noise model is drawn in the units of the measurements <A_i, M*>, from a stream of its own, so adding noise
never changes the measurement operator or the start.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch

from lowrank_core.errors import require
from lowrank_core.randomness import draw

LAWS = {
    "gaussian": lambda rng, size: rng.standard_normal(size),
    "rademacher": lambda rng, size: rng.choice([-1.0, 1.0], size),
    "cauchy": lambda rng, size: rng.standard_cauchy(size),
    "constant": lambda rng, size: np.ones(size),
    "student-t": lambda rng, size: rng.standard_t(3.0, size),
}


class Noise(Protocol):
    """Anything that draws (B, m) additive noise from seeds, and from streams whose names begin with `stream`."""

    def sample(self, seeds: Sequence[int], m: int, stream: str = "noise") -> torch.Tensor: ...


@dataclass(frozen=True)
class Gaussian:
    """Independent N(0, scale²) noise on every measurement.

    Raises:
        ArgumentError: scale is negative.
    """

    scale: float

    def __post_init__(self) -> None:
        require(self.scale >= 0, "scale", self.scale, "a standard deviation is not negative", "use >= 0")

    def sample(self, seeds: Sequence[int], m: int, stream: str = "noise") -> torch.Tensor:
        return self.scale * draw(seeds, f"{stream} gaussian", (m,), LAWS["gaussian"])


@dataclass(frozen=True)
class Outliers:
    """A fraction p of the measurements, chosen at random, gets an error of size `scale` from `law`.

    Attributes:
        p: corruption probability in [0, 1], independent for each measurement.
        scale: multiplies the law's draws.
        law: one of `LAWS` ("gaussian", "rademacher", "cauchy", "constant", "student-t" with 3 degrees).

    Raises:
        ArgumentError: p outside [0, 1], or an unknown law.
    """

    p: float
    scale: float = 10.0
    law: str = "gaussian"

    def __post_init__(self) -> None:
        require(0 <= self.p <= 1, "p", self.p, "a probability lies in [0, 1]", "use e.g. p=0.1")
        require(self.law in LAWS, "law", self.law, "unknown law", f"use one of {', '.join(LAWS)}")

    def sample(self, seeds: Sequence[int], m: int, stream: str = "noise") -> torch.Tensor:
        hit = draw(seeds, f"{stream} support", (m,), lambda rng, size: rng.random(size) < self.p)
        return self.scale * hit * draw(seeds, f"{stream} {self.law} outliers", (m,), LAWS[self.law])


@dataclass(frozen=True)
class Mixed:
    """The sum of several noise models, e.g. `Mixed((Gaussian(0.1), Outliers(0.2)))`."""

    parts: tuple[Noise, ...]

    def sample(self, seeds: Sequence[int], m: int, stream: str = "noise") -> torch.Tensor:
        samples = [part.sample(seeds, m, f"{stream} part {i}") for i, part in enumerate(self.parts)]
        return torch.stack(samples).sum(dim=0)
