"""How negative the curvature next to the truth can be: a printed bound, and the one that is true."""

from __future__ import annotations

from fractions import Fraction
from random import Random

from lowrank_core.claims.grammar import Criterion, Evidence, Page, Setting, each, edge, refused, scales
from lowrank_core.proofs import curvature_bound
from lowrank_core.proofs.curvature_bound import FARTHEST, Instance

PAGE = Page("chapters/zhang2025/preconditioning", book=20, full=60)

MARGIN = Fraction(1, 10**9)

ALONG = Criterion("curvature along V / (−L₁ε)", 2, 2)
BEYOND = Criterion("eigenvalues of ∇²f below −2(1 + 10⁻⁹)L₁ε", 0, 0)


@PAGE.claim(
    "zhang2023.corollary-13",
    "The curvature next to the truth is at least −2L₁ε, twice what Corollary 13 prints, and attains it",
    ALONG,
    BEYOND,
    reference="Corollary 13, p. 14, against the Hessian of Proposition 10; the instances are new",
    states="prop-prec-curvature",
    origin="ours",
    kind="existence",
    control="no column beyond the rank, k = r (first); an ε of which f is four times ½με² (second)",
    sizes=scales(n=each(3, 3, 5), true_rank=2, extra=each(1, 2, 3), farthest=0.5, instances=each(3, 4, 20)),
    edges=(
        edge("n = r, as in the instance of the text", n=2),
        edge("n = r = 1", n=1, true_rank=1),
        edge("k > n", extra=3),
        edge("points near the truth", farthest=2**-20),
        refused("k > r", "without a kernel of X the curvature is larger", extra=0),
        refused("ε ≤ λ/2", "the point is outside the radius", farthest=0.625),
    ),
    certified_by=("exact",),
    discrepancy="Corollary 13 (p. 14) bounds the least eigenvalue of ∇²f from below by −L₁ε; exact instances "
    "have {ratio:.0f} times that, as M* = diag(4, 5/4), X = [diag(2, 1), 0] with −1/2 against −1/4. The term "
    "2⟨∇φ, VVᵀ⟩ of the Hessian, as in Proposition 10, seems to have lost its 2 in the proof. With −2L₁ε the bound "
    "holds and is attained; what the paper uses it for, that curvature and error vanish together, is not in doubt.",
)
def curvature(setting: Setting) -> Evidence:
    s = setting.sizes
    setting.assume(s.extra > 0, "k > r")
    setting.assume(s.farthest <= FARTHEST, "ε ≤ λ/2", s.farthest)
    farthest = Fraction(s.farthest)

    def drawn(extra: int) -> list[list[Instance]]:
        """Instances for each seed."""
        names = [Random(f"curvature/{seed}/{extra}") for seed in setting.seeds]
        return [
            [curvature_bound.draw(rng, s.n, s.true_rank, extra, farthest) for _ in range(s.instances)]
            for rng in names
        ]

    def ratio(instance: Instance) -> float:
        return float(instance.curvature / -instance.epsilon)

    def beyond(instance: Instance, part: Fraction = Fraction(1)) -> float:
        """The number of eigenvalues below twice −L₁ε for ε times `part`; nan if elimination cannot tell."""
        count = instance.eigenvalues_below(-2 * (1 + MARGIN) * part * instance.epsilon)
        return float("nan") if count is None else count

    found, without = drawn(s.extra), drawn(0)
    evidence = Evidence(notes={"ratio": max(ratio(one) for some in found for one in some)})
    evidence.found(ALONG, [max(map(ratio, some)) for some in found], "largest", predicted=2)
    evidence.found(ALONG, [min(map(ratio, some)) for some in found], "smallest", predicted=2)
    evidence.broken(ALONG, [max(map(ratio, some)) for some in without], "k = r")
    evidence.found(BEYOND, [max(map(beyond, some)) for some in found], predicted=0)
    halved = [min(beyond(one, Fraction(1, 2)) for one in some) for some in found]
    evidence.broken(BEYOND, halved, "ε/2")
    return evidence
