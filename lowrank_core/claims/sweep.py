"""Several values of a parameter over all seeds in one batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from lowrank_core.claims.claim import Setting
from lowrank_core.claims.variants import Variant, at
from lowrank_core.errors import require


class Sweep:
    """Values of one parameter, or of several side by side, each tried on every seed.

    The batch runs seed by seed: all values on the first seed, then all on the next. Equal seeds then stand in a
    row, and operators store their ensemble once (`sensing.repeats`).

        sweep = Sweep(setting, α=s.alphas)
        run = solve(problem(sweep.setting), method, Factors(sweep.column() * start(sweep.setting).left), steps)
        errors = sweep.split(run.error[:, -1])  # {"α = 0.1": (S,), ...}

    Args:
        setting: of the claim.
        labels: names of the variants, where they are not to be made of the numbers.
        values: parameter -> values, equally many for each.

    Attributes:
        setting: the same with every seed repeated, once a value.
        variants: a label for each value, with its numbers.

    Raises:
        ArgumentError: no values, or not equally many of each parameter.
    """

    def __init__(self, setting: Setting, labels: Sequence[str] = (), **values: Sequence[Any]) -> None:
        counts = {name: len(found) for name, found in values.items()}
        require(
            len(set(counts.values())) == 1 and 0 not in counts.values(),
            "values",
            counts,
            "a sweep needs values, and equally many of each parameter",
            "give one sequence for each parameter, all of one length",
        )
        self._values = values
        rows = [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]
        texts = labels or [""] * len(rows)
        self.variants: list[Variant] = [at(text, **row) for text, row in zip(texts, rows, strict=True)]
        self.setting = replace(setting, seeds=tuple(seed for seed in setting.seeds for _ in rows))
        self._count = len(setting.seeds)

    @property
    def seeds(self) -> tuple[int, ...]:
        """Every seed, once a value: (0, 0, 1, 1) for two values on the seeds 0 and 1."""
        return self.setting.seeds

    def column(self, name: str | None = None, ndim: int = 3) -> torch.Tensor:
        """The value of each trajectory, (B, 1, 1) or with other trailing dimensions, float64, on the device.

        Args:
            name: of the parameter, where there are several.
            ndim: dimensions of the result, the batch among them.
        """
        values = self._values[name or next(iter(self._values))]
        column = torch.tensor([float(v) for v in values] * self._count, dtype=torch.float64)
        return column.to(self.setting.device).reshape(-1, *[1] * (ndim - 1))

    def split(self, found: torch.Tensor) -> dict[Variant, torch.Tensor]:
        """Variant -> its part of a result whose first dimension is the batch, one row a seed."""
        parts = found.unflatten(0, (self._count, len(self.variants))).unbind(dim=1)
        return dict(zip(self.variants, parts, strict=True))
