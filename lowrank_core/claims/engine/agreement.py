"""What is compiled, precomputed or reduced ends where the plain loop ends; what is not used, and why."""

from __future__ import annotations

from collections.abc import Callable

import torch

from lowrank_core.claims.engine import reference
from lowrank_core.claims.engine.reference import gap, recovery, relative, start_of
from lowrank_core.claims.grammar import Criterion, Evidence, Page, Setting, at, each, edge, scales
from lowrank_core.factors import Factors
from lowrank_core.methods import ConjugateGradient, GradientDescent, Method
from lowrank_core.problem import Problem, observe
from lowrank_core.sensing import Dense, Gram, Identity
from lowrank_core.solver import Trajectory, solve
from lowrank_core.truth import psd

PAGE = Page("chapters/engine/how-fast")


def by_definition(problem: Problem, start: Factors) -> torch.Tensor:
    """(1/m) Σ (⟨Aᵢ, XXᵀ⟩ − yᵢ) AᵢX with every Aᵢ written out, (B, n, k): packing and kernels have no part in it."""
    operator, x = problem.operator, start.left
    assert isinstance(operator, Dense)
    n = operator.shape[0]
    rows, columns = torch.triu_indices(n, n, device=x.device)
    # Not torch.where(..., 1.0, 0.5**0.5), which would make a float32 of the root.
    each = operator.entries.double() * (1 + (0.5**0.5 - 1) * (rows != columns).double())
    matrices = x.new_zeros(*each.shape[:2], n, n)
    matrices[..., rows, columns] = each
    matrices[..., columns, rows] = each
    residual = torch.einsum("bmij,bij->bm", matrices, x @ x.mT) - problem.observations
    return torch.einsum("bm,bmij,bjk->bik", residual, matrices, x) / operator.m


def gradient_gap(problem: Problem, start: Factors, operator: Dense | None = None) -> torch.Tensor:
    """How far the gradient that `operator` finds, by default the problem's own, is from the definition's."""
    used = operator or problem.operator
    found = used.gradient(start.left, None, problem.observations[:, : used.m], "l2", with_value=False)[1]
    return gap(found, by_definition(problem, start))


def without_tail(operator: Dense) -> Dense:
    """The operator as a kernel sees it that takes four rows at a time and forgets those that are left over."""
    whole = operator.m - operator.m % 4
    return Dense(operator.entries[:, :whole], operator.shape, symmetric=True, weight=operator.weight)


def with_float32_root(operator: Dense) -> Dense:
    """The operator whose packing multiplies by a √2 that was rounded to float32."""
    n, entries = operator.shape[0], operator.entries
    rows, columns = torch.triu_indices(n, n, device=entries.device)
    rounded = float(torch.tensor(2.0).sqrt()) / 2.0**0.5
    return Dense(entries * (1 + (rounded - 1) * (rows != columns).double()), operator.shape, symmetric=True)


GRADIENT = Criterion(
    "gradient: distance from the definition", high=1e-13, width="rounding in sums of m products"
)
END = Criterion(
    "end of the run: distance from the plain loop's",
    high=1e-12,
    width="rounding at the end of a linear phase",
)
COUNT = Criterion(
    "iterations to 1e-10: difference from the plain loop's", high=1.0, width="give or take one, as stated"
)


@PAGE.claim(
    "engine.kernels-change-nothing",
    "Compiled loops, A*A in the place of A and the exact reduction change results by rounding only",
    GRADIENT,
    END,
    COUNT,
    reference="derived here",
    states="prop-fast-kernels",
    origin="ours",
    kind="bound-upper",
    control="a kernel that forgets the last m mod 4 rows; a packing whose √2 was rounded to float32",
    sizes=scales(
        n=each(12, 24, 36),
        few=each(60, 144, 324),
        many=each(160, 600, 1_400),
        eta=0.25,
        steps=each(900, 600, 600),
        conjugate=each(120, 100, 100),
    ),
    edges=(
        edge("n = r + 1", n=3, few=14, many=40),
        edge("m a multiple of four, and many", few=64, many=161),
        edge("a larger step", eta=0.35),
    ),
)
def kernels_change_nothing(setting: Setting) -> Evidence:
    s, start = setting.sizes, start_of(setting)
    plain, ours = GradientDescent(s.eta), Identity(s.n, device=setting.device)
    few, many = recovery(setting, s.few), recovery(setting, s.many)
    population = observe(psd(s.n, list(reference.SPECTRUM), setting.seeds, device=setting.device), ours)
    cases: dict[str, tuple[Problem, Method, int]] = {
        "gradient descent": (few, plain, s.steps),
        "conjugate gradients": (few, ConjugateGradient(), s.conjugate),
        "through A*A": (many, plain, s.steps),
        "reduced to r + k rows": (population, plain, s.steps),
    }
    loops = {
        name: reference.by_torch(problem, method, start, steps)
        for name, (problem, method, steps) in cases.items()
    }
    shown: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}
    evidence = Evidence(curves={"runs": shown})

    def judge(add: Callable[..., None], name: str, run: Trajectory, problem: Problem, loop: str) -> None:
        errors, last = loops[loop]
        add(END, gap(run.factors.product(), last), name)
        add(COUNT, (reference.arrivals(relative(run, problem)) - reference.arrivals(errors)).abs(), name)

    for name, (problem, method, steps) in cases.items():
        run = solve(problem, method, start, steps, record=range(steps + 1))
        judge(evidence.found, name, run, problem, name)
        shown[name] = relative(run, problem), loops[name][0]
    assert isinstance(few.operator, Dense)
    rounded, mistake = with_float32_root(few.operator), "√2 in float32"
    wrong = Problem(few.truth, rounded, few.observations, "l2")
    lost = solve(wrong, plain, start, s.steps, record=range(s.steps + 1))
    judge(evidence.broken, mistake, lost, few, "gradient descent")
    evidence.curves["control"] = relative(lost, few)

    evidence.found(GRADIENT, gradient_gap(few, start), at(m=s.few))
    for extra in (1, 2, 3):
        name, tail = at(f"m = {s.few} + {extra}", m=s.few + extra), recovery(setting, s.few + extra)
        assert isinstance(tail.operator, Dense)
        evidence.found(GRADIENT, gradient_gap(tail, start), name)
        forgotten = gradient_gap(tail, start, without_tail(tail.operator))
        evidence.broken(GRADIENT, forgotten, at(f"rows forgotten, {name}", **name.numbers))
    for kind in ("float32", "bfloat16"):
        stored = recovery(setting, s.few + 3, storage=kind)
        evidence.found(GRADIENT, gradient_gap(stored, start), f"{kind} storage")
    evidence.broken(GRADIENT, gradient_gap(few, start, rounded), mistake)
    return evidence


