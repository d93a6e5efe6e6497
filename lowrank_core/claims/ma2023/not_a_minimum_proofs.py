"""With k ≥ n every local minimum is global: the proof, checked by machine, and an exact example."""

from __future__ import annotations

from fractions import Fraction

from lowrank_core.claims.grammar import (
    Criterion,
    Evidence,
    Page,
    Setting,
    Variant,
    at,
    each,
    edge,
    refused,
    scales,
)
from lowrank_core.proofs import openness, planted_outliers

PAGE = Page("chapters/ma2023/truth-not-a-minimum")


LENGTHS = (Fraction(1, 1000), Fraction(1, 100))


TERMS = Criterion("terms left in the proof's identities", 0, 0, exact="the proof's identities, in symbols")
UNCERTIFIED = Criterion("comparisons ‖W − X‖² ≤ ‖Y − XXᵀ‖ not certified", 0, 0)
EXACT_GAIN = Criterion(
    "exact loss gained over the truth's at distance h, per h",
    low=1 / 30,
    width="errors of at least 1/10 on a share (n − 1)/(2n − 1) ≥ 1/3 of the measurements",
)


@PAGE.claim(
    "ma2023.every-local-minimum-is-global",
    "With k ≥ n columns every local minimum is global",
    TERMS,
    UNCERTIFIED,
    EXACT_GAIN,
    reference="no counterpart in the paper",
    states="tnm-global",
    origin="ours",
    kind="identity",
    control="k < n: no orthonormal rows for the proof, and k = 1 in the example; for the inequality, a "
    "root of Y that is not positive semidefinite",
    sizes=scales(
        shapes=each(((2, 3),), ((2, 2), (3, 3), (3, 5)), ((2, 2), (3, 3), (3, 5), (4, 4), (5, 6))),
        n=each(2, 3, 4),
        neighbours=each(10, 40, 200),
    ),
    edges=(
        edge("k = n", shapes=((2, 2), (3, 3))),
        edge("n = 1", shapes=((1, 1), (1, 3))),
        edge("k > 2n", shapes=((2, 5),)),
        edge("a larger order", n=5, shapes=((4, 4),)),
        refused("k ≥ n", "fewer columns than rows", shapes=((3, 2),)),
    ),
    certified_by=("symbolic", "exact"),
)
def every_local_minimum_is_global(setting: Setting) -> Evidence:
    s, seeds = setting.sizes, setting.seeds
    setting.assume(all(n <= k for n, k in s.shapes), "k ≥ n")
    examples = [planted_outliers.draw(seed, s.n) for seed in seeds]

    def uncertified(indefinite: bool) -> dict[Variant, list[int]]:
        return {
            at(n=n, k=k): [
                found.refuted + found.undecided
                for found in (openness.certify(seed, n, k, indefinite) for seed in seeds)
            ]
            for n, k in s.shapes
        }

    along = [planted_outliers.segment_gains(example, LENGTHS) for example in examples]
    beside = [
        planted_outliers.rank_one_gains(example, seed, LENGTHS, s.neighbours)
        for example, seed in zip(examples, seeds, strict=True)
    ]
    evidence = Evidence(predicted={TERMS: 0, UNCERTIFIED: 0})
    evidence.found(TERMS, sum(openness.proof_residuals().values()))
    evidence.broken(TERMS, sum(openness.proof_residuals(enough_columns=False).values()))
    evidence.found(UNCERTIFIED, uncertified(indefinite=False))
    evidence.broken(UNCERTIFIED, uncertified(indefinite=True))
    evidence.found(EXACT_GAIN, [float(min(gains)) for gains in along], at("k = n", k=s.n))
    evidence.broken(EXACT_GAIN, [float(max(gains)) for gains in beside], at(k=1))
    return evidence
