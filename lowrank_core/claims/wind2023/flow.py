"""Gradient descent is a perturbed gradient flow: the embedding, its size, and where the picture ends."""

from __future__ import annotations

import math
from itertools import pairwise

import torch

from lowrank_core.analysis import rates
from lowrank_core.analysis.closed_forms import balanced_flow
from lowrank_core.analysis.embedding import Embedding, stack
from lowrank_core.analysis.imbalance import imbalance
from lowrank_core.claims.experiments.small_starts import balanced, descent, gaussian_pair
from lowrank_core.claims.grammar import Criterion, Evidence, Page, Setting, at, each, edge, refused, scales
from lowrank_core.claims.wind2023.perturbed import truth_of
from lowrank_core.factors import Factors
from lowrank_core.linalg import operator_norm
from lowrank_core.methods import GradientDescent
from lowrank_core.methods.flow import TimeVarying, flow
from lowrank_core.problem import Problem, observe
from lowrank_core.randomness import normal
from lowrank_core.sensing import Identity, gaussian
from lowrank_core.solver import solve
from lowrank_core.truth import rectangular

PAGE = Page("chapters/wind2023/perturbed-flow", book=10)


ENDPOINT = Criterion(
    "largest ‖e^{ηL}Z_k − Z_{k+1}‖ / ‖Z_{k+1}‖", high=1e-13, width="rounding; 60 pilot seeds: at most 1.1e-15"
)
EQUATION = Criterion(
    "largest defect of the flow's equation between iterates",
    high=1e-7,
    width="a central difference; 60 pilot seeds: at most 2.7e-10",
)


@PAGE.claim(
    "wind2023.log-embedding",
    "The iterates of gradient descent lie exactly on a perturbed gradient flow",
    ENDPOINT,
    EQUATION,
    reference="abstract for the equivalence; its precise form is derived",
    states="prop-flow-embedding",
    kind="identity",
    control="no logarithm: the generator S(G_j), which is the perturbation-free flow frozen at the iterate",
    edges=(
        edge("r = 1, k = 1", spectrum=(1.0,), k=1),
        edge("k < r", k=1),
        edge("k = n₁ + n₂", k=12),
        edge("n₁ = n₂ = r", n1=2, n2=2, k=2),
        edge("equal singular values", spectrum=(2.0, 2.0)),
        edge("κ = 2000", spectrum=(2.0, 1e-3)),
        edge("large steps, ησ₁ = 0.9", eta=0.45, m=2000),
        refused("η‖G_j‖ < 1", "ησ₁ = 1.1", eta=0.55),
    ),
    waives=("r < min(n₁, n₂)", "k ≥ r"),
    sizes=scales(
        n1=each(7, 12, 24),
        n2=each(5, 10, 20),
        spectrum=each((2.0, 1.0), (2.0, 1.0, 0.5), (2.0, 1.0, 0.5)),
        k=each(6, 14, 30),
        m=each(60, 200, 900),
        a0=each(0.1, 0.1, 0.01),
        eta=0.1,
        steps=each(60, 150, 300),
    ),
    uses=("wind2023.log-embedding-proof",),
)
def log_embedding(setting: Setting) -> Evidence:
    s = setting.sizes
    evidence = Evidence()
    for case, m in (("population", None), (at(m=s.m), s.m)):
        problem = _problem(setting, m)
        found = torch.zeros(4, problem.batch, dtype=torch.float64)
        iterates = _iterates(problem, gaussian_pair(setting, s.k, s.a0), s.eta, s.steps)
        for here, after in pairwise(iterates):
            _, slope = problem.slope(here, with_value=False)
            setting.assume(s.eta * float(operator_norm(slope).max()) < 1, "η‖G_j‖ < 1")
            embedding = Embedding(problem, here, s.eta)
            frozen = _frozen(problem, here)
            found = torch.maximum(
                found,
                torch.stack(
                    [
                        _endpoint(embedding.generator, here, after, s.eta),
                        _defect(embedding, embedding.generator, s.eta),
                        _endpoint(frozen, here, after, s.eta),
                        _defect(embedding, frozen, s.eta),
                    ]
                ),
            )
        for add, (endpoint, equation) in ((evidence.found, found[:2]), (evidence.broken, found[2:])):
            add(ENDPOINT, endpoint, case)
            add(EQUATION, equation, case)
    return evidence


def _problem(setting: Setting, m: int | None = None) -> Problem:
    s, device = setting.sizes, setting.device
    truth = truth_of(setting)
    full = Identity(s.n1, s.n2, device)
    return observe(truth, full if m is None else gaussian(s.n1, s.n2, m, setting.seeds, device=device))


