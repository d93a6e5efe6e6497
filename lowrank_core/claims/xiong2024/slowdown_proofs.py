"""Why symmetric gradient descent with k > r columns is sublinear: the proofs, checked by machine.

Each claim counts what is left of the proof's identities (zero terms), evaluates the statement on random
instances to many digits, or certifies it in interval arithmetic; its control changes one constant or drops one
hypothesis. The mathematics stands in `lowrank_core.proofs`.
"""

from __future__ import annotations

from fractions import Fraction

import torch

from lowrank_core.claims.experiments.descents import (
    OVER,
    SMALL_STEPS,
    assume_small_steps,
    generic_start,
    symmetric_run,
)
from lowrank_core.claims.grammar import Criterion, Evidence, Page, Setting, at, each, edge, refused, scales
from lowrank_core.claims.standing import RANK, SEARCH
from lowrank_core.factors import Factors
from lowrank_core.problem import Problem
from lowrank_core.proofs import (
    discrete_scalar,
    enclosure,
    flow_eigenvalues,
    gd_eigenvalues,
    gd_norm,
    limit_constant,
    riccati,
)
from lowrank_core.proofs.inertia import Certificate
from lowrank_core.solver import Trajectory, log_spaced

PAGE = Page("chapters/xiong2024/symmetric-slowdown", full=64)

IDENTITIES = Criterion(
    "terms left in the proof's identities", 0, 0, exact="the identities of the proof, in symbols"
)
UNCERTIFIED = Criterion("comparisons not certified", 0, 0)

ROUNDING = 1e-40
"""Instances are evaluated to 50 digits or more, so that equality cases miss the bound by less than this."""


def uncertified(certificate: Certificate) -> int:
    """Comparisons that interval arithmetic did not prove."""
    return certificate.refuted + certificate.undecided


ENTRIES = Criterion("entries that do not vanish", 0, 0)


@PAGE.claim(
    "xiong2024.riccati",
    "The symmetric flow is a Riccati equation with a closed form",
    IDENTITIES,
    ENTRIES,
    reference="no counterpart in the paper",
    states="prop-riccati",
    kind="identity",
    control="the factor 2 in 𝓔(t) is dropped",
    sizes=scales(n=each(3, 3, 4), k=2),
    edges=(
        edge("one number", n=1, k=1),
        edge("k = n", n=2, k=2),
        edge("k > n", n=2, k=3),
        edge("one column", n=4, k=1),
    ),
    certified_by=("symbolic", "exact"),
)
def riccati_closed_form(setting: Setting) -> Evidence:
    s = setting.sizes

    def terms(weight: int) -> int:
        return riccati.flow_residual() + riccati.structural_residual(weight) + riccati.kernel_residual(weight)

    def entries(weight: int) -> list[int]:
        return [riccati.instance_residual(seed, s.n, s.k, weight) for seed in setting.seeds]

    return Evidence(
        measured={IDENTITIES: terms(2), ENTRIES: entries(2)},
        control={IDENTITIES: terms(1), ENTRIES: entries(1)},
    )


FLOW_EIGENVALUE = Criterion(
    "smallest eigenvalue / bound − 1",
    low=-ROUNDING,
    width="rounding at 150 digits: equality is attained",
)
TAIL = Criterion(
    "smallest error / tail of the spectrum − 1",
    low=-ROUNDING,
    width="rounding at 150 digits: equality is attained",
)


