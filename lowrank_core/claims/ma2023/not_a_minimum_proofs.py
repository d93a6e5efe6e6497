"""With k ≥ n every local minimum is global: the proof, checked by machine, and an exact example."""

from __future__ import annotations

from fractions import Fraction

from lowrank_core.claims.claim import Criterion, Evidence, Setting, edge, refused
from lowrank_core.claims.grammar import each, scales
from lowrank_core.claims.ma2023.not_a_minimum import CHAPTER
from lowrank_core.claims.registry import claim
from lowrank_core.claims.seeds import SEEDS
from lowrank_core.proofs import openness, planted_outliers

TERMS = "terms left in the proof's identities"
UNCERTIFIED = "comparisons ‖W − X‖² ≤ ‖Y − XXᵀ‖ not certified"
EXACT_GAIN = "exact loss gained over the truth's at distance h, per h"
LENGTHS = (Fraction(1, 1000), Fraction(1, 100))


@claim(
    id="ma2023.every-local-minimum-is-global",
    title="With k ≥ n columns every local minimum is global",
    reference="no counterpart in the paper",
    statement=r"""If $k\ge n$ and $f$ is convex and finite on the symmetric matrices, every local minimum of
$X\mapsto f(XX^\top)$ is a global one: for every $X$ and $Y\succeq0$ there is a $W$ with $WW^\top=Y$ and
$\|W-X\|^2\le\|Y-XX^\top\|$. So if $f(M_L)<f(M^\star)$ for some $M_L\succeq0$, no factor of $M^\star$ is a local
minimum.""",
    origin="ours",
    kind="identity",
    criteria=(
        Criterion(TERMS, 0, 0, exact="the proof's identities, in symbols"),
        Criterion(UNCERTIFIED, 0, 0),
        Criterion(
            EXACT_GAIN,
            low=1 / 30,
            width="errors of at least 1/10 on a share (n − 1)/(2n − 1) ≥ 1/3 of the measurements",
        ),
    ),
    control="k < n: no orthonormal rows for the proof, and k = 1 in the example; for the inequality, a "
    "root of Y that is not positive semidefinite",
    seeds=SEEDS,
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
    means=("symbolic", "exact"),
    chapter=CHAPTER,
)
def every_local_minimum_is_global(setting: Setting) -> Evidence:
    s, seeds = setting.sizes, setting.seeds
    setting.assume(all(n <= k for n, k in s.shapes), "k ≥ n")
    examples = [planted_outliers.draw(seed, s.n) for seed in seeds]

    def uncertified(indefinite: bool) -> dict[str, list[int]]:
        return {
            f"n = {n}, k = {k}": [
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
    return Evidence(
        measured={
            TERMS: sum(openness.proof_residuals().values()),
            UNCERTIFIED: uncertified(indefinite=False),
            EXACT_GAIN: {"k = n": [float(min(gains)) for gains in along]},
        },
        predicted={TERMS: 0, UNCERTIFIED: 0},
        control={
            TERMS: sum(openness.proof_residuals(enough_columns=False).values()),
            UNCERTIFIED: uncertified(indefinite=True),
            EXACT_GAIN: {"k = 1": [float(max(gains)) for gains in beside]},
        },
    )
