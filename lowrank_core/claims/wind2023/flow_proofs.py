"""The perturbed gradient flow, checked by machine: identities in computer algebra, an escape in ball arithmetic."""

from __future__ import annotations

from fractions import Fraction
from random import Random

from lowrank_core.claims.grammar import Criterion, Evidence, Page, Setting, at, each, edge, refused, scales
from lowrank_core.proofs import enclosure, flow_identities, log_embedding
from lowrank_core.proofs.instances import rational

PAGE = Page("chapters/wind2023/perturbed-flow", book=10)

TERMS = Criterion("terms left in the identities", 0, 0, exact="the identities, in symbols")


@PAGE.claim(
    "wind2023.flow-identities",
    "Closed forms and the law of the balance, by computer algebra",
    TERMS,
    reference="no counterpart in the paper",
    states=("prop-flow-forms", "prop-flow-balance"),
    kind="identity",
    control="e^{σt} for e^{2σt}; the stacked form without J; the law of the balance without the blocks",
    edgeless="it is about symbols, of matrices of any size",
    certified_by=("symbolic",),
)
def flow_identities_hold(setting: Setting) -> Evidence:
    evidence = Evidence(predicted={TERMS: 0})
    evidence.found(TERMS, sum(flow_identities.scalar_residuals().values()), "scalar laws")
    evidence.found(TERMS, flow_identities.stacked_residual(), "stacked form")
    evidence.found(TERMS, sum(flow_identities.balance_residuals().values()), "balance")
    evidence.broken(TERMS, sum(flow_identities.scalar_residuals(power=1).values()), "e^{σt}")
    evidence.broken(TERMS, flow_identities.stacked_residual(reflect=False), "no J")
    evidence.broken(TERMS, sum(flow_identities.balance_residuals(diagonal=False).values()), "no blocks")
    return evidence


@PAGE.claim(
    "wind2023.log-embedding-proof",
    "The logarithm and the constant 2/3, by computer algebra",
    TERMS,
    reference="no counterpart in the paper",
    states="prop-flow-mode",
    kind="identity",
    control="the generator without the logarithm",
    edgeless="it is about symbols",
    certified_by=("symbolic",),
)
def log_embedding_proof(setting: Setting) -> Evidence:
    evidence = Evidence(predicted={TERMS: 0})
    evidence.found(TERMS, log_embedding.proof_residuals())
    without = log_embedding.proof_residuals(logarithm=False)
    evidence.broken(TERMS, {name: without[name] for name in ("endpoint", "order")})
    return evidence


UNDECIDED = Criterion("crossings of σ/2 not certified", 0, 0)
LATE = Criterion(
    "certified |T ln(1 + ησ)/σ − t½| / η at the crossing",
    high=2,
    width="180 pilot instances: 0.39 to 1.47, of which up to 1 is the whole iteration",
)
PLATEAU = Criterion(
    "certified |s − σ| / σ at the end",
    high=1e-12,
    width="180 pilot instances: at most 1e-183",
    uncontrolled="a step with ησ < ½, which the enclosure needs, always ends on the plateau",
)


@PAGE.claim(
    "wind2023.certified-escape",
    "One escape, enclosed from a start of 1e-12 to the plateau",
    UNDECIDED,
    LATE,
    PLATEAU,
    reference="no counterpart in the paper",
    states="prop-flow-escape",
    kind="bound-upper",
    control="time counted as ηT, at the rate σ of the flow: the delay grows with ln(σ/s₀); a start above σ/2",
    edges=(
        edge("the largest start", decades=(1,)),
        edge("a tiny start", decades=(30,)),
        edge("the largest steps", products=(0.39, 0.4), decades=(12,)),
        refused("s₀ ≤ σ/10", "it begins on the plateau", decades=(0,)),
    ),
    sizes=scales(
        decades=each((8, 12), (8, 10, 12), (8, 12, 16, 24)),
        products=(0.05, 0.4),
        steps=each(2_000, 4_000, 8_000),
    ),
    certified_by=("ball",),
    uses=("wind2023.log-embedding-proof", "wind2023.flow-identities"),
)
def certified_escape(setting: Setting) -> Evidence:
    s = setting.sizes
    setting.assume(min(s.decades) >= 1, "s₀ ≤ σ/10")
    least, most = (Fraction(str(product)) for product in s.products)
    evidence, widest = Evidence(), 0.0
    for decades in s.decades:
        part, drawn = Fraction(1, 10**decades), []
        variant = at(f"s₀ = 1e-{decades} σ", **{"s₀/σ": float(part)})
        for seed in setting.seeds:
            rng = Random(f"escape/{seed}/{variant}")
            sigma = rational(rng, Fraction(1, 2), 2)
            drawn.append((sigma, sigma * part, rational(rng, least, most) / sigma))
        found = [log_embedding.enclose(*instance, s.steps) for instance in drawn]
        flow = [log_embedding.enclose(*instance, s.steps, logarithm=False) for instance in drawn]
        evidence.found(UNDECIDED, [float(escape.crossing is None) for escape in found], variant)
        evidence.found(LATE, [float(escape.late) for escape in found], variant)
        evidence.found(PLATEAU, [float(escape.plateau) for escape in found], variant)
        evidence.broken(LATE, [float(escape.early) for escape in flow], variant)
        widest = max(widest, *(escape.width for escape in found))
    high = [log_embedding.enclose(sigma, sigma * Fraction(3, 5), eta, 1) for sigma, _, eta in drawn]
    evidence.broken(
        UNDECIDED, [float(escape.crossing is None) for escape in high], at("s₀ = 3σ/5", **{"s₀/σ": 0.6})
    )
    evidence.notes = {"widest relative enclosure": widest, "interval arithmetic": enclosure.backend()}
    return evidence
