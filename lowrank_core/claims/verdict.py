"""The verdict on a claim, derived from its declaration and its evidence; nobody types one.

1. The control fires if, for every variant and on every seed, it is finite and violates every criterion, but for
   those that say why none can break them. A pooled value violates if its whole interval lies outside the range.
2. A positive control, where one is declared, must meet every criterion on every seed. It takes the place of a
   control in a claim that is expected to be refuted, which cannot come out as holding then.
3. A claim whose controls did not do so is inconclusive, whatever its own numbers say.
4. The claim holds if every criterion is met, by finite values, by every variant on every seed.
5. It is refuted if a criterion fails decisively: for identities, bounds and exact certificates by any violation,
   for the other kinds, and for every pooled value, if the 95 % interval over the seeds lies outside the range.
6. Anything else is inconclusive: values that are not finite, predictions that say nothing, pooled values without an
   interval.

Evidence that is not tied to the seeds is an error: see `check`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lowrank_core.analysis.statistics import mean_interval
from lowrank_core.claims.claim import UNIVERSAL_KINDS, Claim, Criterion, Evidence, Verdict
from lowrank_core.claims.evidence import ROLES
from lowrank_core.errors import require


@dataclass(frozen=True)
class Judgement:
    """A verdict with its reasons, one line per criterion, and whether the controls did their work."""

    verdict: Verdict
    reasons: tuple[str, ...]
    control_fired: bool
    by_criteria: Verdict
    """What the criteria say by themselves, whatever the controls did."""


def judge(claim: Claim, evidence: Evidence, seeds: int) -> Judgement:
    """Derive the verdict from evidence over so many seeds.

    Raises:
        ArgumentError: as `check`.
    """
    check(claim, evidence, seeds)
    fired, control_reasons = _control_fires(claim, evidence)
    outcomes = [_outcome(claim, evidence, criterion) for criterion in claim.criteria]
    states = [state for state, _ in outcomes]
    by_criteria: Verdict = "holds"
    if "unclear" in states:
        by_criteria = "inconclusive"
    if "failed" in states:
        by_criteria = "refuted"
    nothing_broken = not claim.control and not all(c.uncontrolled for c in claim.criteria)
    supported = fired and not (by_criteria == "holds" and nothing_broken)
    verdict = by_criteria if supported else "inconclusive"
    reasons = (*(reason for _, reason in outcomes), *control_reasons)
    return Judgement(verdict, reasons, fired, by_criteria)


def check(claim: Claim, evidence: Evidence, seeds: int) -> None:
    """Refuse evidence on which a verdict would say more than was measured.

    Raises:
        ArgumentError: a quantity, a variant or a prediction is missing that the criteria speak of; a series has
            not one value per seed and is not declared pooled or exact; a prediction belongs to no series.
    """

    def found(condition: bool, where: str, value: object, problem: str, fix: str) -> None:
        require(condition, f"claim {claim.id}: {where}", value, problem, fix)

    criteria = {criterion.quantity: criterion for criterion in claim.criteria}
    for role, quantities in (
        ("measured", criteria),
        ("control", claim.broken),
        ("positive", criteria if claim.positive else ()),
    ):
        series: Mapping[str, Mapping[str, Sequence[float]]] = getattr(evidence, role)
        for quantity in quantities:
            found(
                bool(series.get(quantity)),
                role,
                sorted(series),
                f"the evidence has no series for {quantity!r}, which a criterion speaks of",
                "return it from the claim's function",
            )
    for role, quantity, variant, values in evidence.series():
        criterion = criteria.get(quantity)
        is_pooled = (role, quantity, variant) in evidence.intervals
        found(
            criterion is None or is_pooled == bool(criterion.pooled),
            role,
            quantity if not variant else f"{quantity} ({variant})",
            "a pooled value and a pooled criterion go together",
            "name the statistic in Criterion(pooled=...) and return statistics.pooled(...)",
        )
        found(
            is_pooled or len(values) == seeds or (criterion is not None and bool(criterion.exact)),
            role,
            quantity if not variant else f"{quantity} ({variant})",
            f"it has {len(values)} values for {seeds} seeds",
            "return one value per seed, or declare the criterion pooled or exact",
        )
    for quantity, predicted in evidence.predicted.items():
        variants = {name for role in ROLES for name in getattr(evidence, role).get(quantity, {})}
        named = {str(name) for name in predicted} if isinstance(predicted, Mapping) else set()
        found(
            bool(variants) and named <= variants,
            "predicted",
            sorted(named - variants) or quantity,
            f"a prediction of {quantity!r} that no series has a value for",
            f"name variants that were measured: {sorted(variants)}",
        )


def _control_fires(claim: Claim, evidence: Evidence) -> tuple[bool, list[str]]:
    fired, reasons = True, []
    for criterion in claim.criteria:
        if criterion.quantity in claim.broken:
            silent, total = 0, 0
            for variant, values in evidence.control[criterion.quantity].items():
                low, high = _limits(claim, evidence, criterion, variant)
                interval = evidence.intervals.get(("control", criterion.quantity, variant))
                inside = sum(not _outside(v, interval, low, high) for v in values)
                silent, total = silent + inside + (not values), total + len(values)
            fired = fired and silent == 0
            reasons.append(f"control breaks “{criterion}” on {total - silent} of {total}")
        elif criterion.uncontrolled:
            reasons.append(f"no control of “{criterion}”, because {criterion.uncontrolled}")
        if claim.positive:
            met, total = _count_met(claim, evidence, criterion, "positive")
            fired = fired and 0 < total == met
            reasons.append(f"positive control meets “{criterion}” on {met} of {total}")
    return fired, reasons


def _outside(value: float, interval: tuple[float, float] | None, low: float, high: float) -> bool:
    """Whether a control's value is finite and violates the range, decisively if it is pooled."""
    if not math.isfinite(value):
        return False
    left, right = interval or (value, value)
    return right < low or left > high