GRAM_GRADIENT = Criterion(
    "gradient through A*A: distance from the definition", high=1e-12, width="rounding in sums of m products"
)
FLOOR = Criterion("relative error ‖XXᵀ − M*‖ at the end", high=1e-14, width="rounding")
LOSS = Criterion("relative error of the loss, residual below 1e-9", low=0.9, width="no digit is right")


@PAGE.claim(
    "engine.gram-is-for-gradients",
    "Through A*A the gradient is exact, and the loss has no digits below a residual of 1e-9",
    GRAM_GRADIENT,
    FLOOR,
    LOSS,
    reference="derived here",
    states="prop-fast-gram",
    origin="ours",
    kind="ordering",
    control="A*A from a packing whose √2 was rounded to float32 (gradient and end); the loss from the residuals "
    "A(XXᵀ) − y, as it is reported (loss)",
    sizes=scales(n=each(12, 24, 36), m=each(312, 1_200, 2_700), eta=0.25, steps=300),
)
def gram_is_for_gradients(setting: Setting) -> Evidence:
    s, start = setting.sizes, start_of(setting)
    problem = recovery(setting, s.m)
    operator, y = problem.operator, problem.observations
    assert isinstance(operator, Dense)
    through = Gram(operator, y)
    energy, image = operator.weight * y.square().sum(dim=1), operator.weight * operator.adjoint(y)

    def exact(_: Problem, factors: Factors) -> torch.Tensor:
        """The loss as ‖A(XXᵀ − M*)‖²/(4m): what is small is formed before it is measured."""
        seen = operator.forward(factors.product() - problem.truth.matrix)
        return 0.25 * operator.weight * seen.square().sum(1)

    def expanded(_: Problem, factors: Factors) -> torch.Tensor:
        """The loss as a quadratic form in A*A."""
        matrix = factors.product()
        form = (matrix * (through.normal_map(matrix) - 2 * image)).sum(dim=(1, 2))
        return 0.25 * (energy + form)

    method, record = GradientDescent(s.eta), range(0, s.steps + 1, 3)
    watch = {"exact": exact, "expanded": expanded}
    run = solve(problem, method, start, s.steps, record=record, observables=watch)
    value = run.observed["exact"]
    residual = (4 * value / energy.cpu()[:, None]).sqrt()
    window = (residual < 1e-9) & (residual > 1e-12)

    def wrong(found: torch.Tensor) -> torch.Tensor:
        """The median over the window of how far a loss is off, (B,)."""
        return torch.where(window, (found - value).abs() / value, torch.nan).nanmedian(dim=1).values

    expected = by_definition(problem, start)

    def gradient_of(used: Gram) -> torch.Tensor:
        return gap(used.gradient(start.left, None, y, "l2", with_value=False)[1], expected)

    rounded, mistake = with_float32_root(operator), "√2 in float32"
    off = solve(Problem(problem.truth, rounded, y, "l2"), method, start, s.steps, record=[s.steps])
    evidence = Evidence(
        curves={
            "residual": residual,
            "from A*A": run.observed["expanded"],
            "from the residuals": run.loss,
            "exact": value,
        }
    )
    evidence.found(GRAM_GRADIENT, gradient_of(through))
    evidence.broken(GRAM_GRADIENT, gradient_of(Gram(rounded, y)), mistake)
    evidence.found(FLOOR, relative(run, problem)[:, -1])
    evidence.broken(FLOOR, relative(off, problem)[:, -1], mistake)
    evidence.found(LOSS, wrong(run.observed["expanded"]))
    evidence.broken(LOSS, wrong(run.loss), "from the residuals")
    return evidence
