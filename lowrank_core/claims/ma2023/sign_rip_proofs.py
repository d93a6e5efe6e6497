"""The scaling function and the expected ℓ1 loss: the Gaussian integrals, checked by machine.

Each claim counts the terms that are left of the proof's identities; its control changes one constant. The
mathematics stands in `lowrank_core.proofs`.
"""

from __future__ import annotations

from lowrank_core.claims.claim import Criterion, Evidence, Setting
from lowrank_core.claims.grammar import scales
from lowrank_core.claims.ma2023.sign_rip import CHAPTER
from lowrank_core.claims.registry import claim
from lowrank_core.claims.seeds import SEEDS
from lowrank_core.proofs import expected_l1_loss, sign_scaling

STEPS = "terms left of the two steps"
LAWS = "terms left of the closed forms"
LOSS = "terms left of the loss and its slope"
NOISE = "terms left with Gaussian noise"
SYMBOLS = "the proof's identities, in symbols"


@claim(
    id="ma2023.scaling-function-proof",
    title="The scaling function, derived",
    reference="Lemma 46 (p. 43) for laws of mean zero; any law, and the closed forms, are derived here",
    statement=r"""For Gaussian $A$, $X\ne0$, symmetric if $A$ is, $u=\langle A,X\rangle\sim N(0,\|X\|_F^2)$ and
every real $s$, $\mathbb E[\operatorname{sign}(u-s)\,u]=\sqrt{2/\pi}\,\|X\|_F\,e^{-s^2/(2\|X\|_F^2)}$, and
$\mathbb E[\langle A,Y\rangle\mid u]=\langle X,Y\rangle\,u/\|X\|_F^2$; the mean over Gaussian, Cauchy and Student
laws of $s$ has a closed form.""",
    origin="sharpened",
    known="read",
    kind="identity",
    criteria=(Criterion(STEPS, 0, 0, exact=SYMBOLS), Criterion(LAWS, 0, 0, exact=SYMBOLS)),
    control="an exponent with one square missing, s²/2‖X‖_F or s/2‖X‖_F²; in the Cauchy mean, exp(2a) for exp(a)",
    edgeless="symbols only, for every ‖X‖_F > 0 and every real s",
    seeds=SEEDS,
    sizes=scales(laws=("Gaussian", "Cauchy", "Student, equation", "Student, start")),
    means=("symbolic",),
    chapter=CHAPTER,
    discrepancy="Lemma 46 prints the exponent of exp(−s²/(2‖X‖_F²)) with a square missing, a misprint. "
    "The outliers are assumed to have mean zero, which is not needed: only |s| enters φ.",
)
def scaling_function_proof(setting: Setting) -> Evidence:
    laws, wrong_laws = sign_scaling.law_residuals(), sign_scaling.law_residuals(cauchy=2)
    return Evidence(
        measured={
            STEPS: {"regression": sign_scaling.regression_residual(), "sign": sign_scaling.sign_residual()},
            LAWS: {name: laws[name] for name in setting.sizes.laws},
        },
        predicted={STEPS: 0, LAWS: 0},
        control={
            STEPS: {form: sign_scaling.sign_residual(form) for form in ("s²/2n", "s/2n²")},
            LAWS: {name: wrong_laws[name] for name in ("Cauchy", "Student, equation")},
        },
    )


@claim(
    id="ma2023.expected-loss-proof",
    title="The expected ℓ1 loss and its slope, derived",
    reference="Lemma 15 without errors; with errors derived here",
    statement=r"""For $u\sim N(0,\|X\|_F^2)$ and every real $s$, $\mathbb
E|u-s|=\sqrt{2/\pi}\,\|X\|_Fe^{-s^2/(2\|X\|_F^2)}+s\operatorname{erf}\bigl(s/(\sqrt2\|X\|_F)\bigr)$, whose
derivative in $\|X\|_F$ is the scaling function; for $s\sim N(0,\nu^2)$ the mean is
$\sqrt{2/\pi}\sqrt{\|X\|_F^2+\nu^2}$.""",
    origin="sharpened",
    known="read",
    kind="identity",
    criteria=(Criterion(LOSS, 0, 0, exact=SYMBOLS), Criterion(NOISE, 0, 0, exact=SYMBOLS)),
    control="ν² is replaced by 2ν² in the mean, and the error function's argument is doubled",
    edgeless="symbols only, for every ‖X‖_F > 0, every real s and every ν > 0",
    seeds=SEEDS,
    sizes=scales(statements=("loss", "slope")),
    means=("symbolic",),
    chapter=CHAPTER,
    uses=("ma2023.scaling-function-proof",),
)
def expected_loss_proof(setting: Setting) -> Evidence:
    residual = {
        "loss": expected_l1_loss.fixed_error_residual,
        "slope": expected_l1_loss.slope_residual,
    }
    return Evidence(
        measured={
            LOSS: {name: residual[name]() for name in setting.sizes.statements},
            NOISE: expected_l1_loss.gaussian_noise_residual(),
        },
        predicted={LOSS: 0, NOISE: 0},
        control={
            LOSS: {name: residual[name](stretch=2) for name in setting.sizes.statements},
            NOISE: expected_l1_loss.gaussian_noise_residual(weight=2),
        },
    )
