"""Run experiments of claims on finer grids, some minutes on one core, and store them for figures that move."""

from __future__ import annotations

import argparse
import sys

from lowrank_core import artefacts, provenance
from lowrank_core.claims.grids import GRIDS, compute
from lowrank_core.terminal import program


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"all, or some of {', '.join(GRIDS)}")
    for name in parser.parse_args().names or GRIDS:
        path = artefacts.write(name, compute(name) | {"machine": provenance.machine()})
        print(f"stored in {path}")


if __name__ == "__main__":
    sys.exit(program(main))
