"""The scaling function and the expected ℓ1 loss: the Gaussian integrals, checked by machine.

Each claim counts the terms that are left of the proof's identities; its control changes one constant. The
mathematics stands in `lowrank_core.proofs`.
"""

from __future__ import annotations

from lowrank_core.claims.grammar import Criterion, Evidence, Page, Setting, scales
from lowrank_core.proofs import expected_l1_loss, sign_scaling

PAGE = Page("chapters/ma2023/sign-rip")


SYMBOLS = "the proof's identities, in symbols"


STEPS = Criterion("terms left of the two steps", 0, 0, exact=SYMBOLS)
LAWS = Criterion("terms left of the closed forms", 0, 0, exact=SYMBOLS)


@PAGE.claim(
    "ma2023.scaling-function-proof",
    "The scaling function, derived",
    STEPS,
    LAWS,
    reference="Lemma 46 (p. 43) for laws of mean zero; any law, and the closed forms, are derived here",
    states="sign-rip-scaling",
    origin="sharpened",
    known="read",
    kind="identity",
    control="an exponent with one square missing, s²/2‖X‖_F or s/2‖X‖_F²; in the Cauchy mean, exp(2a) for exp(a)",
    edgeless="symbols only, for every ‖X‖_F > 0 and every real s",
    sizes=scales(laws=("Gaussian", "Cauchy", "Student, equation", "Student, start")),
    certified_by=("symbolic",),
    discrepancy="Lemma 46 prints the exponent of exp(−s²/(2‖X‖_F²)) with a square missing, a misprint. "
    "The outliers are assumed to have mean zero, which is not needed: only |s| enters φ.",
)
def scaling_function_proof(setting: Setting) -> Evidence:
    laws, wrong_laws = sign_scaling.law_residuals(), sign_scaling.law_residuals(cauchy=2)
    evidence = Evidence()
    evidence.found(STEPS, sign_scaling.regression_residual(), "regression", predicted=0)
    evidence.found(STEPS, sign_scaling.sign_residual(), "sign", predicted=0)
    for form in ("s²/2n", "s/2n²"):
        evidence.broken(STEPS, sign_scaling.sign_residual(form), form)
    for law in setting.sizes.laws:
        evidence.found(LAWS, laws[law], law, predicted=0)
    for law in ("Cauchy", "Student, equation"):
        evidence.broken(LAWS, wrong_laws[law], law)
    return evidence


LOSS = Criterion("terms left of the loss and its slope", 0, 0, exact=SYMBOLS)
NOISE = Criterion("terms left with Gaussian noise", 0, 0, exact=SYMBOLS)


@PAGE.claim(
    "ma2023.expected-loss-proof",
    "The expected ℓ1 loss and its slope, derived",
    LOSS,
    NOISE,
    reference="Lemma 15 without errors; with errors derived here",
    states="sign-rip-loss",
    origin="sharpened",
    known="read",
    kind="identity",
    control="ν² is replaced by 2ν² in the mean, and the error function's argument is doubled",
    edgeless="symbols only, for every ‖X‖_F > 0, every real s and every ν > 0",
    sizes=scales(statements=("loss", "slope")),
    certified_by=("symbolic",),
    uses=("ma2023.scaling-function-proof",),
)
def expected_loss_proof(setting: Setting) -> Evidence:
    residual = {
        "loss": expected_l1_loss.fixed_error_residual,
        "slope": expected_l1_loss.slope_residual,
    }
    evidence = Evidence()
    for name in setting.sizes.statements:
        evidence.found(LOSS, residual[name](), name, predicted=0)
        evidence.broken(LOSS, residual[name](stretch=2), name)
    evidence.found(NOISE, expected_l1_loss.gaussian_noise_residual(), predicted=0)
    evidence.broken(NOISE, expected_l1_loss.gaussian_noise_residual(weight=2))
    return evidence
