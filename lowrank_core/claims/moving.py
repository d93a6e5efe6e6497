"""The book's figures that move, where one parameter is the message; each says at every position what it shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from lowrank_core import artefacts, plots, sliders
from lowrank_core.analysis import landscape
from lowrank_core.analysis.planted import planted
from lowrank_core.claims.result import Result
from lowrank_core.factors import Factors
from lowrank_core.methods import GradientDescent
from lowrank_core.problem import Problem
from lowrank_core.solver import solve

MAIN, OTHER = plots.COLOURS[:2]
FALSE = "#d64545"


def slowdown() -> sliders.MovingSvg:
    """Error curves by k − r, from the stored grid, each on its predicted line."""
    stored = artefacts.read("grid-slowdown")
    eta, extras = stored["record"]["sizes"]["eta"], list(stored["curves"])
    figure, (axes,) = plots.figure(height=3.4)
    frames = sliders.Frames(figure, {"extra rank k − r": extras}, shown=("3",))
    for extra in extras:
        curve = _every_second(stored["curves"][extra])
        time = eta * torch.tensor(curve["steps"], dtype=torch.float64)
        end, predicted = (
            stored["curves"][extra]["median"][-1],
            int(extra) / (4 * (eta * stored["curves"][extra]["steps"][-1]) ** 2),
        )
        says = (
            f"k − r = {extra}: the squared error ends at {_power(end)}; (k − r)/(4(ηT)²) is {_power(predicted)}"
            if extra != "0"
            else f"k − r = 0: no extra rank; the error falls exponentially, to {_power(end, 1)}, which is rounding"
        )
        with frames.at(extra, says=says):
            plots.stored_band(axes, time, curve, "measured", MAIN)
            if extra != "0":
                late = time[time > 10][[0, -1]]
                plots.predicted(axes, late, int(extra) / (4 * late**2))
    axes.set(xscale="log", yscale="log", ylim=(1e-9, 1e2), xlabel="time ηT", ylabel="squared error")
    return frames.themed(
        "The more the search rank k exceeds the true rank r, the larger the error at every late time: each curve "
        "lies on its own predicted line of slope −2; for k = r the error falls exponentially."
    )


def outliers() -> sliders.MovingSvg:
    """Errors of the sub-gradient method by level of outliers and number of measurements, from the stored grid."""
    stored = artefacts.read("grid-outliers")
    sizes = stored["record"]["sizes"]
    levels, ms = [f"{p:g}" for p in sizes["ps"]], [str(m) for m in sizes["grid_ms"]]
    figure, (axes,) = plots.figure(height=3.6)
    frames = sliders.Frames(figure, {"outliers p": levels, "measurements m": ms}, shown=("0.4", "500"))
    for p in levels:
        for m in ms:
            found = stored["curves"][f"{p}, {m}"]
            curve = _every_second(found)
            low, middle, high = (found[name][-1] for name in ("lowest", "median", "highest"))
            ends = f"{_power(middle, 1)}, over the seeds {_power(low, 1)} to {_power(high, 1)}"
            says = (
                f"p = {p}, m = {m}: the error ends at {ends}; m(1 − p)² = {int(m) * (1 - float(p)) ** 2:.0f}"
            )
            with frames.at(p, m, says=says):
                steps = torch.tensor(curve["steps"], dtype=torch.float64)
                plots.stored_band(axes, steps, curve, "measured", MAIN)
    axes.set(yscale="log", ylim=(1e-12, 1e2), xlabel="iteration", ylabel="error  ‖XXᵀ − M*‖")
    return frames.themed(
        "With more outliers the error levels off higher, with more measurements lower; where m(1 − p)² is large, "
        "the truth is recovered."
    )


def start_scale(rate: Result) -> sliders.MovingSvg:
    """Errors of asymmetric gradient descent by the scale of the start, with the rate that the start predicts."""
    runs, predicted = rate.curves["runs"], rate.curves["predicted"].median(dim=0).values
    figure, (axes,) = plots.figure(height=3.6)
    scales = [f"{case.number:g}" for case in runs]
    frames = sliders.Frames(figure, {"scale of the start α": scales}, shown=(scales[len(scales) // 2],))
    found = rate.curves["rates"].median(dim=0).values
    for i, (alpha, run) in enumerate(zip(scales, runs.values(), strict=True)):
        says = (
            f"α = {alpha}: the logarithm of the squared error falls by {_power(-float(found[i]))} per iteration; "
            f"the start alone predicts {_power(-float(predicted[i]))}"
        )
        with frames.at(alpha, says=says):
            plots.spread(axes, run.steps, run.error, f"α = {alpha}", MAIN)
            middle = run.error.median(dim=0).values
            falling = (middle < 1e-6) & (middle > 1e-26)
            steps = run.steps[falling]
            law = middle[falling][0] * torch.exp(predicted[i].cpu() * (steps - steps[0]))
            plots.predicted(axes, steps, law)
    axes.set(yscale="log", xlim=(0, 12_000), ylim=(1e-30, 1e2))
    axes.set(xlabel="iteration T", ylabel="squared error  ‖FGᵀ − M*‖²")
    return frames.themed(
        "The error falls exponentially, the faster the larger the start: its rate goes like the square of the "
        "scale."
    )


def adversary(threshold: Result) -> sliders.MovingSvg:
    """The error by the time at which a flow is stopped, for perturbations of each size ε."""
    stops, map_ = threshold.curves["cs"], threshold.curves["map"]
    chosen = range(0, len(map_), -(-len(map_) // 12))
    sizes = {f"{threshold.curves['epsilons'][i]:.2f}": i for i in chosen}
    figure, (axes,) = plots.figure(height=3.6)
    frames = sliders.Frames(
        figure, {"perturbation ε/σ_r": list(sizes)}, shown=(list(sizes)[len(sizes) // 4],)
    )
    for size, i in sizes.items():
        epsilon, errors = float(threshold.curves["epsilons"][i]), map_[i]
        least = int(errors.argmin())
        beyond = (errors > epsilon / 2) & (torch.arange(len(errors)) > least)
        passes = f"passes ε/2 by c = {float(stops[beyond][0]):.2g}" if beyond.any() else "stays below ε/2"
        smallest = float(errors[least])
        how = f"{_power(smallest, 1)} σ_r" if smallest > 1e-12 else "below 10⁻¹² σ_r"
        says = (
            f"ε = {size} σ_r: the error is smallest, {how}, if the flow stops at "
            f"c = {float(stops[least]):.2g}, and {passes}; predicted is c = σ_r/(2ε) = {1 / (2 * epsilon):.2g}"
        )
        with frames.at(size, says=says):
            axes.plot(stops, errors, color=MAIN, marker="o", markersize=3, label=f"ε = {size} σ_r")
            across = torch.tensor([1e-13, 1.0], dtype=torch.float64)
            plots.predicted(axes, torch.full((2,), 1 / (2 * epsilon)), across, "σ_r/(2ε)")
            axes.plot(stops, torch.full_like(stops, epsilon), ":", color=OTHER, label="ε")
    axes.set(yscale="log", ylim=(1e-13, 3), xlim=(float(stops[0]), float(stops[-1])))
    axes.set(xlabel="stopping constant c", ylabel="‖FGᵀ − M*‖ / σ_r")
    return frames.themed(
        "The error falls while the flow learns the truth, then rises to ε when it has learnt the perturbation too; "
        "the larger ε, the earlier, and at the dashed threshold."
    )


def trap(deltas: Sequence[float] = (0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7)) -> sliders.MovingSvg:
    """The loss over the plane of X for the planted operator with n = 2 and ranks one, by its constant δ."""
    side = torch.linspace(-2.2, 2.2, 48, dtype=torch.float64)
    grid = torch.cartesian_prod(side, side)[:, :, None]
    names = [f"{delta:g}" for delta in deltas]
    figure, (axes,) = plots.figure(height=4.6)
    frames = sliders.Frames(figure, {"isometry constant δ": names}, shown=(names[len(names) // 4],))
    levels = (torch.arange(1, 10, dtype=torch.float64) / 6).square()
    for name, delta in zip(names, deltas, strict=True):
        case = planted(1, 1, delta, range(1))
        loss = planted(1, 1, delta, range(len(grid))).problem.gradient(Factors(grid))[0]
        assert loss is not None  # a value was asked for
        lowest = float(landscape.spectrum(case.problem, case.point).smallest)
        start = Factors(case.point.left + torch.tensor([[[0.15], [-0.1]]], dtype=torch.float64))
        run = solve(case.problem, GradientDescent(0.02), start, 3000, observables={"X": _left})
        path = run.observed["X"][0, :, :, 0]
        ends = "at the truth" if float(run.error[0, -1]) < 1e-6 else "in the trap, far from the truth"
        kind = "a minimum" if lowest > 1e-9 else "a saddle" if lowest < -1e-9 else "degenerate"
        says = (
            f"δ = {name}: the smallest curvature at the false point is {_signed(lowest)} (the formula has "
            f"{_signed(case.curvature)}), {kind}; a descent from nearby ends {ends}"
        )
        with frames.at(name, says=says):
            axes.contour(
                side, side, loss.reshape(len(side), -1).T, levels=levels, cmap="viridis", linewidths=0.8
            )
            axes.plot(path[:, 0], path[:, 1], color=OTHER, linewidth=2.2, label="descent")
            root = float(case.problem.truth.spectrum[0, 0]) ** 0.5
            axes.plot([-root, root], [0, 0], "*", color=plots.COLOURS[2], markersize=13, label="truth")
            axes.plot([0, 0], [-1, 1], "o", color=FALSE, label="false point")
    axes.set(xlabel="X₁", ylabel="X₂", aspect="equal")
    axes.grid(False)
    return frames.themed(
        "Level lines of the loss over the two entries of X. Below δ = 1/2 the false points on the vertical axis "
        "are saddles and the descent leaves for the truth on the horizontal axis; above they are minima: it stays."
    )


def _left(_: Problem, factors: Factors) -> torch.Tensor:
    return factors.left


def _every_second(curve: Mapping[str, Any]) -> dict[str, list[float]]:
    """A curve as `artefacts.band` stores it, but for the first and then every other of its records."""
    return {name: values[1::2] for name, values in curve.items() if name != "seeds"}


def _power(value: float, digits: int = 2) -> str:
    """A number to some digits, with a power of ten where it is small: 6.2·10⁻⁸."""
    if 1e-3 < abs(value) < 1e4:
        return f"{value:.{digits}g}"
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    raised = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{mantissa}·10{raised}"


def _signed(value: float) -> str:
    """Two decimals, and no minus before a zero."""
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "−")
