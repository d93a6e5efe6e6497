"""Every claim of the book at smoke scale: as expected on its own seeds, and on fresh ones."""

import pytest

from lowrank_core import claims

FRESH = 7_000


@pytest.mark.parametrize("claim", claims.all_claims(), ids=lambda claim: claim.id)
def test_claim(claim):
    exact = []
    for seed0 in (0, FRESH):
        result = claims.run(claim.id, scale="smoke", device="cpu", seed0=seed0)
        assert result.record["seeds"] == list(range(seed0, seed0 + claim.seeds["smoke"]))
        assert result.require() is result
        exact.append([result.record["measured"][c.quantity] for c in claim.criteria if c.exact])
    # A certificate that no seed changes.
    assert exact[0] == exact[1]


@pytest.mark.cuda
@pytest.mark.parametrize("claim", claims.all_claims(), ids=lambda claim: claim.id)
def test_claim_on_cuda(claim):
    assert claims.run(claim.id, scale="smoke", device="cuda").as_expected
