"""Running claims: what they are given, and that the same seeds give the same numbers."""

import pytest
import torch

from lowrank_core import claims
from lowrank_core.claims.batch import run_many

BATCHED = ["xiong2024.extra-rank-not-columns", "xiong2024.symmetric-upper-bound"]
ROUNDING = 1e-9


def without_seconds(record):
    return {key: value for key, value in record.items() if key != "seconds"}


@pytest.mark.parametrize(
    ("scale", "seeds", "expected"), [("smoke", None, 3), ("book", None, 8), ("smoke", 5, 5)]
)
def test_a_claim_is_given_what_was_asked_for(declare, scale, seeds, expected):
    given = []
    sizes = {"smoke": {"n": 2}, "book": {"n": 20}, "full": {"n": 200}}
    declare(
        lambda setting: given.append((setting, torch.get_num_threads())) or declare.evidence(), sizes=sizes
    )
    claims.run("test.claim", scale, device="cpu", seeds=seeds, seed0=4)
    ((setting, threads),) = given
    assert setting.seeds == tuple(range(4, 4 + expected))
    assert setting.sizes.n == sizes[scale]["n"]
    assert setting.device == torch.device("cpu")
    assert threads == 1


@pytest.mark.parametrize("claim_id", [*BATCHED, "xiong2024.riccati"])
def test_the_same_seeds_give_the_same_record(claim_id):
    first, second = (claims.run(claim_id, "smoke", seed0=3).record for _ in range(2))
    assert without_seconds(first) == without_seconds(second)


@pytest.mark.parametrize("claim_id", BATCHED)
def test_other_seeds_give_other_numbers(claim_id):
    first, second = (claims.run(claim_id, "smoke", seed0=seed0).record["measured"] for seed0 in (0, 1))
    assert first != second


@pytest.mark.parametrize("claim_id", BATCHED)
def test_more_seeds_extend_the_series(claim_id):
    three, four = (claims.run(claim_id, "smoke", seeds=seeds).record["measured"] for seeds in (3, 4))
    for quantity, series in three.items():
        for variant, values in series.items():
            assert len(four[quantity][variant]) == 4
            assert four[quantity][variant][:3] == pytest.approx(values, rel=ROUNDING, abs=1e-30)


def test_neither_the_order_of_claims_nor_their_company_matters():
    together, backwards = (run_many(ids, "smoke") for ids in (BATCHED, BATCHED[::-1]))
    alone = [claims.run(claim_id, "smoke").record for claim_id in BATCHED]
    assert [without_seconds(r) for r in together] == [without_seconds(r) for r in alone]
    assert [without_seconds(r) for r in backwards[::-1]] == [without_seconds(r) for r in alone]