@PAGE.claim(
    "xiong2024.flow-eigenvalue-lower-bound",
    "No eigenvalue of the flow falls faster than 1/t",
    IDENTITIES,
    FLOW_EIGENVALUE,
    TAIL,
    UNCERTIFIED,
    reference="implies the form Ω(1/T²) of the abstract for the flow",
    states="thm-flow",
    kind="bound-lower",
    control="Σ ⪰ 0: it is made indefinite; for the identities, 2t is replaced by t; for the tail, r by r − 1",
    sizes=scales(instances=each(24, 60, 500), certified=each(1, 3, 20)),
    edges=(edge("every r ≤ n ≤ 5 and k ≤ 6, columns scaled by down to 10⁻⁴", instances=100, seeds=1),),
    waives=(RANK, SEARCH),
    certified_by=("symbolic", "ball"),
    uses=("xiong2024.riccati",),
)
def flow_eigenvalue_lower_bound(setting: Setting) -> Evidence:
    s, seeds = setting.sizes, setting.seeds

    def ratios(indefinite: bool = False, rank_error: int = 0) -> list[flow_eigenvalues.Measured]:
        return [flow_eigenvalues.smallest_ratios(seed, s.instances, indefinite, rank_error) for seed in seeds]

    found = ratios()
    certificates = [flow_eigenvalues.certify(seed, s.certified) for seed in seeds]
    # One instance in ten violates nothing.
    violated = [flow_eigenvalues.certify(seed, 3, indefinite=True).refuted for seed in seeds]
    evidence = Evidence(
        notes={
            "certified comparisons": float(sum(c.proved for c in certificates)),
            "interval arithmetic": enclosure.backend(),
        },
    )
    evidence.found(IDENTITIES, sum(flow_eigenvalues.proof_residuals().values()))
    evidence.broken(IDENTITIES, sum(flow_eigenvalues.proof_residuals(slope=1).values()))
    evidence.found(FLOW_EIGENVALUE, [one.eigenvalue for one in found])
    evidence.broken(FLOW_EIGENVALUE, [one.eigenvalue for one in ratios(indefinite=True)], "indefinite Σ")
    evidence.found(TAIL, [one.tail for one in found])
    evidence.broken(TAIL, [one.tail for one in ratios(rank_error=1)], "r − 1")
    evidence.found(UNCERTIFIED, [uncertified(c) for c in certificates])
    evidence.broken(UNCERTIFIED, violated, "indefinite Σ, certainly violated")
    return evidence


DESCENT_EIGENVALUE = Criterion(
    "smallest eigenvalue / bound − 1",
    low=-ROUNDING,
    width="rounding at 60 digits: equality is attained",
)
NORM = Criterion(
    "largest growth of the norm beyond its bound",
    high=ROUNDING,
    width="rounding at 50 digits: equality is attained",
)
IN_RUN = Criterion(
    "smallest eigenvalue / bound − 1 in a run at chapter size",
    low=-1e-9,
    width="rounding in double precision over up to 10⁵ steps",
)


@PAGE.claim(
    "xiong2024.gd-eigenvalue-lower-bound",
    "No eigenvalue of gradient descent falls faster than 1/T",
    IDENTITIES,
    DESCENT_EIGENVALUE,
    NORM,
    UNCERTIFIED,
    IN_RUN,
    reference="implies the form Ω(1/T²) of the abstract for the population loss",
    states="thm-gd",
    kind="bound-lower",
    control="the step: η max(σ₁, ‖X₀‖²) = 1; for the identities, the 2 in b − 2ηb² is replaced by 1",
    sizes=scales(
        instances=each(16, 40, 400),
        record=each((1, 3, 10, 30), (1, 3, 10, 30, 100, 300), (1, 3, 10, 30, 100, 300, 1000)),
        n=each(20, 50, 50),
        spectrum=each((2.0, 1.0), (3.0, 2.0, 1.0), (3.0, 2.0, 1.0)),
        k=each(4, 6, 20),
        alpha=each(0.7, 1.0, 1.0),
        eta=0.1,
        steps=each(1_000, 10_000, 100_000),
    ),
    edges=(
        edge("n = r", instances=1, record=(1,), n=2, k=2),
        edge("k < r", instances=1, record=(1,), k=1),
        edge("k = r", instances=1, record=(1,), k=2),
        edge("k = n", instances=1, record=(1,), n=6, k=6, alpha=0.5),
        edge("k > n", instances=1, record=(1,), n=6, k=16, alpha=0.5),
        edge("equal singular values", instances=1, record=(1,), spectrum=(2.0, 2.0)),
        edge("nearly the largest step", instances=1, record=(1,), eta=0.24),
        edge("a tiny start", instances=1, record=(1,), alpha=1e-3),
        refused(SMALL_STEPS, "an eigenvalue may jump below the bound of a smaller one", eta=0.3),
    ),
    waives=(RANK, SEARCH),
    certified_by=("symbolic", "ball"),
    discrepancy="The bound λ/(1 + 2tλ) of the flow is no bound for gradient descent at t = ηT: in the runs of "
    "this claim an eigenvalue falls to {eigenvalue over flow bound:.4f} of it. The discrete bound, with "
    "2ηT/(1 − 2ηb) in place of 2t, is not violated.",
)
def gd_eigenvalue_lower_bound(setting: Setting) -> Evidence:
    s, seeds, too_large = setting.sizes, setting.seeds, Fraction(1)
    runs = [gd_eigenvalues.certify(seed, record=s.record) for seed in seeds]
    controls = [gd_eigenvalues.certify(seed, load=too_large, record=s.record[:4]) for seed in seeds]
    start = generic_start(setting, s.k)
    assume_small_steps(setting, start)
    trajectory, bounds = bounded_spectrum(setting, start)
    wild, wild_bounds = bounded_spectrum(setting, start.rescaled(s.eta**-0.5))
    eigenvalues = trajectory.observed["spectrum"]
    flow = flow_eigenvalues.bound(eigenvalues[:, :1], s.eta * trajectory.steps[None, :, None])

    def ratios(load: Fraction) -> list[float]:
        return [gd_eigenvalues.smallest_ratio(seed, s.instances, load) for seed in seeds]

    def growth(load: Fraction) -> list[float]:
        return [gd_norm.largest_growth(seed, s.instances, load) for seed in seeds]

    residuals = (*gd_eigenvalues.proof_residuals().values(), *gd_norm.proof_residuals().values())
    evidence = Evidence(
        notes={
            "certified comparisons": float(sum(r.eigenvalues.proved for r in runs)),
            "interval arithmetic": enclosure.backend(),
            "η max(σ₁, ‖X₀‖²) in the run at chapter size": float(
                s.eta * max(s.spectrum[0], float(eigenvalues[:, 0, 0].max()))
            ),
            "eigenvalue over flow bound": float((eigenvalues / flow).min()),
        },
        curves={"run": trajectory, "bounds": bounds},
    )
    evidence.found(IDENTITIES, sum(residuals))
    evidence.broken(IDENTITIES, sum(gd_eigenvalues.proof_residuals(constant=1).values()))
    evidence.found(DESCENT_EIGENVALUE, ratios(gd_eigenvalues.LOAD))
    evidence.broken(DESCENT_EIGENVALUE, ratios(too_large))
    evidence.found(NORM, growth(gd_eigenvalues.LOAD))
    evidence.broken(NORM, growth(too_large))
    evidence.found(UNCERTIFIED, [uncertified(r.eigenvalues) + r.steps - r.hypothesis_proved for r in runs])
    evidence.broken(UNCERTIFIED, [r.eigenvalues.refuted for r in controls], "certainly violated")
    evidence.found(IN_RUN, (eigenvalues / bounds - 1).amin((1, 2)))
    evidence.broken(IN_RUN, (wild.observed["spectrum"] / wild_bounds - 1).amin((1, 2)), "η‖X₀‖² = 1")
    return evidence