def _iterates(problem: Problem, start: Factors, eta: float, steps: int) -> list[Factors]:
    """All iterates of gradient descent from the start on."""
    method = GradientDescent(eta)
    state, found = method.init(problem, start), [start]
    for _ in range(steps):
        state = method.step(problem, state)
        found.append(state.factors)
    return found


def _frozen(problem: Problem, factors: Factors) -> torch.Tensor:
    """S(G_j), the generator that would do without a logarithm."""
    return stack(-problem.slope(factors, with_value=False)[1])


def _endpoint(generator: torch.Tensor, here: Factors, after: Factors, eta: float) -> torch.Tensor:
    """‖e^{ηL}Z_k − Z_{k+1}‖ / ‖Z_{k+1}‖, (B,)."""
    arrived, goal = torch.linalg.matrix_exp(eta * generator) @ here.stacked(), after.stacked()
    return operator_norm(arrived - goal) / operator_norm(goal)


def _defect(embedding: Embedding, generator: torch.Tensor, eta: float, h: float = 1e-4) -> torch.Tensor:
    """Finite difference of the curve half-way to the next iterate against L·Z, relative, (B,)."""
    before, here, after = (embedding.at(0.5 + d).factors.stacked() for d in (-h, 0.0, h))
    gap = (after - before) / (2 * h * eta) - generator @ here
    return operator_norm(gap) / operator_norm(here)


CONSTANT = Criterion(
    "sup ‖𝓔‖ / (η‖M*‖²), extrapolated to η = 0",
    0.99,
    1.01,
    of_prediction=True,
    width="60 pilot seeds: 0.9996 to 1.0001, finite η and a₀",
)
LINEAR = Criterion("exponent of sup ‖𝓔‖ in η", 0.97, 1.05, width="60 pilot seeds: 1.016, a bias of order η")


@PAGE.claim(
    "wind2023.discretisation-is-first-order",
    "Discretisation perturbs the flow by (2/3)η‖M*‖², to leading order in η",
    CONSTANT,
    LINEAR,
    reference="abstract: the discretisation is part of the perturbation; its size is derived",
    states="prop-flow-constant",
    kind="tight",
    control="imperfect measurements: their part of the perturbation does not vanish with η",
    edges=(
        edge("r = 1, k = 1", seeds=1, spectrum=(2.0,), k=1),
        edge("k = r", seeds=1, k=2),
        edge("k = n₁ + n₂", seeds=1, k=12),
        edge("equal singular values", seeds=1, spectrum=(2.0, 2.0)),
        edge("κ = 100", seeds=1, spectrum=(2.0, 0.02)),
        edge("n₁ = n₂ = r + 1", seeds=1, n1=3, n2=3),
    ),
    sizes=scales(
        n1=each(7, 12, 24),
        n2=each(5, 10, 20),
        spectrum=each((2.0, 0.5), (2.0, 1.0, 0.5), (2.0, 1.0, 0.5)),
        k=each(6, 14, 30),
        m=each(300, 1000, 4000),
        a0=each(0.03, 0.01, 0.001),
        etas=each((0.04, 0.02), (0.04, 0.02, 0.01), (0.02, 0.01, 0.005)),
        time=each(3.0, 6.0, 10.0),
    ),
    uses=("wind2023.log-embedding",),
)
def discretisation_is_first_order(setting: Setting) -> Evidence:
    s = setting.sizes

    def sizes(m: int | None) -> torch.Tensor:
        problem, start = _problem(setting, m), gaussian_pair(setting, s.k, s.a0)
        columns = []
        for eta in s.etas:
            largest = torch.zeros(problem.batch, dtype=torch.float64)
            for here in _iterates(problem, start, eta, round(s.time / eta)):
                # The residual has drifted furthest from its value at the iterate when the step ends.
                largest = torch.maximum(
                    largest, operator_norm(Embedding(problem, here, eta).at(1.0).perturbation)
                )
            columns.append(largest)
        return torch.stack(columns, dim=1)

    def summary(found: torch.Tensor) -> dict[Criterion, torch.Tensor]:
        ratios = found / (torch.tensor(s.etas, dtype=torch.float64) * s.spectrum[0] ** 2)
        # Linear in η: the two smallest steps, of which one is half the other, give the limit.
        return {
            CONSTANT: 2 * ratios[:, -1] - ratios[:, -2],
            LINEAR: rates.scaling_exponent(s.etas, found),
        }

    population, sensing = sizes(None), sizes(s.m)
    return Evidence(
        measured=summary(population),
        predicted={CONSTANT: 2 / 3, LINEAR: 1},
        control=summary(sensing),
        curves={"etas": s.etas, "population": population, at(m=s.m): sensing, "top": s.spectrum[0]},
    )


