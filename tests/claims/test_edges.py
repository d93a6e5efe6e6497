"""Every claim at its edges: it holds where it says so untuned, and refuses by name what it does not speak of."""

import pytest

from lowrank_core import claims
from lowrank_core.claims.contract import edge_key
from lowrank_core.claims.runner import run_edge

EDGES = [(claim, edge) for claim in claims.all_claims() for edge in claim.edges]


@pytest.mark.parametrize(
    ("claim", "edge"), [pytest.param(claim, edge, id=edge_key(claim, edge)) for claim, edge in EDGES]
)
def test_edge(claim, edge):
    assert run_edge(claim.id, edge) == ""