def bounded_spectrum(setting: Setting, start: Factors) -> tuple[Trajectory, torch.Tensor]:
    """A population run with the k eigenvalues of XXᵀ at every record, and the theorem's bounds, (B, R, k)."""
    s = setting.sizes
    run = symmetric_run(
        setting, start, record=log_spaced(s.steps), observables={"spectrum": nonzero_spectrum}
    )
    initial = run.observed["spectrum"][:, :1]
    steps = run.steps.to(torch.float64)[None, :, None]
    # The largest bound over b, as `gd_eigenvalues.bound` takes it; at T = 0 it is λ_j(0) itself.
    b = torch.minimum(initial, 1 / (2 * s.eta * (1 + steps.sqrt())))
    bounds = 1 / (1 / b + 2 * s.eta * steps / (1 - 2 * s.eta * b))
    return run, torch.where(steps == 0, initial, bounds)


def nonzero_spectrum(problem: Problem, factors: Factors) -> torch.Tensor:
    """The k eigenvalues of XXᵀ that XᵀX shares, largest first, (B, k)."""
    return torch.linalg.svdvals(factors.left).square()


TIME = 10_000
LIMIT = Criterion("exact limit − (rank X₀ − r)/4", 0, 0)
AT_TIME = Criterion("t²·error / limit at t = 10⁴", high=1 + 1e-9, width="rounding: it tends to 1 from below")
FIRST_ORDER = Criterion(
    "t·(limit − t²·error) / exact first-order coefficient",
    high=1 + 1e-9,
    width="rounding: it tends to 1 from below",
)