DISTANCE = Criterion(
    "exponent of sup_t ‖F_TG_Tᵀ − F(ηT)G(ηT)ᵀ‖ in η",
    0.98,
    1.02,
    width="60 pilot seeds: 0.9987 to 1.001; at the edges terms of order η",
)


@PAGE.claim(
    "wind2023.distance-to-flow",
    "Gradient descent stays within O(η) of the flow",
    DISTANCE,
    reference="the theorem's step-size condition, restated; the exponent is derived",
    states="prop-flow-distance",
    kind="rate",
    control="imperfect measurements, against the flow of the full matrix: the distance does not vanish with η",
    edges=(
        edge("r = 1, k = 1", seeds=1, spectrum=(2.0,), k=1),
        edge("k = r", seeds=1, k=2),
        edge("k = n₁ + n₂", seeds=1, k=12),
        edge("equal singular values", seeds=1, spectrum=(2.0, 2.0)),
        edge("κ = 20", seeds=1, spectrum=(2.0, 0.1)),
        edge("n₁ = n₂ = r + 1", seeds=1, n1=3, n2=3),
    ),
    sizes=scales(
        n1=each(7, 12, 24),
        n2=each(5, 10, 20),
        spectrum=each((2.0, 0.5), (2.0, 1.0, 0.5), (2.0, 1.0, 0.5)),
        k=each(5, 10, 20),
        m=each(300, 1000, 4000),
        a0=each(0.1, 0.1, 0.01),
        etas=each((0.04, 0.01), (0.04, 0.02, 0.01, 0.005), (0.02, 0.01, 0.005, 0.0025)),
        time=each(5.0, 12.0, 20.0),
    ),
    uses=("wind2023.discretisation-is-first-order",),
)
def distance_to_flow(setting: Setting) -> Evidence:
    s = setting.sizes
    start = balanced(setting, s.k, s.a0)
    # Every multiple of the largest step, and so of all: the distance peaks briefly, while a value escapes.
    times = torch.arange(1, round(s.time / s.etas[0]) + 1, dtype=torch.float64) * s.etas[0]
    exact = torch.stack(
        [f.product() for f in balanced_flow(_problem(setting).truth.matrix, start, times.tolist())]
    )

    def distances(m: int | None) -> torch.Tensor:
        problem, columns = _problem(setting, m), []
        for eta in s.etas:
            run = descent(
                problem,
                start,
                eta,
                s.time,
                record=(times / eta).round().long(),
                observables={"product": _product},
                reduce=False,
            )
            path = run.observed["product"][:, 1:].transpose(0, 1)
            columns.append(operator_norm(path - exact).amax(dim=0))
        return torch.stack(columns, dim=1)

    population, sensing = distances(None), distances(s.m)
    evidence = Evidence(curves={"etas": s.etas, "population": population, at(m=s.m): sensing})
    evidence.found(DISTANCE, rates.scaling_exponent(s.etas, population), predicted=1)
    evidence.broken(DISTANCE, rates.scaling_exponent(s.etas, sensing))
    return evidence


def _product(problem: Problem, factors: Factors) -> torch.Tensor:
    return factors.product()


LEFT = Criterion("error / σ₁ at the end", high=1e-3, width="60 pilot seeds: at most 2e-7, of order a₀²")


@PAGE.claim(
    "wind2023.step-threshold",
    "The flow picture ends at ησ₁ = 1",
    LEFT,
    reference="the theorem asks for a small step, restated; the threshold is derived",
    states="prop-flow-threshold",
    kind="tight",
    control="ησ₁ a few percent above one",
    edges=(
        edge("the largest step, ησ₁ = 0.999", below=(0.999,), steps=10_000),
        edge("r = 1, k = 1", spectrum=(2.5,), k=1),
        edge("k = r", k=2),
        edge("k = n₁ + n₂", k=14),
        edge("equal singular values", spectrum=(2.5, 2.5)),
        edge("κ = 50", spectrum=(2.5, 0.05)),
        refused("ησ₁ < 1", "the step is too large", below=(1.01,)),
    ),
    sizes=scales(
        n1=each(9, 12, 24),
        n2=each(5, 10, 20),
        spectrum=each((2.5, 1.0), (2.5, 1.5, 1.0), (2.5, 1.5, 1.0)),
        k=each(7, 10, 20),
        a0=each(1e-3, 1e-3, 1e-4),
        below=each((0.5, 0.97), (0.5, 0.9, 0.99), (0.5, 0.9, 0.99, 0.995)),
        above=each((1.05,), (1.02, 1.1, 1.2), (1.005, 1.02, 1.1, 1.2)),
        steps=each(2_000, 4_000, 20_000),
    ),
)
def step_threshold(setting: Setting) -> Evidence:
    s = setting.sizes
    problem, start = _problem(setting), gaussian_pair(setting, s.k, s.a0)
    top = s.spectrum[0]
    setting.assume(max(s.below) < 1, "ησ₁ < 1")

    evidence = Evidence()
    for add, products in ((evidence.found, s.below), (evidence.broken, s.above)):
        for x in products:
            run = solve(problem, GradientDescent(x / top), start, s.steps)
            add(LEFT, run.operator_error[:, -1] / top, at(**{"ησ₁": x}))
    return evidence


