"""Run an experiment of a paper at its full size, some minutes on one core, and store its curves for the book.

A claim offers its curves for storing as `Evidence.curves["stored"]`, a mapping that is fit for JSON.
"""

from __future__ import annotations

import argparse
import sys

from lowrank_core import artefacts, claims, provenance
from lowrank_core.terminal import program

EXPERIMENTS = {
    "xiong2024-figure": "xiong2024.paper-experiment",
    "ma2023-figure-1a": "ma2023.paper-search-ranks",
    "ma2023-figure-1b": "ma2023.paper-outlier-levels",
    "ma2023-figure-1c": "ma2023.floor-against-alpha",
    "ma2023-figure-2": "ma2023.figure-2",
    "ma2023-figure-3": "ma2023.figure-3",
    "ma2023-figure-5": "ma2023.expected-loss-recovery",
    "ma2023-figure-7": "ma2023.residual-is-the-floor",
    "zhang2025-race": "zhang2025.race-search-rank",
    "zhang2025-threshold-map": "zhang2025.threshold-map",
    "zhuo2024-figure-1": "zhuo2024.figure-1",
    "zhuo2024-figure-2": "zhuo2024.figure-2",
    "tong2021-figure-2c": "tong2021.figure-2c",
    "tong2021-figure-3": "tong2021.figure-3",
    "tong2021-figure-4": "tong2021.figure-4",
    "ma2021-figure-2": "zhang2025.balancing-free-figure",
    "zhang2023-figure-2": "zhang2023.figure-2",
    "xu2023-figure-1": "xu2023.figure-1",
    "xu2023-figure-2": "xu2023.figure-2",
    "xu2023-figure-3": "xu2023.figure-3",
    "xu2023-figure-4": "xu2023.figure-4",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"all, or some of {', '.join(EXPERIMENTS)}")
    names = parser.parse_args().names or list(EXPERIMENTS)
    for unknown in set(names) - set(EXPERIMENTS):
        parser.error(f"no experiment {unknown!r}: use some of {', '.join(EXPERIMENTS)}")
    for name in names:
        result = claims.run(EXPERIMENTS[name], scale="full", device="cpu").require()
        content = {"record": dict(result.record), "curves": result.curves["stored"]}
        path = artefacts.write(name, content | {"machine": provenance.machine()})
        print(f"{result}\nstored in {path}")


if __name__ == "__main__":
    sys.exit(program(main))
