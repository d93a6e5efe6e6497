"""Running claims: what they are given, and that the same seeds give the same numbers."""

import math
import pickle
from types import SimpleNamespace

import pytest
import torch

from lowrank_core import claims
from lowrank_core.claims import standing
from lowrank_core.claims.batch import run_many
from lowrank_core.claims.claim import edge, refused
from lowrank_core.claims.grammar import scales
from lowrank_core.claims.runner import run_edge
from lowrank_core.claims.standing import OutsideHypotheses
from lowrank_core.errors import ArgumentError

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
        lambda setting: given.append((setting, torch.get_num_threads())) or declare.usual(setting),
        sizes=sizes,
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


def at_most_five(setting):
    setting.assume(setting.sizes.n <= 5, "n ≤ 5")
    return setting.sizes.n


@pytest.fixture
def tried(declare):
    """A claim about sizes n ≤ 5 that is false at n = 4."""

    def function(setting):
        value = 1.0 if at_most_five(setting) != 4 else 2.0
        return declare.evidence([value] * 3, [0.0] * 3)

    return declare(function, edgeless="", sizes=scales(n=2), edges=(edge("n = 1", n=1),))


@pytest.mark.parametrize(
    ("what", "wrong"),
    [
        (edge("n = 1", n=1), ""),
        (edge("n = 4", n=4), "“size = 1” met on 0 of 3; violated; control breaks “size = 1” on 3 of 3"),
        (edge("n = 6", n=6), "refused for 'n ≤ 5', but declared to hold"),
        (refused("n ≤ 5", "too large", n=6), ""),
        (refused("n ≤ 6", "too large", n=6), "refused for 'n ≤ 5', but declared to be refused for 'n ≤ 6'"),
        (refused("n ≤ 5", "too large", n=5), "not refused, although 'n ≤ 5' does not hold"),
    ],
)
def test_edges_that_are_not_as_declared_are_found(tried, what, wrong):
    assert run_edge(tried.id, what) == wrong


def test_at_an_edge_a_control_need_not_fire(declare):
    declare(lambda setting: declare.evidence([1.0] * 3, [1.0] * 3), sizes=scales(n=2))
    assert claims.run("test.claim", "smoke").verdict == "inconclusive"
    assert run_edge("test.claim", edge("n = 1", n=1)) == ""


def test_sizes_outside_a_standing_assumption_are_refused_before_anything_runs(declare):
    def function(setting):
        raise AssertionError("it ran")

    declare(function, sizes=scales(n=2, spectrum=(2.0, 1.0), k=2))
    with pytest.raises(OutsideHypotheses, match=r"r < min\(n₁, n₂\) = .*does not speak of these sizes"):
        claims.run("test.claim", "smoke")
    waiving = declare(id="test.waiving", sizes=scales(n=2, spectrum=(2.0, 1.0), k=2), waives=(standing.RANK,))
    assert claims.run(waiving.id, "smoke").verdict == "holds"


@pytest.mark.parametrize(
    ("sizes", "violated"),
    [
        ({"n": 3, "spectrum": (2.0, 1.0), "k": 2}, None),
        ({"n1": 3, "n2": 2, "spectrum": (2.0, 1.0)}, standing.RANK),
        ({"n": 2, "spectrum": (1.0,), "k": 0}, standing.SEARCH),
        ({"n": 9, "spectrum": (1.0, 1.0), "ks": (4, 1)}, standing.SEARCH),
        ({"n": 9, "spectrum": (1.0, 0.0)}, standing.POSITIVE),
        ({"n": 9, "spectrum": (1.0, math.nan)}, standing.POSITIVE),
        ({"n": 1, "k": 5}, None),
        ({"ns": (1, 2), "spectrum": (1.0, 1.0)}, None),
        ({}, None),
    ],
)
def test_standing_assumptions(sizes, violated):
    if violated is None:
        standing.check(SimpleNamespace(**sizes))
        return
    with pytest.raises(OutsideHypotheses) as caught:
        standing.check(SimpleNamespace(**sizes))
    assert caught.value.hypothesis == violated
    standing.check(SimpleNamespace(**sizes), waived=tuple(standing.STANDING))
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (copy.hypothesis, str(copy)) == (violated, str(caught.value))


def test_a_log_that_quotes_a_note_that_is_not_there_is_an_error(declare):
    declare(lambda setting: declare.evidence(notes={"best": 1.0}), discrepancy="off by {worst:.2f}")
    with pytest.raises(ArgumentError, match=r"discrepancy = \['worst'\]: it quotes notes .*\['best'\]"):
        claims.run("test.claim", "smoke")
