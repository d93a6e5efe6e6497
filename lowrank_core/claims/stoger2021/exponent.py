"""The exponent of the error in the scale of a symmetric start."""

from __future__ import annotations

import torch

from lowrank_core.analysis.rates import scaling_exponent
from lowrank_core.claims.claim import Criterion, Evidence, Setting
from lowrank_core.claims.grammar import each, scales
from lowrank_core.claims.registry import claim
from lowrank_core.claims.wind2023.runs import descent_errors
from lowrank_core.factors import gaussian_start, imbalanced_start
from lowrank_core.problem import observe
from lowrank_core.sensing import Dense, gaussian_symmetric
from lowrank_core.truth import psd, rectangular

CHAPTER = "chapters/wind2023/escape-times"
SEEDS = {"smoke": 3, "book": 10, "full": 40}

DEVIATION = "exponent − (2 − 2 max(λ₂, 0)/λ₁)"
EXPONENT = "exponent, instances of λ₂/λ₁ ≤ 11/32"
RATIO = "max(λ₂, 0)/λ₁ of A*A(M*)"


@claim(
    id="stoger2021.sensing-exponent",
    title="Symmetric factors of a rank-one truth: the exponent is 2 − 2 max(λ₂, 0)/λ₁ of A*A(M*)",
    reference="main theorem, as restated in later work: error at most of order α^{21/16}; the law is derived",
    statement=r"""Let $M^\star$ be positive semidefinite of rank one, $\lambda_1\ge\lambda_2\ge\dots$ the
eigenvalues of $\mathcal A^*\mathcal A(M^\star)$, and $k\ge2$. Gradient descent on $XX^\top$ from a small
start of norm $a_0$, stopped at a large multiple of $\ln(1/a_0)$, leaves an error $\asymp
a_0^{\,2-2\max(\lambda_2,0)/\lambda_1}$. Where $\lambda_2/\lambda_1\le\frac{11}{32}$ this is at most of the
order $a_0^{21/16}$.""",
    origin="ours",
    kind="tight",
    criteria=(Criterion(DEVIATION, -0.12, 0.12), Criterion(EXPONENT, low=21 / 16 - 0.05)),
    control="far too few measurements, a third of the unknowns",
    breaks=(EXPONENT,),
    seeds=SEEDS,
    sizes=scales(
        n=each(18, 18, 24),
        k=each(18, 18, 24),
        ms=each((110, 400), (110, 150, 400), (190, 300, 600)),
        few=each(60, 60, 100),
        scales=(1e-3, 1e-5, 1e-7),
    ),
    chapter=CHAPTER,
    fit="illustrates",
)
def sensing_exponent(setting: Setting) -> Evidence:
    s = setting.sizes
    repeated = [seed for seed in setting.seeds for _ in s.scales]

    def instance(m: int) -> tuple[torch.Tensor, torch.Tensor]:
        operator = gaussian_symmetric(s.n, m, repeated, device=setting.device)
        problem = observe(psd(s.n, (1.0,), repeated, device=setting.device), operator)
        start = gaussian_start(s.n, s.k, 1.0, repeated, setting.device)
        seen = torch.linalg.eigvalsh(operator.normal(problem.truth.matrix)[:: len(s.scales)])
        errors = descent_errors(problem, start, s.scales, eta=0.1, c=3.0)
        return scaling_exponent(s.scales, errors), (seen[:, -2].clamp(min=0) / seen[:, -1]).cpu()

    found = {f"m = {m}": instance(m) for m in s.ms}
    few = instance(s.few)
    exponents, ratios = (torch.cat(column) for column in zip(*found.values(), strict=True))
    return Evidence(
        measured={
            DEVIATION: {name: exponent - (2 - 2 * ratio) for name, (exponent, ratio) in found.items()},
            EXPONENT: exponents[ratios <= 11 / 32],
            RATIO: {name: ratio for name, (_, ratio) in found.items()},
        },
        predicted={DEVIATION: 0, EXPONENT: 21 / 16},
        control={EXPONENT: few[0], RATIO: few[1]},
        notes={f"median λ₂/λ₁, {name}": float(ratio.median()) for name, (_, ratio) in found.items()},
        curves={"instances": {**found, f"m = {s.few}, control": few}},
    )


ADVERSARIAL = "exponent of the error"


@claim(
    id="stoger2021.adversarial-operator",
    title="Symmetric factors do not see a negative eigenvalue, two factors do",
    reference="no counterpart in the paper is known to us",
    statement=r"""Let $\mathcal A^*\mathcal A$ be the identity but for
$\mathcal A^*\mathcal A(e_1e_1^\top)=e_1e_1^\top+b\,e_2e_2^\top$ and $\mathcal A^*\mathcal
A(e_2e_2^\top)=e_2e_2^\top+b\,e_1e_1^\top$, $|b|<1$, and $M^\star=e_1e_1^\top$. The exponent of the error of
gradient descent on $XX^\top$ is $2-2\max(b,0)$: the second *algebraic* eigenvalue of $\mathcal A^*\mathcal
A(M^\star)$ counts, not the second singular value.""",
    origin="ours",
    kind="tight",
    criteria=(Criterion(ADVERSARIAL, 0.92, 1.06, of_prediction=True),),
    control="two factors FGᵀ in place of XXᵀ, same measurements with b < 0: −b counts",
    breaks=(ADVERSARIAL,),
    seeds=SEEDS,
    sizes=scales(
        n=each(4, 8, 16), b=0.6, scales=each((1e-3, 1e-5), (1e-3, 10**-4.5, 1e-6), (1e-3, 1e-4, 1e-5, 1e-6))
    ),
    chapter=CHAPTER,
    uses=("stoger2021.sensing-exponent",),
)
def adversarial_operator(setting: Setting) -> Evidence:
    s, device = setting.sizes, setting.device
    repeated = [seed for seed in setting.seeds for _ in s.scales]

    def exponent(b: float, symmetric: bool) -> torch.Tensor:
        operator = _coupling(s.n, b, symmetric, device)
        if symmetric:
            truth = psd(s.n, (1.0,), repeated, device=device)
            start = gaussian_start(s.n, s.n, 1.0, repeated, device)
        else:
            truth = rectangular(s.n, s.n, (1.0,), repeated, device=device)
            start = imbalanced_start(s.n, s.n, s.n, 1.0, 1.0, repeated, device)
        errors = descent_errors(observe(truth, operator), start, s.scales, eta=0.05, c=2.0)
        return scaling_exponent(s.scales, errors)

    return Evidence(
        measured={ADVERSARIAL: {f"b = {b:g}": exponent(b, True) for b in (-s.b, s.b)}},
        predicted={ADVERSARIAL: {f"b = {-s.b:g}": 2.0, f"b = {s.b:g}": 2 - 2 * s.b, "two factors": 2.0}},
        control={ADVERSARIAL: {"two factors": exponent(-s.b, False)}},
        notes={"2 − 2|b|": 2 - 2 * s.b},
    )


def _coupling(n: int, b: float, symmetric: bool, device: torch.device) -> Dense:
    """Measurements with A*A = I but for the entry b between the coordinates of e₁e₁ᵀ and e₂e₂ᵀ."""
    second = n if symmetric else n + 1
    width = n * (n + 1) // 2 if symmetric else n * n
    normal = torch.eye(width, dtype=torch.float64)
    normal[0, second] = normal[second, 0] = b
    values, vectors = torch.linalg.eigh(normal)
    root = (vectors * values.sqrt()) @ vectors.mT
    # The weight of stored measurements is one over their number.
    return Dense((width**0.5 * root).to(device), (n, n), symmetric)