@PAGE.claim(
    "xiong2024.limit-constant",
    "The constant of the power law is (rank X₀ − r)/4",
    LIMIT,
    AT_TIME,
    FIRST_ORDER,
    reference="no counterpart in the paper",
    states="thm-limit",
    kind="identity",
    control="independent signal rows: a direction is then never learnt; full rank: k in place of rank X₀",
    sizes=scales(
        cases=each(
            ((4, 1, 3), (3, 1, 5)),
            ((4, 1, 3), (5, 2, 4), (3, 1, 5), (6, 3, 5)),
            ((4, 1, 3), (5, 2, 4), (3, 1, 5), (6, 3, 5), (7, 2, 6), (8, 3, 8)),
        )
    ),
    edges=(
        edge("n = r + 1", cases=((2, 1, 2), (4, 3, 4))),
        edge("k = r + 1", cases=((5, 3, 4),)),
        edge("k = n", cases=((5, 2, 5),)),
        edge("k > n", cases=((3, 2, 7),)),
        refused(OVER, "the limit is zero, and the error falls exponentially", cases=((4, 2, 2),)),
        refused(RANK, "there is no noise row", cases=((3, 3, 5),)),
    ),
    certified_by=("exact", "ball"),
    uses=("xiong2024.riccati",),
)
def limit_of_the_constant(setting: Setting) -> Evidence:
    evidence = Evidence()
    for n, r, k in setting.sizes.cases:
        setting.assume(k > r, OVER)
        setting.assume(n > r, RANK)
        case = at(n=n, r=r, k=k)
        drawn = [limit_constant.draw(seed, n, r, k) for seed in setting.seeds]
        found = [limit_constant.approach(instance, times=(TIME,)) for instance in drawn]
        ranks = [Fraction(d.rank - r, 4) for d in drawn]
        evidence.found(LIMIT, [float(a.limit - law) for a, law in zip(found, ranks, strict=True)], case)
        evidence.found(AT_TIME, [a.values[0] / float(a.limit) for a in found], case)
        evidence.found(FIRST_ORDER, [a.first_order[0] for a in found], case)
    n, r, k, rank = 5, 2, 4, 3
    limited = [limit_constant.draw(seed, n, r, k, rank=rank) for seed in setting.seeds]
    dependent = [limit_constant.draw(seed, n, r, k, dependent=True) for seed in setting.seeds]
    expansions = [limit_constant.exact_expansion(d) for d in limited]
    scaled = [enclosure.upper(limit_constant.scaled_error(d, TIME)) for d in limited]
    wrong, name = Fraction(k - r, 4), "k in place of rank X₀"
    slopes = [
        float(TIME * (wrong - value) / slope) for value, (_, slope) in zip(scaled, expansions, strict=True)
    ]
    unlearnt = [float(enclosure.lower(limit_constant.scaled_error(d, TIME)) / wrong) for d in dependent]
    evidence.broken(LIMIT, [float(limit - wrong) for limit, _ in expansions], name)
    evidence.broken(FIRST_ORDER, slopes, name)
    evidence.broken(AT_TIME, unlearnt, "dependent rows")
    return evidence


@PAGE.claim(
    "xiong2024.discrete-two-sided",
    "The scalar recursion behind the power law, enclosed from both sides",
    IDENTITIES,
    UNCERTIFIED,
    reference="no counterpart in the paper",
    states="prop-scalar",
    kind="identity",
    control="u < 1: ηz₀ > 3/2, where the upper bound fails; for the identities, 2ηt is replaced by ηt",
    sizes=scales(starts=each(2, 3, 10), steps=each(1_000, 10_000, 100_000)),
    edges=(
        edge("the first step, 200 starts with u from 0.01 to 0.95", starts=200, steps=1, seeds=1),
        edge("early steps", starts=50, steps=20, seeds=1),
        edge("a long run", starts=1, steps=20_000, seeds=1),
    ),
    certified_by=("symbolic", "ball"),
)
def discrete_two_sided(setting: Setting) -> Evidence:
    s, seeds = setting.sizes, setting.seeds
    pairs = [discrete_scalar.draw(seed, s.starts) for seed in seeds]
    found = [discrete_scalar.certify(drawn, s.steps) for drawn in pairs]
    # The same starts with the step scaled up, to ηz₀ between 3/2 and 2.
    beyond = [[(z0, (Fraction(3, 2) + eta * z0 / 2) / z0) for z0, eta in drawn] for drawn in pairs]
    refuted = [discrete_scalar.certify(drawn, steps=10).upper_refuted for drawn in beyond]
    evidence = Evidence(
        notes={
            "certified comparisons": float(sum(one.upper_proved + one.lower_proved for one in found)),
            "widest relative enclosure": max(one.width for one in found),
            "interval arithmetic": enclosure.backend(),
        },
    )
    evidence.found(IDENTITIES, sum(discrete_scalar.proof_residuals().values()))
    evidence.broken(IDENTITIES, sum(discrete_scalar.proof_residuals(slope=1).values()))
    evidence.found(UNCERTIFIED, [2 * one.checks - one.upper_proved - one.lower_proved for one in found])
    evidence.broken(UNCERTIFIED, refuted, "certainly violated")
    return evidence
