"""Try every claim at its edges, and store which are as declared; the tests try them, too."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from lowrank_core import artefacts, provenance
from lowrank_core.claims.batch import run_edges
from lowrank_core.claims.contract import EDGES, edge_key
from lowrank_core.claims.registry import all_claims, find
from lowrank_core.terminal import program


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--again", nargs="+", metavar="ID", help="only these claims, after a change that touched no others"
    )
    again = parser.parse_args().again
    chosen = [find(claim_id) for claim_id in again] if again else all_claims()
    kept: dict[str, Any] = (
        artefacts.read(EDGES) if again else {"edges": {}, "core_hash": provenance.core_hash()}
    )
    found: dict[str, str] = kept["edges"] | run_edges(chosen)
    cores = dict.fromkeys([*kept["core_hash"].split(", "), provenance.core_hash()])
    declared = [edge_key(claim, edge) for claim in all_claims() for edge in claim.edges]
    edges = {key: found.get(key, "not run") for key in declared}
    origin = {"core_hash": ", ".join(cores), "machine": provenance.machine()}
    path = artefacts.write(EDGES, {"edges": edges, **origin})
    wrong = {key: reason for key, reason in edges.items() if reason}
    for key, reason in wrong.items():
        print(f"{key}: {reason}")
    print(f"{len(declared)} edges, {len(wrong)} not as declared; stored in {path}")


if __name__ == "__main__":
    sys.exit(program(main))
