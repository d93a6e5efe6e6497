"""Deliberate breakages of the core, one at a time: each must turn the named claims or tests red.

A mutant is a copy of `lowrank_core` and `tools` with one snippet replaced. Whatever reports it must do so in its
own words, a verdict that is not as expected or a failed assertion; a crash is no proof that anything was checked.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from lowrank_core import artefacts

ROOT = Path(__file__).parents[1]
# Runs a module as `python -m` does, after saying which core it will see.
PROGRAM = """
import runpy, sys
import lowrank_core
print(lowrank_core.__file__, flush=True)
runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
"""


@dataclass(frozen=True)
class Mutant:
    """`old` is replaced by `new` in `file`; then the claims are judged otherwise, or the tests fail.

    `file` is one of the core, unless it begins with "tools/".
    """

    file: str
    old: str
    new: str
    claims: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()


MUTANTS = {
    "uphill instead of downhill": Mutant(
        "methods/gradient_descent.py",
        "torch.sub(left, d_left, alpha=eta)",
        "torch.add(left, d_left, alpha=eta)",
        claims=("xiong2024.symmetric-lower-bound", "xiong2024.symmetric-upper-bound"),
    ),
    "a factor 2 in the step": Mutant(
        "methods/gradient_descent.py",
        "eta = rule(state.iteration, Seen(value, squared, slope_norm))",
        "eta = 2 * rule(state.iteration, Seen(value, squared, slope_norm))",
        claims=("xiong2024.symmetric-lower-bound", "xiong2024.exact-rank-linear"),
    ),
    "a factor 1/2 lost from the symmetric gradient": Mutant(
        "sensing/identity.py",
        "torch.bmm(residual, left), None",
        "2 * torch.bmm(residual, left), None",
        claims=("xiong2024.extra-rank-not-columns",),
    ),
    "a lost transpose in the gradient of G": Mutant(
        "sensing/operator.py",
        "slope.mT @ left",
        "slope @ left",
        tests=(
            "sensing/test_operator.py::test_gradient_is_that_of_the_stated_loss[square, batched, m = 8-False-l2]",
        ),
    ),
    "packing without √2": Mutant(
        "sensing/dense.py",
        "self._up = torch.where(diagonal, 0.5, (1 / root2).to(device)).to(dtype)",
        "self._up = torch.full_like(diagonal, 0.5, dtype=dtype)",
        tests=(
            "sensing/test_packing.py::test_packing_is_an_isometry",
            "sensing/test_packing.py::test_packed_operator_equals_the_explicit_sums",
        ),
    ),
    "√2 rounded to float32": Mutant(
        "sensing/dense.py",
        "torch.tensor(2.0, dtype=torch.float64).sqrt()",
        "torch.tensor(2.0, dtype=torch.float32).sqrt().double()",
        claims=("engine.kernels-change-nothing",),
        tests=("sensing/test_packing.py::test_packing_is_an_isometry",),
    ),
    "measurements without the weight 1/m": Mutant(
        "sensing/dense.py",
        "self.weight = 1.0 / self.m",
        "self.weight = 1.0",
        claims=("xiong2024.symmetric-lower-bound-sensing", "ma2023.step-threshold"),
    ),
    "records one iteration late": Mutant(
        "solver.py",
        "advanced(method, stepped, state, upto, steps)",
        "advanced(method, stepped, state, upto + 1, steps)",
        tests=("test_solver.py::test_records_are_of_the_iterate_at_their_step",),
    ),
    "divergence dated one iteration early": Mutant(
        "solver.py",
        "first = torch.where(gone, replay.iteration, first)",
        "first = torch.where(gone, replay.iteration - 1, first)",
        tests=("test_solver.py::test_divergence_is_dated_exactly_and_never_nan",),
    ),
    "seeds ignored": Mutant(
        "randomness.py",
        'f"{seed}/{name}"',
        'f"0/{name}"',
        tests=(
            "test_randomness.py::test_other_names_and_seeds_are_other_numbers",
            "test_factors.py::test_starts_do_not_depend_on_batch_or_order",
            "claims/test_runner.py::test_other_seeds_give_other_numbers",
        ),
    ),
    # No claim can see it: with Gaussian measurements a residual of exactly zero has probability zero.
    "sign(0) = 1": Mutant(
        "loss.py",
        "torch.where(residual.isnan(), residual, torch.sign(residual))",
        "torch.where(residual < 0, -1.0, 1.0).to(residual)",
        tests=(
            "test_loss.py::test_dual_of_l1_is_the_weighted_sign_with_sign_zero_zero",
            "methods/test_subgradient.py::test_the_truth_is_a_fixed_point_because_sign_zero_is_zero",
        ),
    ),
    "G updated with the new F": Mutant(
        "methods/gradient_descent.py",
        "else torch.sub(right, d_right, alpha=eta)",
        "else right - eta * problem.gradient(Factors(torch.sub(left, d_left, alpha=eta), right))[2]",
        claims=("xiong2024.toy-gradient-descent",),
        tests=("methods/test_gradient_descent.py::test_asymmetric_step_is_simultaneous",),
    ),
    "the reduction takes the last rows for the signal": Mutant(
        "reduction.py",
        "rows, noise = factor[:, :rank], factor[:, rank:]",
        "rows, noise = factor[:, -rank:], factor[:, :-rank]",
        claims=("xiong2024.symmetric-upper-bound",),
        tests=("test_reduction.py::test_long_runs_agree",),
    ),
    "starts α² instead of α": Mutant(
        "factors.py",
        'return Factors(_columns(seeds, "start", n, k, device, dtype) * scale)',
        'return Factors(_columns(seeds, "start", n, k, device, dtype) * scale**2)',
        tests=("test_factors.py::test_the_norm_of_a_start_is_alpha_times_one_plus_root_aspect",),
    ),
    "G not scaled by ρ": Mutant(
        "factors.py",
        "dtype) * (scale * ratio))",
        "dtype) * scale)",
        tests=("test_factors.py::test_imbalanced_start_scales_its_sides",),
    ),
    "the signal's block in place of the free directions": Mutant(
        "analysis/imbalance.py",
        ".Vh[:, rank:]",
        ".Vh[:, :-rank]",
        claims=("xiong2024.imbalance-sets-the-rate", "xiong2024.imbalance-conservation"),
    ),
    "β and β⁻¹ swapped": Mutant(
        "methods/rebalanced.py",
        "left[due], right[due] = beta * unit_left, unit_right / beta",
        "left[due], right[due] = unit_left / beta, unit_right * beta",
        claims=("xiong2024.rebalanced-beta-sweep",),
    ),
    "S forgotten in the rebalancing step": Mutant(
        "methods/rebalanced.py",
        "right @ b.mT * s[:, None, :] / beta",
        "right @ b.mT / beta",
        claims=("xiong2024.rebalanced-rate",),
    ),
    "steps not normalised": Mutant(
        "steps.py",
        "eta = matched(self.rule(iteration, seen), seen.slope_norm) / seen.slope_norm[:, None, None]",
        "eta = matched(self.rule(iteration, seen), seen.slope_norm) + 0 * seen.slope_norm[:, None, None]",
        claims=("ma2023.budget-minimum",),
        tests=("methods/test_normalised.py::test_symmetric_steps",),
    ),
    "steps that do not decay": Mutant(
        "steps.py",
        "return self.eta * self.ratio**iteration",
        "return self.eta",
        claims=("ma2023.decaying-step",),
    ),
    # No claim can see it either: m numbers of the m·n(n + 1)/2 that make A are then seen twice.
    "noise drawn from the stream of A": Mutant(
        "noise.py",
        'f"{stream} {self.law} outliers"',
        '"sensing"',
        tests=("test_noise.py::test_noise_shares_no_number_with_the_measurements",),
    ),
    "outliers that are not there": Mutant(
        "noise.py",
        "return self.scale * hit * draw",
        "return 0 * hit * draw",
        claims=("ma2023.truth-is-not-a-minimum", "ma2023.l1-against-l2"),
    ),
    "the variance for the deviation": Mutant(
        "noise.py",
        'return self.scale * draw(seeds, f"{stream} gaussian"',
        'return self.scale**2 * draw(seeds, f"{stream} gaussian"',
        claims=("ma2023.gaussian-noise-scaling",),
    ),
    "P_S on the wrong side": Mutant(
        "analysis/phases.py",
        "outside = residual - residual @ rows.mT @ rows",
        "outside = residual @ rows.mT @ rows",
        claims=("ma2023.residual-is-the-floor",),
    ),
    "negative eigenvalues of the spectral start not clipped": Mutant(
        "factors.py",
        ".clamp(min=0.0).sqrt()",
        ".abs().sqrt()",
        claims=("ma2023.clipping-halves-the-rank",),
    ),
    "the sign smoothed": Mutant(
        "loss.py",
        "torch.sign(residual))",
        "torch.tanh(residual))",
        claims=("ma2023.l1-against-l2", "ma2023.magnitude-independence"),
    ),
    "the budget measured by κ": Mutant(
        "budget.py",
        "other / current",
        "other / spectrum[0]",
        tests=("test_budget.py::test_smallest_budget_tends_to_the_formula_in_successive_ratios",),
    ),
    "a sign lost from S(G)": Mutant(
        "analysis/embedding.py",
        "= residual, residual.mT",
        "= residual, -residual.mT",
        claims=("wind2023.log-embedding",),
    ),
    "tolerances loosened silently": Mutant(
        "methods/flow.py",
        "rtol=rtol, atol=chosen",
        "rtol=1e-3, atol=1e-6",
        claims=("wind2023.balance-under-perturbation",),
    ),
    "the Frobenius norm for the operator norm": Mutant(
        "methods/flow.py",
        "self.theta * torch.linalg.matrix_norm(residual, ord=2)",
        "self.theta * torch.linalg.matrix_norm(residual)",
        claims=("wind2023.residual-proportional-adversary",),
    ),
    "starts not rescaled to their operator norm": Mutant(
        "factors.py",
        "ratio = (torch.as_tensor(wanted, dtype=size.dtype, device=size.device) / size)[:, None, None]",
        "ratio = torch.ones_like(size)[:, None, None]",
        claims=("wind2023.perturbation-threshold",),
    ),
    "one batch again and again where fresh ones were asked for": Mutant(
        "methods/minibatch.py",
        "batch = iteration if self.fresh else 0",
        "batch = 0",
        claims=("wind2023.fresh-batches-suffice",),
    ),
    "noise that grows where it should decay": Mutant(
        "analysis/closed_forms.py",
        "torch.exp(self._values * dt)",
        "torch.exp(self._values.abs() * dt)",
        claims=("wind2023.orthogonal-adversary", "wind2023.perturbation-threshold"),
    ),
    "the last singular vectors for the first": Mutant(
        "analysis/alignment.py",
        "return u[..., :rank]",
        "return u[..., -rank:]",
        claims=("stoger2021.angle-to-the-spectral-estimate",),
    ),
    "a factor 2 lost from the closed form": Mutant(
        "analysis/closed_forms.py",
        "doubled = 2 * self._values",
        "doubled = self._values",
        claims=("jin2023.incremental-exponents", "jiang2022.early-stopping"),
    ),
    "directions that do not exist counted for small n": Mutant(
        "analysis/sharp_threshold.py",
        "k = min(true_rank, n - search_rank)",
        "k = true_rank",
        claims=("zhang2025.exact-threshold",),
    ),
    "an isometry search that looks the wrong way": Mutant(
        "analysis/rip.py",
        "shift = 2 * high",
        "shift = 0.5 * high",
        claims=("zhang2025.rip-order",),
    ),
    "the dual bound with half a term too much": Mutant(
        "proofs/sdp.py",
        "s = 0.5 * (outer + outer.mT) + program.jacobian",
        "s = outer + outer.mT + program.jacobian",
        claims=("zhang2025.threshold-by-program",),
    ),
    "a regulariser that pushes one factor the wrong way": Mutant(
        "methods/balanced.py",
        "d_right - right @ pull",
        "d_right + right @ pull",
        claims=("zhang2025.regulariser-rebalances",),
    ),
    "a sign lost from the gradient of the regulariser": Mutant(
        "analysis/landscape.py",
        "slope.mT @ left - balance * right @ gap",
        "slope.mT @ left + balance * right @ gap",
        claims=("zhang2025.exact-points-need-no-balance", "zhang2025.critical-points-balanced"),
    ),
    "the sharp level with another constant": Mutant(
        "analysis/rank_one.py",
        "squared = 27 * ",
        "squared = 25 * ",
        claims=("zhang2019.sharp-level", "zhang2019.threshold-curve"),
    ),
    "an angle forgotten": Mutant(
        "analysis/rank_one.py",
        "product = size * (1 - cosine)",
        "product = size",
        claims=("zhang2019.exact-constant",),
    ),
    "a damping squared": Mutant(
        "methods/preconditioned.py",
        ".pow(self.power / 2)",
        ".pow(self.power)",
        claims=("zhang2023.local-rates",),
    ),
    "both factors preconditioned by one": Mutant(
        "methods/scaled.py",
        "precondition(d_right, left, damping)",
        "precondition(d_right, right, damping)",
        claims=("tong2021.covariance",),
    ),
    "the wrong sign in ψ": Mutant(
        "analysis/sharp_threshold.py",
        "half = (1 + delta) / (2 * math.sqrt(ratio))",
        "half = (1 - delta) / (2 * math.sqrt(ratio))",
        claims=("zhang2025.near-second-order",),
    ),
    "a planted direction with the ratio for its root": Mutant(
        "analysis/planted.py",
        "root = math.sqrt(alone / j)",
        "root = alone / j",
        claims=("zhang2025.planted-family", "zhang2025.quartic-escape"),
    ),
    "no sign in the compiled pass": Mutant(
        "kernels/dense_cpu.py",
        "r0, r1, r2, r3 = sign(r0), sign(r1), sign(r2), sign(r3)",
        "r0, r1, r2, r3 = r0, r1, r2, r3",
        tests=("kernels/test_dense_cpu.py::test_one_pass_equals_the_two_products",),
    ),
    "uphill in the compiled loop": Mutant(
        "kernels/dense_loop_cpu.py",
        "shift(f[b], -size, d_f[b])",
        "shift(f[b], size, d_f[b])",
        tests=("kernels/test_dense_loop.py::test_every_batch",),
    ),
    "steps of the compiled loop not normalised": Mutant(
        "kernels/dense_loop_cpu.py",
        "for _ in range(norms):",
        "for _ in range(norms - 1):",
        tests=("kernels/test_dense_loop.py::test_every_rule_on_either_loss",),
    ),
    "negative eigenvalues forgotten in the compiled norm": Mutant(
        "kernels/norm_cpu.py",
        "return p <= 0.0 or q <= 0.0",
        "return p <= 0.0",
        tests=("kernels/test_norm_cpu.py::test_random", "kernels/test_norm_cpu.py::test_tiny"),
    ),
    "another step bypassed": Mutant(
        "methods/method.py",
        'if "step" in vars(cls):',
        'if "advance" in vars(cls):',
        tests=("methods/test_method.py::test_another_step_is_not_bypassed",),
    ),
    "one Gram matrix for both factors in the compiled loop": Mutant(
        "kernels/population_cpu.py",
        "lanes.step_of(gram_x, y, x, spectrum, eta, group, t)",
        "lanes.step_of(gram_y, y, x, spectrum, eta, group, t)",
        tests=("kernels/test_population_cpu.py::test_pairs",),
    ),
    "the last m mod 4 rows forgotten in the compiled pass": Mutant(
        "kernels/dense_cpu.py",
        "for i in range(whole, end):",
        "for i in range(end, end):",
        claims=("engine.kernels-change-nothing",),
    ),
    "a residual that is never computed anew": Mutant(
        "methods/mixed.py",
        "if due:",
        "if False:",
        claims=("engine.residual-by-its-change",),
    ),
    "verdicts without controls": Mutant(
        "claims/verdict.py",
        'verdict = by_criteria if supported else "inconclusive"',
        "verdict = by_criteria",
        tests=("claims/test_verdict.py::test_without_a_firing_control_nothing_is_concluded",),
    ),
    "only the last variant of a control counts": Mutant(
        "claims/verdict.py",
        "silent, total = silent + inside + (not values), total + len(values)",
        "silent, total = inside + (not values), total + len(values)",
        tests=("claims/test_verdict.py::test_without_a_firing_control_nothing_is_concluded",),
    ),
    "only the last criterion's control counts": Mutant(
        "claims/verdict.py",
        "fired = fired and silent == 0",
        "fired = silent == 0",
        tests=("claims/test_verdict.py::test_every_other_criterion_is_asked_of_the_control",),
    ),
    "a positive control that need not meet anything": Mutant(
        "claims/verdict.py",
        "fired = fired and 0 < total == met",
        "fired = fired and 0 < total",
        tests=("claims/test_verdict.py::test_a_positive_control_must_meet_every_criterion",),
    ),
    "a failed variant outvoted by a later unclear one": Mutant(
        "claims/verdict.py",
        'state = "failed" if decisive or state == "failed" else "unclear"',
        'state = "failed" if decisive else "unclear"',
        tests=(
            "claims/test_verdict.py::test_a_violated_variant_outweighs_an_unclear_one",
            "claims/test_verdict.py::test_a_variant_decisively_outside_outweighs_unclear_ones_before_and_after",
        ),
    ),
    "series shorter than the seeds": Mutant(
        "claims/verdict.py",
        "is_pooled or len(values) == seeds or",
        "is_pooled or 0 < len(values) <= seeds or",
        tests=("claims/test_verdict.py::test_a_series_that_has_not_one_value_per_seed_is_an_error",),
    ),
    "a pooled control by its value alone": Mutant(
        "claims/verdict.py",
        "left, right = interval or (value, value)",
        "left, right = value, value",
        tests=("claims/test_verdict.py::test_pooled_values_are_judged_by_their_interval",),
    ),
    "an unexpected verdict shown as expected": Mutant(
        "claims/pages.py",
        'verdict_word(r["verdict"])\n            + ("" if as_expected(r)',
        'verdict_word(r["expected"])\n            + ("" if as_expected(r)',
        tests=(
            "claims/test_pages.py::test_the_table_shows_the_verdict_that_was_found_and_says_if_another_was_expected",
        ),
    ),
    "a ledger that shows anything": Mutant(
        "claims/ledger.py",
        "for r in records if not as_expected(r)]",
        "for r in records if False]",
        tests=("claims/test_ledger.py::test_the_ledger_is_not_shown_if_a_verdict_is_not_the_expected_one",),
    ),
    "a control column that repeats the measurement": Mutant(
        "claims/box.py",
        'criterion, record["control"]["measured"].get(quantity, {})',
        'criterion, record["measured"].get(quantity, {})',
        tests=("claims/test_box.py::test_measurement_and_control_stand_in_their_own_columns",),
    ),
    "our own statements counted as the papers'": Mutant(
        "claims/pages.py",
        'counts([r for r in records if r["origin"] == name])',
        "counts(records)",
        tests=("claims/test_pages.py::test_the_state_counts_by_origin_and_the_papers_come_first",),
    ),
    "edges that always pass": Mutant(
        "claims/runner.py",
        "if judgement.by_criteria == claim.expected:",
        "if True:",
        tests=("claims/test_runner.py::test_edges_that_are_not_as_declared_are_found",),
    ),
    "sizes outside the standing assumptions": Mutant(
        "claims/runner.py",
        "standing.check(chosen, claim.waives)",
        "pass",
        tests=(
            "claims/test_runner.py::test_sizes_outside_a_standing_assumption_are_refused_before_anything_runs",
        ),
    ),
    "one stream for truth and operator": Mutant(
        "truth.py",
        "orthonormal(seeds, name, n, rank, dtype, device)",
        'orthonormal(seeds, "sensing", n, rank, dtype, device)',
        tests=("test_randomness.py::test_truth_operator_noise_and_start_draw_from_streams_of_their_own",),
    ),
    "a result of other code in the ledger": Mutant(
        "claims/ledger.py",
        'record["core_hash"] == provenance.core_hash(),',
        "True,",
        tests=("claims/test_ledger.py::test_a_result_of_other_code_is_refused",),
    ),
    "a verdict taken for expected although its control is silent": Mutant(
        "claims/result.py",
        'record["verdict"] == record["expected"] and record["control"]["fired"]',
        'record["verdict"] == record["expected"]',
        tests=("claims/test_ledger.py::test_as_expected_asks_for_the_verdict_and_the_control",),
    ),
    "a claim counted twice": Mutant(
        "__main__.py",
        "require(times == 1,",
        "require(times >= 1,",
        tests=("test_terminal.py::test_what_cannot_be_run_as_asked_is_refused",),
    ),
    "skipped claims passed over in silence": Mutant(
        "__main__.py",
        "return CRASHED if skipped else 0",
        "return 0",
        tests=("test_terminal.py::test_claims_whose_packages_are_missing_are_skipped_and_counted",),
    ),
    "kernels without their compiler": Mutant(
        "kernels/__init__.py",
        "        and not _INTERPRETED\n",
        "",
        tests=("test_terminal.py::test_without_numba_s_compiler_runs_go_through_torch_and_doctor_says_so",),
    ),
    "a verdict that may raise": Mutant(
        "tools/chapters.py",
        'or said.get("check_exception")',
        "",
        tests=("book/test_faults.py::test_a_page_that_could_hide_a_failure_is_refused",),
    ),
    "a claim that its page runs and never requires": Mutant(
        "tools/chapters.py",
        'in sorted(ran - shown - {"?"}):',
        "in ():",
        tests=("book/test_faults.py::test_a_page_that_could_hide_a_failure_is_refused",),
    ),
    "records that nobody judges": Mutant(
        "tools/book.py",
        "if found != expected:",
        "if False:",
        tests=(
            "book/test_faults.py::test_a_chapter_is_refused_by_the_records_of_its_claims_whatever_its_cells_made_of_them",
        ),
    ),
    "a record whose page does not show it": Mutant(
        "tools/book.py",
        "if claim_id not in shown:",
        "if False:",
        tests=(
            "book/test_faults.py::test_a_chapter_is_refused_by_the_records_of_its_claims_whatever_its_cells_made_of_them",
        ),
    ),
    "edited records taken for what a chapter wrote": Mutant(
        "tools/outputs.py",
        'if _digests(files) != manifest["files"]:',
        "if False:",
        tests=("book/test_outputs.py::test_an_edited_record_is_found",),
    ),
    "chapters that compute with another checkout": Mutant(
        "tools/book.py",
        '"PYTHONPATH": str(book.root),',
        '"PYTHONPATH": os.environ.get("PYTHONPATH", ""),',
        tests=("book/test_kernels.py::test_kernels_see_only_this_checkout_and_start_from_this_python",),
    ),
    "a kernel that is not asked which core it took": Mutant(
        "tools/book.py",
        "if core and not Path(core)",
        "if False and not Path(core)",
        tests=("book/test_kernels.py::test_a_chapter_that_finds_another_core_fails",),
    ),
    "outputs of other packages": Mutant(
        "tools/book.py",
        "[*packages, *switches]",
        "switches",
        tests=(
            "book/test_kernels.py::test_the_key_holds_what_is_installed_and_every_switch_that_changes_numbers",
        ),
    ),
    "a control that somebody made up": Mutant(
        "claims/jiang2022.py",
        "evidence.broken(STOPPED, errors[:, -1])",
        "evidence.broken(STOPPED, torch.full_like(errors[:, -1], 9.0))",
        tests=("claims/jiang2022/test_early_stopping.py::test_every_series_depends_on_the_seeds",),
    ),
    "a measurement that somebody made up": Mutant(
        "claims/jiang2022.py",
        "evidence.found(STOPPED, errors.gather(1, torch.searchsorted(grid, stop)[:, None])[:, 0])",
        "evidence.found(STOPPED, torch.full_like(errors[:, 0], 1.004))",
        tests=("claims/jiang2022/test_early_stopping.py::test_every_series_depends_on_the_seeds",),
    ),
    "downloads with references that only Sphinx reads": Mutant(
        "tools/plain.py",
        "ROLE.sub(words, text)",
        "text",
        tests=(
            "book/test_downloads.py::test_what_a_page_says_in_directives_is_said_without",
            "book/test_downloads.py::test_what_has_no_plain_form_fails_the_build",
        ),
    ),
    "old pages beside a failed build": Mutant(
        "tools/book.py",
        "    withdraw(book)\n    seconds",
        "    seconds",
        tests=("book/test_kernels.py::test_clean_and_failed_builds_leave_no_pages",),
    ),
}
CLAIMS = sorted({claim_id for mutant in MUTANTS.values() for claim_id in mutant.claims})
TESTS = sorted({node for mutant in MUTANTS.values() for node in mutant.tests})


@pytest.fixture
def run(tmp_path, request):
    """Run a module on a copy of the core, in a process of its own; returns status and output.

    Compiled kernels run only where one of them is broken: elsewhere they would stand in for what is.
    """
    mutant = getattr(request.node, "callspec", None) and request.node.callspec.params.get("mutant")
    kernels = "torch" if mutant and not mutant.file.startswith("kernels/") else "auto"
    shutil.copytree(
        ROOT / "lowrank_core", tmp_path / "lowrank_core", ignore=shutil.ignore_patterns("__pycache__")
    )

    shutil.copytree(ROOT / "tools", tmp_path / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    seen = os.pathsep.join([str(tmp_path), str(tmp_path / "tools")])
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "LOWRANK"))
    }

    def run_module(module, *arguments):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, module, *arguments],
            cwd=tmp_path,
            env=environment | {"PYTHONPATH": seen, "LOWRANK_KERNELS": kernels},
            capture_output=True,
            text=True,
        )
        where, _, output = done.stdout.partition("\n")
        assert where == str(tmp_path / "lowrank_core" / "__init__.py"), done.stderr
        return done.returncode, output, done.stderr

    return run_module


def judge(run, claim_ids):
    """Exit status, and which of the claims came out as expected."""
    status, output, errors = run(
        "lowrank_core", "claims", "run", *claim_ids, "--scale", "smoke", "--json", "-"
    )
    assert status in (0, 1), errors
    return status, {
        r["id"]: r["verdict"] == r["expected"] and r["control"]["fired"] for r in json.loads(output)
    }


def check(run, nodes):
    """Exit status of pytest, the tests that failed (less their parameters), and whether by assertions alone."""
    config = (
        "-c",
        str(ROOT / "pyproject.toml"),
        "--rootdir",
        str(ROOT),
        "-p",
        "no:cacheprovider",
        "-o",
        "pythonpath=",
    )
    status, output, errors = run(
        "pytest", *config, "--tb=line", *(str(ROOT / "tests" / node) for node in nodes)
    )
    assert status in (0, 1), output + errors
    failed = set(re.findall(r"^(?:FAILED|ERROR) \S*/tests/([^\s\[]+)", output, re.MULTILINE))
    errors = set(re.findall(r"^\S+\.py:\d+: (\w+)", output, re.MULTILINE))
    # "Failed" is what pytest.raises says of an error that did not come.
    return status, failed, errors <= {"assert", "AssertionError", "Failed"}


def test_an_unchanged_copy_has_its_claims_judged_as_expected(run):
    assert judge(run, CLAIMS) == (0, dict.fromkeys(CLAIMS, True))


@pytest.mark.slow
def test_an_unchanged_copy_passes_its_tests(run):
    assert check(run, TESTS) == (0, set(), True)


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=MUTANTS)
def test_mutant_is_caught(mutant, run, tmp_path):
    path = tmp_path.joinpath(*["lowrank_core"] * (not mutant.file.startswith("tools/")), mutant.file)
    source = path.read_text()
    assert source.count(mutant.old) == 1
    path.write_text(source.replace(mutant.old, mutant.new))
    assert mutant.claims or mutant.tests
    if mutant.claims:
        assert judge(run, mutant.claims) == (1, dict.fromkeys(mutant.claims, False))
    if mutant.tests:
        assert check(run, mutant.tests) == (1, {node.partition("[")[0] for node in mutant.tests}, True)


def test_a_stored_result_that_was_changed_and_hashed_anew_is_caught(run, tmp_path):
    name, node = "zhang2025-race", "test_what_is_stored_is_what_was_put_under_version_control_on_purpose"
    content = artefacts.read(name)
    changed = json.loads(re.sub(r"\b1\.", "2.", json.dumps(content)))
    assert changed != content
    artefacts.write(name, changed, tmp_path / "lowrank_core" / "artefacts")
    assert check(run, [f"test_artefacts.py::{node}"]) == (1, {f"test_artefacts.py::{node}"}, True)
