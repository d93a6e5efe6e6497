"""Claims of Jin et al., "Understanding incremental learning of gradient descent" (2023); abstract read.

Gradient descent from a small start learns rank one, then two, and so on; the sharp exponents are derived here. All
runs are the gradient flow with every entry observed, in closed form.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from lowrank_core.analysis import rates
from lowrank_core.analysis.closed_forms import balanced_flow
from lowrank_core.claims.claim import Criterion, Evidence, Setting
from lowrank_core.claims.grammar import each, scales
from lowrank_core.claims.registry import claim
from lowrank_core.claims.wind2023.runs import SEEDS, balanced
from lowrank_core.proofs import incremental_exponent
from lowrank_core.truth import Truth, rectangular

CHAPTER = "chapters/wind2023/spectral-alignment"

TERMS = "terms left in the proof's identities"
DIGITS = "largest |exponent − p| of the closed form"


@claim(
    id="jin2023.exponent-proof",
    title="The exponent of the closest approach, by computer algebra and in many digits",
    reference="no counterpart in the paper",
    statement=r"""Let two modes $\sigma_k>\sigma_{k+1}$ of the balanced flow start with Gram matrix
$a_0^2\hat G\succ0$. At $t^\star=2\ln(1/a_0)/(\sigma_k+\sigma_{k+1})$ the path is $a_0^pC+o(a_0^p)$ away from
the best approximation of rank $k$, with $p=2(\sigma_k-\sigma_{k+1})/(\sigma_k+\sigma_{k+1})$ and an invertible
$C$; and no time does better, because $\min_\tau\max(Ae^{-2\sigma_k\tau},Be^{2\sigma_{k+1}\tau})>0$.""",
    origin="ours",
    kind="identity",
    criteria=(Criterion(TERMS, 0, 0), Criterion(DIGITS, high=1e-8)),
    control="the time half-way between the two escapes, ½(1/σ_k + 1/σ_{k+1}) ln(1/a₀), instead of t*",
    breaks=(TERMS, DIGITS),
    seeds=SEEDS,
    sizes=scales(modes=each(3, 4, 6)),
    means=("symbolic",),
    chapter=CHAPTER,
)
def exponent_proof(setting: Setting) -> Evidence:
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


RATE = "exponent of min_t ‖FGᵀ − M_k‖ in a₀"
NEAREST = "min_t ‖FGᵀ − M_k‖ / σ_{k+1}, smallest a₀"


@claim(
    id="jin2023.incremental-exponents",
    title="The path passes every best approximation at distance a₀^p",
    reference="abstract for the ranks learnt in sequence; the exponent is derived",
    statement=r"""With all entries observed, search rank above $k$ and $\sigma_k>\sigma_{k+1}$, the flow from a
balanced start satisfies $\min_t\|FG^\top-M_k\|\asymp a_0^{p_k}$ with
$p_k=2(\sigma_k-\sigma_{k+1})/(\sigma_k+\sigma_{k+1})$, where $M_k$ is the best approximation of rank $k$.""",
    origin="ours",
    kind="tight",
    criteria=(Criterion(RATE, 0.95, 1.05, of_prediction=True), Criterion(NEAREST, high=0.005)),
    control="no gap, σ₁ = σ₂, against the exponent of the first spectrum; and a start of order one",
    breaks=(RATE, NEAREST),
    seeds=SEEDS,
    sizes=scales(
        n1=each(7, 12, 24),
        n2=each(5, 10, 20),
        k=each(5, 10, 20),
        spectra=each(
            ((4.0, 2.0, 1.0),),
            ((4.0, 2.0, 1.0), (3.0, 1.0, 0.5)),
            ((4.0, 2.0, 1.0), (3.0, 1.0, 0.5), (5.0, 3.0, 1.0)),
        ),
        equal=(2.0, 2.0, 1.0),
        scales=each((1e-3, 1e-5, 1e-7), (1e-3, 1e-4, 1e-5, 1e-6, 1e-7), (1e-3, 1e-4, 1e-5, 1e-6, 1e-7)),
        points=each(80, 200, 400),
    ),
    chapter=CHAPTER,
    uses=("jin2023.exponent-proof", "wind2023.flow-identities"),
)
def incremental_exponents(setting: Setting) -> Evidence:
    s = setting.sizes
    measured: dict[str, dict[str, torch.Tensor]] = {RATE: {}, NEAREST: {}}
    control: dict[str, dict[str, torch.Tensor]] = {RATE: {}, NEAREST: {}}
    predicted, curves = {}, {}
    for spectrum in s.spectra:
        for rank in range(1, len(spectrum)):
            variant = f"σ = {spectrum}, k = {rank}"
            closest = torch.stack(
                [_closest(setting, spectrum, rank, scale, s.points) for scale in s.scales], dim=1
            )
            predicted[variant] = exponent(spectrum[rank - 1], spectrum[rank])
            measured[RATE][variant] = rates.scaling_exponent(s.scales, closest)
            measured[NEAREST][variant] = closest[:, -1] / spectrum[rank]
            curves[variant] = closest
    first = s.spectra[0]
    equal = torch.stack(
        [_closest(setting, s.equal, 1, scale, s.points, unique=False) for scale in s.scales], dim=1
    )
    control[RATE]["σ₁ = σ₂"] = rates.scaling_exponent(s.scales, equal)
    control[NEAREST]["σ₁ = σ₂"] = equal[:, -1] / s.equal[1]
    control[NEAREST]["a₀ = 1"] = _closest(setting, first, 1, 1.0, s.points) / first[1]
    predicted["σ₁ = σ₂"] = exponent(first[0], first[1])
    return Evidence(
        measured=measured,
        predicted={RATE: predicted},
        control=control,
        curves={"scales": s.scales, "closest": curves, "exponents": predicted},
    )


def exponent(upper: float, lower: float) -> float:
    """p = 2(σ_k − σ_{k+1})/(σ_k + σ_{k+1})."""
    return 2 * (upper - lower) / (upper + lower)


def _closest(
    setting: Setting, spectrum: Sequence[float], rank: int, scale: float, points: int, unique: bool = True
) -> torch.Tensor:
    """min_t ‖FGᵀ − M_k‖ of the flow, over times around t* between which the minimum must lie, (B,).

    Where M_k is not unique, by Weyl's inequality a lower bound of the distance to every one of them.
    """
    s = setting.sizes
    truth = rectangular(s.n1, s.n2, spectrum, setting.seeds, device=setting.device)
    near = 2 * math.log(1 / scale) / (spectrum[rank - 1] + spectrum[rank])
    # The minimum comes late by a time of order 1/σ_{k+1}, at any scale.
    times = torch.linspace(0.9 * near, 1.1 * near + 3 / spectrum[rank], points, dtype=torch.float64)
    path = balanced_flow(truth.matrix, balanced(setting, s.k, scale), times.tolist())
    products = torch.stack([factors.product() for factors in path], dim=1)
    best = best_approximation(truth, rank)[:, None]
    if unique:
        return _norm(products - best).amin(dim=1)
    gaps = torch.linalg.svdvals(products) - torch.linalg.svdvals(best)
    return gaps.abs().amax(dim=-1).amin(dim=1)


def best_approximation(truth: Truth, rank: int) -> torch.Tensor:
    """M_k, the best approximation of rank k of the truth, (B, n1, n2)."""
    return (truth.left * truth.spectrum[:, None, :])[..., :rank] @ truth.right[..., :rank].mT


def _norm(matrix: torch.Tensor) -> torch.Tensor:
    return torch.linalg.matrix_norm(matrix, ord=2)


PASSED = "largest over j < s of min_t ‖FGᵀ − M_j‖ / σ_{j+1}"
ORDER = "smallest ratio of successive times of closest approach"
END = "‖FGᵀ − M_s‖ / σ_s at the end"


@claim(
    id="jin2023.learns-ranks-in-sequence",
    title="Rank one is learnt first, then two, up to the search rank",
    reference="abstract: ranks in sequence, best solutions of each rank if under-parameterised",
    statement=r"""From a small balanced start, with all entries observed and distinct singular values, the flow
