"""The verdict on a claim, derived from its declaration and its evidence; nobody types one.

1. The control fires if, on every seed, it is finite and violates the criterion of every quantity in `breaks`.
   A claim whose control did not fire is inconclusive, whatever its own numbers say.
2. The claim holds if every criterion is met by every variant on every seed.
3. It is refuted if a criterion fails decisively: for identities and bounds by any violation, for the other
   kinds if the 95 % interval of the mean over the seeds lies outside the accepted range.
4. Anything else, NaN and missing seeds included, is inconclusive.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lowrank_core.analysis.statistics import mean_interval
from lowrank_core.claims.claim import UNIVERSAL_KINDS, Claim, Criterion, Evidence, Verdict
from lowrank_core.errors import require


@dataclass(frozen=True)
class Judgement:
    """A verdict with its reasons, one line per criterion, and whether the control fired."""

    verdict: Verdict
    reasons: tuple[str, ...]
    control_fired: bool


def judge(claim: Claim, evidence: Evidence) -> Judgement:
    """Derive the verdict.

    Raises:
        ArgumentError: the evidence lacks a quantity, a variant or a prediction that the criteria speak of.
    """
    fired, control_reasons = _control_fires(claim, evidence)
    outcomes = [_outcome(claim, evidence, criterion) for criterion in claim.criteria]
    states = [state for state, _ in outcomes]
    verdict: Verdict = "holds"
    if not fired or "unclear" in states:
        verdict = "inconclusive"
    if fired and "failed" in states:
        verdict = "refuted"
    return Judgement(verdict, (*(reason for _, reason in outcomes), *control_reasons), fired)


def _control_fires(claim: Claim, evidence: Evidence) -> tuple[bool, list[str]]:
    fired, reasons = True, []
    for criterion in claim.criteria:
        if criterion.quantity not in claim.breaks:
            continue
        broken = total = 0
        for variant, values in _series(claim, evidence.control, criterion.quantity, "control").items():
            low, high = _limits(claim, evidence, criterion, variant)
            outside = sum(math.isfinite(v) and (v < low or v > high) for v in values)
            fired = fired and 0 < len(values) == outside
            broken, total = broken + outside, total + len(values)
        reasons.append(f"control breaks “{criterion}” on {broken} of {total}")
    return fired, reasons


def _outcome(claim: Claim, evidence: Evidence, criterion: Criterion) -> tuple[str, str]:
    met, total, state, remarks = 0, 0, "met", []
    for variant, values in _series(claim, evidence.measured, criterion.quantity, "measured").items():
        low, high = _limits(claim, evidence, criterion, variant)
        inside = sum(low <= v <= high for v in values)
        met, total = met + inside, total + len(values)
        if values and inside == len(values):
            continue
        decisive, why = _failure(claim, values, low, high)
        remarks.append(f"{variant}: {why}" if variant else why)
        state = "failed" if decisive or state == "failed" else "unclear"
    return state, "; ".join([f"“{criterion}” met on {met} of {total}", *remarks])


def _failure(claim: Claim, values: Sequence[float], low: float, high: float) -> tuple[bool, str]:
    """Whether values that do not all meet a criterion refute it, and why."""
    if not values or not all(math.isfinite(v) for v in values) or math.isnan(low):
        return False, "values or prediction missing or not finite"
    if claim.kind in UNIVERSAL_KINDS:
        return True, "violated"
    left, right = mean_interval(values)
    decisive = right < low or left > high
    return decisive, f"interval of the mean {'outside' if decisive else 'not decisive'}"


def _series(
    claim: Claim, source: dict[str, dict[str, list[float]]], quantity: str, where: str
) -> dict[str, list[float]]:
    series = source.get(quantity, {})
    require(
        bool(series),
        f"claim {claim.id}: {where}",
        sorted(source),
        f"the evidence has no series for {quantity!r}, which a criterion speaks of",
        "return it from the claim's function",
    )
    return series


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
