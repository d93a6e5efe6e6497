"""A line of a report of benchmarks, as it is printed, stored and shown."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line of the report; the fields are those of `python -m lowrank_core bench --json`.

    Attributes:
        name: what was timed.
        size: on what.
        ratio: how many times longer `against` takes; for growth, the fitted exponent.
        against: what it is compared with; None for a rate of the machine.
        limit_fraction: the least possible time by the rates of this run over the measured one; above 1 where a
            closer cache holds the data, or where the library that multiplies is not at the peak itself. None where
            there is no such count.
        seconds: CPU time of one unit (a gradient, or a whole run, as the name says), where time is what counts.
        rounds: how many rounds the medians are over.
        spread: 10 % and 90 % quantiles of the ratio.
        threads: torch's threads.
        kernel: what does the inner loops.
    """

    name: str
    size: str
    ratio: float | None
    against: str | None
    limit_fraction: float | None
    seconds: float | None
    rounds: int
    spread: tuple[float, float]
    threads: int
    kernel: str

    def number(self, letter: str) -> int:
        """A number of the size, as 50 for n in "n=50, m=750"; 1 if it is not there."""
        found = re.search(rf"\b{letter}=(\d+)", f"{self.name}, {self.size}")
        return int(found[1]) if found else 1

    @property
    def theirs(self) -> float:
        """Seconds of the opponent, from the ratio."""
        return (self.ratio or float("nan")) * (self.seconds or float("nan"))

    def __str__(self) -> str:
        took = "" if self.seconds is None else f"{self.seconds:.3g} s"
        ratio = "" if self.ratio is None else f"{self.ratio:.3g} [{self.spread[0]:.3g}, {self.spread[1]:.3g}]"
        part = "" if self.limit_fraction is None else f"{self.limit_fraction:.2f} of limit"
        return f"{self.name:<50} {self.size:<28} {took:>10} {part:>14} {ratio:>22} {self.against or ''}"