passes near $M_1,M_2,\dots$ in this order and ends at $M_s$, $s=\min(k,r)$: at the truth if the search rank
suffices, and at the best approximation of rank $k$ if it does not.""",
    origin="paper",
    known="read",
    kind="existence",
    criteria=(Criterion(PASSED, high=0.01), Criterion(ORDER, low=1.3), Criterion(END, high=0.01)),
    control="a start of order one, which ends at M_s too but passes near none of the others",
    breaks=(PASSED,),
    seeds=SEEDS,
    sizes=scales(
        n1=each(7, 12, 24),
        n2=each(5, 10, 20),
        spectrum=each((4.0, 2.0, 1.0), (4.0, 2.0, 1.0, 0.5), (4.0, 2.0, 1.0, 0.5)),
        ks=each((5, 3, 2), (10, 4, 2), (20, 10, 4, 3, 2)),
        a0=1e-6,
        large=2.0,
        step=each(0.1, 0.05, 0.02),
    ),
    chapter=CHAPTER,
    uses=("jin2023.incremental-exponents",),
)
def learns_ranks_in_sequence(setting: Setting) -> Evidence:
    s = setting.sizes
    truth = rectangular(s.n1, s.n2, s.spectrum, setting.seeds, device=setting.device)
    # Twice the escape time of the last value, and time to settle, for starts that hardly see it.
    end = (2 * math.log(1 / s.a0) + 10) / s.spectrum[-1]
    times = torch.arange(0, end, s.step, dtype=torch.float64)
    measured: dict[str, dict[str, torch.Tensor]] = {PASSED: {}, ORDER: {}, END: {}}
    control: dict[str, dict[str, torch.Tensor]] = {PASSED: {}, ORDER: {}, END: {}}
    curves = {}
    for k in s.ks:
        last = min(k, len(s.spectrum))
        for found, scale in ((measured, s.a0), (control, s.large)):
            path = balanced_flow(truth.matrix, balanced(setting, k, scale), times.tolist())
            products = torch.stack([factors.product() for factors in path], dim=1)
            gaps = torch.stack(
                [_norm(products - best_approximation(truth, j)[:, None]) for j in range(1, last + 1)], dim=1
            )
            near, when = gaps[:, :-1].min(dim=-1)
            reached = times[when.clamp(min=1)]
            variant = f"k = {k}"
            found[PASSED][variant] = (near / torch.tensor(s.spectrum[1:last])).amax(dim=1)
            if last > 2:
                found[ORDER][variant] = (reached[:, 1:] / reached[:, :-1]).amin(dim=1)
            found[END][variant] = gaps[:, -1, -1] / s.spectrum[last - 1]
            if found is measured:
                curves[k] = torch.linalg.svdvals(products)[..., : len(s.spectrum)]
    return Evidence(
        measured=measured,
        control=control,
        curves={"times": times, "values": curves, "spectrum": s.spectrum, "a0": s.a0},
    )
