"""Claims of Jin et al., "Understanding incremental learning of gradient descent" (2023); abstract read.

Gradient descent from a small start learns rank one, then two, and so on; the sharp exponents are derived here. All
runs are the gradient flow with every entry observed, in closed form.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch

from lowrank_core.analysis import rates
from lowrank_core.analysis.closed_forms import balanced_flow
from lowrank_core.analysis.incremental import approach_exponent, best_approximation, passing_distance
from lowrank_core.claims.experiments.small_starts import balanced
from lowrank_core.claims.grammar import Criterion, Evidence, Page, Setting, at, each, edge, refused, scales
from lowrank_core.factors import Factors, coupled_start
from lowrank_core.linalg import operator_norm
from lowrank_core.proofs import incremental_exponent
from lowrank_core.truth import Truth, rectangular

PAGE = Page("chapters/wind2023/spectral-alignment", book=10)


TERMS = Criterion("terms left in the proof's identities", 0, 0, exact="the proof's identities, in symbols")
DIGITS = Criterion(
    "largest |exponent − p| of the closed form", high=1e-8, width="the constant between a₀ = 1e-40 and 1e-60"
)


@PAGE.claim(
    "jin2023.exponent-proof",
    "The exponent of the closest approach, by computer algebra and in many digits",
    TERMS,
    DIGITS,
    reference="no counterpart in the paper",
    states=("lem-align-two-modes", "thm-align-exponent"),
    kind="identity",
    control="the time half-way between the two escapes, ½(1/σ_q + 1/σ_{q+1}) ln(1/a₀), instead of t*",
    sizes=scales(modes=each(3, 4, 6)),
    edges=(
        edge("two modes, the fewest", modes=2, seeds=2),
        edge("five modes", modes=5, seeds=1),
        refused("σ_{q+1} > 0", "with one mode there is no next one", modes=1),
    ),
    certified_by=("symbolic",),
)
def exponent_proof(setting: Setting) -> Evidence:
    setting.assume(setting.sizes.modes >= 2, "σ_{q+1} > 0")

    def digits(halfway: bool) -> list[float]:
        return [
            incremental_exponent.instance_defect(seed, setting.sizes.modes, halfway) for seed in setting.seeds
        ]

    return Evidence(
        measured={TERMS: dict(incremental_exponent.proof_residuals()), DIGITS: digits(False)},
        predicted={TERMS: 0, DIGITS: 0},
        control={
            TERMS: sum(incremental_exponent.proof_residuals(halfway=True).values()),
            DIGITS: digits(True),
        },
    )


RATE = Criterion(
    "exponent of min_t ‖FGᵀ − M_q‖ in a₀",
    0.97,
    1.03,
    of_prediction=True,
    width="finite a₀: 0.994 to 1.003 on 12 pilot seeds, four cases",
)
NEAREST = Criterion(
    "min_t ‖FGᵀ − M_q‖ / σ_{q+1}, smallest a₀",
    high=0.005,
    width="of the order a₀^p: at most 3e-5 on 12 pilot seeds",
)


@PAGE.claim(
    "jin2023.incremental-exponents",
    "The path passes every best approximation at distance a₀^p",
    RATE,
    NEAREST,
    reference="abstract for the ranks learnt in sequence; the exponent is derived",
    states="thm-align-exponent",
    kind="tight",
    control="no gap, σ₁ = σ₂, against the exponent of the first spectrum; a search rank of q; a start of order one",
    sizes=scales(
        n1=each(7, 12, 24),
        n2=each(5, 10, 20),
        k=each(5, 10, 20),
        spectra=each(
            ((4.0, 2.0, 1.0),),
            ((4.0, 2.0, 1.0), (3.0, 1.0, 0.5)),
            ((4.0, 2.0, 1.0), (3.0, 1.0, 0.5), (5.0, 3.0, 1.0)),
        ),
        # The ranks that are tried, 1 up to it; 0 stands for all.
        ranks=0,
        equal=(2.0, 2.0, 1.0),
        scales=each((1e-3, 1e-5, 1e-7), (1e-3, 1e-4, 1e-5, 1e-6, 1e-7), (1e-3, 1e-4, 1e-5, 1e-6, 1e-7)),
        points=each(80, 200, 400),
    ),
    edges=(
        edge("search rank q + 1", k=2, spectra=((4.0, 2.0),)),
        edge("search rank above n₁ + n₂ − r", k=11),
        edge("n₁ = n₂ = r + 1", n1=4, n2=4, k=4),
        edge("κ = 100", spectra=((10.0, 0.1),), scales=(1e-2, 1e-3)),
        edge("equal values below the gap", spectra=((4.0, 2.0, 1.0, 1.0),), ranks=2),
        refused("σ_q > σ_{q+1} > 0", "no gap, the exponent is 0", spectra=((2.0, 2.0, 1.0),)),
        refused("σ_q > σ_{q+1} > 0", "nothing is learnt after M_q", spectra=((2.0, 1.0, 0.0),)),
        refused("search rank above q", "the path ends at M_q", k=2),
        refused(
            "q + 1 < min(n₁, n₂)", "the sign of det F₀G₀ᵀ decides whether σ_{q+1} is learnt", n1=3, n2=3, k=3
        ),
    ),
    uses=("jin2023.exponent-proof", "wind2023.flow-identities"),
)
def incremental_exponents(setting: Setting) -> Evidence:
    s = setting.sizes
    cases = [(one, rank) for one in s.spectra for rank in range(1, (s.ranks or len(one) - 1) + 1)]
    for one, rank in cases:
        setting.assume(one[rank - 1] > one[rank] > 0, "σ_q > σ_{q+1} > 0", one)
        setting.assume(s.k > rank, "search rank above q")
        setting.assume(rank + 1 < min(s.n1, s.n2), "q + 1 < min(n₁, n₂)")

    def every(spectrum: Sequence[float], rank: int, **options: Any) -> torch.Tensor:
        """The closest approach for every scale of the start, (B, scales)."""
        found = [_closest(setting, spectrum, rank, scale, s.points, **options) for scale in s.scales]
        return torch.stack(found, dim=1)

    curves: dict[str, torch.Tensor] = {}
    exponents: dict[str, float] = {}
    evidence = Evidence(curves={"scales": s.scales, "closest": curves, "exponents": exponents})
    for spectrum, rank in cases:
        numbers = {f"σ_{i}": sigma for i, sigma in enumerate(spectrum, 1)}
        variant = at(f"σ = {spectrum}, q = {rank}", **numbers, q=rank)
        curves[variant] = closest = every(spectrum, rank)
        exponents[variant] = p = approach_exponent(spectrum[rank - 1], spectrum[rank])
        evidence.found(RATE, rates.scaling_exponent(s.scales, closest), variant, predicted=p)
        evidence.found(NEAREST, closest[:, -1] / spectrum[rank], variant)
    first = s.spectra[0]
    equal, narrow = every(s.equal, 1, unique=False), every(first, 1, columns=1)
    for dropped, found in (("σ₁ = σ₂", equal), ("search rank q", narrow)):
        exponents[dropped] = p = approach_exponent(first[0], first[1])
        evidence.broken(RATE, rates.scaling_exponent(s.scales, found), dropped, predicted=p)
    evidence.broken(NEAREST, equal[:, -1] / s.equal[1], "σ₁ = σ₂")
    large = _closest(setting, first, 1, 1.0, s.points)
    evidence.broken(NEAREST, large / first[1], at(**{"a₀": 1.0}))
    return evidence


def _closest(
    setting: Setting,
    spectrum: Sequence[float],
    rank: int,
    scale: float,
    points: int,
    unique: bool = True,
    columns: int = 0,
) -> torch.Tensor:
    """min_t ‖FGᵀ − M_q‖ of the flow, over times around t* between which the minimum must lie, (B,).

    Where M_q is not unique, by Weyl's inequality a lower bound of the distance to every one of them.

    Args:
        columns: the search rank; 0 stands for that of the sizes.
    """
    s = setting.sizes
    truth = rectangular(s.n1, s.n2, spectrum, setting.seeds, device=setting.device)
    near = 2 * math.log(1 / scale) / (spectrum[rank - 1] + spectrum[rank])
    # The minimum comes late by a time of order 1/σ_{q+1}, at any scale.
    times = torch.linspace(0.9 * near, 1.1 * near + 3 / spectrum[rank], points, dtype=torch.float64)
    path = balanced_flow(truth.matrix, balanced(setting, columns or s.k, scale), times.tolist())
    products = torch.stack([factors.product() for factors in path], dim=1)
    best = best_approximation(truth, rank)[:, None]
    if unique:
        return operator_norm(products - best).amin(dim=1)
    gaps = torch.linalg.svdvals(products) - torch.linalg.svdvals(best)
    return gaps.abs().amax(dim=-1).amin(dim=1)


PASSED = Criterion(
    "largest over j < s of min_t ‖FGᵀ − M_j‖ / σ_{j+1}, t after the time of M_{j−1}",
    high=0.01,
    width="of the order a₀^p: at most 2.5e-4 on 8 pilot seeds",
)
END = Criterion(
    "‖FGᵀ − M_s‖ / σ_s at the end", high=0.01, width="what is left at the end: at most 1e-12 on 8 pilot seeds"
)


@PAGE.claim(
    "jin2023.learns-ranks-in-sequence",
    "Rank one is learnt first, then two, up to the search rank",
    PASSED,
    END,
    reference="abstract: ranks in sequence, best solutions of each rank if under-parameterised",
    states="thm-align-sequence",
    origin="paper",
    known="read",
    kind="existence",
    control="a start of order one, which passes near none of M₁, …; for the end, n₁ = n₂ = r and det F₀G₀ᵀ < 0",
    sizes=scales(
        n1=each(7, 12, 24),
        n2=each(5, 10, 20),
        spectrum=each((4.0, 2.0, 1.0), (4.0, 2.0, 1.0, 0.5), (4.0, 2.0, 1.0, 0.5)),
        ks=each((5, 3, 2), (10, 4, 2), (20, 10, 4, 3, 2)),
        a0=1e-6,
        large=2.0,
        step=each(0.1, 0.05, 0.02),
    ),
    edges=(
        edge("r = 2", spectrum=(2.0, 1.0), ks=(2, 1)),
        edge("n₁ = n₂ = r + 1", n1=4, n2=4, ks=(4, 3)),
        edge("search rank above n₁ and n₂", ks=(9,)),
        refused("r < min(n₁, n₂)", "the sign of det F₀G₀ᵀ decides whether σ_r is learnt", n1=3, n2=3),
        refused("distinct σ", "no M_1 to pass", spectrum=(2.0, 2.0, 1.0)),
    ),
    waives=("k ≥ r",),
    uses=("jin2023.incremental-exponents",),
)
def learns_ranks_in_sequence(setting: Setting) -> Evidence:
    s, rank = setting.sizes, len(setting.sizes.spectrum)
    setting.assume(all(a > b for a, b in zip(s.spectrum, s.spectrum[1:], strict=False)), "distinct σ")
    # Twice the escape time of the last value, and time to settle, for starts that hardly see it.
    end = (2 * math.log(1 / s.a0) + 10) / s.spectrum[-1]
    times = torch.arange(0, end, s.step, dtype=torch.float64)
    curves: dict[int, torch.Tensor] = {}
    evidence = Evidence(curves={"times": times, "values": curves, "spectrum": s.spectrum, "a0": s.a0})

    def path(truth: Truth, start: Factors, moments: torch.Tensor) -> torch.Tensor:
        found = balanced_flow(truth.matrix, start, moments.tolist())
        return torch.stack([factors.product() for factors in found], dim=1)

    truth = rectangular(s.n1, s.n2, s.spectrum, setting.seeds, device=setting.device)
    for k in s.ks:
        last = min(k, rank)
        products = path(truth, balanced(setting, k, s.a0), times)
        curves[k] = torch.linalg.svdvals(products)[..., :rank]
        evidence.found(PASSED, passing_distance(products, truth, last), at(k=k))
        left = operator_norm(products[:, -1] - best_approximation(truth, last))
        evidence.found(END, left / s.spectrum[last - 1], at(k=k))
        if last > 1:
            products = path(truth, balanced(setting, k, s.large), times)
            evidence.broken(PASSED, passing_distance(products, truth, last), at(k=k))
    square = rectangular(rank, rank, s.spectrum, setting.seeds, device=setting.device)
    start = coupled_start(rank, rank, rank, 1.0, setting.seeds, setting.device).rescaled(s.a0)
    assert start.right is not None
    # A row of G with its sign changed keeps the balance, and no path of the flow crosses det FGᵀ = 0.
    flip = torch.linalg.det(start.product()).sign()[:, None]
    right = torch.cat([-flip[:, :, None] * start.right[:, :1], start.right[:, 1:]], dim=1)
    stuck = path(square, Factors(start.left, right), times[-1:])[:, -1]
    missed = operator_norm(stuck - square.matrix) / s.spectrum[-1]
    evidence.broken(END, missed, "n₁ = n₂ = r, det F₀G₀ᵀ < 0")
    return evidence