DRIFT = Criterion(
    "largest ‖Λ(t) − Λ(0)‖ / ‖Z(t)‖²", high=1e-8, width="the integrator; 60 pilot seeds: at most 6e-10"
)
LAW = Criterion(
    "largest defect of dΛ/dt = 2(FᵀE₁₁F − GᵀE₂₂G), over ‖𝓔‖‖Z(t)‖²",
    high=2e-5,
    width="a central difference; pilot: at most 2e-7, more where E is larger than the truth",
)


@PAGE.claim(
    "wind2023.balance-under-perturbation",
    "Balance survives every off-diagonal perturbation, and only those",
    DRIFT,
    LAW,
    reference="theorem on the imbalance along the path, restated; the identity is derived",
    states="prop-flow-balance",
    kind="identity",
    control="diagonal blocks of the same norm; for the law, E₁₁ and E₂₂ are left out of it",
    edges=(
        edge("r = 1, k = 1", seeds=1, spectrum=(2.0,), k=1),
        edge("k < r", seeds=1, k=1),
        edge("k = n₁ + n₂", seeds=1, k=12),
        edge("n₁ = n₂ = r", seeds=1, n1=2, n2=2, k=2),
        edge("a perturbation larger than the truth", seeds=1, size=3.0),
        edge("a small perturbation", seeds=1, size=0.03),
    ),
    waives=("r < min(n₁, n₂)", "k ≥ r"),
    seeds={"smoke": 2, "book": 8},
    sizes=scales(
        n1=each(7, 12, 24),
        n2=each(5, 10, 20),
        spectrum=each((2.0, 1.0), (2.0, 1.0, 0.5), (2.0, 1.0, 0.5)),
        k=each(6, 14, 30),
        a0=each(0.1, 0.1, 0.01),
        size=0.3,
        times=each((2.0, 4.0), (2.0, 4.0, 6.0, 8.0), (2.0, 4.0, 6.0, 8.0, 12.0, 16.0)),
    ),
    needs=("scipy",),
    uses=("wind2023.flow-identities",),
)
def balance_under_perturbation(setting: Setting) -> Evidence:
    s, seeds = setting.sizes, setting.seeds
    truth = rectangular(s.n1, s.n2, s.spectrum, seeds)
    start = gaussian_pair(setting, s.k, s.a0)

    def symmetric(name: str, n: int) -> torch.Tensor:
        drawn = normal(seeds, name, n, n)
        return _of_norm(drawn + drawn.mT, s.size)

    across = _of_norm(normal(seeds, "perturbation", s.n1, s.n2), s.size)
    left, right = symmetric("left block", s.n1), symmetric("right block", s.n2)
    off = TimeVarying(_swing, across)
    full = TimeVarying(_swing, across, left, right)

    def drift(perturbation: TimeVarying) -> torch.Tensor:
        ends = flow(truth, start, s.times, perturbation).factors
        moved = [operator_norm(imbalance(end) - imbalance(start)) / _size(end) for end in ends]
        return torch.stack(moved).amax(dim=0)

    h, worst, ignorant = 3e-4, [], []
    for time in s.times:
        before, here, after = flow(truth, start, [time - h, time, time + h], full).factors
        assert here.right is not None
        change = (imbalance(after) - imbalance(before)) / (2 * h)
        law = 2 * _swing(time) * (here.left.mT @ left @ here.left - here.right.mT @ right @ here.right)
        worst.append(operator_norm(change - law) / (s.size * _size(here)))
        ignorant.append(operator_norm(change) / (s.size * _size(here)))
    return Evidence(
        measured={DRIFT: drift(off), LAW: torch.stack(worst).amax(dim=0)},
        control={DRIFT: drift(full), LAW: torch.stack(ignorant).amax(dim=0)},
    )


def _size(factors: Factors) -> torch.Tensor:
    """‖Z‖², (B,)."""
    return operator_norm(factors.stacked()).square()


def _swing(time: float) -> float:
    return math.cos(3 * time)


def _of_norm(matrix: torch.Tensor, size: float) -> torch.Tensor:
    return matrix * (size / operator_norm(matrix))[:, None, None]
