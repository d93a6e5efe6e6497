"""The early-stopping claim against a plain integration, and its series against numbers that somebody made up."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from lowrank_core.claims.claim import Setting
from lowrank_core.claims.experiments.small_starts import balanced
from lowrank_core.claims.jiang2022 import RATE, STOPPED
from lowrank_core.claims.registry import find
from lowrank_core.randomness import normal
from lowrank_core.truth import rectangular

SEEDS = (71, 72, 73)


def setting(**sizes):
    declared = find("jiang2022.early-stopping").sizes["smoke"]
    return Setting(SEEDS, SimpleNamespace(**{**declared, **sizes}), torch.device("cpu"))


def series(**sizes):
    found = find("jiang2022.early-stopping").function(setting(**sizes))
    return {(role, quantity, variant): values for role, quantity, variant, values in found.series()}


@pytest.fixture(scope="module")
def declared():
    return series()


def test_every_series_depends_on_the_seeds(declared):
    assert len(declared) >= 5
    for name, values in declared.items():
        assert len(set(values)) == len(SEEDS), name


def test_every_series_depends_on_the_noise(declared):
    for name, values in series(noise=0.1).items():
        assert not np.allclose(values, declared[name], rtol=1e-9, atol=0), name


def test_the_exponent_needs_its_scales(declared):
    other = series(scales=(1e-2, 1e-3))
    rate = ("measured", RATE.quantity, "")
    assert np.max(np.abs(np.array(other[rate]) - declared[rate])) > 1e-3


def test_a_plain_integration_stops_at_the_same_errors(declared):
    s, one = setting().sizes, 1
    truth = rectangular(s.n1, s.n2, s.spectrum, SEEDS).matrix[one].numpy()
    drawn = normal(SEEDS, "observation noise", s.n1, s.n2)[one].numpy()
    seen = truth + drawn * s.noise * s.spectrum[-1] / np.linalg.norm(drawn, 2)
    u, values, vt = np.linalg.svd(seen)
    start = balanced(setting(), s.k, min(s.scales))
    # The claim draws its start in the singular basis of the data.
    f, g = u @ start.left[one].numpy(), vt.T @ start.right[one].numpy()
    rank = len(s.spectrum)
    best = u[:, :rank] * values[:rank] @ vt[:rank]

    def slope(f, g):
        error = seen - f @ g.T
        return error @ g, error.T @ f

    stop, dt = 2 * np.log(1 / min(s.scales)) / (values[rank - 1] + values[rank]), 0.01
    times, errors = [0.0], [np.linalg.norm(f @ g.T - truth)]
    while times[-1] < 20 * stop:
        # Classical Runge–Kutta.
        a = slope(f, g)
        b = slope(f + dt / 2 * a[0], g + dt / 2 * a[1])
        c = slope(f + dt / 2 * b[0], g + dt / 2 * b[1])
        d = slope(f + dt * c[0], g + dt * c[1])
        f, g = (
            x + dt / 6 * (p + 2 * q + 2 * r + t) for x, p, q, r, t in zip((f, g), a, b, c, d, strict=True)
        )
        times.append(times[-1] + dt)
        errors.append(np.linalg.norm(f @ g.T - truth))
    relative = np.array(errors) / np.linalg.norm(best - truth)
    assert np.interp(stop, times, relative) == pytest.approx(
        declared["measured", STOPPED.quantity, ""][one], rel=1e-5
    )
    assert relative[-1] == pytest.approx(declared["control", STOPPED.quantity, ""][one], rel=0.01)
