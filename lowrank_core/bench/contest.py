"""Ours against others, side by side: every round times all of them in turn, and the machine's limits with them.

One process, one thread, CPU time. A ratio is taken inside a round and its median over the rounds, so that what the
neighbours of this machine do at the moment strikes both sides. Ours come with the bytes that they have to read and
the operations that they have to do; max(bytes / read rate, operations / multiplication rate) is the least that they
could take, and `limit_fraction` the part of the measured time that this is.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch

from lowrank_core import kernels
from lowrank_core.bench import machine
from lowrank_core.bench.row import Row
from lowrank_core.device import single_thread

SHORTEST = 0.02
"""Seconds that a timing takes at least; shorter work is repeated."""
LONG = 1.0
"""Seconds from which on work is run once before it is timed, not twice."""
UNSTEADY = 0.25
"""A contest is held once more where the read rate varied by more than this part, and the steadier one counts."""


@dataclass(frozen=True)
class Work:
    """Something to be timed.

    Args:
        run: what one call does.
        units: how many of the units that are reported one call does.
        nbytes: bytes that one call cannot avoid to read.
        working_set: bytes among which they are; by default the same. It decides which cache they may come from.
        flops: operations that one call cannot avoid, in `dtype`.
    """

    run: Callable[[], object]
    units: float = 1.0
    nbytes: float = 0.0
    working_set: float | None = None
    flops: float = 0.0
    dtype: torch.dtype = torch.float64


def contest(
    size: str,
    ours: Mapping[str, Work],
    others: Mapping[str, Work],
    rounds: int,
    best_of: Mapping[str, Sequence[str]] | None = None,
) -> list[Row]:
    """A row for each of ours against each of the others.

    Args:
        best_of: further opponents: name -> those of whom, in each round, the fastest counts.
    """
    with single_thread():
        limits = _Limits(ours.values())
        everything = {**limits.works, **ours, **others}
        seconds = timed(everything, rounds)
        if limits.variation(seconds) > UNSTEADY:
            again = timed(everything, rounds)
            if limits.variation(again) < limits.variation(seconds):
                seconds = again
        threads = torch.get_num_threads()
    for title, names in (best_of or {}).items():
        seconds[title] = [min(found) for found in zip(*(seconds[name] for name in names), strict=True)]
    rows = []
    for name, work in ours.items():
        fractions = [
            least / took for least, took in zip(limits.of(work, seconds), seconds[name], strict=True)
        ]
        for opponent in (*others, *(best_of or {})):
            ratios = [theirs / took for theirs, took in zip(seconds[opponent], seconds[name], strict=True)]
            fraction = statistics.median(fractions) if work.nbytes or work.flops else None
            rows.append(
                Row(
                    name,
                    size,
                    statistics.median(ratios),
                    opponent,
                    fraction,
                    statistics.median(seconds[name]),
                    rounds,
                    quantiles(ratios),
                    threads,
                    kernel(),
                )
            )
    return rows


def timed(works: Mapping[str, Work], rounds: int) -> dict[str, list[float]]:
    """CPU seconds of one unit of each work, a number a round, all of them in turn in every round."""
    calls = {name: _calls(work) for name, work in works.items()}
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            begin = time.process_time()
            for _ in range(calls[name]):
                work.run()
            seconds[name].append((time.process_time() - begin) / (calls[name] * work.units))
    return seconds


def rates(rounds: int) -> list[Row]:
    """What the machine did at best in this run: reading a byte, and doing an operation in three precisions."""
    read, nbytes = machine.reading(machine.LARGEST_READ)
    works = {"read": Work(read, nbytes)}
    for dtype in (torch.float64, torch.float32, torch.bfloat16):
        multiply, flops = machine.multiplying(dtype)
        works[f"multiply, {str(dtype).removeprefix('torch.')}"] = Work(multiply, flops)
    with single_thread():
        seconds = timed(works, rounds)
        threads = torch.get_num_threads()
    return [
        Row(
            f"limit: {name}",
            f"{nbytes >> 20} MiB" if name == "read" else f"order {machine.ORDER}",
            None,
            None,
            None,
            statistics.median(found),
            rounds,
            quantiles(found),
            threads,
            "numba" if name == "read" else "torch",
        )
        for name, found in seconds.items()
    ]


def exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """The slope of log(cost) over log(size) by least squares."""
    x, y = [math.log(size) for size in sizes], [math.log(cost) for cost in costs]
    return statistics.linear_regression(x, y).slope


def kernel() -> str:
    """What serves float64 tensors on the CPU here."""
    return kernels.report()["CPU"].split(":")[0].split(",")[0]


def same(name: str, found: torch.Tensor, expected: torch.Tensor, tolerance: float) -> None:
    """Refuse to time what is wrong.

    Raises:
        RuntimeError: ‖found − expected‖ > tolerance · ‖expected‖.
    """
    gap = float((found - expected).norm() / expected.norm())
    if not gap <= tolerance:
        raise RuntimeError(f"{name} is off by {gap:.1e}, more than {tolerance:.0e}: not timed")


class _Limits:
    """The rates that ours are held to."""

    def __init__(self, ours: Iterable[Work]) -> None:
        self.works: dict[str, Work] = {}
        for work in ours:
            if work.nbytes:
                self.works.setdefault(self._reading(work), Work(*machine.reading(_span(work))))
            if work.flops:
                self.works.setdefault(f"multiply {work.dtype}", Work(*machine.multiplying(work.dtype)))

    def of(self, work: Work, seconds: Mapping[str, list[float]]) -> list[float]:
        """The least time of a unit of the work, round by round."""
        rounds = len(next(iter(seconds.values())))
        idle = [0.0] * rounds
        read = seconds[self._reading(work)] if work.nbytes else idle
        multiply = seconds[f"multiply {work.dtype}"] if work.flops else idle
        return [
            max(work.nbytes * byte, work.flops * flop) / work.units
            for byte, flop in zip(read, multiply, strict=True)
        ]

    def variation(self, seconds: Mapping[str, list[float]]) -> float:
        reads = [seconds[name] for name in self.works if name.startswith("read")]
        spreads = (quantiles(found) for found in reads)
        return max((high / low - 1 for low, high in spreads), default=0.0)

    @staticmethod
    def _reading(work: Work) -> str:
        return f"read {machine.reading_size(_span(work))}"


def _span(work: Work) -> float:
    return work.nbytes if work.working_set is None else work.working_set


def _calls(work: Work) -> int:
    """Calls that take `SHORTEST`; what is compiled or allocated at first use is behind us then."""
    took = math.inf
    for _ in range(2):
        begin = time.process_time()
        work.run()
        took = min(took, time.process_time() - begin)
        if took > LONG:
            break
    return max(1, math.ceil(SHORTEST / max(took, 1e-7)))


def quantiles(values: Sequence[float]) -> tuple[float, float]:
    """The 10 % and the 90 % quantile."""
    low, high = (
        torch.tensor(values, dtype=torch.float64)
        .quantile(torch.tensor([0.1, 0.9], dtype=torch.float64))
        .tolist()
    )
    return low, high
