"""Try every claim at its edges, and store which are as declared; the tests try them, too."""

from __future__ import annotations

import argparse

from lowrank_core import artefacts, provenance
from lowrank_core.claims.batch import side_by_side
from lowrank_core.claims.contract import EDGES, edge_key
from lowrank_core.claims.registry import all_claims
from lowrank_core.claims.runner import run_edge


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    jobs = {edge_key(claim, edge): (claim.id, edge) for claim in all_claims() for edge in claim.edges}
    found = dict(side_by_side(run_edge, jobs, "edges"))
    content = {
        "edges": {key: found[key] for key in jobs},
        "core_hash": provenance.core_hash(),
        "machine": provenance.machine(),
    }
    path = artefacts.write(EDGES, content)
    wrong = {key: reason for key, reason in found.items() if reason}
    for key, reason in wrong.items():
        print(f"{key}: {reason}")
    print(f"{len(found)} edges, {len(wrong)} not as declared; stored in {path}")


if __name__ == "__main__":
    main()