def _inside(value: float, low: float, high: float) -> bool:
    return math.isfinite(value) and low <= value <= high


def _count_met(claim: Claim, evidence: Evidence, criterion: Criterion, role: str) -> tuple[int, int]:
    met = total = 0
    for variant, values in getattr(evidence, role)[criterion.quantity].items():
        low, high = _limits(claim, evidence, criterion, variant)
        met, total = met + sum(_inside(v, low, high) for v in values), total + len(values)
        if not values:
            return 0, 0
    return met, total


def _outcome(claim: Claim, evidence: Evidence, criterion: Criterion) -> tuple[str, str]:
    state, remarks = "met", []
    for variant, values in evidence.measured[criterion.quantity].items():
        low, high = _limits(claim, evidence, criterion, variant)
        interval = evidence.intervals.get(("measured", criterion.quantity, variant))
        without = interval is not None and not all(map(math.isfinite, interval))
        if values and not without and all(_inside(v, low, high) for v in values):
            continue
        decisive, why = _failure(claim, criterion, values, interval, low, high)
        remarks.append(f"{variant}: {why}" if variant else why)
        state = "failed" if decisive or state == "failed" else "unclear"
    met, total = _count_met(claim, evidence, criterion, "measured")
    return state, "; ".join([f"“{criterion}” met on {met} of {total}", *remarks])


def _failure(
    claim: Claim,
    criterion: Criterion,
    values: Sequence[float],
    interval: tuple[float, float] | None,
    low: float,
    high: float,
) -> tuple[bool, str]:
    """Whether values that do not all meet a criterion refute it, and why."""
    if not values or not all(math.isfinite(v) for v in values) or math.isnan(low):
        return False, "values or prediction missing or not finite"
    if interval is None and (criterion.exact or claim.kind in UNIVERSAL_KINDS):
        return True, "violated"
    left, right = interval or mean_interval(values)
    decisive = right < low or left > high
    what = f"interval of the {criterion.pooled or 'mean'}"
    return decisive, f"{what} {'outside' if decisive else 'not decisive'}"


def _limits(claim: Claim, evidence: Evidence, criterion: Criterion, variant: str) -> tuple[float, float]:
    predicted = evidence.prediction(criterion.quantity, variant)
    require(
        predicted is not None or not criterion.of_prediction,
        f"claim {claim.id}: predicted",
        sorted(evidence.predicted),
        f"no prediction of {criterion.quantity!r} for variant {variant!r}",
        "return it from the claim's function",
    )
    return criterion.bounds(math.nan if predicted is None else predicted)
